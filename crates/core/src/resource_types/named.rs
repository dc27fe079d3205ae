//! Every resource that a record names, of the types that are known: what is asked where nobody says which resource is
//! meant, as for "what did this actor change?".

use std::collections::{BTreeSet, HashMap};

use super::identity::{Agreement, ResourceIdentity};
use super::mention::{MatchedBy, Reading, account_of, are_of_one, parse, readings, unnamed};
use super::schema::{NameScope, ResourceCall, ResourceEffect, ResourceType, is_multi_region, without_version};
use super::table::ResourceTypes;
use crate::event::Record;

/// How many resources of one type are compared with each other before only equal ones count as one: the work grows
/// with the square, and calls name the same resource twice only where they name few.
const COMPARED_MAX: usize = 100;

/// A resource of a known type, as a record names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedResource {
    /// The type: `AWS::S3::Bucket`.
    pub resource_type: String,
    /// What the record says of its identity. The account and the region are those of the record where a name stands
    /// once in them; an id needs neither.
    pub identity: ResourceIdentity,
    /// What the call does to it. Whether it was done is not said here: see [`crate::event::Outcome`].
    pub effect: ResourceEffect,
    /// How the record names it. [`MatchedBy::Withheld`]: the record hides which one it is; [`MatchedBy::Prefix`]:
    /// `text` is how the ARNs of all that are meant begin.
    pub named_by: MatchedBy,
    /// Where the record names it: `requestParameters.roleName`, `resources`.
    pub place: String,
    /// The most telling text of the record for it: its ARN, else its id, else its name. Empty: it is withheld.
    pub text: String,
    /// Everything that the record calls it.
    pub also_called: BTreeSet<String>,
    /// Of a call that gives it another name: the new one, and of one that gives it this one the old one. `None`: the
    /// call leaves its name as it is, or the record lacks it.
    pub other_name: Option<String>,
}

/// What tells a resource from others: see [`ResourceReader::key`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ResourceKey {
    resource_type: String,
    account: Option<String>,
    region: Option<String>,
    parent: Option<String>,
    name: String,
    is_id: bool,
}

/// What the table says of a call, and of which type.
type TypedCall<'t> = (&'t ResourceType, &'t ResourceCall);

/// Reads which resources records name. It has the table by calls and by ARNs, so that a record costs little.
#[derive(Debug, Clone)]
pub struct ResourceReader<'t> {
    types: &'t ResourceTypes,
    /// By event source and event name, what the table says of them.
    calls: HashMap<&'t str, HashMap<&'t str, Vec<TypedCall<'t>>>>,
    /// The service of ARNs (`s3`), and the types that have such ARNs.
    services: HashMap<&'t str, Vec<&'t ResourceType>>,
}

impl ResourceTypes {
    /// Returns a reader of what records name.
    pub fn reader(&self) -> ResourceReader<'_> {
        let mut reader = ResourceReader { types: self, calls: HashMap::new(), services: HashMap::new() };
        for kind in self.all() {
            for call in &kind.calls {
                let of_source = reader.calls.entry(call.source.as_str()).or_default();
                of_source.entry(call.event.as_str()).or_default().push((kind, call));
            }
            let services: BTreeSet<&str> = kind.forms.iter().filter_map(|form| service(form.as_str())).collect();
            for service in services {
                reader.services.entry(service).or_default().push(kind);
            }
        }
        reader
    }
}

