//! The keys of log files to try: those of every account, as far as the policy tells them apart.
//!
//! A trail writes below 10,000 accounts in three folders. Most policies open the organization's path as a whole, so that
//! one key stands for all. Where a pattern of the policy falls differently on an account, a folder, a region or a day, a
//! key on each side of it is tried: by comparing names first ([`told_apart`]), and by building, from the pattern itself, a
//! key that it matches ([`witness`]). Only these are evaluated.

use std::collections::{BTreeMap, BTreeSet};

use super::Delivery;
use super::requests::FOLDERS;
use crate::ids::AccountId;
use crate::policy::document::{Effect, PolicyDocument, ResourceElement, Statement};
use crate::policy::evaluate::{arn_glob, glob};

/// The longest pattern that a key is built for, in characters. A bucket policy has at most 20,480 bytes.
const PATTERN_MAX: usize = 2_048;

/// Returns keys of log files that some pattern of the policy tells from the ones in `tried`.
pub(super) fn told_apart(delivery: &Delivery, policy: &PolicyDocument, tried: &[String]) -> Vec<String> {
    let Some(base) = delivery.organization_id.as_ref().map(|id| delivery.base(id.as_str())) else {
        // A trail of one account writes below that account alone.
        let own = delivery.base(delivery.management_account.as_str());
        let account = &delivery.management_account;
        let patterns = telling(policy, &delivery.object_arn(&format!("{own}/")));
        return built(delivery, policy, &patterns, tried, &own, std::slice::from_ref(account));
    };
    let patterns = telling(policy, &delivery.object_arn(&format!("{base}/")));
    if patterns.is_empty() {
        return Vec::new();
    }
    let mut keys = by_name(delivery, &patterns, &base, tried);
    let known: Vec<String> = tried.iter().chain(&keys).cloned().collect();
    let accounts: Vec<AccountId> =
        std::iter::once(&delivery.management_account).chain(&delivery.accounts).cloned().collect();
    keys.extend(built(delivery, policy, &patterns, &known, &base, &accounts));
    keys
}

/// Returns the patterns of resources that match some keys below a path (an ARN that ends in a slash) and not others.
fn telling<'a>(policy: &'a PolicyDocument, below: &str) -> Vec<&'a str> {
    let lists = policy.statements.iter().filter_map(|statement| match &statement.resource {
        Some(ResourceElement::Is(list) | ResourceElement::IsNot(list)) => Some(list),
        None => None,
    });
    let tells = |pattern: &&str| {
        let literal = pattern.split(['*', '?', '$']).next().unwrap_or_default();
        let matches_all = pattern.len() == literal.len() + 1 && pattern.ends_with('*') && below.starts_with(literal);
        let matches_none = !below.starts_with(literal) && !literal.starts_with(below);
        !matches_all && !matches_none
    };
    let all: BTreeSet<&str> = lists.flatten().map(String::as_str).filter(tells).collect();
    all.into_iter().collect()
}

/// Returns the keys of the first account of each kind that the patterns make: those on which the same patterns match.
fn by_name(delivery: &Delivery, patterns: &[&str], base: &str, tried: &[String]) -> Vec<String> {
    let fingerprint = |keys: &[String]| -> Vec<bool> {
        let arns = keys.iter().map(|key| delivery.object_arn(key));
        arns.flat_map(|arn| patterns.iter().map(move |pattern| arn_glob(pattern, &arn)).collect::<Vec<_>>()).collect()
    };
    let of = |account: &AccountId| delivery.objects(&format!("{base}/{account}"), account.as_str());
    let mut kinds: BTreeMap<Vec<bool>, Vec<String>> = BTreeMap::new();
    for account in &delivery.accounts {
        let keys = of(account);
        kinds.entry(fingerprint(&keys)).or_insert(keys);
    }
    kinds.into_values().flatten().filter(|key| !tried.contains(key)).collect()
}

