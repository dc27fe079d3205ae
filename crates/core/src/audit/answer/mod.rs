//! Answers questions about an estate. An answer says what it stands on; what was not read is unknown.

use super::{AuditInput, AuditSubject, Check, CheckVerdict, Doubt, Fix, Question, subject};
use crate::estate::{Address, Estate, Problem, Sighting};
use crate::ids::AccountId;

mod bucket;
mod filter;
mod recorder;
mod recording;
mod trail;

/// What helps where a log group is configured and nothing gets there.
const MEND_LOG_DELIVERY: &str =
    "let CloudTrail write to the log group: its role needs logs:CreateLogStream and logs:PutLogEvents";

/// Begins the fact about a trail that records all objects but those of some buckets.
pub(super) const LEAVES_OUT: &str = "leaves out the objects of";

/// A verdict and what it stands on.
type Answer = (CheckVerdict, String);

fn pass(fact: impl Into<String>) -> Answer {
    (CheckVerdict::Pass, fact.into())
}

fn fail(fact: impl Into<String>) -> Answer {
    (CheckVerdict::Fail, fact.into())
}

fn outside(fact: impl Into<String>) -> Answer {
    (CheckVerdict::Unknown(Doubt::Outside), fact.into())
}

fn unreadable(fact: impl Into<String>) -> Answer {
    (CheckVerdict::Unknown(Doubt::Unreadable), fact.into())
}

/// Returns the answers to a question: one for each subject, trail, bucket or account, whatever it is about.
pub(super) fn answer(question: Question, input: AuditInput<'_>, subjects: &[AuditSubject]) -> Vec<Check> {
    let AuditInput { organization, estate, .. } = input;
    let mut checks = of_question(question, input, subjects);
    if question.is_inherited()
        && let Some(unread) = subject::unread_of_owner(organization, estate)
    {
        for check in &mut checks {
            doubt(check, &organization.management_account, unread);
        }
    }
    checks
}

/// A trail of the management account that could not be read may be the organization's: what a member lacks may then not
/// be missing.
fn doubt(check: &mut Check, management: &AccountId, unread: &Address) {
    if check.verdict != CheckVerdict::Fail || check.account == *management {
        return;
    }
    let may = format!("; but {unread}, which could not be read, may record this account");
    *check = Check {
        verdict: CheckVerdict::Unknown(Doubt::Unreadable),
        fact: check.fact.clone() + &may,
        fix: Fix::None,
        ..check.clone()
    };
}

fn of_question(question: Question, input: AuditInput<'_>, subjects: &[AuditSubject]) -> Vec<Check> {
    let AuditInput { organization, estate, monitoring, recorders, .. } = input;
    match question {
        Question::Recorder(about) => recorder::answers(about, organization, recorders),
        Question::Recording
        | Question::EveryRegion
        | Question::ManagementEvents
        | Question::AllManagementEvents
        | Question::BedrockEvents
        | Question::ObjectWrites
        | Question::ObjectReads => {
            let about = |subject| whole(subject, recording::answer(question, organization.partition, estate, subject));
            subjects.iter().map(about).collect()
        }
        Question::Filter(about) => {
            let partition = organization.partition;
            subjects.iter().map(|subject| filter::check(about, partition, estate, monitoring, subject)).collect()
        }
        Question::LakeEncryption => {
            let why = "event data stores of CloudTrail Lake are not read";
            subjects.iter().map(|subject| whole(subject, outside(why))).collect()
        }
        Question::Validation
        | Question::Encryption
        | Question::KeyRotation
        | Question::LogGroup
        | Question::LogGroupDelivery
        | Question::Insights
        | Question::Tags => subjects.iter().flat_map(|subject| trail::answers(question, estate, subject)).collect(),
        Question::AccessLogs | Question::NotPublic | Question::MfaDelete => {
            bucket::answers(question, organization, estate, subjects)
        }
    }
}

/// An answer about a subject as a whole.
fn whole(subject: &AuditSubject, (verdict, fact): Answer) -> Check {
    Check { account: subject.account.clone(), address: None, verdict, fact, fix: Fix::None }
}

/// An answer about one resource of a subject.
fn about(subject: &AuditSubject, address: &Address, (verdict, fact): Answer) -> Check {
    Check { account: subject.account.clone(), address: Some(address.clone()), verdict, fact, fix: Fix::None }
}

/// What can be said where there is no trail to ask.
fn no_trail(subject: &AuditSubject) -> Answer {
    if subject.looked_at {
        fail("there is no trail")
    } else {
        unreadable(format!("the trails of account {} were not looked at; use --member-trails", subject.account))
    }
}

/// What can be said of an address that holds nothing readable.
fn not_read(estate: &Estate, address: &Address) -> Answer {
    match estate.sightings.get(address) {
        Some(Sighting::Unreadable(Problem { code, message, .. })) => {
            unreadable(format!("{address} could not be read: {code}: {message}"))
        }
        _ => unreadable(format!("{address} was not looked at")),
    }
}
