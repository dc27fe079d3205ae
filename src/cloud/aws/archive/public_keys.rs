//! CloudTrail's public keys from CloudTrail itself, region by region.

use async_trait::async_trait;
use aws_smithy_types::DateTime;
use jiff::Timestamp;

use super::Connection;
use crate::archive::{Fault, FaultKind};
use crate::flow::Pages;
use crate::ids::Region;
use crate::logs::digest::keys::PublicKey;
use crate::logs::verify::KeyService;
use crate::operations::cloudtrail as op;

/// CloudTrail's `ListPublicKeys`. Each region knows its own keys only.
#[derive(Debug, Clone)]
pub struct PublicKeys {
    connection: Connection,
}

impl PublicKeys {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection }
    }
}

#[async_trait]
impl KeyService for PublicKeys {
    async fn keys(&self, region: &Region, from: Timestamp, to: Timestamp) -> Result<Vec<PublicKey>, Fault> {
        let session = self.connection.regional(Some(region)).await?;
        let client = session.cloudtrail();
        let mut keys = Vec::new();
        let mut token = None;
        let mut pages = Pages::default();
        loop {
            let request = client
                .list_public_keys()
                .start_time(DateTime::from_secs(from.as_second()))
                .end_time(DateTime::from_secs(to.as_second()))
                .set_next_token(token);
            let answer = session.read(op::LIST_PUBLIC_KEYS, request.send()).await.map_err(|failure| failure.fault)?;
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
