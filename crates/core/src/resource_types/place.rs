//! Where a record names a resource: `request.instancesSet.items.instanceId`. Lists on the way are gone through.

use std::borrow::Cow;
use std::fmt;

use crate::event::{Json, JsonType, Record, Text};

/// Values at one place that are looked at: one call names at most 1,000 resources (S3 API, `DeleteObjects`).
const VALUES_MAX: usize = 10_000;

/// Lists in lists that are gone through at one step; CloudTrail writes none in another.
const LISTS_DEEP_MAX: usize = 2;

/// The steps of a path.
const STEPS_MAX: usize = 12;

/// What CloudTrail writes in the place of a value that it hides.
pub(super) const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// The field that records have in the place of parameters that are larger than 100 KB. The CloudTrail user guide
/// ("CloudTrail record contents") says that they are left out, and not what stands in their place.
pub(super) const OMITTED: &str = "omitted";

/// The part of a record that a path begins in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordPart {
    /// `requestParameters`
    Request,
    /// `responseElements`
    Response,
    /// `serviceEventDetails`
    Details,
    /// `additionalEventData`
    Additional,
}

/// A path in a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlacePath {
    /// Where it begins.
    pub part: RecordPart,
    /// The names of the fields on the way; capitals do not count, as services write one field in several ways.
    pub steps: Vec<String>,
}

impl RecordPart {
    const ALL: [(RecordPart, &'static str, &'static str); 4] = [
        (RecordPart::Request, "request", "requestParameters"),
        (RecordPart::Response, "response", "responseElements"),
        (RecordPart::Details, "details", "serviceEventDetails"),
        (RecordPart::Additional, "additional", "additionalEventData"),
    ];

    /// Returns the field of a record that it is: `requestParameters`.
    pub fn field(self) -> &'static str {
        Self::ALL.iter().find(|(part, ..)| *part == self).map_or("", |(.., field)| field)
    }

    /// Returns the part of a record. `None`: the record does not have it.
    pub(super) fn of<'a>(self, record: &Record<'a>) -> Option<Json<'a>> {
        match self {
            RecordPart::Request => record.request_parameters,
            RecordPart::Response => record.response_elements,
            RecordPart::Details => record.service_event_details,
            RecordPart::Additional => record.additional_event_data,
        }
    }
}

impl PlacePath {
    /// Reads a path: `request.name`, `response.instancesSet.items.instanceId`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut steps = text.split('.');
        let first = steps.next().unwrap_or_default();
        let part = RecordPart::ALL.iter().find(|(_, short, _)| *short == first).map(|(part, ..)| *part);
        let part = part.ok_or("it begins with none of `request.`, `response.`, `details.`, `additional.`")?;
        let steps: Vec<String> = steps.map(str::to_owned).collect();
        let is_name = |step: &String| {
            !step.is_empty() && step.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':'))
        };
        if steps.is_empty() || steps.len() > STEPS_MAX {
            return Err(format!("it has no field behind `{first}.`, or more than {STEPS_MAX}"));
        }
        match steps.iter().find(|step| !is_name(step)) {
            Some(step) => Err(format!("`{step}` is no name of a field; lists need no mark, they are gone through")),
            None => Ok(Self { part, steps }),
        }
    }

    /// Tells whether an ARN stands there, as its last name says.
    pub(super) fn is_of_arn(&self) -> bool {
        self.steps.last().is_some_and(|step| step.ends_with("Arn"))
    }

    /// Returns the values at the place, those of lists each for itself; at most 10,000.
    pub fn values<'a>(&self, record: &Record<'a>) -> Vec<Json<'a>> {
        let mut found: Vec<Json<'a>> = self.part.of(record).into_iter().collect();
        for step in &self.steps {
            let parents = spread(found);
            let children = parents.into_iter().flat_map(|json| {
                json.fields().filter(|(name, _)| name.eq_ignore_ascii_case(step)).map(|(_, value)| value)
            });
            found = children.take(VALUES_MAX).collect();
        }
        spread(found)
    }

    /// Returns the texts at the place; numbers as they are written. Empty ones are left out.
    pub fn texts<'a>(&self, record: &Record<'a>) -> Vec<Text<'a>> {
        let texts = self.values(record).into_iter().filter_map(Json::scalar);
        texts.filter(|text| !text.is_empty()).map(decoded).collect()
    }

    /// Returns the last value at the place, such as a policy's document. `None`: there is none, or it is `null`.
    pub(super) fn last<'a>(&self, record: &Record<'a>) -> Option<Json<'a>> {
        self.values(record).pop().filter(|json| !json.is_null())
    }

    /// Tells whether the record hides what stands at the place, or leaves out the part that it is in.
    pub(super) fn is_withheld(&self, record: &Record<'_>) -> bool {
        let Some(part) = self.part.of(record) else { return false };
        let is_hidden = |json: &Json<'_>| json.scalar().is_some_and(|text| text == HIDDEN);
        is_hidden(&part)
            || part.kind() == JsonType::Text
            || part.get(OMITTED).is_some()
            || self.values(record).iter().any(is_hidden)
    }
}

