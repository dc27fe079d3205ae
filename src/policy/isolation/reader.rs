//! One reader: it reads and lists its own account's files, no other's, and changes nothing.

use super::probe::{Outcome, Try, refute};
use super::reach::instance;
use super::{Archive, Invariant, Isolation, Key, Reader, Violation, key, trust};
use crate::policy::document::{Effect, ResourceElement, Statement};
use crate::policy::evaluate::{Caller, Named, Place, Verdict, arn_glob, covers_action};

/// What reads a file.
pub(super) const READS: [&str; 2] = ["s3:GetObject", "s3:GetObjectVersion"];

/// What lists files.
pub(super) const LISTS: [&str; 2] = ["s3:ListBucket", "s3:ListBucketVersions"];

/// What would change the logs or what protects them; the second word says on what.
pub(super) const CHANGES: [(&str, Target); 17] = [
    ("s3:PutObject", Target::Object),
    ("s3:DeleteObject", Target::Object),
    ("s3:DeleteObjectVersion", Target::Object),
    ("s3:PutObjectRetention", Target::Object),
    ("s3:BypassGovernanceRetention", Target::Object),
    ("s3:PutObjectAcl", Target::Object),
    ("s3:ReplicateDelete", Target::Object),
    ("s3:PutBucketPolicy", Target::Bucket),
    ("s3:DeleteBucketPolicy", Target::Bucket),
    ("s3:PutLifecycleConfiguration", Target::Bucket),
    ("s3:PutBucketVersioning", Target::Bucket),
    ("s3:DeleteBucket", Target::Bucket),
    ("kms:PutKeyPolicy", Target::Key),
    ("kms:CreateGrant", Target::Key),
    ("kms:ScheduleKeyDeletion", Target::Key),
    ("iam:PutRolePolicy", Target::Role),
    ("sts:AssumeRole", Target::OtherRole),
];

/// What a changing action is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Object,
    Bucket,
    Key,
    Role,
    /// A role whose trust policy leaves the decision to the account, as that of the archive's own reader does.
    OtherRole,
}

/// Checks one reader.
pub(super) fn check(archive: &Archive, reader: &Reader, result: &mut Isolation) {
    let role = reader.role.as_str();
    let Some(caller) = Caller::from_arn(reader.role) else {
        result.leave_open(Invariant::ReadsOwn, role, "this is not the ARN of a role");
        return;
    };
    for name in reader.unknown_policies {
        result.leave_open(Invariant::ReadsOnlyOwn, role, format!("the attached policy {name} is not known"));
    }
    let subject = Subject { archive, reader, caller };
    subject.reads_own(result);
    key::check_reader(archive, reader, &subject.caller, result);
    // A role of another account reads what the bucket's policy lets it, which is proved there.
    if reader.role.account() == archive.account.as_str() {
        for policy in reader.policies {
            let allows = policy.document.statements.iter().enumerate().filter(|(_, s)| s.effect == Effect::Allow);
            for (index, statement) in allows {
                subject.check_statement(policy, index, statement, result);
            }
        }
    }
    if let Some(document) = reader.trust {
        trust::check(archive, reader, document, result);
    }
}

struct Subject<'a> {
    archive: &'a Archive<'a>,
    reader: &'a Reader<'a>,
    caller: Caller,
}

