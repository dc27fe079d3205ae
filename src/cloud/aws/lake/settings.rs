//! Whom the bucket of a lake lets in, asked before something is written into it.

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::types::PublicAccessBlockConfiguration;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::S3Lake;
use crate::archive::{Fault, FaultKind};
use crate::cloud::aws::archive::Failure;
use crate::estate::LakeBucketSettings;
use crate::operations::{Operation, s3};
use crate::policy::PolicyDocument;

/// The codes of S3 for a setting that a bucket does not have.
const UNSET: [&str; 4] =
    ["NoSuchBucketPolicy", "NoSuchPublicAccessBlockConfiguration", "NoSuchTagSet", "OwnershipControlsNotFoundError"];

impl S3Lake {
    /// Returns the settings of its bucket.
    ///
    /// # Errors
    /// Where the bucket is not there, or a setting cannot be read.
    pub async fn settings(&self) -> Result<LakeBucketSettings, Fault> {
        let policy = self.attempts.send(|| self.policy()).await?;
        let policy = policy.map(|text| {
            let unread = |why| {
                Fault::new(FaultKind::Unavailable, format!("the policy of {} cannot be read: {why}", self.bucket))
            };
            PolicyDocument::parse(&text).map_err(unread)
        });
        Ok(LakeBucketSettings {
            tags: self.attempts.send(|| self.tags()).await?.into_iter().collect(),
            block_public_access: self.attempts.send(|| self.blocks_public_access()).await?,
            object_ownership: self.attempts.send(|| self.object_ownership()).await?,
            policy: policy.transpose()?,
        })
    }

    async fn policy(&self) -> Result<Option<String>, Failure> {
        let request = self.client.get_bucket_policy().bucket(&self.bucket);
        let request = request.set_expected_bucket_owner(self.owner.clone());
        let answer = self.if_set(s3::GET_POLICY, request.send().await)?;
        Ok(answer.map(|answer| answer.policy.unwrap_or_default()))
    }

    async fn tags(&self) -> Result<Vec<(String, String)>, Failure> {
        let request = self.client.get_bucket_tagging().bucket(&self.bucket);
        let request = request.set_expected_bucket_owner(self.owner.clone());
        let answer = self.if_set(s3::GET_TAGGING, request.send().await)?;
        let all = answer.map(|answer| answer.tag_set).unwrap_or_default();
        Ok(all.into_iter().map(|tag| (tag.key, tag.value)).collect())
    }

    async fn blocks_public_access(&self) -> Result<bool, Failure> {
        let request = self.client.get_public_access_block().bucket(&self.bucket);
        let request = request.set_expected_bucket_owner(self.owner.clone());
        let answer = self.if_set(s3::GET_PUBLIC_ACCESS_BLOCK, request.send().await)?;
        let all = |block: PublicAccessBlockConfiguration| {
            [
                block.block_public_acls,
                block.ignore_public_acls,
                block.block_public_policy,
                block.restrict_public_buckets,
            ]
            .iter()
            .all(|switch| *switch == Some(true))
        };
        Ok(answer.and_then(|answer| answer.public_access_block_configuration).is_some_and(all))
    }

    async fn object_ownership(&self) -> Result<Option<String>, Failure> {
        let request = self.client.get_bucket_ownership_controls().bucket(&self.bucket);
        let request = request.set_expected_bucket_owner(self.owner.clone());
        let answer = self.if_set(s3::GET_OWNERSHIP_CONTROLS, request.send().await)?;
        let rule = answer.and_then(|answer| answer.ownership_controls?.rules.into_iter().next());
        Ok(rule.map(|rule| rule.object_ownership.as_str().to_owned()))
    }

    /// Returns an answer; nothing where the bucket does not have that setting.
    fn if_set<T, E>(
        &self,
        operation: Operation,
        answer: Result<T, SdkError<E, HttpResponse>>,
    ) -> Result<Option<T>, Failure>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.code().is_some_and(|code| UNSET.contains(&code)) => Ok(None),
            Err(error) => Err(self.session.failure(operation, &error)),
        }
    }
}
