//! Where logs of before lie, and what tells of it: the policies of readers, which go on to name the places of all logs
//! that they read.

use std::collections::{BTreeMap, BTreeSet};

use super::Address;
use crate::ids::{AccountId, Arn};
use crate::log_path::LogRoot;
use crate::policy::PolicyDocument;
use crate::policy::document::{Effect, ResourceElement, Statement};
use crate::policy::evaluate::covers_action;

/// A bucket, or a part of one, with logs of before, which no trail of today writes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierPlace {
    /// The bucket.
    pub bucket: Address,
    /// What account folders stand in there.
    pub roots: BTreeSet<LogRoot>,
    /// The ARN of the key that encrypted the logs; none where they have none, or it is not known.
    pub key: Option<String>,
    /// The configuration names it.
    pub is_configured: bool,
}

/// What is known of earlier logs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// Where they lie, until a person gives a place up.
    pub places: Vec<EarlierPlace>,
    /// The ARNs of further keys of the log account that encrypted logs: readers go on to decrypt with them.
    pub keys: BTreeSet<String>,
    /// The ARN of the key that encrypts logs today; none where there is none, or it is still to be made.
    pub key_of_today: Option<String>,
    /// The reader roles of earlier log accounts, by the account that they read for.
    pub readers: BTreeMap<AccountId, BTreeSet<Address>>,
    /// The buckets of lakes of before that are there, or may be, until a person gives them up.
    pub lakes: BTreeSet<Address>,
    /// The names of the buckets of lakes of before that a person gives up.
    pub lakes_given_up: BTreeSet<String>,
    /// The places, keys and lakes that a person gave up, of those that were found.
    pub given_up: BTreeSet<String>,
}

impl Past {
    /// Tells whether nothing of before is known.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty() && self.keys.is_empty() && self.readers.is_empty() && self.lakes.is_empty()
    }

    /// Tells whether a role reads in an earlier log account.
    pub fn is_reader(&self, role: &Address) -> bool {
        self.readers.values().any(|roles| roles.contains(role))
    }
}

/// What policies let a reader read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Buckets, each with what the reader's own account folder stands in there.
    pub folders: BTreeSet<(String, LogRoot)>,
    /// The ARNs of keys.
    pub keys: BTreeSet<String>,
}

impl Reading {
    /// Reads it out of the policies of a reader of an account. Only whole folders of this very account count.
    pub fn of<'a>(documents: impl IntoIterator<Item = &'a PolicyDocument>, account: &str) -> Self {
        let mut reading = Self::default();
        for statement in documents.into_iter().flat_map(|document| &document.statements) {
            let allows = |action| statement.effect == Effect::Allow && covers_action(statement, action);
            if allows("s3:GetObject") {
                reading.folders.extend(resources(statement).filter_map(|resource| folder(resource, account)));
            }
            if allows("kms:Decrypt") {
                let keys = resources(statement).filter(|key| key.parse().as_ref().is_ok_and(Arn::is_kms_key));
                reading.keys.extend(keys.filter(|key| !key.contains(['*', '?'])).cloned());
            }
        }
        reading
    }
}

/// Returns the roles that a member policy lets assume, each as an address.
pub fn assumed_roles(document: &PolicyDocument) -> impl Iterator<Item = Address> {
    let allows = |s: &&Statement| s.effect == Effect::Allow && covers_action(s, "sts:AssumeRole");
    let arns =
        document.statements.iter().filter(allows).flat_map(resources).filter_map(|text| text.parse::<Arn>().ok());
    arns.filter_map(|arn| {
        let name = arn.resource().strip_prefix("role/").filter(|name| !name.contains(['*', '?']))?;
        Some(Address::global(&arn.account().parse().ok()?, super::Kind::Role, name))
    })
}

fn resources(statement: &Statement) -> impl Iterator<Item = &String> {
    let list: &[String] = match &statement.resource {
        Some(ResourceElement::Is(list)) => list,
        Some(ResourceElement::IsNot(_)) | None => &[],
    };
    list.iter()
}

/// Reads `arn:…:s3:::bucket/root/account/*`, where the root ends in `AWSLogs` or `AWSLogs/o-…`.
fn folder(resource: &str, account: &str) -> Option<(String, LogRoot)> {
    let fields: Vec<&str> = resource.splitn(6, ':').collect();
    let (bucket, pattern) = fields.get(5).filter(|_| fields.get(2) == Some(&"s3"))?.split_once('/')?;
    let root = LogRoot::of_account_pattern(pattern, account)?;
    let is_plain = |text: &str| !text.contains(['*', '?', '$']);
    (is_plain(bucket) && is_plain(root.as_str())).then(|| (bucket.to_owned(), root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_folders_of_the_own_account_are_read_out_of_a_policy() {
        let text = r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:::a/AWSLogs/o-x1/111111111111/*",
             "arn:aws:s3:::b/p/AWSLogs/111111111111/*","arn:aws:s3:::c/AWSLogs/222222222222/*","arn:aws:s3:::d*/AWSLogs/111111111111/*",
             "arn:aws:s3:::e/other/111111111111/*","arn:aws:s3:::f/*"]},
            {"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::g/AWSLogs/111111111111/*"},
            {"Effect":"Allow","Action":"kms:Decrypt","Resource":["arn:aws:kms:eu-central-1:222222222222:key/1","*"]},
            {"Effect":"Allow","Action":"sts:AssumeRole","Resource":["arn:aws:iam::222222222222:role/Read-1","arn:aws:iam::222222222222:role/*"]}]}"#;
        let document = PolicyDocument::parse(text).unwrap();
        let reading = Reading::of([&document], "111111111111");
        let own = |bucket: &str, root: &str| (bucket.to_owned(), root.parse().unwrap());
        assert_eq!(reading.folders, [own("a", "AWSLogs/o-x1"), own("b", "p/AWSLogs")].into());
        assert_eq!(reading.keys, ["arn:aws:kms:eu-central-1:222222222222:key/1".to_owned()].into());
        let roles: Vec<String> = assumed_roles(&document).map(|role| role.to_string()).collect();
        assert_eq!(roles, ["222222222222/global/role/Read-1"]);
    }
}
