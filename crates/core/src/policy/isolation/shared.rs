//! The documents that others may write to: every statement that allows something is ours by its nature, or harmless, or
//! a violation, or an open question.
//!
//! Harmless is only what this file and [`excess`](super::excess) know to be: CloudTrail's delivery for trails of ours,
//! the owner's account as a whole, a member that reads its own folders, a trusted reader that reads, a service that
//! delivers for an account of ours. Denials are not grants; they are looked at to tell a violation from a question.

use super::confine::{Candidate, Met, STRANGER, is_unique_id, meets, names, role_of};
use super::events::reaches;
use super::excess::{CONTEXT, excess};
use super::reach::{OWN_ACCOUNT, demanded, demanded_by};
use super::scene::{Excess, Rights, Scene};
use super::{Archive, BrokenInvariant, Invariant, Isolation, Kept, Reader, Shared, SharedKind, lake};
use crate::ids::{AccountId, Arn};
use crate::policy::Aliases;
use crate::policy::canonical::canonical_statement;
use crate::policy::document::{Effect, PrincipalElement, Principals, Statement};
use crate::policy::evaluate::{
    AccessDecision, Caller, Context, Denial, Layers, Named, Request, StatementPlace, arn_glob, evaluate_at_worst,
    full_access,
};
use crate::policy::load_balancers::deliver_with;

/// Checks every statement of a document.
pub(super) fn check(archive: &Archive, shared: &Shared, result: &mut Isolation) {
    let variables = shared.policy.version.as_deref() == Some("2012-10-17");
    let none = Aliases::new();
    let written: Vec<_> = shared
        .written
        .iter()
        .flat_map(|document| &document.statements)
        .map(|statement| canonical_statement(statement, &none))
        .collect();
    let home = shared.owner().unwrap_or_else(|| archive.account.clone());
    for (index, statement) in shared.policy.statements.iter().enumerate() {
        let place = StatementPlace { document: shared.name.to_owned(), index, sid: statement.sid.clone() };
        let is_written = || written.contains(&canonical_statement(statement, &none));
        if statement.effect == Effect::Deny {
            if !is_written() && (shared.kind != SharedKind::LogGroup || reaches(statement, shared.arn)) {
                result.kept.push(Kept { place, why: "a denial only narrows what others allow".into() });
            }
            continue;
        }
        // The queue's policy is the plan's as a whole.
        if shared.kind == SharedKind::Queue && is_written() {
            continue;
        }
        let scene = Scene::new(archive, shared.kind, shared.arn, statement, variables.then_some(OWN_ACCOUNT));
        let mut look = Look { scene: &scene, shared, home: &home, place: &place, found: false, why: None, result };
        look.at_principal();
        let (found, why) = (look.found, look.why);
        // The resource policies of an account are about any log group.
        let is_elsewhere = shared.kind == SharedKind::LogGroup && !reaches(statement, shared.arn);
        if !found && !is_written() && !is_elsewhere {
            let why = why.unwrap_or_else(|| "it allows nothing on what is kept here".into());
            result.kept.push(Kept { place, why });
        }
    }
}

/// One statement that is looked at.
struct Look<'a, 'r> {
    scene: &'a Scene<'a>,
    shared: &'a Shared<'a>,
    home: &'a AccountId,
    place: &'a StatementPlace,
    /// Something was found on it.
    found: bool,
    /// Why it is harmless, as far as it is.
    why: Option<String>,
    result: &'r mut Isolation,
}

