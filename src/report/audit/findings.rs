//! An audit as findings for other products: OCSF compliance findings, and the AWS Security Finding Format.
//!
//! There is one finding for each answer, made for the account that owns the trails. Members that inherit get none of
//! their own: a finding in each of them would say a thousand times what is one thing.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fix_words;
use crate::audit::{Audit, Check, CheckVerdict, Control, Doubt, Severity};
use crate::estate::Kind;
use crate::ids::Region;
use crate::organization::Organization;

/// What findings say beside the audit.
#[derive(Debug, Clone, Copy)]
pub struct Stamp<'a> {
    /// When the estate was looked at.
    pub time: Timestamp,
    /// The region that findings of global resources are told to.
    pub home_region: &'a Region,
}

/// The version of OCSF that the findings follow.
const OCSF_VERSION: &str = "1.3.0";

/// Returns the answers as OCSF compliance findings (class 2003), a list.
pub fn ocsf(audit: &Audit, organization: &Organization, stamp: Stamp<'_>) -> Value {
    answers(audit).map(|(control, check)| ocsf_finding(audit, organization, stamp, control, check)).collect()
}

/// Returns the answers as findings for `securityhub:BatchImportFindings`, a list. The call takes 100 of them at a time.
pub fn asff(audit: &Audit, organization: &Organization, stamp: Stamp<'_>) -> Value {
    answers(audit).map(|(control, check)| asff_finding(audit, organization, stamp, control, check)).collect()
}

fn answers(audit: &Audit) -> impl Iterator<Item = (&'static Control, &Check)> {
    audit.outcomes.iter().flat_map(|outcome| outcome.checks.iter().map(|check| (outcome.control, check)))
}

/// The resource of a finding: its id, and its type as CloudFormation and as Security Hub write it.
struct Subject {
    uid: String,
    cloudformation: &'static str,
    security_hub: &'static str,
}

fn subject(organization: &Organization, check: &Check) -> Subject {
    let arn = check.address.as_ref().and_then(|address| Some((address.kind, address.arn(organization.partition)?)));
    match arn {
        Some((Kind::Trail, arn)) => Subject {
            uid: arn.to_string(),
            cloudformation: "AWS::CloudTrail::Trail",
            security_hub: "AwsCloudTrailTrail",
        },
        Some((Kind::Bucket, arn)) => {
            Subject { uid: arn.to_string(), cloudformation: "AWS::S3::Bucket", security_hub: "AwsS3Bucket" }
        }
        Some((_, arn)) => Subject { uid: arn.to_string(), cloudformation: "Other", security_hub: "Other" },
        None => Subject {
            uid: format!("AWS::::Account:{}", check.account),
            cloudformation: "AWS::::Account",
            security_hub: "AwsAccount",
        },
    }
}

fn region<'a>(check: &'a Check, stamp: Stamp<'a>) -> &'a str {
    check.address.as_ref().and_then(|address| address.region.as_ref()).unwrap_or(stamp.home_region).as_str()
}

fn uid(control: &Control, subject: &Subject) -> String {
    format!("{}/{}/{}", subject.uid, control.standard, control.id)
}

/// Only what failed is severe.
fn severity(control: &Control, check: &Check) -> Option<Severity> {
    (check.verdict == CheckVerdict::Fail).then(|| control.question.severity())
}

fn inherited(audit: &Audit, control: &Control, check: &Check) -> usize {
    let subject = audit.subject_of(&check.account).filter(|_| control.question.is_inherited());
    subject.map_or(0, |subject| subject.members.len())
}

