//! Whose files a pattern of a policy means.

use super::root::{TOP, TOP_FOLDER, is_organization};

/// Whose folder a key lies in, or all that a pattern of keys matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner<'a> {
    /// The organization's folder; none in the layout of single accounts.
    pub organization: Option<&'a str>,
    /// What stands in the place of the account, whatever it is.
    pub account: &'a str,
}

/// Returns the owner of the folder that everything lies in which begins with a text: the part of a pattern before its
/// first wildcard. None where it does not lead into a folder below `AWSLogs/[o-…/]`, slash included: what follows the
/// last slash is not complete, and account 11111111111 would reach 111111111112.
pub fn owner(start: &str) -> Option<Owner<'_>> {
    let (folders, _) = start.rsplit_once('/')?;
    let mut below = folders.split('/').skip_while(|part| *part != TOP).skip(1);
    match below.next()? {
        organization if is_organization(organization) => {
            below.next().map(|account| Owner { organization: Some(organization), account })
        }
        account => Some(Owner { organization: None, account }),
    }
}

/// Returns what stands before and behind the first `AWSLogs/` in a pattern. It need not be a folder's whole name there:
/// a wildcard may stand before it.
pub fn split_at_root(pattern: &str) -> Option<(&str, &str)> {
    pattern.split_once(TOP_FOLDER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_is_known_where_its_folder_is_whole() {
        let of = |start| owner(start).map(|owner| (owner.organization, owner.account));
        assert_eq!(of("AWSLogs/333333333333/"), Some((None, "333333333333")));
        assert_eq!(of("a/AWSLogs/o-x/333333333333/CloudTrail/eu"), Some((Some("o-x"), "333333333333")));
        assert_eq!(of("AWSLogs/444444444444/AWSLogs/333333333333/"), Some((None, "444444444444")));
        assert_eq!(of("AWSLogs/${aws:PrincipalAccount}/"), Some((None, "${aws:PrincipalAccount}")));
        assert_eq!(of("AWSLogs/o-x/o-y/333333333333/"), Some((Some("o-x"), "o-y")));
        for open in ["", "/", "AWSLogs", "AWSLogs/", "AWSLogs/3333", "AWSLogs/o-x/", "AWSLogs/o-x/33", "xAWSLogs/1/"] {
            assert_eq!(of(open), None, "{open}");
        }
    }

    #[test]
    fn patterns_are_split_at_the_first_root() {
        assert_eq!(split_at_root("arn:aws:s3:::b/p/AWSLogs/o-x/*"), Some(("arn:aws:s3:::b/p/", "o-x/*")));
        assert_eq!(split_at_root("b*AWSLogs/AWSLogs/1"), Some(("b*", "AWSLogs/1")));
        assert_eq!(split_at_root("b/AWSLogs"), None);
    }
}
