//! AWS Organizations: who the accounts are, trusted access, delegated administrators and service control policies.

pub(super) mod controls;
pub(super) mod discover;
pub(super) mod guard;

use std::collections::BTreeSet;

use super::change_context::ChangeContext;
use super::session::Session;
use crate::cloud::{CloudFault, Done};
use crate::estate::trusted_access::CLOUDTRAIL_PRINCIPAL;
use crate::estate::{Address, DelegatedAdministrator, Sighting, TrustedAccess};
use crate::ids::AccountId;
use crate::operations::{cloudtrail as cloudtrail_op, organizations as op};

/// Looks whether CloudTrail has trusted access.
pub(super) async fn look_trusted_access(session: &Session) -> Result<Sighting, CloudFault> {
    let client = session.organizations();
    let mut token = None;
    let mut pages = session.pages(op::LIST_SERVICE_ACCESS);
    loop {
        let request = client.list_aws_service_access_for_organization().set_next_token(token);
        let page = session.read(op::LIST_SERVICE_ACCESS, request.send()).await?;
        let principals = page.enabled_service_principals.as_ref();
        let principals = session.needed(op::LIST_SERVICE_ACCESS, principals, "list of services")?;
        if principals.iter().any(|p| p.service_principal() == Some(CLOUDTRAIL_PRINCIPAL)) {
            return Ok(Sighting::present(TrustedAccess {}));
        }
        token = pages.next(page.next_token)?;
        if token.is_none() {
            return Ok(Sighting::Absent);
        }
    }
}

/// Looks whether an account may administer CloudTrail.
pub(super) async fn look_delegated_administrator(session: &Session, address: &Address) -> Result<Sighting, CloudFault> {
    let found = delegated_administrators(session).await?;
    let is_one = found.iter().any(|account| account.as_str() == address.name);
    Ok(if is_one { Sighting::present(DelegatedAdministrator {}) } else { Sighting::Absent })
}

/// Returns the accounts that may administer CloudTrail for the organization.
pub(super) async fn delegated_administrators(session: &Session) -> Result<BTreeSet<AccountId>, CloudFault> {
    let client = session.organizations();
    let mut accounts = BTreeSet::new();
    let mut token = None;
    let mut pages = session.pages(op::LIST_DELEGATED_ADMINISTRATORS);
    loop {
        let request =
            client.list_delegated_administrators().service_principal(CLOUDTRAIL_PRINCIPAL).set_next_token(token);
        let page = session.read(op::LIST_DELEGATED_ADMINISTRATORS, request.send()).await?;
        let admins = page.delegated_administrators.as_ref();
        for admin in session.needed(op::LIST_DELEGATED_ADMINISTRATORS, admins, "list of administrators")? {
            let id = admin.id().and_then(|id| id.parse::<AccountId>().ok());
            accounts.insert(session.needed(op::LIST_DELEGATED_ADMINISTRATORS, id, "id of an administrator")?);
        }
        token = pages.next(page.next_token)?;
        if token.is_none() {
            return Ok(accounts);
        }
    }
}

/// Gives CloudTrail trusted access. It is on already: then nothing changes.
pub(super) async fn enable_trusted_access(job: &ChangeContext<'_>) -> Result<Done, CloudFault> {
    let request = job.session.organizations().enable_aws_service_access().service_principal(CLOUDTRAIL_PRINCIPAL);
    job.session.write(op::ENABLE_SERVICE_ACCESS, || request.clone().send()).await?;
    Ok(Done::default())
}

/// Makes an account a delegated administrator of CloudTrail.
///
/// CloudTrail's own call is used: unlike that of Organizations, it also makes the service-linked roles that are needed
/// (CloudTrail API, `RegisterOrganizationDelegatedAdmin`).
pub(super) async fn register_delegated_administrator(job: &ChangeContext<'_>) -> Result<Done, CloudFault> {
    if look_delegated_administrator(&job.session, job.address()).await?.resource().is_some() {
        return Ok(Done::default());
    }
    let request = job.session.cloudtrail().register_organization_delegated_admin().member_account_id(job.name());
    match job.session.write(cloudtrail_op::REGISTER_DELEGATED_ADMIN, || request.clone().send()).await {
        Ok(_) => Ok(Done::default()),
        // The request was repeated because its first answer was lost.
        Err(fault) if fault.code == "AccountRegisteredException" => Ok(Done::default()),
        Err(fault) => Err(fault),
    }
}
