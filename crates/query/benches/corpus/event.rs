//! One record: who, what, with which parameters.

use super::random::Random;

/// Somebody who calls: the parts of `userIdentity`, and from where.
pub struct Caller {
    identity: Identity,
    address: String,
    agent: &'static str,
}

enum Identity {
    User { name: String, key: String },
    Role { role: &'static str, id: String, session: String, by: Option<&'static str> },
    Service(&'static str),
}

const AGENTS: [&str; 6] = [
    "aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#amd64 api/ec2#1.168.0",
    "Boto3/1.34.144 md/Botocore#1.34.144 ua/2.0 os/linux#5.10.220 md/arch#x86_64 lang/python#3.11.9",
    "APN/1.0 HashiCorp/1.0 Terraform/1.9.2 (+https://www.terraform.io) terraform-provider-aws/5.58.0 aws-sdk-go-v2/1.30.1",
    "aws-cli/2.17.13 md/awscrt#0.20.11 ua/2.0 os/linux#6.1.92 md/arch#x86_64 lang/python#3.11.9 md/command#s3api.list-buckets",
    "AWS Internal",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
];
const USERS: [&str; 8] = ["alice", "bob", "deploy-ci", "backup", "séverine", "mallory", "monitoring", "carol"];
const ROLES: [&str; 7] = [
    "eks-node-group",
    "terraform-apply",
    "AWSReservedSSO_ReadOnlyAccess_0a1b2c3d4e5f6a7b",
    "lambda-ingest",
    "ecs-task-execution",
    "cross-account-audit",
    "datadog-integration",
];
const SERVICES: [&str; 4] =
    ["ec2.amazonaws.com", "autoscaling.amazonaws.com", "cloudtrail.amazonaws.com", "config.amazonaws.com"];

impl Caller {
    /// Returns the callers of an account: the same in every run.
    pub fn of_account(account: &str) -> Vec<Self> {
        let mut random = Random::new(account.bytes().fold(7, |all, byte| all * 31 + u64::from(byte)));
        let mut all = Vec::new();
        for number in 0..40 {
            let id = random.word(17).to_uppercase();
            let identity = match number % 5 {
                0 => Identity::User {
                    name: random.often(&USERS).to_owned(),
                    key: format!("AKIA{}", random.word(16).to_uppercase()),
                },
                4 if number < 20 => Identity::Service(random.often(&SERVICES)),
                3 => {
                    let session = format!("i-{}", random.hex(17));
                    Identity::Role { role: "ssm-managed", id, session, by: Some("ssm.amazonaws.com") }
                }
                _ => {
                    let session = match random.below(3) {
                        0 => format!("i-{}", random.hex(17)),
                        1 => format!("aws-go-sdk-{}", 1_700_000_000_000_000_000 + random.below(99_999_999_999_999_999)),
                        _ => format!("{}@example.com", random.often(&USERS)),
                    };
                    Identity::Role { role: random.often(&ROLES), id, session, by: None }
                }
            };
            let address = match &identity {
                Identity::Service(name) => (*name).to_owned(),
                Identity::Role { by: Some(name), .. } => (*name).to_owned(),
                _ => format!(
                    "{}.{}.{}.{}",
                    3 + random.below(200),
                    random.below(256),
                    random.below(256),
                    random.below(256)
                ),
            };
            all.push(Self { identity, address, agent: random.often(&AGENTS) });
        }
        all
    }

