//! Broken lines without what they say: names of fields, numbers, times and signs stay, so that the fault can be seen.

use super::Words;
use std::borrow::Cow;

/// What stands in the place of a text.
const HIDDEN: &str = "…";

/// An example of a broken line, as it may be shown.
pub(super) fn example(line: &str, words: Words) -> Cow<'_, str> {
    match words {
        Words::Shown => Cow::Borrowed(line),
        Words::Masked => Cow::Owned(masked(line)),
    }
}

/// Hides every text but the names of fields, and everything outside of objects.
fn masked(line: &str) -> String {
    let (before, object) = line.split_at(line.find('{').unwrap_or(line.len()));
    let mut out = if before.trim().is_empty() { String::new() } else { HIDDEN.to_owned() };
    let (mut rest, mut field) = (object, "");
    while let Some(first) = rest.chars().next() {
        let len = match first {
            '"' | '\'' => quoted_len(rest),
            c if c.is_whitespace() || "{}[]:,".contains(c) => c.len_utf8(),
            _ => rest.find(|c: char| c.is_whitespace() || "{}[]:,\"'".contains(c)).unwrap_or(rest.len()),
        };
        let (piece, after) = rest.split_at(len);
        let name = after.trim_start().starts_with(':') && is_name(piece);
        let sign =
            matches!(piece, "true" | "false" | "null" | "None" | "True" | "False") || piece.parse::<f64>().is_ok();
        let between = piece.len() == first.len_utf8() && (first.is_whitespace() || "{}[]:,".contains(first));
        let figure = is_figure(inner(piece)) && is_of_figures(field);
        if name {
            field = inner(piece);
        }
        match (name || sign || between || figure, first) {
            (true, _) => out.push_str(piece),
            (false, quote @ ('"' | '\'')) => {
                out.extend([quote, '…']);
                // Where it breaks off shows.
                out.extend((piece.len() > 1 && piece.ends_with(quote)).then_some(quote));
            }
            (false, _) => out.push_str(HIDDEN),
        }
        rest = after;
    }
    out
}

/// Bytes of a quoted text with its quotes; all that is left where it does not end.
fn quoted_len(text: &str) -> usize {
    let mut quote = None;
    let mut escaped = false;
    for (i, c) in text.char_indices() {
        match (quote, c) {
            (None, c) => quote = Some(c),
            (Some(_), _) if std::mem::take(&mut escaped) => {}
            (Some(_), '\\') => escaped = true,
            (Some(end), c) if c == end => return i + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

fn inner(piece: &str) -> &str {
    piece.trim_matches(['"', '\''])
}

/// Whether a field of this name holds a time or a figure, and no text of anybody's.
fn is_of_figures(field: &str) -> bool {
    let field = field.to_ascii_lowercase();
    let whole = ["ts", "latency", "duration", "elapsed", "cost"];
    let ends = ["time", "timestamp", "datetime", "_at", "_tokens", "_ms", "_s", "_us", "_ns", "_usd", "_cost"];
    whole.contains(&field.as_str()) || ends.iter().any(|end| field.ends_with(end))
}

/// Whether a text is a number or a time in whatever form, of digits, signs and the words that stand in times.
fn is_figure(text: &str) -> bool {
    const WORDS: &str = "t z e utc gmt am pm ms us ns s mon tue wed thu fri sat sun \
                         jan feb mar apr may jun jul aug sep oct nov dec nan inf";
    let known = |word: &str| word.is_empty() || WORDS.split(' ').any(|known| known.eq_ignore_ascii_case(word));
    text.len() <= 40
        && text.contains(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-:./, _".contains(c))
        && text.split(|c: char| !c.is_ascii_alphabetic()).all(known)
}

/// Whether a piece is short and plain enough to be the name of a field, and no text that a colon follows.
fn is_name(piece: &str) -> bool {
    let inner = inner(piece);
    !inner.is_empty() && inner.len() <= 64 && inner.chars().all(|c| c.is_ascii_alphanumeric() || "_-.@$/".contains(c))
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn texts_are_hidden_and_the_fault_is_seen() {
        for (line, shown) in [
            (
                r#"{"event":"llm_call","timestamp":"nope","prompt":"my key is sk-ant-api03-S"#,
                r#"{"event":"…","timestamp":"…","prompt":"…"#,
            ),
            (
                r#"{"a": -1e3, "b": true, "c": [null, "x \"y\": {z}"], "d": {"e": "f"}}"#,
                r#"{"a": -1e3, "b": true, "c": [null, "…"], "d": {"e": "…"}}"#,
            ),
            (
                r#"{"timestamp":"2026-13-45T99:00:00Z","ts":"45/Xyz/2026","end_time":"32/May/2026 10:00 +0200"}"#,
                r#"{"timestamp":"2026-13-45T99:00:00Z","ts":"…","end_time":"32/May/2026 10:00 +0200"}"#,
            ),
            (
                r#"{"input_tokens":"-12","latency_ms":"1e999","user":"4111 1111","created_at":"call 555 now"}"#,
                r#"{"input_tokens":"-12","latency_ms":"1e999","user":"…","created_at":"…"}"#,
            ),
            ("api-1 | token=abc {\"a\":1}", "…{\"a\":1}"),
            ("{'prompt': 'it is: secret', 'n': None}", "{'prompt': '…', 'n': None}"),
            ("{prompt: my secret, n: 1}", "{prompt: … …, n: 1}"),
            (r#"{"my key is sk 1":1}"#, r#"{"…":1}"#),
            ("no object, but a secret", "…"),
            ("", ""),
        ] {
            assert_eq!(masked(line), shown, "{line}");
        }
    }
}
