//! Who can meet the conditions of a statement: whether some request of a candidate does, whatever the caller may
//! choose.
//!
//! Each line of a `Condition` is asked by itself, with the values that the candidate's requests can have: those that
//! are known of it (its account, its organization), those that the policy's own patterns suggest, and one that nobody
//! would think of. What a caller chooses or happens to have (address, endpoint, time-out, tags of its roles) confines
//! nobody.

use super::Archive;
use crate::ids::{AccountId, Arn};
use crate::policy::document::Statement;
use crate::policy::evaluate::{Caller, Context, Request, arn_glob, glob, line_holds};
use crate::policy::shape::{Class, ShapePart, common, many, one, range, text};

/// The account of somebody who has nothing to do with the organization.
pub(super) const STRANGER: &str = "000000000000";
/// How much of a pattern is read.
const PATTERN_MAX: usize = 2_048;
/// An organization that is not ours.
const OTHER_ORGANIZATION: &str = "o-anotherorganization";

/// Somebody who may use a statement.
#[derive(Debug, Clone, Copy)]
pub(super) enum Candidate<'a> {
    /// A request without a signature.
    Anonymous,
    /// A principal of an account that is not ours; of a certain one where the statement names it.
    Stranger(Option<&'a str>),
    /// Some principal of an account.
    Account(&'a AccountId),
    /// One user, role or session.
    Principal(&'a Arn),
    /// A service that acts for an account of ours, or (none) for somebody else.
    Service { name: &'a str, of: Option<&'a AccountId> },
}

/// Whether a candidate can meet all conditions of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Met {
    /// It cannot.
    No,
    /// It can.
    Yes,
    /// It can as far as is understood; what is not understood is listed.
    Perhaps(Vec<String>),
}

/// The values that a key can have in a candidate's requests.
enum Values {
    /// Whatever the policy asks for.
    Anything,
    /// One of these; none is a request without the key. The text says what is not known, where none of them fits.
    OneOf(Vec<Option<String>>, Option<String>),
}

fn exactly(value: impl Into<String>) -> Values {
    Values::OneOf(vec![Some(value.into())], None)
}

fn absent() -> Values {
    Values::OneOf(vec![None], None)
}

fn unknown(why: impl Into<String>) -> Values {
    Values::OneOf(Vec::new(), Some(why.into()))
}

/// Tells whether a candidate can meet every condition of a statement. `home` owns what the statement is about.
pub(super) fn meets(archive: &Archive, home: &AccountId, statement: &Statement, candidate: Candidate) -> Met {
    let mut doubts = Vec::new();
    let lines = statement.condition.iter().flat_map(|(operator, keys)| keys.iter().map(move |line| (operator, line)));
    for (operator, (key, values)) in lines {
        // What is compared without case is asked without case.
        let folded: Vec<String>;
        let policy = if operator.to_ascii_lowercase().contains("ignorecase") {
            folded = values.iter().map(|value| value.to_ascii_lowercase()).collect();
            &folded
        } else {
            values
        };
        let asked = Asked { archive, home, candidate, policy };
        match asked.line(operator, key) {
            Ok(true) => {}
            Ok(false) => return Met::No,
            Err(why) => doubts.push(why),
        }
    }
    doubts.dedup();
    if doubts.is_empty() { Met::Yes } else { Met::Perhaps(doubts) }
}

/// One line of a condition, and who is asked.
struct Asked<'a> {
    archive: &'a Archive<'a>,
    home: &'a AccountId,
    candidate: Candidate<'a>,
    policy: &'a [String],
}

