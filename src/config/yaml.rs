//! YAML text into plain values with their places.
//!
//! The parser's events are read one by one instead of its finished tree: so every duplicate field is found with both of
//! its places, and depth and size stay bounded whatever the file holds.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use saphyr::Scalar;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};
use serde_json::{Map, Value};

use super::finding::{Code, Finding, Related};
use super::place::{Document, Lines, Place, join};

/// A configuration of ten thousand accounts, each named, has less than this.
pub(super) const SIZE_BYTES_MAX: usize = 1024 * 1024;
/// The schema is six levels deep.
const DEPTH_MAX: usize = 32;
/// What aliases may multiply a file to.
const NODES_MAX: usize = 200_000;

/// Reads the first document of a text. Without a document there is at least one finding.
pub(super) fn read(text: &str) -> (Option<Document>, Vec<Finding>) {
    let lines = Lines::of(text);
    if text.len() > SIZE_BYTES_MAX {
        let message = format!("the file has more than {SIZE_BYTES_MAX} bytes, too many for a configuration");
        let help = "a tag or an organizational unit can select many accounts at once";
        return (None, vec![finding(text, &lines, Code::TooLarge, 0..0, message, Some(help.into()))]);
    }
    let mut reader = Reader::new(text, &lines);
    let outcome = reader.run();
    let mut findings = reader.findings;
    match outcome {
        Ok(root) => (Some(document(root)), findings),
        Err(fatal) => {
            findings.push(fatal);
            (None, findings)
        }
    }
}

/// YAML takes two braces for two maps.
const TEMPLATE_HELP: &str = "a value that begins with `{{` must stand in quotes: \"{{deployment}}-logs\"";

/// A value while it is read.
#[derive(Clone)]
struct Node {
    span: Range<usize>,
    content: Content,
}

#[derive(Clone)]
enum Content {
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<(Name, Node)>),
}

/// The name of a field.
#[derive(Clone)]
struct Name {
    text: String,
    span: Range<usize>,
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
    lines: &'a Lines,
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    /// The byte at which each character begins; the parser counts characters.
    bytes: Vec<usize>,
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    findings: Vec<Finding>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, lines: &'a Lines) -> Self {
        let bytes = text.char_indices().map(|(at, _)| at).chain(std::iter::once(text.len())).collect();
        Self {
            text,
            lines,
            parser: Parser::new_from_str(text),
            bytes,
            open: Vec::new(),
            anchors: HashMap::new(),
            nodes: 0,
            findings: Vec::new(),
        }
    }

    /// Reads until the end; what ends the reading early is the error.
    fn run(&mut self) -> Result<Node, Finding> {
        let mut root = None;
        while let Some(event) = self.parser.next_event() {
            let (event, span) = event.map_err(|error| self.syntax(&error))?;
            let at = self.range(span);
            if matches!(event, Event::DocumentStart(_)) && root.is_some() {
                let help = "keep one configuration in one file";
                self.find(Code::Yaml, at, "a second YAML document begins here", Some(help.into()));
                break;
            }
            if let Some(node) = self.take(event, at)? {
                root = Some(node);
            }
        }
        Ok(root.unwrap_or(Node { span: 0..0, content: Content::Scalar(Value::Null) }))
    }

    /// Takes one event; gives back the root when it is complete.
    fn take(&mut self, event: Event<'a>, at: Range<usize>) -> Result<Option<Node>, Finding> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let content = Content::Scalar(self.scalar(text, style, tag.as_ref(), &at));
                self.complete(Node { span: at, content }, anchor)
            }
            Event::SequenceStart(anchor, tag) => self.begin(Content::List(Vec::new()), anchor, tag.as_ref(), at),
            Event::MappingStart(anchor, tag) => self.begin(Content::Map(Vec::new()), anchor, tag.as_ref(), at),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => self.complete(Node { span: open.start..at.end, content: open.content }, open.anchor),
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
    ) -> Result<Option<Node>, Finding> {
        if self.open.len() == DEPTH_MAX {
            let message = format!("lists and maps are nested more than {DEPTH_MAX} deep");
            return Err(finding(self.text, self.lines, Code::TooLarge, at, message, None));
        }
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
            self.foreign_tag(tag, &at);
        }
        self.open.push(Open { start: at.start, anchor, content, name: None, names: HashMap::new() });
        Ok(None)
    }

    /// Puts a finished value where it belongs.
    fn complete(&mut self, node: Node, anchor: usize) -> Result<Option<Node>, Finding> {
        self.count(1, &node.span)?;
        if anchor > 0 {
            let size = size(&node);
            self.anchors.insert(anchor, (node.clone(), size));
        }
        let Some(parent) = self.open.last_mut() else {
            return Ok(Some(node));
        };
        match (&mut parent.content, parent.name.take()) {
            (Content::List(items), _) => items.push(node),
            (Content::Map(fields), Some(name)) => match parent.names.insert(name.text.clone(), name.span.clone()) {
                Some(first) => self.duplicate(&name, first),
                None => fields.push((name, node)),
            },
            (Content::Map(_), None) => match name_of(self.text, node) {
                Ok(name) => parent.name = Some(name),
                Err(at) => {
                    let message = "a list or a map cannot be the name of a field".into();
                    let help = self.text[..at.start].ends_with('{').then(|| TEMPLATE_HELP.to_owned());
                    return Err(finding(self.text, self.lines, Code::Yaml, at, message, help));
                }
            },
            (Content::Scalar(_), _) => {}
        }
        Ok(None)
    }

    /// Repeats an anchored value, within the bounds.
    fn alias(&mut self, anchor: usize, at: Range<usize>) -> Result<Option<Node>, Finding> {
        let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
            let message = "this alias stands inside the value that it repeats";
            return Err(finding(self.text, self.lines, Code::Yaml, at, message.into(), None));
        };
        self.count(size, &at)?;
        self.complete(Node { span: at, ..node }, 0)
    }

    fn count(&mut self, more: usize, at: &Range<usize>) -> Result<(), Finding> {
        self.nodes += more;
        if self.nodes <= NODES_MAX {
            return Ok(());
        }
        let message = format!("the file has more than {NODES_MAX} values, those that aliases repeat included");
        Err(finding(self.text, self.lines, Code::TooLarge, at.clone(), message, None))
    }
}

