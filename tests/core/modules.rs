//! The modules of the library as their source has them: without comments and tests, and what each takes from which
//! other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The code of each module by its name (`policy::evaluate`), without comments, inline tests and modules of tests.
pub type Modules = BTreeMap<String, String>;

/// Where the source of each package is. Together they are one house: a room is in one of them, and is used by its name.
pub const SOURCES: [&str; 5] =
    ["src", "crates/core/src", "crates/archive/src", "crates/detect/src", "crates/query/src"];

/// Reads the library.
pub fn library() -> Modules {
    let mut all = Modules::new();
    for root in SOURCES.map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)) {
        let mut open = vec![root.clone()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    all.insert(name(path.strip_prefix(&root).unwrap().to_owned()), fs::read_to_string(&path).unwrap());
                }
            }
        }
    }
    without_tests(all)
}

fn name(mut path: PathBuf) -> String {
    path.set_extension("");
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let parts = parts.strip_suffix(&["mod".to_owned()]).unwrap_or(&parts);
    parts.join("::")
}

/// Takes comments, inline tests and modules of tests out.
fn without_tests(all: Modules) -> Modules {
    let tests: Vec<String> = all.iter().flat_map(|(name, text)| test_modules(name, text)).collect();
    let is_test = |name: &str| tests.iter().any(|test| name == test || name.starts_with(&format!("{test}::")));
    let code = |text: &str| {
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        lines.map(|line| line.split(" // ").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
    };
    let kept = all.iter().filter(|(name, _)| !is_test(name));
    kept.map(|(name, text)| (name.clone(), code(text))).collect()
}

fn test_modules(name: &str, text: &str) -> Vec<String> {
    let declared = text.split("#[cfg(test)]\n").skip(1).filter_map(|rest| {
        let line = rest.lines().find(|line| !line.trim_start().starts_with("#["))?.trim();
        let (_, module) = line.strip_suffix(';')?.rsplit_once("mod ")?;
        Some(format!("{name}::{module}"))
    });
    declared.collect()
}

/// What one module says of others.
struct Said {
    /// The paths of its imports, with whether it hands them on.
    imports: Vec<(Vec<String>, bool)>,
    /// The paths in its other code.
    paths: Vec<Vec<String>>,
}

impl Said {
    fn of(code: &str) -> Self {
        let (mut imports, mut rest) = (Vec::new(), String::new());
        let mut open: Option<(String, bool)> = None;
        for line in code.lines() {
            let trimmed = line.trim();
            if open.is_none() {
                let public = trimmed.starts_with("pub");
                let plain = if public {
                    trimmed.split_once(" use ").map(|(_, tree)| tree)
                } else {
                    trimmed.strip_prefix("use ")
                };
                match plain.filter(|_| trimmed.starts_with("use ") || is_public_use(trimmed)) {
                    Some(tree) => open = Some((tree.to_owned(), public)),
                    None => rest.extend([line, "\n"]),
                }
            } else if let Some((tree, _)) = &mut open {
                tree.push_str(trimmed);
            }
            if let Some((tree, public)) = open.take_if(|(tree, _)| tree.ends_with(';')) {
                imports.extend(branches(tree.trim_end_matches(';')).into_iter().map(|path| (path, public)));
            }
        }
        Self { imports, paths: paths(&rest) }
    }
}

fn is_public_use(line: &str) -> bool {
    line.starts_with("pub use ") || line.starts_with("pub(") && line.contains(") use ")
}

/// Returns the paths of a tree of imports: `a::{b, c::{self, d as e}}`.
fn branches(tree: &str) -> Vec<Vec<String>> {
    let split = |path: &str| -> Vec<String> {
        let path = path.split(" as ").next().unwrap_or_default();
        path.split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    };
    let Some((before, inner)) = tree.split_once('{') else { return vec![split(tree)] };
    let inner = inner.rsplit_once('}').map_or(inner, |(inner, _)| inner);
    let (mut depth, mut start, mut parts) = (0usize, 0, Vec::new());
    for (at, letter) in inner.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&inner[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inner[start..]);
    let below = parts.into_iter().filter(|part| !part.trim().is_empty()).flat_map(branches);
    below.map(|path| split(before).into_iter().chain(path).collect()).collect()
}

/// Returns the paths of two names or more in code.
fn paths(code: &str) -> Vec<Vec<String>> {
    let words = code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).filter(|word| word.contains("::"));
    let path = |word: &str| word.split("::").map(str::to_owned).take_while(|part| !part.is_empty()).collect::<Vec<_>>();
    words.map(path).filter(|path| path.len() > 1).collect()
}

