//! The template of the member role, held to the printed policies and to names that are hostile.

use saphyr::{LoadableYamlNode, Yaml};
use serde_json::Value;

use super::{FULL, SMALL, ask, config, known};
use crate::permissions::{AccountKind, KnownAccounts, Purpose, stack_set};
use crate::policy::PolicyDocument;

#[test]
fn the_stack_set_holds_the_printed_policies() {
    let (text, notes) = stack_set(&config(FULL), Purpose::Apply, &known(), false).unwrap();
    let stack = json(&Yaml::load_from_str(&text).unwrap()[0]);
    let resources = stack["Resources"].as_object().unwrap();
    let documents = |prefix: &str| -> Vec<Value> {
        let named = resources.iter().filter(|(name, _)| name.starts_with(prefix));
        named.map(|(_, resource)| resource["Properties"]["PolicyDocument"].clone()).collect()
    };
    let printed = |place| -> Vec<Value> {
        ask(FULL, Purpose::Apply, place).documents.iter().map(PolicyDocument::to_value).collect()
    };
    assert_eq!(documents("MemberPolicy"), printed(AccountKind::Member));
    assert_eq!(documents("LogPolicy"), printed(AccountKind::Log));
    assert!(resources.iter().all(|(name, r)| r["Condition"] == "IsLogAccount" || !name.starts_with("LogPolicy")));
    let role = &resources["MemberRole"]["Properties"];
    assert_eq!(role["RoleName"], "orgtrail-member");
    let trust = &role["AssumeRolePolicyDocument"]["Statement"][0];
    let trusted = &trust["Principal"]["AWS"];
    assert_eq!(trusted[0]["Fn::Sub"], "arn:${AWS::Partition}:iam::${ManagementAccountId}:root");
    assert_eq!(trusted[1]["Fn::Sub"], "arn:${AWS::Partition}:iam::444444444444:root");
    assert_eq!(trusted.as_array().unwrap().len(), 2);
    assert_eq!(trust["Condition"]["StringEquals"]["aws:PrincipalOrgID"], "o-exampleorgid");
    assert_eq!(stack["Parameters"]["ManagementAccountId"]["Default"], "111111111111");
    assert_eq!(stack["Parameters"]["LogAccountId"]["Default"], "222222222222");
    assert_eq!(notes, Vec::<String>::new());
}

#[test]
fn a_member_role_with_a_path_has_it_apart_from_its_name() {
    let mut config = config(SMALL);
    config.organization.member_role = "security/audit/orgtrail-member".into();
    let (text, _) = stack_set(&config, Purpose::Plan, &KnownAccounts::default(), false).unwrap();
    let role = &json(&Yaml::load_from_str(&text).unwrap()[0])["Resources"]["MemberRole"]["Properties"];
    assert_eq!((&role["Path"], &role["RoleName"]), (&"/security/audit/".into(), &"orgtrail-member".into()));
}

#[test]
fn a_name_cannot_leave_its_place_in_the_stack_set() {
    let mut config = config(SMALL);
    config.organization.member_role = "x\"\n  Evil: \"y".into();
    let (text, notes) = stack_set(&config, Purpose::Plan, &KnownAccounts::default(), false).unwrap();
    let stack = json(&Yaml::load_from_str(&text).unwrap()[0]);
    assert_eq!(stack["Resources"]["MemberRole"]["Properties"]["RoleName"], "x\"\n  Evil: \"y");
    assert!(stack["Parameters"]["LogAccountId"].get("Default").is_none());
    assert_eq!(notes.len(), 1, "{notes:?}");
}

fn json(yaml: &Yaml<'_>) -> Value {
    if let Some(mapping) = yaml.as_mapping() {
        return mapping.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), json(value))).collect();
    }
    match yaml.as_sequence() {
        Some(list) => list.iter().map(json).collect(),
        None => Value::String(yaml.as_str().unwrap_or_else(|| panic!("{yaml:?} is no text")).to_owned()),
    }
}
