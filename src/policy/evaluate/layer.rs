//! The documents of one kind in one request: do they deny, do they allow, and which statement decides.

use super::principal::Grant;
use super::request::{Context, Request};
use super::statement::{Judged, Scope, Side, judge};
use super::{Named, NearMiss, Place};
use crate::policy::document::Effect;

/// A three-valued answer with the statements that gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tri {
    /// Yes, because of these statements; empty where no statement was needed.
    Yes(Vec<Place>),
    No,
    /// It cannot be told, and why.
    Unknown(Vec<String>),
}

impl Tri {
    /// Both must hold.
    pub(super) fn and(self, other: Tri) -> Tri {
        match (self, other) {
            (Tri::No, _) | (_, Tri::No) => Tri::No,
            (Tri::Yes(mut one), Tri::Yes(other)) => {
                one.extend(other);
                Tri::Yes(one)
            }
            (Tri::Unknown(mut one), Tri::Unknown(other)) => {
                one.extend(other);
                Tri::Unknown(one)
            }
            (Tri::Unknown(why), Tri::Yes(_)) | (Tri::Yes(_), Tri::Unknown(why)) => Tri::Unknown(why),
        }
    }

    /// One of them is enough.
    pub(super) fn or(self, other: Tri) -> Tri {
        match (self, other) {
            (Tri::Yes(by), _) | (_, Tri::Yes(by)) => Tri::Yes(by),
            (Tri::No, other) | (other, Tri::No) => other,
            (Tri::Unknown(mut one), Tri::Unknown(other)) => {
                one.extend(other);
                Tri::Unknown(one)
            }
        }
    }
}

/// What the documents of one kind say.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) denies: Tri,
    /// Every allow statement that applies or may apply, by how it names the caller.
    allows: Vec<(Grant, Tri)>,
    pub(super) nearest: Option<NearMiss>,
}

impl Layer {
    /// Judges all documents of a kind.
    pub(super) fn read(documents: &[Named], side: Side, request: &Request, context: &Context) -> Self {
        let mut layer = Self { denies: Tri::No, allows: Vec::new(), nearest: None };
        let mut best = usize::MAX;
        for named in documents {
            let variables = named.document.version.as_deref() == Some("2012-10-17");
            let scope = Scope { request, context, variables };
            for (index, statement) in named.document.statements.iter().enumerate() {
                let judged = judge(statement, side, &scope);
                let place = || Place { document: named.name.to_owned(), index, sid: statement.sid.clone() };
                match statement.effect {
                    Effect::Deny => {
                        layer.denies = std::mem::replace(&mut layer.denies, Tri::No).or(tri(judged, &place))
                    }
                    Effect::Allow => layer.add_allow(judged, &place, &mut best),
                }
            }
        }
        layer
    }

    fn add_allow(&mut self, judged: Judged, place: &dyn Fn() -> Place, best: &mut usize) {
        if judged.failures.is_empty() {
            self.allows.push((judged.grant, tri(judged, place)));
            return;
        }
        if judged.distance() < *best {
            *best = judged.distance();
            self.nearest = Some(NearMiss { place: place(), failures: judged.failures });
        }
    }

    /// Tells whether a statement allows the request, whatever it calls the caller.
    pub(super) fn allows(&self) -> Tri {
        self.allows_by(|_| true)
    }

    /// Tells whether a statement that names the caller in a certain way allows the request.
    pub(super) fn allows_by(&self, accept: impl Fn(Grant) -> bool) -> Tri {
        let accepted = self.allows.iter().filter(|(grant, _)| accept(*grant));
        accepted.map(|(_, answer)| answer.clone()).fold(Tri::No, Tri::or)
    }
}

fn tri(judged: Judged, place: &dyn Fn() -> Place) -> Tri {
    match judged.applies() {
        Some(true) => Tri::Yes(vec![place()]),
        Some(false) => Tri::No,
        None => Tri::Unknown(judged.doubts.iter().map(|doubt| format!("{}: {doubt}", place())).collect()),
    }
}

/// Returns why each allow statement of a resource's policy does not apply to a request, in the order of the document.
/// Statements that apply, or may apply, are not among them.
pub fn misses(request: &Request, policy: Named) -> Vec<NearMiss> {
    let context = request.context.completed_for(&request.caller);
    let variables = policy.document.version.as_deref() == Some("2012-10-17");
    let scope = Scope { request, context: &context, variables };
    let allows = policy.document.statements.iter().enumerate().filter(|(_, s)| s.effect == Effect::Allow);
    let judged = allows.map(|(index, statement)| {
        let place = Place { document: policy.name.to_owned(), index, sid: statement.sid.clone() };
        NearMiss { place, failures: judge(statement, Side::Resource, &scope).failures }
    });
    judged.filter(|miss| !miss.failures.is_empty()).collect()
}
