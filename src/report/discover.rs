//! The organization as `orgtrail discover` shows it: a tree for people, JSON for programs.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::desire::Unmatched;
use crate::estate::Problem;
use crate::ids::AccountId;
use crate::organization::select::Choice;
use crate::organization::{Account, Organization, Unit};
use crate::report::plan::problems::write_problems;
use crate::report::plan::view::problems as fold_problems;
use crate::report::text::json::FORMAT_VERSION;
use crate::report::text::layout::Layout;
use crate::report::text::page::{FAINT, GOOD, NOTICE, PLAIN, Page, STRONG, Span};
use crate::report::text::tree::{Branch, Tree};
use crate::report::text::words;

/// What was discovered.
#[derive(Debug, Clone, Copy)]
pub struct Discovery<'a> {
    /// The accounts and units.
    pub organization: &'a Organization,
    /// Which accounts the configuration chooses, and why; empty where there is no configuration.
    pub choices: &'a BTreeMap<AccountId, Choice>,
    /// Selectors of the configuration that match nothing.
    pub unmatched: &'a [Unmatched],
    /// What could not be read.
    pub problems: &'a [Problem],
}

/// The JSON of `orgtrail discover`, version 1.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DiscoverJson<'a> {
    /// The version of this format. It grows when a field loses its name or its meaning, not when one is added.
    format_version: u32,
    /// The version of orgtrail that wrote it.
    tool_version: &'static str,
    /// The id of the organization.
    organization: &'a str,
    /// The partition: `aws`, `aws-cn` or `aws-us-gov`.
    partition: &'static str,
    /// The id of the management account.
    management_account: &'a str,
    /// The organizational units and the root.
    units: Vec<UnitJson<'a>>,
    /// The accounts.
    accounts: Vec<AccountJson<'a>>,
    /// Selectors of the configuration that match no unit and no account.
    unmatched: Vec<UnmatchedJson<'a>>,
    /// What could not be read, and why.
    problems: &'a [Problem],
}

#[derive(Debug, Serialize, JsonSchema)]
struct UnmatchedJson<'a> {
    /// `accounts.include[0]`.
    field: &'a str,
    /// The selector.
    selector: &'a str,
    /// What to do next.
    help: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct UnitJson<'a> {
    /// Its id.
    id: &'a str,
    /// Its name.
    name: &'a str,
    /// The id of the unit or root above it; null for the root.
    parent: Option<&'a str>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct AccountJson<'a> {
    /// The account id.
    id: &'a str,
    /// Its name.
    name: &'a str,
    /// Its e-mail address; empty in a snapshot without addresses.
    email: &'a str,
    /// Its state, as AWS Organizations names it: `ACTIVE`, `SUSPENDED`.
    state: &'static str,
    /// The names of its units: `/Workloads/Prod`.
    path: String,
    /// The id of the unit or root that holds it.
    parent: Option<&'a str>,
    /// None where there is no configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    selected: Option<bool>,
    /// Why it is selected or not. Absent where there is no configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    /// Its tags; absent where they were not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a BTreeMap<String, String>>,
}

impl<'a> From<Discovery<'a>> for DiscoverJson<'a> {
    fn from(discovery: Discovery<'a>) -> Self {
        let Discovery { organization, choices, unmatched, problems } = discovery;
        let Organization { id, partition, management_account, units, accounts } = organization;
        let unit =
            |(id, Unit { name, parent }): (&'a String, &'a Unit)| UnitJson { id, name, parent: parent.as_deref() };
        let account = |(id, account): (&'a AccountId, &'a Account)| {
            let choice = choices.get(id);
            let Account { name, email, state, path, tags } = account;
            AccountJson {
                id: id.as_str(),
                name,
                email,
                state: state.as_str(),
                path: organization.unit_path(account),
                parent: path.last().map(String::as_str),
                selected: choice.map(|choice| choice.chosen),
                why: choice.map(|choice| choice.why.as_str()),
                tags: tags.as_ref(),
            }
        };
        let unmatched =
            unmatched.iter().map(|one| UnmatchedJson { field: &one.field, selector: &one.selector, help: one.help() });
        Self {
            format_version: FORMAT_VERSION,
            tool_version: env!("CARGO_PKG_VERSION"),
            organization: id.as_str(),
            partition: partition.as_str(),
            management_account: management_account.as_str(),
            units: units.iter().map(unit).collect(),
            accounts: accounts.iter().map(account).collect(),
            unmatched: unmatched.collect(),
            problems,
        }
    }
}

