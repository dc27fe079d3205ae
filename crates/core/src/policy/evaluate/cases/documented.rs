//! Whole policies of AWS's user guides, each with requests that its text says are allowed or denied.

use super::*;

const BUCKET: &str = "arn:aws:s3:::DOC-EXAMPLE-BUCKET";
const FILE: &str = "arn:aws:s3:::DOC-EXAMPLE-BUCKET/taxdocuments/x";
const ADMIN: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;

fn admin(action: &str, resource: &str) -> Ask {
    ask(USER, action, resource).identity(ADMIN)
}

#[test]
fn identity_policies_of_the_iam_user_guide() {
    let source = "IAM user guide, Amazon S3: allows IAM users access to their S3 home directory";
    let home = r#"{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::DOC-EXAMPLE-BUCKET","Condition":{"StringLike":{"s3:prefix":["","home/","home/${aws:username}/*"]}}}"#;
    let list = |prefix: &str| ask(USER, "s3:ListBucket", BUCKET).identity(home).with("s3:prefix", prefix);
    check(source, &list("home/"), "allowed");
    check(source, &list("home/anna/docs"), "allowed");
    check(source, &list("home/bob/docs"), "implicit");

    let source = "IAM user guide, AWS: denies access to AWS based on the source IP";
    let network = r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":["192.0.2.0/24","203.0.113.0/24"]},"Bool":{"aws:ViaAWSService":"false"}}}"#;
    let from = |address: &str| admin("s3:GetObject", FILE).identity(network).with("aws:SourceIp", address);
    check(source, &from("203.0.113.9"), "allowed");
    check(source, &from("198.51.100.9"), "explicit");
    check(source, &admin("s3:GetObject", FILE).identity(network), "unknown");
    check(source, &admin("s3:GetObject", FILE).identity(network).with("aws:ViaAWSService", "true"), "allowed");

    let source = "IAM user guide, AWS: allows access based on date and time";
    let window = r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2020-04-01T00:00:00Z"},"DateLessThan":{"aws:CurrentTime":"2020-06-30T23:59:59Z"}}}"#;
    let at = |time: &str| ask(USER, "s3:GetObject", FILE).identity(window).with("aws:CurrentTime", time);
    check(source, &at("2020-05-01T12:00:00Z"), "allowed");
    check(source, &at("2020-07-01T00:00:00Z"), "implicit");

    let source = "IAM user guide, AWS: allows MFA-authenticated IAM users to manage their own credentials";
    let mfa = r#"{"Effect":"Deny","NotAction":["iam:ListMFADevices","sts:GetSessionToken"],"Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}"#;
    let with = |action: &str| admin(action, "*").identity(mfa);
    check(source, &with("ec2:RunInstances").with("aws:MultiFactorAuthPresent", "false"), "explicit");
    check(source, &with("ec2:RunInstances").without("aws:MultiFactorAuthPresent"), "explicit");
    check(source, &with("ec2:RunInstances").with("aws:MultiFactorAuthPresent", "true"), "allowed");
    check(source, &with("iam:ListMFADevices").with("aws:MultiFactorAuthPresent", "false"), "allowed");

    let source = "IAM user guide, IAM tutorial: define permissions based on tags";
    let tags = r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/project":"${aws:PrincipalTag/project}"}}}"#;
    let tagged = |own: &str| {
        ask(USER, "s3:GetObject", FILE)
            .identity(tags)
            .with("aws:ResourceTag/project", "heart")
            .with("aws:PrincipalTag/project", own)
    };
    check(source, &tagged("heart"), "allowed");
    check(source, &tagged("star"), "implicit");
}

