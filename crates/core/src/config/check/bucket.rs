//! Rules for `bucket`.

use crate::config::diagnostic::Diagnostic;
use crate::config::finding::Code;
use crate::config::names::{check_key_alias, render_name};
use crate::config::schema::{BucketConfig, Config, Encryption, Lifecycle, OldVersions};
use crate::ids::{AccountId, Arn, BucketName};
use crate::log_path::TOP_FOLDER;

use super::names::{check_name, context};

/// CloudTrail's own limit (CloudTrail API, `S3KeyPrefix`).
const PREFIX_CHARS_MAX: usize = 200;

pub(super) fn check(config: &Config) -> Vec<Diagnostic> {
    let bucket = &config.bucket;
    let name = check_name("/bucket/name", &bucket.name, config, |name| name.parse::<BucketName>().map(drop));
    let alias = check_name("/bucket/key_alias", &bucket.key_alias, config, check_key_alias);
    // The alias is used only with a key that orgtrail makes.
    let alias = alias.filter(|_| bucket.encryption == Encryption::Kms);
    let prefix = prefix("/bucket/prefix", &bucket.prefix);
    let rules = [name, alias, prefix, object_lock(bucket), lock_outlasts(bucket), access_logs(config)];
    let old_versions = old_versions(bucket);
    let lifecycle = bucket.lifecycle.iter().flat_map(lifecycle);
    let named = |field: &'static str, list: &'static str| {
        move |(n, role): (usize, &String)| role_of_one_account(&format!("{field}/{n}"), list, role)
    };
    let break_glass = named("/bucket/break_glass_roles", "a break-glass role");
    let own = named("/organization/own_roles", "a role of orgtrail");
    let own_roles = config.organization.own_roles.iter().enumerate().filter_map(own);
    let roles = bucket.break_glass_roles.iter().enumerate().filter_map(break_glass).chain(own_roles);
    let administrators = bucket.administrators.iter().enumerate().filter_map(|(n, text)| administrator(n, text));
    rules.into_iter().flatten().chain(old_versions).chain(lifecycle).chain(roles).chain(administrators).collect()
}

/// Judges what stands before `AWSLogs/`, which is written at a place of the configuration.
pub(super) fn prefix(at: &str, prefix: &str) -> Option<Diagnostic> {
    let length = prefix.chars().count();
    let why = if prefix.starts_with('/') || prefix.ends_with('/') {
        "it must neither begin nor end with a slash".to_owned()
    } else if prefix.contains("//") {
        "two slashes must not follow each other".to_owned()
    } else if length > PREFIX_CHARS_MAX {
        format!("it has {length} characters, {PREFIX_CHARS_MAX} are allowed")
    } else if format!("{prefix}/").contains(TOP_FOLDER) {
        format!("CloudTrail adds `{TOP_FOLDER}` itself")
    } else if let Some(c) = prefix.chars().find(|c| !(c.is_ascii_alphanumeric() || "/!-_.'()".contains(*c))) {
        // S3 user guide, "Creating object key names", safe characters: others need escapes in policies or clients, and
        // an asterisk, which is safe in a key, stands for any text in a policy.
        format!("the character {c:?} is not safe in the keys of S3")
    } else {
        return None;
    };
    let remark = Diagnostic::new(Code::WrongValue, at, format!("the prefix {prefix:?} cannot be used: {why}"));
    Some(match prefix.trim_matches('/') {
        trimmed if trimmed != prefix && !trimmed.is_empty() => remark.help(format!("write `{trimmed}`")),
        _ => remark,
    })
}

fn object_lock(bucket: &BucketConfig) -> Option<Diagnostic> {
    if bucket.object_lock.is_none() || bucket.versioning {
        return None;
    }
    let remark = Diagnostic::new(Code::Conflict, "/bucket/object_lock", "an object lock needs versioning").on_name();
    Some(remark.because("/bucket/versioning", "switched off here").help("write `versioning: true`"))
}

/// A log that is deleted while it is locked is only hidden: nobody reads it, and it is paid for (Amazon S3 user guide,
/// "Object Lock considerations", lifecycle).
fn lock_outlasts(bucket: &BucketConfig) -> Option<Diagnostic> {
    let (lock, lifecycle) = (bucket.object_lock.as_ref()?, bucket.lifecycle.as_ref()?);
    let expire = lifecycle.expire_after_days.filter(|expire| *expire < lock.days)?;
    let message = format!("logs would be hidden after {expire} days, but are locked for {}", lock.days);
    let remark = Diagnostic::new(Code::Conflict, "/bucket/lifecycle/expire_after_days", message);
    let remark = remark.because("/bucket/object_lock/days", "they cannot be deleted before");
    Some(remark.help(format!("write {} days or more, or a shorter lock", lock.days)))
}

