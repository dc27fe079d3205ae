//! How a statement is named that others wrote into a shared policy.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

use super::Address;
use crate::policy::merge::is_ours;
use crate::policy::{PolicyDocument, Statement};

/// How many hexadecimal digits name a statement that has no `Sid` of its own.
const DIGITS: usize = 12;

/// A statement that others wrote into a policy that they and orgtrail write to: of a bucket, a key or a topic.
///
/// Written `ADDRESS#NAME`, as `--destroy` takes it and as JSON has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatementRef {
    /// The policy: that of a bucket, of a key, or the topic that has one.
    pub address: Address,
    /// The statement's `Sid` where that is of letters and digits only, else the first 12 hexadecimal digits of the
    /// SHA-256 of its text.
    pub name: String,
}

impl StatementRef {
    /// Names a statement of the policy at an address. None where orgtrail wrote it.
    pub fn of(address: &Address, statement: &Statement) -> Option<Self> {
        (!is_ours(statement)).then(|| Self { address: address.clone(), name: name(statement) })
    }

    /// Tells whether the policy has it.
    pub fn is_in(&self, policy: &PolicyDocument) -> bool {
        policy.statements.iter().any(|statement| !is_ours(statement) && name(statement) == self.name)
    }
}

/// Returns the names of the statements of a policy that others wrote.
pub fn names_of_others(policy: &PolicyDocument) -> Vec<String> {
    policy.statements.iter().filter(|statement| !is_ours(statement)).map(name).collect()
}

fn name(statement: &Statement) -> String {
    let plain = |sid: &&String| !sid.is_empty() && sid.bytes().all(|b| b.is_ascii_alphanumeric());
    statement.sid.as_ref().filter(plain).cloned().unwrap_or_else(|| {
        let digest = Sha256::digest(statement.to_value().to_string());
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        hex[..DIGITS].to_owned()
    })
}

impl fmt::Display for StatementRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.address, self.name)
    }
}

impl FromStr for StatementRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || format!("{text} is not ADDRESS#STATEMENT");
        let (address, name) = text.split_once('#').ok_or_else(form)?;
        let address = address.parse().map_err(|_| form())?;
        if name.is_empty() { Err(form()) } else { Ok(Self { address, name: name.to_owned() }) }
    }
}

impl Serialize for StatementRef {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StatementRef {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(text: &str) -> PolicyDocument {
        PolicyDocument::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{text}]}}"#)).unwrap()
    }

    #[test]
    fn a_statement_is_named_by_its_sid_or_by_its_text_and_never_where_it_is_orgtrails() {
        let policy = statements(
            r#"{"Sid":"Siem","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"},
               {"Sid":"a b","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"},
               {"Sid":"OrgtrailTlsOnly","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}"#,
        );
        let address: Address = "222222222222/eu-central-1/bucket_policy/acme".parse().unwrap();
        let named: Vec<Option<StatementRef>> =
            policy.statements.iter().map(|statement| StatementRef::of(&address, statement)).collect();
        let [Some(siem), Some(hashed), None] = &named[..] else { panic!("{named:?}") };
        assert_eq!(siem.to_string(), "222222222222/eu-central-1/bucket_policy/acme#Siem");
        assert_eq!(hashed.name.len(), DIGITS);
        for named in [siem, hashed] {
            assert_eq!(named.to_string().parse().as_ref(), Ok(named));
            assert!(named.is_in(&policy) && !named.is_in(&statements("")));
        }
        assert_eq!(names_of_others(&policy), [siem.name.clone(), hashed.name.clone()]);
        for wrong in ["Siem", "acme#Siem", "222222222222/eu-central-1/bucket_policy/acme#"] {
            assert!(wrong.parse::<StatementRef>().is_err(), "{wrong}");
        }
    }
}
