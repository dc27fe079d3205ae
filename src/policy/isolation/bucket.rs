//! The bucket's policy: no stranger gets anything, no member more than its own folders.

use std::collections::BTreeMap;

use super::probe::{Outcome, Try, refute};
use super::reach::{OWN_ACCOUNT, instance};
use super::reader::{CHANGES, LISTS, READS, Target};
use super::{Archive, Invariant, Isolation, Violation};
use crate::ids::{AccountId, Arn};
use crate::policy::document::{Effect, PrincipalElement, Principals, ResourceElement, Statement};
use crate::policy::evaluate::{Caller, Context, Named, Place, covers_action, full_access};
use crate::policy::lint::outside_grants;

/// The account of somebody who has nothing to do with the organization.
const STRANGER: &str = "000000000000";

/// Checks the bucket's policy.
pub(super) fn check(archive: &Archive, result: &mut Isolation) {
    let Some(policy) = archive.bucket_policy else { return };
    for (index, statement) in policy.statements.iter().enumerate() {
        if statement.effect == Effect::Deny {
            continue;
        }
        let place = Place { document: "bucket policy".into(), index, sid: statement.sid.clone() };
        check_outside(archive, statement, &place, result);
        check_inside(archive, statement, policy.version.as_deref(), &place, result);
    }
}

/// Returns requests that a statement is about, for the files of an account.
fn tries(archive: &Archive, statement: &Statement, account: &str) -> Vec<Try> {
    let file = |key: String| archive.object_arn(&key);
    let keys = || archive.sample_keys(account).into_iter().map(file);
    let covered = |action: &&&'static str| covers_action(statement, action);
    let mut all = Vec::new();
    for action in READS.iter().filter(covered) {
        all.extend(keys().map(|file| Try::on(action, file)));
    }
    for action in LISTS.iter().filter(covered) {
        let prefixes = archive.folders(account).into_iter().chain([String::new()]);
        all.extend(prefixes.map(|prefix| Try { action, ..Try::listing(archive, &prefix) }));
    }
    for (action, target) in CHANGES.iter().filter(|(action, _)| covers_action(statement, action)) {
        match target {
            Target::Object => all.extend(keys().take(1).map(|file| Try::on(action, file))),
            Target::Bucket => all.push(Try::on(action, archive.bucket_arn.as_str())),
            Target::Key | Target::Role | Target::OtherRole => {}
        }
    }
    all
}

/// Returns reads of what the statement itself names in the bucket.
fn named_files(archive: &Archive, statement: &Statement) -> Vec<Try> {
    let Some(ResourceElement::Is(list)) = &statement.resource else { return Vec::new() };
    let files = list.iter().filter(|resource| archive.may_touch(resource)).map(|resource| instance(resource, STRANGER));
    let Some(action) = READS.into_iter().find(|action| covers_action(statement, action)) else { return Vec::new() };
    files.take(4).map(|file| Try::on(action, file)).collect()
}

/// Returns accounts whose files are tried: those that the statement names, and the first two others.
fn victims<'a>(archive: &'a Archive, statement: &Statement, own: &str) -> Vec<&'a AccountId> {
    let text = statement.to_value().to_string();
    let others = || archive.accounts.iter().filter(|account| account.as_str() != own);
    let named = others().filter(|account| text.contains(account.as_str()));
    named.take(8).chain(others().take(2)).collect()
}

fn invariant_of(action: &str) -> Invariant {
    if READS.contains(&action) {
        Invariant::ReadsOnlyOwn
    } else if LISTS.contains(&action) {
        Invariant::ListsOnlyOwn
    } else {
        Invariant::WritesNothing
    }
}

/// A statement that is open to strangers is a violation unless another statement denies them, which is tried.
fn check_outside(archive: &Archive, statement: &Statement, place: &Place, result: &mut Isolation) {
    let outside = outside_grants(statement, Some(archive.organization_id), archive.accounts, archive.trusted);
    let Some(grant) = outside else { return };
    let victim = archive.accounts.iter().next().map_or(OWN_ACCOUNT, AccountId::as_str);
    let mut tries = named_files(archive, statement);
    tries.extend(self::tries(archive, statement, victim));
    if tries.is_empty() {
        return;
    }
    let own = full_access();
    let identity = [Named { name: "the stranger's own policies", document: &own }];
    for caller in outsiders(archive, &grant.principal) {
        let outcome = refute(tries.clone(), |one| {
            archive.judge(&one.request(caller.clone(), circumstances(archive, &caller)), &identity)
        });
        match outcome {
            Outcome::Refuted(one) => {
                result.violate(Violation {
                    invariant: Invariant::NobodyOutside,
                    principal: if grant.principal == "anyone" { caller.to_string() } else { grant.principal.clone() },
                    action: one.action.into(),
                    resource: one.target(),
                    statement: Some(place.clone()),
                });
                return;
            }
            Outcome::Open(why) => result.leave_open(Invariant::NobodyOutside, caller.to_string(), why),
            Outcome::Held => {
                let why = format!("{place} is open to strangers; that they are denied elsewhere is not proved");
                result.leave_open(Invariant::NobodyOutside, caller.to_string(), why);
            }
        }
    }
}

fn circumstances(archive: &Archive, caller: &Caller) -> Context {
    match caller {
        Caller::Anonymous => Context::default().with("aws:SecureTransport", "true"),
        _ => archive.outside(),
    }
}

