//! AWS Account Management: which regions are enabled in an account.

use aws_sdk_account::types::RegionOptStatus;

use super::session::{Session, Sessions};
use crate::cloud::{CloudFault, CloudFaultKind};
use crate::ids::{AccountId, Region};
use crate::operations::account as op;

/// Returns the regions that are enabled in an account.
///
/// The management account, or a delegated administrator, may ask for every account when the organization trusts
/// `account.amazonaws.com` (Account Management reference, "Enabling trusted access"). Where it may not, the account is
/// asked through its member role.
pub(super) async fn regions(sessions: &Sessions, account: &AccountId) -> Result<Vec<Region>, CloudFault> {
    let base = sessions.base();
    if *account == base.account {
        // The API refuses the caller's own id.
        return list(base, None).await;
    }
    match list(base, Some(account)).await {
        Err(fault) if fault.kind == CloudFaultKind::Denied => list(&sessions.of(account).await?, None).await,
        answer => answer,
    }
}

async fn list(session: &Session, account: Option<&AccountId>) -> Result<Vec<Region>, CloudFault> {
    let client = session.account_management();
    let mut enabled = Vec::new();
    let mut token = None;
    let mut pages = session.pages(op::LIST_REGIONS);
    loop {
        let request = client.list_regions().set_account_id(account.map(ToString::to_string)).set_next_token(token);
        let page = session.read(op::LIST_REGIONS, request.send()).await?;
        session.needed(op::LIST_REGIONS, page.regions.as_ref(), "list of regions")?;
        for region in page.regions() {
            let status = session.needed(op::LIST_REGIONS, region.region_opt_status(), "state of a region")?;
            let is_enabled = matches!(status, RegionOptStatus::Enabled | RegionOptStatus::EnabledByDefault);
            // An enabled region that cannot be read would never be missed.
            let name = region.region_name().and_then(|name| name.parse().ok());
            let name = session.needed(op::LIST_REGIONS, name, "name of a region")?;
            enabled.extend(is_enabled.then_some(name));
        }
        token = pages.next(page.next_token)?;
        if token.is_none() {
            // Every account has regions that cannot be disabled.
            let enabled = Some(enabled).filter(|enabled| !enabled.is_empty());
            return session.needed(op::LIST_REGIONS, enabled, "enabled region");
        }
    }
}
