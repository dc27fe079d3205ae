//! Which days of delivery a verification proves whole, for every account and region: what a lake may be sealed by.
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::finding::{DAY, State, TimeRange};
use super::verify::{Chain, DIGEST_DELAY_MAX, Verification};
use crate::archive::window::{day_of, start_of};

/// How the accounts and regions of a day stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DayProof {
    /// Those all of whose hours are attested, from the first of a chain on.
    pub attested: BTreeSet<(String, String)>,
    /// Those of whose hours one is not, as `account/region`, each with why.
    pub others: BTreeMap<String, String>,
}

/// The most days that are looked at: ten years.
const DAYS_MAX: usize = 3_660;

/// Returns the days that are over and whose digests have all come, each with how its accounts and regions stand. What
/// is found beside all chains, or an account that should have one and has none, is the matter of every day.
pub fn day_proofs(answer: &Verification) -> BTreeMap<Date, DayProof> {
    let mut proofs = BTreeMap::new();
    let Some(first) = answer.chains.iter().filter_map(|chain| Some(chain.hours.first()?.0.start)).min() else {
        return proofs;
    };
    let mut day = day_of(answer.from.map_or(first, |from| from.max(first)));
    for _ in 0..DAYS_MAX {
        let Some(range) = range_of(day) else { break };
        if !has_come(answer, range) {
            break;
        }
        let proof = day_proof(answer, range);
        if proof != DayProof::default() {
            proofs.insert(day, proof);
        }
        let Ok(next) = day.tomorrow() else { break };
        day = next;
    }
    proofs
}

fn range_of(day: Date) -> Option<TimeRange> {
    let start = start_of(day);
    Some(TimeRange { start, end: start.checked_add(DAY).ok()? })
}

/// Tells whether a day is over, its last digests included, and part of what was looked at.
fn has_come(answer: &Verification, day: TimeRange) -> bool {
    let settled = day.end.checked_add(DIGEST_DELAY_MAX).unwrap_or(Timestamp::MAX);
    settled <= answer.now && answer.to.is_none_or(|to| day.end <= to)
}

fn day_proof(answer: &Verification, day: TimeRange) -> DayProof {
    let mut proof = DayProof::default();
    for chain in &answer.chains {
        let place = (chain.scope.account.to_string(), chain.scope.region.to_string());
        let named = format!("{}/{}", place.0, place.1);
        match fault_of(answer, chain, day) {
            Verdict::NotThere => {}
            Verdict::Attested => {
                proof.attested.insert(place);
            }
            Verdict::Fault(why) => {
                proof.others.insert(named, why);
            }
        }
    }
    // One trail's chain says nothing of another's in the same account and region.
    proof.attested.retain(|(account, region)| !proof.others.contains_key(&format!("{account}/{region}")));
    if proof == DayProof::default() {
        return proof;
    }
    for missing in answer.expected.iter().flat_map(|expected| &expected.missing) {
        proof.others.insert(missing.phrase(), "it has no chain of digests".to_owned());
    }
    for finding in &answer.findings {
        proof.others.insert(finding.code.as_str().to_owned(), finding.detail.clone());
    }
    if answer.interrupted {
        proof.others.insert("the verification".to_owned(), "it was stopped before its end".to_owned());
    }
    proof
}

enum Verdict {
    /// The chain had not begun.
    NotThere,
    Attested,
    Fault(String),
}

