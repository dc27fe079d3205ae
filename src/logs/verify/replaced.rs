//! Who replaced or deleted a log file, as data events in the same archive tell. It explains, it proves nothing.

use std::sync::Arc;

use futures::stream::StreamExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::archive::Store;
use crate::log_path::{ChainScope, Folder, LogKey, LogKind};

use super::deferred::Replaced;
use super::explain::{LoggedCall, records};
use super::walk::Walk;

/// How many files of an account and region it is looked up for.
pub(super) const REPLACED_MAX: usize = 20;
/// How many accounts x regions are searched at most where the log account is not known.
const SCOPES_MAX: usize = 64;
/// How many log files are read for one answer.
const FILES_MAX: usize = 200;
/// How long before and after the write the log file's slot may lie that records it: most come within 15 minutes.
const BEFORE: SignedDuration = SignedDuration::from_mins(5);
const AFTER: SignedDuration = SignedDuration::from_mins(30);
/// The calls that put an object in the place of another, or delete it.
const CALLS: [&str; 5] = ["PutObject", "CopyObject", "CompleteMultipartUpload", "DeleteObject", "DeleteObjects"];

impl Walk<'_> {
    /// Notes the log files that were replaced or deleted, each with who did it where data events tell.
    pub(super) async fn name_replacers(&mut self) {
        for Replaced { chain, mut finding, site, object, when } in std::mem::take(&mut self.replaced) {
            let bucket = self.sites.all.get(site).and_then(|site| site.store.bucket()).map(str::to_owned);
            if let Some(bucket) = bucket.filter(|_| !self.is_stopped()) {
                finding.detail.push_str(&self.who(&bucket, &object, when).await);
            }
            self.note(chain, finding);
        }
    }

    async fn who(&self, bucket: &str, object: &str, when: Timestamp) -> String {
        let is_searched =
            |scope: &ChainScope| self.request.log_account.as_ref().is_none_or(|account| scope.account == *account);
        let searched: Vec<_> = self.everywhere.iter().filter(|(scope, _)| is_searched(scope)).collect();
        if searched.len() > SCOPES_MAX {
            return "; data events were not searched for who did it: the log account is not known".to_owned();
        }
        let mut told = Vec::new();
        let mut left = FILES_MAX;
        for (scope, store) in searched {
            for key in files(store, scope, when, left).await {
                left -= 1;
                let all = records(store.as_ref(), &key).await;
                told.extend(all.iter().filter(|record| is_about(record, bucket, object)).map(LoggedCall::told));
            }
        }
        told.sort();
        told.dedup();
        match told.is_empty() {
            true => "; data events do not say who did it".to_owned(),
            false => format!("; data events say: {}", told.join(", ")),
        }
    }
}

/// Returns the log files of an account and region whose slots lie around a moment.
async fn files(store: &Arc<dyn Store>, scope: &ChainScope, when: Timestamp, most: usize) -> Vec<String> {
    let (Ok(first), Ok(last)) = (when.checked_sub(BEFORE), when.checked_add(AFTER)) else { return Vec::new() };
    let mut files = Vec::new();
    for day in scope.day_prefixes(Folder::Logs(LogKind::CloudTrail), first, last) {
        let mut listed = store.list(&day, "");
        while let Some(Ok(listed)) = listed.next().await {
            let slot = LogKey::parse(&listed.key).map(|key| key.slot);
            if files.len() < most && slot.is_some_and(|slot| first <= slot && slot <= last) {
                files.push(listed.key);
            }
        }
    }
    files
}

fn is_about(record: &LoggedCall, bucket: &str, object: &str) -> bool {
    let field = |name: &str| record.request_parameters.get(name).and_then(Value::as_str);
    let arn_end = format!(":::{bucket}/{object}");
    let is_resource = |resource: &Value| {
        let arn = resource.get("ARN").or_else(|| resource.get("arn")).and_then(Value::as_str);
        arn.is_some_and(|arn| arn.ends_with(&arn_end))
    };
    let is_named = field("bucketName") == Some(bucket) && field("key") == Some(object);
    let is_there = is_named || record.resources.as_array().is_some_and(|all| all.iter().any(is_resource));
    let is_call = record.event_source == "s3.amazonaws.com" && CALLS.contains(&record.event_name.as_str());
    is_call && is_there && record.error_code.is_none()
}
