//! The command on files: right and wrong policies, and files that are no policies.

use super::*;
use crate::cli::Cli;
use crate::cli::output::Outputs;

const TRAIL: &str = "arn:aws:cloudtrail:eu-central-1:111111111111:trail/acme-org-trail";

fn fixture(name: &str) -> String {
    format!("{}/tests/data/policy/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn explain_file(file: &str, more: &[&str]) -> Result<CommandOutput, CliError> {
    let words = ["orgtrail", "explain", file, "--trail", TRAIL].into_iter().chain(more.iter().copied());
    let cli = Cli::parse_line(words).unwrap();
    let crate::cli::Command::Explain(args) = &cli.command else { panic!("another command") };
    let (Some(file), Some(trail)) = (&args.bucket_policy, &args.trail) else { panic!("not of files") };
    of_files(&Ui::new(&cli.common, Outputs::of(&cli.common, cli.entry)?), args, file, trail)
}

fn of_text(text: &str) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    match explain_file(&file.path().display().to_string(), &["--bucket", "acme-org-cloudtrail"]) {
        Ok(answer) => answer.text().to_owned(),
        Err(failure) => failure.to_string().replace(&file.path().display().to_string(), "policy.json"),
    }
}

const ORGANIZATION: [&str; 4] = ["--organization", "o-exampleorgid", "--prefix", "audit"];

#[test]
fn a_right_policy_is_let_in() {
    let answer = explain_file(&fixture("valid/aws-documented/bucket.json"), &ORGANIZATION).unwrap();
    assert_eq!(answer.text(), format!("CloudTrail would be let in for {TRAIL}.\n"));
    assert_eq!(answer.outcome, Outcome::Clean);
}

#[test]
fn a_refusal_is_a_finding_with_its_statement_key_and_values() {
    let answer = explain_file(&fixture("06-source-region/bucket.json"), &ORGANIZATION).unwrap();
    assert_eq!(answer.outcome, Outcome::Finding);
    let lines: Vec<&str> = answer.text().lines().skip(1).take(6).collect();
    assert_eq!(
        lines,
        [
            "refused source-differs: bucket policy of acme-org-cloudtrail Statement[0] (AWSCloudTrailAclCheck20150319): StringEquals aws:SourceArn is `arn:aws:cloudtrail:us-east-1:111111111111:trail/acme-org-trail`, CloudTrail sends `arn:aws:cloudtrail:eu-central-1:111111111111:trail/acme-org-trail` (another region)",
            "  error: InsufficientS3BucketPolicyException",
            "  key: aws:SourceArn",
            "  has: arn:aws:cloudtrail:us-east-1:111111111111:trail/acme-org-trail",
            "  needs: arn:aws:cloudtrail:eu-central-1:111111111111:trail/acme-org-trail",
            "  help: set aws:SourceArn to arn:aws:cloudtrail:eu-central-1:111111111111:trail/acme-org-trail",
        ]
    );
}

#[test]
fn json_names_the_same() {
    let file = fixture("04-organization-path-missing/bucket.json");
    let answer = explain_file(&file, &[&ORGANIZATION[..], &["--format", "json"]].concat()).unwrap();
    let value: serde_json::Value = serde_json::from_str(answer.text()).unwrap();
    assert_eq!(value["format_version"], 1);
    assert_eq!(value["accepted"], false);
    let refusal = &value["refusals"][0];
    assert_eq!(refusal["cause"], "organization-path-missing");
    assert_eq!(refusal["statement"]["sid"], "AWSCloudTrailWrite20150319");
    assert_eq!(refusal["needs"], "arn:aws:s3:::acme-org-cloudtrail/audit/AWSLogs/o-exampleorgid/*");
}

#[test]
fn what_the_policy_suggests_is_noted() {
    let text = explain_file(&fixture("valid/aws-documented/bucket.json"), &[]).unwrap().text().to_owned();
    assert!(text.contains("refused prefix-differs"), "{text}");
    assert!(
        text.contains(
            "note: checked as a trail of one account; for an organization trail add --organization o-exampleorgid"
        ),
        "{text}"
    );
    assert!(
        text.contains("note: checked as a trail without a prefix; if the trail has one add --prefix audit"),
        "{text}"
    );
}

#[test]
fn key_and_topic_policies_are_checked_too() {
    let (bucket, key, topic) = (
        fixture("valid/aws-documented/bucket.json"),
        fixture("08-bucket-key-without-decrypt/key.json"),
        fixture("10-topic-without-grant/topic.json"),
    );
    let more = ["--key-policy", &key, "--bucket-key", "--topic-policy", &topic];
    let text = explain_file(&bucket, &[&ORGANIZATION[..], &more].concat()).unwrap().text().to_owned();
    assert!(text.contains("refused bucket-key-without-decrypt"), "{text}");
    assert!(text.contains("refused topic-not-open"), "{text}");
}

