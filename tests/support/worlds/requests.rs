//! What was promised to whom, as requests: those that must fail whoever asks, and those that must succeed.

use std::collections::BTreeMap;

use orgtrail::estate::{ACCOUNT_TAG, Address, Estate, Kind, Resource};
use orgtrail::ids::{AccountId, Partition};
use orgtrail::policy::PolicyDocument;
use orgtrail::policy::evaluate::{AccessDecision, Caller, Context, Layers, Named, Request, evaluate, full_access};
use orgtrail::survey::Survey;

use super::rerender::Dice;

/// An account that has nothing to do with any organization, and that no configuration trusts.
pub const STRANGER: &str = "888888888888";
/// How many members and readers ask.
const ASKERS_MAX: usize = 3;

/// A deployment, as requests name it.
pub struct Place {
    pub partition: Partition,
    pub log: AccountId,
    pub management: AccountId,
    /// The accounts beside the log and the management account.
    members: Vec<AccountId>,
    paths: BTreeMap<AccountId, String>,
    /// What the account folders stand in.
    pub root: String,
    /// The ARNs of bucket, key and topic, by service; that of the lake's bucket under its own name.
    pub arns: BTreeMap<&'static str, String>,
    /// The reader roles: ARN, whose logs, where.
    pub readers: Vec<(String, AccountId, Address)>,
    /// The ARN and the account of a trail.
    trail: Option<(String, AccountId)>,
    region: String,
}

/// What is asked for, with the policy that somebody added to.
pub struct Asked<'a> {
    pub service: &'static str,
    pub arn: &'a str,
    pub owner: AccountId,
    /// The statement that was added is its last.
    pub policy: Option<&'a PolicyDocument>,
}

/// The policies of somebody who asks.
pub struct Policies<'a> {
    pub own: &'a [Named<'a>],
    pub boundary: Option<Named<'a>>,
}

/// Somebody who asks.
struct Asker {
    caller: Caller,
    context: Context,
    /// The account whose logs it may read; empty: of none.
    reads: String,
}

