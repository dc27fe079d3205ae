//! Files of the user: what they add and replace, and what is refused.

use super::super::{ResourceEffect, ResourceTypes};
use super::types;

const OWN: &str = "
types:
  Acme::Shop::Order:
    words: [order]
    source: shop.example.amazonaws.com
    forms: [\"arn:{partition}:shop:{region}:{account}:order/{name}\"]
    at: request.orderName
    calls:
      - {create: CreateOrder, also: response.order.arn}
      - {delete: DeleteOrder}
";

fn errors(text: &str) -> String {
    types().clone().with_file(text, "own.yaml").unwrap_err().render(false)
}

#[test]
fn a_file_adds_a_type_extends_one_and_replaces_a_call() {
    let text = format!(
        "{OWN}  AWS::S3::Bucket:\n    words: [pail]\n    calls:\n      - {{use: DeleteBucket, at: request.pail}}\n"
    );
    let types = types().clone().with_file(&text, "own.yaml").unwrap();
    let order = types.named("Acme::Shop::Order").unwrap();
    assert_eq!((order.calls.len(), order.place.as_str()), (2, "own.yaml:3"));
    let bucket = types.named("AWS::S3::Bucket").unwrap();
    assert!(bucket.is_called("pail") && bucket.is_called("bucket"));
    let of = |event: &str| bucket.call("s3.amazonaws.com", event).map(|call| (call.effect, call.place.as_str()));
    assert_eq!(of("DeleteBucket"), Some((ResourceEffect::Use, "own.yaml:14")));
    assert_eq!(of("CreateBucket").unwrap().0, ResourceEffect::Create);
    // Later files win.
    let again = "types:\n  AWS::S3::Bucket:\n    calls:\n      - {change: DeleteBucket, at: request.pail}\n";
    let types = types.clone().with_file(again, "later.yaml").unwrap();
    let call = types.named("AWS::S3::Bucket").unwrap().call("s3.amazonaws.com", "DeleteBucket").unwrap();
    assert_eq!((call.effect, call.place.as_str()), (ResourceEffect::Change, "later.yaml:4"));
}

#[test]
fn a_file_that_replaces_a_type_leaves_nothing_of_it() {
    let text = "types:
  AWS::S3::Bucket:
    replace: true
    words: [bucket]
    source: s3.amazonaws.com
    forms: [\"arn:{partition}:s3:::{name}\"]
    calls: [{create: CreateBucket, at: request.bucketName}]
";
    let types = types().clone().with_file(text, "own.yaml").unwrap();
    assert_eq!(types.named("AWS::S3::Bucket").unwrap().calls.len(), 1);
    let lacking = "types:\n  AWS::S3::Bucket:\n    replace: true\n    words: [bucket]\n";
    assert!(errors(lacking).contains("the type AWS::S3::Bucket lacks `source`"));
}

#[test]
fn what_cannot_be_read_is_an_error_with_its_line_and_what_to_write() {
    let with = |from: &str, to: &str| errors(&OWN.replace(from, to));
    let unknown = with("delete: DeleteOrder", "destroy: DeleteOrder");
    assert!(unknown.contains("own.yaml:10") && unknown.contains("there is no effect or field `destroy`"), "{unknown}");
    assert!(with("delete: DeleteOrder", "delte: DeleteOrder").contains("did you mean `delete`?"));
    let path = with("at: request.orderName", "at: requestParameters.orderName");
    assert!(
        path.contains("own.yaml:7") && path.contains("the path `requestParameters.orderName` cannot be read"),
        "{path}"
    );
    let twice = with("delete: DeleteOrder", "change: CreateOrder");
    assert!(twice.contains("`CreateOrder` stands here a second time; own.yaml:9 says `create`"), "{twice}");
    assert!(with("{name}\"", "{nmae}\"").contains("`{nmae}` is no placeholder"));
    assert!(with("shop.example.amazonaws.com", "shop").contains("`shop` is no event source"));
    assert!(with("Acme::Shop::Order", "Order").contains("`Order` is no name of a type"));
    assert!(with("{delete: DeleteOrder}", "{delete: DeleteOrder, use: GetOrder}").contains("the row has 2 effects"));
    assert!(with("    at: request.orderName\n", "").contains("nothing says where the resource is named"));
    assert!(with("words: [order]", "words: [order]\n    words: [x]").contains("a second time"));
    assert!(with("CreateOrder,", "CreateOrder20150331,").contains("without a version behind it"));
    assert!(errors("").contains("map of fields") && errors("types: 7").contains("`types` is no map"));
    assert!(errors("types: {A::B::C: }").contains("map of fields"));
}

#[test]
fn two_types_that_claim_one_place_are_a_contradiction() {
    let text = "types:
  Acme::S3::Pail:
    words: [pail]
    source: s3.amazonaws.com
    typed: [\"{name}\"]
    calls: [{delete: DeleteBucket, at: request.bucketName}]
";
    let error = errors(text);
    assert!(
        error.contains("AWS::S3::Bucket claims this place of `DeleteBucket` too (delete, storage.yaml:"),
        "{error}"
    );
    assert!(error.contains("own.yaml:6"), "{error}");
    assert!(types().clone().with_file(&text.replace("delete:", "use:"), "own.yaml").is_ok());
    assert!(types().clone().with_file(&text.replace("request.bucketName", "request.pail"), "own.yaml").is_ok());
}

#[test]
fn hostile_files_are_bounded() {
    let many: String = (0..2_000).map(|n| format!("  A::B::C{n}: {{}}\n")).collect();
    assert!(errors(&format!("types:\n{many}")).contains("more than 1000 types"));
    let rows = "{use: A, at: request.a}, ".repeat(600);
    let text = format!("types: {{A::B::C: {{words: [x], source: s3.amazonaws.com, typed: [x], calls: [{rows}]}}}}");
    assert!(errors(&text).contains("no list of at most 500 rows"));
    let large = errors(&" ".repeat(2_000_000));
    assert!(large.contains("too many for a configuration") && large.contains("split the file"));
    let deep = errors(&format!("types: {}", "[".repeat(100)));
    assert!(deep.contains("nested more than"), "{deep}");
    let acting = errors("types: {\"a\\e[2J\": {}}");
    assert!(!acting.contains('\u{1b}'), "{acting}");
    assert_eq!(ResourceTypes::default().all().len(), 0);
}