#[test]
fn what_cannot_be_told_is_partial() {
    let source = format!(r#""aws:SourceArn": "{TRAIL}""#);
    let sourced = std::fs::read_to_string(fixture("valid/acai/bucket.json"))
        .unwrap()
        .replace(
            r#""s3:x-amz-acl": "bucket-owner-full-control""#,
            &format!(r#""s3:x-amz-acl": "bucket-owner-full-control", {source}"#),
        )
        .replacen(
            r#""Resource": "arn:aws:s3:::acme-org-cloudtrail""#,
            &format!(
                r#""Resource": "arn:aws:s3:::acme-org-cloudtrail", "Condition": {{"StringEquals": {{{source}}}}}"#
            ),
            1,
        );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), sourced).unwrap();
    let file = file.path().display().to_string();
    let answer = explain_file(&file, &["--organization", "o-exampleorgid"]).unwrap();
    assert_eq!(answer.outcome, Outcome::Partial, "{}", answer.text());
    assert!(answer.text().contains("the value of `s3:x-amz-server-side-encryption` in this request is not known"));
    let key = "arn:aws:kms:eu-central-1:222222222222:key/0a1b2c3d-0000-1111-2222-333344445555";
    let answer = explain_file(&file, &["--organization", "o-exampleorgid", "--key", key]).unwrap();
    assert_eq!(answer.outcome, Outcome::Clean, "{}", answer.text());
}

#[test]
fn cloudtrail_for_anybodys_trail_is_a_finding() {
    let key = "arn:aws:kms:eu-central-1:222222222222:key/0a1b2c3d-0000-1111-2222-333344445555";
    let answer =
        explain_file(&fixture("valid/acai/bucket.json"), &["--organization", "o-exampleorgid", "--key", key]).unwrap();
    assert_eq!(answer.outcome, Outcome::Finding);
    assert!(answer.text().contains("any trail of any AWS account may do s3:PutObject here"), "{}", answer.text());
}

#[test]
fn what_is_no_policy_is_named_with_its_place() {
    let cases = [
        ("no JSON", "cause: the policy is not JSON: expected ident at line 1 column 2"),
        (r#"{"Statement":[],"Statement":[]}"#, "\"Statement\" stands twice in one object at line 1 column"),
        (r#"{"Statement":[{"Effect":"Allow","Action":"*","Conditions":{}}]}"#, "malformed at Statement[0].Conditions"),
        (r#"{"Statement":[{"Effect":"Allow","Action":{}}]}"#, "malformed at Statement[0].Action"),
    ];
    for (text, expected) in cases {
        let found = of_text(text);
        assert!(found.starts_with("error: policy.json is not a policy") && found.contains(expected), "{found}");
    }
    let deep = format!(r#"{{"Statement":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert!(of_text(&deep).contains("recursion limit exceeded at line 1 column"), "{}", of_text(&deep));
    let huge = format!(r#"{{"Statement":[{}]}}"#, " ".repeat(2_000_000));
    assert!(of_text(&huge).contains("policy.json has more than 1048576 bytes"));
}

#[test]
fn much_that_is_allowed_is_answered() {
    let one = r#"{"Effect":"Deny","Principal":"*","Action":"*a*a*a*b","Resource":"arn:aws:s3:::*a*a*a*a*b","Condition":{"StringLike":{"aws:SourceArn":"*a*a*a*"}}}"#;
    let statements = vec![one; 6_000].join(",");
    let text = of_text(&format!(r#"{{"Statement":[{statements}]}}"#));
    assert!(text.contains("refused acl-check-missing"), "{}", &text[..200]);
    assert!(text.contains("finding too-large"));
}

#[test]
fn names_in_a_policy_cannot_act_on_the_terminal() {
    let text = of_text(
        r#"{"Statement":[{"Sid":"\u001b[2Jx","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}]}"#,
    );
    assert!(text.contains("\\u{1b}[2Jx") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn a_wrong_trail_is_a_usage_error_with_an_example() {
    let words = ["orgtrail", "explain", "x.json", "--trail", "arn:aws:s3:::bucket"];
    let cli = Cli::parse_line(words).unwrap();
    let crate::cli::Command::Explain(args) = &cli.command else { panic!("another command") };
    let files = Files { bucket: PolicyDocument::default(), key: None, topic: None, topic_key: None };
    let failure = explain(args, args.trail.as_ref().unwrap(), &files).unwrap_err().to_string();
    assert!(failure.contains("arn:aws:s3:::bucket is not the ARN of a trail"), "{failure}");
}
