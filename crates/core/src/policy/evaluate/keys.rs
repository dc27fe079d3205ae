//! The condition keys that the evaluator understands, and what it means when a request does not give one.

/// How a key that nobody gave is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// The request itself would say it: the key is absent.
    Absent,
    /// A circumstance of the request: nobody knows.
    Unknown,
    /// The key is not one that we know the meaning of.
    NotUnderstood,
}

/// Circumstances: who the caller is to others, from where, when, on whose resource.
///
/// Source: IAM user guide, "AWS global condition context keys"; service authorization reference, S3 and KMS.
const CIRCUMSTANCES: [&str; 51] = [
    "aws:assumedroot",
    "aws:chatbotsourcearn",
    "aws:currenttime",
    "aws:ec2instancesourceprivateipv4",
    "aws:ec2instancesourcevpc",
    "aws:epochtime",
    "aws:federatedprovider",
    "aws:multifactorauthage",
    "aws:multifactorauthpresent",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principalorgid",
    "aws:principalorgmasteraccountid",
    "aws:principalorgpaths",
    "aws:principalservicename",
    "aws:principalservicenameslist",
    "aws:principaltype",
    "aws:requestedregion",
    "aws:resourceaccount",
    "aws:resourceorgid",
    "aws:resourceorgpaths",
    "aws:securetransport",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceidentity",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourcevpc",
    "aws:sourcevpcarn",
    "aws:sourcevpce",
    "aws:tokenissuetime",
    "aws:useragent",
    "aws:userid",
    "aws:username",
    "aws:viaawsservice",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "aws:vpceorgpaths",
    "aws:vpcsourceip",
    "kms:calleraccount",
    "kms:keyorigin",
    "kms:keyspec",
    "kms:keyusage",
    "kms:multiregion",
    "kms:requestalias",
    "kms:viaservice",
    "s3:authtype",
    "s3:resourceaccount",
    "s3:tlsversion",
];

/// What the request's own parameters and headers say. `aws:SourceOwner` is what SNS's default policy asks for; no
/// service that we build requests for sends it.
const PARAMETERS: [&str; 53] = [
    "aws:calledvia",
    "aws:calledviafirst",
    "aws:calledvialast",
    "aws:referer",
    "aws:sourceowner",
    "aws:tagkeys",
    "cloudtrail:traillogbucket",
    "iam:associatedresourcearn",
    "iam:awsservicename",
    "iam:passedtoservice",
    "iam:permissionsboundary",
    "iam:policyarn",
    "kms:bypasspolicylockoutsafetycheck",
    "kms:encryptionalgorithm",
    "kms:encryptioncontextkeys",
    "kms:granteeprincipal",
    "kms:grantisforawsresource",
    "kms:grantoperations",
    "kms:reencryptonsamekey",
    "kms:schedulekeydeletionpendingwindowindays",
    "organizations:policytype",
    "organizations:serviceprincipal",
    "s3:delimiter",
    "s3:max-keys",
    "s3:object-lock-legal-hold",
    "s3:object-lock-mode",
    "s3:object-lock-remaining-retention-days",
    "s3:object-lock-retain-until-date",
    "s3:prefix",
    "s3:signatureage",
    "s3:signatureversion",
    "s3:versionid",
    "s3:x-amz-acl",
    "s3:x-amz-content-sha256",
    "s3:x-amz-copy-source",
    "s3:x-amz-grant-full-control",
    "s3:x-amz-grant-read",
    "s3:x-amz-grant-read-acp",
    "s3:x-amz-grant-write",
    "s3:x-amz-grant-write-acp",
    "s3:x-amz-metadata-directive",
    "s3:x-amz-object-ownership",
    "s3:x-amz-server-side-encryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:x-amz-server-side-encryption-customer-algorithm",
    "s3:x-amz-storage-class",
    "s3:x-amz-website-redirect-location",
    "sns:endpoint",
    "sns:protocol",
    "sts:externalid",
    "sts:rolesessionname",
    "sts:sourceidentity",
    "sts:transitivetagkeys",
];

/// Families of keys whose names end in a name of the user's.
const FAMILIES: [(&str, Silence); 6] = [
    ("aws:principaltag/", Silence::Unknown),
    ("aws:resourcetag/", Silence::Unknown),
    ("s3:existingobjecttag/", Silence::Unknown),
    ("aws:requesttag/", Silence::Absent),
    ("s3:requestobjecttag/", Silence::Absent),
    ("kms:encryptioncontext:", Silence::Absent),
];

/// Returns how to take a key (in lower case) that nobody gave.
pub(super) fn silence(key: &str) -> Silence {
    if CIRCUMSTANCES.binary_search(&key).is_ok() {
        return Silence::Unknown;
    }
    if PARAMETERS.binary_search(&key).is_ok() {
        return Silence::Absent;
    }
    let family = FAMILIES.iter().find(|(start, _)| key.len() > start.len() && key.starts_with(start));
    family.map_or(Silence::NotUnderstood, |(_, silence)| *silence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_and_in_lower_case() {
        for list in [&CIRCUMSTANCES[..], &PARAMETERS[..]] {
            assert!(list.is_sorted());
            assert!(list.iter().all(|key| *key == key.to_ascii_lowercase()));
        }
    }

    #[test]
    fn silence_depends_on_the_key() {
        assert_eq!(silence("aws:sourceip"), Silence::Unknown);
        assert_eq!(silence("s3:prefix"), Silence::Absent);
        assert_eq!(silence("kms:encryptioncontext:aws:cloudtrail:arn"), Silence::Absent);
        assert_eq!(silence("aws:principaltag/"), Silence::NotUnderstood);
        assert_eq!(silence("aws:newkey"), Silence::NotUnderstood);
    }
}
