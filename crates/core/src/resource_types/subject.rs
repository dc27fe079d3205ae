//! What a person types for a resource: an ARN of any partition, an id, a name, `TYPE NAME`, `s3://bucket/key`.

use super::identity::ResourceIdentity;
use super::pattern::{Pattern, TEXT_BYTES_MAX};
use super::schema::{NameScope, ResourceType};
use super::table::ResourceTypes;

/// The words of the longest name of a type.
const TYPE_WORDS_MAX: usize = 4;

/// What a text in a message is cut off at, in characters.
const SHOWN_MAX: usize = 100;

/// A resource that a person may mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceCandidate {
    /// Its type: `AWS::S3::Bucket`. `None`: an ARN of a type that is not known.
    pub resource_type: Option<String>,
    /// What identifies it.
    pub identity: ResourceIdentity,
    /// The ARN, without `:*` behind it. `None`: none was typed.
    pub arn: Option<String>,
}

/// Why a text names no resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSubject {
    /// It is empty.
    #[error("no resource is named: give an ARN, an id, a name, or a type with a name, such as `bucket logs`")]
    Empty,
    /// It is longer than any ARN.
    #[error("the name of the resource has {0} bytes; the longest ARN has {TEXT_BYTES_MAX}")]
    TooLong(usize),
    /// It has characters that no name has.
    #[error("the name of the resource has control characters: {0:?}")]
    Control(String),
    /// The type is known, and its resources are not named so.
    #[error("{name:?} names no {resource_type}: write {forms}")]
    NotOfType {
        /// The type: `AWS::EC2::Instance`.
        resource_type: String,
        /// What was typed behind it, cut off where it is long.
        name: String,
        /// How its ARNs and ids are written.
        forms: String,
    },
}

impl ResourceTypes {
    /// Returns the resources that a text may mean, ids before names. A name alone may be that of many types; a type
    /// before it (`bucket logs`, `AWS::S3::Bucket logs`) leaves those of the type.
    ///
    /// # Errors
    /// [`BadSubject`] for what is empty, too long, or no name of the type that stands before it.
    pub fn candidates(&self, text: &str) -> Result<Vec<ResourceCandidate>, BadSubject> {
        let text = text.trim();
        if text.is_empty() {
            return Err(BadSubject::Empty);
        }
        // A word of a type may stand before the longest ARN.
        if text.len() > TEXT_BYTES_MAX {
            return Err(BadSubject::TooLong(text.len()));
        }
        if text.chars().any(char::is_control) {
            return Err(BadSubject::Control(shown(text)));
        }
        if let Some((types, name)) = self.typed(text) {
            let found = candidates_of(&types, name);
            return if found.is_empty() { Err(not_of(&types, name)) } else { Ok(found) };
        }
        let all: Vec<&ResourceType> = self.all().iter().collect();
        let found = candidates_of(&all, text);
        if found.is_empty() && text.starts_with("arn:") {
            let (arn, identity) = (Some(bare_arn(text).to_owned()), ResourceIdentity::default());
            return Ok(vec![ResourceCandidate { resource_type: None, identity, arn }]);
        }
        Ok(found)
    }

    /// Takes the words of a type off a text: its types, and the rest.
    fn typed<'t>(&self, text: &'t str) -> Option<(Vec<&ResourceType>, &'t str)> {
        let ends = text.match_indices(char::is_whitespace).map(|(at, _)| at);
        let mut ends: Vec<usize> = ends.filter(|&at| !text[..at].ends_with(char::is_whitespace)).collect();
        ends.truncate(TYPE_WORDS_MAX);
        ends.into_iter().rev().find_map(|at| {
            let (words, name) = text.split_at_checked(at)?;
            let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
            let types: Vec<&ResourceType> = self.all().iter().filter(|own| own.is_called(&words)).collect();
            (!types.is_empty()).then_some((types, name.trim_start()))
        })
    }
}

impl ResourceCandidate {
    /// Says in which account and region the resource is, where its ARN does not: its name is then compared there only.
    #[must_use]
    pub fn within(mut self, account: Option<&str>, region: Option<&str>) -> Self {
        let own = &mut self.identity;
        own.account = own.account.take().or(account.map(str::to_owned));
        own.region = own.region.take().or(region.map(str::to_owned));
        self
    }
}

