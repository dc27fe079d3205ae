//! What people type: the examples at the end of each command's help.

pub const INIT: &str = "Examples:
  orgtrail init
  orgtrail init --yes --log-account log-archive --home-region eu-central-1
  orgtrail init --estate estate.json --yes
  orgtrail init --adopt arn:aws:cloudtrail:eu-central-1:111111111111:trail/org";

pub const VALIDATE: &str = "Examples:
  orgtrail validate
  orgtrail validate --config staging.yaml";

pub const SCHEMA: &str = "Examples:
  orgtrail schema > orgtrail.schema.json";

pub const DISCOVER: &str = "Examples:
  orgtrail discover
  orgtrail discover --format json | jq '.accounts[] | select(.selected | not)'";

pub const SNAPSHOT: &str = "Examples:
  orgtrail snapshot --output estate.json
  orgtrail plan --estate estate.json";

pub const RENDER: &str = "Examples:
  orgtrail render --output policies-as-sent
  orgtrail render --output policies-as-sent --policies my-policies";

pub const PLAN: &str = "Examples:
  orgtrail plan
  orgtrail plan --verbose
  orgtrail plan --output plan.md --output plan.json --output plan.html
  orgtrail plan --format json | jq '.changes[] | select(.risk[] == \"weakens\")'";

pub const DRIFT: &str = "Examples:
  orgtrail drift
  orgtrail drift --quiet --output drift.json; test $? -ne 2 || echo drifted
  orgtrail drift --since last.json --record last.json --who --notify";

#[cfg(feature = "sql")]
pub const QUERY: &str = "Examples:
  orgtrail query --days 7 \"SELECT event_name, count(*) FROM events GROUP BY 1\"
  orgtrail query --role-arn arn:aws:iam::222222222222:role/Logs --name root-use
  orgtrail query --engine athena --workgroup audit \"SELECT count(*) FROM events\"
  orgtrail query \"DESCRIBE events\"";

/// `who`.
#[cfg(feature = "sql")]
pub const WHO: &str = "Examples:
  orgtrail who bucket acme-logs
  orgtrail who arn:aws:iam::222222222222:role/deploy --aws-config
  orgtrail who --access-key ASIAEXAMPLEEXAMPLE00 --days 7
  orgtrail who --event 12345678-1234-1234-1234-123456789012 --output who.html";

/// `explore`.
#[cfg(feature = "sql")]
pub const EXPLORE: &str = "Examples:
  orgtrail explore
  orgtrail explore --lake s3://acme-lake/cloudtrail --days 30 --port 8321
  orgtrail explore --place s3://acme-org-cloudtrail --account 111111111111";

/// `detect`.
#[cfg(feature = "sql")]
pub const DETECT: &str = "Examples:
  orgtrail detect
  orgtrail detect --days 30 --level low
  orgtrail detect --rules our-rules --overrides overrides.yaml --format json --output findings.json
  orgtrail detect --place copy --no-lake --from 2026-11-01 --to 2026-12-01 --format ocsf";

/// `dashboard`.
#[cfg(feature = "sql")]
pub const DASHBOARD: &str = "Examples:
  orgtrail dashboard --output dashboard.html
  orgtrail dashboard --days 7 --output week.html --output week.json
  orgtrail dashboard --place copy --from 2026-11-01 --to 2026-12-01 --output november.html
  orgtrail dashboard --role-arn arn:aws:iam::222222222222:role/Logs --account 111111111111 --output ours.html";

#[cfg(feature = "sql")]
pub const LAKE_UPDATE: &str = "Examples:
  orgtrail lake update
  orgtrail lake update --lake s3://acme-lake/cloudtrail --grain hour --slots 16
  orgtrail lake update --lake s3://acme-lake/cloudtrail --shard 1/4
  orgtrail lake update --place copy --from 2026-11-01 --to 2026-12-01";

#[cfg(feature = "sql")]
pub const LAKE_STATUS: &str = "Examples:
  orgtrail lake status
  orgtrail lake status --lake s3://acme-lake/cloudtrail --days --output days.csv";

