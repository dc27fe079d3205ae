//! What a call on a stack says of the stack it means, and of what it keeps.
//!
//! Sources: CloudFormation API, `DeleteStack` (`StackName` is a name or an id, and the id of a stack that was deleted
//! is taken too; `RetainResources` names what is not deleted; `DeletionMode` only says what becomes of resources that
//! cannot be deleted, so that it keeps nothing that was), `DeleteStackInstances` (`RetainStacks`: the stacks and all in
//! them stay), `CreateStack` (`DisableRollback` and `OnFailure`: `DO_NOTHING` keep what was made where it fails;
//! `RetainExceptOnCreate` says that a rollback deletes what was made, which it does without it too as long as no
//! deletion policy keeps it).

use crate::event::Record;

/// The longest name of a stack, in characters, all of ASCII (CloudFormation API, `CreateStack`).
pub(super) const NAME_MAX: usize = 128;
/// The longest id of a stack behind its name, in characters: it is a UUID.
const ID_MAX: usize = 64;
/// The most logical ids of one call that are kept. A template has at most 500 resources (CloudFormation user guide,
/// "Understand CloudFormation quotas").
const RETAINED_MAX: usize = 500;

/// What a call on a stack says beside its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StackOperation {
    /// The name and the id of the stack, `NAME/ID`: of several with one name one after the other each has its own id.
    /// `None`: not recorded.
    pub stack_id: Option<String>,
    /// The logical ids of what the call keeps.
    pub retained: Vec<String>,
    /// The call deletes nothing that is in a stack.
    pub keeps_all: bool,
}

impl StackOperation {
    pub(super) fn of(record: &Record<'_>, call: &str) -> Self {
        let asked = |path: &str| record.request_parameters.and_then(|asked| asked.at(path));
        let text = |path: &str| asked(path)?.text().map(|text| text.into_owned());
        let is = |path: &str, value: &str| asked(path).is_some_and(|own| own.as_str().trim_matches('"') == value);
        let answered = record.response_elements.and_then(|answer| answer.at("stackId")?.text());
        let id = text("stackName").as_deref().and_then(id_of).map(str::to_owned);
        let retained = asked("retainResources.member").or_else(|| asked("retainResources"));
        let retained = retained.into_iter().flat_map(|list| list.elements()).filter_map(|id| id.text());
        Self {
            stack_id: id.or_else(|| answered.as_deref().and_then(id_of).map(str::to_owned)),
            retained: retained.map(|id| id.into_owned()).take(RETAINED_MAX).collect(),
            keeps_all: match call {
                "DeleteStackInstances" => is("retainStacks", "true"),
                "CreateStack" => is("disableRollback", "true") || is("onFailure", "DO_NOTHING"),
                _ => false,
            },
        }
    }
}

/// Returns the name and the id in the ARN of a stack: `arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/ID`. `None`: it
/// is none.
pub(super) fn id_of(arn: &str) -> Option<&str> {
    let (_, rest) = arn.split_once(":stack/")?;
    let (name, id) = rest.split_once('/')?;
    let is_id = !id.is_empty() && id.len() <= ID_MAX && !id.contains('/');
    (is_id && !name.is_empty() && name.len() <= NAME_MAX).then_some(rest)
}