fn ocsf_finding(
    audit: &Audit,
    organization: &Organization,
    stamp: Stamp<'_>,
    control: &Control,
    check: &Check,
) -> Value {
    let subject = subject(organization, check);
    let (status, status_id) = match check.verdict {
        CheckVerdict::Pass => ("Pass", 1),
        CheckVerdict::Fail => ("Fail", 3),
        CheckVerdict::Unknown(_) => ("Unknown", 0),
        CheckVerdict::NotApplicable => ("Not Applicable", 99),
    };
    let (severity, severity_id) = match severity(control, check) {
        None => ("Informational", 1),
        Some(Severity::Low) => ("Low", 2),
        Some(Severity::Medium) => ("Medium", 3),
        Some(Severity::High) => ("High", 4),
        Some(Severity::Critical) => ("Critical", 5),
    };
    let region = region(check, stamp);
    let account = json!({
        "uid": check.account, "name": organization.name_of(&check.account), "type": "AWS Account", "type_id": 10,
    });
    let mut finding = json!({
        "activity_id": 1, "activity_name": "Create",
        "category_uid": 2, "category_name": "Findings",
        "class_uid": 2003, "class_name": "Compliance Finding",
        "type_uid": 200_301, "type_name": "Compliance Finding: Create",
        "time": stamp.time.as_millisecond(),
        "severity": severity, "severity_id": severity_id,
        "status": "New", "status_id": 1,
        "message": check.fact,
        "metadata": {
            "version": OCSF_VERSION,
            "profiles": ["cloud"],
            "product": {"name": "orgtrail", "vendor_name": "orgtrail", "version": env!("CARGO_PKG_VERSION")},
        },
        "finding_info": {"uid": uid(control, &subject), "title": control.question.title(), "types": [control.standard.name()]},
        "compliance": {
            "control": control.id,
            "standards": [format!("{} {}", control.standard.name(), control.standard.version())],
            "status": status, "status_id": status_id,
        },
        "resources": [{
            "uid": subject.uid, "type": subject.cloudformation, "region": region,
            "cloud_partition": organization.partition, "owner": {"account": account.clone()},
        }],
        "cloud": {"provider": "AWS", "region": region, "account": account, "org": {"uid": audit.organization}},
        "unmapped": {"inherited_by_accounts": inherited(audit, control, check)},
    });
    let fix = fix_words(&check.fix);
    if !fix.is_empty() {
        finding["remediation"] = json!({"desc": fix});
    }
    finding
}

fn asff_finding(
    audit: &Audit,
    organization: &Organization,
    stamp: Stamp<'_>,
    control: &Control,
    check: &Check,
) -> Value {
    let subject = subject(organization, check);
    let (region, partition) = (region(check, stamp), organization.partition);
    let time = stamp.time.to_string();
    let standard = format!("{} {}", control.standard.name(), control.standard.version());
    let severity = severity(control, check).map_or_else(|| "INFORMATIONAL".into(), |s| s.as_str().to_ascii_uppercase());
    let mut finding = json!({
        "SchemaVersion": "2018-10-08",
        "Id": uid(control, &subject),
        "ProductArn": format!("arn:{partition}:securityhub:{region}:{0}:product/{0}/default", check.account),
        "GeneratorId": format!("orgtrail/{}/{}", control.standard, control.id),
        "AwsAccountId": check.account,
        "Types": [format!("Software and Configuration Checks/Industry and Regulatory Standards/{}", control.standard.name())],
        "CreatedAt": time, "UpdatedAt": time,
        "Severity": {"Label": severity},
        "Title": shortened(&format!("{} {}", control.id, control.question.title()), 256),
        "Description": shortened(&check.fact, 1024),
        "Resources": [{"Type": subject.security_hub, "Id": subject.uid, "Partition": partition, "Region": region}],
        "Compliance": compliance(check),
        "ProductFields": {
            "orgtrail/Standard": standard,
            "orgtrail/Control": control.id,
            "orgtrail/Deployment": audit.deployment,
            "orgtrail/InheritedByAccounts": inherited(audit, control, check).to_string(),
        },
    });
    let fix = fix_words(&check.fix);
    if !fix.is_empty() {
        finding["Remediation"] = json!({"Recommendation": {"Text": shortened(&fix, 512)}});
    }
    finding
}

fn compliance(check: &Check) -> Value {
    match check.verdict {
        CheckVerdict::Pass => json!({"Status": "PASSED"}),
        CheckVerdict::Fail => json!({"Status": "FAILED"}),
        CheckVerdict::NotApplicable => reason("NOT_AVAILABLE", "NOT_APPLICABLE", check),
        CheckVerdict::Unknown(Doubt::Unreadable) => reason("WARNING", "UNREADABLE", check),
        CheckVerdict::Unknown(Doubt::Outside) => reason("NOT_AVAILABLE", "NOT_READ", check),
    }
}

fn reason(status: &str, code: &str, check: &Check) -> Value {
    let reason = json!({"ReasonCode": code, "Description": shortened(&check.fact, 2048)});
    json!({"Status": status, "StatusReasons": [reason]})
}

/// Security Hub refuses longer texts (Security Hub API, `AwsSecurityFinding`). It counts characters.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}
