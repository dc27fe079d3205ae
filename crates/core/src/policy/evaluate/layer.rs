//! The documents of one kind in one request: do they deny, do they allow, and which statement decides.

use super::evaluation::Evaluation;
use super::principal::Grant;
use super::request::Request;
use super::statement::{Judged, Side, judge};
use super::{Named, NearMiss, StatementPlace};
use crate::policy::document::Effect;

/// A three-valued answer with the statements that gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tri {
    /// Yes, because of these statements; empty where no statement was needed.
    Yes(Vec<StatementPlace>),
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
pub(super) struct Layer<'a> {
    pub(super) denies: Tri,
    /// Every allow statement that applies or may apply, by how it names the caller.
    allows: Vec<(Grant, Tri)>,
    nearest: Option<Near<'a>>,
    side: Side,
}

/// The allow statement that comes nearest to applying.
#[derive(Debug, Clone, Copy)]
struct Near<'a> {
    named: Named<'a>,
    index: usize,
    distance: usize,
}

impl<'a> Layer<'a> {
    /// Judges all documents of a kind.
    pub(super) fn read(documents: &[Named<'a>], side: Side, request: &Request) -> Self {
        let mut layer = Self { denies: Tri::No, allows: Vec::new(), nearest: None, side };
        for named in documents {
            let evaluation = evaluation(named, request, false);
            for (index, statement) in named.document.statements.iter().enumerate() {
                let judged = judge(statement, side, &evaluation);
                let place = || place(named, index);
                match statement.effect {
                    Effect::Deny => {
                        layer.denies = std::mem::replace(&mut layer.denies, Tri::No).or(tri(judged, &place))
                    }
                    Effect::Allow if judged.distance == 0 => layer.allows.push((judged.grant, tri(judged, &place))),
                    Effect::Allow if layer.nearest.is_none_or(|near| judged.distance < near.distance) => {
                        layer.nearest = Some(Near { named: *named, index, distance: judged.distance });
                    }
                    Effect::Allow => {}
                }
            }
        }
        layer
    }

    /// Returns the allow statement that comes nearest to applying, with everything that stands against it.
    pub(super) fn nearest(&self, request: &Request) -> Option<NearMiss> {
        let Near { named, index, .. } = self.nearest?;
        miss(&named, index, self.side, &evaluation(&named, request, true))
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

fn tri(judged: Judged, place: &dyn Fn() -> StatementPlace) -> Tri {
    match judged.applies() {
        Some(true) => Tri::Yes(vec![place()]),
        Some(false) => Tri::No,
        None => Tri::Unknown(judged.doubts.iter().map(|doubt| format!("{}: {doubt}", place())).collect()),
    }
}

fn place(named: &Named, index: usize) -> StatementPlace {
    let sid = named.document.statements.get(index).and_then(|statement| statement.sid.clone());
    StatementPlace { document: named.name.to_owned(), index, sid }
}

fn evaluation<'a>(named: &Named, request: &'a Request, explains: bool) -> Evaluation<'a> {
    let variables = named.document.version.as_deref() == Some("2012-10-17");
    Evaluation { request, variables, explains }
}

fn miss(named: &Named, index: usize, side: Side, evaluation: &Evaluation) -> Option<NearMiss> {
    let failures = judge(named.document.statements.get(index)?, side, evaluation).failures;
    (!failures.is_empty()).then(|| NearMiss { place: place(named, index), failures })
}

/// Returns why each allow statement of a resource's policy does not apply to a request, in the order of the document.
/// Statements that apply, or may apply, are not among them.
pub fn misses(request: &Request, policy: Named) -> Vec<NearMiss> {
    let evaluation = evaluation(&policy, request, true);
    let allows = policy.document.statements.iter().enumerate().filter(|(_, s)| s.effect == Effect::Allow);
    allows.filter_map(|(index, _)| miss(&policy, index, Side::Resource, &evaluation)).collect()
}
