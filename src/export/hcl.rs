//! Writes HCL as `terraform fmt` would: blocks, attributes, and values that cannot be taken for templates.

use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

use crate::report::text::escape;

/// A line or a block in the body of another.
pub(super) enum Item {
    /// `name = value`.
    Attribute(&'static str, Value),
    /// `name = jsonencode(value)`: documents, readable.
    Json(&'static str, Value),
    /// `name { … }`.
    Block(&'static str, Vec<Item>),
}

/// Makes an attribute.
pub(super) fn set(name: &'static str, value: impl Into<Value>) -> Item {
    Item::Attribute(name, value.into())
}

/// Makes an attribute of something that need not be there.
pub(super) fn set_if<V: Into<Value>>(name: &'static str, value: Option<V>) -> Option<Item> {
    value.map(|value| set(name, value))
}

/// Returns the lines of a body, indented by one level.
pub(super) fn body(items: Vec<Item>) -> String {
    let mut out = String::new();
    write_items(&mut out, items, 1);
    out
}

fn write_items(out: &mut String, items: Vec<Item>, depth: usize) {
    let indent = "  ".repeat(depth);
    for (at, item) in items.into_iter().enumerate() {
        match item {
            Item::Attribute(name, value) => out.push_str(&format!("{indent}{name} = {}\n", expression(&value, depth))),
            Item::Json(name, value) => {
                out.push_str(&format!("{indent}{name} = jsonencode({})\n", expression(&value, depth)));
            }
            Item::Block(name, items) => {
                let gap = if at > 0 { "\n" } else { "" };
                out.push_str(&format!("{gap}{indent}{name} {{\n"));
                write_items(out, items, depth + 1);
                out.push_str(&format!("{indent}}}\n"));
            }
        }
    }
}

fn expression(value: &Value, depth: usize) -> String {
    let (inner, outer) = ("  ".repeat(depth + 1), "  ".repeat(depth));
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            let items: Vec<String> = items.iter().map(|item| expression(item, depth)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Array(items) => {
            let lines = items.iter().map(|item| format!("{inner}{},\n", expression(item, depth + 1)));
            format!("[\n{}{outer}]", lines.collect::<String>())
        }
        Value::Object(fields) if fields.is_empty() => "{}".to_owned(),
        Value::Object(fields) => {
            let line = |(key, value): (&String, &Value)| {
                format!("{inner}{} = {}\n", quoted(key), expression(value, depth + 1))
            };
            format!("{{\n{}{outer}}}", fields.iter().map(line).collect::<String>())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Returns a text in quotes. `${` and `%{` would begin templates; doubled, they are what they look like (HCL native
/// syntax specification, "Template Literals").
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if rest.peek() == Some(&'{') => out.extend([c, c]),
            c if escape::acts(c) => out.push_str(&code_point(c)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Writes a character by its number, in four digits or in eight (HCL native syntax specification, "Template Literals").
fn code_point(c: char) -> String {
    let number = u32::from(c);
    if number > 0xffff { format!("\\U{number:08x}") } else { format!("\\u{number:04x}") }
}

/// Returns a text that stays in the line of its comment.
pub(super) fn comment(text: &str) -> String {
    escape::terminal(text).into_owned()
}

/// Aligns the equal signs of attributes that follow each other on single lines, as `terraform fmt` does.
pub(super) fn aligned(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut run: Vec<(&str, &str)> = Vec::new();
    for line in text.lines() {
        match attribute(line) {
            Some(parts) => run.push(parts),
            None => {
                flush(&mut out, &mut run);
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    flush(&mut out, &mut run);
    out
}

fn flush(out: &mut String, run: &mut Vec<(&str, &str)>) {
    // Terraform counts what a person sees as one character, however many code points it has.
    let length = |name: &str| name.graphemes(true).count();
    let width = run.iter().map(|(name, _)| length(name)).max().unwrap_or(0);
    for (name, value) in run.drain(..) {
        let gap = " ".repeat(width - length(name));
        out.push_str(&format!("{name}{gap} = {value}\n"));
    }
}

/// Splits a line into name and value, if it is an attribute that ends on its line.
fn attribute(line: &str) -> Option<(&str, &str)> {
    let name = line.trim_start();
    let end = if name.starts_with('"') { after_quotes(name)? } else { name.find(' ')? };
    let (name, value) = line.split_at(line.len() - name.len() + end);
    let value = value.strip_prefix(" = ")?;
    let opens = value.ends_with(['{', '[', '(']);
    (!opens && !name.trim_start().starts_with('#')).then_some((name, value))
}

/// Returns where a text in quotes ends.
fn after_quotes(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().skip(1).find_map(|(at, c)| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_taken_for_a_template() {
        for text in [
            "${aws:PrincipalAccount}",
            "%{if}",
            "$${x}",
            "$",
            "%",
            "a\"b\\c",
            "\n\r\t\u{1b}",
            "${",
            "é",
            "$$",
            "%%{",
            "\u{202e}\u{9b}\u{e0041}",
        ] {
            let body: ::hcl::Body = ::hcl::from_str(&format!("a = {}\n", quoted(text))).unwrap();
            let attribute = body.into_attributes().next().unwrap();
            let context = ::hcl::eval::Context::new();
            let read: ::hcl::Value = ::hcl::eval::Evaluate::evaluate(&attribute.expr, &context).unwrap();
            assert_eq!(read, ::hcl::Value::from(text), "{}", quoted(text));
            assert!(!quoted(text).chars().any(escape::acts), "{}", quoted(text));
        }
    }

    #[test]
    fn equal_signs_stand_below_each_other() {
        let text =
            "x {\n  a = 1\n  long = \"b = c\"\n  m = {\n    \"k\" = 1\n    \"key = \\\"\" = 2\n  }\n  b = 2\n}\n";
        let out = "x {\n  a    = 1\n  long = \"b = c\"\n  m = {\n    \"k\"        = 1\n    \"key = \\\"\" = 2\n  }\n  b = 2\n}\n";
        assert_eq!(aligned(text), out);
    }
}