impl Asked<'_> {
    /// Tells whether the candidate can meet the line.
    ///
    /// # Errors
    /// What is not understood or not known.
    fn line(&self, operator: &str, key: &str) -> Result<bool, String> {
        let any = Caller::Anonymous;
        let ask = |value: Option<&String>| {
            let context = match value {
                Some(value) => Context::default().with(key, value),
                None => Context::default().without(key),
            };
            let request = Request { caller: any.clone(), action: String::new(), resource: String::new(), context };
            line_holds(operator, key, self.policy, &request)
        };
        // Whether operator and key are understood at all does not depend on the candidate.
        let empty = Request {
            caller: any.clone(),
            action: String::new(),
            resource: String::new(),
            context: Context::default(),
        };
        line_holds(operator, key, self.policy, &empty)?;
        match self.values(&key.to_ascii_lowercase()) {
            Values::Anything => Ok(true),
            Values::OneOf(values, doubt) => {
                // What is compared with another value of the request is the caller's to choose.
                let chosen = self.policy.iter().any(|value| value.contains("${"));
                for value in &values {
                    if (chosen && value.is_some()) || ask(value.as_ref())? != Some(false) {
                        return Ok(true);
                    }
                }
                doubt.map_or(Ok(false), Err)
            }
        }
    }

    fn values(&self, key: &str) -> Values {
        use Candidate::{Account, Anonymous, Principal, Service, Stranger};
        let is_service = matches!(self.candidate, Service { .. });
        let nobody = matches!(self.candidate, Anonymous | Service { .. });
        match key {
            "aws:principalorgid" => match self.candidate {
                Account(_) | Principal(_) => exactly(self.archive.organization_id.as_str()),
                Stranger(_) => self.of_strangers(OTHER_ORGANIZATION, |value| {
                    (value != self.archive.organization_id.as_str()).then(|| value.to_owned())
                }),
                Anonymous | Service { .. } => absent(),
            },
            "aws:principalorgmasteraccountid" => match self.candidate {
                Account(_) | Principal(_) => match self.archive.facts.management {
                    Some(management) => exactly(management.as_str()),
                    None => unknown("which account manages the organization is not known"),
                },
                // An account of ours manages no other organization.
                Stranger(_) => self.of_strangers(STRANGER, |value| self.account_of_others(value)),
                Anonymous | Service { .. } => absent(),
            },
            "aws:principalorgpaths" => match self.candidate {
                Account(account) => self.path(account),
                Principal(arn) => arn.account().parse().map_or_else(|_| absent(), |account| self.path(&account)),
                Stranger(_) => self.paths_of_others(),
                Anonymous | Service { .. } => absent(),
            },
            "aws:principalaccount" if matches!(self.candidate, Anonymous) => exactly("anonymous"),
            "aws:principalaccount" | "aws:sourceowner" if nobody && !is_service => absent(),
            "aws:principalaccount" if is_service => absent(),
            "aws:principalaccount" | "kms:calleraccount" | "aws:sourceowner" => self.account(),
            "aws:principalarn" => self.arns("role/any"),
            "aws:principalisawsservice" => exactly(is_service.to_string()),
            "aws:principalservicename" | "aws:principalservicenameslist" => match self.candidate {
                Service { name: "*", .. } => Values::Anything,
                Service { name, .. } => exactly(name),
                _ => absent(),
            },
            "aws:principaltype" => match self.candidate {
                Anonymous => exactly("Anonymous"),
                Service { .. } => absent(),
                _ => Values::OneOf(
                    ["AssumedRole", "User", "Account", "FederatedUser"].map(|kind| Some(kind.to_owned())).into(),
                    None,
                ),
            },
            "aws:userid" => self.user_ids(),
            "aws:username" | "aws:multifactorauthpresent" | "aws:multifactorauthage" | "aws:federatedprovider"
                if nobody =>
            {
                absent()
            }
            "aws:sourceaccount" | "aws:sourcearn" | "aws:sourceorgid" | "aws:sourceorgpaths" if !is_service => absent(),
            "aws:sourceaccount" => self.account(),
            "aws:sourcearn" => self.arns("source/any"),
            "kms:encryptioncontext:aws:cloudtrail:arn" if is_service => self.arns("trail/any"),
            "aws:sourceorgid" => match self.candidate {
                Service { of: Some(_), .. } => exactly(self.archive.organization_id.as_str()),
                _ => self.of_strangers(OTHER_ORGANIZATION, |value| {
                    (value != self.archive.organization_id.as_str()).then(|| value.to_owned())
                }),
            },
            "aws:sourceorgpaths" => match self.candidate {
                Service { of: Some(account), .. } => self.path(account),
                _ => self.paths_of_others(),
            },
            "aws:resourceaccount" | "s3:resourceaccount" => exactly(self.home.as_str()),
            "aws:resourceorgid" => exactly(self.archive.organization_id.as_str()),
            "aws:resourceorgpaths" => self.path(self.home),
            "aws:currenttime" | "aws:epochtime" | "aws:tokenissuetime" => {
                unknown(format!("whether `{key}` holds depends on the time"))
            }
            key if key.starts_with("aws:principaltag/") && nobody => absent(),
            key if key.starts_with("s3:existingobjecttag/") || key.starts_with("aws:resourcetag/") => {
                unknown(format!("whether what is in the archive has the tag of `{key}` is not known"))
            }
            _ => Values::Anything,
        }
    }

    /// Values of somebody who is not ours: no value, one that nobody thinks of, and those of the policy that are not
    /// ours.
    fn of_strangers(&self, other: &str, foreign: impl Fn(&str) -> Option<String>) -> Values {
        let suggested = self.policy.iter().map(|value| filled(value)).filter_map(|value| foreign(&value));
        let values = [None, Some(other.to_owned())].into_iter().chain(suggested.map(Some));
        Values::OneOf(values.collect(), None)
    }

    fn paths_of_others(&self) -> Values {
        let own = format!("{}/", self.archive.organization_id);
        self.of_strangers(&format!("{OTHER_ORGANIZATION}/r-0000/"), |value| {
            (!value.starts_with(&own)).then(|| value.to_owned())
        })
    }

    /// The path of an account of ours: `o-…/r-…/ou-…/`.
    fn path(&self, account: &AccountId) -> Values {
        match self.archive.facts.paths.and_then(|paths| paths.get(account)) {
            Some(path) => exactly(path.as_str()),
            None => unknown(format!("where account {account} is in the organization is not known")),
        }
    }

    fn account(&self) -> Values {
        match self.candidate {
            Candidate::Account(account) | Candidate::Service { of: Some(account), .. } => exactly(account.as_str()),
            Candidate::Principal(arn) => exactly(arn.account()),
            Candidate::Stranger(Some(account)) => exactly(account),
            Candidate::Stranger(None) | Candidate::Service { of: None, .. } => {
                self.of_strangers(STRANGER, |value| self.account_of_others(value))
            }
            Candidate::Anonymous => absent(),
        }
    }

    /// Returns an account that is not ours and follows a pattern, if there is one.
    fn account_of_others(&self, pattern: &str) -> Option<String> {
        let wide = pattern.contains(['*', '?', 'x']);
        let digits = |digit: &str| pattern.replace(['*', '?', 'x'], digit);
        let texts = ["0", "9", "5"].map(|digit| {
            let text = digits(digit);
            if wide { format!("{text:0<12}") } else { text }
        });
        let is_ours = |text: &String| text.parse::<AccountId>().is_ok_and(|id| self.archive.accounts.contains(&id));
        texts.into_iter().find(|text| !is_ours(text))
    }

    /// The ARNs that the candidate's requests can come from, or that its service can act for.
    fn arns(&self, any: &str) -> Values {
        let is_source = any != "role/any";
        if let (Candidate::Principal(arn), false) = (self.candidate, is_source) {
            return exactly(role_of(arn));
        }
        let (account, of_others) = match self.candidate {
            Candidate::Account(account) => (account.as_str(), false),
            Candidate::Service { of: Some(account), .. } if is_source => (account.as_str(), false),
            Candidate::Stranger(Some(account)) => (account, false),
            Candidate::Stranger(None) => (STRANGER, true),
            Candidate::Service { of: None, .. } if is_source => (STRANGER, true),
            _ => return absent(),
        };
        let mut values = if of_others && is_source { vec![None] } else { Vec::new() };
        let partition = self.archive.bucket_arn.partition();
        match any {
            // Of each kind one, and one of a name that no policy thinks of: a condition may leave some of them out.
            "role/any" => values.extend(
                [
                    "iam::{}:role/any",
                    "iam::{}:user/any",
                    "iam::{}:root",
                    "sts::{}:federated-user/any",
                    "iam::{}:role/zq-8f3c",
                    "iam::{}:user/zq-8f3c",
                ]
                .map(|kind| Some(format!("arn:{partition}:{}", kind.replace("{}", account)))),
            ),
            "trail/any" => values.push(Some(format!("arn:{partition}:cloudtrail:region:{account}:trail/any"))),
            _ => values.push(Some(format!("arn:{partition}:service:region:{account}:source/any"))),
        }
        let mut doubt = None;
        for pattern in self.policy {
            values.extend(self.following(pattern, account, of_others, is_source).map(Some));
            let mut fields: Vec<String> = pattern.splitn(6, ':').map(str::to_owned).collect();
            // `ArnLike` completes a pattern with fewer fields by `*`.
            fields.resize(6, "*".to_owned());
            if !glob(&fields[0], "arn") || !glob(&fields[1], partition) {
                continue;
            }
            "arn".clone_into(&mut fields[0]);
            partition.clone_into(&mut fields[1]);
            let Some(field) = fields.get_mut(4) else { continue };
            if field.is_empty() {
                // An ARN of S3 does not say whose it is.
                if pattern.as_str() == self.archive.bucket_arn.as_str() {
                    values.extend((!of_others).then(|| Some(pattern.clone())));
                } else if of_others {
                    doubt = Some(format!("the account of {pattern} is not known from its ARN"));
                } else {
                    values.push(Some(filled(pattern)));
                }
                continue;
            }
            let fitting = if of_others {
                self.account_of_others(field)
            } else {
                glob(field, account).then(|| account.to_owned())
            };
            if let Some(fitting) = fitting {
                *field = fitting;
                values.push(Some(filled(&fields.join(":"))));
            }
        }
        Values::OneOf(values, doubt)
    }

    /// Returns an ARN of the account, or of any account that is not ours, that follows a pattern as `StringLike` reads
    /// it: over the colons.
    fn following(&self, pattern: &str, account: &str, of_others: bool, is_source: bool) -> Option<String> {
        let pattern: Vec<char> = pattern.chars().take(PATTERN_MAX).collect();
        let shape = |account: Option<&str>| {
            let partition = self.archive.bucket_arn.partition();
            arn_shapes(partition, account, is_source).iter().find_map(|shape| common(&pattern, shape))
        };
        if !of_others {
            return shape(Some(account));
        }
        let is_foreign = |arn: &String| {
            let id = arn.split(':').nth(4).and_then(|id| id.parse::<AccountId>().ok());
            id.is_some_and(|id| !self.archive.accounts.contains(&id))
        };
        let some = [STRANGER, "999999999999", "555555555555"].map(Some).into_iter().chain([None]);
        some.filter_map(shape).find(is_foreign)
    }

    /// `aws:userid` is the unique id of a user, or that of a role with the session's name, or the account of a root
    /// user.
    fn user_ids(&self) -> Values {
        let (account, principal) = match self.candidate {
            Candidate::Anonymous => return exactly("anonymous"),
            Candidate::Service { .. } => return absent(),
            Candidate::Account(account) => (account.as_str(), None),
            Candidate::Principal(arn) => (arn.account(), Some(role_of(arn))),
            Candidate::Stranger(account) => (account.unwrap_or(STRANGER), None),
        };
        // A role's session, a user, a federated user, and the root user.
        let others = ["AROAANOTHERROLEOFOURS:any", "AIDAANOTHERUSEROFOURS"].map(str::to_owned);
        let others = others.into_iter().chain([format!("{account}:any"), account.to_owned()]);
        let mut values: Vec<Option<String>> = others.map(Some).collect();
        let mut doubt = None;
        for pattern in self.policy {
            let id = pattern.split_once(':').map_or(pattern.as_str(), |(id, _)| id);
            let id = id.to_ascii_uppercase();
            if !is_unique_id(&id) {
                values.push(Some(filled(pattern)));
                continue;
            }
            match self.archive.facts.unique_ids.and_then(|ids| ids.get(&id)) {
                Some(arn) => {
                    let of = arn.split(':').nth(4).unwrap_or_default();
                    let is_it = of == account && principal.as_ref().is_none_or(|principal| principal == arn);
                    values.extend(is_it.then(|| Some(filled(pattern))));
                }
                None => doubt = Some(format!("whose unique id {id} is is not known")),
            }
        }
        Values::OneOf(values, doubt)
    }
}

