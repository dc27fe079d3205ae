//! `orgtrail query` without a question, on a terminal: question after question over one archive, which is listed once.

mod completion;
mod editor;
mod pager;
mod statement;

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

use super::asked::{self, AskedLogs, RunLimits};
use super::failure::CliError;
use super::outcome::Outcome;
use super::output::Content;
use super::query::{self, QueryArgs};
use super::summary::Summary;
use super::ui::Ui;
use super::{CommandOutput, Common, Format, signal};
use crate::archive::listing::Archive;
use crate::query::answer::{Ended, Question};
use crate::query::prepared::Prepared;
use crate::query::views::{VIEWS, View};
use crate::report::query as report;
use completion::Completion;
use editor::{Editor, Typed};
use statement::{COMMANDS, Input, inputs};

/// How long a listing is taken for the present. Then it is made anew: logs go on to be delivered.
const LISTED_FOR: SignedDuration = SignedDuration::from_mins(10);

/// Runs the shell until it is left.
///
/// # Errors
/// Where there is no terminal, and where the archive cannot be looked at. What is wrong with a question is shown, and
/// the shell goes on.
pub(super) async fn run(common: &Common, args: &QueryArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(CliError::new("there is no question, and no terminal to ask for it").hint(
            "give one: orgtrail query \"SELECT count(*) FROM events\", with --file FILE, or with --name NAME; --list shows \
             the prepared ones",
        ));
    }
    args.athena.must_be_idle()?;
    if !args.param.is_empty()
        || ui.outputs().files().next().is_some()
        || ui.outputs().iter().any(|one| one.format != Format::Human)
    {
        return Err(CliError::new("there is no question for --param, --output or --format")
            .hint("give one with them, or leave them out for the shell"));
    }
    let completion = Completion::new().map_err(asked::failed)?;
    let logs = Box::pin(asked::logs(common, &args.asked, ui)).await?;
    let archive = Arc::new(Box::pin(asked::archive(&args.asked, &logs)).await?.keeping());
    signal::hold_interrupts();
    let mut shell = Shell { args, ui, logs, archive, listed: Timestamp::now(), shows_time: false };
    let mut editor = Editor::open(completion, ui)?;
    ui.note("Questions end with a semicolon; \\? shows the commands, \\q ends the shell.");
    loop {
        match tokio::task::block_in_place(|| editor.read())? {
            Typed::End => break,
            Typed::Dropped => {}
            Typed::Text(text) => {
                for input in inputs(&text) {
                    if input == Input::Quit {
                        return Ok(ended());
                    }
                    if let Err(failure) = Box::pin(shell.take(input)).await {
                        ui.print_failure(&failure);
                    }
                }
            }
        }
    }
    Ok(ended())
}

fn ended() -> CommandOutput {
    CommandOutput::one("", Outcome::Clean, Summary::default())
}

struct Shell<'a> {
    args: &'a QueryArgs,
    ui: &'a Ui,
    logs: AskedLogs,
    archive: Arc<Archive>,
    /// When it was looked at.
    listed: Timestamp,
    shows_time: bool,
}

