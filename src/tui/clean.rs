//! Text from logs is hostile until it has been through here: no control or escape character, no bidi override, no
//! zero-width trick and no tower of combining marks reaches the terminal, and nothing is wider than its place.

use crate::units;
use std::borrow::Cow;
use std::collections::HashMap;
use unicode_width::UnicodeWidthChar;

/// What stands where something was that must not be printed.
const MARK: char = '·';
/// Combining marks kept on one character; real scripts need few.
const MARKS: u8 = 2;

/// The text with everything that could move the cursor or lie about order and width replaced. White space of any kind
/// becomes one plain space each.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut marks = 0u8;
    for c in text.chars() {
        match harm(c) {
            Harm::Space => out.push(' '),
            Harm::Control => out.push(MARK),
            Harm::Invisible => {}
            Harm::None if c.width() == Some(0) => {
                marks = marks.saturating_add(1);
                if marks <= MARKS && !out.is_empty() {
                    out.push(c);
                }
                continue;
            }
            Harm::None => out.push(c),
        }
        marks = 0;
    }
    Cow::Owned(out)
}

enum Harm {
    None,
    Space,
    Control,
    Invisible,
}

fn harm(c: char) -> Harm {
    match c {
        ' ' => Harm::None,
        // Skin tones: no two terminals agree on their width.
        '\u{1f3fb}'..='\u{1f3ff}' => Harm::Invisible,
        c if c.is_whitespace() => Harm::Space,
        c if !units::is_unsafe(c) => Harm::None,
        // Controls, and what turns the direction of writing: marks, embeddings, overrides, isolates.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Harm::Control,
        c if c.is_control() => Harm::Control,
        _ => Harm::Invisible,
    }
}

/// Columns of clean text.
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().map(|c| c.width().unwrap_or(0)).sum() }
}

/// The text, clean, in at most `max` columns; what had to be cut off is marked by `…`.
pub fn fit(text: &str, max: usize) -> Cow<'_, str> {
    // Very long names are cut before they are looked at in full: four bytes a character, some of them without width.
    let head = head(text, max.saturating_mul(16).saturating_add(64));
    let cleaned = clean(head);
    if width(&cleaned) <= max && head.len() == text.len() {
        return cleaned;
    }
    if max == 0 {
        return Cow::Borrowed("");
    }
    let mut out = String::with_capacity(max * 2);
    let mut used = 0;
    for c in cleaned.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide > max - 1 {
            break;
        }
        out.push(c);
        used += wide;
    }
    out.push('…');
    Cow::Owned(out)
}

/// The text, clean, in at most `max` columns; what does not fit is taken out of its middle, for names that differ at
/// their ends: `text-emb…-small`.
pub(crate) fn fit_name(text: &str, max: usize) -> Cow<'_, str> {
    const LONGEST: usize = 200;
    let whole = fit(text, LONGEST);
    if width(&whole) <= max || max < 8 {
        return fit(text, max);
    }
    let (first, last) = (max - 1 - (max - 1) * 2 / 5, (max - 1) * 2 / 5);
    let mut out = taken(whole.chars(), first);
    out.push('…');
    out.extend(taken(whole.chars().rev(), last).chars().rev());
    Cow::Owned(out)
}

/// Of some names those that [`fit_name`] cuts to the same, cut so that they stay different: what they begin with alike
/// gives way to where they begin to differ, `llama…13b-chat`.
pub(crate) fn fit_apart(names: &[Option<String>], max: usize) -> Vec<Option<String>> {
    /// Names that differ in several places are taken apart place by place, in so many rounds.
    const ROUNDS: usize = 4;
    let mut out: Vec<Option<String>> = vec![None; names.len()];
    if max < 8 {
        return out;
    }
    let whole = |name: &String| fit(name, 200).into_owned();
    let whole: Vec<Option<String>> = names.iter().map(|name| name.as_ref().map(whole)).collect();
    let mut shown: Vec<Option<String>> =
        whole.iter().map(|name| name.as_deref().map(|name| fit_name(name, max).into_owned())).collect();
    for _ in 0..ROUNDS {
        let mut alike: HashMap<&str, Vec<usize>> = HashMap::new();
        for (i, name) in shown.iter().enumerate() {
            name.iter().for_each(|name| alike.entry(name.as_str()).or_default().push(i));
        }
        // What is the same to its end is not told apart by any cut.
        let differ = |all: &Vec<usize>| all.iter().any(|i| whole[*i] != whole[all[0]]);
        let alike: Vec<Vec<usize>> = alike.into_values().filter(differ).collect();
        for all in &alike {
            let same = common_start(all.iter().filter_map(|i| whole[*i].as_deref()));
            for i in all.iter().copied() {
                out[i] = whole[i].as_deref().filter(|name| width(name) > max).map(|name| from_there(name, same, max));
                shown[i] = out[i].clone().or_else(|| whole[i].clone());
            }
        }
        if alike.is_empty() {
            break;
        }
    }
    out
}

/// How many characters all of them begin with.
fn common_start<'a>(mut names: impl Iterator<Item = &'a str>) -> usize {
    let Some(first) = names.next() else { return 0 };
    let same = |name: &str| first.chars().zip(name.chars()).take_while(|(a, b)| a == b).count();
    names.map(same).min().unwrap_or(0)
}

/// A name with what stands before its character of this number cut short.
fn from_there(name: &str, same: usize, max: usize) -> String {
    const HEAD: usize = 3;
    let tail: String = name.chars().skip(same).collect();
    let tail = fit(&tail, max - 1 - HEAD).into_owned();
    let mut out = taken(name.chars().take(same), max - 1 - width(&tail));
    out.push('…');
    out + &tail
}

