//! One reader: it reads and lists its own account's files, no other's, and changes nothing.

use super::confine::{Candidate, Met, meets};
use super::elsewhere::elsewhere;
use super::excess::excess;
use super::probe::Try;
use super::scene::{Excess, Rights, Scene};
use super::{Archive, BrokenInvariant, Invariant, Isolation, Reader, SharedKind, key, lake, trust};
use crate::log_path::Folder;
use crate::policy::document::{Effect, PolicyDocument, ResourceElement, Statement};
use crate::policy::evaluate::{
    AccessDecision, Caller, Denial, Layers, Named, Request, StatementPlace, covers_action, evaluate_at_worst,
    resource_glob,
};
use crate::policy::log_files::{LogFiles, ToldApart};

/// What a reader's own policies can be about.
const LOOKED_AT: [SharedKind; 4] = [SharedKind::Bucket, SharedKind::Key, SharedKind::Topic, SharedKind::Lake];

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
    lake::check_reader(archive, reader, &subject.caller, result);
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
    fn judge(&self, one: &Try) -> AccessDecision {
        let request = one.request(self.caller.clone(), self.archive.inside());
        self.archive.judge(&request, self.reader.policies)
    }

    fn violation(&self, invariant: Invariant, one: &Try, statement: Option<StatementPlace>) -> BrokenInvariant {
        let principal = self.reader.role.to_string();
        BrokenInvariant { invariant, principal, action: one.action.into(), resource: one.target(), statement }
    }

    /// Full evaluation: one file of each kind, and a listing of each folder.
    fn reads_own(&self, result: &mut Isolation) {
        let account = self.reader.account.as_str();
        let folders = self.archive.read_folders(account);
        let mut keys = self.archive.read_keys(account);
        let told = self.told_apart(&keys);
        if told.too_many {
            let why =
                "the patterns of statements about reading are too long or too many to try a file on each side of them";
            result.leave_open(Invariant::ReadsOwn, self.reader.role.as_str(), why);
        }
        keys.extend(told.keys);
        let files = keys.iter().map(|key| Try::on("s3:GetObject", self.archive.object_arn(key)));
        let lists = folders.iter().map(|folder| Try::listing(self.archive, folder));
        // Older versions are the reader's to read where its own policies say so.
        let versions = keys.iter().map(|key| Try::on("s3:GetObjectVersion", self.archive.object_arn(key)));
        let versions = versions.filter(|_| self.reads_versions());
        for one in files.chain(lists).chain(versions) {
            match self.judge(&one) {
                AccessDecision::Allowed { .. } => {}
                AccessDecision::Denied(Denial::Implicit { .. }) if one.action == "s3:GetObjectVersion" => {}
                AccessDecision::Denied(denial) => {
                    let place = super::blamed(denial);
                    result.violate(self.violation(Invariant::ReadsOwn, &one, place));
                }
                AccessDecision::Unknown { why } => {
                    result.leave_open(Invariant::ReadsOwn, self.reader.role.as_str(), why.join("; "));
                }
            }
        }
    }

    fn reads_versions(&self) -> bool {
        let statements = self.reader.policies.iter().flat_map(|policy| &policy.document.statements);
        let mut allows = statements.filter(|statement| statement.effect == Effect::Allow);
        allows.any(|statement| covers_action(statement, "s3:GetObjectVersion"))
    }

    /// Returns keys of its account that some statement about reading treats otherwise than most: of a region, a year, a
    /// day.
    fn told_apart(&self, keys: &[String]) -> ToldApart {
        let known: Vec<String> = keys.iter().map(|key| self.archive.object_arn(key)).collect();
        let own = self.reader.policies.iter().map(|policy| policy.document);
        let documents: [Vec<&PolicyDocument>; 2] = [own.collect(), self.archive.bucket_policy.into_iter().collect()];
        let mut all = ToldApart::default();
        for root in self.archive.roots {
            let files = LogFiles { bucket_arn: self.archive.bucket_arn.as_str(), root, folders: &Folder::ALL };
            for documents in &documents {
                let statements = documents.iter().flat_map(|document| &document.statements);
                let reading: Vec<&Statement> = statements.filter(|one| covers_action(one, "s3:GetObject")).collect();
                let told = files.told_apart(&reading, &known, std::slice::from_ref(self.reader.account));
                all.keys.extend(told.keys);
                all.too_many |= told.too_many;
            }
        }
        all
    }

    /// Whatever a statement of its policy gives beyond its account's folders is too much, on every bucket, key and
    /// topic.
    fn check_statement(&self, policy: &Named, index: usize, statement: &Statement, result: &mut Isolation) {
        let place = StatementPlace { document: policy.name.to_owned(), index, sid: statement.sid.clone() };
        let doubts = match meets(self.archive, self.archive.account, statement, Candidate::Principal(self.reader.role))
        {
            Met::No => return,
            Met::Yes => Vec::new(),
            Met::Perhaps(doubts) => doubts,
        };
        // A role's sessions are of the account that the role is in.
        let variables = policy.document.version.as_deref() == Some("2012-10-17");
        let own = variables.then_some(self.archive.account.as_str());
        let mut beyond = Vec::new();
        for kind in LOOKED_AT {
            for (arn, _) in self.archive.shared_of(kind) {
                if matches!(kind, SharedKind::Bucket | SharedKind::Lake) || covers_resource(statement, arn) {
                    beyond.extend(self.beyond(&Scene::new(self.archive, kind, arn, statement, own)));
                }
            }
        }
        beyond.extend(elsewhere(self.archive, self.reader, statement));
        for one in beyond {
            self.settle(one, &doubts, &place, result);
        }
    }

    /// What it decrypts is settled by evaluation ([`key::check_reader`]).
    fn beyond(&self, scene: &Scene) -> Vec<Excess> {
        let beyond = excess(scene, Rights::Own(self.reader.account.as_str()));
        beyond.into_iter().filter(|one| one.invariant != Invariant::DecryptsOnlyLogs).collect()
    }

    /// That what is too much is denied elsewhere proves nothing of what was not tried, so that it stays unproven.
    fn settle(&self, one: Excess, doubts: &[String], place: &StatementPlace, result: &mut Isolation) {
        let role = self.reader.role.as_str();
        if let Some(why) = one.open.or_else(|| (!doubts.is_empty()).then(|| doubts.join("; "))) {
            return result.leave_open(one.invariant, role, format!("{place}: {why}"));
        }
        let open =
            one.tries.iter().find(|(resource, prefix)| !self.is_denied(&one.action, resource, prefix.as_deref()));
        let Some((resource, prefix)) = open else {
            let why =
                format!("{place} reaches beyond the account's folders; that it is denied elsewhere is not proved");
            return result.leave_open(one.invariant, role, why);
        };
        let resource = match prefix.as_deref() {
            Some(prefix) if !prefix.is_empty() => format!("{resource} with prefix {prefix}"),
            _ => resource.clone(),
        };
        result.violate(BrokenInvariant {
            invariant: one.invariant,
            principal: role.to_owned(),
            action: one.action,
            resource,
            statement: Some(place.clone()),
        });
    }

    /// Tells whether a denial of the reader's own policies, or of the document of what it is done to, certainly meets a
    /// request.
    fn is_denied(&self, action: &str, resource: &str, prefix: Option<&str>) -> bool {
        let context = match prefix {
            Some(prefix) if !prefix.is_empty() => self.archive.inside().with("s3:prefix", prefix),
            _ => self.archive.inside(),
        };
        let request =
            Request { caller: self.caller.clone(), action: action.to_owned(), resource: resource.to_owned(), context };
        let mut all = LOOKED_AT.into_iter().flat_map(|kind| self.archive.shared_of(kind));
        let is_of = |arn: &str| resource.strip_prefix(arn).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let document = all.find(|(arn, _)| is_of(arn)).and_then(|(_, document)| document);
        let layers = Layers {
            identity: self.reader.policies,
            resource: document.map(|document| Named { name: "policy of the resource", document }),
            resource_account: Some(self.archive.account.clone()),
            ..Layers::default()
        };
        matches!(evaluate_at_worst(&request, &layers), AccessDecision::Denied(Denial::Explicit(_)))
    }
}

fn covers_resource(statement: &Statement, arn: &str) -> bool {
    match &statement.resource {
        Some(ResourceElement::Is(list)) => list.iter().any(|text| text.contains("${") || resource_glob(text, arn)),
        Some(ResourceElement::IsNot(_)) | None => true,
    }
}
