//! `orgtrail query` at a terminal: the shell, the bar, and what is nothing for a terminal.

use std::path::Path;

use serde_json::json;

use crate::bucket::Layout;
use crate::terminal::typed;

const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";

/// A home with a copy of six hours of logs, one event in each.
fn home(events: usize) -> tempfile::TempDir {
    let event = |id: usize| json!({"eventID": format!("id-{id}"), "eventName": "PutObject", "eventTime": format!("2026-11-20T0{}:20:00Z", id % 6)});
    let file =
        |hour: usize| json!({"Records": (0..events).map(|id| event(id * 6 + hour)).collect::<Vec<_>>()}).to_string();
    let home = tempfile::tempdir().unwrap();
    let layout = Layout { logs: vec![1], contents: (0..6).map(file).collect(), ..Layout::default() };
    layout.write().write_to(&home.path().join("copy"));
    home
}

fn shell(home: &Path, more: &[(&str, &str)], steps: &[(&str, &str)]) -> (String, i32) {
    typed(home, &["query", "--place", "copy"], more, steps)
}

#[test]
fn questions_follow_each_other_and_each_says_what_it_covers() {
    let home = home(1);
    let (shown, code) = shell(
        home.path(),
        &[("PAGER", "")],
        &[
            ("", "SELECT count(*) AS six,\n"),
            ("six,…", "';' AS mark FROM events;\n"),
            ("Covers ", "\\d\n"),
            ("cloudtrail_lake", "\\d events\n"),
            ("event_name", "SELECT evnt_name FROM events;\n"),
            ("did you mean", "\\nonsense\n"),
            ("there is no command", "\\timing\n"),
            ("Timing is on", "SELECT 7 AS seven; SELECT 8 AS eight;\n"),
            ("needs none", "\\ask root-use\n"),
            ("This question cannot see", "\\ask root-use days=7\n"),
            ("it has none", "\\?\n"),
            ("end the shell", "\\q\n"),
        ],
    );
    assert_eq!(code, 0, "{shown}");
    for part in ["six  mark", "6    ;", "log files 6", "record ", "Time: 0.", "seven", "(1 row)"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let history = home.path().join(".local/state/orgtrail/query-history");
    let kept = std::fs::read_to_string(&history).unwrap();
    assert!(kept.contains("AS mark FROM events;") && kept.contains("\\timing"), "{kept}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&history), mode(history.parent().unwrap())), (0o600, 0o700));
    }
    // Another shell has it, the last first.
    let steps = [("", "\u{1b}[A\u{1b}[A\u{1b}[A\u{1b}[A\n"), ("This question cannot see", CTRL_D)];
    let (shown, code) = shell(home.path(), &[], &steps);
    assert!(code == 0 && shown.contains("\\ask root-use"), "{shown}");
}

#[test]
fn what_is_typed_is_completed() {
    let home = home(1);
    let (shown, code) = shell(
        home.path(),
        &[],
        &[
            ("", "SELECT event_na\t FROM ev\t;\n"),
            ("Covers ", "\\as\t root-u\t\n"),
            ("This question cannot see", CTRL_D),
        ],
    );
    assert!(code == 0 && shown.contains("PutObject"), "{shown}");
}

#[test]
fn ctrl_c_ends_a_question_and_not_the_shell() {
    let home = home(10);
    let endless = "SELECT count(*) FROM events a, events b, events c, events d, events e, events f WHERE a.event_id <> f.event_id;\n";
    let (shown, code) = shell(
        home.path(),
        &[],
        &[
            ("", "SELECT half"),
            ("half…", CTRL_C),
            ("", endless),
            // The bar: it is being answered.
            ("/36 …", CTRL_C),
            ("it was stopped", "SELECT 'still' || 'here' AS x;\n"),
            ("stillhere", "exit\n"),
        ],
    );
    assert_eq!(code, 0, "{shown}");
}

#[test]
fn long_answers_go_through_the_pager_without_a_shell() {
    let home = home(10);
    let sql = "SELECT event_id FROM events ORDER BY 1;\n";
    let (shown, code) = shell(
        home.path(),
        &[("PAGER", "tee paged ; touch mark")],
        &[("", sql), ("Covers ", "SELECT 1 AS short;\n"), ("needs none", "\\q\n")],
    );
    assert_eq!(code, 0, "{shown}");
    let paged = std::fs::read_to_string(home.path().join("paged")).unwrap();
    assert!(paged.contains("id-59") && paged.contains("Covers "), "{paged}");
    // `tee` was given the other words as names of files.
    assert!(home.path().join(";").exists() && !paged.contains("short"), "{paged}");
    let (shown, _) = shell(home.path(), &[("PAGER", "no-such-pager")], &[("", sql), ("Covers ", "\\q\n")]);
    assert!(shown.contains("id-59"), "{shown}");
}

#[test]
fn a_shell_needs_a_terminal_and_takes_no_output() {
    let home = home(1);
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_orgtrail"));
        let done =
            command.args(arguments).current_dir(home.path()).env_clear().env("HOME", home.path()).output().unwrap();
        (done.status.code(), String::from_utf8(done.stderr).unwrap())
    };
    let (code, said) = run(&["query", "--place", "copy"]);
    assert!(code == Some(1) && said.contains("there is no question, and no terminal"), "{said}");
    let (shown, code) = typed(home.path(), &["query", "--place", "copy", "--format", "json"], &[], &[]);
    assert!(code == 1 && shown.contains("there is no question for"), "{shown}");
    let sql = "SELECT 1 AS x FROM events";
    let parquet = ["query", "--place", "copy", "--format", "parquet", sql];
    let (shown, code) = typed(home.path(), &parquet, &[], &[]);
    assert!(code == 1 && shown.contains("parquet is nothing for a terminal"), "{shown}");
}

#[test]
fn a_bar_shows_how_far_it_is_at_a_terminal_and_nowhere_else() {
    let home = home(3_000);
    let sql = "SELECT count(DISTINCT record) FROM events";
    let ask = |more: &[&str]| typed(home.path(), &[&["query", "--place", "copy", sql], more].concat(), &[], &[]).0;
    let shown = ask(&[]);
    assert!(shown.contains("log files") && shown.contains("/6 ") && shown.contains(" rows"), "{shown}");
    for silent in [&["--quiet"][..], &["--log-format", "json"]] {
        let shown = ask(silent);
        assert!(!shown.contains("/6 ") && shown.contains("18000"), "{shown}");
    }
}
