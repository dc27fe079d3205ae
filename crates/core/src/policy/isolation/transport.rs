//! Plain HTTP is refused: by one statement for everybody and everything, or else by trying.

use super::probe::Try;
use super::{Archive, BrokenInvariant, Invariant, Isolation};
use crate::policy::document::{Effect, PrincipalElement, Principals, ResourceElement, Statement};
use crate::policy::evaluate::{AccessDecision, Caller, Context, Denial, Named, arn_glob, covers_action, full_access};

/// Checks that the bucket refuses plain HTTP.
pub(super) fn check(archive: &Archive, result: &mut Isolation) {
    let statements = archive.bucket_policy.map_or(&[][..], |policy| policy.statements.as_slice());
    if statements.iter().any(|statement| refuses_http(statement, archive.bucket_arn.as_str())) {
        return;
    }
    let key =
        archive.accounts.iter().next().and_then(|account| archive.sample_keys(account.as_str()).into_iter().next());
    let file = archive.object_arn(&key.unwrap_or_default());
    let tries = [Try::on("s3:GetObject", &file), Try::listing(archive, ""), Try::on("s3:PutObject", &file)];
    let own = full_access();
    let identity = [Named { name: "the caller's own policies", document: &own }];
    let service = Caller::Service { name: "cloudtrail.amazonaws.com".into() };
    let callers = [Some(Caller::Anonymous), archive.member(archive.account), Some(service)];
    for caller in callers.into_iter().flatten() {
        for one in &tries {
            let context = Context::default().with("aws:SecureTransport", "false");
            let verdict = archive.judge(&one.request(caller.clone(), context), &identity);
            if !matches!(verdict, AccessDecision::Denied(Denial::Explicit(_))) {
                result.violate(BrokenInvariant {
                    invariant: Invariant::PlainHttpRefused,
                    principal: caller.to_string(),
                    action: one.action.into(),
                    resource: one.target(),
                    statement: None,
                });
                return;
            }
        }
    }
    result.leave_open(
        Invariant::PlainHttpRefused,
        "everyone",
        "no single statement refuses plain HTTP for all actions and files",
    );
}

/// Tells whether a statement refuses plain HTTP to everybody, for all of a bucket.
pub(super) fn refuses_http(statement: &Statement, bucket_arn: &str) -> bool {
    let everyone = match &statement.principal {
        Some(PrincipalElement::Is(Principals::Anyone)) => true,
        Some(PrincipalElement::Is(Principals::Listed(by_kind))) => {
            by_kind.get("AWS").is_some_and(|list| list.iter().any(|name| name == "*"))
        }
        _ => false,
    };
    let only_transport = statement.condition.len() == 1
        && statement.condition.get("Bool").is_some_and(|keys| {
            let mut lines = keys.iter();
            let is_transport = |(key, values): (&String, &Vec<String>)| {
                key.eq_ignore_ascii_case("aws:SecureTransport")
                    && values.iter().any(|value| value.eq_ignore_ascii_case("false"))
            };
            keys.len() == 1 && lines.all(is_transport)
        });
    let covers_all = match &statement.resource {
        Some(ResourceElement::Is(list)) => {
            let covers = |arn: &str| list.iter().any(|pattern| arn_glob(pattern, arn));
            // A pattern that matches these two strange names matches every name.
            covers(bucket_arn) && covers(&format!("{bucket_arn}/\u{1}/\u{2}"))
        }
        _ => false,
    };
    // `s3:*` or `*`: an action of S3 that does not exist stands for all of them.
    let every_action = covers_action(statement, "s3:\u{1}");
    statement.effect == Effect::Deny && everyone && only_transport && covers_all && every_action
}
