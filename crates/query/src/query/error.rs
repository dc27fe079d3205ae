//! Why a question has no answer, in words for whoever asked it.

use datafusion::common::DataFusionError;
use orgtrail_core::words::size;

/// The longest text of a question, as Athena has it (Athena user guide, "Service Quotas": 262,144 bytes).
pub const SQL_BYTES_MAX: usize = 256 << 10;

/// How the message for an unknown function begins.
pub(super) const NO_FUNCTION: &str = "there is no function";

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// A part of the engine ended in a way that it should not, so that nothing is known.
    #[error("the question ended without an answer")]
    NoAnswer,
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
    #[error("{0} is not a question: only SELECT, WITH, VALUES, EXPLAIN, SHOW and DESCRIBE are run")]
    NotAQuestion(String),
    /// It is a `SHOW` of which only Athena knows the answer.
    #[error("{0} is not run here: it runs with --engine athena only")]
    OnlyInAthena(String),
    /// A prepared question has what Athena does not know.
    #[error("Athena does not answer the prepared question {name}: it lacks {what}, or gives it another meaning")]
    NotInAthena {
        /// The prepared question.
        name: String,
        /// What it has.
        what: String,
    },
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
    #[error("this needs about {} in {files} files, and {} are allowed", size(*.bytes), size(*.bytes_max))]
    TooMuch {
        /// How many log files and slots.
        files: usize,
        /// Their size as stored, in bytes.
        bytes: u64,
        /// The limit.
        bytes_max: u64,
    },
    /// It needs more memory than was allowed.
    #[error("the question needs more than the memory that it may use: {0}")]
    Memory(String),
    /// A lake cannot be read.
    #[error("{text}")]
    Lake {
        /// Why.
        text: String,
        /// What a person can do next. `None`: nothing that is known.
        help: Option<&'static str>,
    },
    /// A part of a lake was written anew while it was read.
    #[error("{0}")]
    Rewritten(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl QueryError {
    /// Returns what a person can do next. `None`: nothing that is known.
    pub fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::TooMuch { .. } => "narrow it with --from, --to, --account or --region, or pass --max-bytes",
            Self::Lake { help, .. } => return *help,
            Self::Rewritten(_) => "the lake is being updated; ask again",
            Self::Memory(_) => "narrow it, or pass --max-memory",
            Self::NotInAthena { .. } => "ask it without --engine athena, or write it for Trino and pass it with --file",
            Self::NoAnswer => {
                "join by equal columns and name fewer columns, or narrow it with --from, --to, --account or --region: a join \
                 of many rows with many that does not fit into --max-memory can end so"
            }
            Self::Several => {
                "give one statement; the shell (`orgtrail query` alone) takes several, one after the other"
            }
            Self::NotAQuestion(_) => "orgtrail only reads: begin the question with one of these words",
            Self::OnlyInAthena(_) => "SHOW TABLES, SHOW COLUMNS FROM events and SHOW FUNCTIONS run here",
            Self::Unknown { what, .. } if what.starts_with(NO_FUNCTION) => {
                "`orgtrail query \"SHOW FUNCTIONS\"` lists the functions; docs/guides/query.md says more of them"
            }
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

impl From<QueryError> for DataFusionError {
    fn from(error: QueryError) -> Self {
        Self::External(Box::new(error))
    }
}