/// Returns who stands for the outsiders that a statement lets in.
fn outsiders(archive: &Archive, principal: &str) -> Vec<Caller> {
    let partition = archive.bucket_arn.partition();
    let named = principal.parse().ok().or_else(|| format!("arn:{partition}:iam::{principal}:root").parse().ok());
    if let Some(caller) = named.as_ref().and_then(Caller::from_arn).filter(|caller| caller.account().is_some()) {
        return vec![caller];
    }
    let stranger = format!("arn:{partition}:iam::{STRANGER}:role/any").parse().ok();
    let stranger = stranger.as_ref().and_then(Caller::from_arn);
    [Some(Caller::Anonymous), stranger].into_iter().flatten().collect()
}

/// A statement for insiders must keep each of them in its own folders, and let none change anything.
fn check_inside(
    archive: &Archive,
    statement: &Statement,
    version: Option<&str>,
    place: &Place,
    result: &mut Isolation,
) {
    let (callers, owner) = match insiders(archive, statement) {
        Insiders::Nobody => return,
        Insiders::Anyone(callers) => (callers, None),
        Insiders::One(callers, account) => (callers, Some(account)),
    };
    let folders = match &owner {
        Some(account) => archive.folders(account),
        // Without the version the variable is plain text, which no folder is called.
        None if version == Some("2012-10-17") => archive.folders(OWN_ACCOUNT),
        None => Vec::new(),
    };
    let is_proved = |one: &Try| match invariant_of(one.action) {
        Invariant::ReadsOnlyOwn => archive.reads_within(statement, &folders),
        Invariant::ListsOnlyOwn => archive.lists_within(statement, &folders),
        _ => false,
    };
    let own = full_access();
    let identity = [Named { name: "the member's own policies", document: &own }];
    for (caller, account) in callers {
        let victims = victims(archive, statement, &account);
        let tries = victims.into_iter().flat_map(|victim| tries(archive, statement, victim.as_str()));
        let mut left: BTreeMap<Invariant, Vec<Try>> = BTreeMap::new();
        for one in tries.filter(|one| !is_proved(one)) {
            left.entry(invariant_of(one.action)).or_default().push(one);
        }
        for (invariant, tries) in left {
            let judge = |one: &Try| archive.judge(&one.request(caller.clone(), archive.inside()), &identity);
            settle(invariant, &caller, refute(tries, judge), place, result);
        }
    }
}

/// Reports what trying came to. That some changes are denied is no proof for reads, but it is for changes, each of which
/// has been tried.
fn settle(invariant: Invariant, caller: &Caller, outcome: Outcome, place: &Place, result: &mut Isolation) {
    match outcome {
        Outcome::Refuted(one) => result.violate(Violation {
            invariant,
            principal: caller.to_string(),
            action: one.action.into(),
            resource: one.target(),
            statement: Some(place.clone()),
        }),
        Outcome::Open(why) => result.leave_open(invariant, caller.to_string(), why),
        Outcome::Held if invariant == Invariant::WritesNothing => {}
        Outcome::Held => {
            let why = format!("{place} reaches beyond the caller's folders; that it is denied elsewhere is not proved");
            result.leave_open(invariant, caller.to_string(), why);
        }
    }
}

/// Whom of the organization a statement names.
enum Insiders {
    /// Services, trusted principals and the archive's own account, whose administrators are out of this proof.
    Nobody,
    /// Any member; two of them stand for all. Each caller comes with the account whose files are its own.
    Anyone(Vec<(Caller, String)>),
    /// Principals of one account.
    One(Vec<(Caller, String)>, String),
}

fn insiders(archive: &Archive, statement: &Statement) -> Insiders {
    let members = || {
        let others = archive.accounts.iter().filter(|account| *account != archive.account).take(2);
        others.filter_map(|account| Some((archive.member(account)?, account.to_string()))).collect()
    };
    let by_kind = match &statement.principal {
        Some(PrincipalElement::Is(Principals::Listed(by_kind))) => by_kind,
        Some(_) => return Insiders::Anyone(members()),
        None => return Insiders::Nobody,
    };
    let names = by_kind.get("AWS").map_or(&[][..], Vec::as_slice);
    if names.iter().any(|name| name == "*") {
        return Insiders::Anyone(members());
    }
    let mut callers: Vec<(Caller, String)> = names.iter().filter_map(|name| insider(archive, name)).collect();
    callers.sort();
    match callers.first().map(|(_, account)| account.clone()) {
        None => Insiders::Nobody,
        Some(account) if callers.iter().all(|(_, other)| *other == account) => Insiders::One(callers, account),
        Some(_) => Insiders::Anyone(callers),
    }
}

/// Returns the caller that a principal of the organization stands for, with the account whose files it may read.
fn insider(archive: &Archive, name: &str) -> Option<(Caller, String)> {
    if archive.trusted.iter().any(|trusted| trusted == name) {
        return None;
    }
    if let Some(reader) = archive.readers.iter().find(|reader| reader.role.as_str() == name) {
        return Some((Caller::from_arn(reader.role)?, reader.account.to_string()));
    }
    let root = format!("arn:{}:iam::{name}:root", archive.bucket_arn.partition());
    let arn = name.parse::<Arn>().or_else(|_| root.parse()).ok()?;
    let account: AccountId = arn.account().parse().ok()?;
    let is_member = account != *archive.account && archive.accounts.contains(&account);
    let is_trusted = archive.trusted.iter().any(|trusted| trusted == account.as_str());
    if is_member && !is_trusted { Some((Caller::from_arn(&arn)?, account.to_string())) } else { None }
}