/// Returns what the ARNs of an account's principals, or of what services act for, look like; of any account for none.
fn arn_shapes(partition: &str, account: Option<&str>, is_source: bool) -> Vec<Vec<ShapePart>> {
    let id = || match account {
        Some(id) => text(id).collect::<Vec<ShapePart>>(),
        None => vec![range("09"); 12],
    };
    let of = |start: &str, end: &[ShapePart]| -> Vec<ShapePart> {
        text(&format!("arn:{partition}:{start}")).chain(id()).chain(text(":")).chain(end.iter().copied()).collect()
    };
    let named = |kind: &str| -> Vec<ShapePart> { text(kind).chain([one(Class::Any), many(Class::Any)]).collect() };
    if is_source {
        let word = [one(Class::Word), many(Class::Word)];
        let start: Vec<ShapePart> = text(&format!("arn:{partition}:")).chain(word).chain(text(":")).collect();
        // The account's number is nowhere but in its field: no name of a resource has it before a colon.
        let plain: Vec<ShapePart> = named("");
        let typed: Vec<ShapePart> =
            [one(Class::Region), many(Class::Region)].into_iter().chain(text(":")).chain(named("")).collect();
        let after = |region: &[ShapePart], resource: &[ShapePart]| -> Vec<ShapePart> {
            let place = start.iter().chain(region).copied().chain(text(":"));
            place.chain(id()).chain(text(":")).chain(resource.iter().copied()).collect()
        };
        // Global services have no region.
        return vec![after(&word, &plain), after(&word, &typed), after(&[], &plain), after(&[], &typed)];
    }
    vec![
        of("iam::", &named("role/")),
        of("iam::", &named("user/")),
        of("iam::", &text("root").collect::<Vec<ShapePart>>()),
        of("sts::", &named("federated-user/")),
    ]
}

/// Tells whether a text is the unique id of one user or role (IAM user guide, "Unique identifiers").
pub fn is_unique_id(text: &str) -> bool {
    let fits = text.len() >= 16 && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    fits && ["AROA", "AIDA"].iter().any(|start| text.starts_with(start))
}

/// Returns the ARN of a session's role, without its path, which a session's ARN does not tell; any other as it is.
pub(super) fn role_of(arn: &Arn) -> String {
    Caller::from_arn(arn).and_then(|caller| caller.principal_arn()).unwrap_or_else(|| arn.to_string())
}

/// Returns a text that follows a pattern.
fn filled(pattern: &str) -> String {
    pattern.replace(['*', '?'], "x")
}

/// Tells whether a value of `aws:PrincipalArn` can be the ARN of a role.
pub(super) fn names(pattern: &str, role: &Arn) -> bool {
    arn_glob(pattern, role.as_str())
}
