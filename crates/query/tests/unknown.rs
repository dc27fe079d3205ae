//! A name that is not there is told with the nearest that is.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something is not as it must be")]

#[path = "published/archive.rs"]
mod archive;

use orgtrail_query::query::error::QueryError;

#[tokio::test]
async fn the_nearest_name_is_named() {
    let folder = tempfile::tempdir().unwrap();
    archive::write(folder.path());
    let engine = archive::engine(folder.path(), &archive::limits());
    for (sql, unknown, near) in [
        (
            "SELECT json_extract_scaler(requestparameters, '$.a') FROM cloudtrail_logs",
            "json_extract_scaler",
            "json_extract_scalar",
        ),
        ("SELECT elment_at(requestparameters, 'a') FROM cloudtrail_lake", "elment_at", "element_at"),
        ("SELECT countif(errorcode = 'a') FROM cloudtrail_lake", "countif", "count_if"),
        ("SELECT max_bye(eventname, eventtime) FROM cloudtrail_lake", "max_bye", "max_by"),
        ("SELECT useridentity.arnn FROM cloudtrail_logs", "arnn", "arn"),
        ("SELECT useridentity.sessioncontext.sessionissuer.usernme FROM cloudtrail_logs", "usernme", "username"),
        ("SELECT e.useridentity.usrname FROM cloudtrail_logs AS e", "usrname", "username"),
        ("SELECT resources[1].arm FROM cloudtrail_logs", "arm", "arn"),
        ("SELECT eventnam FROM cloudtrail_logs", "eventnam", "eventname"),
        ("SELECT eventName FROM cloudtrial_logs", "cloudtrial_logs", "cloudtrail_logs"),
    ] {
        match engine.ask(sql).await.map(|_| ()) {
            Err(QueryError::Unknown { what, near: found }) => {
                assert!(what.contains(unknown), "{sql}: {what}");
                assert!(found.iter().any(|found| found.ends_with(near)), "{sql}: {what}, near {found:?}");
            }
            other => panic!("{sql}: {other:?}"),
        }
    }
}
