//! Reads the data file, strictly.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::table::{Also, IamActions, Pass, ServiceActions};
use crate::config::yaml_file::{YamlFile, YamlProblem};
use crate::config::{Code, ConfigErrors};
use crate::resource_types::PlacePath;

const FILE: &str = "actions.yaml";
const TEXT: &str = include_str!("data/actions.yaml");

/// How event sources end.
const SUFFIX: &str = ".amazonaws.com";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileEntry {
    same_prefix: BTreeSet<String>,
    services: BTreeMap<String, ServiceEntry>,
    also: Vec<AlsoEntry>,
    passes: Vec<PassEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceEntry {
    /// How the actions begin. `None`: as the source does.
    prefix: Option<String>,
    #[serde(default)]
    actions: BTreeMap<String, OneOrMany>,
    #[serde(default)]
    free: BTreeSet<String>,
    #[serde(default)]
    verbs: BTreeMap<String, String>,
    #[serde(default)]
    limited: BTreeMap<String, BTreeSet<String>>,
    #[serde(default)]
    with: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AlsoEntry {
    source: String,
    #[serde(default)]
    calls: BTreeSet<String>,
    when: String,
    needs: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PassEntry {
    source: String,
    calls: BTreeSet<String>,
    #[serde(default)]
    at: Vec<String>,
    #[serde(default)]
    profile: Vec<String>,
}

impl IamActions {
    /// Reads the file that is compiled in.
    ///
    /// # Errors
    /// None in a program whose tests have run: they read the same file.
    pub fn built_in() -> Result<Self, ConfigErrors> {
        let file = YamlFile::read(TEXT, FILE)?;
        let read = || -> Result<Self, String> {
            let entry: FileEntry = serde_json::from_value(file.value().clone()).map_err(|error| error.to_string())?;
            table(entry)
        };
        read().map_err(|why| {
            let problem = YamlProblem::of_value(Code::WrongValue, "", why, "see the head of the file for its fields");
            file.errors(vec![problem])
        })
    }
}

fn table(entry: FileEntry) -> Result<IamActions, String> {
    let same = entry.same_prefix.into_iter().map(|name| (format!("{name}{SUFFIX}"), ServiceActions::of(&name)));
    let mut services: BTreeMap<String, ServiceActions> = same.collect();
    for (source, service) in entry.services {
        let name = source.strip_suffix(SUFFIX).ok_or_else(|| format!("`{source}` is no event source"))?;
        let prefix = service.prefix.clone().unwrap_or_else(|| name.to_owned());
        services.insert(source, read_service(service, prefix));
    }
    let also = entry.also.into_iter().map(|own| {
        Ok(Also { source: own.source, calls: own.calls, when: PlacePath::read(&own.when)?, needs: own.needs })
    });
    let passes = entry.passes.into_iter().map(|own| {
        let paths = |texts: Vec<String>| texts.iter().map(|text| PlacePath::read(text)).collect::<Result<_, _>>();
        Ok(Pass { source: own.source, calls: own.calls, roles: paths(own.at)?, profiles: paths(own.profile)? })
    });
    let (also, passes) = (also.collect::<Result<_, String>>()?, passes.collect::<Result<_, String>>()?);
    Ok(IamActions { services, also, passes })
}

fn read_service(entry: ServiceEntry, prefix: String) -> ServiceActions {
    let whole = |action: String| if action.contains(':') { action } else { format!("{prefix}:{action}") };
    let actions = entry.actions.into_iter().map(|(call, actions)| {
        let actions = match actions {
            OneOrMany::One(action) => vec![action],
            OneOrMany::Many(actions) => actions,
        };
        (call, actions.into_iter().map(whole).collect())
    });
    let limited = entry.limited.into_iter().map(|(kind, actions)| (kind, actions.into_iter().map(whole).collect()));
    ServiceActions {
        actions: actions.collect(),
        free: entry.free,
        verbs: entry.verbs.into_iter().map(|(start, verb)| (start, whole(verb))).collect(),
        limited: limited.collect(),
        with: entry.with,
        prefix,
    }
}
