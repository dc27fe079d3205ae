//! A store that answers old reads for a while right after a write.

use crate::run::Desk;
use crate::support::{Emulator, Proxy, Trouble, World};

/// So many reads are answered as before the write.
const OLD_ANSWERS: usize = 3;

/// Has a read answered as it was before a write, for a while after it.
fn late(proxy: &Proxy, write: &'static str, (service, read): (&'static str, &'static str), old: Trouble) {
    let mut is_written = false;
    let answered_late = move |call: &crate::support::Call| {
        is_written |= call.action == write;
        is_written && call.service == service && call.action == read
    };
    proxy.trouble_if(answered_late, OLD_ANSWERS, old);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_apply_waits_for_what_it_wrote_and_makes_one_key() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "    notify: {sns: acme-org-trail}\n");
    let proxy = emulator.proxy();
    late(proxy, "PutBucketTagging", ("s3", "GetBucketTagging"), Trouble::Error(404, "NoSuchTagSet"));
    late(proxy, "PutRolePolicy", ("iam", "GetRole"), Trouble::Error(404, "NoSuchEntity"));
    late(
        proxy,
        "CreateAlias",
        ("kms", "ListResourceTags"),
        Trouble::Answer(r#"{"Tags":[],"Truncated":false}"#.to_owned()),
    );
    let no_tags = "<ListTagsForResourceResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\
                   <ListTagsForResourceResult><Tags/></ListTagsForResourceResult>\
                   <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></ListTagsForResourceResponse>";
    late(proxy, "SetTopicAttributes", ("sns", "ListTagsForResource"), Trouble::Answer(no_tags.to_owned()));

    desk.run("apply --yes --concurrency 1").expect_code(0);
    assert_eq!(proxy.troubled(), 4 * OLD_ANSWERS, "the run asked again until the answer was the new one");
    proxy.clear();
    desk.run("plan").expect_code(0);
    desk.run("apply --yes").expect_code(0);
    assert_eq!(proxy.calls().into_iter().filter(crate::support::Call::is_write).collect::<Vec<_>>(), []);
    let kms = aws_sdk_kms::Client::new(&world.hand_in("log-archive").await);
    let made: Vec<_> = kms.list_keys().send().await.unwrap().keys.unwrap_or_default();
    let mut ours = 0;
    for key in made {
        let id = key.key_id.unwrap();
        let described = kms.describe_key().key_id(id).send().await.unwrap().key_metadata.unwrap();
        ours += usize::from(
            described.description().is_some_and(|text| text.contains("orgtrail") || text.contains("CloudTrail")),
        );
    }
    assert_eq!(ours, 1);
}
