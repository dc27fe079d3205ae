//! What a page is asked for, as its address has it, and how SQL says it. Values are bound, never pasted into SQL.

use std::collections::BTreeMap;
use std::fmt::Write;

/// The longest value that is taken from an address, in bytes: ARNs have at most 2,048.
pub const VALUE_BYTES_MAX: usize = 2_048;
/// The most pairs that are taken from an address.
const PAIRS_MAX: usize = 64;

/// Who called, in SQL: a role for its sessions, else the user, the service or what else is recorded.
pub const ACTOR: &str = "coalesce(issuer_arn, user_arn, user_name, invoked_by, nullif(principal_id, ''), \
                         identity_type, 'not recorded')";
/// Whether a call was done. A sign-in that failed has no code, but a message.
pub const OUTCOME: &str =
    "CASE WHEN coalesce(error_code, '') <> '' OR coalesce(error_message, '') <> '' THEN 'attempted' ELSE 'done' END";
/// What a call does.
const EFFECT: &str = "CASE WHEN read_only THEN 'reads' WHEN NOT read_only THEN 'changes' ELSE 'not recorded' END";

/// One way to narrow a search: a value that is equal, and how often each occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facet {
    /// Its name in addresses.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Its value in SQL.
    pub sql: &'static str,
    /// What must hold too where it is narrowed, so that less has to be read. `$VALUE` stands for the value.
    also: &'static str,
}

/// Every facet, in the order in which they are shown.
pub const FACETS: [Facet; 8] = [
    Facet { name: "outcome", title: "Outcome", sql: OUTCOME, also: "" },
    Facet { name: "effect", title: "Effect", sql: EFFECT, also: "" },
    Facet { name: "account", title: "Account", sql: "coalesce(account, '')", also: "account = $VALUE" },
    Facet { name: "region", title: "Region", sql: "coalesce(region, '')", also: "region = $VALUE" },
    Facet { name: "service", title: "Service", sql: "coalesce(event_source, '')", also: "" },
    Facet { name: "event", title: "Event", sql: "coalesce(event_name, '')", also: "" },
    Facet { name: "actor", title: "Actor", sql: ACTOR, also: "" },
    Facet { name: "error", title: "Error", sql: "coalesce(error_code, '')", also: "" },
];

/// The other fields of a search: a text of the record, an address, and when.
pub const TEXT: &str = "text";
/// See [`TEXT`].
pub const SOURCE: &str = "source";
/// The first moment.
pub const FROM: &str = "from";
/// The moment behind the last one.
pub const TO: &str = "to";
/// How far back from now, by the names of [`SPANS`].
pub const LAST: &str = "last";
/// The page, from 1 on.
pub const PAGE: &str = "page";

/// How far back a search goes: the name in addresses, the words, and hours. `None`: as far as the archive.
pub const SPANS: [(&str, &str, Option<i64>); 5] = [
    ("1h", "last hour", Some(1)),
    ("1d", "last day", Some(24)),
    ("7d", "last 7 days", Some(7 * 24)),
    ("30d", "last 30 days", Some(30 * 24)),
    ("all", "all time", None),
];

/// The last page that is shown: who wants to see more narrows the search.
pub const PAGES_MAX: usize = 200;

/// The pairs of an address: names with their values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filters {
    values: BTreeMap<String, String>,
}

impl Filters {
    /// Reads a query. What is empty is left out, what is too long is cut off; of two of one name the last one counts.
    pub fn of(query: &str) -> Self {
        let pairs = query.split('&').take(PAIRS_MAX).filter_map(|pair| pair.split_once('='));
        let values = pairs.map(|(name, value)| (decoded(name), decoded(value).trim().to_owned()));
        let kept = values.filter(|(name, value)| !value.is_empty() && name.len() <= VALUE_BYTES_MAX);
        Self { values: kept.collect() }
    }