/// Returns the tree of units and accounts.
pub fn tree(discovery: Discovery, layout: Layout) -> String {
    let mut page = Page::new(layout.width);
    let organization = discovery.organization;
    page.line(0, &[Span(PLAIN, "Organization "), Span(STRONG, organization.id.as_str())]);
    let mut tree = Tree::of(organization);
    for id in tree.take_roots() {
        page.line(0, &unit_spans(id, organization));
        write_below(&mut page, &mut tree, id, "", discovery);
    }
    write_unmatched(&mut page, discovery.unmatched);
    write_problems(&mut page, "Could not be read", &fold_problems(discovery.problems, organization), layout);
    page.gap();
    page.line(0, &[Span(STRONG, &summary(discovery))]);
    page.finish()
}

fn write_unmatched(page: &mut Page, unmatched: &[Unmatched]) {
    if unmatched.is_empty() {
        return;
    }
    page.gap();
    page.line(0, &[Span(STRONG, "Selectors that match nothing")]);
    for one in unmatched {
        page.line(2, &[Span(NOTICE, &one.message()), Span(PLAIN, "; "), Span(PLAIN, &one.help())]);
    }
}

fn unit_spans<'a>(id: &'a str, organization: &'a Organization) -> Vec<Span<'a>> {
    match organization.units.get(id) {
        Some(unit) => vec![Span(STRONG, &unit.name), Span(PLAIN, "  "), Span(FAINT, id)],
        None => vec![Span(STRONG, id)],
    }
}

fn write_below(page: &mut Page, tree: &mut Tree, parent: &str, trunk: &str, discovery: Discovery) {
    let Branch { accounts, units } = tree.take_branch(parent);
    let mut left = accounts.len() + units.len();
    let mut branch = || {
        left -= 1;
        if left == 0 { ("└─ ", "   ") } else { ("├─ ", "│  ") }
    };
    for (id, account) in accounts {
        let (twig, _) = branch();
        let choice = discovery.choices.get(id);
        let (mark, why) = match choice {
            Some(choice) => (if choice.chosen { "+ " } else { "- " }, choice.why.as_str()),
            None => ("", ""),
        };
        write_account(page, &format!("{trunk}{twig}{mark}"), id, account, why, discovery);
    }
    for unit in units {
        let (twig, continued) = branch();
        let trunk_of_unit = format!("{trunk}{twig}");
        page.line(0, &[vec![Span(FAINT, &trunk_of_unit)], unit_spans(unit, discovery.organization)].concat());
        write_below(page, tree, unit, &format!("{trunk}{continued}"), discovery);
    }
}

fn write_account(page: &mut Page, head: &str, id: &AccountId, account: &Account, why: &str, discovery: Discovery) {
    // The reason names the state already where the state is the reason.
    let state = account.state.as_str();
    let told = account.state.is_active() || why.starts_with(state);
    let state = if told { String::new() } else { format!("  {state}") };
    let role = if *id == discovery.organization.management_account { "  management account" } else { "" };
    let why = if why.is_empty() { String::new() } else { format!("  {why}") };
    let style = if discovery.choices.get(id).is_some_and(|choice| choice.chosen) { GOOD } else { PLAIN };
    page.line_hanging(
        0,
        head.chars().count() + 4,
        &[
            Span(FAINT, head),
            Span(style, &account.name),
            Span(PLAIN, "  "),
            Span(PLAIN, id.as_str()),
            Span(STRONG, role),
            Span(NOTICE, &state),
            Span(FAINT, &why),
        ],
    );
}

