//! AWS Organizations: who the accounts are, trusted access, delegated administrators and service control policies.

pub(super) mod controls;
pub(super) mod discover;
pub(super) mod guard;

use std::collections::BTreeSet;

use super::change_context::ChangeContext;
use super::session::Session;
use crate::cloud::{CloudFault, Done};
use crate::estate::trusted_access::{CLOUDTRAIL_PRINCIPAL, CONFIG_PRINCIPAL, config_administrator_name};
use crate::estate::{Address, DelegatedAdministrator, Sighting, TrustedAccess};
use crate::ids::AccountId;
use crate::operations::{cloudtrail as cloudtrail_op, organizations as op};

/// Looks whether a service has trusted access.
pub(super) async fn look_trusted_access(session: &Session, address: &Address) -> Result<Sighting, CloudFault> {
    let client = session.organizations();
    let mut token = None;
    let mut pages = session.pages(op::LIST_SERVICE_ACCESS);
    loop {
        let request = client.list_aws_service_access_for_organization().set_next_token(token);
        let page = session.read(op::LIST_SERVICE_ACCESS, request.send()).await?;
        let principals = page.enabled_service_principals.as_ref();
        let principals = session.needed(op::LIST_SERVICE_ACCESS, principals, "list of services")?;
        if principals.iter().any(|p| p.service_principal() == Some(&address.name)) {
            return Ok(Sighting::present(TrustedAccess {}));
        }
        token = pages.next(page.next_token)?;
        if token.is_none() {
            return Ok(Sighting::Absent);
        }
    }
}

/// Looks whether an account may administer a service.
pub(super) async fn look_delegated_administrator(session: &Session, address: &Address) -> Result<Sighting, CloudFault> {
    let service = address.service_principal().unwrap_or(CLOUDTRAIL_PRINCIPAL);
    let found = delegated_administrators(session, service).await?;
    let is_one = found.iter().any(|account| Some(account.as_str()) == address.administrator());
    Ok(if is_one { Sighting::present(DelegatedAdministrator {}) } else { Sighting::Absent })
}

/// Looks whether an account may administer AWS Config, and at the others that may: they are said, and stay.
pub(super) async fn look_config_administrators(
    session: &Session,
    address: &Address,
) -> Result<Vec<(Address, Sighting)>, CloudFault> {
    let found = delegated_administrators(session, CONFIG_PRINCIPAL).await?;
    let at = |account| Address { name: config_administrator_name(account), ..address.clone() };
    let mut seen: Vec<(Address, Sighting)> =
        found.iter().map(|account| (at(account), Sighting::present(DelegatedAdministrator {}))).collect();
    if !seen.iter().any(|(known, _)| known == address) {
        seen.push((address.clone(), Sighting::Absent));
    }
    Ok(seen)
}

/// Returns the accounts that may administer a service for the organization.
pub(super) async fn delegated_administrators(
    session: &Session,
    service: &str,
) -> Result<BTreeSet<AccountId>, CloudFault> {
    let client = session.organizations();
    let mut accounts = BTreeSet::new();
    let mut token = None;
    let mut pages = session.pages(op::LIST_DELEGATED_ADMINISTRATORS);
    loop {
        let request = client.list_delegated_administrators().service_principal(service).set_next_token(token);
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

/// Gives a service trusted access. It is on already: then nothing changes.
pub(super) async fn enable_trusted_access(job: &ChangeContext<'_>) -> Result<Done, CloudFault> {
    let request = job.session.organizations().enable_aws_service_access().service_principal(job.name());
    job.session.write(op::ENABLE_SERVICE_ACCESS, || request.clone().send()).await?;
    Ok(Done::default())
}

/// Makes an account a delegated administrator of CloudTrail or of AWS Config.
///
/// For CloudTrail its own call is used: unlike that of Organizations, it also makes the service-linked roles that are
/// needed (CloudTrail API, `RegisterOrganizationDelegatedAdmin`).
pub(super) async fn register_delegated_administrator(job: &ChangeContext<'_>) -> Result<Done, CloudFault> {
    if look_delegated_administrator(&job.session, job.address()).await?.resource().is_some() {
        return Ok(Done::default());
    }
    if job.address().service_principal() == Some(CONFIG_PRINCIPAL) {
        return register_config_administrator(job).await;
    }
    let request = job.session.cloudtrail().register_organization_delegated_admin().member_account_id(job.name());
    match job.session.write(cloudtrail_op::REGISTER_DELEGATED_ADMIN, || request.clone().send()).await {
        Ok(_) => Ok(Done::default()),
        // The request was repeated because its first answer was lost.
        Err(fault) if fault.code == "AccountRegisteredException" => Ok(Done::default()),
        Err(fault) => Err(fault),
    }
}

async fn register_config_administrator(job: &ChangeContext<'_>) -> Result<Done, CloudFault> {
    let request = job.session.organizations().register_delegated_administrator();
    let request = request.set_account_id(job.address().administrator().map(str::to_owned));
    let request = request.service_principal(CONFIG_PRINCIPAL);
    match job.session.write(op::REGISTER_DELEGATED_ADMINISTRATOR, || request.clone().send()).await {
        Ok(_) => Ok(Done::default()),
        // The request was repeated because its first answer was lost.
        Err(fault) if fault.code == "AccountAlreadyRegisteredException" => Ok(Done::default()),
        Err(fault) => Err(fault),
    }
}