/// Returns, for each pattern by which a statement denies and that none of the known keys matches, a key that it matches,
/// if it matches any key that the trail writes for one of the accounts.
fn built(
    delivery: &Delivery,
    policy: &PolicyDocument,
    patterns: &[&str],
    known: &[String],
    base: &str,
    accounts: &[AccountId],
) -> Vec<String> {
    let arns: Vec<String> = known.iter().map(|key| delivery.object_arn(key)).collect();
    let missed = |pattern: &&&str| !arns.iter().any(|arn| arn_glob(pattern, arn));
    let denied: BTreeSet<&str> = policy.statements.iter().flat_map(denied_patterns).collect();
    let open = patterns.iter().filter(|pattern| denied.contains(**pattern)).filter(missed);
    open.filter_map(|pattern| witness(delivery, pattern, base, accounts)).collect()
}

fn denied_patterns(statement: &Statement) -> impl Iterator<Item = &str> {
    let list = match (statement.effect, &statement.resource) {
        (Effect::Deny, Some(ResourceElement::Is(list))) => list.as_slice(),
        _ => &[],
    };
    list.iter().map(String::as_str)
}

/// Returns a key that the pattern of a resource matches, of one of the accounts.
fn witness(delivery: &Delivery, pattern: &str, base: &str, accounts: &[AccountId]) -> Option<String> {
    if pattern.contains("${") || pattern.len() > PATTERN_MAX {
        return None;
    }
    let bucket = delivery.bucket_arn();
    let (mut fields, arn) = (pattern.splitn(6, ':'), bucket.splitn(6, ':'));
    if !arn.take(5).all(|field| fields.next().is_none_or(|pattern| glob(pattern, field))) {
        return None;
    }
    let pattern: Vec<char> = fields.next().unwrap_or("*").chars().collect();
    let start = format!("{}/", delivery.bucket);
    let find = |account: Option<&str>| {
        let keys = FOLDERS.iter().map(|(folder, name)| log_files(&format!("{start}{base}"), account, folder, name));
        keys.into_iter().find_map(|key| common(&pattern, &key))
    };
    // Most patterns match no key of anybody's, which is seen at once.
    find(None)?;
    let text = accounts.iter().find_map(|account| find(Some(account.as_str())))?;
    text.strip_prefix(&start).map(str::to_owned)
}

/// A part of the names of log files: one character of a class, or any number of them.
#[derive(Clone, Copy)]
struct Part {
    class: Class,
    many: bool,
}

#[derive(Clone, Copy)]
enum Class {
    Only(char),
    Digit,
    /// What regions are made of.
    Region,
    /// What the rest of a file's name is made of.
    Word,
}

