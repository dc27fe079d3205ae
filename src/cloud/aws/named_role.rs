//! A role that a person names, to read the logs with: the reader role of a team.

use std::str::FromStr;

use crate::ids::{AccountId, Arn};

/// A role that is assumed because a person named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedRole {
    /// Its ARN.
    pub arn: Arn,
    /// The account that it belongs to.
    pub account: AccountId,
    /// The external id that its trust policy asks for. `None`: not set.
    pub external_id: Option<String>,
}

impl NamedRole {
    /// Says what to do where it cannot be assumed.
    pub(super) fn help(&self) -> String {
        let external_id = match self.external_id {
            Some(_) => "check the external id",
            None => "give the external id, where it asks for one (--external-id)",
        };
        format!(
            "check the ARN, let the role trust the account of these credentials, and allow them sts:AssumeRole on {}; \
             {external_id}; where it asks for MFA, name it in a profile with `mfa_serial` and pass --profile instead",
            self.arn
        )
    }
}

impl FromStr for NamedRole {
    type Err = String;

    /// Reads the ARN of a role. The external id is not set.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not the ARN of a role; write arn:aws:iam::111111111111:role/NAME");
        let arn: Arn = text.parse().map_err(|_| wrong())?;
        let is_role =
            arn.service() == "iam" && arn.resource().strip_prefix("role/").is_some_and(|name| !name.is_empty());
        let account = arn.account().parse().ok().filter(|_| is_role).ok_or_else(wrong)?;
        Ok(Self { arn, account, external_id: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_arn_of_a_role_is_one() {
        let role: NamedRole = "arn:aws:iam::222222222222:role/logs/CloudTrailReadLogs-1".parse().unwrap();
        assert_eq!((role.account.as_str(), role.arn.resource()), ("222222222222", "role/logs/CloudTrailReadLogs-1"));
        for wrong in [
            "",
            "CloudTrailReadLogs",
            "arn:aws:iam::222222222222:user/alice",
            "arn:aws:iam::222222222222:role/",
            "arn:aws:iam::2222:role/x",
            "arn:aws:sts::222222222222:assumed-role/x/y",
        ] {
            assert!(wrong.parse::<NamedRole>().is_err(), "{wrong}");
        }
    }
}