impl<'t> ResourceReader<'t> {
    /// Returns the table that it reads by.
    pub fn types(&self) -> &'t ResourceTypes {
        self.types
    }

    /// Returns the effects that the table gives the call of a record, each with its type. Empty: it does not know the
    /// call.
    pub fn effects(&self, record: &Record<'_>) -> impl Iterator<Item = (&'t ResourceType, ResourceEffect)> {
        self.calls_of(record).iter().map(|(kind, call)| (*kind, call.effect_of(record)))
    }

    /// Returns every resource that a record names: where the table says that its call names some, and in the list that
    /// the service writes (`resources`). One that is named in several ways is one. Calls that failed name what they
    /// were about.
    pub fn named_by(&self, record: &Record<'_>) -> Vec<RecordedResource> {
        let mut found = Vec::new();
        let calls = self.calls_of(record);
        for (kind, call) in calls {
            let is_of_other =
                |text: &str| calls.iter().any(|(other, _)| other.name != kind.name && has_id(other, text));
            let own = at_places(record, kind, call, is_of_other);
            found.extend(moved(record, kind, call, own));
        }
        self.add_listed(record, &mut found);
        found
    }

    /// Tells whether two resources of one type are the same, as far as their identities tell. `None`: they are not.
    /// `Some(false)`: they have the same name, and nothing says whether it is that of another place.
    pub fn is_same(&self, resource_type: &str, a: &ResourceIdentity, b: &ResourceIdentity) -> Option<bool> {
        let kind = self.types.named(resource_type)?;
        match kind.agreement(a, b)? {
            Agreement::Id => Some(true),
            Agreement::Name => {
                let account = a.account.is_some() && b.account.is_some();
                let region = !kind.is_regional() || a.region.is_some() && b.region.is_some();
                let parent = a.parent.is_some() && b.parent.is_some();
                Some(match kind.names {
                    NameScope::Partition => true,
                    NameScope::GlobalParent => parent,
                    NameScope::Account => account,
                    NameScope::Region => account && region,
                    NameScope::Parent => account && region && parent,
                    NameScope::Shared | NameScope::None => false,
                })
            }
        }
    }

    /// Returns what tells a resource from others of its type: the name with what it stands once in, else the id. Two
    /// resources that had a name one after the other have one key. `None`: the record does not say which one it is.
    pub fn key(&self, resource: &RecordedResource) -> Option<ResourceKey> {
        let kind = self.types.named(&resource.resource_type)?;
        let own = &resource.identity;
        let name = own.name.as_ref().filter(|_| !matches!(kind.names, NameScope::Shared | NameScope::None));
        let name = name.map(|name| if kind.ignores_case { name.to_lowercase() } else { name.clone() });
        let key = ResourceKey { resource_type: resource.resource_type.clone(), ..ResourceKey::default() };
        match (name, &own.id) {
            (Some(name), _) => Some(ResourceKey {
                account: own.account.clone(),
                region: own.region.clone(),
                parent: own.parent.clone(),
                name,
                ..key
            }),
            (None, Some(id)) => {
                let region = own.region.clone().filter(|_| is_multi_region(id));
                Some(ResourceKey { name: id.clone(), region, is_id: true, ..key })
            }
            // A name of several.
            (None, None) => Some(ResourceKey { name: own.name.clone()?, ..key }),
        }
    }

    /// Returns the ARN of a resource that a record names, with the account and region of the record where it names
    /// none. `None`: the type has no ARNs, or the record lacks a part of it, as the path of a role.
    pub fn arn(&self, record: &Record<'_>, resource: &RecordedResource) -> Option<String> {
        let kind = self.types.named(&resource.resource_type)?;
        let is_arn = |text: &&String| text.starts_with("arn:") && kind.forms.iter().any(|form| form.is_match(text));
        if let Some(arn) = resource.also_called.iter().find(is_arn) {
            return Some(arn.clone());
        }
        let form = kind.forms.iter().find(|form| form.as_str().starts_with("arn:"))?;
        // What a name does not tell: the path of a role, the random end of a secret's ARN.
        if form.as_str().contains("{path}") {
            return None;
        }
        let own = resource.identity.clone();
        // Some calls name a resource by something else in the place of its id: a key by an alias.
        let is_other = |id: &String| !kind.ids.is_empty() && !kind.ids.iter().any(|form| form.is_match(id));
        if own.id.as_ref().is_some_and(is_other) {
            return None;
        }
        let region = own.region.or_else(|| record.aws_region.as_deref().map(str::to_owned));
        let whole = ResourceIdentity {
            partition: own.partition.or_else(|| region.as_deref().map(|region| partition(region).to_owned())),
            account: own.account.or_else(|| account_of(record)),
            region,
            ..own
        };
        form.write(&whole)
    }

    fn calls_of(&self, record: &Record<'_>) -> &[TypedCall<'t>] {
        let source = record.event_source.as_deref().unwrap_or_default();
        let event = record.event_name.as_deref().unwrap_or_default();
        let Some(of_source) = self.calls.get(source) else { return &[] };
        of_source.get(event).or_else(|| of_source.get(without_version(event))).map_or(&[], Vec::as_slice)
    }

    /// Adds what the service lists, and what it says more of what is there.
    fn add_listed(&self, record: &Record<'_>, found: &mut Vec<RecordedResource>) {
        let named: BTreeSet<String> = found.iter().map(|own| own.resource_type.clone()).collect();
        let first = found.len();
        let calls = self.calls_of(record);
        let mut listed: HashMap<&str, usize> = HashMap::new();
        for arn in record.resources.iter().filter_map(|entry| entry.arn.as_deref()) {
            for kind in service(arn).and_then(|service| self.services.get(service)).into_iter().flatten() {
                let Some(identity) = parse(kind, arn) else { continue };
                *listed.entry(&kind.name).or_default() += 1;
                let read = named_in_full(kind, arn, identity, "resources");
                match found.iter_mut().take(COMPARED_MAX).find(|own| own.unites_with(kind, &read)) {
                    Some(known) => known.unite(read),
                    None => found.push(read),
                }
            }
        }
        for own in found.iter_mut().skip(first) {
            // Of several that the service lists, the call's effect is that of the one which it names itself.
            let is_other =
                named.contains(&own.resource_type) && listed.get(own.resource_type.as_str()).is_some_and(|n| *n > 1);
            let call = calls.iter().find(|(kind, _)| kind.name == own.resource_type && !is_other);
            own.effect = call.map_or_else(|| unnamed(record), |(_, call)| call.effect_here(record));
        }
        let prefixes = record.resources.iter().filter_map(|entry| entry.arn_prefix.as_deref());
        for prefix in prefixes.filter(|prefix| prefix.starts_with("arn:") && prefix.len() > "arn:".len()) {
            found.extend(calls.iter().map(|(kind, call)| RecordedResource {
                text: prefix.to_owned(),
                ..unknown(kind, call.effect_of(record), MatchedBy::Prefix, "resources")
            }));
        }
    }
}