/// The characters that have room in so many columns.
fn taken(chars: impl Iterator<Item = char>, columns: usize) -> String {
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= columns
    };
    chars.take_while(fits).collect()
}

fn head(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let mut end = bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Clean lines of at most `max` columns each; line breaks of the text are kept, words are kept whole where they fit.
/// At most `lines` of them.
pub fn wrap(text: &str, max: usize, lines: usize) -> Vec<String> {
    let mut out = Vec::new();
    if max == 0 {
        return out;
    }
    for line in text.split('\n') {
        let line = clean(line.strip_suffix('\r').unwrap_or(line)).into_owned();
        wrap_line(&line, max, lines, &mut out);
        if out.len() >= lines {
            break;
        }
    }
    out.truncate(lines);
    out
}

fn wrap_line(line: &str, max: usize, lines: usize, out: &mut Vec<String>) {
    let mut current = String::new();
    let mut used = 0;
    for word in line.split_inclusive(' ') {
        let wide = width(word.trim_end_matches(' '));
        if used > 0 && used + wide > max {
            out.push(std::mem::take(&mut current));
            used = 0;
        }
        for c in word.chars() {
            // A character wider than the whole place has none.
            let c = if c.width().unwrap_or(0) > max { MARK } else { c };
            let wide = c.width().unwrap_or(0);
            if used + wide > max {
                if c == ' ' {
                    continue;
                }
                out.push(std::mem::take(&mut current));
                used = 0;
            }
            current.push(c);
            used += wide;
        }
        if out.len() >= lines {
            return;
        }
    }
    out.push(current);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_that_moves_the_cursor_is_left() {
        assert_eq!(clean("a\x1b[31mb\u{9b}2Jc\u{7f}"), "a·[31mb·2Jc·");
        assert_eq!(clean("tab\tnew\nline\r\u{2028}x"), "tab new line  x");
        assert_eq!(clean("user\u{202e}nimda\u{2066}!"), "user·nimda·!");
        assert_eq!(clean("g\u{200b}p\u{200d}t\u{feff}\u{e0041}"), "gpt");
        assert_eq!(clean("e\u{301}\u{301}\u{301}\u{301}x"), "e\u{301}\u{301}x");
        assert_eq!(clean("模型 🚀 é"), "模型 🚀 é");
    }

    #[test]
    fn cutting_keeps_to_columns_not_bytes() {
        assert_eq!(fit("gpt-4.1", 7), "gpt-4.1");
        assert_eq!(fit("gpt-4.1-mini", 7), "gpt-4.…");
        assert_eq!(fit("模型名称", 5), "模型…");
        assert_eq!(fit("模型名称", 4), "模…");
        assert_eq!(fit("x", 0), "");
        assert_eq!(width(&fit(&"n".repeat(10_000), 20)), 20);
    }

    #[test]
    fn names_keep_both_ends() {
        assert_eq!(fit_name("text-embedding-3-small", 14), "text-emb…small");
        assert_eq!(fit_name("gpt-4.1", 14), "gpt-4.1");
        assert_eq!(fit_name("gpt-4.1-mini", 7), "gpt-4.…");
        assert_eq!(fit_name("模型名称模型名称", 10), "模型名…称");
        assert_eq!(width(&fit_name(&"n".repeat(10_000), 20)), 20);
    }

    #[test]
    fn names_that_are_cut_alike_are_told_apart() {
        let apart = |names: &[&str], max| -> Vec<String> {
            let all: Vec<Option<String>> = names.iter().map(|name| Some((*name).to_owned())).collect();
            let cut = fit_apart(&all, max).into_iter().zip(names);
            cut.map(|(apart, name)| apart.unwrap_or_else(|| fit_name(name, max).into_owned())).collect()
        };
        let llamas = ["llama-2-13b-chat", "llama-2-7b-chat", "gpt-4.1", "llama-2-70b-chat"];
        assert_eq!(apart(&llamas, 14), ["llama…13b-chat", "llama-…7b-chat", "gpt-4.1", "llama…70b-chat"]);
        let dated = ["claude-sonnet-4-5-20250929-v1", "claude-sonnet-4-5-20250929-v2", "claude-sonnet-3-7-20250929-v1"];
        let cut = apart(&dated, 14);
        assert!(cut[0] != cut[1] && cut[1] != cut[2] && cut[0] != cut[2], "{cut:?}");
        assert!(cut.iter().all(|name| width(name) <= 14), "{cut:?}");
        let same = Some("a".repeat(40));
        assert_eq!(fit_apart(&[same.clone(), None, same], 9), [None, None, None]);
    }

    #[test]
    fn wrapping_keeps_words_and_breaks() {
        assert_eq!(wrap("one two three\nfour", 9, 9), ["one two ", "three", "four"]);
        assert_eq!(wrap("abcdefgh", 3, 9), ["abc", "def", "gh"]);
        assert_eq!(wrap("a\nb\nc", 3, 2).len(), 2);
        assert_eq!(wrap("模", 1, 2), ["·"]);
    }

    proptest! {
        #[test]
        fn any_text_fits_and_is_clean(text: String, max in 0usize..40) {
            let cut = fit(&text, max);
            prop_assert!(width(&cut) <= max);
            prop_assert!(!cut.chars().any(char::is_control));
            prop_assert!(wrap(&text, max, 5).iter().all(|l| width(l) <= max));
        }
    }
}
