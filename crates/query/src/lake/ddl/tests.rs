//! What is said to other engines: whole statements, hostile names, and honest refusals.

use jiff::civil::{Date, date};

use super::*;
use crate::lake::slot::{columns, slot_schema};

const DAY: Date = date(2026, 11, 20);

fn slots(location: &str) -> DdlRequest {
    DdlRequest {
        catalog: None,
        database: Some("audit".to_owned()),
        table: "events".to_owned(),
        location: location.to_owned(),
        of: TableOf::Slots { first_day: DAY },
    }
}

fn raw(location: &str) -> DdlRequest {
    let logs = RawLogs {
        organization: Some("o-exampleorgid".to_owned()),
        accounts: vec!["111111111111".to_owned(), "222222222222".to_owned()],
        regions: vec!["us-east-1".to_owned(), "eu-central-1".to_owned()],
        first_day: DAY,
    };
    DdlRequest { of: TableOf::RawLogs(logs), ..slots(location) }
}

fn iceberg(location: &str) -> DdlRequest {
    let of = TableOf::Iceberg { days: vec![DAY, date(2026, 11, 21)] };
    DdlRequest { catalog: Some("lake".to_owned()), of, ..slots(location) }
}

/// The statements, without comments, as an engine tells them apart: `;` in quotes ends none.
fn statements(engine: Engine, text: &str) -> Vec<String> {
    let (mut all, mut current, mut quote, mut escaped) = (Vec::new(), String::new(), None, false);
    let knows_escapes = matches!(engine, Engine::Athena | Engine::Spark);
    for line in text.lines() {
        if quote.is_none() && line.starts_with("--") {
            continue;
        }
        for c in line.chars().chain(['\n']) {
            let ends = c == ';' && quote.is_none();
            quote = match quote {
                _ if escaped => quote,
                Some(open) if c == open => None,
                None if "'\"`".contains(c) => Some(c),
                other => other,
            };
            escaped = knows_escapes && !escaped && c == '\\' && quote == Some('\'');
            if ends {
                all.push(std::mem::take(&mut current).trim().to_owned());
            } else {
                current.push(c);
            }
        }
    }
    assert_eq!((quote, current.trim()), (None, ""), "something is left open: {text}");
    all
}

#[test]
fn athena_works_out_the_days_by_itself() {
    let text = ddl(Engine::Athena, &slots("s3://acme-lake/trail/")).unwrap();
    assert!(text.starts_with("-- orgtrail "));
    assert!(text.contains("-- What it does not see: events without a time"));
    let all = statements(Engine::Athena, &text);
    assert_eq!(all.len(), 1);
    for part in [
        "CREATE EXTERNAL TABLE IF NOT EXISTS `audit`.`events` (\n  `event_time` timestamp COMMENT 'when the call was made",
        "\n  `read_only` boolean COMMENT",
        "\n  `resource_arns` array<string> COMMENT",
        "\n  `record` string COMMENT 'the record as delivered, byte for byte'\n)\nPARTITIONED BY (`day` string COMMENT",
        "\nSTORED AS PARQUET\nLOCATION 's3://acme-lake/trail/events/'\n",
        "'projection.day.range' = '2026-11-20,NOW'",
        "'storage.location.template' = 's3://acme-lake/trail/events/day=${day}/'",
        "'that endpoint’s account'",
    ] {
        assert!(all[0].contains(part), "{part} is not in {}", all[0]);
    }
}

#[test]
fn every_engine_has_every_column_of_a_slot() {
    for engine in Engine::ALL {
        let text = ddl(engine, &slots("s3://acme-lake")).unwrap();
        let first = statements(engine, &text).remove(0);
        for column in columns() {
            let quoted = quote::name(engine, column.name);
            assert_eq!(first.matches(&format!("\n  {quoted}")).count(), 1, "{engine}: {quoted}");
        }
        assert_eq!(columns().len(), slot_schema().fields().len());
    }
}