#[cfg(feature = "sql")]
pub const LAKE_DDL: &str = "Examples:
  orgtrail lake ddl --engine athena --lake s3://acme-lake/cloudtrail
  orgtrail lake ddl --engine duckdb --lake orgtrail-lake
  orgtrail lake ddl --engine spark --lake s3://acme-lake/trail --iceberg --catalog glue --database trail
  orgtrail lake ddl --engine athena --raw --output logs.sql";

/// `lake check`.
#[cfg(feature = "sql")]
pub const LAKE_CHECK: &str = "Examples:
  orgtrail lake check
  orgtrail lake check --lake s3://acme-lake/cloudtrail --days 30
  orgtrail lake check --account 111111111111 --from 2026-11-01 --to 2026-11-30";

pub const RECONCILE: &str = "Examples:
  orgtrail reconcile --once --observe
  orgtrail reconcile --history /var/lib/orgtrail/history.json
  orgtrail reconcile --listen 0.0.0.0:9464 --token-file /run/secrets/orgtrail-token";

pub const APPLY: &str = "Examples:
  orgtrail apply
  orgtrail apply --yes --allow costs
  orgtrail apply --adopt
  orgtrail apply --prune --allow destroys --record retired.jsonl
  orgtrail apply --destroy old-trail --allow destroys";

pub const CHECK: &str = "Examples:
  orgtrail check
  orgtrail check --aws-config
  orgtrail check --standard cis-5.0,security-hub --format markdown
  orgtrail check --output controls.html
  orgtrail check --format asff > findings.json
  aws securityhub batch-import-findings --findings file://findings.json";

pub const ACCESS: &str = "Examples:
  orgtrail access
  orgtrail access --live --format json
  orgtrail access shop-prod";

pub const PERMISSIONS: &str = "Examples:
  orgtrail permissions --for plan --in management
  orgtrail permissions --for apply --in log --management 111111111111
  orgtrail permissions --for lake --in log --lake s3://acme-lake/cloudtrail
  orgtrail permissions --for apply --cloudformation --management 111111111111";

pub const DEMO: &str = "Examples:
  orgtrail demo
  orgtrail demo --output demo";

pub const EXPLAIN: &str = "Examples:
  orgtrail explain --live
  orgtrail explain bucket.json --trail arn:aws:cloudtrail:eu-central-1:111111111111:trail/org";

pub const EXPORT: &str = "Examples:
  orgtrail export --terraform --output orgtrail.tf
  terraform init && terraform plan";

pub const VERIFY: &str = "Examples:
  orgtrail verify
  orgtrail verify --output proof.html";

pub const COVERAGE: &str = "Examples:
  orgtrail coverage
  orgtrail coverage --aws-config
  orgtrail coverage --output coverage.html";

pub const MAN: &str = "Examples:
  orgtrail man --output ~/.local/share/man/man1";

pub const COMPLETIONS: &str = "Examples:
  orgtrail completions bash > /etc/bash_completion.d/orgtrail
  orgtrail completions zsh > ~/.zfunc/_orgtrail";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use crate::cli::Cli;
    use crate::cli::help::leaves;

    /// Splits a line as a shell does, as far as examples need it; what follows a pipe or a semicolon is left out.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quoted: Option<char> = None;
        for c in line.chars() {
            match (c, quoted) {
                (end, Some(begun)) if end == begun => quoted = None,
                ('\'' | '"', None) => quoted = Some(c),
                ('|' | ';' | '>', None) => break,
                (' ', None) => words.push(String::new()),
                (c, _) => words.last_mut().unwrap().push(c),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    #[test]
    fn every_command_has_examples_and_each_of_them_is_understood() {
        for (_, command) in leaves(&Cli::command()) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let text = help.replace("\\\n   ", "");
            let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| line.starts_with("orgtrail ")).collect();
            assert!(!lines.is_empty(), "{} has no examples", command.get_name());
            for line in lines {
                for one in line.split("&&") {
                    let parsed = Cli::parse_line(words(one));
                    assert!(parsed.is_ok(), "{line}: {}", parsed.err().unwrap());
                }
            }
        }
    }
}
