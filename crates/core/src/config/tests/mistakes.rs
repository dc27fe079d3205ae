//! One mistake each: where it is found, what is said of it, and what help is given.

use super::{Code, GOOD, findings, parse, position, spoiled};

/// The right text, the wrong one in its place; line, column, a part of the message, a part of the help.
type Case<'a> = (&'a str, &'a str, usize, usize, &'a str, &'a str);

const SHAPE: &[Case] = &[
    ("deployment: acme\n", "", 1, 1, "the file has no field `deployment`", "`deployment: \"acme\"`"),
    ("deployment: acme", "deployment: a b", 2, 13, "the character ' ' is not allowed", ""),
    ("deployment: acme", "deployment: 5.5", 2, 13, "must be a text, here it is the number 5.5", "\"5.5\""),
    ("version: 1", "version: 7", 1, 10, "does not know version 7", "write `version: 1`"),
    ("version: 1", "version: one", 1, 10, "`version` must be a whole number, here it is \"one\"", ""),
    ("  id: o-exampleorgid", "  id: acme", 4, 7, "must start with `o-`", ""),
    ("  id: o-exampleorgid", "  ID: o-exampleorgid", 4, 3, "there is no field `ID` in `organization`", "`id`"),
    ("log: \"222222222222\"", "log: 022222222222", 6, 8, "must be a text", "in quotes: \"022222222222\""),
    ("log: \"222222222222\"", "log:", 6, 3, "must be a text, here it is empty", "write a value"),
    ("include: [\"ou:/**\"]", "include: []", 7, 3, "`accounts.include` must not be empty", ""),
    ("include: [\"ou:/**\"]", "include: ou:/**", 7, 12, "must be a list", "[ou:/**]"),
    ("include: [\"ou:/**\"]", "include: [\"id:1\"]", 7, 13, "it has 1 character instead of 12 digits", ""),
    ("include: [\"ou:/**\"]", "include: [tag:a=b, \"id:222222222222\", tag:a=b]", 7, 41, "stands twice", "keep one"),
    ("home_region: eu-central-1", "home_region: Frankfurt", 9, 14, "a region looks like `eu-central-1`", ""),
    ("home_region: eu-central-1", "home_regin: eu-central-1", 9, 1, "there is no field `home_regin`", "`home_region`"),
    (
        "  prefix: logs",
        "  versioning: \"true\"",
        12,
        15,
        "must be `true` or `false`, here it is \"true\"",
        "without quotes",
    ),
    (
        "  prefix: logs",
        "  service_control_policy: true",
        12,
        3,
        "no field `service_control_policy` in `bucket`",
        "of `guard`",
    ),
    ("  prefix: logs", "  colour: blue", 12, 3, "no field `colour`", "the fields are `name`, `prefix`"),
    ("  prefix: logs", "  access_logs: Acme", 12, 16, "capital letters are not allowed", ""),
    ("  prefix: logs", "  trusted_readers: [\"12\"]", 12, 21, "2 characters instead of 12 digits", ""),
    ("  prefix: logs", "  administrators: [\"*\"]", 12, 20, "it would allow every role", "SecurityAudit"),
    ("  prefix: logs", "  administrators: [\"arn:aws:s3:::x\"]", 12, 20, "neither the name nor the ARN of a role", ""),
    (
        "  prefix: logs",
        "  object_lock: {mode: governance}",
        12,
        3,
        "`bucket.object_lock` has no field `days`",
        "`days: 365`",
    ),
    (
        "  prefix: logs",
        "  object_lock: {mode: strict, days: 1}",
        12,
        23,
        "cannot be \"strict\"",
        "`governance`, `compliance`",
    ),
    ("  prefix: logs", "  object_lock: 365", 12, 16, "must be a section with fields, here it is the number", ""),
    ("encryption: kms", "encryption: aes", 13, 15, "\"aes\" is not a way to encrypt", ""),
    ("encryption: kms", "encryption: arn:aws:s3:::b", 13, 15, "must be that of a KMS key", ""),
    ("expire_after_days: 365", "expire_after_days: 0", 14, 58, "must be 1 or more, here it is the number 0", ""),
    (
        "archive_after_days: 90",
        "archive_class: GLACIER_RI",
        14,
        30,
        "cannot be \"GLACIER_RI\"",
        "did you mean `GLACIER_IR`?",
    ),
    (
        "  - name: acme-org-trail\n    regions",
        "  - regions",
        16,
        5,
        "`trails[0]` has no field `name`",
        "acme-org-trail",
    ),
    ("regions: all", "regions: every", 17, 14, "`trails[0].regions` cannot be \"every\"", "write `all`, or a list"),
    ("regions: all", "regions: []", 17, 5, "`trails[0].regions` must not be empty", ""),
    ("regions: all", "regions: {}", 17, 5, "must be a text or a list, here it is a section", ""),
    ("regions: all", "regions: [eu-west-1, eu-west-1]", 17, 26, "\"eu-west-1\" stands twice in", "keep one of the two"),
    ("regions: all", "regions: [eu-west-1, Paris]", 17, 26, "\"Paris\" is not a region", ""),
    ("regions: all", "scope: member", 17, 12, "cannot be \"member\"", "the choices are `organization`, `accounts`"),
    ("regions: all", "owner: \"12345\"", 17, 12, "is not an owner of a trail", ""),
    ("regions: all", "owner: 444444444444", 17, 12, "must be a text", "in quotes: \"444444444444\""),
    ("regions: all", "insight: []", 17, 5, "there is no field `insight` in `trails[0]`", "did you mean `insights`?"),
    ("read: true", "read: yes", 18, 31, "must be `true` or `false`", "`yes`, `no`, `on` and `off` are texts"),
    ("write: true", "write: true, exclude: [s3.amazonaws.com]", 18, 60, "cannot be", "`rdsdata.amazonaws.com`"),
    ("[ApiErrorRateInsight]", "[ApiErrorInsight]", 19, 16, "cannot be", "did you mean `ApiErrorRateInsight`?"),
    ("every: 15m", "every: 15", 23, 10, "must be a text", "in quotes"),
    ("every: 15m", "every: 15 parsecs", 23, 10, "a number with its unit", ""),
    ("every: 15m", "every: 5s", 23, 10, "from one minute (`1m`) to seven days", ""),
    ("max_change: 20%", "max_change: 120%", 24, 15, "a whole number from 1 to 100", ""),
    ("max_change: 20%", "max_change: 0%", 24, 15, "a whole number from 1 to 100", ""),
    ("max_change: 20%", "allow: [reckless]", 24, 11, "cannot be \"reckless\"", "`safe`, `weakens`, `interrupts`"),
    ("max_change: 20%", "wake_queue: a.fifo", 24, 15, "the character '.' is not allowed", ""),
    ("  role: Read-{{account.id}}", "  external_id: \"a b\"", 21, 16, "not an external id", ""),
    ("  role: Read-{{account.id}}", "  session_hours: 13", 21, 18, "must be 12 or less", ""),
];

