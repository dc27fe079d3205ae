//! Somebody else's hand in the organization: changes what orgtrail has made, past the proxy.

use aws_config::SdkConfig;
use aws_sdk_cloudtrail::types::{EventSelector, ReadWriteType};
use aws_sdk_s3::types::{
    BucketVersioningStatus, Payer, PublicAccessBlockConfiguration, RequestPaymentConfiguration, VersioningConfiguration,
};
use serde_json::json;

use super::TRAIL;
use crate::support::World;

/// The bucket in the configuration of a desk.
pub const BUCKET: &str = "acme-org-cloudtrail";

/// The alias of its key.
const KEY: &str = "alias/orgtrail-acme";

/// What the hand can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    StopLogging,
    ForgetValidation,
    ForgetGlobalEvents,
    RecordWritesOnly,
    ForbidTrustedAccess,
    SuspendVersioning,
    OpenBucket,
    LetRequesterPay,
    DropBucketPolicy,
    ReplaceBucketPolicy,
    DropEncryption,
    StopRotation,
    DisableKey,
    ReplaceKeyPolicy,
    TrustStranger,
    AddRight,
    DropReader,
    DropMemberPolicy,
    ReplaceMemberPolicy,
}

impl Edit {
    pub const ALL: [Edit; 19] = [
        Edit::StopLogging,
        Edit::ForgetValidation,
        Edit::ForgetGlobalEvents,
        Edit::RecordWritesOnly,
        Edit::ForbidTrustedAccess,
        Edit::SuspendVersioning,
        Edit::OpenBucket,
        Edit::LetRequesterPay,
        Edit::DropBucketPolicy,
        Edit::ReplaceBucketPolicy,
        Edit::DropEncryption,
        Edit::StopRotation,
        Edit::DisableKey,
        Edit::ReplaceKeyPolicy,
        Edit::TrustStranger,
        Edit::AddRight,
        Edit::DropReader,
        Edit::DropMemberPolicy,
        Edit::ReplaceMemberPolicy,
    ];
}

/// The hand, with the keys of the accounts that it works in.
pub struct Hand {
    management: SdkConfig,
    log: SdkConfig,
    member: SdkConfig,
    /// The member policy of `web`.
    policy: String,
    /// The reader role of `web`.
    reader: String,
    key: String,
}

impl Hand {
    /// Gets the keys. The deployment must be there.
    pub async fn new(world: &World) -> Self {
        let (log, web) = (world.hand_in("log-archive").await, world.account("web"));
        let kms = aws_sdk_kms::Client::new(&log);
        let key = kms.describe_key().key_id(KEY).send().await.unwrap().key_metadata.unwrap();
        Self {
            management: world.management(),
            log,
            member: world.hand_in("web").await,
            policy: format!("arn:aws:iam::{web}:policy/CloudTrailReadLogs"),
            reader: format!("CloudTrailReadLogs-{web}"),
            key: key.key_id,
        }
    }

    pub async fn make(&self, edit: Edit) {
        match edit {
            Edit::StopLogging
            | Edit::ForgetValidation
            | Edit::ForgetGlobalEvents
            | Edit::RecordWritesOnly
            | Edit::ForbidTrustedAccess => self.in_management(edit).await,
            Edit::StopRotation | Edit::DisableKey | Edit::ReplaceKeyPolicy => self.on_the_key(edit).await,
            Edit::TrustStranger
            | Edit::AddRight
            | Edit::DropReader
            | Edit::DropMemberPolicy
            | Edit::ReplaceMemberPolicy => self.on_identities(edit).await,
            _ => self.on_the_bucket(edit).await,
        }
    }

    async fn in_management(&self, edit: Edit) {
        let trails = aws_sdk_cloudtrail::Client::new(&self.management);
        match edit {
            Edit::StopLogging => drop(trails.stop_logging().name(TRAIL).send().await.unwrap()),
            Edit::ForgetValidation => {
                trails.update_trail().name(TRAIL).enable_log_file_validation(false).send().await.unwrap();
            }
            Edit::ForgetGlobalEvents => {
                let update = trails.update_trail().name(TRAIL).is_multi_region_trail(false);
                update.include_global_service_events(false).send().await.unwrap();
            }
            Edit::RecordWritesOnly => {
                let selector = EventSelector::builder().read_write_type(ReadWriteType::WriteOnly).build();
                trails.put_event_selectors().trail_name(TRAIL).event_selectors(selector).send().await.unwrap();
            }
            _ => {
                let organizations = aws_sdk_organizations::Client::new(&self.management);
                let disable = organizations.disable_aws_service_access();
                disable.service_principal("cloudtrail.amazonaws.com").send().await.unwrap();
            }
        }
    }

