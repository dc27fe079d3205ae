//! AWS CloudTrail: trails, their selectors and how their delivery goes.
//!
//! A trail is always named by its ARN. A name is only understood in the owner's account and region, which is neither
//! where a delegated administrator calls from, nor where a shadow copy is seen.

mod history;
mod look;
mod put;
mod selectors;

pub(super) use history::events;
pub(super) use look::{look, look_at_others, status};
pub(super) use put::{put, retire};

use super::session::Session;
use crate::estate::Address;
use crate::ids::Arn;
use crate::operations::cloudtrail as op;

/// Returns the ARN of the trail at an address: its account is the trail's owner, not who calls.
fn arn(session: &Session, address: &Address) -> String {
    let region = address.region.as_ref().unwrap_or(&session.region);
    let resource = format!("trail/{}", address.name);
    Arn::new(session.partition, "cloudtrail", region.as_str(), address.account.as_str(), &resource).to_string()
}
