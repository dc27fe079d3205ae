//! The folders of logs that a lake knows: of a folder that it does not know, everything is new.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Folders by the place that they lie in, and by the folder around them: most differ in the region only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Folders(BTreeMap<String, BTreeMap<String, BTreeSet<String>>>);

impl Folders {
    /// Adds a folder of a place, `AWSLogs/222222222222/CloudTrail/us-east-1/`.
    pub fn insert(&mut self, place: &str, folder: &str) {
        let (around, name) = split(folder);
        let known = self.0.entry(place.to_owned()).or_default().entry(around.to_owned()).or_default();
        known.insert(name.to_owned());
    }

    /// Tells whether a folder of a place is among them.
    pub fn has(&self, place: &str, folder: &str) -> bool {
        let (around, name) = split(folder);
        self.0.get(place).and_then(|known| known.get(around)).is_some_and(|names| names.contains(name))
    }

    /// Adds others.
    pub fn extend(&mut self, others: &Self) {
        for (place, folders) in &others.0 {
            let own = self.0.entry(place.clone()).or_default();
            for (around, names) in folders {
                own.entry(around.clone()).or_default().extend(names.iter().cloned());
            }
        }
    }
}

fn split(folder: &str) -> (&str, &str) {
    let folder = folder.trim_end_matches('/');
    folder.rsplit_once('/').unwrap_or(("", folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_known_at_its_place_alone() {
        let mut folders = Folders::default();
        folders.insert("s3://logs/", "AWSLogs/222222222222/CloudTrail/us-east-1/");
        let mut others = Folders::default();
        others.insert("s3://logs/", "AWSLogs/222222222222/CloudTrail/eu-west-1/");
        folders.extend(&others);
        let has = |place, folder| folders.has(place, folder);
        assert!(has("s3://logs/", "AWSLogs/222222222222/CloudTrail/us-east-1/"));
        assert!(has("s3://logs/", "AWSLogs/222222222222/CloudTrail/eu-west-1/"));
        assert!(!has("s3://other/", "AWSLogs/222222222222/CloudTrail/us-east-1/"));
        assert!(!has("s3://logs/", "AWSLogs/222222222222/CloudTrail-Digest/us-east-1/"));
        let text = serde_json::to_string(&folders).unwrap();
        assert_eq!(serde_json::from_str::<Folders>(&text).unwrap(), folders);
    }
}
