//! DuckDB, pinned, in a Python environment of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The package, as `pip` names it.
const DUCKDB: &str = "duckdb==2.0.1";

/// Returns a Python interpreter that has DuckDB: the one that ORGTRAIL_PYTHON names, or one of an environment below the
/// target folder, which is made at the first use.
///
/// # Errors
/// What could not be run, and what it said.
pub fn with_duckdb() -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os("ORGTRAIL_PYTHON") {
        return Ok(PathBuf::from(named));
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("duckdb");
    let (python, stamp) = (folder.join("bin/python"), folder.join("installed.txt"));
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == DUCKDB) {
        return Ok(python);
    }
    let _absent = fs::remove_dir_all(&folder);
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", DUCKDB]))?;
    fs::write(&stamp, DUCKDB).map_err(|error| error.to_string())?;
    Ok(python)
}

fn run(command: &mut Command) -> Result<(), String> {
    let done = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    match done.status.success() {
        true => Ok(()),
        false => Err(format!("{command:?}: {}", String::from_utf8_lossy(&done.stderr).trim())),
    }
}
