//! Who can assume a reader: only principals of its account, and only with what is configured.

use super::reach::demanded;
use super::{Archive, BrokenInvariant, Invariant, Isolation, Reader};
use crate::ids::Arn;
use crate::policy::document::{Effect, PolicyDocument, PrincipalElement, Principals, Statement};
use crate::policy::evaluate::{
    AccessDecision, Caller, Context, Layers, Named, Request, StatementPlace, covers_action, evaluate, full_access,
};

const ASSUME: &str = "sts:AssumeRole";
/// The other ways into a role.
const ASSUMES: [&str; 3] = [ASSUME, "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"];

/// Checks a reader's trust policy.
pub(super) fn check(archive: &Archive, reader: &Reader, trust: &PolicyDocument, result: &mut Isolation) {
    for (index, statement) in trust.statements.iter().enumerate() {
        let lets_in = ASSUMES.iter().find(|action| covers_action(statement, action));
        let (Effect::Allow, Some(action)) = (statement.effect, lets_in) else { continue };
        let place = StatementPlace { document: "trust policy".into(), index, sid: statement.sid.clone() };
        for principal in strangers(statement, reader) {
            result.violate(BrokenInvariant {
                invariant: Invariant::AssumedOnlyByItsAccount,
                principal,
                action: (*action).to_owned(),
                resource: reader.role.to_string(),
                statement: Some(place.clone()),
            });
        }
    }
    check_conditions(archive, reader, trust, result);
}

/// Returns whom a statement lets in that is not of the reader's account.
fn strangers(statement: &Statement, reader: &Reader) -> Vec<String> {
    let account = reader.account.as_str();
    let is_confined =
        demanded(statement, "aws:PrincipalAccount").any(|values| values.iter().all(|value| value == account));
    let is_own = |value: &String| value == account || value.parse::<Arn>().is_ok_and(|arn| arn.account() == account);
    match &statement.principal {
        Some(PrincipalElement::Is(Principals::Anyone)) if !is_confined => vec!["anyone".into()],
        Some(PrincipalElement::Is(Principals::Anyone)) | None => Vec::new(),
        Some(PrincipalElement::IsNot(_)) => vec!["anyone but the listed principals".into()],
        Some(PrincipalElement::Is(Principals::Listed(by_kind))) => {
            let all = by_kind.iter().flat_map(|(kind, list)| list.iter().map(move |value| (kind.as_str(), value)));
            let foreign = all.filter(|(kind, value)| *kind != "AWS" || !(is_own(value) || is_confined));
            foreign.map(|(_, value)| if value == "*" { "anyone".to_owned() } else { value.clone() }).collect()
        }
    }
}

/// Evaluates assuming the role with everything right, and with each required thing missing.
fn check_conditions(archive: &Archive, reader: &Reader, trust: &PolicyDocument, result: &mut Isolation) {
    let whole = Visit { mfa: Some("true"), external_id: reader.external_id };
    match visit(archive, reader, trust, &whole) {
        AccessDecision::Allowed { .. } => {}
        AccessDecision::Denied(denial) => {
            let place = super::blamed(denial);
            result.violate(violation(reader, Invariant::ReadsOwn, "with all that is required", place));
        }
        AccessDecision::Unknown { why } => result.leave_open(Invariant::ReadsOwn, reader.role.as_str(), why.join("; ")),
    }
    if reader.require_mfa {
        for mfa in [None, Some("false")] {
            let verdict = visit(archive, reader, trust, &Visit { mfa, ..whole });
            expect_denied(reader, Invariant::MfaRequired, "without a second factor", verdict, result);
        }
    }
    if reader.external_id.is_some() {
        for external_id in [None, Some("another-external-id")] {
            let verdict = visit(archive, reader, trust, &Visit { external_id, ..whole });
            expect_denied(reader, Invariant::ExternalIdRequired, "without the external id", verdict, result);
        }
    }
}

#[derive(Clone, Copy)]
struct Visit<'a> {
    mfa: Option<&'a str>,
    external_id: Option<&'a str>,
}

fn visit(archive: &Archive, reader: &Reader, trust: &PolicyDocument, visit: &Visit) -> AccessDecision {
    let key = "aws:MultiFactorAuthPresent";
    let context = archive.inside();
    let context = visit.mfa.map_or_else(|| context.clone().without(key), |value| context.clone().with(key, value));
    let context = match visit.mfa {
        Some("true") => context.with("aws:MultiFactorAuthAge", "60"),
        _ => context.without("aws:MultiFactorAuthAge"),
    };
    let context: Context = match visit.external_id {
        Some(id) => context.with("sts:ExternalId", id),
        None => context,
    };
    let Some(caller) = caller(trust, reader).or_else(|| archive.member(reader.account)) else {
        return AccessDecision::Unknown { why: vec!["the reader's account has no ARN".into()] };
    };
    let request = Request { caller, action: ASSUME.into(), resource: reader.role.to_string(), context };
    let own = full_access();
    let identity = [Named { name: "the member's own policies", document: &own }];
    let resource = Some(Named { name: "trust policy", document: trust });
    let resource_account = Some(archive.account.clone());
    evaluate(&request, &Layers { identity: &identity, resource, resource_account, ..Layers::default() })
}

/// Returns a principal that the trust policy names by its own ARN, if it does not name the account as a whole.
fn caller(trust: &PolicyDocument, reader: &Reader) -> Option<Caller> {
    let lists = trust.statements.iter().filter_map(|statement| match &statement.principal {
        Some(PrincipalElement::Is(Principals::Listed(by_kind))) => by_kind.get("AWS"),
        _ => None,
    });
    let own = lists.flatten().filter_map(|value| value.parse::<Arn>().ok());
    let mut own = own.filter(|arn| arn.account() == reader.account.as_str() && arn.resource() != "root");
    own.find_map(|arn| Caller::from_arn(&arn))
}

fn violation(reader: &Reader, invariant: Invariant, how: &str, statement: Option<StatementPlace>) -> BrokenInvariant {
    let principal = format!("account {} {how}", reader.account);
    BrokenInvariant { invariant, principal, action: ASSUME.into(), resource: reader.role.to_string(), statement }
}

fn expect_denied(reader: &Reader, invariant: Invariant, how: &str, verdict: AccessDecision, result: &mut Isolation) {
    match verdict {
        AccessDecision::Denied(_) => {}
        AccessDecision::Allowed { by } => {
            let place = by.into_iter().find(|place| place.document == "trust policy");
            result.violate(violation(reader, invariant, how, place));
        }
        AccessDecision::Unknown { why } => result.leave_open(invariant, reader.role.as_str(), why.join("; ")),
    }
}
