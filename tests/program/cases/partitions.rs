//! The partitions of AWS: what works in one works in all.

use super::folder::Case;

/// A partition, and a region of it.
const PARTITIONS: [(&str, &str); 3] =
    [("aws", "eu-central-1"), ("aws-us-gov", "us-gov-west-1"), ("aws-cn", "cn-north-1")];

#[test]
fn an_empty_organization_of_every_partition_gets_a_log_with_a_key() {
    for (partition, region) in PARTITIONS {
        let case = Case::open("02");
        case.write("estate.json", &case.read("estate.json").replace("aws-us-gov", partition));
        case.write("orgtrail.yaml", &case.read("orgtrail.yaml").replace("us-gov-west-1", region));
        let plan = case.must(2, "plan --estate estate.json");
        assert!(!plan.contains("key-lockout"), "{partition}: {plan}");
        case.must(0, "apply --yes --estate estate.json");
        case.must(0, "drift --estate estate.json");
        let estate = case.read("estate.json");
        let foreign = |line: &&str| {
            let mut arns = line.split('"').filter(|text| text.starts_with("arn:"));
            arns.any(|arn| !arn.starts_with(&format!("arn:{partition}:")))
        };
        assert_eq!(estate.lines().find(foreign), None, "an ARN of another partition than {partition}");
    }
}
