//! Copies in folders: where a search ends, what is no object, and copies of buckets that nothing joins.

use orgtrail::archive::FolderStore;
use orgtrail::logs::finding::State;
use orgtrail::logs::verify::{Verification, VerifyRequest};

use crate::bucket::{ACCOUNT, Bucket, Layout, MemoryStore};
use crate::proof::{request, verify_store};

const SECOND: &str = "222222222222";

fn beside(answer: &Verification) -> Vec<String> {
    answer.findings.iter().map(|finding| format!("{} {}: {}", finding.state, finding.code, finding.detail)).collect()
}

async fn of_folder(root: &std::path::Path, bucket: &Bucket, request: VerifyRequest) -> Verification {
    verify_store(FolderStore::new(root), bucket, request).await
}

#[tokio::test]
async fn a_folder_that_is_too_deep_is_told_and_never_attested() {
    let deep = "d/".repeat(64);
    let bucket = Layout { prefix: deep.clone(), ..Layout::default() }.write();
    let root = tempfile::tempdir().unwrap();
    bucket.write_to(root.path());
    let answer = of_folder(root.path(), &bucket, request(&bucket)).await;
    let limit = "UNPROVEN chain.unlisted: the search for AWSLogs/ ended 64 folders deep; name the prefix below which the logs lie";
    assert_eq!((beside(&answer), answer.state()), (vec![limit.to_owned()], State::Unproven));
    // Beside what lies higher, it is told all the same.
    Layout::default().write().write_to(root.path());
    let answer = of_folder(root.path(), &bucket, request(&bucket)).await;
    assert_eq!((answer.chains[0].state, beside(&answer)), (State::Attested, vec![limit.to_owned()]));
    // Named, it is proved.
    let mut asked = request(&bucket);
    asked.sought.prefix = deep;
    let answer = of_folder(root.path(), &bucket, asked).await;
    assert_eq!((answer.state(), beside(&answer)), (State::Attested, vec![]));
}

#[tokio::test]
async fn a_prefix_may_be_named_as_the_root_of_the_layout() {
    for prefix in ["AWSLogs/", "AWSLogs/AWSLogs/", "a/AWSLogs/b/"] {
        let bucket = Layout { prefix: prefix.into(), ..Layout::default() }.write();
        let root = tempfile::tempdir().unwrap();
        bucket.write_to(root.path());
        let answer = of_folder(root.path(), &bucket, request(&bucket)).await;
        assert_eq!((answer.state(), answer.chains.len()), (State::Attested, 1), "{prefix} {:#?}", beside(&answer));
    }
}

/// How long a run may take that ends within a second, if it does not wait for itself.
const HANGS_S: u64 = 120;

#[tokio::test]
async fn digests_that_are_read_ahead_keep_no_log_file_waiting() {
    // More digests than files are read at a time, and a walk that waits for each log file.
    let bucket = Layout { hours: 200, logs: vec![2], ..Layout::default() }.write();
    let root = tempfile::tempdir().unwrap();
    bucket.write_to(root.path());
    let asked = VerifyRequest { logs_at_once: 1, ..request(&bucket) };
    let run = of_folder(root.path(), &bucket, asked);
    let answer = tokio::time::timeout(std::time::Duration::from_secs(HANGS_S), run).await.expect("the run hangs");
    assert_eq!((answer.state(), answer.chains[0].logs_attested), (State::Attested, 400));
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_no_object_is_named_and_not_read() {
    let bucket = Layout { accounts: vec![ACCOUNT.into(), SECOND.into()], ..Layout::default() }.write();
    let root = tempfile::tempdir().unwrap();
    bucket.write_to(root.path());
    let organization = root.path().join("AWSLogs/o-exampleorgid");
    // A whole account that is a link is not read, and so not attested.
    std::fs::rename(organization.join(SECOND), root.path().join("moved")).unwrap();
    std::os::unix::fs::symlink(root.path().join("moved"), organization.join(SECOND)).unwrap();
    let answer = of_folder(root.path(), &bucket, request(&bucket)).await;
    let link = format!("UNPROVEN store.odd_file: {} is a link, which is not read", organization.join(SECOND).display());
    assert_eq!((beside(&answer), answer.chains.len(), answer.state()), (vec![link], 1, State::Unproven));
    assert_eq!(answer.chains[0].state, State::Attested);
}

#[tokio::test]
async fn copies_of_buckets_that_nothing_joins_are_told() {
    let mut bucket = Layout::default().write();
    let other =
        Layout { bucket: "another-bucket".into(), accounts: vec![SECOND.into()], hours: 3, ..Layout::default() };
    bucket.objects.extend(other.write().objects);
    let store = || MemoryStore { bucket: None, ..MemoryStore::of(&bucket) };
    let to = Some(other.end());
    let answer = verify_store(store(), &bucket, VerifyRequest { to, ..request(&bucket) }).await;
    let told = "UNPROVEN chain.copy: 3 digests (first below AWSLogs/o-exampleorgid/222222222222/) were delivered to bucket \
                another-bucket, the others to acme-org-cloudtrail, and no signed link joins them; if both belong here, say so \
                with --bucket";
    assert_eq!((beside(&answer), answer.state()), (vec![told.to_owned()], State::Unproven));
    let buckets = vec!["acme-org-cloudtrail".to_owned(), "another-bucket".to_owned()];
    let answer = verify_store(store(), &bucket, VerifyRequest { to, buckets, ..request(&bucket) }).await;
    assert_eq!((beside(&answer), answer.state()), (vec![], State::Attested));
}