    async fn on_the_bucket(&self, edit: Edit) {
        let s3 = aws_sdk_s3::Client::new(&self.log);
        match edit {
            Edit::SuspendVersioning => {
                let versioning = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
                s3.put_bucket_versioning().bucket(BUCKET).versioning_configuration(versioning).send().await.unwrap();
            }
            Edit::OpenBucket => {
                let open = PublicAccessBlockConfiguration::builder().block_public_acls(false).build();
                s3.put_public_access_block()
                    .bucket(BUCKET)
                    .public_access_block_configuration(open)
                    .send()
                    .await
                    .unwrap();
            }
            Edit::LetRequesterPay => {
                let payer = RequestPaymentConfiguration::builder().payer(Payer::Requester).build().unwrap();
                s3.put_bucket_request_payment()
                    .bucket(BUCKET)
                    .request_payment_configuration(payer)
                    .send()
                    .await
                    .unwrap();
            }
            Edit::DropBucketPolicy => {
                s3.delete_bucket_policy().bucket(BUCKET).send().await.unwrap();
            }
            Edit::ReplaceBucketPolicy => {
                let policy = allow("*", "s3:GetObject", &format!("arn:aws:s3:::{BUCKET}/*"));
                s3.put_bucket_policy().bucket(BUCKET).policy(policy).send().await.unwrap();
            }
            _ => {
                s3.delete_bucket_encryption().bucket(BUCKET).send().await.unwrap();
            }
        }
    }

    async fn on_the_key(&self, edit: Edit) {
        let kms = aws_sdk_kms::Client::new(&self.log);
        match edit {
            Edit::StopRotation => drop(kms.disable_key_rotation().key_id(&self.key).send().await.unwrap()),
            Edit::DisableKey => drop(kms.disable_key().key_id(&self.key).send().await.unwrap()),
            _ => {
                let policy = allow("arn:aws:iam::999999999999:root", "kms:*", "*");
                kms.put_key_policy().key_id(&self.key).policy_name("default").policy(policy).send().await.unwrap();
            }
        }
    }

    async fn on_identities(&self, edit: Edit) {
        let (readers, members) = (aws_sdk_iam::Client::new(&self.log), aws_sdk_iam::Client::new(&self.member));
        let reader = &self.reader;
        match edit {
            Edit::TrustStranger => {
                let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
                    "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}}]});
                let update = readers.update_assume_role_policy().role_name(reader);
                update.policy_document(trust.to_string()).send().await.unwrap();
            }
            Edit::AddRight => {
                let put = readers.put_role_policy().role_name(reader).policy_name("Extra");
                put.policy_document(right("s3:*")).send().await.unwrap();
            }
            Edit::DropReader => {
                let inline = readers.list_role_policies().role_name(reader).send().await.unwrap();
                for name in inline.policy_names() {
                    readers.delete_role_policy().role_name(reader).policy_name(name).send().await.unwrap();
                }
                readers.delete_role().role_name(reader).send().await.unwrap();
            }
            Edit::DropMemberPolicy => {
                let versions = members.list_policy_versions().policy_arn(&self.policy).send().await.unwrap();
                for version in versions.versions().iter().filter(|version| !version.is_default_version()) {
                    let delete = members.delete_policy_version().policy_arn(&self.policy);
                    delete.version_id(version.version_id().unwrap()).send().await.unwrap();
                }
                members.delete_policy().policy_arn(&self.policy).send().await.unwrap();
            }
            _ => {
                let versions = members.list_policy_versions().policy_arn(&self.policy).send().await.unwrap();
                let spare = versions.versions().iter().find(|version| !version.is_default_version());
                if let Some(spare) = spare {
                    let delete = members.delete_policy_version().policy_arn(&self.policy);
                    delete.version_id(spare.version_id().unwrap()).send().await.unwrap();
                }
                let create = members.create_policy_version().policy_arn(&self.policy).set_as_default(true);
                create.policy_document(right("s3:GetObject")).send().await.unwrap();
            }
        }
    }
}

fn allow(who: &str, action: &str, on: &str) -> String {
    let principal = json!({"AWS": who});
    json!({"Version": "2012-10-17", "Statement": [{"Sid": "Theirs", "Effect": "Allow", "Principal": principal,
        "Action": action, "Resource": on}]})
    .to_string()
}

fn right(action: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}).to_string()
}
