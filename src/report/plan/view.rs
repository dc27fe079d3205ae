//! A plan as people read it, before a format is chosen: risks first, changes by account and folded, then what else
//! matters. The texts are not escaped; each format does that for itself.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::estate::{Problem, Stage};
use crate::ids::AccountId;
use crate::organization::Organization;
use crate::plan::saved::Summary;
use crate::plan::{Action, Harm, Headroom, Plan, Risk};
use crate::report::plan::account::{AccountView, account};
use crate::report::plan::assessment::{self, FindingView, HarmView, UnprovenView};
use crate::report::plan::drift_comparison::{self, SinceView, TraceView};
use crate::report::plan::group::{self, Group, Own, group_by, mark};
use crate::report::plan::other_trails::{LeftoverView, OtherTrailView, leftovers, other_trails};
use crate::report::plan::subject::ReportSubject;
use crate::report::plan::violations::{ViolationView, violations};
use crate::report::text::lines::{Detail, Line, lines};
use crate::report::text::words;

/// Limits that are used to more than this many percent are shown unasked.
pub const TIGHT_PERCENT: u64 = 60;

/// A plan, ready to be laid out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanView {
    /// `Plan` or `Drift`.
    pub purpose: &'static str,
    /// The organization's id.
    pub organization: String,
    /// The name in the ownership tag.
    pub deployment: String,
    /// Everything could be read and is as it should be: no change, no finding that harms, nothing violated or unproven.
    pub in_sync: bool,
    /// `3 to create, 1 to update, 0 to adopt, 0 to retire, 812 unchanged`.
    pub summary: String,
    /// How much is found, and what the worst of it does; none where nothing is.
    pub verdict: Option<String>,
    /// What could not be looked at or proved, in words; none where everything could.
    pub partial: Option<String>,
    /// What is new since the last run, where it was compared.
    pub since: Option<SinceView>,
    /// Who changed what, as far as it was asked.
    pub traces: Vec<TraceView>,
    /// What is wrong now, by what it does, the worst first.
    pub harms: Vec<HarmView>,
    /// What does no harm and is worth knowing before the changes are made.
    pub remarks: Vec<FindingView>,
    /// The changes with a risk, by risk.
    pub risks: Vec<RiskView>,
    /// What the documents let happen and should not.
    pub violations: Vec<ViolationView>,
    /// What of isolation could be neither proved nor refuted.
    pub unproven: Vec<UnprovenView>,
    /// All changes by account.
    pub sections: Vec<SectionView>,
    /// Ours, and no longer wanted.
    pub leftovers: Vec<LeftoverView>,
    /// Other trails.
    pub other_trails: Vec<OtherTrailView>,
    /// Limits, the tightest first.
    pub headroom: Vec<HeadroomView>,
    /// What stands against the plan.
    pub blockers: Vec<ProblemView>,
    /// What could not be read.
    pub problems: Vec<ProblemView>,
}

/// One risk and the changes that have it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RiskView {
    /// The word of the flag `--allow`.
    pub risk: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// The changes.
    pub entries: Vec<RiskEntry>,
}

/// A change in the list of risks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RiskEntry {
    /// `+ ~ ! -`.
    pub mark: char,
    /// `create`, `update`, `adopt`, `retire`.
    pub action: &'static str,
    /// The address, with `<account>` in it where it stands for many.
    pub address: String,
    /// How many changes it stands for.
    pub count: usize,
}

/// The changes in one account, or the same changes in many.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SectionView {
    /// The accounts; never empty.
    pub accounts: Vec<AccountView>,
    /// The changes.
    pub entries: Vec<EntryView>,
}

/// A change, or many that are the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EntryView {
    /// `+ ~ ! -`.
    pub mark: char,
    /// `create`, `update`, `adopt`, `retire`.
    pub action: &'static str,
    /// Such as `bucket policy`.
    pub kind: &'static str,
    /// The region; none for what is global.
    pub region: Option<String>,
    /// The resource's name.
    pub name: String,
    /// The address, with `<account>` in it where it stands for many.
    pub address: String,
    /// What the drift does now; none where it is harmless.
    pub harm: Option<&'static str>,
    /// What the change risks; empty where it is safe.
    pub risks: Vec<&'static str>,
    /// The line of the configuration that asked for it.
    pub reason: String,
    /// How many changes it stands for.
    pub count: usize,
    /// The accounts that they are about.
    pub accounts: Vec<AccountView>,
    /// What differs.
    pub lines: Vec<Line>,
}

