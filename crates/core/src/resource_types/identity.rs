//! What identifies a resource: the parts of its ARN, its name, its id.

/// What is known of a resource's identity; what is `None` is not known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ResourceIdentity {
    /// `aws`, `aws-cn`, `aws-us-gov`. `None`: not known.
    pub partition: Option<String>,
    /// The region. `None`: not known, or the type has none.
    pub region: Option<String>,
    /// The account that owns it. `None`: not known.
    pub account: Option<String>,
    /// What it is part of: the bucket of an object, the cluster of a service. `None`: nothing, or not known.
    pub parent: Option<String>,
    /// The name that a person chose. `None`: it has none, or it is not known.
    pub name: Option<String>,
    /// The id that the service gave. `None`: it has none, or it is not known.
    pub id: Option<String>,
    /// The version, revision or qualifier. `None`: all of them.
    pub version: Option<String>,
}

/// What two identities have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agreement {
    /// They have the same id.
    Id,
    /// They have the same name, and no ids that differ.
    Name,
}

impl ResourceIdentity {
    /// Returns what two identities of one resource say together. `None`: they contradict each other.
    pub(super) fn united(&self, other: &Self) -> Option<Self> {
        let one = |a: &Option<String>, b: &Option<String>| match (a, b) {
            (Some(a), Some(b)) if a != b => None,
            (a, b) => Some(a.clone().or_else(|| b.clone())),
        };
        Some(Self {
            partition: one(&self.partition, &other.partition)?,
            region: one(&self.region, &other.region)?,
            account: one(&self.account, &other.account)?,
            parent: one(&self.parent, &other.parent)?,
            name: one(&self.name, &other.name)?,
            id: one(&self.id, &other.id)?,
            version: one(&self.version, &other.version)?,
        })
    }

    /// Returns the same where what looks like the random end of an ARN is the end of the name: the ARN of a secret may
    /// be given without its end (Secrets Manager user guide, "Secret ARN"). `None`: nothing looks so.
    pub(super) fn as_name_alone(&self) -> Option<Self> {
        let name = format!("{}-{}", self.name.as_ref()?, self.id.as_ref()?);
        Some(Self { name: Some(name), id: None, ..self.clone() })
    }

    /// Compares two identities of one type. `None`: they are of different resources, or nothing says that they are of
    /// one.
    pub(super) fn agreement(&self, other: &Self, ignores_case: bool) -> Option<Agreement> {
        let same = |a: &str, b: &str| a == b || ignores_case && a.eq_ignore_ascii_case(b);
        let compare = |a: &Option<String>, b: &Option<String>| Some(same(a.as_deref()?, b.as_deref()?));
        let differs = |a: &Option<String>, b: &Option<String>| compare(a, b) == Some(false);
        let around = [
            (&self.partition, &other.partition),
            (&self.region, &other.region),
            (&self.account, &other.account),
            (&self.parent, &other.parent),
            (&self.version, &other.version),
        ];
        if around.into_iter().any(|(a, b)| differs(a, b)) {
            return None;
        }
        match compare(&self.id, &other.id) {
            Some(true) => Some(Agreement::Id),
            Some(false) => None,
            None => (compare(&self.name, &other.name) == Some(true)).then_some(Agreement::Name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_decides_before_a_name() {
        let of = |id: Option<&str>, name: Option<&str>, region: Option<&str>| ResourceIdentity {
            id: id.map(str::to_owned),
            name: name.map(str::to_owned),
            region: region.map(str::to_owned),
            ..ResourceIdentity::default()
        };
        let whole = of(Some("1"), Some("web"), Some("r"));
        assert_eq!(whole.agreement(&of(Some("1"), Some("old"), None), false), Some(Agreement::Id));
        assert_eq!(whole.agreement(&of(Some("2"), Some("web"), None), false), None, "a reused name");
        assert_eq!(whole.agreement(&of(None, Some("web"), None), false), Some(Agreement::Name));
        assert_eq!(whole.agreement(&of(None, Some("Web"), None), false), None);
        assert_eq!(whole.agreement(&of(None, Some("Web"), None), true), Some(Agreement::Name));
        assert_eq!(whole.agreement(&of(Some("1"), None, Some("other")), false), None);
        assert_eq!(whole.agreement(&ResourceIdentity::default(), false), None);
    }
}