type Try = (&'static str, String, Context);

impl Place {
    pub fn of(survey: &Survey, observed: &Estate) -> Option<Self> {
        let (desired, organization) = (&survey.desired, &survey.organization);
        let at = |kind| desired.wanted.keys().find(|address| address.kind == kind);
        let bucket = desired.log_bucket()?;
        let mut place = Self {
            partition: desired.partition,
            log: desired.log_account.clone(),
            management: organization.management_account.clone(),
            members: Vec::new(),
            paths: BTreeMap::new(),
            root: desired.reading.roots.first()?.to_string(),
            arns: BTreeMap::from([("s3", bucket.arn(desired.partition)?.to_string())]),
            readers: Vec::new(),
            trail: at(Kind::Trail).and_then(|at| Some((at.arn(desired.partition)?.to_string(), at.account.clone()))),
            region: bucket.region.as_ref()?.to_string(),
        };
        let lake = desired.lake.as_ref().and_then(|lake| lake.bucket.arn(desired.partition));
        place.arns.extend(lake.map(|arn| ("lake", arn.to_string())));
        for (service, kind) in [("kms", Kind::KeyPolicy), ("sns", Kind::Topic)] {
            let arn = at(kind).and_then(|address| place.arn_of(observed, address));
            place.arns.extend(arn.map(|arn| (service, arn)));
        }
        for (id, account) in &organization.accounts {
            let path = account.path.iter().fold(format!("{}/", organization.id), |text, unit| text + unit + "/");
            place.paths.insert(id.clone(), path);
            if *id != place.log && *id != place.management {
                place.members.push(id.clone());
            }
        }
        for (address, resource) in observed.resources() {
            if let Resource::Role(role) = resource
                && let Some(account) = role.tags.get(ACCOUNT_TAG).and_then(|account| account.parse().ok())
                && let Some(arn) = address.arn(place.partition)
            {
                place.readers.push((arn.to_string(), account, address.clone()));
            }
        }
        Some(place)
    }

    /// Returns the ARN of what a policy is about.
    pub fn arn_of(&self, observed: &Estate, address: &Address) -> Option<String> {
        let arn = |address: &Address| address.arn(self.partition).map(|arn| arn.to_string());
        match address.kind {
            Kind::BucketPolicy => arn(&address.with_kind(Kind::Bucket)),
            Kind::KeyPolicy => match observed.resource(&address.with_kind(Kind::Key))? {
                Resource::Key(key) => key.arn.clone(),
                _ => None,
            },
            Kind::Queue => {
                let region = address.region.as_ref()?;
                Some(format!("arn:{}:sqs:{region}:{}:{}", self.partition, address.account, address.name))
            }
            _ => arn(address),
        }
    }

    /// Picks an account of the organization.
    pub fn member(&self, dice: &mut Dice) -> AccountId {
        let all: Vec<&AccountId> = self.paths.keys().collect();
        all[dice.below(all.len())].clone()
    }

    fn circumstances(&self) -> Context {
        Context::default().with("aws:SecureTransport", "true").with("aws:SourceIp", "203.0.113.7")
    }

    fn outside(&self) -> Context {
        self.circumstances()
            .with("aws:MultiFactorAuthPresent", "true")
            .with("aws:PrincipalOrgID", "o-anotherorganization")
            .with("aws:PrincipalOrgMasterAccountId", STRANGER)
            .with("aws:PrincipalOrgPaths", "o-anotherorganization/r-1/")
            .with("kms:CallerAccount", STRANGER)
            .with("aws:PrincipalTag/team", "audit")
    }

    fn inside(&self, account: &AccountId) -> Context {
        self.circumstances()
            .with("aws:MultiFactorAuthPresent", "true")
            .with("aws:PrincipalOrgID", "o-exampleorgid")
            .with("aws:PrincipalOrgMasterAccountId", self.management.as_str())
            .with("aws:PrincipalOrgPaths", self.paths.get(account).cloned().unwrap_or_default())
            .with("kms:CallerAccount", account.as_str())
            .with("aws:PrincipalTag/team", "audit")
    }

    fn role(&self, account: &str) -> Caller {
        role(&format!("arn:{}:iam::{account}:role/team", self.partition))
    }

    /// Strangers of all kinds and members, each with policies of their own that allow everything.
    fn outsiders(&self) -> Vec<Asker> {
        let nobody = |caller, context| Asker { caller, context, reads: String::new() };
        let mut all =
            vec![nobody(Caller::Anonymous, self.circumstances()), nobody(self.role(STRANGER), self.outside())];
        for member in self.members.iter().take(ASKERS_MAX) {
            let (caller, context) = (self.role(member.as_str()), self.inside(member));
            all.push(Asker { caller, context, reads: member.to_string() });
        }
        all
    }

    /// Services that act for a stranger.
    fn services(&self) -> Vec<Asker> {
        let service = |(name, source): (&str, &str)| Asker {
            caller: Caller::Service { name: name.into() },
            context: self
                .circumstances()
                .with("aws:SourceArn", format!("arn:{}:{source}", self.partition))
                .with("aws:SourceAccount", STRANGER)
                .with("aws:SourceOrgID", "o-anotherorganization"),
            reads: String::new(),
        };
        let sources = [
            ("cloudfront.amazonaws.com", "cloudfront::888888888888:distribution/E1"),
            ("cloudtrail.amazonaws.com", "cloudtrail:eu-central-1:888888888888:trail/t"),
            ("config.amazonaws.com", "config:eu-central-1:888888888888:x"),
        ];
        sources.map(service).into()
    }

    /// Requests that must fail.
    fn forbidden(&self, service: &str, arn: &str, asker: &Asker) -> Vec<Try> {
        let plain = || asker.context.clone();
        let same = |actions: &[&'static str]| actions.iter().map(|action| (*action, arn.to_owned(), plain())).collect();
        let is_cloudtrail = asker.caller == (Caller::Service { name: "cloudtrail.amazonaws.com".into() });
        match service {
            "s3" if self.is_lake(arn) => forbidden_in_lake(arn, asker),
            "s3" => self.forbidden_in_bucket(arn, asker),
            // CloudTrail decrypts for Bucket Keys whatever the trail.
            "kms" if is_cloudtrail => same(&["kms:CreateGrant", "kms:ScheduleKeyDeletion", "kms:ReEncryptFrom"]),
            "kms" => same(&["kms:Decrypt", "kms:CreateGrant", "kms:ScheduleKeyDeletion", "kms:ReEncryptFrom"]),
            "sns" => same(&["sns:Publish", "sns:Subscribe", "sns:SetTopicAttributes"]),
            "sqs" => same(&["sqs:SendMessage", "sqs:ReceiveMessage"]),
            _ => {
                let mut all: Vec<Try> = same(&["logs:FilterLogEvents", "logs:GetLogEvents", "logs:DeleteLogGroup"]);
                all.extend(all.clone().into_iter().map(|(action, arn, context)| (action, format!("{arn}:*"), context)));
                all
            }
        }
    }

    pub fn is_lake(&self, arn: &str) -> bool {
        self.arns.get("lake").is_some_and(|lake| lake == arn)
    }

    fn forbidden_in_bucket(&self, arn: &str, asker: &Asker) -> Vec<Try> {
        let plain = || asker.context.clone();
        let mut list = vec![("s3:ListBucket", arn.to_owned(), plain())];
        for owner in self.members.iter().take(ASKERS_MAX).chain([&self.log]) {
            let folder = format!("{}/{owner}/CloudTrail/{}/2026/01/31/", self.root, self.region);
            let file = format!("{arn}/{folder}file.json.gz");
            if owner.as_str() != asker.reads {
                list.push(("s3:GetObject", file.clone(), plain()));
                list.push(("s3:GetObjectVersion", file.clone(), plain()));
                list.push(("s3:ListBucket", arn.to_owned(), plain().with("s3:prefix", folder)));
            }
            list.push(("s3:PutObject", file.clone(), plain().with("s3:x-amz-acl", "bucket-owner-full-control")));
            list.push(("s3:DeleteObject", file, plain()));
        }
        let changes = ["s3:PutBucketPolicy", "s3:PutLifecycleConfiguration"];
        list.extend(changes.map(|action| (action, arn.to_owned(), plain())));
        list
    }

    /// Returns a promise that the last statement of a policy breaks.
    pub fn broken(&self, observed: &Estate, asked: &Asked) -> Option<String> {
        let after = asked.policy?;
        let mut before = after.clone();
        before.statements.pop();
        let open = full_access();
        let everything = [Named { name: "own", document: &open }];
        let try_all = |asker: &Asker, own: &Policies| {
            let mut tries = self.forbidden(asked.service, asked.arn, asker).into_iter();
            let is_open = |one: &Try, policy| self.judged(asked, asker, one, own, policy).is_allowed();
            tries.find(|one| is_open(one, after) && !is_open(one, &before)).map(|one| told(asker, &one))
        };
        for asker in self.outsiders().into_iter().chain(self.services()) {
            if let Some(found) = try_all(&asker, &Policies { own: &everything, boundary: None }) {
                return Some(found);
            }
        }
        for (asker, address) in self.reading() {
            let documents = inline(observed, &address);
            if let Some(found) = try_all(&asker, &Policies { own: &documents, boundary: None }) {
                return Some(found);
            }
            let promised = self.promised_to_reader(asked, &asker);
            let own = Policies { own: &documents, boundary: None };
            if let Some(lost) = self.lost(asked, &asker, promised, &own, [&before, after]) {
                return Some(lost);
            }
        }
        let (asker, promised) = self.delivery(asked)?;
        self.lost(asked, &asker, promised, &Policies { own: &[], boundary: None }, [&before, after])
    }

    fn judged(
        &self,
        asked: &Asked,
        asker: &Asker,
        one: &Try,
        own: &Policies,
        policy: &PolicyDocument,
    ) -> AccessDecision {
        let (action, resource, context) = one.clone();
        let request = Request { caller: asker.caller.clone(), action: action.into(), resource, context };
        let layers = Layers {
            identity: own.own,
            boundary: own.boundary,
            resource: Some(Named { name: "resource", document: policy }),
            resource_account: Some(asked.owner.clone()),
            ..Layers::default()
        };
        evaluate(&request, &layers)
    }

    /// Returns a request that was allowed and is denied now.
    fn lost(
        &self,
        asked: &Asked,
        asker: &Asker,
        promised: Vec<Try>,
        own: &Policies,
        [before, after]: [&PolicyDocument; 2],
    ) -> Option<String> {
        let judged = |one: &Try, policy| self.judged(asked, asker, one, own, policy);
        let lost = promised.into_iter().find(|one| judged(one, before).is_allowed() && judged(one, after).is_denied());
        lost.map(|one| format!("no more: {}", told(asker, &one)))
    }

    /// A few readers of the log account.
    fn reading(&self) -> Vec<(Asker, Address)> {
        let some = self.readers.iter().take(ASKERS_MAX);
        some.map(|(arn, account, address)| (self.asking(arn, account.as_str()), address.clone())).collect()
    }

    /// A role of the log account that may read the logs of an account.
    fn asking(&self, arn: &str, account: &str) -> Asker {
        Asker { caller: role(arn), context: self.inside(&self.log), reads: account.to_owned() }
    }

    fn promised_to_reader(&self, asked: &Asked, asker: &Asker) -> Vec<Try> {
        let folder = format!("{}/{}/CloudTrail/", self.root, asker.reads);
        let plain = || asker.context.clone();
        match asked.service {
            "s3" => vec![
                ("s3:GetObject", format!("{}/{folder}{}/2026/01/31/file.json.gz", asked.arn, self.region), plain()),
                ("s3:ListBucket", asked.arn.to_owned(), plain().with("s3:prefix", folder)),
            ],
            "kms" => {
                let domain = if self.partition == Partition::China { "amazonaws.com.cn" } else { "amazonaws.com" };
                let trail = self.trail.as_ref().map(|(arn, _)| arn.clone()).unwrap_or_default();
                let context = plain().with("kms:ViaService", format!("s3.{}.{domain}", self.region));
                let context = context.with("kms:EncryptionContext:aws:cloudtrail:arn", trail);
                vec![("kms:Decrypt", asked.arn.to_owned(), context)]
            }
            _ => Vec::new(),
        }
    }

    /// CloudTrail's own requests.
    fn delivery(&self, asked: &Asked) -> Option<(Asker, Vec<Try>)> {
        let (trail, account) = self.trail.as_ref()?;
        let context = self
            .circumstances()
            .with("aws:SourceArn", trail.as_str())
            .with("aws:SourceAccount", account.as_str())
            .with("aws:SourceOrgID", "o-exampleorgid");
        let arn = || asked.arn.to_owned();
        let promised: Vec<Try> = match asked.service {
            "s3" => {
                let file = format!("{}/{}/{account}/CloudTrail/{}/x.json.gz", asked.arn, self.root, self.region);
                let acl = context.clone().with("s3:x-amz-acl", "bucket-owner-full-control");
                vec![("s3:GetBucketAcl", arn(), context.clone()), ("s3:PutObject", file, acl)]
            }
            "kms" => {
                let of_trail = context.clone().with("kms:EncryptionContext:aws:cloudtrail:arn", trail.as_str());
                vec![("kms:GenerateDataKey", arn(), of_trail)]
            }
            "sns" => vec![("sns:Publish", arn(), context.clone())],
            _ => Vec::new(),
        };
        let caller = Caller::Service { name: "cloudtrail.amazonaws.com".into() };
        Some((Asker { caller, context, reads: String::new() }, promised))
    }

    /// Tells what a reader does that it should not.
    pub fn reader_does(&self, observed: &Estate, reader: &Address) -> Option<String> {
        let (arn, account, _) = self.readers.iter().find(|(_, _, address)| address == reader)?;
        let documents = inline(observed, reader);
        self.role_does(observed, arn, &Policies { own: &documents, boundary: None }, account.as_str())
    }

    /// Tells what a role of the log account does, by its own policies and those of bucket, key and topic, beyond
    /// reading the logs of an account.
    pub fn role_does(&self, observed: &Estate, arn: &str, own: &Policies, reads: &str) -> Option<String> {
        let asker = self.asking(arn, reads);
        let lake = ("lake", Kind::BucketPolicy);
        for (service, kind) in [("s3", Kind::BucketPolicy), ("kms", Kind::KeyPolicy), ("sns", Kind::Topic), lake] {
            let Some(arn) = self.arns.get(service) else { continue };
            let service = if service == "lake" { "s3" } else { service };
            let is_of =
                |address: &Address| kind != Kind::BucketPolicy || arn.ends_with(&format!(":::{}", address.name));
            let mut found = observed.resources().filter(|(address, _)| address.kind == kind && is_of(address));
            let policy = found.next().and_then(|(_, resource)| resource.shared_policy()).cloned().unwrap_or_default();
            let asked = Asked { service, arn, owner: self.log.clone(), policy: None };
            // To decrypt is nothing without something to decrypt.
            let tries = self.forbidden(service, arn, &asker).into_iter();
            let tries = tries.filter(|(action, ..)| !matches!(*action, "kms:Decrypt" | "kms:ReEncryptFrom"));
            for one in tries {
                if self.judged(&asked, &asker, &one, own, &policy).is_allowed() {
                    return Some(told(&asker, &one));
                }
            }
        }
        None
    }

    /// Tells who beside its account assumes a reader.
    pub fn assumed(&self, observed: &Estate, reader: &Address) -> Option<String> {
        let (arn, account, _) = self.readers.iter().find(|(_, _, address)| address == reader)?;
        let Resource::Role(role) = observed.resource(reader)? else { return None };
        let others = self.who_assumes(arn, &role.trust).into_iter().find(|(_, of)| of != account.as_str());
        others.map(|(who, _)| format!("{who} can assume {arn}"))
    }

    /// Returns who assumes a role from outside of the log and the management account, each with the account whose logs
    /// it may read.
    pub fn who_assumes(&self, arn: &str, trust: &PolicyDocument) -> Vec<(String, String)> {
        let open = full_access();
        let own = [Named { name: "own", document: &open }];
        let asked = Asked { service: "sts", arn, owner: self.log.clone(), policy: None };
        let can = |asker: &Asker| {
            let contexts = [asker.context.clone(), asker.context.clone().with("sts:ExternalId", "theirs")];
            contexts.into_iter().any(|context| {
                let one = ("sts:AssumeRole", arn.to_owned(), context);
                self.judged(&asked, asker, &one, &Policies { own: &own, boundary: None }, trust).is_allowed()
            })
        };
        let signed = self.outsiders().into_iter().filter(|asker| asker.caller != Caller::Anonymous);
        signed.filter(can).map(|asker| (asker.caller.to_string(), asker.reads)).collect()
    }

    /// Tells whether a boundary keeps a reader from reading.
    pub fn reads_no_more(&self, observed: &Estate, reader: &Address) -> Option<String> {
        let (arn, account, _) = self.readers.iter().find(|(_, _, address)| address == reader)?;
        let Resource::Role(role) = observed.resource(reader)? else { return None };
        let document = role.boundary.as_ref()?.document.as_ref()?;
        let documents = inline(observed, reader);
        let asker = self.asking(arn, account.as_str());
        let bucket = self.arns.get("s3")?;
        let asked = Asked { service: "s3", arn: bucket, owner: self.log.clone(), policy: None };
        let empty = PolicyDocument::default();
        let own = Policies { own: &documents, boundary: Some(Named { name: "boundary", document }) };
        let mut promised = self.promised_to_reader(&asked, &asker).into_iter();
        let lost = promised.find(|one| self.judged(&asked, &asker, one, &own, &empty).is_denied());
        lost.map(|one| format!("no more: {}", told(&asker, &one)))
    }
}

/// Nobody but the central team has anything in a lake.
fn forbidden_in_lake(arn: &str, asker: &Asker) -> Vec<Try> {
    let plain = || asker.context.clone();
    let file = format!("{arn}/events/day=2026-01-31/s00.parquet");
    vec![
        ("s3:ListBucket", arn.to_owned(), plain()),
        ("s3:ListBucket", arn.to_owned(), plain().with("s3:prefix", "events/")),
        ("s3:GetObject", file.clone(), plain()),
        ("s3:GetObjectVersion", file.clone(), plain()),
        ("s3:PutObject", file.clone(), plain()),
        ("s3:DeleteObject", file, plain()),
        ("s3:PutBucketPolicy", arn.to_owned(), plain()),
        ("s3:PutLifecycleConfiguration", arn.to_owned(), plain()),
    ]
}

fn role(arn: &str) -> Caller {
    Caller::from_arn(&arn.parse().unwrap()).unwrap()
}

fn inline<'a>(observed: &'a Estate, address: &Address) -> Vec<Named<'a>> {
    match observed.resource(address) {
        Some(Resource::Role(role)) => role.inline.iter().map(|(name, document)| Named { name, document }).collect(),
        _ => Vec::new(),
    }
}

fn told(asker: &Asker, (action, resource, _): &Try) -> String {
    format!("{} can {action} on {resource}", asker.caller)
}