    /// Returns a value that stands in an address, as far as it is not too long. `None`: there is none.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.values.get(name)?;
        Some(value.get(..value.floor_char_boundary(VALUE_BYTES_MAX)).unwrap_or_default())
    }

    /// Returns a value however long it is: SQL.
    pub fn whole(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Returns the pairs whose names begin with a text, without it.
    pub fn below(&self, begin: &str) -> Vec<(&str, &str)> {
        let all = self.values.iter().filter_map(|(name, value)| Some((name.strip_prefix(begin)?, value.as_str())));
        all.collect()
    }

    /// Returns the number of the page, from 1 on.
    pub fn page(&self) -> usize {
        self.get(PAGE).and_then(|page| page.parse().ok()).unwrap_or(1).clamp(1, PAGES_MAX)
    }

    /// Returns the same search, from its first page on, with another value.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut other = self.without(name);
        other.values.insert(name.to_owned(), value.to_owned());
        other
    }

    /// Returns the same search, from its first page on, without a value.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let mut other = self.clone();
        other.values.remove(name);
        other.values.remove(PAGE);
        other
    }

    /// Returns the address: a page with the query, relative to every page.
    pub fn address(&self, page: &str) -> String {
        let pairs = self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        address(page, pairs)
    }

    /// Tells whether few events may be found, as one value of many is asked for. Most calls are done, and what they do
    /// is one of two.
    pub fn is_narrow(&self) -> bool {
        let narrow = FACETS.iter().map(|facet| facet.name).filter(|name| !["outcome", "effect"].contains(name));
        self.get("outcome") == Some("attempted") || narrow.chain([SOURCE]).any(|name| self.get(name).is_some())
    }

    /// Returns the condition in SQL, and the values of its placeholders.
    pub fn condition(&self) -> (String, Vec<(&'static str, String)>) {
        let (mut all, mut values) = (vec!["true".to_owned()], Vec::new());
        for facet in &FACETS {
            let Some(value) = self.get(facet.name) else { continue };
            all.push(format!("{} = ${}", facet.sql, facet.name));
            if !facet.also.is_empty() && value != NONE {
                all.push(facet.also.replace("VALUE", facet.name));
            }
            values.push((facet.name, if value == NONE { String::new() } else { value.to_owned() }));
        }
        for (name, sql) in [(TEXT, "strpos(lower(record), lower($text)) > 0"), (SOURCE, "source_ip = $source")] {
            if let Some(value) = self.get(name) {
                all.push(sql.to_owned());
                values.push((name, value.to_owned()));
            }
        }
        (all.join(" AND "), values)
    }
}

/// What stands in an address for a value that is not recorded.
pub const NONE: &str = "(none)";

/// Returns an address relative to every page.
pub fn address<'a>(page: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut address = if page.is_empty() { "./".to_owned() } else { page.to_owned() };
    for (at, (name, value)) in pairs.enumerate() {
        address.push(if at == 0 { '?' } else { '&' });
        address += &encoded(name);
        address.push('=');
        address += &encoded(value);
    }
    address
}

fn encoded(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            safe.push(char::from(byte));
        } else {
            // Writing into a text does not fail.
            let _written = write!(safe, "%{byte:02X}");
        }
    }
    safe
}

/// Reads what a form sends. What is no UTF-8 is shown as such.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut plain, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        let code = digits.filter(|pair| pair.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match (byte, code.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(code)) => {
                plain.push(code);
                at += 2;
            }
            (b'+', _) => plain.push(b' '),
            (byte, _) => plain.push(*byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_was_written_whatever_stands_in_it() {
        for value in ["a b+c", "ü%41&x=1", "'; DROP TABLE events --", "<script>\"\u{202e}", "100%", "%zz%4"] {
            let filters = Filters::default().with("actor", value);
            let address = filters.address("");
            assert!(
                address.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"./?=%-_~".contains(&byte)),
                "{address}"
            );
            assert_eq!(Filters::of(&address[3..]), filters);
        }
        let read = Filters::of("text=a+b&text=&account=%C3&&=&x&page=7&p.days=3");
        assert_eq!((read.get("text"), read.get("account"), read.page()), (Some("a b"), Some("\u{fffd}"), 7));
        assert_eq!(read.below("p."), [("days", "3")]);
        assert_eq!(read.with("region", "x").page(), 1);
    }

    #[test]
    fn what_is_too_long_is_cut_off_and_pages_have_an_end() {
        let long = Filters::of(&format!("text={}&page=999999", "%C3%A9".repeat(2_000)));
        assert!(long.get("text").unwrap().len() <= VALUE_BYTES_MAX);
        assert_eq!((long.page(), Filters::of("page=-1").page()), (PAGES_MAX, 1));
    }

    #[test]
    fn values_never_stand_in_the_condition() {
        let hostile = "' OR true --";
        let all = FACETS.iter().map(|facet| facet.name).chain([TEXT, SOURCE]);
        let filters = all.fold(Filters::default(), |filters, name| filters.with(name, hostile));
        let (condition, values) = filters.condition();
        assert!(!condition.contains("OR true") && values.len() == FACETS.len() + 2, "{condition}");
        assert!(values.iter().all(|(name, _)| condition.contains(&format!("${name}"))), "{condition}");
        assert_eq!(Filters::default().condition(), ("true".to_owned(), Vec::new()));
    }
}
