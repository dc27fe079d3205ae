//! Modules that need each other are one module in several files: nobody can read, test or move one of them alone.
//!
//! A module may use what its own parent has, as children do; a parent hands on what its children have. Everything else
//! goes in one direction.

use std::collections::{BTreeMap, BTreeSet};

use super::modules::{Modules, library, uses};

/// Returns the modules that need each other, each group once.
fn circles(all: &Modules) -> BTreeSet<BTreeSet<&str>> {
    let mut uses = uses(all);
    for (name, used) in &mut uses {
        used.retain(|other| !name.starts_with(&format!("{other}::")));
    }
    groups(&uses)
}

/// Returns the parts of rooms that need each other, each group once: `policy::isolation` stands for all that is in it.
fn circles_of_parts(all: &Modules) -> BTreeSet<BTreeSet<&str>> {
    let mut of_parts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, used) in uses(all) {
        let Some((room, own)) = part(name) else { continue };
        let others = used.into_iter().filter_map(part).filter(|(at, other)| *at == room && *other != own);
        of_parts.entry(own).or_default().extend(others.map(|(_, other)| other));
    }
    groups(&of_parts)
}

/// Returns the room of a module, and the part of it that the module is in; none for the room itself.
fn part(name: &str) -> Option<(&str, &str)> {
    let (room, inside) = name.split_once("::")?;
    let end = inside.find("::").map_or(name.len(), |end| room.len() + "::".len() + end);
    Some((room, &name[..end]))
}

fn groups<'a>(uses: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<BTreeSet<&'a str>> {
    let needs: BTreeMap<&str, BTreeSet<&str>> = uses.keys().map(|name| (*name, reached(uses, name))).collect();
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

/// Fails on a circle, and says what each part of it takes from the others.
fn hold(found: &BTreeSet<BTreeSet<&str>>, uses: &BTreeMap<&str, BTreeSet<&str>>) {
    let line = |name: &str, circle: &BTreeSet<&str>| {
        let used = uses.iter().filter(|(other, _)| **other == name || other.starts_with(&format!("{name}::")));
        let others = used.flat_map(|(_, used)| used).filter(|used| circle.iter().any(|part| used.starts_with(part)));
        format!("{name} uses {:?}", others.filter(|other| !other.starts_with(name)).collect::<BTreeSet<_>>())
    };
    let told = |circle: &BTreeSet<&str>| circle.iter().map(|name| line(name, circle)).collect::<Vec<_>>().join("\n");
    let circles: Vec<String> = found.iter().map(told).collect();
    assert!(circles.is_empty(), "circles:\n{}", circles.join("\n\n"));
}

#[test]
fn modules_do_not_need_each_other() {
    let all = library();
    hold(&circles(&all), &uses(&all));
}

#[test]
fn parts_of_a_room_do_not_need_each_other() {
    let all = library();
    hold(&circles_of_parts(&all), &uses(&all));
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
    assert_eq!((circles(&all), circles_of_parts(&all)), (BTreeSet::new(), [["a::b", "a::c"].into()].into()));
}
