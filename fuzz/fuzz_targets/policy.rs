//! Any text as a policy: no panic, what is read prints back to the same document, and every request gets an answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orgtrail::policy::PolicyDocument;
use orgtrail::policy::evaluate::{Caller, Context, Layers, Named, Request, evaluate};

fuzz_target!(|text: &str| {
    let Ok(document) = PolicyDocument::parse(text) else { return };
    let named = Named { name: "any", document: &document };
    let context = Context::default().with("s3:prefix", "é").with("aws:SourceIp", "::1");
    let (action, resource) = ("s3:PutObject".into(), "arn:aws:s3:::b/é".into());
    let request = Request { caller: Caller::Anonymous, action, resource, context };
    evaluate(&request, &Layers { identity: &[named], resource: Some(named), ..Layers::default() });
    assert_eq!(PolicyDocument::parse(&document.to_minified()), Ok(document));
});
