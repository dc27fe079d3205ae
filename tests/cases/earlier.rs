//! Logs of before: earlier trails, buckets, regions and log accounts.

use crate::folder::Case;

#[test]
fn a_deployment_that_lets_members_read_earlier_logs_is_proved() {
    let case = Case::open("17");
    let said = case.must(0, "access --estate estate.json");
    assert!(said.contains("Proved"), "{said}");
    case.must(0, "drift --estate estate.json");
    let with_foreign_folder = case.read("estate.json").replace(
        "\"arn:aws:s3:::acme-org-cloudtrail/AWSLogs/111111111111/*\"",
        "\"arn:aws:s3:::acme-org-cloudtrail/AWSLogs/333333333333/*\"",
    );
    case.write("foreign.json", &with_foreign_folder);
    let said = case.must(2, "access --live --estate foreign.json");
    assert!(said.contains("reads-only-own"), "{said}");
}
