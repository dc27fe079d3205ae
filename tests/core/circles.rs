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
    &[
        "report::plan::assessment",
        "report::plan::drift_comparison",
        "report::plan::other_trails",
        "report::plan::view",
        "report::plan::violations",
    ],
];

/// Rooms of which the parts (folders and files) do not need each other either. Whoever opens a circle of another room adds it.
const WITH_PARTS_IN_ORDER: &[&str] = &["daemon", "notify", "reconcile"];

/// Returns the modules that need each other, each group once.
fn circles(all: &Modules) -> BTreeSet<BTreeSet<&str>> {
    let mut uses = uses(all);
    for (name, used) in &mut uses {
        used.retain(|other| !name.starts_with(&format!("{other}::")));
    }
    groups(&uses)
}

/// Returns the parts of a room that need each other, each group once. A part stands for all that is in it.
fn circles_of_parts<'a>(all: &'a Modules, room: &str) -> BTreeSet<BTreeSet<&'a str>> {
    let part = |name: &'a str| -> Option<&'a str> {
        let inside = name.strip_prefix(room)?.strip_prefix("::")?;
        let end = name.len() - inside.len() + inside.find("::").unwrap_or(inside.len());
        Some(&name[..end])
    };
    let mut of_parts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, used) in uses(all) {
        let Some(own) = part(name) else { continue };
        of_parts.entry(own).or_default().extend(used.into_iter().filter_map(part).filter(|other| *other != own));
    }
    groups(&of_parts)
}

fn groups<'a>(uses: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<BTreeSet<&'a str>> {
    let needs: BTreeMap<&str, BTreeSet<&str>> = uses.keys().map(|name| (*name, reached(uses, *name))).collect();
    let group = |name: &'a str| -> BTreeSet<&'a str> {
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
fn parts_of_a_room_do_not_need_each_other() {
    let all = library();
    let parts = |room: &&str| all.keys().any(|name| name.starts_with(&format!("{room}::")));
    assert!(WITH_PARTS_IN_ORDER.iter().all(parts), "a room is not there any more");
    for room in WITH_PARTS_IN_ORDER {
        assert_eq!(circles_of_parts(&all, room), BTreeSet::new(), "circles in {room}");
    }
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
    let files = [
        ("a::b::x", "use crate::a::c::y::Y;"),
        ("a::b::z", ""),
        ("a::c::y", ""),
        ("a::c::v", "use crate::a::b::z::Z;"),
    ];
    let all = of(&files);
    assert_eq!((circles(&all), circles_of_parts(&all, "a")), (BTreeSet::new(), [["a::b", "a::c"].into()].into()));
}