impl Subject<'_> {
    fn judge(&self, one: &Try) -> Verdict {
        let request = one.request(self.caller.clone(), self.archive.inside());
        self.archive.judge(&request, self.reader.policies)
    }

    fn violation(&self, invariant: Invariant, one: &Try, statement: Option<Place>) -> Violation {
        let principal = self.reader.role.to_string();
        Violation { invariant, principal, action: one.action.into(), resource: one.target(), statement }
    }

    /// Full evaluation: one file of each kind, and a listing of each folder.
    fn reads_own(&self, result: &mut Isolation) {
        let account = self.reader.account.as_str();
        let folders = self.archive.read_folders(account);
        let keys = self.archive.files_in(&folders);
        let files = keys.iter().map(|key| Try::on("s3:GetObject", self.archive.object_arn(key)));
        let lists = folders.iter().map(|folder| Try::listing(self.archive, folder));
        for one in files.chain(lists) {
            match self.judge(&one) {
                Verdict::Allowed { .. } => {}
                Verdict::Denied(denial) => {
                    let place = super::blamed(denial);
                    result.violate(self.violation(Invariant::ReadsOwn, &one, place));
                }
                Verdict::Unknown { why } => {
                    result.leave_open(Invariant::ReadsOwn, self.reader.role.as_str(), why.join("; "));
                }
            }
        }
    }

    fn check_statement(&self, policy: &Named, index: usize, statement: &Statement, result: &mut Isolation) {
        let place = || Place { document: policy.name.to_owned(), index, sid: statement.sid.clone() };
        let folders = self.archive.folders(self.reader.account.as_str());
        let covers = |actions: &[&'static str]| actions.iter().copied().find(|action| covers_action(statement, action));
        if let Some(action) = covers(&READS)
            && !self.archive.reads_within(statement, &folders)
        {
            self.settle(Invariant::ReadsOnlyOwn, self.strange_files(statement, action), &place(), result);
        }
        if let Some(action) = covers(&LISTS)
            && !self.archive.lists_within(statement, &folders)
        {
            self.settle(Invariant::ListsOnlyOwn, self.strange_listings(action), &place(), result);
        }
        for (action, target) in CHANGES {
            if covers_action(statement, action) {
                self.check_change(action, target, &place(), result);
            }
        }
    }

    /// Reports what trying came to. That all tries are denied proves nothing, so that the statement stays unproven.
    fn settle(&self, invariant: Invariant, tries: Vec<Try>, place: &Place, result: &mut Isolation) {
        match refute(tries, |one| self.judge(one)) {
            Outcome::Refuted(one) => result.violate(self.violation(invariant, &one, Some(place.clone()))),
            Outcome::Open(why) => result.leave_open(invariant, self.reader.role.as_str(), why),
            Outcome::Held => result.leave_open(
                invariant,
                self.reader.role.as_str(),
                format!("{place} reaches beyond the account's folders; that it is denied elsewhere is not proved"),
            ),
        }
    }

    /// Returns files of others that the statement covers, those that it names first.
    fn strange_files(&self, statement: &Statement, action: &'static str) -> Vec<Try> {
        let archive = self.archive;
        let longer = format!("{}0", self.reader.account);
        let others = archive.strangers(self.reader.account).map(ToString::to_string).chain([longer]);
        let keys = others.flat_map(|account| archive.sample_keys(&account)).chain(["another-file".to_owned()]);
        let files = keys.map(|key| archive.object_arn(&key));
        let named = |file: &String| match &statement.resource {
            Some(ResourceElement::Is(list)) => {
                list.iter().any(|pattern| arn_glob(pattern, file) || pattern.contains("${"))
            }
            Some(ResourceElement::IsNot(list)) => !list.iter().any(|pattern| arn_glob(pattern, file)),
            None => false,
        };
        let files = files.filter(named).chain(self.strange_instances(statement));
        files.map(|file| Try::on(action, file)).take(super::probe::TRIES_MAX).collect()
    }

    /// Returns one file for each resource of a statement that is a log and does not lie in the account's own folders.
    fn strange_instances(&self, statement: &Statement) -> Vec<String> {
        let account = self.reader.account.as_str();
        let folders = self.archive.folders(account);
        let Some(ResourceElement::Is(list)) = &statement.resource else { return Vec::new() };
        let strange = list.iter().filter(|pattern| {
            self.archive.may_touch(pattern)
                && self.archive.may_be_a_log(pattern)
                && !self.archive.is_within(pattern, &folders)
        });
        strange.map(|pattern| instance(pattern, account)).collect()
    }

    /// Returns listings that show more than the account's own files: everything, what is above, beside and elsewhere.
    fn strange_listings(&self, action: &'static str) -> Vec<Try> {
        let archive = self.archive;
        let mut prefixes = vec![String::new()];
        for root in archive.all_roots() {
            prefixes.push(format!("{root}/"));
            prefixes.push(format!("{root}/{}", self.reader.account));
            prefixes.push(format!("{root}/{}0/", self.reader.account));
            prefixes.extend(archive.strangers(self.reader.account).take(4).map(|other| format!("{root}/{other}/")));
        }
        prefixes.iter().map(|prefix| Try { action, ..Try::listing(archive, prefix) }).collect()
    }

    fn check_change(&self, action: &'static str, target: Target, place: &Place, result: &mut Isolation) {
        let archive = self.archive;
        let file = archive.sample_keys(self.reader.account.as_str()).into_iter().next().unwrap_or_default();
        let resource = match target {
            Target::Object => archive.object_arn(&file),
            Target::Bucket => archive.bucket_arn.to_string(),
            Target::Role => self.reader.role.to_string(),
            Target::OtherRole => format!("{}-of-somebody-else", self.reader.role),
            Target::Key => match archive.key {
                Some(key) => key.arn.to_owned(),
                None => return,
            },
        };
        let one = Try::on(action, resource);
        let request = one.request(self.caller.clone(), archive.inside());
        let delegated = key::delegated(archive);
        let verdict = match (target, archive.key) {
            (Target::Key, Some(key)) => key::judge(archive, key, &request, self.reader.policies),
            (Target::OtherRole, _) => {
                let other = Key { arn: &one.resource, policy: &delegated };
                key::judge(archive, other, &request, self.reader.policies)
            }
            _ => archive.judge(&request, self.reader.policies),
        };
        match verdict {
            Verdict::Allowed { .. } => {
                result.violate(self.violation(Invariant::WritesNothing, &one, Some(place.clone())));
            }
            Verdict::Denied(_) => {}
            Verdict::Unknown { why } => {
                result.leave_open(Invariant::WritesNothing, self.reader.role.as_str(), why.join("; "));
            }
        }
    }
}
