//! The comment above the statements: what they are, what they cannot do, and where such statements were run.

use super::Engine;
use super::place::TablePlace;

/// The version of the program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Returns the comment.
pub(super) fn header(engine: Engine, what: &str, place: &TablePlace, ran: &str, notes: &[&str]) -> String {
    let mut lines = vec![
        format!("orgtrail {VERSION} made this for {}: {what} at {}.", engine.title(), place.shown),
        ran.to_owned(),
    ];
    if place.is_in_s3() && engine == Engine::DuckDb {
        lines.push(
            "S3 needs the extensions httpfs and aws, and before this: CREATE SECRET (TYPE s3, PROVIDER credential_chain)."
                .to_owned(),
        );
    }
    if place.is_in_s3() && engine == Engine::Spark {
        lines.push("s3a:// is Apache Hadoop's name for S3; on Amazon EMR and AWS Glue s3:// is as good.".to_owned());
    }
    lines.extend(notes.iter().map(|note| (*note).to_owned()));
    lines.iter().map(|line| format!("-- {line}\n")).collect()
}

/// Returns where statements over slots were run.
pub(super) fn slots_ran(engine: Engine) -> &'static str {
    match engine {
        Engine::Athena => {
            "Such statements were run by ministack, an emulator that answers Athena with DuckDB, and not on AWS."
        }
        Engine::Spark => "Such statements were run on Spark 3.5.9 over a folder; over S3 they were only parsed.",
        Engine::Trino => "Such statements were only parsed, by sqlglot, and never run.",
        Engine::DuckDb => "Such statements were run on DuckDB 2.0.1 over a folder; over S3 they were only parsed.",
    }
}
