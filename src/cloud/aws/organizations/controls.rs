//! The service and resource control policies that bind a few accounts: one call for each root, unit and account on
//! their paths and each kind, one more for each policy that is not AWS's own.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_organizations::types::PolicyType;

use super::op;
use crate::cloud::CloudFault;
use crate::cloud::aws::session::Session;
use crate::estate::surroundings::{ControlPolicies, ControlPolicy};
use crate::policy::PolicyDocument;
use crate::policy::document::{PrincipalElement, Principals};
use crate::policy::evaluate::full_access;

/// Reads what is attached to the targets.
pub(crate) async fn look(session: &Session, targets: &BTreeSet<String>) -> Result<ControlPolicies, CloudFault> {
    let mut found = ControlPolicies::default();
    found.service = attached(session, targets, PolicyType::ServiceControlPolicy, &mut found.documents).await?;
    found.resource = attached(session, targets, PolicyType::ResourceControlPolicy, &mut found.documents).await?;
    Ok(found)
}

async fn attached(
    session: &Session,
    targets: &BTreeSet<String>,
    kind: PolicyType,
    documents: &mut BTreeMap<String, ControlPolicy>,
) -> Result<BTreeMap<String, BTreeSet<String>>, CloudFault> {
    let client = session.organizations();
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for target in targets {
        let mut token = None;
        let mut pages = session.pages(op::LIST_POLICIES_FOR_TARGET);
        loop {
            let request = client.list_policies_for_target().target_id(target).filter(kind.clone());
            let request = request.set_next_token(token.take());
            let page = match session.read(op::LIST_POLICIES_FOR_TARGET, request.send()).await {
                Ok(page) => page,
                // The kind is switched off: nothing of it binds anybody.
                Err(fault) if fault.code == "PolicyTypeNotEnabledException" => return Ok(BTreeMap::new()),
                Err(fault) => return Err(fault),
            };
            let listed = page.policies.as_ref();
            for summary in session.needed(op::LIST_POLICIES_FOR_TARGET, listed, "list of policies")? {
                let id = session.needed(op::LIST_POLICIES_FOR_TARGET, summary.id(), "id of a policy")?.to_owned();
                if !documents.contains_key(&id) {
                    let name = summary.name().unwrap_or_default().to_owned();
                    let document =
                        if summary.aws_managed() { open(&kind) } else { document(session, &id, &name).await? };
                    documents.insert(id.clone(), ControlPolicy { name, document });
                }
                all.entry(target.clone()).or_default().insert(id);
            }
            token = pages.next(page.next_token)?;
            if token.is_none() {
                break;
            }
        }
    }
    Ok(all)
}

/// AWS has one policy of its own of each kind, and it allows everything.
fn open(kind: &PolicyType) -> PolicyDocument {
    let mut open = full_access();
    if *kind == PolicyType::ResourceControlPolicy {
        for statement in &mut open.statements {
            statement.principal = Some(PrincipalElement::Is(Principals::Anyone));
        }
    }
    open
}

async fn document(session: &Session, id: &str, name: &str) -> Result<PolicyDocument, CloudFault> {
    let request = session.organizations().describe_policy().policy_id(id);
    let answer = session.read(op::DESCRIBE_POLICY, request.send()).await?;
    let content = answer.policy().and_then(|policy| policy.content()).unwrap_or_default();
    PolicyDocument::parse(content)
        .map_err(|why| session.unexpected_response(op::DESCRIBE_POLICY, format!("{name} is not a policy: {why}")))
}
