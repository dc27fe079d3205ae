//! The placeholders of a query's text: `$name`, outside of texts, quoted names and comments.

use std::collections::BTreeSet;

/// Returns the names of the placeholders.
pub(super) fn names(sql: &str) -> BTreeSet<String> {
    let (mut found, mut rest) = (BTreeSet::new(), sql);
    while let Some(at) = rest.find(['$', '\'', '"', '-', '/']) {
        let (mark, behind) = rest.split_at(at);
        let before = mark.chars().next_back();
        rest = if let Some(quoted) = behind.strip_prefix('\'') {
            after(quoted, "'")
        } else if let Some(quoted) = behind.strip_prefix('"') {
            after(quoted, "\"")
        } else if let Some(comment) = behind.strip_prefix("--") {
            after(comment, "\n")
        } else if let Some(comment) = behind.strip_prefix("/*") {
            after(comment, "*/")
        } else if let Some(name) = behind.strip_prefix('$') {
            let length = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
            let (name, behind) = name.split_at(length);
            // `a$b` is one name of a column.
            if !name.is_empty() && !before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                found.insert(name.to_owned());
            }
            behind
        } else {
            after(behind, &behind[..1])
        };
    }
    found
}

fn after<'a>(text: &'a str, end: &str) -> &'a str {
    text.split_once(end).map_or("", |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_in_texts_names_and_comments_are_none() {
        let sql = "SELECT '$a', \"$b\", a$c, 'it''s $d' -- $e\n/* $f */ FROM t WHERE x - $g / $h_1 > '$.i' || $g AND $";
        assert_eq!(names(sql), ["g", "h_1"].map(str::to_owned).into());
        assert_eq!(names("SELECT 'open $x"), BTreeSet::new());
    }
}