const NAMES: &[Case] = &[
    ("name: acme-org-cloudtrail", "name: Acme", 11, 9, "capital letters are not allowed", ""),
    ("name: acme-org-cloudtrail", "name: \"{{region}}_logs\"", 11, 9, "\"eu-central-1_logs\" is not a bucket name", ""),
    ("name: acme-org-cloudtrail", "name: \"a-{{regon}}\"", 11, 12, "uses `regon`", "did you mean `{{region}}`?"),
    ("name: acme-org-cloudtrail", "name: a-{{account}}", 11, 11, "uses `account`", "`account.id`"),
    ("name: acme-org-cloudtrail", "name: a-{{region", 11, 11, "broken at character 3", "write a variable"),
    ("name: acme-org-cloudtrail", "name: a-{{#if region}}x{{/if}}", 11, 11, "variables only", "write a variable"),
    ("name: acme-org-cloudtrail", "name: a-{account.id}", 11, 9, "the character '{'", "two braces on both sides"),
    ("encryption: kms", "key_alias: orgtrail", 13, 14, "must start with `alias/`", ""),
    ("encryption: kms", "key_alias: alias/aws/s3", 13, 14, "kept for the keys of AWS", ""),
    ("name: acme-org-trail", "name: acme--org", 16, 11, "must not follow each other", ""),
    ("regions: all", "notify: {sns: a.fifo}", 17, 19, "not a topic name that SNS accepts", ""),
    ("regions: all", "cloudwatch_logs: {group: aws/x}", 17, 30, "kept for AWS", ""),
    ("regions: all", "cloudwatch_logs: {group: x, role: a/b}", 17, 39, "not a role name that IAM accepts", ""),
    ("regions: all", "cloudwatch_logs: {group: x, retention_days: 8}", 17, 49, "cannot be the number 8", "`7`, `14`"),
    ("role: Read-{{account.id}}", "role: Read", 21, 9, "the same reader role", "write `Read-{{account.id}}`"),
    ("role: Read-{{account.id}}", "role: Read-{{account.id}}!", 21, 9, "the character '!'", ""),
    ("role: Read-{{account.id}}", "member_policy: a:b", 21, 18, "not a policy name that IAM accepts", ""),
    ("role: Read-{{account.id}}", "attach_to: {groups: [a, b/c]}", 21, 27, "not a group name that IAM accepts", ""),
    ("role: Read-{{account.id}}", "attach_to: {roles: [b c]}", 21, 23, "not a role name that IAM accepts", ""),
    ("  id: o-exampleorgid", "  member_role: arn:aws:iam::1:role/x", 4, 16, "not by an ARN", "what follows `:role/`"),
    ("  id: o-exampleorgid", "  member_role: a//b", 4, 16, "it has 0 characters", ""),
    ("  id: o-exampleorgid", "  delegated_administrators: [\"123\"]", 4, 30, "instead of 12 digits", ""),
    ("log: \"222222222222\"", "log: \"22222222222\"", 6, 8, "instead of 12 digits", ""),
    ("  prefix: logs", "  tags: {\"aws:x\": y}", 12, 10, "kept for AWS", ""),
    ("  prefix: logs", "  tags: {\"Orgtrail:deployment\": y}", 12, 10, "kept for orgtrail", ""),
    ("  prefix: logs", "  tags: {a: b, c: 1}", 12, 19, "`bucket.tags.c` must be a text", "\"1\""),
    ("  prefix: logs", "  tags: {a: \"x#y\"}", 12, 13, "cannot be the value of a tag", ""),
    ("  prefix: logs", "  tags: {\"\": x}", 12, 10, "cannot be the key of a tag", ""),
];

