//! CloudTrail's public keys from CloudTrail itself, region by region.

use async_trait::async_trait;
use aws_config::{Region as SdkRegion, SdkConfig};
use aws_sdk_cloudtrail::Client;
use aws_smithy_types::DateTime;
use jiff::Timestamp;

use super::failure;
use crate::flow::Pages;
use crate::ids::Region;
use crate::logs::digest::keys::PublicKey;
use crate::logs::store::{Fault, FaultKind};
use crate::logs::verify::KeyService;

/// CloudTrail's `ListPublicKeys`. Each region knows its own keys only.
#[derive(Debug, Clone)]
pub struct PublicKeys {
    config: SdkConfig,
}

impl PublicKeys {
    /// Returns the source that uses an environment's settings.
    pub fn new(config: SdkConfig) -> Self {
        Self { config }
    }
}

#[async_trait]
impl KeyService for PublicKeys {
    async fn keys(&self, region: &Region, from: Timestamp, to: Timestamp) -> Result<Vec<PublicKey>, Fault> {
        let config = self.config.to_builder().region(SdkRegion::new(region.to_string())).build();
        let client = Client::new(&config);
        let mut keys = Vec::new();
        let mut token = None;
        let mut pages = Pages::default();
        loop {
            let answer = client
                .list_public_keys()
                .start_time(DateTime::from_secs(from.as_second()))
                .end_time(DateTime::from_secs(to.as_second()))
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| failure(&error, "ListPublicKeys").fault)?;
            for key in answer.public_key_list() {
                let (Some(value), Some(fingerprint)) = (key.value(), key.fingerprint()) else { continue };
                let time = |time: Option<&DateTime>| Timestamp::from_second(time?.secs()).ok();
                let (from, to) = (time(key.validity_start_time()), time(key.validity_end_time()));
                keys.push(PublicKey::new(fingerprint, value.as_ref().to_vec()).valid(from, to));
            }
            let next = pages.next(answer.next_token().map(str::to_owned));
            token = next.map_err(|why| Fault::new(FaultKind::Unavailable, format!("ListPublicKeys: {why}")))?;
            if token.is_none() {
                return Ok(keys);
            }
        }
    }
}