#[test]
fn each_engine_is_told_the_place_as_it_names_places() {
    let spark = ddl(Engine::Spark, &slots("s3://acme-lake/a b")).unwrap();
    assert!(spark.contains("LOCATION 's3a://acme-lake/a b/events/';"));
    assert!(spark.contains("MSCK REPAIR TABLE `audit`.`events`;"));
    let spark = ddl(Engine::Spark, &slots("/srv/lake")).unwrap();
    assert!(spark.contains("LOCATION 'file:///srv/lake/events/';"));
    let trino = ddl(Engine::Trino, &slots("s3://acme-lake")).unwrap();
    assert!(trino.contains("external_location = 's3://acme-lake/events/'"));
    assert!(trino.contains("\"event_time\" timestamp(3)"));
    assert!(trino.contains("CALL system.sync_partition_metadata('audit', 'events', 'ADD');"));
    let duckdb = ddl(Engine::DuckDb, &slots("/srv/[1]/it's*")).unwrap();
    assert!(duckdb.contains("read_parquet('/srv/[[]1]/it''s[*]/events/day=*/*.parquet'"), "{duckdb}");
}

#[test]
fn a_folder_is_no_place_for_engines_that_read_from_s3() {
    for engine in [Engine::Athena, Engine::Trino] {
        for request in [slots("/srv/lake"), slots("lake"), iceberg("/srv/lake")] {
            let refused = ddl(engine, &DdlRequest { catalog: None, ..request }).unwrap_err().to_string();
            assert!(refused.contains("put the lake into a bucket"), "{refused}");
        }
    }
    let refused = ddl(Engine::Athena, &raw("/srv/logs")).unwrap_err().to_string();
    assert!(refused.contains("the bucket of the logs") && !refused.contains("lake"), "{refused}");
    // No other place helps Trino.
    let refused = ddl(Engine::Trino, &raw("/srv/logs")).unwrap_err().to_string();
    assert!(refused.contains("make a lake"), "{refused}");
    let relative = ddl(Engine::Spark, &slots("lake")).unwrap_err().to_string();
    assert!(relative.contains("whole path"), "{relative}");
}

#[test]
fn hostile_places_are_refused_or_stay_within_their_quotes() {
    for engine in Engine::ALL {
        for bad in [
            "s3://acme-lake/a\n'; DROP TABLE x; --",
            "s3://acme-lake/${day}",
            "s3://acme-lake//x",
            "s3://acme-lake/../x",
            "s3://Acme/x",
            "s3://",
            "http://example.com/x",
            "",
        ] {
            let refused = ddl(engine, &slots(bad)).unwrap_err();
            assert!(matches!(refused, DdlError::Location { .. }), "{engine}: {bad:?}: {refused}");
            assert!(!refused.to_string().contains('\n'));
        }
        let hostile = "s3://acme-lake/it's'; DROP TABLE x; -- `y`";
        let plain = statements(engine, &ddl(engine, &slots("s3://acme-lake/x")).unwrap());
        match ddl(engine, &slots(hostile)) {
            Ok(text) => assert_eq!(statements(engine, &text).len(), plain.len(), "{engine}"),
            Err(refused) => assert!(engine == Engine::Athena && refused.to_string().contains("apostrophe")),
        }
    }
    for engine in [Engine::Athena, Engine::Spark, Engine::Trino] {
        for pattern in ["a*", "a?", "[a]", "{a,b}", "a\\", "a#b", "\"a"] {
            assert!(ddl(engine, &slots(&format!("s3://acme-lake/{pattern}"))).is_err(), "{engine}: {pattern}");
        }
    }
}