const RULES: &[Case] = &[
    (
        "home_region: eu-central-1",
        "home_region: eu-center-1",
        9,
        14,
        "there is no region `eu-center-1`",
        "`eu-central-1`",
    ),
    ("regions: all", "regions: [eu-west-1, cn-north-1]", 17, 26, "lies in the partition aws-cn", "a file of its own"),
    ("regions: all", "regions: [eu-west-9]", 17, 15, "there is no region `eu-west-9`", "add it to `new_regions`"),
    (
        "encryption: kms",
        "encryption: arn:aws:kms:eu-west-1:222222222222:key/x",
        13,
        15,
        "the key lies in `eu-west-1`",
        "home region",
    ),
    ("exclude: [\"ou:/Sandbox/**\"]", "exclude: [\"ou:/**\"]", 7, 13, "included and excluded", "keep one"),
    ("prefix: logs", "prefix: /logs/", 12, 11, "neither begin nor end with a slash", "write `logs`"),
    ("prefix: logs", "prefix: a//b", 12, 11, "follow each other", ""),
    ("prefix: logs", "prefix: a/AWSLogs", 12, 11, "CloudTrail adds `AWSLogs/` itself", ""),
    ("prefix: logs", "prefix: \"a b\"", 12, 11, "the character ' ' is not safe", ""),
    ("prefix: logs", "access_logs: acme-org-cloudtrail", 12, 16, "its own access logs", "another bucket"),
    ("expire_after_days: 365", "expire_after_days: 90", 14, 58, "deleted after 90 days", "more than 90"),
    (
        "archive_after_days: 90",
        "archive_after_days: 29, archive_class: STANDARD_IA",
        14,
        35,
        "before 30 days",
        "write 30 days",
    ),
    (
        "{archive_after_days: 90, expire_after_days: 365}",
        "{}",
        14,
        3,
        "the lifecycle does nothing",
        "leave `lifecycle` out",
    ),
    (
        "{read: true, write: true}\n    insights: [ApiErrorRateInsight]",
        "{read: false, write: false}",
        18,
        5,
        "records nothing",
        "or add `data_events`",
    ),
    (
        "{read: true, write: true}\n    insights: [ApiErrorRateInsight]",
        "{read: true, write: false}\n    insights: [ApiCallRateInsight]",
        19,
        16,
        "needs management events that write",
        "switch `write` on",
    ),
    (
        "    regions: all\n    management_events: {read: true, write: true}",
        "    management_events: {read: false, write: false}\n    data_events: [{field_selectors: [{field: eventCategory, equals: [Data]}, {field: resources.type, equals: [\"AWS::S3::Object\"]}]}]",
        19,
        16,
        "ApiErrorRateInsight needs management events,",
        "`read` or `write`",
    ),
    (
        "{read: true, write: true}\n    insights: [ApiErrorRateInsight]",
        "{read: false, write: false, exclude: [kms.amazonaws.com]}\n    data_events: [{field_selectors: [{field: eventCategory, equals: [Data]}, {field: resources.type, equals: [\"AWS::S3::Object\"]}]}]",
        18,
        52,
        "none are recorded",
        "leave `exclude` out",
    ),
    (
        "  prefix: logs",
        "  versioning: false\n  object_lock: {mode: compliance, days: 3}",
        13,
        3,
        "an object lock needs versioning",
        "`versioning: true`",
    ),
    (
        "    regions: all",
        "  - name: acme-org-trail",
        17,
        11,
        "two trails are called `acme-org-trail`",
        "a name of its own",
    ),
    (
        "    regions: all",
        "    cloudwatch_logs: {group: a}\n  - name: second\n    cloudwatch_logs: {group: b}",
        19,
        5,
        "two log groups with one role",
        "a `role` of its own",
    ),
    ("regions: all", "regions: 5", 17, 14, "must be a text or a list, here it is the number 5", ""),
    (
        "regions: all",
        "global_events: false",
        17,
        20,
        "all regions always records global events",
        "`global_events: true`",
    ),
    (
        "regions: all",
        "scope: accounts\n    owner: \"444444444444\"",
        18,
        12,
        "every account owns its trail",
        "leave `owner` out",
    ),
    ("regions: all", "insights: [ApiCallRateInsight]", 19, 5, "`insights` stands here a second time", "keep one"),
];

