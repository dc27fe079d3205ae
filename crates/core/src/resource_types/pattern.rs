//! How ARNs, URLs and ids are written: a text with placeholders, matched against what a record or a person says.
//!
//! `arn:{partition}:iam::{account}:role/{path}{name}`, `i-{hex}`. A placeholder takes as much as it can, and gives
//! back what the rest needs.

use super::identity::ResourceIdentity;

/// The longest text that is taken apart, in bytes: ARNs have at most 2,048 characters, an S3 key 1,024 bytes.
pub(super) const TEXT_BYTES_MAX: usize = 2_048;

/// The longest pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 256;

/// The placeholders of a pattern that may take texts of any length: each multiplies the work of a match.
const WIDE_MAX: usize = 3;

/// The lengths of placeholders that are tried before a text counts as not written so. No ARN needs as many; a hostile
/// text against a pattern of several placeholders that take anything would need billions.
const TRIES_MAX: usize = 16 * TEXT_BYTES_MAX;

/// Every placeholder, for messages.
pub(super) const PLACEHOLDERS: &str = "{partition} {region} {account} {parent} {name} {id} {version} {path} {rest} \
     {hex} {hex32} {uuid} {key} {alnum} {digits} {suffix}, and {parent+} {name+} {id+} (with `/`), {parent*} {name*} \
     {id*} (anything)";

/// A pattern that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Hole(Hole, Width),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hole {
    Partition,
    Region,
    Account,
    Parent,
    Name,
    Id,
    Version,
    /// The path of an IAM name: nothing, or what ends with `/`.
    Path,
    /// What does not matter.
    Rest,
    /// Hexadecimal digits.
    Hex,
    /// Thirty-two hexadecimal digits.
    Hex32,
    /// 8-4-4-4-12 hexadecimal digits.
    Uuid,
    /// The letters and digits behind IAM's `AROA`.
    Key,
    Alnum,
    /// Twelve digits.
    Digits,
    /// The six random characters behind the name of a secret.
    Suffix,
}

/// Which characters a placeholder takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Width {
    /// All but `/` and `:`.
    Plain,
    /// All but `:`.
    Slashes,
    /// All.
    Anything,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > PATTERN_BYTES_MAX {
            return Err(format!("a pattern has 1 to {PATTERN_BYTES_MAX} bytes"));
        }
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, behind)) = rest.split_once('{') {
            let (hole, after) = behind.split_once('}').ok_or("a `{` has no `}`")?;
            if !before.is_empty() {
                parts.push(Part::Literal(before.to_owned()));
            }
            parts.push(hole_of(hole).ok_or_else(|| format!("`{{{hole}}}` is no placeholder"))?);
            rest = after;
        }
        if rest.contains('}') {
            return Err("a `}` has no `{`".to_owned());
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        let wide = parts.iter().filter(|part| part.is_wide()).count();
        if wide > WIDE_MAX {
            return Err(format!("it has {wide} placeholders that take anything; {WIDE_MAX} are allowed"));
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// Returns the pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether a text that matches can hardly be a name that a person chose: hexadecimal digits behind a prefix,
    /// a UUID, an id of IAM, twelve digits.
    pub(super) fn is_strong(&self) -> bool {
        let strong = |part: &Part| {
            matches!(part, Part::Hole(Hole::Hex | Hole::Hex32 | Hole::Uuid | Hole::Key | Hole::Digits, _))
        };
        self.parts.iter().any(strong)
    }

    /// Tells whether a whole text is written so. Texts longer than any ARN are not.
    pub fn is_match(&self, text: &str) -> bool {
        self.parse(text).is_some()
    }

    /// Takes a text apart. `None`: it is not written so, or longer than any ARN.
    pub fn parse(&self, text: &str) -> Option<ResourceIdentity> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let mut taken = Vec::with_capacity(self.parts.len());
        let mut tries = TRIES_MAX;
        fit(&self.parts, text, &mut taken, &mut tries).then(|| identity(&taken))
    }

    /// Returns how many bytes of the pattern stand for themselves.
    pub(super) fn literal_bytes(&self) -> usize {
        let bytes = self.parts.iter().map(|part| if let Part::Literal(text) = part { text.len() } else { 0 });
        bytes.sum()
    }

    /// Tells whether a text may stand where the pattern has a name.
    pub(super) fn takes_name(&self, text: &str) -> bool {
        self.parts.iter().any(|part| match part {
            Part::Hole(Hole::Name, width) => Hole::Name.reach(*width, text).0 == text.len(),
            _ => false,
        })
    }

    /// Writes the pattern with the parts of an identity. `None`: it lacks one of them.
    pub(super) fn write(&self, with: &ResourceIdentity) -> Option<String> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Hole(Hole::Path, _) => {}
                Part::Hole(hole, _) => text.push_str(hole.of(with)?),
            }
        }
        Some(text)
    }
}

