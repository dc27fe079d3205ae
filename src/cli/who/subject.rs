//! What a person asks `who` about.

use std::path::PathBuf;

use super::super::failure::CliError;
use super::WhoArgs;
use crate::event::EventId;
use crate::files;
use crate::investigate::sessions::{ActorQuery, is_access_key};
use crate::resource_types::{BadSubject, ResourceCandidate, ResourceType, ResourceTypes};

/// The largest file of resource types that is read.
const TYPES_BYTES_MAX: u64 = 4 << 20;

/// What a person asked for.
pub(super) enum Subject {
    Resource {
        text: String,
        candidates: Vec<ResourceCandidate>,
    },
    AccessKey(String),
    Session(String),
    Event(EventId),
    /// An actor, and what is asked about it.
    Actor {
        text: String,
        query: ActorQuery,
        about: About,
    },
}

/// What is asked about an actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// What it did.
    Activity,
    /// What it made that still stands.
    Remains,
    /// When it was used last.
    LastUse,
    /// Which actions it used.
    Actions,
}

impl Subject {
    /// Returns it as it was typed.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Resource { text, .. } | Self::Actor { text, .. } => text,
            Self::AccessKey(text) | Self::Session(text) => text,
            Self::Event(id) => id.text(),
        }
    }
}

/// Reads the resource types, with those of the user's files.
pub(super) fn types(own: &[PathBuf]) -> Result<ResourceTypes, CliError> {
    let built_in = ResourceTypes::built_in().map_err(|errors| CliError::new(errors.to_string()))?;
    own.iter().try_fold(built_in, |types, file| {
        let shown = file.display().to_string();
        let text = files::read_text(file, TYPES_BYTES_MAX).map_err(|error| {
            CliError::new(format!("cannot read {shown}"))
                .because(error)
                .hint("name a file of resource types, as docs/reference/resource-types.md describes it")
        })?;
        types.with_file(&text, &shown).map_err(|errors| CliError::new(errors.to_string()))
    })
}

/// Returns what is asked for.
pub(super) fn subject(args: &WhoArgs, types: &ResourceTypes) -> Result<Subject, CliError> {
    if let Some(key) = &args.access_key {
        return access_key(key).map(Subject::AccessKey);
    }
    if let Some(arn) = &args.session {
        return session(arn).map(Subject::Session);
    }
    if let Some(id) = &args.event {
        return event(id).map(Subject::Event);
    }
    for (text, about) in [
        (&args.what_else, About::Activity),
        (&args.still_there, About::Remains),
        (&args.last_used, About::LastUse),
        (&args.used_actions, About::Actions),
    ] {
        if let Some(text) = text {
            let text = plain("the ARN, id, key or name of an actor", text)?;
            let query = ActorQuery::of(&text);
            if text.starts_with("arn:") && matches!(query, ActorQuery::Person { .. }) {
                return Err(CliError::new(format!("{text:?} is the ARN of no actor")).hint(
                    "name a user, a role, a session or a root user: arn:aws:iam::ACCOUNT:user/NAME, …:role/NAME, …:root",
                ));
            }
            return Ok(Subject::Actor { query, text, about });
        }
    }
    let text = args.subject.join(" ").trim().to_owned();
    if is_access_key(&text) {
        return Ok(Subject::AccessKey(text));
    }
    if text.starts_with("arn:") && text.contains(":assumed-role/") {
        return Ok(Subject::Session(text));
    }
    let only = |all: &[String]| if let [one] = all { Some(one.clone()) } else { None };
    let account = only(&args.asked.account.iter().map(ToString::to_string).collect::<Vec<_>>());
    let region = only(&args.asked.region.iter().map(ToString::to_string).collect::<Vec<_>>());
    mistyped(&text, types)?;
    let candidates = types.candidates(&text).map_err(refused)?;
    if candidates.is_empty() {
        return Err(CliError::new(format!("{text:?} is no ARN, id or name of a resource type that is known"))
            .hint("write a type before it (`orgtrail who bucket NAME`), its ARN, or add its type with --resources"));
    }
    let candidates = candidates.into_iter().map(|own| own.within(account.as_deref(), region.as_deref())).collect();
    Ok(Subject::Resource { text, candidates })
}