/// Advanced event selectors as they stand in `data_events: [{field_selectors: […]}]` of line 17; the list's first
/// condition stands in column 38.
const SELECTORS: &[(&str, usize, &str, &str)] = &[
    ("{field: eventCategory, equals: [Data]}", 19, "needs the field `resources.type`", "AWS::S3::Object"),
    ("{field: eventCategory, equals: [NetworkActivity]}", 19, "needs the field `eventSource`", "s3.amazonaws.com"),
    ("{field: readOnly, equals: [\"true\"]}", 19, "which category of events", "equals: [Data]"),
    ("{field: eventCategory, equals: [Management]}", 38, "must equal `Data` or", "`management_events`"),
    ("{field: eventCategory, equals: [data]}", 38, "must equal `Data` or", "equals: [Data]"),
    ("DATA, {field: resource.ARN, equals: [a]}", 140, "cannot be \"resource.ARN\"", "`resources.ARN`"),
    ("DATA, {field: errorCode, equals: [a]}", 140, "Data events cannot be chosen by `errorCode`", "eventName"),
    ("DATA, {field: readOnly, equals: [true]}", 159, "must be a text", "\"true\""),
    ("DATA, {field: readOnly, equals: [\"yes\"]}", 132, "`readOnly` cannot be \"yes\"", "`equals: [\"true\"]`"),
    ("DATA, {field: readOnly, not_equals: [\"true\"]}", 132, "only be compared with `equals`", ""),
    ("DATA, {field: eventName}", 132, "has no values", "`equals: [...]`"),
    ("DATA, {field: eventName, matches: [Get]}", 151, "there is no field `matches`", "`equals`, `not_equals`"),
    ("DATA, {field: eventName, equals: [\"\"]}", 160, "must not be empty", ""),
    ("DATA, {field: eventCategory, equals: [Data]}", 140, "two conditions for `eventCategory`", "second selector"),
];

