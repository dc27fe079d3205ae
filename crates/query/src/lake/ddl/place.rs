//! Where a table lies, as each engine wants to have it.

use orgtrail_core::ids::BucketName;

use super::quote::shown;
use super::{DdlError, Engine};

/// What lies in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// A lake.
    Lake,
    /// Log files.
    Logs,
}

/// A checked place, as the engine names it, without `/` at its end.
pub(super) struct TablePlace {
    /// The place for people.
    pub(super) shown: String,
    base: String,
    engine: Engine,
}

/// Characters that Hadoop's paths and the engines' file lists take for patterns, or that end a path.
const PATTERNS: [char; 9] = ['*', '?', '[', ']', '{', '}', '\\', '#', '"'];
impl TablePlace {
    /// Checks a place.
    ///
    /// # Errors
    /// Where the engine cannot read from there.
    pub(super) fn of(engine: Engine, location: &str, holds: Holds) -> Result<Self, DdlError> {
        let refused =
            |why: &str| DdlError::Location { engine: engine.title(), location: shown(location), why: why.to_owned() };
        if location.chars().any(char::is_control) {
            return Err(refused("its name has control characters"));
        }
        let trimmed = location.trim_end_matches('/');
        let base = match location.strip_prefix("s3://") {
            Some(key) => {
                check_key(engine, key.trim_end_matches('/')).map_err(refused)?;
                // The name by which Apache Hadoop knows S3; Amazon EMR's own Spark takes it too.
                if engine == Engine::Spark { trimmed.replacen("s3://", "s3a://", 1) } else { trimmed.to_owned() }
            }
            None => folder(engine, trimmed, holds).map_err(refused)?,
        };
        Ok(Self { shown: shown(trimmed), base, engine })
    }

    /// Returns the place of something below it, not quoted.
    pub(super) fn below(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    /// Returns a pattern of files below it, not quoted. `pattern` is one of ours; in the place itself nothing is a
    /// pattern.
    pub(super) fn pattern(&self, pattern: &str) -> String {
        if self.engine != Engine::DuckDb {
            return self.below(pattern);
        }
        let plain = |c: char| if "*?[".contains(c) { format!("[{c}]") } else { c.to_string() };
        let base: String = self.base.chars().map(plain).collect();
        format!("{base}/{pattern}")
    }

    /// Tells whether it lies in S3.
    pub(super) fn is_in_s3(&self) -> bool {
        self.base.starts_with("s3")
    }
}

/// Checks a bucket and a prefix.
fn check_key(engine: Engine, key: &str) -> Result<(), &'static str> {
    let (bucket, prefix) = key.split_once('/').unwrap_or((key, ""));
    if bucket.parse::<BucketName>().is_err() {
        return Err("that is no name of a bucket");
    }
    if prefix.split('/').any(|part| part.is_empty() && !prefix.is_empty() || part == "." || part == "..") {
        return Err("its prefix has a part without a name, or one that is . or ..");
    }
    check_path(engine, prefix)
}

/// Checks what stands in a path.
fn check_path(engine: Engine, path: &str) -> Result<(), &'static str> {
    if path.contains("${") {
        return Err("${ begins a variable there");
    }
    if engine != Engine::DuckDb && path.contains(PATTERNS) {
        return Err(
            "one of the characters * ? [ ] { } \\ # \" is part of its name, which the engine reads as a pattern",
        );
    }
    if engine == Engine::Athena && path.contains('\'') {
        return Err("it has an apostrophe, for which Athena documents no spelling in such a statement");
    }
    Ok(())
}

/// Returns a folder as an engine names it.
fn folder(engine: Engine, folder: &str, holds: Holds) -> Result<String, &'static str> {
    let is_drive = folder.len() > 2 && folder.as_bytes().get(1) == Some(&b':');
    let has_scheme = folder.contains("://");
    if has_scheme {
        return Err("it is neither s3://BUCKET/PREFIX nor a folder");
    }
    if matches!(engine, Engine::Athena | Engine::Trino) {
        return Err(match holds {
            Holds::Lake => "it reads from S3; put the lake into a bucket, and name it as s3://BUCKET/PREFIX",
            Holds::Logs => "it reads from S3; name the bucket of the logs as s3://BUCKET/PREFIX",
        });
    }
    if !folder.starts_with('/') && !is_drive {
        return Err("a folder is named by its whole path");
    }
    let path = if is_drive { folder.replace('\\', "/") } else { folder.to_owned() };
    check_path(engine, &path)?;
    Ok(match engine {
        Engine::Spark if is_drive => format!("file:///{path}"),
        Engine::Spark => format!("file://{path}"),
        _ => path,
    })
}
