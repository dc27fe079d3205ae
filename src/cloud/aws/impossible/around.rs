//! The same of what surrounds an archive: grants, copies, messages, and who else is there.

use super::*;
use crate::estate::surroundings::Readable;

/// What surrounds an archive, where all is well.
fn good_around() -> Answers {
    let texts = [
        (
            "acl",
            "<AccessControlPolicy><Owner><ID>own</ID></Owner><AccessControlList><Grant><Grantee><ID>other</ID></Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>",
        ),
        ("website", "<WebsiteConfiguration/>"),
        (
            "replication",
            "<ReplicationConfiguration><Rule><Status>Enabled</Status><Destination><Bucket>arn:aws:s3:::copy</Bucket></Destination></Rule></ReplicationConfiguration>",
        ),
        (
            "inventory",
            "<ListInventoryConfigurationsResult><InventoryConfiguration><IsEnabled>true</IsEnabled><Destination><S3BucketDestination><Bucket>arn:aws:s3:::list</Bucket></S3BucketDestination></Destination></InventoryConfiguration><IsTruncated>false</IsTruncated></ListInventoryConfigurationsResult>",
        ),
        (
            "notification",
            "<NotificationConfiguration><QueueConfiguration><Queue>arn:aws:sqs:eu-central-1:222222222222:q</Queue></QueueConfiguration></NotificationConfiguration>",
        ),
        (
            "ListGrants",
            r#"{"Grants":[{"GrantId":"g","GranteePrincipal":"arn:aws:iam::222222222222:root","Operations":["Decrypt"]}],"Truncated":false}"#,
        ),
        (
            "ListSubscriptionsByTopic",
            "<ListSubscriptionsByTopicResponse><ListSubscriptionsByTopicResult><Subscriptions><member><SubscriptionArn>arn:aws:sns:eu-central-1:222222222222:t:1</SubscriptionArn><Protocol>sqs</Protocol><Endpoint>arn:aws:sqs:eu-central-1:222222222222:q</Endpoint><Owner>222222222222</Owner></member></Subscriptions></ListSubscriptionsByTopicResult></ListSubscriptionsByTopicResponse>",
        ),
        (
            "DescribeSubscriptionFilters",
            r#"{"subscriptionFilters":[{"destinationArn":"arn:aws:lambda:eu-central-1:222222222222:function:f"}]}"#,
        ),
        (
            "DescribeResourcePolicies",
            r#"{"resourcePolicies":[{"policyName":"p","policyDocument":"{\"Statement\":[]}"}]}"#,
        ),
        ("ListPoliciesForTarget", r#"{"Policies":[{"Id":"p-FullAWSAccess","AwsManaged":true}]}"#),
        (
            "GetAccountAuthorizationDetails",
            "<GetAccountAuthorizationDetailsResponse><GetAccountAuthorizationDetailsResult><UserDetailList><member><Arn>arn:aws:iam::222222222222:user/u</Arn></member></UserDetailList><GroupDetailList><member><Arn>arn:aws:iam::222222222222:group/g</Arn><GroupName>g</GroupName></member></GroupDetailList><RoleDetailList/><Policies><member><Arn>arn:aws:iam::222222222222:policy/p</Arn></member></Policies><IsTruncated>false</IsTruncated></GetAccountAuthorizationDetailsResult></GetAccountAuthorizationDetailsResponse>",
        ),
    ];
    texts.into_iter().map(|(operation, text)| (operation, (200, text.to_owned()))).collect()
}

fn told<T: std::fmt::Debug>(part: Readable<T>) -> Result<String, String> {
    match part {
        Readable::Read(value) => Ok(format!("{value:?}")),
        Readable::Unreadable(problem) => Err(problem.code),
    }
}

/// Reads what one operation answers of what surrounds an archive.
async fn look_around(session: &Session, operation: &str) -> Result<String, String> {
    let code = |fault: CloudFault| fault.code;
    match operation {
        "ListGrants" => kms::grants(session, KEY).await.map(|found| format!("{found:?}")).map_err(code),
        "ListSubscriptionsByTopic" => sns::subscriptions(session, "arn:aws:sns:eu-central-1:222222222222:t")
            .await
            .map(|found| format!("{found:?}"))
            .map_err(code),
        "DescribeSubscriptionFilters" => told(logs::exposure(session, &at(Kind::LogGroup, "acme")).await.subscriptions),
        "DescribeResourcePolicies" => told(logs::exposure(session, &at(Kind::LogGroup, "acme")).await.policies),
        "ListPoliciesForTarget" => {
            let targets = ["r-ab12".to_owned()].into();
            organizations::controls::look(session, &targets).await.map(|found| format!("{found:?}")).map_err(code)
        }
        "GetAccountAuthorizationDetails" => iam::account::found(session, "acme", |_: &str| false, true)
            .await
            .map(|found| format!("{:?}", found.roles))
            .map_err(code),
        of_bucket => {
            let exposure = s3::exposure::look(session, &at(Kind::Bucket, "acme")).await;
            match of_bucket {
                "acl" => told(exposure.acl),
                "replication" => told(exposure.replication),
                "inventory" => told(exposure.inventories),
                _ => told(exposure.notifications),
            }
        }
    }
}

/// Whatever is missing that AWS always answers: who may read beside the policies is then not known, and never nobody.
#[tokio::test]
async fn what_surrounds_an_archive_is_unreadable_where_an_answer_lacks_what_aws_always_says() {
    let missing = [
        ("acl", "<Owner><ID>own</ID></Owner>"),
        (
            "acl",
            "<AccessControlList><Grant><Grantee><ID>other</ID></Grantee><Permission>READ</Permission></Grant></AccessControlList>",
        ),
        ("acl", "<ID>other</ID>"),
        ("acl", "<Permission>READ</Permission>"),
        ("replication", "<Destination><Bucket>arn:aws:s3:::copy</Bucket></Destination>"),
        ("replication", "<Bucket>arn:aws:s3:::copy</Bucket>"),
        (
            "inventory",
            "<Destination><S3BucketDestination><Bucket>arn:aws:s3:::list</Bucket></S3BucketDestination></Destination>",
        ),
        ("inventory", "<Bucket>arn:aws:s3:::list</Bucket>"),
        ("inventory", "<IsTruncated>false</IsTruncated>"),
        ("notification", "<Queue>arn:aws:sqs:eu-central-1:222222222222:q</Queue>"),
        (
            "ListGrants",
            r#""Grants":[{"GrantId":"g","GranteePrincipal":"arn:aws:iam::222222222222:root","Operations":["Decrypt"]}],"#,
        ),
        ("ListGrants", r#""GrantId":"g","#),
        ("ListGrants", r#""GranteePrincipal":"arn:aws:iam::222222222222:root","#),
        ("ListGrants", r#","Operations":["Decrypt"]"#),
        ("ListSubscriptionsByTopic", "<Protocol>sqs</Protocol>"),
        ("ListSubscriptionsByTopic", "<Endpoint>arn:aws:sqs:eu-central-1:222222222222:q</Endpoint>"),
        ("DescribeSubscriptionFilters", r#""destinationArn":"arn:aws:lambda:eu-central-1:222222222222:function:f""#),
        (
            "DescribeSubscriptionFilters",
            r#""subscriptionFilters":[{"destinationArn":"arn:aws:lambda:eu-central-1:222222222222:function:f"}]"#,
        ),
        ("DescribeResourcePolicies", r#""policyName":"p","#),
        ("DescribeResourcePolicies", r#","policyDocument":"{\"Statement\":[]}""#),
        ("ListPoliciesForTarget", r#""Policies":[{"Id":"p-FullAWSAccess","AwsManaged":true}]"#),
        ("ListPoliciesForTarget", r#""Id":"p-FullAWSAccess","#),
        ("GetAccountAuthorizationDetails", "<Arn>arn:aws:iam::222222222222:user/u</Arn>"),
        ("GetAccountAuthorizationDetails", "<GroupName>g</GroupName>"),
        ("GetAccountAuthorizationDetails", "<Arn>arn:aws:iam::222222222222:policy/p</Arn>"),
        (
            "GetAccountAuthorizationDetails",
            "<UserDetailList><member><Arn>arn:aws:iam::222222222222:user/u</Arn></member></UserDetailList>",
        ),
        ("GetAccountAuthorizationDetails", "<RoleDetailList/>"),
    ];
    let good = good_around();
    let well = session(good.clone()).await;
    for (operation, part) in missing {
        let whole = look_around(&well, operation).await;
        assert!(whole.is_ok(), "{operation} {whole:?}");
        let text = good[operation].1.replacen(part, "", 1);
        assert_ne!(text, good[operation].1, "{operation} {part}");
        let cut = session(good.clone().with(operation, 200, &text)).await;
        assert_eq!(look_around(&cut, operation).await, Err("UnexpectedAnswer".into()), "{operation} without {part}");
    }
}