#[test]
fn selectors_that_cloudtrail_would_refuse() {
    let data = "{field: eventCategory, equals: [Data]}, {field: resources.type, equals: [\"AWS::S3::Object\"]}";
    let line = |conditions: &str| format!("data_events: [{{field_selectors: [{conditions}]}}]").replace("DATA", data);
    let cases: Vec<_> = SELECTORS.iter().map(|(conditions, ..)| line(conditions)).collect();
    let cases: Vec<Case> = cases
        .iter()
        .zip(SELECTORS)
        .map(|(wrong, (_, column, message, help))| ("regions: all", wrong.as_str(), 17, *column, *message, *help))
        .collect();
    check(&cases);
}

#[test]
fn selectors_may_have_five_hundred_values() {
    let with_values = |count: usize| {
        let values: Vec<String> = (0..count).map(|n| format!("Get{n}")).collect();
        let names = format!("{{field: eventName, equals: [{}]}}", values.join(", "));
        let fixed = "{field: eventCategory, equals: [Data]}, {field: resources.type, equals: [\"AWS::S3::Object\"]}";
        spoiled("regions: all", &format!("data_events: [{{field_selectors: [{fixed}, {names}]}}]"))
    };
    // One value is the category of management events, two are the fixed conditions.
    assert!(parse(&with_values(497), "orgtrail.yaml").is_ok());
    let found = findings(&with_values(498));
    assert_eq!(found.len(), 1);
    assert!(found[0].message.contains("have 500 values and management events 1 more"), "{found:?}");
}

#[test]
fn tags_are_limited_together() {
    let tags = |count: usize| (0..count).map(|n| format!("key{n}: x")).collect::<Vec<_>>().join(", ");
    let with_tags = |common, own| {
        spoiled("  prefix: logs", &format!("  tags: {{{}}}", tags(own)))
            + &format!("tags: {{{}, z: x}}\n", tags(common))
    };
    assert!(parse(&with_tags(39, 39), "orgtrail.yaml").is_ok());
    let found = findings(&with_tags(39, 40));
    assert_eq!((found.len(), found[0].line), (1, 12), "{found:?}");
    assert!(found[0].message.contains("would bear 41 tags"), "{found:?}");
}

#[test]
fn a_mistake_is_not_hidden_by_another_in_the_same_section() {
    let found =
        findings(&spoiled("prefix: logs", "prefix: /logs\n  colour: blue\n  versioning: yes\n  access_logs: X"));
    let lines: Vec<usize> = found.iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [12, 13, 14, 15], "{found:#?}");
}

#[test]
fn what_was_made_up_to_go_on_is_never_reported() {
    // The region is repaired to an example, and the key lies in another: nobody may be told of that conflict.
    let text = spoiled("home_region: eu-central-1", "home_region: Dublin")
        .replace("encryption: kms", "encryption: arn:aws:kms:eu-west-1:222222222222:key/x");
    let found = findings(&text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].path, "home_region");
}