impl<'a> Reader<'a> {
    /// Reads a scalar by YAML's core schema. What JSON cannot hold stays text, and so has the wrong type where it counts.
    fn scalar(
        &mut self,
        text: Cow<'a, str>,
        style: ScalarStyle,
        tag: Option<&Cow<'a, Tag>>,
        at: &Range<usize>,
    ) -> Value {
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
            self.foreign_tag(tag, at);
        }
        let written = text.clone().into_owned();
        match Scalar::parse_from_cow_and_metadata(text, style, tag) {
            Some(Scalar::Null) => Value::Null,
            Some(Scalar::Boolean(truth)) => truth.into(),
            Some(Scalar::Integer(number)) => number.into(),
            Some(Scalar::FloatingPoint(number)) => {
                serde_json::Number::from_f64(number.into_inner()).map_or(Value::String(written), Value::Number)
            }
            Some(Scalar::String(text)) => Value::String(text.into_owned()),
            None => {
                let message = format!("{written:?} is not what its tag says");
                self.find(Code::Yaml, at.clone(), message, Some("leave the tag out".into()));
                Value::Null
            }
        }
    }

    fn foreign_tag(&mut self, tag: &Tag, at: &Range<usize>) {
        let message = format!("the tag `{}{}` means nothing here", tag.handle, tag.suffix);
        self.find(Code::Yaml, at.clone(), message, Some("leave the tag out".into()));
    }

    fn duplicate(&mut self, name: &Name, first: Range<usize>) {
        let message = format!("the field `{}` stands here a second time", name.text);
        let help = "keep one of the two; in a list, every item begins with a dash";
        let mut found =
            finding(self.text, self.lines, Code::DuplicateField, name.span.clone(), message, Some(help.into()));
        let (line, column) = self.lines.position(self.text, first.start);
        found.related.push(Related { label: "first here".into(), line, column, span: first });
        self.findings.push(found);
    }

    fn find(&mut self, code: Code, at: Range<usize>, message: impl Into<String>, help: Option<String>) {
        self.findings.push(finding(self.text, self.lines, code, at, message.into(), help));
    }

    fn syntax(&self, error: &ScanError) -> Finding {
        let at = self.byte(error.marker().index());
        let line_start = self.text[..at].rfind('\n').map_or(0, |n| n + 1);
        // The parser marks what stands before a tab that it meets.
        let from = if error.info().contains("tab") { at } else { line_start };
        if let Some(span) = indenting_tab(self.text, from) {
            let help = "YAML is indented with spaces; replace the tab by two spaces";
            let message = "this line is indented with a tab".to_owned();
            return finding(self.text, self.lines, Code::Yaml, span, message, Some(help.into()));
        }
        let message = format!("this is not YAML: {}", error.info());
        let line = self.text[line_start..].lines().next().unwrap_or_default();
        let help = help_with_syntax(line).map(str::to_owned);
        finding(self.text, self.lines, Code::Yaml, at..at, message, help)
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

/// Finds a tab that indents the line at an offset, or the line after it.
fn indenting_tab(text: &str, from: usize) -> Option<Range<usize>> {
    let tab = from + text[from..].find('\t')?;
    let line_start = text[..tab].rfind('\n').map_or(0, |n| n + 1);
    let near = text[from..tab].matches('\n').count() <= 1;
    (near && text[line_start..tab].trim().is_empty()).then_some(tab..tab + 1)
}

/// Knows the mistakes that YAML's own words do not explain.
fn help_with_syntax(line: &str) -> Option<&'static str> {
    let value = line.split_once(": ").map_or(line, |(_, value)| value).trim_start_matches(['-', ' ']);
    if value.starts_with("{{") {
        Some(TEMPLATE_HELP)
    } else if value.starts_with(['*', '&', '%', '@', '`', '!']) {
        Some("a value that begins with this character must stand in quotes")
    } else {
        None
    }
}

