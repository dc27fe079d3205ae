//! What became of a lake, what is in it, and whether it is what the log objects say.

pub mod check;
mod said;
pub mod status;
pub mod update;

use schemars::JsonSchema;
use serde::Serialize;

use super::text::words::count;
use crate::lake::identity::LakeIdentity;

/// Something with a word about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct NamedThing<'a> {
    /// Its key, prefix or name.
    name: &'a str,
    /// What is the matter with it.
    why: &'a str,
}

/// At most this many things are named in a machine format, of each sort; beside them stands how many there are.
const NAMED_MAX: usize = 1_000;

fn named(things: &[(String, String)]) -> Vec<NamedThing<'_>> {
    things.iter().take(NAMED_MAX).map(|(name, why)| NamedThing { name, why }).collect()
}

/// Says whose events a lake has, and how it is cut.
fn whose(identity: &LakeIdentity) -> String {
    let LakeIdentity { organization, grain, slots, .. } = identity;
    let whose = match organization {
        Some(id) => format!("organization {id}"),
        None => "accounts without an organization".to_owned(),
    };
    format!("events of {whose}, {} for each {grain}", count(usize::from(*slots), "slot"))
}
