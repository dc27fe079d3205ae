//! A statement on trial: what it is about, what somebody is meant to have, and what is beyond that.

use super::granted::GrantedActions;
use super::reach::OWN_ACCOUNT;
use super::touch::Touch;
use super::{Archive, Invariant, SharedKind};
use crate::policy::document::Statement;

/// One statement with what it is about.
pub(super) struct Scene<'a> {
    pub(super) archive: &'a Archive<'a>,
    pub(super) kind: SharedKind,
    /// The ARN of the bucket, key, topic, log group or queue.
    pub(super) arn: &'a str,
    pub(super) statement: &'a Statement,
    /// What it reaches, in a bucket.
    pub(super) touch: Touch,
    pub(super) granted: GrantedActions,
    /// What the variable for the caller's account stands for; none where there are no variables.
    pub(super) own: Option<&'a str>,
}

/// What somebody is meant to have.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rights<'a> {
    /// Nothing at all: strangers.
    Nothing,
    /// To read and list an account's own folders; with an empty name nobody's.
    Own(&'a str),
    /// To read everything: trusted readers.
    Trusted,
    /// Whatever it may, as a principal of the owner's account of which another proof tells who can become it.
    Known,
    /// A principal of the owner's account of which it is not known who can become it.
    SomebodyOfHome,
    /// A service that acts for a member, for the owner's account (an empty name), or for somebody else (none).
    Service { name: &'a str, of: Option<&'a str> },
}

impl Rights<'_> {
    /// Says why a statement that gives no more than this is harmless.
    pub(super) fn reason(self, who: &str) -> String {
        match self {
            Rights::Nothing | Rights::SomebodyOfHome => "it is about nothing that is kept here".into(),
            Rights::Own("" | OWN_ACCOUNT) => "each member reaches its own folders with it".into(),
            Rights::Own(account) => format!("{who} reaches with it what account {account} may read, or no log"),
            Rights::Trusted => format!("{who} is a trusted reader"),
            Rights::Known => format!("{who} was looked at among the principals of its account"),
            Rights::Service { .. } => format!("{who} delivers or looks with it"),
        }
    }
}

/// Something that is given too much, with requests that show it.
#[derive(Debug, Clone)]
pub(super) struct Excess {
    pub(super) invariant: Invariant,
    pub(super) action: String,
    /// Resources, with the value of `s3:prefix` where one is listed.
    pub(super) tries: Vec<(String, Option<String>)>,
    /// What it is done to, where the resource does not say it.
    pub(super) shown: Option<String>,
    /// Why it is a question and not a violation.
    pub(super) open: Option<String>,
}

/// Makes a question of what somebody of the owner's account gets: it is as harmless as those who can become it are.
pub(super) fn asked(one: Excess) -> Excess {
    Excess { open: Some("who can become it was not looked at".into()), ..one }
}