impl<'a> Look<'a, '_> {
    fn archive(&self) -> &'a Archive<'a> {
        self.scene.archive
    }

    fn at_principal(&mut self) {
        match &self.scene.statement.principal {
            Some(PrincipalElement::Is(Principals::Listed(by_kind))) => {
                for (kind, name) in by_kind.iter().flat_map(|(kind, list)| list.iter().map(move |name| (kind, name))) {
                    self.at_name(kind, name);
                }
            }
            Some(PrincipalElement::Is(Principals::Anyone) | PrincipalElement::IsNot(_)) => self.at_everybody(),
            // AWS refuses a document of this kind without principals.
            None => self.open(Invariant::NobodyOutside, "anyone", "the statement has no principal".into()),
        }
    }

    fn at_name(&mut self, kind: &str, name: &'a str) {
        match kind {
            "AWS" if name == "*" => self.at_everybody(),
            // AWS shows a unique id where the principal has been deleted, and for a moment where it is new.
            "AWS" if is_unique_id(name) => match self.archive().facts.unique_ids.and_then(|ids| ids.get(name)) {
                Some(arn) => self.at_principal_of_aws(arn),
                None => self.harmless("its principal has been deleted"),
            },
            "AWS" => self.at_principal_of_aws(name),
            "Service" => self.at_service(name),
            "Federated" => match name.parse::<Arn>() {
                Ok(_) => self.at_principal_of_aws(name),
                Err(_) => self.judge(name, Rights::Nothing, Candidate::Stranger(None)),
            },
            _ => self.judge(name, Rights::Nothing, Candidate::Stranger(None)),
        }
    }

    fn at_principal_of_aws(&mut self, name: &'a str) {
        let archive = self.archive();
        let arn = name.parse::<Arn>().ok();
        let account = arn.as_ref().map_or(name, Arn::account);
        let Ok(id) = account.parse::<AccountId>() else {
            // CloudFront's origin access identities have no account.
            return self.judge(name, Rights::Nothing, Candidate::Stranger(None));
        };
        if lake::is_reader(archive, self.scene.kind, name) {
            return self.judge(name, Rights::Trusted, Candidate::Stranger(Some(account)));
        }
        let is_whole = arn.as_ref().is_none_or(|arn| arn.resource() == "root");
        if archive.trusts(name, account) {
            return self.judge(name, Rights::Trusted, Candidate::Stranger(Some(account)));
        }
        let Some(known) = archive.accounts.get(&id) else {
            if self.scene.kind == SharedKind::Bucket && deliver_with(self.scene.statement, archive.accounts) {
                let service = Rights::Service { name: "elasticloadbalancing.amazonaws.com", of: Some("") };
                return self.judge(name, service, Candidate::Stranger(Some(account)));
            }
            return self.judge(name, Rights::Nothing, Candidate::Stranger(Some(account)));
        };
        let is_home = archive.is_home(self.scene.kind, self.home, known);
        match arn {
            _ if is_whole && is_home => self.harmless(format!("it names account {known}, whose own policies decide")),
            Some(arn) if !is_whole && is_home => self.at_principal_of_home(name, &arn),
            Some(arn) if !is_whole => self.judge(name, Rights::Own(known.as_str()), Candidate::Principal(&arn)),
            _ => self.judge(name, Rights::Own(known.as_str()), Candidate::Account(known)),
        }
    }

    /// A principal of the account that owns the archive, which the statement lets in whatever its own policies say.
    fn at_principal_of_home(&mut self, name: &str, arn: &Arn) {
        let archive = self.archive();
        let role = role_of(arn);
        let is_session = arn.resource().starts_with("assumed-role/");
        let last = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
        // A session's ARN does not tell the path of its role.
        let is_it = |other: &str| {
            arn_glob(other, &role)
                || (is_session && other.split(':').nth(4) == Some(arn.account()) && last(other) == last(&role))
        };
        let facts = &archive.facts;
        if facts.own_principals.iter().any(|own| is_it(own)) {
            return self.harmless(format!("{name} is orgtrail's own, or named by the configuration"));
        }
        let reader = archive.readers.iter().find(|reader| is_it(reader.role.as_str()));
        let rights = match reader {
            Some(reader) => Rights::Own(reader.account.as_str()),
            None if facts.known_principals.iter().any(|known| is_it(known)) => Rights::Known,
            None => Rights::SomebodyOfHome,
        };
        // The variable for the caller's account stands for the account that the role is in, not for the one that it
        // reads for.
        let own = self.scene.own.map(|_| arn.account());
        let scene = Scene::new(archive, self.scene.kind, self.scene.arn, self.scene.statement, own);
        self.judged_in(&scene, name, rights, Candidate::Principal(arn));
    }

    /// `*`, or all but a few: strangers, the owner's account, every member, and services.
    fn at_everybody(&mut self) {
        let archive = self.archive();
        let before = self.result.violations.len();
        for (name, candidate) in [("anyone", Candidate::Anonymous), ("anyone", Candidate::Stranger(None))] {
            if self.judged(name, Rights::Nothing, candidate) {
                break;
            }
        }
        if self.scene.kind.is_of_events() {
            // Of a statement for the whole world no more is to be said.
            if self.result.violations.len() == before {
                self.at_everybody_of_ours(before);
            }
            return;
        }
        self.at_trusted();
        self.at_home_through_everybody();
        self.at_members(archive.accounts.iter().filter(|account| *account != archive.account));
        self.at_service("*");
        if !self.found && self.why.is_none() {
            self.harmless("it reaches only the folders of the caller's own account");
        }
    }

    /// The same for a log group or a queue, where members have nothing of their own.
    fn at_everybody_of_ours(&mut self, before: usize) {
        let archive = self.archive();
        let is_home = |account: &AccountId| archive.is_home(self.scene.kind, self.home, account);
        let (at_home, members): (Vec<_>, Vec<_>) = archive.accounts.iter().partition(|account| is_home(account));
        self.at_trusted();
        self.at_members(members.into_iter());
        self.at_service("*");
        if self.result.violations.len() > before {
            return;
        }
        self.at_home_through_everybody();
        for account in at_home.into_iter().filter(|account| *account != archive.account) {
            self.judge(&format!("every principal of account {account}"), Rights::Own(""), Candidate::Account(account));
        }
        if !self.found && self.why.is_none() {
            self.harmless("its conditions cannot be met");
        }
    }

    fn at_trusted(&mut self) {
        for trusted in self.archive().trusted {
            let account = trusted.parse::<Arn>().map_or_else(|_| trusted.clone(), |arn| arn.account().to_owned());
            self.judge(trusted, Rights::Trusted, Candidate::Stranger(Some(&account)));
        }
    }

    fn at_members(&mut self, members: impl Iterator<Item = &'a AccountId>) {
        let archive = self.archive();
        if excess(self.scene, Rights::Own(OWN_ACCOUNT)).is_empty() {
            return;
        }
        for member in members.filter(|member| !archive.trusts(member.as_str(), member.as_str())) {
            let name = self.member_name(member);
            if self.judged(&name, Rights::Own(member.as_str()), Candidate::Account(member)) {
                break;
            }
        }
    }

    /// Names a principal of an account as the statement's own conditions do.
    fn member_name(&self, member: &AccountId) -> String {
        let named = demanded(self.scene.statement, "aws:PrincipalArn").flatten();
        let mut named = named.filter(|value| value.split(':').nth(4) == Some(member.as_str()));
        named.next().cloned().unwrap_or_else(|| format!("account {member}"))
    }

    /// Through `*` the owner's account is let in without its own policies: the readers, which live there, above all.
    fn at_home_through_everybody(&mut self) {
        let archive = self.archive();
        let partition = format!("arn:{}:", archive.bucket_arn.partition());
        let named: Vec<String> = demanded_by(self.scene.statement, "aws:PrincipalArn")
            .flat_map(|(operator, values)| values.iter().map(move |value| (operator, value)))
            // Field by field, any partition is this one.
            .map(|(operator, value)| match value.strip_prefix("arn:*:").filter(|_| operator.contains("Arn")) {
                Some(rest) => format!("{partition}{rest}"),
                None => value.clone(),
            })
            .collect();
        let is_exact = |value: &String| !value.contains(['*', '?', '$']);
        if !named.is_empty() && named.iter().all(is_exact) {
            for (name, arn) in named.iter().filter_map(|name| Some((name, name.parse::<Arn>().ok()?))) {
                if arn.account() == archive.account.as_str() {
                    self.at_principal_of_home(name, &arn);
                }
            }
            return;
        }
        // What the variable for the caller's account stands for, for every role of the account.
        let own = self.scene.own.map(|_| archive.account.as_str());
        let scene = Scene::new(archive, self.scene.kind, self.scene.arn, self.scene.statement, own);
        let of_others = |account: &AccountId| account != archive.account;
        let at_home = |reader: &&Reader| reader.role.account() == archive.account.as_str() && of_others(reader.account);
        let mut readers = archive.readers.iter().filter(at_home);
        let reader = readers.find(|reader| named.is_empty() || named.iter().any(|pattern| names(pattern, reader.role)));
        let candidate = Candidate::Account(archive.account);
        match reader {
            Some(reader) if self.can_use(reader.role) => {
                let rights = Rights::Own(reader.account.as_str());
                self.judged_in(&scene, reader.role.as_str(), rights, Candidate::Principal(reader.role));
            }
            _ => {
                let name = format!("every principal of account {}", archive.account);
                self.judged_in(&scene, &name, Rights::Own(""), candidate);
            }
        }
    }

    /// Tells whether a reader can meet the statement's conditions as far as they are understood.
    fn can_use(&self, role: &Arn) -> bool {
        meets(self.archive(), self.home, self.scene.statement, Candidate::Principal(role)) == Met::Yes
    }

    /// A service acts for whoever makes it: for somebody else, unless the source is one of ours.
    fn at_service(&mut self, name: &'a str) {
        let archive = self.archive();
        let shown = if name == "*" { "an AWS service" } else { name };
        let foreign = Candidate::Service { name, of: None };
        if self.judged(&format!("{shown} for anybody's resource"), Rights::Service { name, of: None }, foreign) {
            return;
        }
        // Without a condition on the source, all that can be said is said already.
        let accounts = archive.accounts.iter().filter(|_| asks_for_source(self.scene.statement));
        for account in accounts {
            let candidate = Candidate::Service { name, of: Some(account) };
            let is_elsewhere = !archive.is_home(self.scene.kind, self.home, account);
            let of = if is_elsewhere { account.as_str() } else { "" };
            let rights = Rights::Service { name, of: Some(of) };
            if excess(self.scene, rights).is_empty() {
                continue;
            }
            if self.judged(&format!("{shown} for account {account}"), rights, candidate) {
                return;
            }
        }
        if name != "*" && !self.found {
            self.harmless(format!("{name} delivers or looks with it, for accounts of the organization"));
        }
    }

    fn harmless(&mut self, why: impl Into<String>) {
        self.why.get_or_insert_with(|| why.into());
    }

    fn open(&mut self, invariant: Invariant, who: &str, why: String) {
        self.found = true;
        let why = format!("{}: {why}", self.place);
        match self.shared.kind {
            SharedKind::Lake => self.result.leave_open_of_lake(self.shared.arn, invariant, who, why),
            _ => self.result.leave_open(invariant, who, why),
        }
    }

    fn judge(&mut self, who: &str, rights: Rights, candidate: Candidate) {
        self.judged(who, rights, candidate);
    }

    /// Judges what a candidate gets beyond its rights; tells whether something was found.
    fn judged(&mut self, who: &str, rights: Rights, candidate: Candidate) -> bool {
        self.judged_in(self.scene, who, rights, candidate)
    }

    fn judged_in(&mut self, scene: &Scene, who: &str, rights: Rights, candidate: Candidate) -> bool {
        let beyond = excess(scene, rights);
        if beyond.is_empty() {
            self.why.get_or_insert_with(|| rights.reason(who));
            return false;
        }
        let doubts = match meets(self.archive(), self.home, self.scene.statement, candidate) {
            Met::No => return false,
            Met::Yes => Vec::new(),
            Met::Perhaps(doubts) => doubts,
        };
        for one in beyond {
            self.settle(who, candidate, one, &doubts);
        }
        true
    }

    fn settle(&mut self, who: &str, candidate: Candidate, one: Excess, doubts: &[String]) {
        if let Some(why) = one.open.clone().or_else(|| (!doubts.is_empty()).then(|| doubts.join("; "))) {
            return self.open(one.invariant, who, why);
        }
        let open = one
            .tries
            .iter()
            .find(|(resource, prefix)| !self.is_denied(candidate, &one.action, resource, prefix.as_deref()));
        match open {
            Some((resource, prefix)) => {
                self.found = true;
                let resource = match prefix {
                    Some(prefix) if !prefix.is_empty() => format!("{resource} with prefix {prefix}"),
                    _ => one.shown.clone().unwrap_or_else(|| resource.clone()),
                };
                self.result.violate(BrokenInvariant {
                    invariant: one.invariant,
                    principal: who.to_owned(),
                    action: one.action,
                    resource,
                    statement: Some(self.place.clone()),
                });
            }
            None => {
                let what = match one.invariant {
                    Invariant::NobodyOutside => "is open to strangers",
                    _ => "reaches beyond what it should",
                };
                self.open(one.invariant, who, format!("it {what}; that this is denied elsewhere is not proved"));
            }
        }
    }

    /// Tells whether a denial of the document certainly meets a request.
    fn is_denied(&self, candidate: Candidate, action: &str, resource: &str, prefix: Option<&str>) -> bool {
        let archive = self.archive();
        let Some((caller, context)) = archive.as_caller(candidate) else { return false };
        let context = match prefix {
            Some(prefix) if !prefix.is_empty() => context.with("s3:prefix", prefix),
            _ => context,
        };
        let request = Request { caller, action: action.to_owned(), resource: resource.to_owned(), context };
        let own = full_access();
        let layers = Layers {
            identity: &[Named { name: "the caller's own policies", document: &own }],
            resource: Some(Named { name: self.shared.name, document: self.shared.policy }),
            resource_account: Some(self.home.clone()),
            ..Layers::default()
        };
        matches!(evaluate_at_worst(&request, &layers), AccessDecision::Denied(Denial::Explicit(_)))
    }
}