fn fault_of(answer: &Verification, chain: &Chain, day: TimeRange) -> Verdict {
    let Some((first, _)) = chain.hours.first() else {
        return Verdict::Fault("none of its hours is proved".to_owned());
    };
    if day.end <= first.start {
        return Verdict::NotThere;
    }
    // Where the verification began later than the chain, the day may have had more hours.
    let is_cut = answer.from.is_some_and(|from| from > day.start);
    if is_cut {
        return Verdict::Fault("the verification began within the day".to_owned());
    }
    let touches = |window: Option<TimeRange>| window.is_none_or(|own| own.start < day.end && day.start < own.end);
    if chain.findings_omitted > 0 {
        return Verdict::Fault("it has more findings than are kept".to_owned());
    }
    if let Some(finding) = chain.findings.iter().find(|finding| touches(finding.window)) {
        return Verdict::Fault(format!("{}: {}", finding.code.as_str(), finding.detail));
    }
    let mut until = day.start.max(first.start);
    for (range, state) in &chain.hours {
        if range.start <= until && until < range.end && *state == State::Attested {
            until = range.end;
        }
    }
    if until >= day.end {
        return Verdict::Attested;
    }
    let open = until.checked_add(SignedDuration::from_hours(1)).unwrap_or(until);
    Verdict::Fault(format!("the hour {until} to {open} is not attested"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_path::{ChainScope, LogRoot};
    use crate::logs::finding::{Code, Finding};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn chain(account: &str, hours: &[(&str, &str, State)]) -> Chain {
        let scope = ChainScope::of(&LogRoot::default(), account.parse().unwrap(), "us-east-1".parse().unwrap());
        let hours = hours.iter().map(|(start, end, state)| (TimeRange { start: at(start), end: at(end) }, *state));
        let state = State::Attested;
        Chain { hours: hours.collect(), state, ..Chain::of_nothing(scope) }
    }

    fn answer(chains: Vec<Chain>) -> Verification {
        Verification::of_chains("logs", (None, None), at("2026-11-23T12:00:00Z"), chains)
    }

    fn days(answer: &Verification) -> Vec<(String, usize, usize)> {
        let proofs = day_proofs(answer);
        proofs.iter().map(|(day, proof)| (day.to_string(), proof.attested.len(), proof.others.len())).collect()
    }

    const WHOLE: (&str, &str, State) = ("2026-11-20T03:00:00Z", "2026-11-23T11:00:00Z", State::Attested);

    #[test]
    fn a_day_counts_once_it_is_over_and_every_chain_of_it_is_attested() {
        let one = ("111111111111", &[WHOLE][..]);
        let whole = answer(vec![chain(one.0, one.1)]);
        let day = |day: &str, attested, others| (format!("2026-11-{day}"), attested, others);
        assert_eq!(days(&whole), [day("20", 1, 0), day("21", 1, 0), day("22", 1, 0)]);
        let early = Verification { now: at("2026-11-23T01:00:00Z"), ..whole.clone() };
        assert_eq!(days(&early), [day("20", 1, 0), day("21", 1, 0)], "the last digests may still come");
        let later = chain("222222222222", &[("2026-11-21T05:00:00Z", "2026-11-23T11:00:00Z", State::Attested)]);
        assert_eq!(
            days(&answer(vec![chain(one.0, one.1), later])),
            [day("20", 1, 0), day("21", 2, 0), day("22", 2, 0)]
        );
        let gap = chain(
            "222222222222",
            &[
                ("2026-11-20T00:00:00Z", "2026-11-21T05:00:00Z", State::Attested),
                ("2026-11-21T05:00:00Z", "2026-11-21T06:00:00Z", State::Unproven),
                ("2026-11-21T06:00:00Z", "2026-11-23T11:00:00Z", State::Attested),
            ],
        );
        assert_eq!(days(&answer(vec![chain(one.0, one.1), gap])), [day("20", 2, 0), day("21", 1, 1), day("22", 2, 0)]);
    }

    #[test]
    fn what_speaks_against_a_part_is_not_forgotten_by_a_day() {
        let finding = |window| Finding {
            code: Code::LogHashMismatch,
            state: State::Broken,
            object: None,
            window,
            detail: "changed".to_owned(),
            next: None,
        };
        let of = |window| {
            let mut own = chain("111111111111", &[WHOLE]);
            own.findings = vec![finding(window)];
            days(&answer(vec![own]))
        };
        let on = |start, end| Some(TimeRange { start: at(start), end: at(end) });
        let sealed =
            |days: Vec<(String, usize, usize)>| days.iter().map(|(_, attested, _)| *attested).collect::<Vec<_>>();
        assert_eq!(sealed(of(on("2026-11-21T05:00:00Z", "2026-11-21T06:00:00Z"))), [1, 0, 1]);
        assert_eq!(sealed(of(None)), [0, 0, 0]);
        let whole = answer(vec![chain("111111111111", &[WHOLE])]);
        let beside = Verification { findings: vec![finding(None)], ..whole.clone() };
        assert!(day_proofs(&beside).values().all(|proof| !proof.others.is_empty()));
        let stopped = Verification { interrupted: true, ..whole.clone() };
        assert!(day_proofs(&stopped).values().all(|proof| !proof.others.is_empty()));
        let cut = Verification { from: Some(at("2026-11-21T12:00:00Z")), ..whole.clone() };
        assert_eq!(sealed(days(&cut)), [0, 1]);
        let short = Verification { to: Some(at("2026-11-22T12:00:00Z")), ..whole };
        assert_eq!(sealed(days(&short)), [1, 1]);
        assert_eq!(day_proofs(&answer(Vec::new())), BTreeMap::new());
        let two = answer(vec![
            chain("111111111111", &[WHOLE]),
            chain("111111111111", &[("2026-11-20T03:00:00Z", "2026-11-21T11:00:00Z", State::Attested)]),
        ]);
        assert_eq!(sealed(days(&two)), [1, 0, 0], "both trails of an account and region must be whole");
    }
}