#[test]
fn hostile_names_are_refused_or_stay_within_their_quotes() {
    let named = |table: &str| DdlRequest { table: table.to_owned(), ..slots("s3://acme-lake") };
    let long = "x".repeat(256);
    for engine in Engine::ALL {
        for bad in ["", "a\0b", "a\nb", long.as_str()] {
            let refused = ddl(engine, &named(bad)).unwrap_err();
            assert!(matches!(refused, DdlError::Name { what: "table", .. }), "{engine}: {bad:?}");
            assert!(refused.to_string().len() < 500);
        }
        let hostile = named("x`\"'; DROP TABLE y; --");
        match ddl(engine, &hostile) {
            Ok(text) => {
                assert_eq!(engine, Engine::DuckDb);
                let plain = statements(engine, &ddl(engine, &named("x")).unwrap());
                let all = statements(engine, &text);
                assert_eq!(all.len(), plain.len());
                assert!(all[0].starts_with(r#"CREATE OR REPLACE VIEW "audit"."x`""'; DROP TABLE y; --" AS SELECT"#));
            }
            Err(refused) => assert!(matches!(refused, DdlError::Name { .. }), "{refused}"),
        }
    }
    assert!(ddl(Engine::Athena, &named("Events")).is_err());
    assert!(ddl(Engine::Spark, &named("Events")).is_ok());
    let database = DdlRequest { database: Some("a.b".to_owned()), ..slots("s3://acme-lake") };
    assert!(matches!(ddl(Engine::Trino, &database), Err(DdlError::Name { what: "database", .. })));
    let catalog = DdlRequest { catalog: Some("hive".to_owned()), ..slots("s3://acme-lake") };
    assert!(ddl(Engine::Trino, &catalog).unwrap().contains("CALL \"hive\".system.sync_partition_metadata"));
    assert!(matches!(ddl(Engine::Athena, &catalog), Err(DdlError::Unable { .. })));
    let alone = DdlRequest { database: None, ..slots("s3://acme-lake") };
    assert!(matches!(ddl(Engine::Trino, &alone), Err(DdlError::Needs { .. })));
}

#[test]
fn athena_reads_the_organizations_log_files_by_account_region_and_day() {
    let text = ddl(Engine::Athena, &raw("s3://acme-logs/trail")).unwrap();
    let all = statements(Engine::Athena, &text);
    assert_eq!(all.len(), 1);
    for part in [
        "`useridentity` struct<type:string,principalid:string,",
        "sessionissuer:struct<type:string,principalid:string,arn:string,accountid:string,username:string>",
        "`resources` array<struct<arn:string,accountid:string,type:string>>",
        "`requestparameters` string",
        "  `account` string COMMENT",
        "ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'",
        "STORED AS INPUTFORMAT 'com.amazon.emr.cloudtrail.CloudTrailInputFormat'",
        "LOCATION 's3://acme-logs/trail/AWSLogs/o-exampleorgid/'",
        "'projection.account.values' = '111111111111,222222222222'",
        "'projection.region.values' = 'us-east-1,eu-central-1'",
        "'projection.day.format' = 'yyyy/MM/dd'",
        "'projection.day.range' = '2026/11/20,NOW'",
        "'s3://acme-logs/trail/AWSLogs/o-exampleorgid/${account}/CloudTrail/${region}/${day}/'",
    ] {
        assert!(all[0].contains(part), "{part} is not in {}", all[0]);
    }
}

#[test]
fn other_engines_read_log_files_as_far_as_they_can() {
    let spark = ddl(Engine::Spark, &raw("/srv/logs")).unwrap();
    assert_eq!(statements(Engine::Spark, &spark).len(), 2);
    assert!(spark.contains("'file:///srv/logs/AWSLogs/o-exampleorgid/*/CloudTrail/*/*/*/*/*.json.gz'"));
    assert!(spark.contains("event.`userIdentity` AS `useridentity`"));
    let duckdb = ddl(Engine::DuckDb, &raw("/srv/logs")).unwrap();
    assert_eq!(statements(Engine::DuckDb, &duckdb).len(), 1);
    assert!(duckdb.contains("event.\"requestParameters\" AS \"requestparameters\""));
    let refused = ddl(Engine::Trino, &raw("s3://acme-logs")).unwrap_err().to_string();
    assert!(refused.contains("make a lake"), "{refused}");
}

#[test]
fn values_that_are_none_never_come_into_a_statement() {
    let with = |change: &dyn Fn(&mut RawLogs)| {
        let DdlRequest { of: TableOf::RawLogs(mut logs), .. } = raw("s3://acme-logs") else { unreachable!() };
        change(&mut logs);
        ddl(Engine::Athena, &DdlRequest { of: TableOf::RawLogs(logs), ..raw("s3://acme-logs") })
    };
    for bad in ["", "11111111111", "111111111111,x", "11111111111'"] {
        let refused = with(&|logs| logs.accounts.push(bad.to_owned()));
        assert!(matches!(refused, Err(DdlError::Value { what: "id of an account", .. })), "{bad}");
    }
    let refused = with(&|logs| logs.regions.push("us-east-1'".to_owned()));
    assert!(matches!(refused, Err(DdlError::Value { what: "code of a region", .. })));
    let refused = with(&|logs| logs.organization = Some("o-x/../y".to_owned()));
    assert!(matches!(refused, Err(DdlError::Value { .. })));
    assert!(matches!(with(&|logs| logs.accounts.clear()), Err(DdlError::Needs { .. })));
    assert!(matches!(with(&|logs| logs.regions.clear()), Err(DdlError::Needs { .. })));
}

#[test]
fn engines_that_adopt_files_are_told_the_days() {
    let spark = ddl(Engine::Spark, &iceberg("/srv/lake")).unwrap();
    let all = statements(Engine::Spark, &spark);
    assert_eq!(all.len(), 5);
    assert!(all[0].starts_with("CREATE TABLE `lake`.`audit`.`events` (\n  `event_time` timestamp"));
    assert!(all[0].contains("USING iceberg") && all[0].contains("'gc.enabled' = 'false'"));
    assert!(!all[0].contains("`day`"));
    assert!(all[1].starts_with("ALTER TABLE `lake`.`audit`.`events` ADD COLUMN `day` string COMMENT"));
    assert_eq!(all[2], "ALTER TABLE `lake`.`audit`.`events` ADD PARTITION FIELD `day`");
    let call = "CALL `lake`.system.add_files(table => 'audit.events', source_table => '`parquet`.`file:///srv/lake/events/`', \
                partition_filter => map('day', '2026-11-21'))";
    assert_eq!(all[4], call);
    let trino = ddl(Engine::Trino, &iceberg("s3://acme-lake")).unwrap();
    let all = statements(Engine::Trino, &trino);
    assert_eq!(all.len(), 3);
    assert!(all[0].contains("\"event_time\" timestamp(6) with time zone"));
    assert!(!all[0].contains("\"day\""));
    let adopt = "ALTER TABLE \"lake\".\"audit\".\"events\" EXECUTE add_files(location => \
                 's3://acme-lake/events/day=2026-11-20/', format => 'PARQUET')";
    assert_eq!(all[1], adopt);
}

#[test]
fn engines_that_cannot_adopt_files_are_said_to() {
    let athena = DdlRequest { catalog: None, ..iceberg("s3://acme-lake") };
    let refused = ddl(Engine::Athena, &athena).unwrap_err().to_string();
    assert!(refused.contains("has no statement that adopts files"), "{refused}");
    assert!(matches!(ddl(Engine::DuckDb, &athena), Err(DdlError::Unable { .. })));
    let needs = ddl(Engine::Spark, &athena).unwrap_err();
    assert!(needs.help().is_some_and(|help| help.contains("--catalog NAME --database NAME")), "{needs}");
    let none = DdlRequest { of: TableOf::Iceberg { days: Vec::new() }, ..iceberg("s3://acme-lake") };
    assert!(matches!(ddl(Engine::Spark, &none), Err(DdlError::Needs { what: "the days to adopt", .. })));
}

#[test]
fn engines_go_by_their_names() {
    for engine in Engine::ALL {
        assert_eq!(engine.to_string().parse::<Engine>().unwrap(), engine);
    }
    assert!("presto".parse::<Engine>().unwrap_err().contains("athena, spark, trino or duckdb"));
}
