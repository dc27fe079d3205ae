//! Who reads the lake, and the lakes of before: whoever does reads the events of all accounts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::line;
use crate::ids::AccountId;

/// A lake, and who reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LakeReads {
    /// Where it lies.
    pub place: String,
    /// It is one that the configuration does not name any more.
    pub is_earlier: bool,
    /// The account of its bucket, whose people read it as their own policies allow.
    #[schemars(with = "String")]
    pub account: AccountId,
    /// Its bucket is there, or will be, and its policy is known.
    pub is_known: bool,
    /// Who reads it as far as its bucket's policy decides: roles of `lake.readers`, and principals that the policy
    /// names.
    pub reads: Vec<String>,
    /// Who is to read it by `lake.readers`, and does not.
    pub refused: Vec<String>,
    /// Those of which it is not known.
    pub unknown: Vec<String>,
    /// No member's reader reads it, nor anybody else who should not: nothing is violated there, and nothing is open.
    pub proved: bool,
}

impl LakeReads {
    /// Returns it with who reads it, as answers to what was tried. `None`: nothing could be.
    #[must_use]
    pub fn with(mut self, reads: Option<BTreeMap<String, Option<bool>>>) -> Self {
        self.is_known = reads.is_some();
        for (reader, answer) in reads.into_iter().flatten() {
            let list = match answer {
                Some(true) => &mut self.reads,
                Some(false) => &mut self.refused,
                None => &mut self.unknown,
            };
            list.push(reader);
        }
        self
    }
}

/// Appends the lakes.
pub(super) fn write(text: &mut String, lakes: &[LakeReads]) {
    for lake in lakes {
        let LakeReads { place, account, .. } = lake;
        let what = if lake.is_earlier { "earlier lake" } else { "lake" };
        if !lake.is_known {
            line(text, 2, &format!("{what} {place}: its bucket is not there, or its policy is not known"));
            continue;
        }
        let readers = match lake.reads.as_slice() {
            [] => "no role that is named reads it".to_owned(),
            [one] => format!("{one} reads it"),
            some => format!("{} read it", some.join(", ")),
        };
        let others = if lake.proved {
            "proved: no other role, and no member's reader"
        } else {
            "that no other role does is not proved"
        };
        let own = format!("people of {account} as their own policies allow");
        line(text, 2, &format!("{what} {place}, with the events of all accounts: {readers}; {own}; {others}"));
        for (list, how) in [(&lake.refused, "is refused"), (&lake.unknown, "may read it: not known")] {
            for reader in list {
                line(text, 4, &format!("{reader} {how}"));
            }
        }
    }
}
