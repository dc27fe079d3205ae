//! What a request to AWS asks for, read from its head and body.

use hyper::body::Bytes;
use hyper::http::request::Parts;

/// One request that reached the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The service as IAM names it: `cloudtrail`.
    pub service: String,
    /// The operation: `CreateTrail`.
    pub action: String,
    /// The region that was signed for.
    pub region: String,
    /// The id of the access key that it was signed with.
    pub access_key: String,
    /// The path and the query.
    pub uri: String,
    /// The body as text.
    pub body: String,
}

impl Call {
    /// Returns the key of an object, or the prefix of a listing, that a request to S3 is about, as it was before it was
    /// encoded. The bucket stands first in the path.
    pub fn s3_path(&self) -> String {
        let (path, query) = self.uri.split_once('?').unwrap_or((&self.uri, ""));
        let prefix = query.split('&').find_map(|pair| pair.strip_prefix("prefix="));
        let key = path.trim_start_matches('/').split_once('/').map_or("", |(_, key)| key);
        let encoded = if self.action == "ListObjectsV2" { prefix.unwrap_or_default() } else { key };
        let mut bytes = encoded.bytes();
        let mut plain = Vec::new();
        while let Some(byte) = bytes.next() {
            let hex = [bytes.clone().next().unwrap_or_default(), bytes.clone().nth(1).unwrap_or_default()];
            match std::str::from_utf8(&hex).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                Some(decoded) if byte == b'%' => {
                    plain.push(decoded);
                    bytes.nth(1);
                }
                _ => plain.push(byte),
            }
        }
        String::from_utf8_lossy(&plain).into_owned()
    }

    /// Tells whether the operation can change anything. What a daemon writes for itself, its lease and its history, are
    /// objects in S3: they do not count.
    pub fn is_write(&self) -> bool {
        let reads = ["Get", "List", "Describe", "Head", "AssumeRole", "Receive", "PutObject"];
        !reads.iter().any(|verb| self.action.starts_with(verb)) || self.action.starts_with("PutObjectLock")
    }
}

/// Reads a request: service and region from its signature, the operation from where the protocol has it.
pub fn read(head: &Parts, body: &Bytes) -> Call {
    let body = String::from_utf8_lossy(body).into_owned();
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // Credential=KEY/20260101/eu-central-1/cloudtrail/aws4_request
    let scope = header("authorization").split("Credential=").nth(1).unwrap_or_default();
    let mut parts = scope.split('/');
    let access_key = parts.next().unwrap_or_default().to_owned();
    let mut parts = parts.skip(1);
    let region = parts.next().unwrap_or_default().to_owned();
    let service = match parts.next().unwrap_or_default() {
        // It signs with the name of its endpoint.
        "monitoring" => "cloudwatch".to_owned(),
        other => other.to_owned(),
    };
    let action = match header("x-amz-target").rsplit_once('.') {
        Some((_, action)) => action.to_owned(),
        None if service == "s3" => s3_action(head),
        // A service whose operations are paths: `/listRegions`.
        None if service == "account" => rest_action(head),
        None => body.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap_or_default().to_owned(),
    };
    Call { service, action, region, access_key, uri: head.uri.to_string(), body }
}

fn rest_action(head: &Parts) -> String {
    let mut name = head.uri.path().trim_start_matches('/').to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    name
}

/// S3 has no operation in its requests: method and query tell it.
fn s3_action(head: &Parts) -> String {
    let setting = [
        ("versioning", "BucketVersioning"),
        ("publicAccessBlock", "PublicAccessBlock"),
        ("ownershipControls", "BucketOwnershipControls"),
        ("encryption", "BucketEncryption"),
        ("lifecycle", "BucketLifecycleConfiguration"),
        ("object-lock", "ObjectLockConfiguration"),
        ("logging", "BucketLogging"),
        ("requestPayment", "BucketRequestPayment"),
        ("tagging", "BucketTagging"),
        ("policy", "BucketPolicy"),
        ("acl", "BucketAcl"),
        ("website", "BucketWebsite"),
        ("replication", "BucketReplication"),
        ("notification", "BucketNotificationConfiguration"),
        ("inventory", "BucketInventoryConfiguration"),
        ("location", "BucketLocation"),
    ];
    let query = head.uri.query().unwrap_or_default();
    let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    let method = head.method.as_str();
    let verb = match method {
        "GET" => "Get",
        "PUT" => "Put",
        "DELETE" => "Delete",
        other => other,
    };
    match setting.into_iter().find(|(name, _)| has(name)) {
        Some((_, "BucketInventoryConfiguration")) if method == "GET" => "ListBucketInventoryConfigurations".into(),
        Some((_, "BucketLifecycleConfiguration")) if method == "DELETE" => "DeleteBucketLifecycle".into(),
        Some((_, what)) => format!("{verb}{what}"),
        None if has("list-type") => "ListObjectsV2".into(),
        None if head.uri.path() == "/" => "ListBuckets".into(),
        None if head.uri.path().trim_matches('/').contains('/') => format!("{verb}Object"),
        None if method == "PUT" => "CreateBucket".into(),
        None => format!("{verb} {}", head.uri),
    }
}