/// Tells whether a condition of a statement is about whom a service acts for.
fn asks_for_source(statement: &Statement) -> bool {
    let is_source = |key: &String| {
        let key = key.to_ascii_lowercase();
        key.starts_with("aws:source") || key == CONTEXT.to_ascii_lowercase()
    };
    statement.condition.values().flat_map(|by_key| by_key.keys()).any(is_source)
}

impl Archive<'_> {
    /// Tells whether the configuration trusts a principal or its account.
    fn trusts(&self, name: &str, account: &str) -> bool {
        let root = format!("arn:{}:iam::{account}:root", self.bucket_arn.partition());
        self.trusted.iter().any(|trusted| trusted == name || trusted == account || *trusted == root)
    }

    /// Returns who makes the requests of a candidate, and what is known of them.
    fn as_caller(&self, candidate: Candidate) -> Option<(Caller, Context)> {
        let partition = self.bucket_arn.partition();
        let role = |account: &str| Caller::from_arn(&format!("arn:{partition}:iam::{account}:role/any").parse().ok()?);
        let inside = |account: &str| {
            let path = account.parse().ok().and_then(|id: AccountId| self.facts.paths?.get(&id).cloned());
            path.map_or_else(|| self.inside(), |path| self.inside().with("aws:PrincipalOrgPaths", path))
        };
        Some(match candidate {
            Candidate::Anonymous => (Caller::Anonymous, Context::default().with("aws:SecureTransport", "true")),
            Candidate::Stranger(account) => (role(account.unwrap_or(STRANGER))?, self.outside()),
            Candidate::Account(account) => (role(account.as_str())?, inside(account.as_str())),
            Candidate::Principal(arn) => {
                (Caller::from_arn(arn).or_else(|| role(arn.account()))?, inside(arn.account()))
            }
            Candidate::Service { name, of } => {
                let context = Context::default().with("aws:SecureTransport", "true");
                let context = match of {
                    Some(account) => context
                        .with("aws:SourceAccount", account.as_str())
                        .with("aws:SourceOrgID", self.organization_id.as_str()),
                    None => {
                        context.with("aws:SourceAccount", STRANGER).with("aws:SourceOrgID", "o-anotherorganization")
                    }
                };
                (Caller::Service { name: name.to_owned() }, context)
            }
        })
    }
}

impl Shared<'_> {
    /// Returns who owns the resource, where its ARN says so: a key or topic.
    fn owner(&self) -> Option<AccountId> {
        self.arn.split(':').nth(4)?.parse().ok()
    }
}
