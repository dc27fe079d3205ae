//! Values while they are read, and how they become a document.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Map, Value};

use crate::config::place::{Document, SourcePosition, join};

/// A value and where it stands.
#[derive(Clone)]
pub(super) struct Node {
    pub span: Range<usize>,
    pub content: Content,
    /// Whether an alias put it here; then what is in it stands elsewhere.
    pub repeated: bool,
}

#[derive(Clone)]
pub(super) enum Content {
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<(Name, Node)>),
}

/// The name of a field.
#[derive(Clone)]
pub(super) struct Name {
    pub text: String,
    pub span: Range<usize>,
}

impl Node {
    /// Takes a scalar for the name of a field, or says where the list or map stands.
    pub fn into_name(self, text: &str) -> Result<Name, Range<usize>> {
        match self.content {
            Content::Scalar(Value::String(name)) => Ok(Name { text: name, span: self.span }),
            Content::Scalar(_) => {
                Ok(Name { text: text.get(self.span.clone()).unwrap_or_default().to_owned(), span: self.span })
            }
            Content::List(_) | Content::Map(_) => Err(self.span),
        }
    }

    /// Returns how many values it has, itself included.
    pub fn size(&self) -> usize {
        1 + match &self.content {
            Content::Scalar(_) => 0,
            Content::List(items) => items.iter().map(Node::size).sum(),
            Content::Map(fields) => fields.iter().map(|(_, value)| value.size()).sum(),
        }
    }

    /// Makes the root a document.
    pub fn into_document(self) -> Document {
        let mut places = BTreeMap::new();
        let value = settle(self, None, String::new(), &mut places);
        Document { value, places }
    }
}

/// Turns a node into JSON and writes down where it and everything in it stands.
fn settle(node: Node, key: Option<Range<usize>>, at: String, places: &mut BTreeMap<String, SourcePosition>) -> Value {
    let collection = !matches!(node.content, Content::Scalar(_));
    let span = node.span.clone();
    let value = match node.content {
        _ if node.repeated => plain(node),
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
    places.insert(at, SourcePosition { key, value: span, collection });
    value
}

/// Turns a node into JSON. What is said of a value in it is said of the alias.
fn plain(node: Node) -> Value {
    match node.content {
        Content::Scalar(value) => value,
        Content::List(items) => items.into_iter().map(plain).collect(),
        Content::Map(fields) => {
            Value::Object(fields.into_iter().map(|(name, node)| (name.text, plain(node))).collect())
        }
    }
}
