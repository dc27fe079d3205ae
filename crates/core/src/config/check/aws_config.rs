//! Rules for `aws_config`.

use super::accounts::account_reference;
use super::names::check_name;
use super::regions;
use crate::config::diagnostic::Diagnostic;
use crate::config::names::{check_aggregator_name, check_role_name};
use crate::config::schema::{Config, Regions};

pub(super) fn check(config: &Config) -> Vec<Diagnostic> {
    let Some(aws_config) = &config.aws_config else { return Vec::new() };
    let administrator = aws_config.administrator.as_deref();
    let mut remarks: Vec<Diagnostic> =
        administrator.and_then(|text| account_reference("/aws_config/administrator", text)).into_iter().collect();
    remarks.extend(check_name("/aws_config/aggregator", &aws_config.aggregator, config, check_aggregator_name));
    remarks.extend(check_name("/aws_config/role", &aws_config.role, config, check_role_name));
    if let Regions::Only(list) = &aws_config.regions {
        remarks.extend(regions::listed(config, "/aws_config/regions", list));
    }
    remarks
}

#[cfg(test)]
mod tests {
    fn findings(section: &str) -> Vec<String> {
        let text = include_str!("../../../../../examples/quickstart/orgtrail.yaml");
        match crate::config::parse(&format!("{text}\naws_config: {section}\n"), "orgtrail.yaml") {
            Ok(_) => Vec::new(),
            Err(errors) => errors.findings().iter().map(|finding| finding.message.clone()).collect(),
        }
    }

    #[test]
    fn an_aggregator_is_one_that_aws_config_accepts() {
        assert_eq!(findings("{}"), [""; 0]);
        let whole = "{administrator: security, aggregator: '{{deployment}}-config', role: 'config-{{region}}', \
                     regions: [eu-central-1, eu-west-1]}";
        assert_eq!(findings(whole), [""; 0]);
        for wrong in [
            "{administrator: '44444444444'}",
            "{administrator: ''}",
            "{aggregator: a.b}",
            "{aggregator: 'a-{{nobody}}'}",
            "{role: a/b}",
            "{regions: []}",
            "{regions: [eu-central-9]}",
            "{regions: [cn-north-1]}",
            "{recorders: true}",
        ] {
            assert_eq!(findings(wrong).len(), 1, "{wrong}: {:?}", findings(wrong));
        }
    }
}
