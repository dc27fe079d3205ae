//! Questions about AWS Config: one answer for each account, which says of each region what is wrong there.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Check, CheckVerdict, Fix, RecorderQuestion};
use super::{Answer, fail, outside, pass, unreadable};
use crate::estate::Problem;
use crate::ids::{AccountId, Partition, Region};
use crate::organization::Organization;
use crate::recorders::{
    AccountRecorders, ConfigRecorder, RecordedTypes, Recorders, RecordingFrequency, RegionRecorder,
};
use crate::words;

/// What helps: the program makes no recorder.
const TURN_ON: &str = "turn AWS Config on there, with all types, and the global types in one region; orgtrail makes no \
                       recorder, which costs money for each configuration item";
const SERVICE_ROLE: &str = "give the configuration recorder the service-linked role AWSServiceRoleForConfig";
/// How many regions or types are named.
const NAMED_MAX: usize = 5;

/// Answers for every account in use, or once where AWS Config was not looked at.
pub(super) fn answers(question: RecorderQuestion, organization: &Organization, recorders: &Recorders) -> Vec<Check> {
    let check = |account: &AccountId, ((verdict, fact), fix): (Answer, Fix)| Check {
        account: account.clone(),
        address: None,
        verdict,
        fact,
        fix,
    };
    let once = |answer| vec![check(&organization.management_account, (answer, Fix::None))];
    match recorders {
        Recorders::NotAsked => once(outside("AWS Config was not looked at; use --aws-config")),
        Recorders::NotRecorded => once(unreadable("a recorded estate does not hold AWS Config; run without --estate")),
        Recorders::Known(accounts) => accounts
            .iter()
            .map(|(id, known)| check(id, of_account(question, organization.partition, id, known)))
            .collect(),
    }
}

/// Begins what is said of a role that is not the service-linked one.
const ROLE: &str = "the recorder's role is";

fn of_account(
    question: RecorderQuestion,
    partition: Partition,
    id: &AccountId,
    known: &AccountRecorders,
) -> (Answer, Fix) {
    let regions = match known {
        AccountRecorders::NotSelected => {
            return (outside("the configuration does not select this account"), Fix::None);
        }
        AccountRecorders::Unreadable(problem) => return (unreadable(said(problem)), Fix::None),
        AccountRecorders::Regions(regions) if regions.is_empty() => {
            return (unreadable("no enabled region is known"), Fix::None);
        }
        AccountRecorders::Regions(regions) => regions,
    };
    let mut found: BTreeMap<(CheckVerdict, String), Vec<&str>> = BTreeMap::new();
    for (region, known) in regions {
        let answers = match known {
            Ok(known) => of_region(question, partition, id, known),
            Err(problem) => vec![unreadable(said(problem))],
        };
        for answer in answers {
            found.entry(answer).or_default().push(region.as_str());
        }
    }
    if question.asks_types() {
        found.extend(global_types(regions).map(|answer| (answer, Vec::new())));
    }
    let verdict = found.keys().map(|(verdict, _)| *verdict).max().unwrap_or(CheckVerdict::Pass);
    if verdict == CheckVerdict::Pass {
        return (pass(well(question, regions)), Fix::None);
    }
    let mut failed = found.keys().filter(|(verdict, _)| *verdict == CheckVerdict::Fail);
    let fix = match verdict {
        CheckVerdict::Fail if failed.all(|(_, fact)| fact.starts_with(ROLE)) => Fix::Elsewhere(SERVICE_ROLE),
        CheckVerdict::Fail => Fix::Elsewhere(TURN_ON),
        _ => Fix::None,
    };
    // What failed comes first.
    let facts: Vec<String> = found
        .iter()
        .rev()
        .filter(|((verdict, _), _)| *verdict != CheckVerdict::Pass)
        .map(|((_, fact), regions)| match &regions[..] {
            [] => fact.clone(),
            regions => format!("in {}: {fact}", words::some(regions, NAMED_MAX)),
        })
        .collect();
    ((verdict, facts.join("; ")), fix)
}

fn said(problem: &Problem) -> String {
    format!("it could not be read: {}: {}", problem.code, problem.message)
}

/// Returns what is wrong in a region, or not known; nothing where all is well.
fn of_region(question: RecorderQuestion, partition: Partition, id: &AccountId, known: &RegionRecorder) -> Vec<Answer> {
    let Some(recorder) = &known.recorder else {
        // A role is asked of what records.
        let none = (question != RecorderQuestion::ServiceRole).then(|| fail("there is no configuration recorder"));
        return none.into_iter().collect();
    };
    if question == RecorderQuestion::ServiceRole {
        return if recorder.recording { role(partition, id, recorder).into_iter().collect() } else { Vec::new() };
    }
    let mut answers: Vec<Answer> = state(recorder).into_iter().collect();
    if question.asks_types() {
        answers.extend(types(question, &recorder.types));
        answers.extend(delivery(known));
    }
    if question == RecorderQuestion::ServiceLinked {
        answers.extend(role(partition, id, recorder));
    }
    answers
}

