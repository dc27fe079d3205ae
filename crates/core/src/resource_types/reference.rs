//! The page about the types of resources, written from the table.

use std::fmt::Write;

use super::pattern::{PLACEHOLDERS, Pattern};
use super::schema::{NameScope, ResourceCall, ResourceEffect, ResourceType};
use super::table::ResourceTypes;

const HEAD: &str = "# Resource types

<!-- Generated: `bash .ci/docs` writes this file. -->

Which calls concern which resource, and where their records name it. A question about a resource finds the records that
name it by its ARN, its id or its name, and those in which the service itself lists it (`resources`), whatever the call.

A resource is written as its ARN (of any partition), its id, its name, or a type with a name: `bucket logs`,
`AWS::S3::Bucket logs`, `s3://logs/a/b.txt`. A name alone may be that of many types; a word of a type before it leaves
those of the type.
";

const OWN: &str = "
## Types of your own

A file that is given with `--resources FILE` adds types and extends those below. Later files win.

```yaml
types:
  Acme::Shop::Order:                 # three words, as CloudFormation writes them
    words: [order]                   # what people call it
    source: shop.amazonaws.com       # the eventSource of its records
    forms: [\"arn:{partition}:shop:{region}:{account}:order/{name}\"]
    ids: [\"ord-{hex}\"]               # how the ids are written that the service gives
    names: region                    # among which resources a name stands once
    at: request.orderName            # where records name it, unless a row says otherwise
    calls:
      - {create: CreateOrder, also: response.order.arn}
      - {change: [UpdateOrder, TagOrder]}
      - {change: PutOrderPolicy, policy: request.policyDocument}
      - {delete: DeleteOrders, at: request.orders.items.orderName}
  AWS::S3::Bucket:                   # extends: lists grow, a call that is there is replaced
    words: [pail]
```

- A row has one effect with the names of its calls, without a version of the API behind them. `at` replaces the place
  of the type, `also` adds places, `parent` and `source` replace those of the type, `policy` is where the call sets a
  policy document. `renamed` is where a call has the new name that it gives. `regions` is where it names the regions in
  which it has its effect, on what has the same name or id there; with `also_regions` it has it in its own region too.
- A path begins with `request`, `response`, `details` (`serviceEventDetails`) or `additional` (`additionalEventData`).
  Lists are gone through; capitals do not count. `at: []`: only the list of resources names it.
- `typed` has spellings that people use and records do not; `ignore_case: true` compares names without capitals;
  `default_parent` is the parent of those that name none; `note` is shown here; `data_events: true` says that
  trails record its calls only where an event selector names them; `replace: true` forgets what earlier files say of
  the type.
- Two types cannot be made or deleted by one call at one place: nothing would tell them apart.
";

/// Returns the page about every type of a table.
pub fn reference(types: &ResourceTypes) -> String {
    let mut page = HEAD.to_owned();
    line(&mut page, "\n| effect | what a call does |\n|---|---|");
    for (effect, word) in ResourceEffect::NAMED {
        line(&mut page, &format!("| `{word}` | {} |", meaning(effect)));
    }
    page.push_str(OWN);
    line(&mut page, &format!("\nPlaceholders of patterns: {}.", quoted(PLACEHOLDERS)));
    line(&mut page, "\n| names | a name stands once among |\n|---|---|");
    for (scope, word) in NameScope::NAMED {
        line(&mut page, &format!("| `{word}` | {} |", among(scope)));
    }
    let calls: usize = types.all().iter().map(|own| own.calls.len()).sum();
    line(&mut page, &format!("\n## All {} types, {calls} calls\n", types.all().len()));
    line(&mut page, "| type | words |\n|---|---|");
    for own in types.all() {
        let anchor = own.name.to_lowercase().replace(':', "");
        line(&mut page, &format!("| [{}](#{anchor}) | {} |", own.name, own.words.join(", ")));
    }
    for own in types.all() {
        section(&mut page, own);
    }
    page
}

fn section(page: &mut String, own: &ResourceType) {
    line(page, &format!("\n### {}\n", own.name));
    line(page, &format!("- Source: `{}`", own.source));
    for (title, patterns) in [("ARN or URL", &own.forms), ("Id", &own.ids), ("Also written", &own.typed)] {
        if !patterns.is_empty() {
            let patterns: Vec<String> =
                patterns.iter().map(|pattern| format!("`{}`", Pattern::as_str(pattern))).collect();
            line(page, &format!("- {title}: {}", patterns.join(", ")));
        }
    }
    let case = if own.ignores_case { "; capitals do not count" } else { "" };
    line(page, &format!("- Names: {}{case}", own.names.as_str()));
    if let Some(note) = &own.note {
        line(page, &format!("- {note}"));
    }
    line(page, "\n| effect | calls | named at |\n|---|---|---|");
    let mut rest = own.calls.as_slice();
    while let Some(first) = rest.first() {
        let same = rest.iter().take_while(|call| is_of_row(call, first)).count();
        let (row, behind) = rest.split_at(same);
        rest = behind;
        line(page, &row_text(own, row, first));
    }
}