    fn json(&self, random: &mut Random, account: &str, hour: usize) -> String {
        match &self.identity {
            Identity::Service(name) => format!(r#"{{"type":"AWSService","invokedBy":"{name}"}}"#),
            Identity::User { name, key } => format!(
                r#"{{"type":"IAMUser","principalId":"AIDA{}","arn":"arn:aws:iam::{account}:user/{name}","accountId":"{account}","accessKeyId":"{key}","userName":"{name}"}}"#,
                &key[3..],
            ),
            Identity::Role { role, id, session, by } => {
                let key = random.word(16).to_uppercase();
                let invoked = by.map(|name| format!(r#","invokedBy":"{name}""#)).unwrap_or_default();
                let created = format!("2026-11-20T{hour:02}:{:02}:{:02}Z", random.below(60), random.below(60));
                format!(
                    r#"{{"type":"AssumedRole","principalId":"AROA{id}:{session}","arn":"arn:aws:sts::{account}:assumed-role/{role}/{session}","accountId":"{account}","accessKeyId":"ASIA{key}","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"AROA{id}","arn":"arn:aws:iam::{account}:role/{role}","accountId":"{account}","userName":"{role}"}},"attributes":{{"creationDate":"{created}","mfaAuthenticated":"false"}}}}{invoked}}}"#
                )
            }
        }
    }
}

/// A call: its service, its name, whether it reads, and a number for its parameters.
const CALLS: [(&str, &str, bool, u8); 26] = [
    ("kms", "Decrypt", true, 1),
    ("sts", "AssumeRole", true, 2),
    ("ec2", "DescribeInstances", true, 3),
    ("ec2", "DescribeRouteTables", true, 0),
    ("ssm", "GetParameter", true, 4),
    ("ec2", "DescribeNetworkInterfaces", true, 3),
    ("ssm", "DescribeInstanceInformation", true, 5),
    ("iam", "GetRole", true, 6),
    ("kms", "GenerateDataKey", true, 1),
    ("secretsmanager", "GetSecretValue", true, 7),
    ("s3", "GetBucketAcl", true, 8),
    ("ec2", "DescribeTags", true, 3),
    ("elasticloadbalancing", "DescribeTargetHealth", true, 9),
    ("rds", "DescribeDBInstances", true, 0),
    ("iam", "ListAttachedRolePolicies", true, 6),
    ("cloudwatch", "DescribeAlarms", true, 5),
    ("ecr", "GetAuthorizationToken", true, 0),
    ("dynamodb", "DescribeTable", true, 10),
    ("s3", "GetBucketLogging", true, 8),
    ("logs", "CreateLogStream", false, 11),
    ("ssm", "UpdateInstanceInformation", false, 12),
    ("ec2", "CreateNetworkInterface", false, 13),
    ("ec2", "RunInstances", false, 14),
    ("ssm", "PutParameter", false, 4),
    ("autoscaling", "DescribeAutoScalingGroups", true, 5),
    ("iam", "CreateAccessKey", false, 6),
];
const ERRORS: [(&str, &str); 4] = [
    ("AccessDenied", "User is not authorized to perform this operation because no identity-based policy allows it"),
    ("Client.UnauthorizedOperation", "You are not authorized to perform this operation."),
    ("ParameterNotFound", ""),
    ("ThrottlingException", "Rate exceeded"),
];

/// Returns a record that was delivered with a file of a time of the day.
pub fn record(random: &mut Random, account: &str, region: &str, callers: &[Caller], time: usize) -> String {
    let caller = &callers[random.near(callers.len())];
    let (service, name, is_read, shape) = random.often(&CALLS);
    let second = (time * 300 + usize::try_from(random.below(300)).unwrap_or(0)).min(86_399);
    let at = format!("2026-11-20T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60);
    let identity = caller.json(random, account, second / 3600);
    let (request, response, more) = parameters(random, account, region, shape);
    let error = if random.below(10) == 0 {
        let (code, message) = random.often(&ERRORS);
        let message = if message.is_empty() { String::new() } else { format!(r#","errorMessage":"{message}""#) };
        format!(r#","errorCode":"{code}"{message}"#)
    } else {
        String::new()
    };
    let tls = if random.below(5) > 1 {
        format!(
            r#","tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"{service}.{region}.amazonaws.com"}}"#
        )
    } else {
        String::new()
    };
    format!(
        r#"{{"eventVersion":"1.09","userIdentity":{identity},"eventTime":"{at}","eventSource":"{service}.amazonaws.com","eventName":"{name}","awsRegion":"{region}","sourceIPAddress":"{}","userAgent":"{}"{error},"requestParameters":{request},"responseElements":{response}{more},"requestID":"{}","eventID":"{}","readOnly":{is_read},"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"{account}","eventCategory":"Management"{tls}}}"#,
        caller.address,
        caller.agent,
        random.uuid(),
        random.uuid(),
    )
}

/// Returns the request, the answer, and what else stands in the record.
fn parameters(random: &mut Random, account: &str, region: &str, shape: u8) -> (String, String, String) {
    let none = || "null".to_owned();
    match shape {
        1 => {
            let key = format!("arn:aws:kms:{region}:{account}:key/{}", random.uuid());
            let request = format!(
                r#"{{"encryptionContext":{{"aws:s3:arn":"arn:aws:s3:::data-{account}/part={}/{}"}},"keyId":"{key}"}}"#,
                random.below(400),
                random.word(20)
            );
            let more = format!(r#","resources":[{{"accountId":"{account}","type":"AWS::KMS::Key","ARN":"{key}"}}]"#);
            (request, none(), more)
        }
        2 => {
            let role = format!("arn:aws:iam::{account}:role/{}", random.often(&ROLES));
            let session = random.word(20);
            let request = format!(r#"{{"roleArn":"{role}","roleSessionName":"{session}","durationSeconds":3600}}"#);
            let response = format!(
                r#"{{"credentials":{{"accessKeyId":"ASIA{}","sessionToken":"{}","expiration":"Nov 20, 2026, 11:{:02}:00 AM"}},"assumedRoleUser":{{"assumedRoleId":"AROA{}:{session}","arn":"{role}/{session}"}}}}"#,
                random.word(16).to_uppercase(),
                random.word(340),
                random.below(60),
                random.word(17).to_uppercase()
            );
            let more = format!(
                r#","sharedEventID":"{}","resources":[{{"accountId":"{account}","type":"AWS::IAM::Role","ARN":"{role}"}}]"#,
                random.uuid()
            );
            (request, response, more)
        }
        3 => {
            let items: Vec<String> =
                (0..=random.below(5)).map(|_| format!(r#"{{"instanceId":"i-{}"}}"#, random.hex(17))).collect();
            (format!(r#"{{"instancesSet":{{"items":[{}]}},"filterSet":{{}}}}"#, items.join(",")), none(), String::new())
        }
        4 => (
            format!(r#"{{"name":"/app/{}/{}","withDecryption":true}}"#, random.below(90), random.word(12)),
            none(),
            String::new(),
        ),
        5 => (format!(r#"{{"maxResults":50,"nextToken":"{}"}}"#, random.word(180)), none(), String::new()),
        6 => (format!(r#"{{"roleName":"{}"}}"#, random.often(&ROLES)), none(), String::new()),
        7 => (
            format!(r#"{{"secretId":"arn:aws:secretsmanager:{region}:{account}:secret:{}"}}"#, random.word(30)),
            none(),
            String::new(),
        ),
        8 => {
            let bucket = format!("data-{account}-{}", random.below(200));
            let request =
                format!(r#"{{"bucketName":"{bucket}","Host":"{bucket}.s3.{region}.amazonaws.com","acl":""}}"#);
            let more = format!(
                r#","additionalEventData":{{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"{}","bytesTransferredOut":{}}},"resources":[{{"accountId":"{account}","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::{bucket}"}}]"#,
                random.word(76),
                random.below(90_000)
            );
            (request, none(), more)
        }
        9 => {
            let group = format!(
                "arn:aws:elasticloadbalancing:{region}:{account}:targetgroup/k8s-{}/{}",
                random.word(10),
                random.hex(16)
            );
            (format!(r#"{{"targetGroupArn":"{group}"}}"#), none(), String::new())
        }
        10 => (format!(r#"{{"tableName":"orders-{}"}}"#, random.below(50)), none(), String::new()),
        11 => (
            format!(
                r#"{{"logGroupName":"/aws/lambda/ingest-{}","logStreamName":"2026/11/20/[$LATEST]{}"}}"#,
                random.below(60),
                random.hex(32)
            ),
            none(),
            r#","apiVersion":"20140328""#.to_owned(),
        ),
        12 => (
            format!(
                r#"{{"instanceId":"i-{}","agentVersion":"3.3.551.0","agentStatus":"Active","platformType":"Linux","platformName":"Amazon Linux","iPAddress":"10.{}.{}.{}","computerName":"ip-10-0-0-1.{region}.compute.internal","count":9007199254740993}}"#,
                random.hex(17),
                random.below(256),
                random.below(256),
                random.below(256)
            ),
            none(),
            String::new(),
        ),
        13 | 14 => {
            let (instance, network) = (random.hex(17), random.hex(17));
            let request = format!(
                r#"{{"subnetId":"subnet-{}","groupSet":{{"items":[{{"groupId":"sg-{}"}}]}},"description":"aws-K8S-i-{instance} \u0022caf\u00e9\u0022"}}"#,
                random.hex(17),
                random.hex(17)
            );
            let response = format!(
                r#"{{"requestId":"{}","networkInterface":{{"networkInterfaceId":"eni-{network}","vpcId":"vpc-{}","availabilityZone":"{region}a","ownerId":"{account}","status":"pending","macAddress":"{}","privateIpAddress":"10.0.{}.{}","sourceDestCheck":true,"tagSet":{{"items":[{{"key":"node.k8s.amazonaws.com/instance_id","value":"i-{instance}"}}]}}}}}}"#,
                random.uuid(),
                random.hex(17),
                random.hex(12),
                random.below(256),
                random.below(256)
            );
            (request, response, String::new())
        }
        _ => ("null".to_owned(), none(), String::new()),
    }
}
