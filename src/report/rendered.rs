//! The index of the policy documents that `orgtrail render` writes.

use crate::estate::Address;
use crate::report::text::escape;
use crate::report::text::words;

/// One document in a file of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedFile {
    /// The file's name, relative to the index.
    pub file: String,
    /// The resource that the document belongs to.
    pub address: Address,
    /// Which of its documents, such as `trust` or `inline.ReadOwnLogs`.
    pub field: String,
    /// The size that AWS counts, in bytes.
    pub size_bytes: usize,
    /// The most that AWS takes, in bytes; none where no limit is known.
    pub limit_bytes: Option<usize>,
}

/// Returns the index as markdown: each file with what it is for and how much of its limit it uses.
pub fn index(deployment: &str, files: &[RenderedFile]) -> String {
    let mut files: Vec<&RenderedFile> = files.iter().collect();
    files.sort_by(|a, b| (&a.address, &a.field).cmp(&(&b.address, &b.field)));
    let mut text = format!(
        "# Policies of {}\n\n{} as they would be sent, but indented. Sizes are those that AWS counts: without white space.\n\n",
        escape::markdown_code(deployment),
        words::count(files.len(), "document")
    );
    text.push_str("| file | resource | document | size | limit |\n|---|---|---|---:|---:|\n");
    files.into_iter().for_each(|file| text.push_str(&row(file)));
    text
}

fn row(file: &RenderedFile) -> String {
    let RenderedFile { file, address, field, size_bytes, limit_bytes } = file;
    let limit = match limit_bytes {
        Some(limit) => {
            let percent = words::percent(*size_bytes as u64, *limit as u64);
            format!("{percent} % of {}", words::grouped(*limit))
        }
        None => "none known".into(),
    };
    format!(
        "| {} | {} | {} | {} | {limit} |\n",
        escape::markdown_code(file),
        escape::markdown_code(&address.to_string()),
        escape::markdown_code(field),
        words::grouped(*size_bytes),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(address: &str, field: &str, limit_bytes: Option<usize>) -> RenderedFile {
        let file = format!("{}.json", field.replace('.', "-"));
        RenderedFile { file, address: address.parse().unwrap(), field: field.into(), size_bytes: 1500, limit_bytes }
    }

    #[test]
    fn the_index_is_sorted_and_shows_how_much_is_left() {
        let files = [
            file("111111111111/global/role/a|b", "trust", Some(2048)),
            file("111111111111/eu-central-1/bucket_policy/acme", "policy", None),
        ];
        insta::assert_snapshot!(index("acme", &files), @r"
        # Policies of `acme`

        2 documents as they would be sent, but indented. Sizes are those that AWS counts: without white space.

        | file | resource | document | size | limit |
        |---|---|---|---:|---:|
        | `trust.json` | `111111111111/global/role/a\|b` | `trust` | 1,500 | 73 % of 2,048 |
        | `policy.json` | `111111111111/eu-central-1/bucket_policy/acme` | `policy` | 1,500 | none known |
        ");
    }
}