/// Writes a path as a person finds it in a record: `requestParameters.name`.
impl fmt::Display for PlacePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.part.field(), self.steps.join("."))
    }
}

/// Puts the elements of lists in their place.
fn spread(values: Vec<Json<'_>>) -> Vec<Json<'_>> {
    let mut values = values;
    for _ in 0..LISTS_DEEP_MAX {
        if !values.iter().any(|json| json.kind() == JsonType::List) {
            break;
        }
        let spread = values.into_iter().flat_map(|json| {
            let is_list = json.kind() == JsonType::List;
            std::iter::once(json).filter(move |_| !is_list).chain(json.elements())
        });
        values = spread.take(VALUES_MAX).collect();
    }
    values
}

/// Decodes what services take from the path of a URL: `arn%3Aaws%3Akafka`. What URLs need not encode is not decoded,
/// so that such characters of a name always stand in the record as they are.
fn decoded(text: Text<'_>) -> Text<'_> {
    if !text.starts_with("arn%3A") && !text.starts_with("arn%3a") {
        return text;
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let code = if first == b'%' { behind.get(..2).and_then(hex_byte) } else { None };
        match code.filter(|byte| !is_unreserved(*byte)) {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).map_or(text, Cow::Owned)
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let digit = |at: usize| (*digits.get(at)? as char).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

/// Tells whether a byte is one that URLs and JSON write as it is (RFC 3986, section 2.3).
pub(super) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(path: &str, record: &str) -> Vec<String> {
        let record = Record::read(record).unwrap();
        PlacePath::read(path).unwrap().texts(&record).into_iter().map(Cow::into_owned).collect()
    }

    #[test]
    fn lists_on_the_way_and_at_the_end_are_gone_through() {
        let record =
            r#"{"requestParameters":{"set":{"items":[{"id":"a"},{"id":["b","c"]},{"id":{}},7]},"n":12,"e":""}}"#;
        assert_eq!(texts("request.set.items.id", record), ["a", "b", "c"]);
        assert_eq!(texts("request.SET.Items.ID", record), ["a", "b", "c"], "capitals do not count");
        assert_eq!(texts("request.n", record), ["12"]);
        assert_eq!(texts("request.e", record), [""; 0]);
        assert_eq!(texts("response.n", record), [""; 0]);
    }

    #[test]
    fn an_arn_of_a_url_is_decoded_and_a_name_is_not() {
        let record = r#"{"requestParameters":{"a":"arn%3Aaws%3Akafka%3Ar%3A1%3Acluster%2Fx%2d%61%zz","b":"100%25"}}"#;
        assert_eq!(texts("request.a", record), ["arn:aws:kafka:r:1:cluster/x%2d%61%zz"]);
        assert_eq!(texts("request.b", record), ["100%25"]);
    }

    #[test]
    fn what_is_hidden_or_left_out_is_known_to_be() {
        let is = |record: &str| PlacePath::read("request.name").unwrap().is_withheld(&Record::read(record).unwrap());
        assert!(is(r#"{"requestParameters":{"name":"HIDDEN_DUE_TO_SECURITY_REASONS"}}"#));
        assert!(is(r#"{"requestParameters":{"omitted":true,"originalSize":1,"reason":"too large"}}"#));
        assert!(!is(r#"{"requestParameters":{"name":"x"}}"#) && !is(r#"{"requestParameters":null}"#) && !is("{}"));
    }

    #[test]
    fn a_path_that_cannot_be_read_is_refused() {
        for bad in ["", "name", "request", "request.", "request.a..b", "request.a[0]", "resources.ARN"] {
            assert!(PlacePath::read(bad).is_err(), "{bad}");
        }
        let path = PlacePath::read("details.keyId").unwrap();
        assert_eq!(path.to_string(), "serviceEventDetails.keyId");
    }

    #[test]
    fn lists_of_any_depth_cost_little() {
        let record = format!(r#"{{"requestParameters":{{"a":{}1{}}}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(texts("request.a", &record), [""; 0]);
    }
}