#[test]
fn bucket_policies_of_the_s3_user_guide() {
    let put = || admin("s3:PutObject", FILE);
    let deny = |condition: &str| {
        format!(
            r#"{{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::DOC-EXAMPLE-BUCKET","arn:aws:s3:::DOC-EXAMPLE-BUCKET/*"],"Condition":{{{condition}}}}}"#
        )
    };
    let source = "S3 user guide, Requiring SSE-KMS for all objects written to a bucket";
    let unencrypted = deny(r#""Null":{"s3:x-amz-server-side-encryption-aws-kms-key-id":"true"}"#);
    let key = "s3:x-amz-server-side-encryption-aws-kms-key-id";
    check(source, &put().resource(&unencrypted), "explicit");
    check(source, &put().resource(&unencrypted).with(key, "arn:aws:kms:us-east-1:111111111111:key/k"), "allowed");

    let source = "S3 user guide, Restricting access to a specific VPC endpoint";
    let endpoint = deny(r#""StringNotEquals":{"aws:SourceVpce":"vpce-1a2b3c4d"}"#);
    check(source, &put().resource(&endpoint).with("aws:SourceVpce", "vpce-1a2b3c4d"), "allowed");
    check(source, &put().resource(&endpoint).with("aws:SourceVpce", "vpce-other"), "explicit");
    check(source, &put().resource(&endpoint).without("aws:SourceVpce"), "explicit");

    let source = "S3 user guide, Requiring MFA";
    let age = format!(
        "{},{}",
        deny(r#""Null":{"aws:MultiFactorAuthAge":true}"#),
        deny(r#""NumericGreaterThan":{"aws:MultiFactorAuthAge":3600}"#)
    );
    check(source, &put().resource(&age).with("aws:MultiFactorAuthAge", "1800"), "allowed");
    check(source, &put().resource(&age).with("aws:MultiFactorAuthAge", "7200"), "explicit");
    check(source, &put().resource(&age).without("aws:MultiFactorAuthAge"), "explicit");

    let source = "S3 user guide, Restrict access to only HTTPS requests";
    let tls = deny(r#""Bool":{"aws:SecureTransport":"false"}"#);
    let mut plain = put().resource(&tls);
    check(source, &plain, "allowed");
    plain.request.context = Context::default().with("aws:SecureTransport", "false");
    check(source, &plain, "explicit");

    let source = "S3 user guide, Granting cross-account permissions while ensuring that the owner has full control";
    let upload = r#"{"Effect":"Allow","Principal":{"AWS":"999999999999"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::DOC-EXAMPLE-BUCKET/*","Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}}"#;
    let stranger = || ask(STRANGER, "s3:PutObject", FILE).identity(ADMIN).resource(upload);
    check(source, &stranger().with("s3:x-amz-acl", "bucket-owner-full-control"), "allowed");
    check(source, &stranger(), "implicit");

    let source = "S3 user guide, Managing organization access";
    let members = r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::DOC-EXAMPLE-BUCKET/*","Condition":{"StringEquals":{"aws:PrincipalOrgID":["o-aa111bb222"]}}}"#;
    let get = || ask(STRANGER, "s3:GetObject", FILE).identity(ADMIN).resource(members);
    check(source, &get().with("aws:PrincipalOrgID", "o-aa111bb222"), "allowed");
    check(source, &get().with("aws:PrincipalOrgID", "o-cc333dd444"), "implicit");
    check(source, &ask("anonymous", "s3:GetObject", FILE).resource(members), "implicit");

    let source = "IAM user guide, aws:PrincipalOrgPaths";
    let unit = members.replace("StringEquals", "ForAnyValue:StringLike").replace("OrgID", "OrgPaths");
    let unit = unit.replace(r#"["o-aa111bb222"]"#, r#"["o-aa111bb222/r-ab12/ou-ab12-11111111/*"]"#);
    let get = || ask(STRANGER, "s3:GetObject", FILE).identity(ADMIN).resource(&unit);
    check(source, &get().with("aws:PrincipalOrgPaths", "o-aa111bb222/r-ab12/ou-ab12-11111111/ou-ab12-2/"), "allowed");
    check(source, &get().with("aws:PrincipalOrgPaths", "o-aa111bb222/r-ab12/ou-ab12-99999999/"), "implicit");
}

#[test]
fn key_policies_of_the_kms_developer_guide() {
    let key = "arn:aws:kms:us-west-2:111111111111:key/1234abcd";
    let source = "KMS developer guide, kms:ViaService";
    let via = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/app"},"Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"kms:ViaService":["ec2.us-west-2.amazonaws.com","rds.us-west-2.amazonaws.com"]}}}"#;
    let decrypt = || ask(ROLE, "kms:Decrypt", key);
    check(source, &decrypt().resource(via).with("kms:ViaService", "rds.us-west-2.amazonaws.com"), "allowed");
    check(source, &decrypt().resource(via).with("kms:ViaService", "s3.us-west-2.amazonaws.com"), "implicit");
    check(source, &decrypt().resource(via).without("kms:ViaService"), "implicit");

    let source = "KMS developer guide, kms:EncryptionContext:context-key";
    let context = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/app"},"Action":"kms:GenerateDataKey*","Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:AppName":"ExampleApp"}}}"#;
    let generate = |action: &str| ask(ROLE, action, key).resource(context);
    check(source, &generate("kms:GenerateDataKey").with("kms:EncryptionContext:AppName", "ExampleApp"), "allowed");
    check(source, &generate("kms:GenerateDataKeyPair").with("kms:EncryptionContext:AppName", "ExampleApp"), "allowed");
    check(source, &generate("kms:GenerateDataKey").with("kms:EncryptionContext:AppName", "Other"), "implicit");
    check(source, &generate("kms:GenerateDataKey"), "implicit");

    let source = "KMS developer guide, kms:EncryptionContextKeys with ForAllValues and Null";
    let keys = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/app"},"Action":"kms:*","Resource":"*","Condition":{"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["AppName","FilePath"]},"Null":{"kms:EncryptionContextKeys":"false"}}}"#;
    check(source, &decrypt().resource(keys).with("kms:EncryptionContextKeys", "AppName"), "allowed");
    let two = decrypt().resource(keys).with("kms:EncryptionContextKeys", "AppName");
    check(source, &two.with("kms:EncryptionContextKeys", "Other"), "implicit");
    check(source, &decrypt().resource(keys), "implicit");

    let source = "CloudTrail user guide, Configure AWS KMS key policies for CloudTrail";
    let trail = "arn:aws:cloudtrail:us-west-2:111111111111:trail/t";
    let encrypt = format!(
        r#"{{"Effect":"Allow","Principal":{{"Service":"cloudtrail.amazonaws.com"}},"Action":"kms:GenerateDataKey*","Resource":"*","Condition":{{"StringLike":{{"kms:EncryptionContext:aws:cloudtrail:arn":"arn:aws:cloudtrail:*:111111111111:trail/*"}},"StringEquals":{{"aws:SourceArn":"{trail}"}}}}}}"#
    );
    let by_trail = |arn: &str| {
        let case = ask("cloudtrail.amazonaws.com", "kms:GenerateDataKey", key).resource(&encrypt);
        case.with("aws:SourceArn", arn).with("kms:EncryptionContext:aws:cloudtrail:arn", arn)
    };
    check(source, &by_trail(trail), "allowed");
    check(source, &by_trail("arn:aws:cloudtrail:us-west-2:999999999999:trail/t"), "implicit");
}

#[test]
fn trust_and_topic_policies() {
    let reader = "arn:aws:iam::111111111111:role/reader";
    let source = "IAM user guide, Access to AWS accounts owned by third parties: external id";
    let external = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999999999999:root"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"12345"}}}"#;
    let assume = || ask(STRANGER, "sts:AssumeRole", reader).identity(ADMIN).resource(external);
    check(source, &assume().with("sts:ExternalId", "12345"), "allowed");
    check(source, &assume().with("sts:ExternalId", "54321"), "implicit");
    check(source, &assume(), "implicit");

    let source = "IAM user guide, Secure API access with MFA";
    let mfa = r#"{"Effect":"Allow","Principal":{"AWS":"999999999999"},"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"},"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}}"#;
    let assume = || ask(STRANGER, "sts:AssumeRole", reader).identity(ADMIN).resource(mfa);
    let fresh = assume().with("aws:MultiFactorAuthPresent", "true").with("aws:MultiFactorAuthAge", "10");
    check(source, &fresh, "allowed");
    let none = assume().without("aws:MultiFactorAuthPresent").without("aws:MultiFactorAuthAge");
    check(source, &none, "implicit");

    let source = "SNS developer guide, Allow Amazon S3 event notifications to publish to a topic";
    let topic = "arn:aws:sns:us-east-2:111111111111:MyTopic";
    let publish = r#"{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"SNS:Publish","Resource":"arn:aws:sns:us-east-2:111111111111:MyTopic","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:s3:*:*:DOC-EXAMPLE-BUCKET"},"StringEquals":{"aws:SourceAccount":"444455556666"}}}"#;
    let by_s3 = |account: &str| {
        let case = ask("s3.amazonaws.com", "sns:Publish", topic).resource(publish);
        case.with("aws:SourceArn", BUCKET).with("aws:SourceAccount", account)
    };
    check(source, &by_s3("444455556666"), "allowed");
    check(source, &by_s3("999999999999"), "implicit");
    check("the source is not said", &ask("s3.amazonaws.com", "sns:Publish", topic).resource(publish), "unknown");
}

#[test]
fn control_policies_of_the_organizations_user_guide() {
    let source = "Organizations user guide, Deny access to AWS based on the requested Region";
    let regions = format!(
        r#"{ADMIN},{{"Effect":"Deny","NotAction":["iam:*","sts:*"],"Resource":"*","Condition":{{"StringNotEquals":{{"aws:RequestedRegion":["eu-central-1","eu-west-1"]}},"ArnNotLike":{{"aws:PrincipalARN":["arn:aws:iam::*:role/Role1AllowedToBypassThisSCP"]}}}}}}"#
    );
    let run = |who: &str, region: &str| {
        ask(who, "ec2:RunInstances", "*").identity(ADMIN).scp(&regions).with("aws:RequestedRegion", region)
    };
    check(source, &run(ROLE, "eu-west-1"), "allowed");
    check(source, &run(ROLE, "us-east-1"), "explicit");
    check(source, &run("arn:aws:iam::111111111111:role/Role1AllowedToBypassThisSCP", "us-east-1"), "allowed");
    check(source, &ask(ROLE, "iam:ListUsers", "*").identity(ADMIN).scp(&regions), "allowed");

    let source = "Organizations user guide, RCP: cross-service confused deputy protection";
    let deputy = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{"Effect":"Deny","Principal":"*","Action":["s3:*"],"Resource":"*","Condition":{"StringNotEqualsIfExists":{"aws:SourceOrgID":"o-exampleorgid"},"Null":{"aws:SourceAccount":"false"},"Bool":{"aws:PrincipalIsAWSService":"true"}}}"#;
    let open = r#"{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"*"}"#;
    let deliver = |organization: &str| {
        let case = ask("cloudtrail.amazonaws.com", "s3:PutObject", FILE).resource(open).rcp(deputy);
        case.with("aws:SourceAccount", "444455556666").with("aws:SourceOrgID", organization)
    };
    check(source, &deliver("o-exampleorgid"), "allowed");
    check(source, &deliver("o-anotherorgid"), "explicit");
}
