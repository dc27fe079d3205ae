//! Which engine answers a question, and the options of Athena.

use clap::ValueEnum;

use super::failure::CliError;
use crate::query::athena::question::TableName;

/// The database that Athena has from the beginning.
const DATABASE: &str = "default";
/// The table that `lake ddl --engine athena` makes.
const TABLE: &str = "cloudtrail_events";
/// The longest name of a database, a table or a workgroup.
const NAME_CHARS_MAX: usize = 255;

/// What answers a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QueryEngine {
    /// This program, over log files and slots
    Local,
    /// Amazon Athena, over the table of a lake
    Athena,
}

/// The options of Athena.
#[derive(Debug, Clone, clap::Args)]
pub struct AthenaArgs {
    /// Ask this engine: local or athena
    ///
    /// Athena asks the table that `lake ddl --engine athena` makes of a lake in S3; `events` in the question
    /// stands for it. Log files that came after the last `lake update` are not seen.
    #[arg(long, value_name = "ENGINE", value_enum, default_value = "local", hide_possible_values = true)]
    pub engine: QueryEngine,
    /// Ask Athena in this workgroup
    ///
    /// It must have a limit of bytes a question, or --max-bytes sets one.
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub workgroup: Option<String>,
    /// Ask this database of Athena [default: default]
    #[arg(long, value_name = "NAME", value_parser = name, hide_short_help = true)]
    pub database: Option<String>,
    /// Ask this table of Athena for `events` [default: cloudtrail_events]
    #[arg(long, value_name = "NAME", value_parser = name, hide_short_help = true)]
    pub table: Option<String>,
    /// Have Athena write results below this prefix, where the workgroup names none
    #[arg(long, value_name = "S3_URL", value_parser = results, hide_short_help = true)]
    pub results: Option<String>,
}

fn name(text: &str) -> Result<String, String> {
    let is_name = !text.is_empty() && text.len() <= NAME_CHARS_MAX && !text.chars().any(char::is_control);
    if is_name {
        Ok(text.to_owned())
    } else {
        Err("a name has 1 to 255 characters, none of them a control character".into())
    }
}

fn results(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("s3://").ok_or("write s3://BUCKET/PREFIX/")?;
    let bucket = rest.split('/').next().unwrap_or_default();
    let parsed: Result<crate::ids::BucketName, _> = bucket.parse();
    parsed.map_err(|error| error.to_string())?;
    Ok(if text.ends_with('/') { text.to_owned() } else { format!("{text}/") })
}

impl AthenaArgs {
    /// Returns the database of tables that a question names without one.
    pub fn database(&self) -> &str {
        self.database.as_deref().unwrap_or(DATABASE)
    }

    /// Returns the table that `events` stands for.
    pub fn events(&self) -> TableName {
        let table = self.table.as_deref().unwrap_or(TABLE);
        TableName { database: self.database().to_owned(), table: table.to_owned() }
    }

    /// Refuses the options of Athena where the local engine answers.
    ///
    /// # Errors
    /// Names the first of them.
    pub fn must_be_idle(&self) -> Result<(), CliError> {
        let given = [
            ("--workgroup", self.workgroup.is_some()),
            ("--database", self.database.is_some()),
            ("--table", self.table.is_some()),
            ("--results", self.results.is_some()),
        ];
        match given.iter().find(|(_, is_given)| *is_given) {
            Some((option, _)) => Err(CliError::new(format!("{option} does nothing here: the local engine answers"))
                .hint(format!("add --engine athena, or leave {option} out"))),
            None => Ok(()),
        }
    }
}