fn finding(
    text: &str,
    lines: &Lines,
    code: Code,
    span: Range<usize>,
    message: String,
    help: Option<String>,
) -> Finding {
    let (line, column) = lines.position(text, span.start);
    Finding { code, path: String::new(), message, line, column, span, help, related: Vec::new() }
}

/// Takes a scalar for the name of a field, or says where the list or map stands.
fn name_of(text: &str, node: Node) -> Result<Name, Range<usize>> {
    match node.content {
        Content::Scalar(Value::String(name)) => Ok(Name { text: name, span: node.span }),
        Content::Scalar(_) => {
            Ok(Name { text: text.get(node.span.clone()).unwrap_or_default().to_owned(), span: node.span })
        }
        Content::List(_) | Content::Map(_) => Err(node.span),
    }
}

/// Returns how many values a node has, itself included.
fn size(node: &Node) -> usize {
    1 + match &node.content {
        Content::Scalar(_) => 0,
        Content::List(items) => items.iter().map(size).sum(),
        Content::Map(fields) => fields.iter().map(|(_, value)| size(value)).sum(),
    }
}

fn document(root: Node) -> Document {
    let mut places = BTreeMap::new();
    let value = settle(root, None, String::new(), &mut places);
    Document { value, places }
}

/// Turns a node into JSON and writes down where it and everything in it stands.
fn settle(node: Node, key: Option<Range<usize>>, at: String, places: &mut BTreeMap<String, Place>) -> Value {
    let collection = !matches!(node.content, Content::Scalar(_));
    let value = match node.content {
        Content::Scalar(value) => value,
        Content::List(items) => {
            let items = items.into_iter().enumerate();
            items.map(|(n, item)| settle(item, None, join(&at, &n.to_string()), places)).collect()
        }
        Content::Map(fields) => {
            let fields = fields.into_iter().map(|(name, node)| {
                let value = settle(node, Some(name.span), join(&at, &name.text), places);
                (name.text, value)
            });
            Value::Object(fields.collect::<Map<_, _>>())
        }
    };
    places.insert(at, Place { key, value: node.span, collection });
    value
}
