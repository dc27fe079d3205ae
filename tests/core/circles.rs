//! Modules that need each other are one module in several files: nobody can read, test or move one of them alone.
//!
//! A module may use what its own parent has, as children do; a parent hands on what its children have. Everything else
//! goes in one direction.

use std::collections::{BTreeMap, BTreeSet};

use super::modules::{Modules, library, uses};

/// The circles that are still there. Whoever opens one takes it out of the list; nobody adds one.
const KNOWN: &[&[&str]] = &[
    &["cli::logs::evidence", "cli::logs::ring", "cli::verify"],
    &["cloud::aws::logs", "cloud::aws::surroundings"],
    &["config::schema::notices", "config::schema::reconcile", "config::schema::text", "config::schema::values"],
    &["drift::compare", "drift::record"],
    &["export::resources", "export::roles"],
    &[
        "logs::verify::explain",
        "logs::verify::outside",
        "logs::verify::replaced",
        "logs::verify::spare",
        "logs::verify::walk",
    ],
    &["logs::verify::answer", "logs::verify::chain_cursor", "logs::verify::recent", "logs::verify::whole"],
    &["reconcile::clock", "reconcile::observe"],
    &[
        "report::plan::assessment",
        "report::plan::drift_comparison",
        "report::plan::other_trails",
        "report::plan::view",
        "report::plan::violations",
    ],
    &["reconcile::daemon", "reconcile::daemon_state", "reconcile::notifier", "reconcile::supervisor"],
];

/// Returns the modules that need each other, each group once.
fn circles(all: &Modules) -> BTreeSet<BTreeSet<&str>> {
    let mut uses = uses(all);
    for (name, used) in &mut uses {
        used.retain(|other| !name.starts_with(&format!("{other}::")));
    }
    let needs: BTreeMap<&str, BTreeSet<&str>> = uses.keys().map(|name| (*name, reached(&uses, *name))).collect();
    let group = |name: &str| -> BTreeSet<&str> {
        let own = needs[name].iter().copied();
        own.filter(|other| needs.get(other).is_some_and(|back| back.contains(name))).collect()
    };
    uses.keys().map(|name| group(name)).filter(|group| group.len() > 1).collect()
}

/// Returns what a module needs, directly or through others.
fn reached<'a>(uses: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &'a str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(name) = open.pop() {
        open.extend(uses.get(name).into_iter().flatten().filter(|other| found.insert(**other)));
    }
    found
}

#[test]
fn modules_do_not_need_each_other() {
    let all = library();
    let found = circles(&all);
    let is_within = |circle: &BTreeSet<&str>, known: &&[&str]| circle.iter().all(|module| known.contains(module));
    let new: Vec<_> = found.iter().filter(|circle| !KNOWN.iter().any(|known| is_within(circle, known))).collect();
    let uses = uses(&all);
    let told = |circle: &BTreeSet<&str>| {
        let line = |name: &str| format!("{name} uses {:?}", uses[name].intersection(circle).collect::<Vec<_>>());
        circle.iter().map(|name| line(name)).collect::<Vec<_>>().join("\n")
    };
    assert!(new.is_empty(), "new circles:\n{}", new.into_iter().map(told).collect::<Vec<_>>().join("\n\n"));
    let open: Vec<_> = KNOWN.iter().filter(|known| !found.iter().any(|circle| is_within(circle, known))).collect();
    assert!(open.is_empty(), "these are open now, take them out of the list: {open:?}");
}

#[test]
fn a_circle_is_found_through_what_a_parent_hands_on() {
    let of = |files: &[(&str, &str)]| -> Modules {
        files.iter().map(|(name, code)| ((*name).to_owned(), (*code).to_owned())).collect()
    };
    let parent = ("a", "mod b;\nmod c;\npub use b::{B, Other};\npub use c::C;\npub struct A;");
    let c = ("a::c", "pub struct C;\nfn c() { crate::a::B::new() }");
    let all = of(&[parent, ("a::b", "use super::{A,\n    C};"), c]);
    assert_eq!(circles(&all), [["a::b", "a::c"].into()].into());
    let all = of(&[parent, ("a::b", "use super::A;\nuse crate::ids::Id;"), c]);
    assert_eq!(circles(&all), BTreeSet::new(), "a parent's own things, and those that it hands on, are no circle");
    let all =
        of(&[("a", "use crate::b::x::X;"), ("b", ""), ("b::x", "fn x(c: crate::c::C) {}"), ("c", "use super::a::A;")]);
    assert_eq!(circles(&all), [["a", "b::x", "c"].into()].into());
}
