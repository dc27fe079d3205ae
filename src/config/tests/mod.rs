use super::*;

#[test]
fn scratch() {
    for text in [
        "version: 1\ndeployment: acme corp\naccounts: {log: 222222222222, inclde: [\"ou:/**\"], exclude: [\"/Sandbox\"]}\nhome_region: eu-centrl-1\nbucket:\n  name: Acme_Logs\n  encription: s3\n  lifecycle: {archive_after_days: 400, expire_after_days: 365}\ntrails:\n  - name: acme-{{acount.id}}\n    scope: organisation\n    regions: al\n    global_events: yes\nreaders:\n  role: Reader\n  session_hours: 13\n",
        "version: 2\nx: 1\n",
        "",
        "- a\n",
        "version: 1\n\tdeployment: x\n",
        "a: 1\n---\nb: 2\n",
        "a: [1\n",
        "a: {{x}}\n",
        "a: 1\na: 2\n  b: 3\n",
        "bucket: 5\ntrails: {}\nreaders:\nversion: \"1\"\ntrails2: 5\nencryption: kms\n",
    ] {
        match parse(text, "orgtrail.yaml") {
            Ok(c) => println!("OK {c:?}"),
            Err(e) => println!("{}\n=======", e.render(false)),
        }
    }
}
