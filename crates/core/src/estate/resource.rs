//! The closed list of what a resource can be, and what every kind can do.

use serde::{Deserialize, Serialize};

use super::key::referenced_key;
use super::{
    Address, Bucket, BucketPolicy, ConfigAggregator, DelegatedAdministrator, Field, Key, KeyPolicy, Kind, LogGroup,
    OWNER_TAG, Policy, Queue, Role, Rule, ServiceControlPolicy, Tags, Topic, Trail, TrustedAccess,
};
use crate::policy::PolicyDocument;

/// A resource of one of the kinds, as a wish or as observed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// See [`TrustedAccess`].
    TrustedAccess(TrustedAccess),
    /// See [`DelegatedAdministrator`].
    DelegatedAdministrator(DelegatedAdministrator),
    /// See [`Bucket`].
    Bucket(Bucket),
    /// See [`BucketPolicy`].
    BucketPolicy(BucketPolicy),
    /// See [`Key`].
    Key(Key),
    /// See [`KeyPolicy`].
    KeyPolicy(KeyPolicy),
    /// See [`Topic`].
    Topic(Topic),
    /// See [`LogGroup`].
    LogGroup(LogGroup),
    /// See [`Role`].
    Role(Role),
    /// See [`Policy`].
    Policy(Policy),
    /// See [`Trail`].
    Trail(Trail),
    /// See [`ServiceControlPolicy`].
    ServiceControlPolicy(ServiceControlPolicy),
    /// See [`Queue`].
    Queue(Queue),
    /// See [`Rule`].
    Rule(Rule),
    /// See [`ConfigAggregator`].
    ConfigAggregator(ConfigAggregator),
}

macro_rules! from_kind {
    ($($kind:ident),*) => {
        $(impl From<$kind> for Resource {
            fn from(resource: $kind) -> Self {
                Resource::$kind(resource)
            }
        })*
        impl Resource {
            /// Returns which kind it is.
            pub fn kind(&self) -> Kind {
                match self {
                    $(Resource::$kind(_) => Kind::$kind,)*
                }
            }

            /// Returns its fields in the form in which plans compare them.
            pub fn fields(&self) -> Vec<Field> {
                match self {
                    $(Resource::$kind(resource) => resource.fields(),)*
                }
            }
        }
    };
}

from_kind!(
    TrustedAccess,
    DelegatedAdministrator,
    Bucket,
    BucketPolicy,
    Key,
    KeyPolicy,
    Topic,
    LogGroup,
    Role,
    Policy,
    Trail,
    ServiceControlPolicy,
    Queue,
    Rule,
    ConfigAggregator
);

impl Resource {
    /// Returns the fields that this resource, as a wish, asks for.
    pub fn wished_fields(&self) -> Vec<Field> {
        let mut fields = self.fields();
        match self {
            Resource::Bucket(bucket) => fields.retain(|field| !bucket.leaves_alone(field)),
            // Whoever encrypted the topic had a reason: no key in the configuration is no wish to decrypt it.
            Resource::Topic(topic) if topic.key.is_none() => fields.retain(|field| field.path != "key"),
            // AWS gives every role a longest session; where none is wished for, any will do.
            Resource::Role(role) if role.max_session_s.is_none() => {
                fields.retain(|field| field.path != "max_session_s");
            }
            _ => {}
        }
        fields
    }

    /// Returns its tags; none for kinds that have none, or where they could not be read.
    pub fn tags(&self) -> Option<&Tags> {
        match self {
            Resource::Bucket(r) => Some(&r.tags),
            Resource::Key(r) => Some(&r.tags),
            Resource::Topic(r) => Some(&r.tags),
            Resource::LogGroup(r) => Some(&r.tags),
            Resource::Role(r) => Some(&r.tags),
            Resource::Policy(r) => Some(&r.tags),
            Resource::Trail(r) => r.tags.as_ref(),
            Resource::ServiceControlPolicy(r) => Some(&r.tags),
            Resource::Queue(r) => Some(&r.tags),
            Resource::Rule(r) => Some(&r.tags),
            Resource::ConfigAggregator(r) => Some(&r.tags),
            Resource::TrustedAccess(_)
            | Resource::DelegatedAdministrator(_)
            | Resource::BucketPolicy(_)
            | Resource::KeyPolicy(_) => None,
        }
    }

    /// Returns the deployment that made it, by its tag.
    pub fn deployment(&self) -> Option<&str> {
        self.tags()?.get(OWNER_TAG).map(String::as_str)
    }

    /// Returns the policy that others may write statements into too.
    pub fn shared_policy(&self) -> Option<&PolicyDocument> {
        match self {
            Resource::BucketPolicy(r) => Some(&r.policy),
            Resource::KeyPolicy(r) => Some(&r.policy),
            Resource::Topic(r) => Some(&r.policy),
            _ => None,
        }
    }

    /// Returns the policy that is attached to it and says who may use it, whether others may write statements into it
    /// or not.
    pub fn own_policy(&self) -> Option<&PolicyDocument> {
        match self {
            Resource::Queue(r) => r.policy.as_ref(),
            other => other.shared_policy(),
        }
    }

    /// Returns [`Resource::shared_policy`] to be changed.
    pub fn shared_policy_mut(&mut self) -> Option<&mut PolicyDocument> {
        match self {
            Resource::BucketPolicy(r) => Some(&mut r.policy),
            Resource::KeyPolicy(r) => Some(&mut r.policy),
            Resource::Topic(r) => Some(&mut r.policy),
            _ => None,
        }
    }

    /// Applies `change` to every text that can hold a reference to a key.
    fn map_references(&mut self, change: &mut dyn FnMut(&mut String)) {
        match self {
            Resource::Bucket(r) => r.encryption.iter_mut().filter_map(|e| e.key.as_mut()).for_each(change),
            Resource::Topic(r) => r.key.iter_mut().for_each(change),
            Resource::Trail(r) => r.key.iter_mut().for_each(change),
            Resource::Role(r) => r.inline.values_mut().for_each(|policy| policy.map_texts(change)),
            Resource::Policy(r) => r.document.map_texts(change),
            Resource::ServiceControlPolicy(r) => r.document.map_texts(change),
            Resource::TrustedAccess(_)
            | Resource::DelegatedAdministrator(_)
            | Resource::BucketPolicy(_)
            | Resource::Key(_)
            | Resource::KeyPolicy(_)
            | Resource::LogGroup(_)
            | Resource::Queue(_)
            | Resource::Rule(_)
            | Resource::ConfigAggregator(_) => {}
        }
    }

    /// Replaces each reference to a key by its ARN where `arn_of` knows it; returns the addresses that it does not
    /// know.
    pub fn resolve(&mut self, arn_of: &dyn Fn(&Address) -> Option<String>) -> Vec<Address> {
        let mut unknown = Vec::new();
        self.map_references(&mut |text| {
            if let Some(address) = referenced_key(text) {
                match arn_of(&address) {
                    Some(arn) => *text = arn,
                    None => unknown.push(address),
                }
            }
        });
        unknown
    }
}
