//! Command lines that ask the same logs again.

use super::AskedArgs;
use crate::cli::{Common, NamedBy};
use crate::query::prepared::Parameter;

/// What is asked, as options of `orgtrail query`.
pub(in crate::cli) struct Scope {
    words: Vec<String>,
}

impl Scope {
    /// Returns the options beside those of time.
    pub(in crate::cli) fn of(common: &Common, args: &AskedArgs) -> Self {
        let mut words = Vec::new();
        let mut option = |name: &str, value: String| words.push(format!("{name} {}", quoted(&value)));
        if common.config_named_by == NamedBy::CommandLine {
            option("--config", common.config.display().to_string());
        }
        if let Some(profile) = &common.profile {
            option("--profile", profile.clone());
        }
        args.place.iter().for_each(|place| option("--place", place.clone()));
        if let Some(lake) = args.lake.as_ref().filter(|_| !args.no_lake) {
            option("--lake", lake.display().to_string());
        }
        if let Some(role) = &args.reader.role_arn {
            option("--role-arn", role.arn.to_string());
        }
        if args.reader.external_id.is_some() {
            // A page is sent around: whoever may assume the role knows it.
            option("--external-id", "ID".to_owned());
        }
        args.account.iter().for_each(|account| option("--account", account.to_string()));
        args.region.iter().for_each(|region| option("--region", region.to_string()));
        if args.no_lake {
            words.push("--no-lake".to_owned());
        }
        Self { words }
    }

    /// Returns a command line with the same options, without those of time.
    pub(in crate::cli) fn after(&self, command: &str) -> String {
        std::iter::once(command).chain(self.words.iter().map(String::as_str)).collect::<Vec<_>>().join(" ")
    }

    /// Returns the command line of a prepared question over a time.
    pub(in crate::cli) fn command(
        &self,
        name: &str,
        parameters: &[(&str, String)],
        from: &str,
        to: Option<&str>,
    ) -> String {
        let mut words = vec![format!("orgtrail query --name {name}")];
        words.extend(parameters.iter().map(|(name, value)| format!("--param {}", quoted(&format!("{name}={value}")))));
        words.push(self.options(from, to));
        words.join(" ")
    }

    /// Returns the options of a command line about a time.
    pub(in crate::cli) fn options(&self, from: &str, to: Option<&str>) -> String {
        let time = [format!("--from {from}")].into_iter().chain(to.map(|to| format!("--to {to}")));
        time.chain(self.words.iter().cloned()).collect::<Vec<_>>().join(" ")
    }
}

/// Returns the parameters that a prepared question has, of those that there are values for.
pub(in crate::cli) fn known<'a>(parameters: &[Parameter], values: &[(&'a str, String)]) -> Vec<(&'a str, String)> {
    let has = |name: &str| parameters.iter().any(|parameter| parameter.name == name);
    values.iter().filter(|(name, _)| has(name)).cloned().collect()
}

/// Returns a word as a shell takes it for one.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./:@=,+-%".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_one_word_for_a_shell() {
        assert_eq!(quoted("s3://acme-logs/trail"), "s3://acme-logs/trail");
        assert_eq!(quoted("a b;$(rm)"), "'a b;$(rm)'");
        assert_eq!((quoted("it's"), quoted(""), quoted("*")), ("'it'\\''s'".into(), "''".into(), "'*'".into()));
    }
}