/// A problem, or many that are the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProblemView {
    /// `discover`, `observe`, `plan`, `apply`, `delivery`.
    pub stage: &'static str,
    /// AWS's error code.
    pub code: String,
    /// What failed.
    pub message: String,
    /// What to do next; may be empty.
    pub help: String,
    /// The address that it concerns, with `<account>` in it where it stands for many.
    pub address: Option<String>,
    /// The accounts that it is about.
    pub accounts: Vec<AccountView>,
}

/// How much of a limit is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeadroomView {
    /// The account that the limit belongs to.
    pub account: AccountView,
    /// What is limited.
    pub what: String,
    /// `18,432`.
    pub used: String,
    /// `20,480`.
    pub limit: String,
    /// Whole percent, rounded down.
    pub percent: u64,
}

/// Lays out a plan.
pub fn view(subject: &ReportSubject<'_>, detail: Detail) -> PlanView {
    let ReportSubject { plan, organization, purpose, since, traces, unsent: _ } = *subject;
    let groups = group::fold(&plan.changes, organization);
    PlanView {
        purpose: purpose.word(),
        organization: plan.organization.to_string(),
        deployment: plan.deployment.clone(),
        in_sync: plan.in_sync(),
        summary: summary(Summary::of(plan)),
        verdict: assessment::verdict(plan),
        partial: partial(plan),
        since: since.map(|comparison| drift_comparison::since(comparison, organization)),
        traces: drift_comparison::traces(traces, organization, since.map(|since| since.at)),
        harms: assessment::harms(&groups, plan, organization),
        remarks: assessment::remarks(&plan.findings, organization),
        risks: risks(&groups),
        violations: violations(&plan.violations, organization),
        unproven: assessment::unproven(&plan.unproven, organization),
        sections: sections(&groups, organization, detail),
        leftovers: leftovers(&plan.leftovers),
        other_trails: other_trails(&plan.other_trails, organization),
        headroom: headroom(&plan.headroom, organization),
        blockers: problems(&plan.blockers, organization),
        problems: problems(&plan.problems, organization),
    }
}

fn summary(summary: Summary) -> String {
    let Summary { create, update, adopt, retire, unchanged } = summary;
    format!(
        "{} to create, {} to update, {} to adopt, {} to retire, {} unchanged",
        words::grouped(create),
        words::grouped(update),
        words::grouped(adopt),
        words::grouped(retire),
        words::grouped(unchanged)
    )
}

fn partial(plan: &Plan) -> Option<String> {
    let mut accounts: Vec<&AccountId> = plan.problems.iter().map(|problem| &problem.account).collect();
    accounts.sort();
    accounts.dedup();
    let unread = (!accounts.is_empty())
        .then(|| format!("not everything could be read in {}", words::count(accounts.len(), "account")));
    let unproven = (!plan.unproven.is_empty()).then(|| "isolation is not proved".to_owned());
    let parts: Vec<String> = unread.into_iter().chain(unproven).collect();
    (!parts.is_empty()).then(|| words::list(&parts))
}

fn meaning(risk: Risk) -> &'static str {
    match risk {
        Risk::Safe => "none of the others",
        Risk::Weakens => "less encryption, validation, retention, isolation or coverage",
        Risk::Interrupts => "delivery, or what members do to the trail, may pause",
        Risk::Destroys => "something is lost that cannot be made again",
        Risk::Costs => "AWS bills something more",
    }
}

fn risks(groups: &[Group]) -> Vec<RiskView> {
    let entries = |risk: Risk| -> Vec<RiskEntry> {
        let with_risk = groups.iter().filter(|group| group.content.risk.contains(&risk));
        with_risk.map(risk_entry).collect()
    };
    let dangers = Risk::ALL.into_iter().filter(|risk| *risk != Risk::Safe);
    let views = dangers.map(|risk| RiskView { risk: risk.as_str(), meaning: meaning(risk), entries: entries(risk) });
    views.filter(|view| !view.entries.is_empty()).collect()
}

fn risk_entry(group: &Group) -> RiskEntry {
    let action = group.content.action;
    RiskEntry { mark: mark(action), action: action.as_str(), address: group.address(), count: group.members.len() }
}

