//! Names and texts in each engine's spelling.

use super::{DdlError, DdlRequest, Engine};

/// Athena and AWS Glue take names up to this length; the others more.
const NAME_BYTES_MAX: usize = 255;

/// The checked name of a table.
pub(super) struct TableName {
    engine: Engine,
    pub(super) catalog: Option<String>,
    pub(super) database: Option<String>,
    pub(super) table: String,
}

impl TableName {
    /// Checks the names.
    ///
    /// # Errors
    /// Where the engine does not take one of them.
    pub(super) fn of(engine: Engine, request: &DdlRequest) -> Result<Self, DdlError> {
        let checked = |what: &'static str, name: &Option<String>| match name {
            Some(name) => check(engine, what, name).map(|()| Some(name.clone())),
            None => Ok(None),
        };
        let (catalog, database) = (checked("catalog", &request.catalog)?, checked("database", &request.database)?);
        check(engine, "table", &request.table)?;
        if catalog.is_some() && database.is_none() {
            let (what, help) = ("a database where a catalog is named", "pass --database NAME beside --catalog");
            return Err(DdlError::Needs { engine: engine.title(), what, help });
        }
        if catalog.is_some() && engine == Engine::Athena {
            let why = "the statement makes a table of AWS Glue's own catalog; choose the catalog with the query";
            return Err(DdlError::Unable { engine: engine.title(), why });
        }
        Ok(Self { engine, catalog, database, table: request.table.clone() })
    }

    /// Returns the quoted name of the table.
    pub(super) fn quoted(&self) -> String {
        self.beside("")
    }

    /// Returns the quoted name of another table beside it, whose name has an ending of its own.
    pub(super) fn beside(&self, ending: &str) -> String {
        let parts = [self.catalog.as_deref(), self.database.as_deref()];
        let mut parts: Vec<String> = parts.into_iter().flatten().map(|part| name(self.engine, part)).collect();
        parts.push(name(self.engine, &format!("{}{ending}", self.table)));
        parts.join(".")
    }
}

/// Checks a name.
fn check(engine: Engine, what: &'static str, name: &str) -> Result<(), DdlError> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let why = if name.is_empty() || name.len() > NAME_BYTES_MAX {
        Some("it has 1 to 255 bytes")
    } else if name.chars().any(char::is_control) {
        Some("it has control characters")
    } else if engine == Engine::DuckDb {
        None
    } else if !name.chars().all(word) {
        Some("it is made of letters a to z, digits and _")
    } else if engine != Engine::Spark && name.chars().any(|c| c.is_ascii_uppercase()) {
        Some("its letters are small ones: the engine makes them so, and would not find it by another spelling")
    } else {
        None
    };
    why.map_or(Ok(()), |why| Err(DdlError::Name { engine: engine.title(), what, name: shown(name), why }))
}

/// Returns other people's text for an error or a comment: in one line, with its odd characters escaped, not too long.
pub(super) fn shown(text: &str) -> String {
    const SHOWN_MAX: usize = 200;
    let short: String = text.chars().take(SHOWN_MAX).collect();
    let rest = if short.len() < text.len() { "…" } else { "" };
    format!("{short:?}{rest}")
}

/// Returns a quoted name.
pub(super) fn name(engine: Engine, name: &str) -> String {
    match engine {
        Engine::Athena | Engine::Spark => format!("`{}`", name.replace('`', "``")),
        Engine::Trino | Engine::DuckDb => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// Returns a text as a literal. It has no control characters.
pub(super) fn text(engine: Engine, text: &str) -> String {
    match engine {
        // It documents no spelling of an apostrophe in a statement that makes a table; the emulator and Hive differ.
        // Places and names have none.
        Engine::Athena => format!("'{}'", text.replace('\'', "\u{2019}")),
        // Its literals know escapes, and two quotes are no quote.
        Engine::Spark => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        Engine::Trino | Engine::DuckDb => format!("'{}'", text.replace('\'', "''")),
    }
}