fn state(recorder: &ConfigRecorder) -> Option<Answer> {
    if !recorder.recording {
        let since = recorder.stopped.map(|stopped| format!(" since {stopped}")).unwrap_or_default();
        return Some(fail(format!("the configuration recorder is off{since}")));
    }
    recorder.failure.as_ref().map(|why| fail(format!("the configuration recorder fails: {why}")))
}

fn types(question: RecorderQuestion, types: &RecordedTypes) -> Option<Answer> {
    let named = |types: &BTreeSet<String>| words::some(&types.iter().collect::<Vec<_>>(), NAMED_MAX);
    let fact = match types {
        RecordedTypes::All { .. } => return None,
        RecordedTypes::AllBut(types) if types.is_empty() => return None,
        RecordedTypes::AllBut(types) => format!("the recorder leaves out {}", named(types)),
        RecordedTypes::Only(types) if types.is_empty() => "the recorder records no type".to_owned(),
        RecordedTypes::Only(types) => format!("the recorder records only {}", named(types)),
    };
    Some(match question {
        // It asks for the types that the enabled controls need.
        RecorderQuestion::ServiceLinked => {
            outside(format!("{fact}, and which types the enabled controls of Security Hub need is not read"))
        }
        _ => fail(fact),
    })
}

fn delivery(known: &RegionRecorder) -> Option<Answer> {
    let Some(channel) = &known.channel else { return Some(fail("there is no delivery channel")) };
    let why = channel.failure()?;
    Some(fail(format!("the delivery to {} fails: {why}", channel.bucket)))
}

fn role(partition: Partition, id: &AccountId, recorder: &ConfigRecorder) -> Option<Answer> {
    match &recorder.role {
        None => Some(unreadable("the recorder does not say its role")),
        Some(role) if *role == ConfigRecorder::service_linked_role(partition, id) => None,
        Some(role) => Some(fail(format!("{ROLE} {role}, not the service-linked one"))),
    }
}

/// Says where the global types are not recorded; nothing where they are.
fn global_types(regions: &BTreeMap<Region, Result<RegionRecorder, Problem>>) -> Option<Answer> {
    if !global_regions(regions).is_empty() {
        return None;
    }
    let types = "the global types (IAM users, groups, roles and policies)";
    if regions.values().any(Result::is_err) {
        return Some(unreadable(format!("whether a region records {types} is not known")));
    }
    Some(fail(format!("no region records {types}")))
}

fn global_regions(regions: &BTreeMap<Region, Result<RegionRecorder, Problem>>) -> Vec<&str> {
    let records = |(region, known): (&Region, &Result<RegionRecorder, Problem>)| {
        known.as_ref().ok()?.recorder.as_ref().filter(|recorder| recorder.records_global(region)).map(|_| ())
    };
    regions.iter().filter(|of| records(*of).is_some()).map(|(region, _)| region.as_str()).collect()
}

/// Says what is well, and what a person should know of it: global types that are paid for several times, and changes
/// of a day that are not seen one by one.
fn well(question: RecorderQuestion, regions: &BTreeMap<Region, Result<RegionRecorder, Problem>>) -> String {
    let all = words::count(regions.len(), "enabled region");
    let fact = match question {
        RecorderQuestion::On => return format!("the configuration recorder is on in {all}"),
        RecorderQuestion::ServiceRole => {
            return "every configuration recorder that is on has the service-linked role".to_owned();
        }
        RecorderQuestion::EveryType | RecorderQuestion::ServiceLinked => {
            format!("the configuration recorder is on with all types in {all}")
        }
    };
    let global = global_regions(regions);
    let paid = if global.len() > 1 { ", in each of which they are paid for" } else { "" };
    let global = format!("the global types in {}{paid}", words::some(&global, NAMED_MAX));
    let recorders =
        regions.iter().filter_map(|(region, known)| Some((region, known.as_ref().ok()?.recorder.as_ref()?)));
    let is_daily = |recorder: &ConfigRecorder| {
        recorder.frequency == RecordingFrequency::Daily
            || recorder.overrides.values().any(|frequency| *frequency == RecordingFrequency::Daily)
    };
    let daily: Vec<&str> =
        recorders.filter(|(_, recorder)| is_daily(recorder)).map(|(region, _)| region.as_str()).collect();
    if daily.is_empty() {
        return format!("{fact}, {global}");
    }
    format!("{fact}, {global}; daily only, of some types at least, in {}", words::some(&daily, NAMED_MAX))
}

#[cfg(test)]
mod tests;