#[test]
fn another_version_of_the_format_is_all_that_is_said() {
    let found = findings(&(spoiled("version: 1", "version: 2") + "new_section: {}\n"));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].code, crate::config::Code::UnsupportedVersion);
}

#[test]
fn new_regions_are_accepted_when_they_are_declared() {
    let text = spoiled("home_region: eu-central-1", "home_region: eu-east-9\nnew_regions: [eu-east-9]");
    assert!(parse(&text, "orgtrail.yaml").is_ok());
}

/// Asserts that each mistake alone is found once, at its place and in these words.
fn check(cases: &[Case]) {
    let mut failures = Vec::new();
    for (right, wrong, line, column, message, help) in cases {
        let found = findings(&spoiled(right, wrong));
        let [only] = found.as_slice() else {
            failures.push(format!("{wrong:?} is found {} times: {found:#?}", found.len()));
            continue;
        };
        let as_expected = (only.line, only.column) == (*line, *column)
            && only.message.contains(message)
            && only.help.as_deref().unwrap_or_default().contains(help);
        if !as_expected {
            failures.push(format!("{wrong:?}: {}:{} {} | {:?}", only.line, only.column, only.message, only.help));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn values_that_do_not_fit_the_schema() {
    check(SHAPE);
}

#[test]
fn names_that_aws_would_refuse() {
    check(NAMES);
}

#[test]
fn values_that_do_not_go_together() {
    check(RULES);
}

#[test]
fn a_section_of_which_only_the_name_is_there_is_neither_its_defaults_nor_left_out() {
    for (text, path, help) in [
        (format!("{GOOD}aws_config:\n"), "aws_config", "`aws_config: {}`"),
        (format!("{GOOD}aws_config:   # later\n"), "aws_config", "`aws_config: {}`"),
        (format!("{GOOD}lake:\n"), "lake", "at least `place`"),
        (format!("{GOOD}notify:\n  webhook:\n"), "notify.webhook", "leave the line out"),
        (spoiled("  prefix: logs\n", "  prefix: logs\n  object_lock:\n"), "bucket.object_lock", "days"),
        (
            spoiled("    insights:", "    cloudwatch_logs:\n    insights:"),
            "trails[0].cloudwatch_logs",
            "leave the line out",
        ),
        // What may not be left out was an error before.
        (spoiled("readers:\n  role: Read-{{account.id}}\n", "readers:\n"), "readers", "leave the line out"),
    ] {
        let found = findings(&text);
        let [one] = found.as_slice() else { panic!("{text} {found:?}") };
        assert_eq!((one.code, one.path.as_str()), (Code::WrongType, path));
        assert!(one.message.ends_with("must be a section with fields, here it is empty"), "{}", one.message);
        assert!(one.help.as_deref().is_some_and(|own| own.contains(help)), "{path}: {:?}", one.help);
        assert!(one.line > 1, "{path}: line {}", one.line);
    }
    for left_out in ["aws_config: null", "aws_config: ~", "lake: null", "notify:\n  webhook: null"] {
        let text = format!("{GOOD}{left_out}\n");
        assert_eq!(parse(&text, "orgtrail.yaml").map_err(|errors| errors.render(false)).err(), None, "{left_out}");
    }
}

#[test]
fn a_field_is_found_again_in_the_text_and_a_default_where_its_section_is() {
    let text = format!("{GOOD}aws_config:\n  administrator: security\n");
    let line = |text: &str, field: &str| position(text, field);
    assert_eq!(line(&text, "aws_config.administrator"), Some((text.lines().count(), 3)));
    assert_eq!(line(&text, "aws_config.role"), Some((text.lines().count() - 1, 1)));
    assert_eq!(line(&text, "organization.delegated_administrators"), Some((3, 1)));
    assert_eq!((line(&text, "lake.place"), line("a: [", "a"), line("", "a")), (None, None, None));
    assert_eq!(line(&format!("\u{feff}{text}"), "organization.id"), Some((4, 3)));
}