fn candidates_of(types: &[&ResourceType], text: &str) -> Vec<ResourceCandidate> {
    let of = |own: &ResourceType, identity: ResourceIdentity| ResourceCandidate {
        resource_type: Some(own.name.clone()),
        identity,
        arn: text.starts_with("arn:").then(|| bare_arn(text).to_owned()),
    };
    if text.starts_with("arn:") {
        let found = types.iter().filter_map(|own| Some(of(own, read(own, &own.forms, text)?)));
        return found.collect();
    }
    let by_id = |own: &&&ResourceType| own.ids.iter().any(|pattern| pattern.is_match(text));
    let identified =
        |own: &&ResourceType| of(own, ResourceIdentity { id: Some(text.to_owned()), ..ResourceIdentity::default() });
    let mut found: Vec<ResourceCandidate> = types.iter().filter(by_id).map(identified).collect();
    let is_strong = |own: &&ResourceType| own.ids.iter().any(|id| id.is_strong() && id.is_match(text));
    if types.iter().any(is_strong) {
        return found;
    }
    if text.contains("://") {
        let urls = urls(types, text);
        if !urls.is_empty() {
            return urls.into_iter().map(|(own, identity)| of(own, identity)).collect();
        }
    }
    let (mut written, mut named) = (Vec::new(), Vec::new());
    let has_id = |own: &ResourceType| found.iter().any(|found| found.resource_type.as_deref() == Some(&own.name));
    // What is written as a form or an id is not a name besides: `alias/x` is the alias `x`.
    for own in types.iter().filter(|own| !has_id(own)) {
        let before = written.len();
        let forms = own.forms.iter().chain(&own.typed).filter(|form| form.literal_bytes() > 0);
        let forms = forms.filter_map(|form| read(own, std::slice::from_ref(form), text));
        written.extend(forms.take(1).map(|identity| of(own, identity)));
        if written.len() == before && takes_name(own, text) {
            named.push(of(own, ResourceIdentity { name: Some(text.to_owned()), ..ResourceIdentity::default() }));
        }
    }
    found.extend(written.into_iter().chain(named));
    found
}

/// Returns the types whose URLs are written so, and what the URL says; of several those whose form says most.
fn urls<'a>(types: &[&'a ResourceType], text: &str) -> Vec<(&'a ResourceType, ResourceIdentity)> {
    let of_type = |own: &&'a ResourceType| {
        let forms = own.forms.iter().chain(&own.typed).filter(|form| form.as_str().contains("://"));
        let best = forms.filter(|form| form.is_match(text)).max_by_key(|form| form.literal_bytes())?;
        Some((*own, best.literal_bytes(), read(own, std::slice::from_ref(best), text)?))
    };
    let found: Vec<_> = types.iter().filter_map(of_type).collect();
    let most = found.iter().map(|(_, bytes, _)| *bytes).max().unwrap_or_default();
    let best = found.into_iter().filter(|(_, bytes, _)| *bytes == most);
    best.map(|(own, _, identity)| (own, identity)).collect()
}

/// Reads a text as one of some forms. What names no parent has the one that such resources have.
fn read(own: &ResourceType, forms: &[Pattern], text: &str) -> Option<ResourceIdentity> {
    let mut identity = forms.iter().find_map(|form| form.parse(text))?;
    identity.parent = identity.parent.or_else(|| own.default_parent.clone());
    Some(identity)
}

/// Tells whether a bare text may be the name of a resource of a type.
fn takes_name(own: &ResourceType, text: &str) -> bool {
    own.names != NameScope::None && own.forms.iter().chain(&own.typed).any(|form| form.takes_name(text))
}

fn bare_arn(text: &str) -> &str {
    text.strip_suffix(":*").unwrap_or(text)
}

fn not_of(types: &[&ResourceType], name: &str) -> BadSubject {
    let names: Vec<&str> = types.iter().map(|own| own.name.as_str()).collect();
    let forms = types.iter().flat_map(|own| own.ids.iter().chain(&own.typed).chain(&own.forms)).take(3);
    let forms: Vec<&str> = forms.map(Pattern::as_str).collect();
    BadSubject::NotOfType { resource_type: names.join(" or "), name: shown(name), forms: forms.join(" or ") }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_MAX).collect()
}