fn summary(discovery: Discovery) -> String {
    let Discovery { organization, choices, .. } = discovery;
    let active = organization.accounts.values().filter(|account| account.state.is_active()).count();
    let accounts = words::count(organization.accounts.len(), "account");
    let units = words::count(organization.units.values().filter(|unit| unit.parent.is_some()).count(), "unit");
    let chosen = choices.values().filter(|choice| choice.chosen).count();
    let selected = if choices.is_empty() { String::new() } else { format!(", {} selected", words::grouped(chosen)) };
    format!("{accounts} in {units}: {} active{selected}.", words::grouped(active))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::plan::fixture::{account_id, assert_nothing_acts, hostile, organization, unreadable};
    use crate::report::text::json;

    fn choices(organization: &Organization) -> BTreeMap<AccountId, Choice> {
        let choice = |id: &AccountId, account: &Account| match account.state.is_active() {
            true if *id == account_id(2) => Choice { chosen: false, why: "excluded by ou:/Security".into() },
            true => Choice { chosen: true, why: "ou:/**".into() },
            false => Choice { chosen: false, why: "SUSPENDED: calls into it fail".into() },
        };
        organization.accounts.iter().map(|(id, account)| (id.clone(), choice(id, account))).collect()
    }

    fn text(discovery: Discovery, width: usize) -> String {
        anstream::adapter::strip_str(&tree(discovery, Layout { width, verbose: false })).to_string()
    }

    #[test]
    fn the_tree_and_the_json() {
        let organization = organization(12);
        let choices = choices(&organization);
        let problems = [unreadable(3)];
        let discovery =
            Discovery { organization: &organization, choices: &choices, unmatched: &[], problems: &problems };
        insta::assert_snapshot!("tree", text(discovery, 100));
        insta::assert_snapshot!("tree_narrow", text(discovery, 60));
        let json = json::text(&DiscoverJson::from(discovery)).unwrap();
        insta::assert_snapshot!("discover_json", json.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    }

    #[test]
    fn accounts_are_drawn_without_units_or_configuration() {
        let mut organization = organization(4);
        organization.units.clear();
        let discovery =
            Discovery { organization: &organization, choices: &BTreeMap::new(), unmatched: &[], problems: &[] };
        let text = text(discovery, 100);
        for number in 1..=4 {
            assert!(text.contains(account_id(number).as_str()), "{text}");
        }
        assert!(text.ends_with("4 accounts in 0 units: 4 active.\n"), "{text}");
    }

    #[test]
    fn a_unit_that_is_its_own_ancestor_does_not_hang() {
        let mut organization = organization(2);
        organization.units.insert("ou-a".into(), Unit { name: "A".into(), parent: Some("ou-b".into()) });
        organization.units.insert("ou-b".into(), Unit { name: "B".into(), parent: Some("ou-a".into()) });
        let discovery =
            Discovery { organization: &organization, choices: &BTreeMap::new(), unmatched: &[], problems: &[] };
        assert!(text(discovery, 100).contains(account_id(2).as_str()));
        let path = ["r-ab12", "ou-a", "ou-b", "ou-a"].map(str::to_owned).to_vec();
        organization.accounts.get_mut(&account_id(2)).unwrap().path = path;
        let discovery =
            Discovery { organization: &organization, choices: &BTreeMap::new(), unmatched: &[], problems: &[] };
        assert!(text(discovery, 100).contains("2 accounts"));
    }

    #[test]
    fn hostile_names_are_inert() {
        let (_, organization) = hostile();
        let choices = choices(&organization);
        let discovery = Discovery { organization: &organization, choices: &choices, unmatched: &[], problems: &[] };
        let text = text(discovery, 100);
        assert_eq!(text.matches("\\u{1b}[2J").count(), 2, "{text}");
        assert_nothing_acts(&text);
    }
}
