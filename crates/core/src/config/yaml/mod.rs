//! YAML text into plain values with their places.
//!
//! The parser's events are read one by one instead of its finished tree: so every duplicate field is found with both of
//! its places, and depth and size stay bounded whatever the file holds.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use saphyr::Scalar;
use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};
use serde_json::{Number, Value};

use super::finding::{Code, ConfigFinding};
use super::place::{Document, Lines};

mod fault;
mod node;

use fault::YamlFault;
use node::{Content, Name, Node};

/// Room for the ids of sixty thousand accounts.
pub(super) const SIZE_BYTES_MAX: usize = 1024 * 1024;
/// The schema is eight levels deep, down to the values of a selector.
const DEPTH_MAX: usize = 16;
/// The values of a file, those that aliases repeat included.
const NODES_MAX: usize = 100_000;
/// The longest name that means anything is the key of a tag.
const NAME_CHARS_MAX: usize = 128;

/// Reads the first document of a text. Without a document there is at least one finding.
pub(super) fn read(text: &str) -> (Option<Document>, Vec<ConfigFinding>) {
    let mut reader = Reader::new(text);
    let (document, fatal) = match reader.run() {
        Ok(root) => (Some(root.into_document()), None),
        Err(fault) => (None, Some(fault)),
    };
    let lines = Lines::of(text);
    let findings = reader.faults.into_iter().chain(fatal).map(|fault| fault.locate(&lines, text));
    (document, findings.collect())
}

/// A list or map that has begun.
struct Open {
    start: usize,
    anchor: usize,
    content: Content,
    /// In a map, the name whose value comes next.
    name: Option<Name>,
    /// In a map, where each name stands.
    names: HashMap<String, Range<usize>>,
}