impl Shell<'_> {
    async fn take(&mut self, input: Input) -> Result<(), CliError> {
        match input {
            Input::Quit => Ok(()),
            Input::Help => self.say(&help()),
            Input::Describe(None) => self.say(&tables(self.ui.width())),
            Input::Describe(Some(name)) => {
                let view = View::named(&name)
                    .ok_or_else(|| CliError::new(format!("there is no table {name:?}")).hint("\\d shows the tables"))?;
                self.ask(query::plain(&format!("DESCRIBE {}", view.name), &[])?).await
            }
            Input::Timing => {
                self.shows_time = !self.shows_time;
                self.say(if self.shows_time { "Timing is on.\n" } else { "Timing is off.\n" })
            }
            Input::Refresh => {
                self.refresh();
                self.say("The next question looks at the archive anew.\n")
            }
            Input::Ask(None, _) => pager::show(report::prepared(&Prepared::all()), self.ui),
            Input::Ask(Some(name), values) => {
                let question = query::prepared(&name, &values);
                self.ask(question.map_err(|error| as_typed_here(error, ASK_HINT))?).await
            }
            Input::Question(sql) => {
                let question = query::plain(&sql, &[]);
                self.ask(question.map_err(|error| as_typed_here(error, SQL_HINT))?).await
            }
            Input::Unknown(name) => {
                Err(CliError::new(format!("there is no command {name}")).hint("\\? shows the commands"))
            }
        }
    }

    fn say(&self, text: &str) -> Result<(), CliError> {
        self.ui.print(&[Content::Text(text.to_owned())])
    }

    /// Forgets what is known of the archive.
    fn refresh(&mut self) {
        self.archive = Arc::new(Archive::new(self.archive.places().to_vec(), self.archive.late()).keeping());
        self.listed = Timestamp::now();
    }

    /// Asks a question and shows its answer. Ctrl-C ends it; what was found then is shown.
    async fn ask(&mut self, question: Question) -> Result<(), CliError> {
        if Timestamp::now().duration_since(self.listed) > LISTED_FOR {
            self.refresh();
        }
        let begun = Instant::now();
        let stop = async {
            tokio::select! {
                ended = RunLimits::of(&self.args.asked).over() => ended,
                () = signal::interrupted() => Ended::Stopped,
            }
        };
        // The answer is as new as the listing that it is made of.
        let answer = query::answer(self.args, &self.archive, &self.logs, self.listed, question, stop, self.ui).await?;
        let mut text = report::table(&answer, self.ui.width());
        if self.shows_time {
            text += &format!("Time: {:.3} s\n", begun.elapsed().as_secs_f64());
        }
        tokio::task::block_in_place(|| pager::show(text, self.ui))
    }
}

/// What to do about a prepared question that cannot be asked as it was typed.
const ASK_HINT: &str = "\\ask shows the questions and their parameters; write \\ask NAME PARAM=VALUE. The time is set \
                        when the shell is started, such as with --days 7";
/// What to do about a placeholder in SQL that was typed.
const SQL_HINT: &str = "the shell takes values for prepared questions only: write the value in the place of its name";

/// Says what is wrong with a question in the words that the shell takes: values stand without `--param`.
fn as_typed_here(error: CliError, hint: &str) -> CliError {
    if error.hint.is_empty() {
        return error;
    }
    let what = error.what.replace("--param ", "");
    CliError { what, ..error }.hint(hint)
}

fn help() -> String {
    let shown: Vec<String> =
        COMMANDS.iter().map(|(name, more, _)| format!("{name} {more}").trim_end().to_owned()).collect();
    let width = shown.iter().map(String::len).max().unwrap_or_default();
    let line = |(shown, (_, _, about)): (&String, &(&str, &str, &str))| format!("  {shown:width$}  {about}\n");
    let commands: String = shown.iter().zip(&COMMANDS).map(line).collect();
    format!(
        "{commands}Anything else is a question in SQL, and ends with a semicolon. Ctrl-C ends a question.\n\
         Time, accounts and regions of every question are those that the shell was started with:\n\
         orgtrail query --days 7 --account 111111111111\n"
    )
}

fn tables(columns: usize) -> String {
    let width = VIEWS.iter().map(|view| view.name.len()).max().unwrap_or_default();
    let indent = " ".repeat(width + 4);
    let options = textwrap::Options::new(columns).subsequent_indent(&indent);
    VIEWS
        .iter()
        .map(|view| textwrap::fill(&format!("  {:width$}  {}", view.name, view.about), &options) + "\n")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_parameter_is_named_as_it_is_typed_here() {
        let given = ["days=7".to_owned()];
        for values in [&given[..0], &given[..]] {
            let error = query::prepared("who-deleted", values).err().unwrap();
            let shown = as_typed_here(error, ASK_HINT).to_string();
            assert!(shown.contains("PARAM=VALUE") && !shown.contains("--param"), "{shown}");
        }
    }

    #[test]
    fn the_commands_and_the_tables_are_shown() {
        for (name, ..) in COMMANDS {
            assert!(help().contains(name), "{name}");
        }
        assert_eq!(tables(200).lines().count(), VIEWS.len());
        let all = help() + &tables(80);
        assert!(all.lines().all(|line| line.len() <= 100), "{all}");
    }
}
