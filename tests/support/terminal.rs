//! The program in a pseudo terminal, as a person has it: see `terminal.py`.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

/// Runs the program in a folder, which is also its home, in a terminal. Each step is what is waited for, with the
/// prompt behind it unless it ends with `…`, and what is typed then. Returns all that was shown, without the control
/// sequences that move and colour, and the exit code.
pub fn typed(home: &Path, arguments: &[&str], more: &[(&str, &str)], steps: &[(&str, &str)]) -> (String, i32) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/terminal.py");
    let mut command = Command::new("python3");
    command.arg(script).arg(env!("CARGO_BIN_EXE_orgtrail")).args(arguments).current_dir(home).env_clear();
    command.env("HOME", home).env("TERM", "xterm").env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.envs(more.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = command.spawn().expect("these tests need python3");
    running.stdin.take().unwrap().write_all(json!(steps).to_string().as_bytes()).unwrap();
    let shown = running.wait_with_output().unwrap();
    let text = plain(&String::from_utf8_lossy(&shown.stdout));
    let (_, code) = text.trim_end().rsplit_once("exit ").unwrap_or_else(|| panic!("{text}"));
    let code = code.parse().unwrap();
    (text, code)
}

/// Takes control sequences out.
fn plain(text: &str) -> String {
    let (mut plain, mut chars) = (String::new(), text.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' if chars.next_if_eq(&'[').is_some() => {
                while chars.next().is_some_and(|c| !c.is_ascii_alphabetic()) {}
            }
            '\u{1b}' => drop(chars.next()),
            '\r' => {}
            c => plain.push(c),
        }
    }
    plain
}