/// Sorts groups into sections: where logs are not recorded, lost or exposed first; then the management account, the
/// other accounts, and what is the same in many.
fn sections(groups: &[Group], organization: &Organization, detail: Detail) -> Vec<SectionView> {
    let mut sections: BTreeMap<(usize, Vec<AccountId>), Vec<&Group>> = BTreeMap::new();
    for group in groups {
        let key = match &group.account {
            Some(account) => (usize::from(*account != organization.management_account), vec![account.clone()]),
            None => (2, sorted(&group.subjects)),
        };
        sections.entry(key).or_default().push(group);
    }
    let mut sections: Vec<_> = sections.into_iter().collect();
    // What is only less protected does not tear accounts out of their order.
    let urgency = |group: &&Group| group.content.harm.min(Harm::LessProtected);
    sections.sort_by_key(|(_, groups)| groups.iter().map(urgency).min());
    let section = |((_, accounts), mut groups): ((usize, Vec<AccountId>), Vec<&Group>)| {
        groups.sort_by(|a, b| place(a).cmp(&place(b)));
        SectionView {
            accounts: accounts.iter().map(|id| account(id, organization)).collect(),
            entries: groups.into_iter().map(|group| entry(group, organization, detail)).collect(),
        }
    };
    sections.into_iter().map(section).collect()
}

fn place<'a>(group: &'a Group) -> impl Ord + use<'a> {
    let content = &group.content;
    (content.harm, content.kind, &content.region, &content.name, content.action)
}

fn sorted(accounts: &[AccountId]) -> Vec<AccountId> {
    let mut accounts = accounts.to_vec();
    accounts.sort();
    accounts
}

fn entry(group: &Group, organization: &Organization, detail: Detail) -> EntryView {
    let content = &group.content;
    // What changes in something that exists is always told in full.
    let detail = if content.action == Action::Create { detail } else { Detail::Full };
    EntryView {
        mark: mark(content.action),
        action: content.action.as_str(),
        kind: content.kind.words(),
        region: content.region.as_ref().map(ToString::to_string),
        name: content.name.clone(),
        address: group.address(),
        harm: content.harm.does_harm().then(|| content.harm.as_str()),
        risks: content.risk.iter().filter(|risk| **risk != Risk::Safe).map(|risk| risk.as_str()).collect(),
        reason: content.reason.clone(),
        count: group.members.len(),
        accounts: sorted(&group.subjects).iter().map(|id| account(id, organization)).collect(),
        lines: content.fields.iter().flat_map(|(path, before, after)| lines(path, before, after, detail)).collect(),
    }
}

/// Folds problems that are the same but for the account that they are about.
pub fn problems(problems: &[Problem], organization: &Organization) -> Vec<ProblemView> {
    let subject = |problem: &Problem| match &problem.address {
        Some(address) => group::subject_of_address(address, organization),
        None => problem.account.clone(),
    };
    let words = |problem: &Problem, hide: &dyn Fn(&str) -> String| {
        let Problem { account: _, address, stage, code, message, help } = problem;
        let address = address.as_ref().map(|address| hide(&address.to_string()));
        ProblemWords { stage: *stage, code: code.clone(), message: hide(message), help: hide(help), address }
    };
    let key = |problem: &Problem| words(problem, &|text| Own::of(&subject(problem), organization).hide(text));
    let views = group_by(problems, key).into_iter().map(|(folded, members)| {
        let ProblemWords { stage, code, message, help, address } = match members.as_slice() {
            [only] => words(only, &str::to_owned),
            _ => folded,
        };
        let accounts = members.iter().map(|problem| account(&subject(problem), organization)).collect();
        ProblemView { stage: stage.as_str(), code, message, help, address, accounts }
    });
    views.collect()
}

#[derive(PartialEq, Eq, Hash)]
struct ProblemWords {
    stage: Stage,
    code: String,
    message: String,
    help: String,
    address: Option<String>,
}

fn headroom(limits: &[Headroom], organization: &Organization) -> Vec<HeadroomView> {
    let number = |number: u64| usize::try_from(number).map_or_else(|_| number.to_string(), words::grouped);
    let view = |Headroom { account: id, what, used, limit }: &Headroom| HeadroomView {
        account: account(id, organization),
        what: what.clone(),
        used: number(*used),
        limit: number(*limit),
        percent: words::percent(*used, *limit),
    };
    limits.iter().map(view).collect()
}