impl Class {
    /// Returns a character of the class that is this one, if one is asked for.
    fn pick(self, wanted: Option<char>) -> Option<char> {
        let (fits, sample): (fn(char) -> bool, char) = match self {
            Class::Only(own) => return wanted.is_none_or(|c| c == own).then_some(own),
            Class::Digit => (|c| c.is_ascii_digit(), '0'),
            Class::Region => (|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-', 'x'),
            Class::Word => (|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'), 'x'),
        };
        let c = wanted.unwrap_or(sample);
        fits(c).then_some(c)
    }
}

/// Returns what all log files of a folder look like, of one account or of any (`CloudTrail` user guide, "Finding your
/// CloudTrail log files").
fn log_files(base: &str, account: Option<&str>, folder: &str, name: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let one = |class| Part { class, many: false };
    let text = |text: &str, parts: &mut Vec<Part>| parts.extend(text.chars().map(|c| one(Class::Only(c))));
    let id = |parts: &mut Vec<Part>| match account {
        Some(id) => text(id, parts),
        None => parts.extend([one(Class::Digit); 12]),
    };
    text(base, &mut parts);
    text("/", &mut parts);
    id(&mut parts);
    text(&format!("/{folder}/"), &mut parts);
    parts.extend([one(Class::Region), Part { class: Class::Region, many: true }]);
    for digits in [4, 2, 2] {
        text("/", &mut parts);
        parts.extend(vec![one(Class::Digit); digits]);
    }
    text("/", &mut parts);
    id(&mut parts);
    text(&format!("_{name}_"), &mut parts);
    parts.push(Part { class: Class::Word, many: true });
    text(".json.gz", &mut parts);
    parts
}

/// Returns a text that a pattern with `*` and `?` matches and that is made of these parts, if there is one.
///
/// Both are walked side by side; each pair of places is visited once.
fn common(pattern: &[char], parts: &[Part]) -> Option<String> {
    let width = parts.len() + 1;
    let place = |p: usize, k: usize| p * width + k;
    let mut came: Vec<Option<(usize, Option<char>)>> = vec![None; (pattern.len() + 1) * width];
    let mut open = vec![(0, 0)];
    came[0] = Some((0, None));
    while let Some((p, k)) = open.pop() {
        if p == pattern.len() && k == parts.len() {
            return Some(read_back(&came, place(p, k)));
        }
        for (to, by) in steps(pattern, parts, p, k) {
            let next = &mut came[place(to.0, to.1)];
            if next.is_none() {
                *next = Some((place(p, k), by));
                open.push(to);
            }
        }
    }
    None
}

type Step = ((usize, usize), Option<char>);

/// Returns where one can go from a pair of places: past a `*` or a repeated part, or over a character that fits both.
fn steps(pattern: &[char], parts: &[Part], p: usize, k: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    let (own, part) = (pattern.get(p).copied(), parts.get(k).copied());
    if own == Some('*') {
        steps.push(((p + 1, k), None));
    }
    if part.is_some_and(|part| part.many) {
        steps.push(((p, k + 1), None));
    }
    if let (Some(own), Some(part)) = (own, part) {
        let wanted = Some(own).filter(|c| !matches!(c, '*' | '?'));
        if let Some(c) = part.class.pick(wanted) {
            steps.push(((p + usize::from(own != '*'), k + usize::from(!part.many)), Some(c)));
        }
    }
    steps
}

fn read_back(came: &[Option<(usize, Option<char>)>], end: usize) -> String {
    let mut text = Vec::new();
    let mut at = end;
    while let Some((before, by)) = came[at] {
        text.extend(by);
        if before == at {
            break;
        }
        at = before;
    }
    text.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(accounts: usize) -> Delivery {
        Delivery {
            trail_arn: "arn:aws:cloudtrail:eu-central-1:111111111111:trail/acme".parse().unwrap(),
            management_account: "111111111111".parse().unwrap(),
            organization_id: Some("o-exampleorgid".parse().unwrap()),
            accounts: (0..accounts).map(|n| format!("3{n:011}").parse().unwrap()).collect(),
            bucket: "logs".into(),
            prefix: "audit".into(),
            key_arn: None,
            bucket_key: false,
        }
    }

    fn denied(below: &str) -> PolicyDocument {
        let resource = format!("arn:aws:s3:::logs/{below}");
        let text =
            format!(r#"{{"Statement":[{{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"{resource}"}}]}}"#);
        PolicyDocument::parse(&text).unwrap()
    }

    fn keys(below: &str) -> Vec<String> {
        let delivery = delivery(1_000);
        let tried = delivery.objects("audit/AWSLogs/o-exampleorgid/111111111111", "111111111111");
        told_apart(&delivery, &denied(below), &tried)
    }

    #[test]
    fn a_pattern_for_all_or_for_nobody_tells_nothing_apart() {
        for below in ["*", "audit/*", "audit/AWSLogs/o-exampleorgid/*", "other/*", "audit/AWSLogs/o-other/*"] {
            assert_eq!(keys(below), Vec::<String>::new(), "{below}");
        }
    }

    #[test]
    fn what_a_pattern_matches_is_tried() {
        let patterns = [
            "audit/AWSLogs/o-exampleorgid/300000000999/*",
            "*/300000000007/*",
            "audit/AWSLogs/o-exampleorgid/*/CloudTrail/us-west-2/*",
            "*/2027/12/24/*",
            "*_CloudTrail-Insight_ap-*",
            "audit/AWSLogs/?-exampleorgid/30000000000?/CloudTrail-Digest/*",
            "*/CloudTrail-Digest/eu-central-1/*/300000000042_*.gz",
        ];
        for below in patterns {
            let pattern = format!("arn:aws:s3:::logs/{below}");
            let found = keys(below);
            assert!(found.iter().any(|key| glob(&pattern, &format!("arn:aws:s3:::logs/{key}"))), "{below} {found:?}");
        }
        for below in ["*/CloudTrail_Digest/*", "audit/AWSLogs/o-exampleorgid/999999999999/*", "*.json", "*//*"] {
            let pattern = format!("arn:aws:s3:::logs/{below}");
            let found = keys(below);
            assert!(!found.iter().any(|key| glob(&pattern, &format!("arn:aws:s3:::logs/{key}"))), "{below} {found:?}");
        }
    }
}
