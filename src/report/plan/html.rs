//! A plan as one self-contained page: the tree of the organization, changes with filters by risk and account, readable
//! differences. It loads nothing: its Content Security Policy allows only its own script and style, by their hashes.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::organization::Organization;
use crate::plan::Risk;
use crate::report::plan::account::{AccountView, account};
use crate::report::plan::subject::ReportSubject;
use crate::report::plan::view::{self, PlanView};
use crate::report::text::lines::Detail;
use crate::report::text::template::{BadTemplate, Templates};
use crate::report::text::tree::{Branch, Tree};

/// The script of the page: it only hides and shows.
const SCRIPT: &str = include_str!("../../../templates/page.js");

/// The style of the page.
const STYLE: &str = include_str!("../../../templates/page.css");

#[derive(Serialize)]
struct PageView {
    #[serde(flatten)]
    plan: PlanView,
    /// Every risk that a filter can name.
    all_risks: Vec<&'static str>,
    /// The accounts that some change is about or happens in.
    concerned: Vec<AccountView>,
    tree: Vec<UnitView>,
    script: &'static str,
    script_hash: String,
    style: &'static str,
    style_hash: String,
}

#[derive(Serialize)]
struct UnitView {
    id: String,
    name: String,
    accounts: Vec<LeafView>,
    units: Vec<UnitView>,
}

#[derive(Serialize)]
struct LeafView {
    id: String,
    name: String,
    /// None where the account is active.
    state: Option<&'static str>,
    /// How many changes happen in it or are about it.
    changes: usize,
}

/// Returns the page of a plan, or of what drifted.
///
/// # Errors
/// [`BadTemplate`] where a template of the user cannot be rendered.
pub fn plan(subject: &ReportSubject<'_>, templates: &Templates) -> Result<String, BadTemplate> {
    let organization = subject.organization;
    let plan = view::view(subject, Detail::Full);
    let changes = changes_by_account(&plan);
    let concerned = changes.keys().filter_map(|id| organization.accounts.get_key_value(*id));
    let page = PageView {
        all_risks: Risk::ALL.map(Risk::as_str).to_vec(),
        concerned: concerned.map(|(id, _)| account(id, organization)).collect(),
        tree: tree(organization, &changes),
        script: SCRIPT,
        script_hash: hash(SCRIPT),
        style: STYLE,
        style_hash: hash(STYLE),
        plan,
    };
    templates.render("plan.html.hbs", &page)
}

/// Returns a text's hash as a Content Security Policy names it (CSP Level 3, "hash-source").
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

/// Counts for each account the changes that a filter by it shows.
fn changes_by_account(plan: &PlanView) -> BTreeMap<&str, usize> {
    let mut changes = BTreeMap::new();
    for section in &plan.sections {
        for entry in &section.entries {
            let both = section.accounts.iter().chain(&entry.accounts);
            let ids: BTreeSet<&str> = both.map(|account| account.id.as_str()).collect();
            ids.into_iter().for_each(|id| *changes.entry(id).or_default() += 1);
        }
    }
    changes
}

fn tree(organization: &Organization, changes: &BTreeMap<&str, usize>) -> Vec<UnitView> {
    let mut tree = Tree::of(organization);
    let roots = tree.take_roots();
    roots.into_iter().map(|root| unit(root, &mut tree, organization, changes)).collect()
}

fn unit(id: &str, tree: &mut Tree, organization: &Organization, changes: &BTreeMap<&str, usize>) -> UnitView {
    let Branch { accounts, units } = tree.take_branch(id);
    let leaf = |(id, account): (&crate::ids::AccountId, &crate::organization::Account)| LeafView {
        id: id.to_string(),
        name: account.name.clone(),
        state: (!account.state.is_active()).then(|| account.state.as_str()),
        changes: changes.get(id.as_str()).copied().unwrap_or_default(),
    };
    UnitView {
        id: id.to_owned(),
        name: organization.units.get(id).map_or_else(|| id.to_owned(), |unit| unit.name.clone()),
        accounts: accounts.into_iter().map(leaf).collect(),
        units: units.into_iter().map(|id| unit(id, tree, organization, changes)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use crate::report::plan::fixture;
    use crate::report::plan::subject::Purpose;

    fn page(of: &Plan, organization: &Organization) -> String {
        plan(&ReportSubject::new(of, organization, Purpose::Plan), &Templates::new(&[]).unwrap()).unwrap()
    }

    /// Leaves out the script and the style, which are files of their own.
    fn body(page: &str) -> String {
        page.replace(SCRIPT, "").replace(STYLE, "").replace(&hash(SCRIPT), "SCRIPT").replace(&hash(STYLE), "STYLE")
    }

    #[test]
    fn pages_of_organizations_of_all_sizes() {
        let sized = |accounts: usize| body(&page(&fixture::plan(accounts), &fixture::organization(accounts)));
        insta::assert_snapshot!("page_of_1_account", sized(1));
        insta::assert_snapshot!("page_of_12_accounts", sized(12));
        insta::assert_snapshot!("page_of_500_accounts", sized(500));
    }

    #[test]
    fn the_page_of_a_large_organization_stays_small() {
        let page = page(&fixture::plan(500), &fixture::organization(500));
        assert!(page.len() < 400_000, "{}", page.len());
        assert_eq!(page.matches("<details class=\"change\"").count(), 6);
    }

    #[test]
    fn the_policy_allows_exactly_the_script_and_the_style_of_the_page() {
        let page = page(&fixture::plan(12), &fixture::organization(12));
        let between = |from: &str, to: &str| page.split_once(from).unwrap().1.split_once(to).unwrap().0.to_owned();
        assert_eq!(between("script-src '", "'"), hash(&between("<script>", "</script>")));
        assert_eq!(between("style-src '", "'"), hash(&between("<style>", "</style>")));
        assert!(page.contains("default-src 'none'") && page.contains("form-action 'none'"));
        assert_eq!(page.matches("<script").count(), 1);
        for loading in [" src=", " href=", "url(", "@import", " style=", " onclick="] {
            assert!(!page.contains(loading), "{loading}");
        }
    }

    #[test]
    fn hostile_text_is_inert() {
        let (plan, organization) = fixture::hostile();
        let page = page(&plan, &organization);
        fixture::assert_nothing_acts(&page);
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "it is shown");
        assert_eq!(page.matches("<script>").count(), 1);
        assert!(!page.contains("-->"), "no comment can be closed, there is none");
    }
}