impl Part {
    fn is_wide(&self) -> bool {
        matches!(self, Part::Hole(Hole::Path | Hole::Rest, _) | Part::Hole(_, Width::Anything | Width::Slashes))
    }
}

fn hole_of(text: &str) -> Option<Part> {
    let (name, width) = match (text.strip_suffix('+'), text.strip_suffix('*')) {
        (Some(name), _) => (name, Width::Slashes),
        (_, Some(name)) => (name, Width::Anything),
        _ => (text, Width::Plain),
    };
    let hole = match name {
        "partition" => Hole::Partition,
        "region" => Hole::Region,
        "account" => Hole::Account,
        "parent" => Hole::Parent,
        "name" => Hole::Name,
        "id" => Hole::Id,
        "version" => Hole::Version,
        "path" => Hole::Path,
        "rest" => Hole::Rest,
        "hex" => Hole::Hex,
        "hex32" => Hole::Hex32,
        "uuid" => Hole::Uuid,
        "key" => Hole::Key,
        "alnum" => Hole::Alnum,
        "digits" => Hole::Digits,
        "suffix" => Hole::Suffix,
        _ => return None,
    };
    let widens = matches!(hole, Hole::Parent | Hole::Name | Hole::Id);
    (widens || width == Width::Plain).then_some(Part::Hole(hole, width))
}

impl Hole {
    /// Returns the most that the placeholder may take of a text, and the least, in bytes.
    fn reach(self, width: Width, text: &str) -> (usize, usize) {
        let run = |is: fn(u8) -> bool| text.bytes().take_while(|&byte| is(byte)).count();
        match self {
            Hole::Partition => (run(|b| b.is_ascii_lowercase() || b == b'-'), 1),
            Hole::Region => (run(|b| b.is_ascii_alphanumeric() || b == b'-'), 0),
            Hole::Account => (run(|b| b.is_ascii_alphanumeric()), 0),
            Hole::Hex => (run(|b| b.is_ascii_hexdigit()), 8),
            Hole::Hex32 => (run(|b| b.is_ascii_hexdigit()).min(32), 32),
            Hole::Key => (run(|b| b.is_ascii_uppercase() || b.is_ascii_digit()), 12),
            Hole::Alnum => (run(|b| b.is_ascii_alphanumeric()), 4),
            Hole::Digits => (run(|b| b.is_ascii_digit()), 12),
            Hole::Suffix => (run(|b| b.is_ascii_alphanumeric()).min(6), 6),
            Hole::Uuid => (uuid_length(text), 36),
            Hole::Path => (text.rfind('/').map_or(0, |at| at + 1), 0),
            Hole::Rest => (text.len(), 0),
            Hole::Parent | Hole::Name | Hole::Id | Hole::Version => match width {
                Width::Plain => (run(|b| b != b'/' && b != b':'), 1),
                Width::Slashes => (run(|b| b != b':'), 1),
                Width::Anything => (text.len(), 1),
            },
        }
    }

    /// Tells whether the placeholder may take just this.
    fn takes(self, taken: &str) -> bool {
        match self {
            Hole::Path => taken.is_empty() || taken.ends_with('/'),
            Hole::Digits => taken.len() == 12,
            _ => true,
        }
    }

    /// Returns the part of an identity that stands in its place.
    fn of(self, identity: &ResourceIdentity) -> Option<&str> {
        match self {
            Hole::Partition => identity.partition.as_deref(),
            Hole::Region => identity.region.as_deref(),
            Hole::Account => identity.account.as_deref(),
            Hole::Parent => identity.parent.as_deref(),
            Hole::Name => identity.name.as_deref(),
            Hole::Version => identity.version.as_deref(),
            Hole::Id | Hole::Suffix => identity.id.as_deref(),
            _ => None,
        }
    }
}

/// Returns the length of a UUID at the beginning of a text, 0 for none.
fn uuid_length(text: &str) -> usize {
    let Some(head) = text.as_bytes().get(..36) else { return 0 };
    let is_dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    let fits = |(at, byte): (usize, &u8)| if is_dash(at) { *byte == b'-' } else { byte.is_ascii_hexdigit() };
    if head.iter().enumerate().all(fits) { 36 } else { 0 }
}

