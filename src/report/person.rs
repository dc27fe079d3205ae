//! Who stands behind a call, in the sentences that every report has.

use crate::investigate::answer::{Person, PersonHop};

/// Says that the sessions of a chain were used from several addresses.
#[cfg(feature = "sql")]
pub(in crate::report) fn moved(own: &Person) -> Option<String> {
    let list = own.addresses.join(" → ");
    (!own.addresses.is_empty()).then(|| {
        format!("The address changes on the way: {list}. A key may have been stolen, or a person changed networks.")
    })
}

/// Returns who stands behind a call, line by line.
#[cfg(feature = "sql")]
pub(in crate::report) fn person(own: &Person) -> Vec<String> {
    let mut all = behind(own);
    if let Some(through) = &own.through {
        all.push(format!("Called through {through}."));
    }
    if let Some(identity) = &own.source_identity {
        all.push(format!("Source identity {identity}: set when the first session began, and not changeable after it."));
    }
    all.extend(claim(own));
    match own.mfa.as_str() {
        "used" => all.push("A second factor was used.".to_owned()),
        "not used" => all.push("No second factor was used.".to_owned()),
        _ => all.push("Whether a second factor was used is not recorded.".to_owned()),
    }
    all
}

/// Returns the sessions behind a call, and where they began or why that is not known. Empty: the caller is the person.
pub(in crate::report) fn behind(own: &Person) -> Vec<String> {
    let mut all = Vec::new();
    let is_direct = own.hops.is_empty();
    match (&own.origin, is_direct) {
        (Some(_), true) => {}
        (Some(origin), false) => {
            let how = if own.is_proven {
                "each step is proven by an access key"
            } else if own.is_likely() {
                "AWS CloudFormation acted, and that this call on a stack led to it is likely, not proven"
            } else {
                "a step is found by the name of its session only, which is a claim"
            };
            all.push(format!("Behind it: {origin}; {how}."));
        }
        (None, _) => {
            let why = own.lost.as_deref().unwrap_or("nothing is recorded");
            all.push(format!("Who stands behind {} is not known: {why}.", own.actor));
        }
    }
    if let (Some(_), Some(lost)) = (&own.origin, &own.lost) {
        all.push(format!("More is not known: {lost}."));
    }
    if !is_direct {
        all.push(format!("the call: {}", own.actor));
    }
    all.extend(own.hops.iter().map(hop));
    all
}

/// Says what a session calls itself. `None`: it has no name, or it is that of the person.
pub(in crate::report) fn claim(own: &Person) -> Option<String> {
    // Of a person of Identity Center it is the person's own name.
    let is_person = |name: &&String| own.origin.as_ref().is_some_and(|origin| origin.ends_with(name.as_str()));
    let name = own.session_name.as_ref().filter(|name| !is_person(name))?;
    Some(format!("The session called itself \"{name}\": anyone can choose that name."))
}

fn hop(own: &PersonHop) -> String {
    let name = own.session_name.as_ref().map(|name| format!(" as \"{name}\"")).unwrap_or_default();
    let role = own.role.as_ref().map(|role| format!(" of {role}{name}")).unwrap_or_default();
    let source = own.source.as_ref().map(|source| format!(", from {source}")).unwrap_or_default();
    if own.is_stack {
        let stack = own.stack.as_deref().unwrap_or("a stack that is not recorded");
        let role = own.role.as_ref().map(|role| format!(" with {role}")).unwrap_or_default();
        let likely = "likely, as the records have no other caller who worked on stacks there at that time";
        return format!(
            "{} {} of {stack}{role} by {}{source}, event {}: {likely}",
            own.time, own.call, own.caller, own.event_id
        );
    }
    let proof = if own.is_proven { "" } else { ", found by the name of the session only" };
    format!("{} {}{role} by {}{source}, event {}{proof}", own.time, own.call, own.caller, own.event_id)
}
