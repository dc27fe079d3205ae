//! A record as text for people: the delivered text with line ends and indents, and nothing else changed.

/// How deep lines are indented; what is deeper stands in line with it.
const DEPTH_MAX: usize = 12;

/// Returns JSON with line ends and indents. Numbers, texts and their order stay as they are; what is no JSON stays too.
/// It ends behind `bytes_max`, with `true`, where it is longer.
pub(super) fn pretty(text: &str, bytes_max: usize) -> (String, bool) {
    let (mut out, mut depth, mut is_text, mut is_escaped) =
        (String::with_capacity(text.len() * 2), 0_usize, false, false);
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        if out.len() >= bytes_max {
            return (out, true);
        }
        if is_text {
            out.push(letter);
            is_text = is_escaped || letter != '"';
            is_escaped = !is_escaped && letter == '\\';
            continue;
        }
        match letter {
            '"' => {
                is_text = true;
                out.push(letter);
            }
            '{' | '[' => {
                out.push(letter);
                while rest.next_if(|next| next.is_ascii_whitespace()).is_some() {}
                if let Some(end) = rest.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(letter);
            }
            ',' => {
                out.push(letter);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            blank if blank.is_ascii_whitespace() => {}
            other => out.push(other),
        }
    }
    (out, false)
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth.min(DEPTH_MAX)));
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn nothing_but_blanks_between_the_parts_is_changed() {
        let text = r#"{"a":[1.50,{"b":"x, {y}: \"[\\"}],"c":123456789012345678901234567890, "d":{},"e":[ ],"a":null}"#;
        let shown = pretty(text, 1 << 20).0;
        assert!(shown.starts_with("{\n  \"a\": [\n    1.50,\n    {\n      \"b\": \"x, {y}: \\\"[\\\\\"\n"), "{shown}");
        assert!(shown.contains("123456789012345678901234567890,\n  \"d\": {},\n  \"e\": [],\n"), "{shown}");
        let packed = |text: &str| text.chars().filter(|letter| !letter.is_whitespace()).collect::<String>();
        assert_eq!(packed(&shown), packed(text));
    }

    #[test]
    fn deep_long_and_broken_texts_have_an_end() {
        let (deep, is_cut) = pretty(&"[".repeat(100_000), 10_000);
        assert!(is_cut && deep.len() < 10_100);
        assert_eq!(pretty("]]}{\"", 100).0, "\n]\n]\n}{\n  \"");
    }
}
