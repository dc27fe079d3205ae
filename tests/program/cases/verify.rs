//! `verify` over copies that nobody touched, and that once were called broken.

use super::folder::Case;

const KEYS: &str = "--keys public-keys.json";

#[test]
fn a_chain_that_goes_on_in_another_bucket_is_proved_across_both() {
    let case = Case::open("19");
    let to = "--to 2024-05-01T05:00:00Z";
    let alone = case.must(3, &format!("verify new-bucket {KEYS} {to}"));
    assert!(alone.starts_with("UNPROVEN"), "{alone}");
    assert!(alone.contains("chain.elsewhere 2024-05-01T01:26:06Z to 2024-05-01T02:26:06Z"), "{alone}");
    assert!(alone.contains("the chain goes on in bucket acme-logs,"), "{alone}");
    assert!(!alone.contains("but it is gone"), "{alone}");
    for places in ["new-bucket old-bucket", "old-bucket new-bucket"] {
        let both = case.must(0, &format!("verify {places} {KEYS} {to}"));
        assert!(both.starts_with("ATTESTED"), "{both}");
        assert!(
            both.contains("1 chain: 1 attested, 0 unproven, 0 broken; 6 digests; 6 of 6 log files attested"),
            "{both}"
        );
    }
    // The last digest before the move deleted: that is no move.
    let old = "old-bucket/AWSLogs/o-exampleorgid/333333333333/CloudTrail-Digest/eu-central-1/2024/05/01/\
               333333333333_CloudTrail-Digest_eu-central-1_acme-org-trail_eu-central-1_20240501T022606Z.json.gz";
    std::fs::remove_file(case.path(old)).unwrap();
    let cut = case.must(2, &format!("verify new-bucket old-bucket {KEYS} {to}"));
    assert!(cut.contains("digest.missing 2024-05-01T01:26:06Z to 2024-05-01T02:26:06Z"), "{cut}");
}

#[test]
fn a_copy_from_below_the_prefix_is_proved() {
    let case = Case::open("20");
    let to = "--to 2024-05-01T03:00:00Z";
    let told = case.must(0, &format!("verify copy {KEYS} {to}"));
    assert!(told.starts_with("ATTESTED"), "{told}");
    assert!(told.contains("4 of 4 log files attested"), "{told}");
    let json = case.must(0, &format!("verify copy {KEYS} {to} --format json"));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["chains"][0]["delivered_to"][0]["prefix"], "o-exampleorgid/");
    // One log file changed there is found all the same.
    let log = "copy/AWSLogs/o-exampleorgid/333333333333/CloudTrail/eu-central-1/2024/05/01/\
               333333333333_CloudTrail_eu-central-1_20240501T0040Z_DYlzZSDUM8z9tHyH.json.gz";
    std::fs::write(case.path(log), b"x").unwrap();
    case.must(2, &format!("verify copy {KEYS} {to}"));
}

#[test]
fn a_trail_that_was_replaced_has_ended_once() {
    let case = Case::open("21");
    let told = case.must(0, &format!("verify bucket {KEYS} --to 2024-05-01T05:00:00Z"));
    assert!(told.starts_with("ATTESTED"), "{told}");
    let ended = "it ends at 2024-05-01T02:26:06Z; acme-org-trail-2 attests what follows";
    assert_eq!(told.matches(ended).count(), 1, "{told}");
    // An hour that neither trail attests stays unproven, of one trail only: the other's begins later.
    let first = "bucket/AWSLogs/o-exampleorgid/333333333333/CloudTrail-Digest/eu-central-1/2024/05/01/\
                 333333333333_CloudTrail-Digest_eu-central-1_acme-org-trail_eu-central-1_20240501T022606Z.json.gz";
    std::fs::remove_file(case.path(first)).unwrap();
    let told = case.must(3, &format!("verify bucket {KEYS} --to 2024-05-01T05:00:00Z"));
    assert!(told.contains("chain.tail_missing 2024-05-01T01:26:06Z to 2024-05-01T02:26:06Z"), "{told}");
}