impl RecordedResource {
    fn unites_with(&self, kind: &ResourceType, other: &Self) -> bool {
        self.resource_type == other.resource_type
            && self.identity.agreement(&other.identity, kind.ignores_case).is_some()
            && self.identity.united(&other.identity).is_some()
    }

    /// Takes what another reading says of the same resource.
    fn unite(&mut self, other: Self) {
        if let Some(identity) = self.identity.united(&other.identity) {
            self.identity = identity;
        }
        if other.named_by > self.named_by {
            (self.named_by, self.text) = (other.named_by, other.text);
        }
        self.also_called.extend(other.also_called);
    }
}

/// Returns what stands where the table says that a call names resources of a type. `is_of_other`: a text is the id of
/// another type that the call names at the same place, as tags are set.
fn at_places(
    record: &Record<'_>,
    kind: &ResourceType,
    call: &ResourceCall,
    is_of_other: impl Fn(&str) -> bool,
) -> Vec<RecordedResource> {
    let readings = readings(record, kind, call);
    if readings.is_empty() {
        let path = call.at.iter().find(|path| path.is_withheld(record));
        let hidden = |place: String| unknown(kind, call.effect_of(record), MatchedBy::Withheld, &place);
        return path.map(|path| hidden(path.to_string())).into_iter().collect();
    }
    let parents: BTreeSet<String> =
        call.parent.iter().flat_map(|path| path.texts(record)).map(|text| text.into_owned()).collect();
    // Of several parents nothing says which is whose.
    let parent = match parents.len() {
        0 => kind.default_parent.clone(),
        1 => parents.first().map(|parent| last_part(parent).to_owned()),
        _ => None,
    };
    let is_one = are_of_one(kind, &readings);
    let mut found: Vec<RecordedResource> = Vec::new();
    let mut seen = BTreeSet::new();
    for reading in readings {
        let Some(own) = read(record, kind, reading, parent.as_deref()) else { continue };
        if !seen.insert(own.text.clone()) || !has_id(kind, &own.text) && is_of_other(&own.text) {
            continue;
        }
        let own = RecordedResource { effect: call.effect_of(record), ..own };
        let is_same = |known: &&mut RecordedResource| {
            is_one && known.identity.united(&own.identity).is_some() || known.unites_with(kind, &own)
        };
        match found.iter_mut().take(COMPARED_MAX).find(is_same) {
            Some(known) => known.unite(own),
            None => found.push(own),
        }
    }
    found
}

/// Returns what a call names with what it gives another name, and with what it has its effect on in other regions.
fn moved(
    record: &Record<'_>,
    kind: &ResourceType,
    call: &ResourceCall,
    mut own: Vec<RecordedResource>,
) -> Vec<RecordedResource> {
    let mut others = Vec::new();
    if let Some(new_name) = call.new_name(record, kind) {
        let place = call.renamed.as_ref().map(ToString::to_string).unwrap_or_default();
        let old_name = own.iter().find_map(|own| own.identity.name.clone());
        let reading = Reading { parsed: parse(kind, &new_name), text: new_name.clone().into(), place };
        for own in own.iter_mut().filter(|own| own.named_by > MatchedBy::Prefix) {
            (own.effect, own.other_name) = (ResourceEffect::Rename, Some(new_name.clone()));
        }
        let named = read(record, kind, reading, None);
        others.extend(named.map(|named| RecordedResource {
            effect: ResourceEffect::Named,
            other_name: old_name,
            ..named
        }));
    }
    let regions = call.other_regions(record);
    let is_placed = |own: &&RecordedResource| own.identity.region.is_some();
    for (own, region) in own.iter().filter(is_placed).flat_map(|own| regions.iter().map(move |region| (own, region))) {
        let identity = ResourceIdentity { region: Some(region.clone()), ..own.identity.clone() };
        others.push(RecordedResource { identity, effect: call.effect_of(record), ..own.clone() });
    }
    if !call.regions.is_empty() {
        own.iter_mut().for_each(|own| own.effect = call.effect_here(record));
    }
    own.extend(others);
    own
}