fn refused(error: BadSubject) -> CliError {
    CliError::new(error.to_string())
        .hint("docs/reference/resource-types.md lists the types, with how their ARNs and ids are written")
}

/// Access keys have 16 characters at least (IAM API, `AccessKey`).
const KEY_BYTES: std::ops::RangeInclusive<usize> = 16..=128;

fn access_key(text: &str) -> Result<String, CliError> {
    let key = plain("an access key", text)?;
    let is_key = KEY_BYTES.contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_key {
        return Ok(key);
    }
    Err(CliError::new("this is not a whole access key").hint("a key begins with AKIA or ASIA and has 20 characters"))
}

/// Reads the id of an event.
fn event(text: &str) -> Result<EventId, CliError> {
    const HINT: &str = "give the whole id as a record or an answer has it: 12345678-1234-1234-1234-123456789012, in any case, \
                        or sha256: and 64 hexadecimal digits";
    let id = plain("the id of an event", text)?;
    EventId::read(&id).map_err(|why| CliError::new(format!("this is not the id of an event: {why}")).hint(HINT))
}

fn session(text: &str) -> Result<String, CliError> {
    let arn = plain("the ARN of a session", text)?;
    let is_session =
        arn.starts_with("arn:") && [":assumed-role/", ":federated-user/"].iter().any(|part| arn.contains(part));
    if is_session {
        return Ok(arn);
    }
    Err(CliError::new("this is not the ARN of a session")
        .hint("a session is written arn:aws:sts::ACCOUNT:assumed-role/ROLE/NAME, without the path of the role"))
}

/// Refuses several words of which the first is nearly a type: what was meant would be looked for as a name.
fn mistyped(text: &str, types: &ResourceTypes) -> Result<(), CliError> {
    let text = text.to_lowercase();
    let Some((first, _)) = text.split_once(' ').filter(|(first, _)| !first.contains(':')) else { return Ok(()) };
    let all = || types.all().iter().flat_map(|own| &own.words);
    let begins = |word: &String| text.strip_prefix(&word.to_lowercase()).is_some_and(|rest| rest.starts_with(' '));
    if all().any(begins) {
        return Ok(());
    }
    let near = all().map(|word| (strsim::damerau_levenshtein(word, first), word)).min();
    match near.filter(|(distance, _)| *distance <= NEAR_MAX) {
        Some((_, word)) => Err(CliError::new(format!("{first:?} is no type that is known"))
            .hint(format!("did you mean `{word}`? docs/reference/resource-types.md lists the types"))),
        None => Ok(()),
    }
}

/// How many letters a type may be mistyped by.
const NEAR_MAX: usize = 2;

/// The longest key, ARN or id that is looked for, in bytes: ARNs have at most 2,048.
const TEXT_BYTES_MAX: usize = 2_048;

fn plain(what: &str, text: &str) -> Result<String, CliError> {
    let text = text.trim();
    let is_good = !text.is_empty() && text.len() <= TEXT_BYTES_MAX && !text.chars().any(char::is_control);
    if is_good {
        return Ok(text.to_owned());
    }
    Err(CliError::new(format!("this is not {what}: it is empty, too long or has control characters"))
        .hint(format!("give {what} as a record has it")))
}

/// Returns the types that are asked for.
fn asked_types<'t>(types: &'t ResourceTypes, subject: &Subject) -> Vec<&'t ResourceType> {
    let Subject::Resource { candidates, .. } = subject else { return Vec::new() };
    let mut all: Vec<_> = candidates.iter().filter_map(|own| types.named(own.resource_type.as_deref()?)).collect();
    all.dedup_by(|a, b| a.name == b.name);
    all
}

/// Tells whether calls on what is asked for are management events, which trails record unless they leave them out.
pub(super) fn is_recorded(types: &ResourceTypes, subject: &Subject) -> bool {
    let all = asked_types(types, subject);
    all.is_empty() || !all.iter().all(|own| own.data_events)
}

/// Says what no record tells.
pub(super) fn cannot_see(types: &ResourceTypes, subject: &Subject) -> String {
    let mut text = "what no trail recorded: data events without a selector for them, calls that were made before the \
                    trail or outside the time, and calls of other organizations"
        .to_owned();
    if let [one] = asked_types(types, subject).as_slice()
        && let Some(note) = &one.note
    {
        text = format!("{text}. {}: {note}", one.name);
    }
    text
}