struct Reader<'a> {
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    /// The byte at which each character begins; the parser counts characters.
    bytes: Vec<usize>,
    open: Vec<Open>,
    /// What each anchor stands for, and how many values that are.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    /// What is wrong without making the rest unreadable.
    faults: Vec<YamlFault>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            parser: Parser::new_from_str(text),
            bytes: text.char_indices().map(|(at, _)| at).collect(),
            open: Vec::new(),
            anchors: HashMap::new(),
            nodes: 0,
            faults: Vec::new(),
        }
    }

    /// Reads until the end; what ends the reading early is the error.
    fn run(&mut self) -> Result<Node, YamlFault> {
        if self.text.len() > SIZE_BYTES_MAX {
            let message = format!("the file has more than {SIZE_BYTES_MAX} bytes, too many for a configuration");
            let help = "a tag or an organizational unit can select many accounts at once";
            return Err(YamlFault::new(Code::TooLarge, 0..0, message).help(help));
        }
        let mut root = None;
        while let Some(event) = self.parser.next_event() {
            let (event, span) =
                event.map_err(|error| YamlFault::of_syntax(&error, self.byte(error.marker().index()), self.text))?;
            let at = self.range(span);
            if matches!(event, Event::DocumentStart(_)) && root.is_some() {
                let fault = YamlFault::new(Code::Yaml, at, "a second YAML document begins here");
                self.faults.push(fault.help("keep one configuration in one file"));
                break;
            }
            if let Some(node) = self.take(event, at)? {
                root = Some(node);
            }
        }
        Ok(root.unwrap_or(Node { span: 0..0, content: Content::Scalar(Value::Null), repeated: false }))
    }

    /// Takes one event; gives back the root when it is complete.
    fn take(&mut self, event: Event<'a>, at: Range<usize>) -> Result<Option<Node>, YamlFault> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let content = Content::Scalar(self.scalar(text, style, tag.as_ref(), &at));
                self.complete(Node { span: at, content, repeated: false }, anchor)
            }
            Event::SequenceStart(anchor, tag) => self.begin(Content::List(Vec::new()), anchor, tag.as_ref(), at),
            Event::MappingStart(anchor, tag) => self.begin(Content::Map(Vec::new()), anchor, tag.as_ref(), at),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open { start, anchor, content, .. }) => {
                    self.complete(Node { span: start..at.end, content, repeated: false }, anchor)
                }
                None => Ok(None),
            },
            Event::Alias(anchor) => self.alias(anchor, at),
            Event::DocumentStart(_) | Event::DocumentEnd | Event::StreamStart | Event::StreamEnd | Event::Nothing => {
                Ok(None)
            }
        }
    }

    fn begin(
        &mut self,
        content: Content,
        anchor: usize,
        tag: Option<&Cow<'a, Tag>>,
        at: Range<usize>,
    ) -> Result<Option<Node>, YamlFault> {
        if self.open.len() == DEPTH_MAX {
            let message = format!("lists and maps are nested more than {DEPTH_MAX} deep");
            return Err(YamlFault::new(Code::TooLarge, at, message));
        }
        self.refuse_foreign(tag, &at);
        self.open.push(Open { start: at.start, anchor, content, name: None, names: HashMap::new() });
        Ok(None)
    }

    /// Puts a finished value where it belongs.
    fn complete(&mut self, node: Node, anchor: usize) -> Result<Option<Node>, YamlFault> {
        self.count(1, &node.span)?;
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), node.size()));
        }
        let Some(parent) = self.open.last_mut() else {
            return Ok(Some(node));
        };
        match (&mut parent.content, parent.name.take()) {
            (Content::List(items), _) => items.push(node),
            (Content::Map(fields), Some(name)) => match parent.names.get(&name.text) {
                Some(first) => self.faults.push(duplicate(&name, first.clone())),
                None => {
                    parent.names.insert(name.text.clone(), name.span.clone());
                    fields.push((name, node));
                }
            },
            (Content::Map(_), None) => parent.name = Some(name_of(node, self.text)?),
            (Content::Scalar(_), _) => {}
        }
        Ok(None)
    }

    /// Repeats an anchored value, within the bounds.
    fn alias(&mut self, anchor: usize, at: Range<usize>) -> Result<Option<Node>, YamlFault> {
        let Some((node, size)) = self.anchors.get(&anchor) else {
            let message = "this alias stands inside the value that it repeats";
            return Err(YamlFault::new(Code::Yaml, at, message));
        };
        let (size, content) = (*size, node.content.clone());
        self.count(size, &at)?;
        self.complete(Node { span: at, content, repeated: true }, 0)
    }

    fn count(&mut self, more: usize, at: &Range<usize>) -> Result<(), YamlFault> {
        self.nodes += more;
        if self.nodes <= NODES_MAX {
            return Ok(());
        }
        let message = format!("the file has more than {NODES_MAX} values, those that aliases repeat included");
        Err(YamlFault::new(Code::TooLarge, at.clone(), message))
    }

    /// Reads a scalar by YAML's core schema. What JSON cannot hold stays text, and so has the wrong type where it
    /// counts.
    fn scalar(
        &mut self,
        text: Cow<'a, str>,
        style: ScalarStyle,
        tag: Option<&Cow<'a, Tag>>,
        at: &Range<usize>,
    ) -> Value {
        self.refuse_foreign(tag, at);
        let written = text.clone();
        match Scalar::parse_from_cow_and_metadata(text, style, tag) {
            Some(Scalar::Null) => Value::Null,
            Some(Scalar::Boolean(truth)) => truth.into(),
            // The library takes a sign before a sign for a number; YAML's core schema does not.
            Some(Scalar::Integer(_)) if written.starts_with("++") || written.starts_with("+-") => {
                Value::String(written.into_owned())
            }
            Some(Scalar::Integer(number)) => number.into(),
            Some(Scalar::FloatingPoint(number)) => {
                Number::from_f64(number.into_inner()).map_or(Value::String(written.into_owned()), Value::Number)
            }
            Some(Scalar::String(text)) => Value::String(text.into_owned()),
            None => {
                let message = format!("{written:?} is not what its tag says");
                self.faults.push(YamlFault::new(Code::Yaml, at.clone(), message).help("leave the tag out"));
                Value::Null
            }
        }
    }

    /// Finds tags that are not YAML's own, such as `!secret`.
    fn refuse_foreign(&mut self, tag: Option<&Cow<'a, Tag>>, at: &Range<usize>) {
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
            let message = format!("the tag `{}{}` means nothing here", tag.handle, tag.suffix);
            self.faults.push(YamlFault::new(Code::Yaml, at.clone(), message).help("leave the tag out"));
        }
    }

    fn byte(&self, character: usize) -> usize {
        self.bytes.get(character).copied().unwrap_or(self.text.len())
    }

    /// Returns a span in bytes, without the white space that the parser takes along behind lists and maps.
    fn range(&self, span: Span) -> Range<usize> {
        let (start, end) = (self.byte(span.start.index()), self.byte(span.end.index()));
        let length = self.text.get(start..end).map_or(0, |text| text.trim_end().len());
        start..start + length
    }
}

fn name_of(node: Node, text: &str) -> Result<Name, YamlFault> {
    let name = node.into_name(text).map_err(|span| YamlFault::of_name(span, text))?;
    if name.text.chars().count() > NAME_CHARS_MAX {
        let message = format!("the name of a field has more than {NAME_CHARS_MAX} characters");
        return Err(YamlFault::new(Code::TooLarge, name.span, message));
    }
    Ok(name)
}

fn duplicate(name: &Name, first: Range<usize>) -> YamlFault {
    let message = format!("the field `{}` stands here a second time", name.text);
    let fault = YamlFault::new(Code::DuplicateField, name.span.clone(), message);
    YamlFault { first: Some(first), ..fault }.help("keep one of the two; in a list, every item begins with a dash")
}
