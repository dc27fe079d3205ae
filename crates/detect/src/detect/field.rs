//! The fields of records that rules group by: those of CloudTrail by their paths, and two that are answers of our own.

use std::borrow::Cow;

use super::view::{EventView, OUTSIDE_ACCOUNTS};

/// The first parts of the paths of a record (CloudTrail user guide, "CloudTrail record contents"; those of aggregated
/// events and insights too).
const TOP_FIELDS: [&str; 37] = [
    "accountId",
    "addendum",
    "additionalEventData",
    "annotation",
    "apiVersion",
    "awsRegion",
    "edgeDeviceDetails",
    "errorCode",
    "errorMessage",
    "eventCategory",
    "eventContext",
    "eventID",
    "eventId",
    "eventName",
    "eventSource",
    "eventTime",
    "eventType",
    "eventVersion",
    "insightDetails",
    "managementEvent",
    "readOnly",
    "recipientAccountId",
    "requestID",
    "requestParameters",
    "resources",
    "responseElements",
    "serviceEventDetails",
    "sessionCredentialFromConsole",
    "sharedEventID",
    "sourceIPAddress",
    "summary",
    "timeWindow",
    "tlsDetails",
    "userAgent",
    "userIdentity",
    "vpcEndpointAccountId",
    "vpcEndpointId",
];

/// A field that a rule groups by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field {
    /// The value at a path of the record: `userIdentity.accessKeyId`.
    Path(String),
    /// Who did it, as all answers of the program name it; a session of a role by its session.
    Principal,
    /// The role that a session is of, by its ARN; for all others the principal.
    PrincipalOrRole,
}

impl Field {
    /// Reads the name of a field.
    ///
    /// # Errors
    /// A sentence, for a path that no record has.
    pub fn read(name: &str) -> Result<Self, String> {
        match name {
            "principal" => Ok(Field::Principal),
            "principal_or_role" => Ok(Field::PrincipalOrRole),
            path => match unknown_field(path) {
                Some(problem) => Err(problem),
                None => Ok(Field::Path(path.to_owned())),
            },
        }
    }

    /// Returns the account that a record was delivered to.
    pub fn account() -> Self {
        Field::Path("recipientAccountId".to_owned())
    }

    /// Returns the name by which rules have it.
    pub fn name(&self) -> &str {
        match self {
            Field::Path(path) => path,
            Field::Principal => "principal",
            Field::PrincipalOrRole => "principal_or_role",
        }
    }

    /// Returns the value of a record. `None`: it has none, or one that is neither a text, a number nor a flag.
    pub fn of<'v>(&self, view: &'v EventView<'_, '_>) -> Option<Cow<'v, str>> {
        let value = match self {
            Field::Path(path) => view.record().field(path)?.scalar()?,
            Field::Principal => Cow::Borrowed(view.actor().name.as_str()),
            Field::PrincipalOrRole => {
                let actor = view.actor();
                Cow::Borrowed(actor.role.as_deref().unwrap_or(&actor.name))
            }
        };
        Some(value).filter(|value| !value.is_empty())
    }
}

/// Says that no record has a field, with the nearest that one has. `None`: records have it, or it is the field of ours
/// that conditions know.
pub(super) fn unknown_field(path: &str) -> Option<String> {
    if path == OUTSIDE_ACCOUNTS {
        return None;
    }
    let top = path.split(['.', '[']).next().unwrap_or_default();
    if TOP_FIELDS.contains(&top) {
        return None;
    }
    let near = crate::config::suggest::nearest(top, TOP_FIELDS);
    let instead = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Some(format!("records of CloudTrail have no field `{top}`{instead}"))
}
