//! Why a question has no answer, in words for whoever asked it.

use datafusion::common::DataFusionError;

/// The longest text of a question, as Athena has it (Athena user guide, "Service Quotas": 262,144 bytes).
pub const SQL_BYTES_MAX: usize = 256 << 10;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// There is no text.
    #[error("the question is empty")]
    Empty,
    /// It is longer than any question.
    #[error("the question has {0} bytes, the most is {most}", most = SQL_BYTES_MAX)]
    TooLong(usize),
    /// It is nested too deep.
    #[error("the question is nested more than {0} levels deep")]
    TooDeep(usize),
    /// There is more than one statement.
    #[error("one question at a time: there is more than one statement")]
    Several,
    /// It would change something.
    #[error("{0} is not a question: only SELECT, EXPLAIN, SHOW and DESCRIBE are run")]
    NotAQuestion(String),
    /// It is no SQL.
    #[error("cannot read the question: {0}")]
    Syntax(String),
    /// It names what is not there.
    #[error("{what}{}", near_text(.near))]
    Unknown {
        /// What is unknown, in words.
        what: String,
        /// The nearest names.
        near: Vec<String>,
    },
    /// It needs more bytes than were allowed.
    #[error("this needs about {} in {files} log files, and {} are allowed", bytes_text(*.bytes), bytes_text(*.bytes_max))]
    TooMuch {
        /// How many log files.
        files: usize,
        /// Their size as stored.
        bytes: u64,
        /// The limit.
        bytes_max: u64,
    },
    /// It needs more memory than was allowed.
    #[error("the question needs more than the memory that it may use: {0}")]
    Memory(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl QueryError {
    /// Returns what a person can do next. `None`: nothing that is known.
    pub fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::TooMuch { .. } => "narrow it with --from, --to, --account or --region, or pass --max-bytes",
            Self::Memory(_) => "narrow it, or pass --max-memory",
            Self::Unknown { .. } => "`orgtrail query \"SHOW TABLES\"` and \"DESCRIBE events\" show what there is",
            _ => return None,
        })
    }
}

/// Returns the names that may have been meant, behind what is said: `; did you mean a?`; nothing where there is none.
pub(super) fn near_text(near: &[String]) -> String {
    match near {
        [] => String::new(),
        [one] => format!("; did you mean {one}?"),
        some => format!("; did you mean one of {}?", some.join(", ")),
    }
}

/// Returns a size for a person.
pub fn bytes_text(bytes: u64) -> String {
    const UNITS: [(&str, u64); 4] =
        [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000)];
    match UNITS.iter().find(|(_, size)| bytes >= *size) {
        Some((unit, size)) if bytes / size < 10 => {
            let tenths = u128::from(bytes) * 10 / u128::from(*size);
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
        Some((unit, size)) => format!("{} {unit}", bytes / size),
        None => format!("{bytes} bytes"),
    }
}

impl From<QueryError> for DataFusionError {
    fn from(error: QueryError) -> Self {
        Self::External(Box::new(error))
    }
}