fn old_versions(bucket: &BucketConfig) -> Option<Diagnostic> {
    bucket.lifecycle.as_ref()?.expire_old_versions_after_days.filter(|_| !bucket.versioning)?;
    let message = "without versioning there are no old versions";
    let remark = Diagnostic::new(Code::Conflict, "/bucket/lifecycle/expire_old_versions_after_days", message).on_name();
    Some(remark.because("/bucket/versioning", "switched off here").help("write `versioning: true`, or leave it out"))
}

/// Whoever the pattern lets off can delete logs, so that it has to name an account and the beginning of a role.
fn role_of_one_account(path: &str, what: &str, text: &str) -> Option<Diagnostic> {
    let arn = text.parse::<Arn>();
    let role = arn.as_ref().ok().and_then(|arn| arn.resource().strip_prefix("role/"));
    let why = match (&arn, role) {
        (Err(error), _) => error.to_string(),
        (Ok(arn), Some(role)) if arn.service() == "iam" && arn.account().parse::<AccountId>().is_ok() => {
            if !role.starts_with(['*', '?']) {
                return None;
            }
            "it would let off every role of the account".to_owned()
        }
        (Ok(_), _) => "it is not the ARN of a role of one account".to_owned(),
    };
    let message = format!("{text:?} cannot be {what}: {why}");
    let remark = Diagnostic::new(Code::WrongValue, path.to_owned(), message);
    Some(remark.help("write the role's ARN, such as `arn:aws:iam::222222222222:role/break-glass`"))
}

/// A pattern that begins with a wildcard would allow whatever anybody adds.
fn administrator(n: usize, text: &str) -> Option<Diagnostic> {
    let name = match text.parse::<Arn>() {
        Ok(arn) if arn.service() == "iam" && arn.account().parse::<AccountId>().is_ok() => {
            arn.resource().strip_prefix("role/").map(str::to_owned)
        }
        Ok(_) => None,
        // IAM API, `CreateRole`: letters, digits and `_+=,.@-`.
        Err(_) => {
            let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-*?".contains(c);
            (!text.is_empty() && text.chars().all(fits)).then(|| text.to_owned())
        }
    };
    let why = match name {
        None => "it is neither the name nor the ARN of a role of one account",
        Some(name) if name.is_empty() || name.starts_with(['*', '?']) => "it would allow every role of the account",
        Some(_) => return None,
    };
    let message = format!("{text:?} cannot be an administrator: {why}");
    let remark = Diagnostic::new(Code::WrongValue, format!("/bucket/administrators/{n}"), message);
    Some(remark.help("write a role's name or ARN, such as `SecurityAudit`"))
}

/// A bucket that logs its own accesses grows by itself.
fn access_logs(config: &Config) -> Option<Diagnostic> {
    let target = config.bucket.access_logs.as_ref()?;
    let name = render_name(&config.bucket.name, &context(config)).ok()?;
    if target.as_str() != name {
        return None;
    }
    let message = "the bucket cannot receive its own access logs: every log would cause another";
    let remark = Diagnostic::new(Code::Conflict, "/bucket/access_logs", message);
    Some(remark.because("/bucket/name", "the same bucket").help("name another bucket"))
}

/// What S3 refuses (S3 API, `PutBucketLifecycleConfiguration`).
fn lifecycle(lifecycle: &Lifecycle) -> Vec<Diagnostic> {
    let Lifecycle { archive_after_days, archive_class, expire_after_days, expire_old_versions_after_days } = lifecycle;
    let mut remarks = Vec::new();
    let at = |field: &str| format!("/bucket/lifecycle/{field}");
    let deletes_old_versions = matches!(expire_old_versions_after_days, Some(OldVersions::Days(_)));
    if archive_after_days.is_none() && expire_after_days.is_none() && !deletes_old_versions {
        let message = "the lifecycle does nothing: it has neither `archive_after_days` nor `expire_after_days`";
        let remark = Diagnostic::new(Code::WrongValue, "/bucket/lifecycle", message).on_name();
        remarks.push(remark.help("give one of them, or leave `lifecycle` out to keep logs for ever"));
    }
    if let (Some(archive), Some(expire)) = (archive_after_days, expire_after_days)
        && archive >= expire
    {
        let message = format!("logs would be deleted after {expire} days, but archived only after {archive}");
        let remark = Diagnostic::new(Code::Conflict, at("expire_after_days"), message);
        let remark = remark.because(at("archive_after_days"), "archived later than deleted");
        remarks.push(remark.help(format!("write more than {archive} days, or leave `archive_after_days` out")));
    }
    let min = archive_class.min_age_days();
    if let Some(archive) = archive_after_days.filter(|days| *days < min) {
        let class = archive_class.as_str();
        let message = format!("S3 moves nothing to {class} before {min} days, here it is {archive}");
        let remark = Diagnostic::new(Code::Conflict, at("archive_after_days"), message);
        let remark = remark.because(at("archive_class"), format!("{min} days or more"));
        remarks.push(remark.help(format!("write {min} days or more, or another class, such as GLACIER_IR")));
    }
    remarks
}