/// What each module takes from which other: the module that has it, also where another one hands it on.
pub fn uses(all: &Modules) -> BTreeMap<&str, BTreeSet<&str>> {
    let said: BTreeMap<&str, Said> = all.iter().map(|(name, code)| (name.as_str(), Said::of(code))).collect();
    let mut handed_on: BTreeMap<(&str, String), Vec<String>> = BTreeMap::new();
    for (name, own) in &said {
        for (path, _) in own.imports.iter().filter(|(_, public)| *public) {
            if let (Some(full), Some(last)) = (absolute(all, name, path), path.last()) {
                handed_on.insert((name, last.clone()), full);
            }
        }
    }
    let mut uses: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, own) in &said {
        let taken = own.imports.iter().filter(|(_, public)| !public).map(|(path, _)| path);
        let homes = taken.chain(&own.paths).filter_map(|path| home(all, &handed_on, absolute(all, name, path)?));
        uses.insert(name, homes.filter(|home| home != name).collect());
    }
    uses
}

/// Returns a path from the top of the library; none where it leads out of it.
fn absolute(all: &Modules, module: &str, path: &[String]) -> Option<Vec<String>> {
    let mut base: Vec<String> = module.split("::").map(str::to_owned).collect();
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => (base, rest) = (Vec::new(), &path[1..]),
        "self" => rest = &path[1..],
        "super" => {
            while rest.first().is_some_and(|part| part == "super") {
                base.pop()?;
                rest = &rest[1..];
            }
        }
        child if all.contains_key(&format!("{module}::{child}")) => {}
        _ => return None,
    }
    Some(base.into_iter().chain(rest.iter().cloned()).collect())
}

/// Returns the module that has what a path names.
fn home<'a>(
    all: &'a Modules,
    handed_on: &BTreeMap<(&str, String), Vec<String>>,
    mut path: Vec<String>,
) -> Option<&'a str> {
    // What is handed on more often goes round in a circle.
    for _ in 0..8 {
        let depth = (1..=path.len()).rev().find(|depth| all.contains_key(&path[..*depth].join("::")))?;
        let (module, _) = all.get_key_value(&path[..depth].join("::"))?;
        let next = path.get(depth).and_then(|name| handed_on.get(&(module.as_str(), name.clone())));
        match next {
            Some(full) => path = full.iter().chain(&path[depth + 1..]).cloned().collect(),
            None => return Some(module),
        }
    }
    None
}

#[test]
fn trees_of_imports_and_paths_in_code_are_read() {
    let flat = |list: Vec<Vec<String>>| list.into_iter().map(|path| path.join("::")).collect::<Vec<_>>();
    let tree = "crate::{ids, plan::{self, Plan as P, risk::{Risk}}, report::*}";
    let expected =
        ["crate::ids", "crate::plan::self", "crate::plan::Plan", "crate::plan::risk::Risk", "crate::report::*"];
    assert_eq!(flat(branches(tree)), expected);
    assert_eq!(flat(paths("let a: super::B = c::d::<E>(f);")), ["super::B", "c::d"]);
    let text = "fn a() {}\n// see super::x\n#[cfg(test)]\n#[path = \"x.rs\"]\npub(crate) mod fixture;\n#[cfg(test)]\nmod tests {\n use super::y;";
    let all = [("a".to_owned(), text.to_owned()), ("a::fixture".to_owned(), String::new())];
    let left = without_tests(all.into());
    assert_eq!(left.keys().collect::<Vec<_>>(), ["a"]);
    assert!(!left["a"].contains("super"), "{left:?}");
}