/// Tells whether two calls stand in one row.
fn is_of_row(call: &ResourceCall, first: &ResourceCall) -> bool {
    let of = |call: &ResourceCall| (call.effect, call.source.clone(), call.policy.clone(), call.parent.clone());
    let moves = |call: &ResourceCall| (call.renamed.clone(), call.regions.clone(), call.is_here_too);
    of(call) == of(first) && moves(call) == moves(first) && call.at == first.at
}

fn row_text(own: &ResourceType, row: &[ResourceCall], first: &ResourceCall) -> String {
    let events: Vec<&str> = row.iter().map(|call| call.event.as_str()).collect();
    let mut places: Vec<String> = first.at.iter().map(|path| format!("`{path}`")).collect();
    if places.is_empty() {
        places.push("`resources`".to_owned());
    }
    let mut text = places.join(", ");
    if let Some(parent) = first.parent.first() {
        text += &format!("; in `{parent}`");
    }
    if let Some(policy) = &first.policy {
        text += &format!("; policy `{policy}`");
    }
    if let Some(renamed) = &first.renamed {
        text += &format!("; new name `{renamed}`");
    }
    if let Some(regions) = first.regions.first() {
        let also = if first.is_here_too { "also " } else { "" };
        text += &format!("; {also}in the regions `{regions}`");
    }
    let source = if first.source == own.source { String::new() } else { format!(" ({})", first.source) };
    format!("| {} | {}{source} | {text} |", first.effect.as_str(), events.join(", "))
}

fn meaning(effect: ResourceEffect) -> &'static str {
    match effect {
        ResourceEffect::Create => "makes it",
        ResourceEffect::Put => "makes it, or replaces what is there: the call is the same",
        ResourceEffect::Change => "changes it",
        ResourceEffect::Delete => "deletes it, now or after a waiting time",
        ResourceEffect::Attach => "connects it to something else, or allows something else to use it",
        ResourceEffect::Detach => "undoes such a connection",
        ResourceEffect::Use => "uses it, and leaves it as it is",
        ResourceEffect::Rename => "gives it another name",
        ResourceEffect::Named => "gives this name to one that had another",
        ResourceEffect::Unknown => "the table does not say",
    }
}

fn among(scope: NameScope) -> &'static str {
    match scope {
        NameScope::Partition => "all resources of a partition",
        NameScope::Account => "those of an account",
        NameScope::Region => "those of an account in one region (the default)",
        NameScope::Parent => "those of one parent in an account and region: the services of a cluster",
        NameScope::GlobalParent => {
            "those of one parent, whose name stands once in a partition: the objects of a bucket"
        }
        NameScope::Shared => "nothing: several may have one name, a mention by name is never certain",
        NameScope::None => "nothing: there are no names, only ids",
    }
}

/// Puts marks around the placeholders of a text.
fn quoted(text: &str) -> String {
    text.replace('{', "`{").replace('}', "}`")
}

fn line(page: &mut String, text: &str) {
    // Writing into a text does not fail.
    let _written = writeln!(page, "{text}");
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_page_about_resource_types_is_what_the_table_says() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/resource-types.md");
        let text = reference(&ResourceTypes::built_in().unwrap());
        if std::env::var_os("ORGTRAIL_WRITE_REFERENCE").is_some() {
            std::fs::write(&page, &text).unwrap();
            return;
        }
        let there = std::fs::read_to_string(&page).unwrap_or_default();
        let difference = there.lines().zip(text.lines()).find(|(there, wanted)| there != wanted);
        assert!(there == text, "{} is not what the table says; run `bash .ci/docs`\n{difference:?}", page.display());
    }

    #[test]
    fn the_example_of_the_page_can_be_read() {
        let text = OWN.split("```").nth(1).and_then(|block| block.strip_prefix("yaml")).unwrap();
        let types = ResourceTypes::built_in().unwrap().with_file(text, "own.yaml").unwrap();
        assert!(types.named("AWS::S3::Bucket").unwrap().is_called("pail"));
        assert_eq!(types.named("Acme::Shop::Order").unwrap().calls.len(), 5);
    }
}
