//! What is written to a file or printed in an error holds nothing that nobody asked for.

use super::folder::Case;

#[test]
fn a_snapshot_has_no_addresses_of_people_unless_asked_and_is_its_owners_alone() {
    let case = Case::open("22");
    let config = case.read("orgtrail.yaml").replace("ou:/R&D / Lab/**", "ou:/**");
    case.write("orgtrail.yaml", &config);
    case.must(0, "snapshot --estate estate.json --output without.json");
    assert!(!case.read("without.json").contains("@example.com"));
    case.must(0, "snapshot --estate estate.json --emails --output with.json");
    assert!(case.read("with.json").contains("@example.com"));
    // It is worked on like any other.
    case.must(2, "plan --estate without.json");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = case.path("without.json").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_secret_in_the_wrong_place_is_not_repeated_and_nothing_acts_in_a_snippet() {
    let case = Case::open("22");
    let config = case.read("orgtrail.yaml");
    for more in [
        "notify: {webhook: {url_env: \"https://hooks.example.com/T0/B0/s3cr3t\"}}\n",
        "notify:\n  webhook: https://hooks.example.com/T0/B0/s3cr3t\n",
        "notify:\n  webhook:\n    url_env: xoxb-s3cr3t-x\n",
        "notify:\n  webhook:\n    url_env: 7\n    url: https://hooks.example.com/T0/B0/s3cr3t\n",
    ] {
        case.write("orgtrail.yaml", &format!("{config}{more}"));
        let run = case.run("validate");
        assert_eq!(run.code, 1, "{more}{}", run.stdout);
        assert!(!run.stderr.contains("s3cr3t"), "{}", run.stderr);
    }
    let hostile = "deployment: \"a\u{9b}b\u{202e}c\u{200b}d\u{2028}e\" # \u{202e}\u{9b}\n";
    case.write("orgtrail.yaml", &config.replace("deployment: acme\n", hostile));
    let run = case.run("validate");
    assert_eq!(run.code, 1);
    let acts = |c: char| c != '\n' && (c.is_control() || "\u{202e}\u{200b}\u{2028}".contains(c));
    assert!(!run.stderr.chars().any(acts), "{:?}", run.stderr);
}
