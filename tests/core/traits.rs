//! What traits may not do, read from the source.

use super::modules::library;

#[test]
fn no_trait_answers_for_whoever_implements_it() {
    // A reader that forgets a question, or a wrapper that does not hand one on, would answer it in silence.
    let mut found = Vec::new();
    for (module, code) in library() {
        for part in code.split("\npub trait ").skip(1) {
            let own = part.split("\n}").next().unwrap_or_default();
            let name = own.split([' ', ':', '<']).next().unwrap_or_default();
            let methods = own.lines().filter(|line| line.starts_with("    fn ") || line.starts_with("    async fn "));
            found.extend(methods.filter(|line| line.ends_with('{')).map(|line| format!("{module}: {name}: {line}")));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
