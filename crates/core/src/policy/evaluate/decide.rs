//! From what each kind of policy says to one answer.
//!
//! An explicit deny anywhere decides. Else resource control, service control and the caller's or the resource's
//! policies must all allow; which of the last two is enough depends on the accounts, the service, and how the caller is
//! named.

use super::layer::{Layer, Tri};
use super::principal::Grant;
use super::request::{Caller, Request};
use super::statement::Side;
use super::{AccessDecision, Denial, LayerKind, Layers, Named};

/// Judges a request under the given policies.
pub fn evaluate(request: &Request, layers: &Layers) -> AccessDecision {
    let read = Read::all(request, layers);
    match read.denies() {
        Tri::Yes(by) => match by.into_iter().next() {
            Some(place) => AccessDecision::Denied(Denial::Explicit(place)),
            None => unknown(Vec::new()),
        },
        Tri::No => read.verdict(read.permits(layers)),
        Tri::Unknown(why) => match read.permits(layers) {
            Tri::No => read.verdict(Tri::No),
            Tri::Yes(_) => unknown(why),
            Tri::Unknown(more) => unknown([why, more].concat()),
        },
    }
}

/// Judges a request as if no denial of which it cannot be told whether it applies did: what the caller may do at worst.
/// A denial can only narrow what is allowed, so that nobody is safe because of one that depends on who knows what.
pub fn evaluate_at_worst(request: &Request, layers: &Layers) -> AccessDecision {
    let read = Read::all(request, layers);
    match read.denies() {
        Tri::Yes(by) => match by.into_iter().next() {
            Some(place) => AccessDecision::Denied(Denial::Explicit(place)),
            None => unknown(Vec::new()),
        },
        Tri::No | Tri::Unknown(_) => read.verdict(read.permits(layers)),
    }
}

fn unknown(mut why: Vec<String>) -> AccessDecision {
    why.sort();
    why.dedup();
    AccessDecision::Unknown { why }
}

/// Every layer, judged.
struct Read<'a> {
    request: &'a Request,
    identity: Layer<'a>,
    boundary: Option<Layer<'a>>,
    session: Option<Layer<'a>>,
    resource: Option<Layer<'a>>,
    scps: Vec<Layer<'a>>,
    rcps: Vec<Layer<'a>>,
}

impl<'a> Read<'a> {
    fn all(request: &'a Request, layers: &Layers<'a>) -> Self {
        let read = |documents: &[Named<'a>], side| Layer::read(documents, side, request);
        // Service control policies do not reach services and callers without an account.
        let scps = if request.caller.account().is_some() { layers.scps } else { &[] };
        Self {
            request,
            identity: read(layers.identity, Side::Caller),
            boundary: layers.boundary.map(|one| read(&[one], Side::Caller)),
            session: (!layers.session.is_empty()).then(|| read(layers.session, Side::Caller)),
            resource: layers.resource.map(|one| read(&[one], Side::Resource)),
            scps: scps.iter().map(|level| read(level, Side::Caller)).collect(),
            rcps: layers.rcps.iter().map(|level| read(level, Side::Resource)).collect(),
        }
    }

    fn layers(&self) -> impl Iterator<Item = &Layer<'a>> {
        let some = [&self.boundary, &self.session, &self.resource].into_iter().flatten();
        self.scps.iter().chain(&self.rcps).chain([&self.identity]).chain(some)
    }

    fn denies(&self) -> Tri {
        self.layers().map(|layer| layer.denies.clone()).fold(Tri::No, Tri::or)
    }

    /// Tells whether everything that must allow the request does.
    fn permits(&self, layers: &Layers) -> Tri {
        let limits = self.scps.iter().chain(&self.rcps).map(Layer::allows).fold(Tri::Yes(Vec::new()), Tri::and);
        limits.and(self.grants(layers))
    }

    fn grants(&self, layers: &Layers) -> Tri {
        let Some(account) = self.request.caller.account() else {
            return self.resource_allows(|_| true);
        };
        match owner(self.request, layers) {
            Some(owner) if owner == account => self.grants_at_home(),
            Some(_) => self.grants_abroad(),
            // Whose the resource is, is not known: the answer counts if both cases give it.
            None => match (self.grants_at_home(), self.grants_abroad()) {
                (Tri::Yes(_), Tri::Yes(by)) => Tri::Yes(by),
                (Tri::No, Tri::No) => Tri::No,
                _ => Tri::Unknown(vec!["whose account the resource belongs to is not known".into()]),
            },
        }
    }

