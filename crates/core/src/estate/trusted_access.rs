//! What must be switched on in the organization itself.

use serde::{Deserialize, Serialize};

use super::Field;

/// The service principal that trusted access is given to.
pub const CLOUDTRAIL_PRINCIPAL: &str = "cloudtrail.amazonaws.com";

/// Trusted access of CloudTrail: without it no organization trail records members (AWS Organizations user guide, "AWS
/// CloudTrail and AWS Organizations"). It is only ever switched on: switching it off stops every member's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedAccess {}

/// A member account that may manage organization trails. Its address has the account's id as the name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DelegatedAdministrator {}

impl TrustedAccess {
    pub(super) fn fields(&self) -> Vec<Field> {
        let Self {} = self;
        vec![Field::plain("enabled", true)]
    }
}

impl DelegatedAdministrator {
    pub(super) fn fields(&self) -> Vec<Field> {
        let Self {} = self;
        vec![Field::plain("registered", true)]
    }
}