/// Returns what one text says. `None`: it is the ARN of another type.
fn read(
    record: &Record<'_>,
    kind: &ResourceType,
    reading: Reading<'_>,
    parent: Option<&str>,
) -> Option<RecordedResource> {
    let text = reading.text.as_ref();
    if let Some(parsed) = reading.parsed {
        let identity = around(record, kind, parsed);
        return Some(named_in_full(kind, text, identity, &reading.place));
    }
    if text.starts_with("arn:") {
        return None;
    }
    let is_id = kind.names == NameScope::None
        || kind.ids.iter().any(|id| id.is_match(text))
        || has_ids_for_names(kind) && !reading.place.to_ascii_lowercase().ends_with("name");
    let own = Some(text.to_owned());
    let (identity, named_by) = match is_id {
        true => {
            let region = record.aws_region.as_deref().filter(|_| is_multi_region(text)).map(str::to_owned);
            (ResourceIdentity { id: own, region, ..ResourceIdentity::default() }, MatchedBy::Id)
        }
        false => {
            let parent = parent.map(str::to_owned);
            let identity = ResourceIdentity { name: own, parent, ..ResourceIdentity::default() };
            (around(record, kind, identity), MatchedBy::Name)
        }
    };
    let texts = BTreeSet::from([text.to_owned()]);
    let resource = unknown(kind, ResourceEffect::Unknown, named_by, &reading.place);
    Some(RecordedResource { identity, text: text.to_owned(), also_called: texts, ..resource })
}

/// A resource that is named by its ARN or URL.
fn named_in_full(kind: &ResourceType, text: &str, identity: ResourceIdentity, place: &str) -> RecordedResource {
    let is_arn = text.starts_with("arn:");
    let named_by = match (is_arn, &identity.id) {
        (true, _) => MatchedBy::Arn,
        (false, Some(_)) => MatchedBy::Id,
        (false, None) => MatchedBy::Name,
    };
    let text = text.strip_suffix(":*").unwrap_or(text).to_owned();
    let texts = BTreeSet::from([text.clone()]);
    let resource = unknown(kind, ResourceEffect::Unknown, named_by, place);
    RecordedResource { identity, text, also_called: texts, ..resource }
}

/// A resource of which the record does not say which one it is.
fn unknown(kind: &ResourceType, effect: ResourceEffect, named_by: MatchedBy, place: &str) -> RecordedResource {
    RecordedResource {
        resource_type: kind.name.clone(),
        identity: ResourceIdentity::default(),
        effect,
        named_by,
        place: place.to_owned(),
        text: String::new(),
        also_called: BTreeSet::new(),
        other_name: None,
    }
}

/// Adds the account and the region of a record to a name that stands once in them.
fn around(record: &Record<'_>, kind: &ResourceType, own: ResourceIdentity) -> ResourceIdentity {
    let of_account =
        matches!(kind.names, NameScope::Account | NameScope::Region | NameScope::Parent | NameScope::Shared);
    if !of_account || own.name.is_none() {
        return own;
    }
    let of_region = kind.names != NameScope::Account && kind.is_regional();
    let region = record.aws_region.as_deref().filter(|_| of_region).map(str::to_owned);
    let (account, region) = (own.account.or_else(|| account_of(record)), own.region.or(region));
    ResourceIdentity { account, region, ..own }
}

/// Tells whether the ARNs of a type have ids that look like names, which only the field tells from names.
fn has_ids_for_names(kind: &ResourceType) -> bool {
    kind.ids.is_empty() && !kind.forms.is_empty() && !kind.forms.iter().any(|form| form.takes_name("x"))
}

/// Tells whether a text is written as the ids of a type are, and as hardly any name is.
fn has_id(kind: &ResourceType, text: &str) -> bool {
    kind.ids.iter().any(|id| id.is_strong() && id.is_match(text))
}

/// Returns the last part of an ARN; another text as it is.
fn last_part(text: &str) -> &str {
    if text.starts_with("arn:") { text.rsplit(['/', ':']).next().unwrap_or(text) } else { text }
}

/// Returns the service of an ARN or of a pattern of ARNs. `None`: it is none.
fn service(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?.split(':').nth(1)
}

/// Returns the partition of a region (AWS General Reference, "Amazon Resource Names").
fn partition(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}