    /// Caller and resource in one account.
    fn grants_at_home(&self) -> Tri {
        let own = if needs_resource_policy(self.request) {
            self.own_policies().and(self.resource_allows(|grant| grant == Grant::Account))
        } else {
            self.own_policies()
        };
        let limits = self.boundary_allows().and(self.session_allows());
        let itself = self.resource_allows(|grant| grant == Grant::Itself);
        let role = self.resource_allows(|grant| grant == Grant::Role).and(limits.clone());
        let anyone = self.resource_allows(|grant| grant == Grant::Anyone).and(only_yes(limits));
        own.or(itself).or(role).or(anyone)
    }

    /// Caller and resource in different accounts: both sides must allow.
    fn grants_abroad(&self) -> Tri {
        self.own_policies().and(self.resource_allows(|_| true))
    }

    /// The caller's own policies within boundary and session. A root user may do everything in its account's name.
    fn own_policies(&self) -> Tri {
        let identity = if is_root(self.request) { Tri::Yes(Vec::new()) } else { self.identity.allows() };
        identity.and(self.boundary_allows()).and(self.session_allows())
    }

    fn boundary_allows(&self) -> Tri {
        self.boundary.as_ref().map_or(Tri::Yes(Vec::new()), Layer::allows)
    }

    fn session_allows(&self) -> Tri {
        self.session.as_ref().map_or(Tri::Yes(Vec::new()), Layer::allows)
    }

    fn resource_allows(&self, accept: impl Fn(Grant) -> bool) -> Tri {
        self.resource.as_ref().map_or(Tri::No, |layer| layer.allows_by(accept))
    }

    fn verdict(&self, permits: Tri) -> AccessDecision {
        match permits {
            Tri::Yes(by) => AccessDecision::Allowed { by },
            Tri::No => AccessDecision::Denied(self.implicit()),
            Tri::Unknown(why) => unknown(why),
        }
    }

    /// Names the policy that is to blame for an implicit denial: the first that does not allow, limits before grants.
    fn implicit(&self) -> Denial {
        let limits = self.rcps.iter().map(|layer| (LayerKind::ResourceControl, Some(layer)));
        let limits = limits.chain(self.scps.iter().map(|layer| (LayerKind::ServiceControl, Some(layer))));
        let limits = limits.chain([(LayerKind::Boundary, self.boundary.as_ref())]);
        let limits = limits.chain([(LayerKind::Session, self.session.as_ref())]);
        let resource = (LayerKind::Resource, self.resource.as_ref());
        let identity = (LayerKind::Identity, Some(&self.identity));
        let resource_first = self.request.caller.account().is_none() || needs_resource_policy(self.request);
        let grants = if resource_first { [resource, identity] } else { [identity, resource] };
        let blocks = |layer: &Option<&Layer>| layer.is_none_or(|layer| layer.allows() == Tri::No);
        let named = limits.filter(|(_, layer)| layer.is_some()).chain(grants).find(|(_, layer)| blocks(layer));
        let (layer, found) = named.unwrap_or(grants[0]);
        Denial::Implicit { layer, nearest: found.and_then(|layer| layer.nearest(self.request)) }
    }
}

/// AWS does not say whether a boundary or session policy that is silent limits a grant to `*`: then it is not known.
fn only_yes(limits: Tri) -> Tri {
    match limits {
        Tri::No => {
            Tri::Unknown(vec!["a grant to anyone meets a boundary or session policy that does not allow".into()])
        }
        other => other,
    }
}

fn is_root(request: &Request) -> bool {
    matches!(request.caller, Caller::Root { .. })
}

/// Keys and roles are open only as far as their own policy opens them: an account's policies count when the key or
/// trust policy names the account (KMS developer guide, "Default key policy"; IAM user guide, "Role trust policies").
fn needs_resource_policy(request: &Request) -> bool {
    let action = request.action.to_ascii_lowercase();
    ["kms:", "sts:assumerole", "sts:tagsession", "sts:setsourceidentity"].iter().any(|start| action.starts_with(start))
}

/// Returns the account of the resource, where it is known.
fn owner<'a>(request: &'a Request, layers: &'a Layers) -> Option<&'a str> {
    if let Some(account) = &layers.resource_account {
        return Some(account.as_str());
    }
    request.resource.split(':').nth(4).filter(|account| !account.is_empty())
}
