//! What CloudTrail writes below an account's folder: log files of each kind, and digests.

/// What kind of records a log file holds, which is the name of its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogKind {
    /// Management and data events.
    CloudTrail,
    /// Unusual rates of calls and errors.
    Insight,
    /// Calls through VPC endpoints.
    NetworkActivity,
    /// Summaries of data events, five minutes each.
    Aggregated,
}

impl LogKind {
    /// Every kind: the one that each trail writes, then the others by name.
    pub const ALL: [LogKind; 4] =
        [LogKind::CloudTrail, LogKind::Aggregated, LogKind::Insight, LogKind::NetworkActivity];

    /// Returns the name of the kind's folder, which file names repeat.
    pub fn folder(self) -> &'static str {
        match self {
            LogKind::CloudTrail => "CloudTrail",
            LogKind::Insight => "CloudTrail-Insight",
            LogKind::NetworkActivity => "CloudTrail-NetworkActivity",
            LogKind::Aggregated => "CloudTrail-Aggregated",
        }
    }
}

/// A folder that CloudTrail makes below an account's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Folder {
    /// Log files of a kind.
    Logs(LogKind),
    /// Digests, which attest log files of every kind.
    Digests,
}

impl Folder {
    /// Every folder: the one that each trail writes, then the others by name.
    pub const ALL: [Folder; 5] = [
        Folder::Logs(LogKind::CloudTrail),
        Folder::Logs(LogKind::Aggregated),
        Folder::Digests,
        Folder::Logs(LogKind::Insight),
        Folder::Logs(LogKind::NetworkActivity),
    ];

    /// Returns the folder's name, which file names repeat.
    pub fn name(self) -> &'static str {
        match self {
            Folder::Logs(kind) => kind.folder(),
            Folder::Digests => "CloudTrail-Digest",
        }
    }

    /// Returns the folder of a name; none where CloudTrail has no such folder.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|folder| folder.name() == name)
    }

    /// Returns the kind of its log files; none for digests.
    pub fn kind(self) -> Option<LogKind> {
        match self {
            Folder::Logs(kind) => Some(kind),
            Folder::Digests => None,
        }
    }
}

/// Tells whether a folder of an account is named so that it passes for one of CloudTrail's. Other services have theirs
/// beside.
pub fn looks_like_cloudtrail(name: &str) -> bool {
    let plain = |c: char| match c.to_ascii_lowercase() {
        'i' | '1' | '|' | '!' => 'l',
        '0' => 'o',
        c => c,
    };
    let skeleton: String = name.chars().filter(|c| c.is_alphanumeric() || *c == '|' || *c == '!').map(plain).collect();
    let wanted: String = LogKind::CloudTrail.folder().chars().map(plain).collect();
    let start: String = skeleton.chars().take(wanted.len()).collect();
    start == wanted || strsim::damerau_levenshtein(&skeleton, &wanted) <= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_one_folder_and_digests_have_theirs() {
        let kinds: Vec<LogKind> = Folder::ALL.into_iter().filter_map(Folder::kind).collect();
        assert_eq!(kinds, LogKind::ALL);
        let names = Folder::ALL.map(Folder::name);
        let expected = ["", "-Aggregated", "-Digest", "-Insight", "-NetworkActivity"];
        assert_eq!(names.map(str::to_owned), expected.map(|end| format!("CloudTrail{end}")));
        assert!(Folder::ALL.into_iter().all(|folder| Folder::named(folder.name()) == Some(folder)));
        assert!(["", "cloudtrail", "CloudTrail/", "Config"].iter().all(|name| Folder::named(name).is_none()));
    }

    #[test]
    fn what_passes_for_a_folder_of_cloudtrail_is_seen() {
        for name in ["Cloudtrail", "CloudTraiI", "CloudTrial", "C1oudTrail ", "CloudTrail_Digest"] {
            assert!(looks_like_cloudtrail(name), "{name}");
        }
        for name in ["Config", "CloudFront", "elasticloadbalancing", "", "\u{1f60a}"] {
            assert!(!looks_like_cloudtrail(name), "{name}");
        }
    }
}