/// Fits parts to a text, the longest first, and notes what each placeholder took.
fn fit<'t>(parts: &[Part], text: &'t str, taken: &mut Vec<(Hole, &'t str)>, tries: &mut usize) -> bool {
    let Some((part, rest)) = parts.split_first() else { return text.is_empty() };
    match part {
        Part::Literal(literal) => {
            text.strip_prefix(literal.as_str()).is_some_and(|behind| fit(rest, behind, taken, tries))
        }
        Part::Hole(hole, width) => {
            let (most, least) = hole.reach(*width, text);
            let next = rest.first().and_then(|part| match part {
                Part::Literal(literal) => Some(literal.as_str()),
                Part::Hole(..) => None,
            });
            for length in (least..=most).rev() {
                let Some(left) = tries.checked_sub(1) else { return false };
                *tries = left;
                let Some((own, behind)) = text.split_at_checked(length) else { continue };
                let leads_on =
                    if rest.is_empty() { behind.is_empty() } else { next.is_none_or(|n| behind.starts_with(n)) };
                if !leads_on || !hole.takes(own) {
                    continue;
                }
                taken.push((*hole, own));
                if fit(rest, behind, taken, tries) {
                    return true;
                }
                taken.pop();
            }
            false
        }
    }
}

/// Makes an identity of what the placeholders took; what is empty is not known.
fn identity(taken: &[(Hole, &str)]) -> ResourceIdentity {
    let mut identity = ResourceIdentity::default();
    for (hole, text) in taken.iter().filter(|(_, text)| !text.is_empty()) {
        let part = match hole {
            Hole::Partition => &mut identity.partition,
            Hole::Region => &mut identity.region,
            Hole::Account => &mut identity.account,
            Hole::Parent => &mut identity.parent,
            Hole::Name => &mut identity.name,
            Hole::Id | Hole::Suffix => &mut identity.id,
            Hole::Version => &mut identity.version,
            _ => continue,
        };
        *part = Some((*text).to_owned());
    }
    identity
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pattern: &str, text: &str) -> Option<ResourceIdentity> {
        Pattern::read(pattern).unwrap().parse(text)
    }

    #[test]
    fn an_arn_is_taken_apart() {
        let role = "arn:{partition}:iam::{account}:role/{path}{name}";
        let found = parse(role, "arn:aws-us-gov:iam::111122223333:role/a/b/deploy").unwrap();
        assert_eq!(found.partition.as_deref(), Some("aws-us-gov"));
        assert_eq!((found.account.as_deref(), found.name.as_deref()), (Some("111122223333"), Some("deploy")));
        assert_eq!(parse(role, "arn:aws:iam::111122223333:role/deploy").unwrap().name.as_deref(), Some("deploy"));
        for other in ["arn:aws:iam::111122223333:user/deploy", "arn:aws:iam::1:role/", "role/x", ""] {
            assert_eq!(parse(role, other), None, "{other}");
        }
        let secret = "arn:{partition}:secretsmanager:{region}:{account}:secret:{name+}-{suffix}";
        let found = parse(secret, "arn:aws-cn:secretsmanager:cn-north-1:1:secret:a/b-c-AbCdEf").unwrap();
        assert_eq!((found.name.as_deref(), found.region.as_deref()), (Some("a/b-c"), Some("cn-north-1")));
        let group = "arn:{partition}:logs:{region}:{account}:log-group:{name+}:*";
        assert_eq!(parse(group, "arn:aws:logs:r:1:log-group:/a/b:*").unwrap().name.as_deref(), Some("/a/b"));
    }

    #[test]
    fn ids_are_told_from_names() {
        let is = |pattern: &str, text: &str| Pattern::read(pattern).unwrap().is_match(text);
        assert!(is("i-{hex}", "i-0dbc91f429e48eeed") && !is("i-{hex}", "i-wonder") && !is("i-{hex}", "i-12"));
        assert!(is("AROA{key}", "AROATFQR7NSCYGNOX4QAJ") && !is("AROA{key}", "AROAlower1234567"));
        assert!(is("{uuid}", "0e5d0ab6-097e-49d8-99ef-747ce3e5f8f4") && !is("{uuid}", "0e5d0ab6"));
        assert!(is("{digits}", "111122223333") && !is("{digits}", "1111222233334"));
        assert!(Pattern::read("i-{hex}").unwrap().is_strong() && !Pattern::read("p-{alnum}").unwrap().is_strong());
    }

    #[test]
    fn a_pattern_that_cannot_be_read_is_refused_with_the_reason() {
        for (text, part) in [
            ("", "1 to 256"),
            ("a{", "no `}`"),
            ("a}", "no `{`"),
            ("{nmae}", "no placeholder"),
            ("{region+}", "no placeholder"),
            ("{rest}{rest}{path}{name*}", "3 are allowed"),
        ] {
            assert!(Pattern::read(text).unwrap_err().contains(part), "{text}");
        }
    }

    #[test]
    fn hostile_texts_cost_little() {
        let pattern = Pattern::read("{rest}/{name*}/{rest}x").unwrap();
        assert_eq!(pattern.parse(&"/".repeat(TEXT_BYTES_MAX)), None);
        assert_eq!(pattern.parse(&"ä/".repeat(TEXT_BYTES_MAX)), None);
    }
}
