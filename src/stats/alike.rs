//! Near-alike templates put together, in the manner of Drain (He et al., "Drain: An Online Log Parsing Approach with Fixed
//! Depth Tree", ICWS 2017): of the same number of words, alike but where words vary. Other than there the outcome depends on
//! the set of templates alone, not on the order they come in, and words of plain language are not taken for variables.

use std::collections::{BTreeMap, BTreeSet};

/// What stands for words that vary, and for the names of models among them.
const ANY: &str = "<*>";
const MODEL: &str = "<model>";

/// Fewer plain words than this say too little for anything to be alike.
const LEAST_WORDS: usize = 2;
/// So many different plain words in one place, and no others anywhere, ...
const VARIANTS: usize = 5;
/// ... with so many plain words that stay, are taken for a variable.
const STEADY: usize = 4;
/// Of templates that were cut, so many words are compared: how many there are depends on the length of the masked ones.
const COMPARED: usize = 16;

/// Templates that are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alike {
    /// What they have in common, with `<*>` or `<model>` for what they differ in.
    pub pattern: String,
    /// Which they are, by their places, in the order of their texts.
    pub members: Vec<usize>,
}

/// A template in words.
struct Words<'a> {
    at: usize,
    list: Vec<&'a str>,
    is_cut: bool,
}

/// What a group of templates has in common: each word, or `None` where it may vary.
type Key<'a> = (bool, Vec<Option<&'a str>>);

/// Puts templates together that are alike; each is in exactly one group, and the groups are in the order of their patterns.
/// `is_model` tells the names of models.
pub fn alike(templates: &[&str], is_model: &dyn Fn(&str) -> bool) -> Vec<Alike> {
    let mut groups: BTreeMap<Key<'_>, Vec<Words<'_>>> = BTreeMap::new();
    let mut order: Vec<usize> = (0..templates.len()).collect();
    order.sort_by_key(|at| templates[*at]);
    for at in order {
        let words = words(at, templates[at]);
        groups.entry(key(&words, is_model)).or_default().push(words);
    }
    let mut out: Vec<Alike> = varied(groups).into_iter().map(|members| group(templates, &members, is_model)).collect();
    out.sort_by(|a, b| a.pattern.cmp(&b.pattern).then_with(|| a.members.cmp(&b.members)));
    out
}

fn words(at: usize, template: &str) -> Words<'_> {
    let mut list: Vec<&str> = template.split(' ').collect();
    let is_cut = template.ends_with('…') && list.len() > 1;
    if is_cut {
        // It may be half a word.
        list.pop();
    }
    Words { at, list, is_cut }
}

/// Templates with the same key are alike. One with too little plain language in it is like none but itself.
fn key<'a>(words: &Words<'a>, is_model: &dyn Fn(&str) -> bool) -> Key<'a> {
    let compared = if words.is_cut { words.list.len().min(COMPARED) } else { words.list.len() };
    let list: Vec<&str> = words.list[..compared].to_vec();
    let key: Vec<Option<&str>> = list.iter().map(|word| (!is_variable(word, is_model)).then_some(*word)).collect();
    let plain = list.iter().filter(|word| is_plain(word) && !is_variable(word, is_model)).count();
    let varies = key.iter().filter(|word| word.is_none()).count();
    if plain < LEAST_WORDS || varies > key.len() / 2 {
        return (words.is_cut, words.list.iter().copied().map(Some).collect());
    }
    (words.is_cut, key)
}

/// A word without the signs around it.
fn core(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

/// Letters alone: a word of a language, or a name.
fn is_plain(word: &str) -> bool {
    let core = core(word);
    core.chars().count() >= 2 && core.chars().all(|c| c.is_alphabetic() || matches!(c, '\'' | '’' | '-'))
}

/// Whether a word is one of those that vary from message to message: what was masked, what has digits, names of models.
fn is_variable(word: &str, is_model: &dyn Fn(&str) -> bool) -> bool {
    word.contains(|c: char| c.is_ascii_digit() || c == '…') || is_mask(word) || is_model(core(word))
}

fn is_mask(word: &str) -> bool {
    ["<n>", "<id>", "<url>", "<path>", "<email>", ANY, MODEL].iter().any(|mask| word.contains(mask))
}

/// Groups that differ in one plain word, in many variants, are one.
fn varied<'a>(groups: BTreeMap<Key<'a>, Vec<Words<'a>>>) -> Vec<Vec<Words<'a>>> {
    let mut families: BTreeMap<(usize, Key<'a>), BTreeSet<Key<'a>>> = BTreeMap::new();
    for key in groups.keys().filter(|key| !key.0) {
        let plain = key.1.iter().flatten().filter(|word| is_plain(word)).count();
        for at in (0..key.1.len()).filter(|at| key.1[*at].is_some_and(is_plain) && plain > STEADY) {
            let mut family = key.clone();
            family.1[at] = None;
            families.entry((at, family)).or_default().insert(key.clone());
        }
    }
    let mut large: Vec<_> = families.into_iter().filter(|(_, members)| members.len() >= VARIANTS).collect();
    large.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(&b.0)));
    let mut left = groups;
    let mut out = Vec::new();
    for (_, members) in large {
        let taken: Vec<Words<'a>> = match members.iter().filter(|key| left.contains_key(*key)).count() {
            n if n >= VARIANTS => members.iter().filter_map(|key| left.remove(key)).flatten().collect(),
            _ => continue,
        };
        out.push(taken);
    }
    out.extend(left.into_values());
    out
}

fn group(templates: &[&str], members: &[Words<'_>], is_model: &dyn Fn(&str) -> bool) -> Alike {
    let mut at: Vec<usize> = members.iter().map(|words| words.at).collect();
    at.sort_by_key(|at| templates[*at]);
    let first = at.first().map_or("", |at| templates[*at]);
    let is_one = at.iter().all(|at| templates[*at] == first);
    let pattern = if is_one { first.to_owned() } else { pattern(members, is_model) };
    Alike { pattern, members: at }
}

fn pattern(members: &[Words<'_>], is_model: &dyn Fn(&str) -> bool) -> String {
    let length = members.iter().map(|words| words.list.len()).min().unwrap_or(0);
    let mut out: Vec<String> = (0..length)
        .map(|i| {
            let values: BTreeSet<&str> = members.iter().map(|words| words.list[i]).collect();
            place(&values, is_model)
        })
        .collect();
    if members.iter().any(|words| words.is_cut) {
        out.push("…".to_owned());
    }
    out.join(" ")
}

/// What stands in a place of a pattern: the word, or what stands for several with the signs that all of them have.
fn place(values: &BTreeSet<&str>, is_model: &dyn Fn(&str) -> bool) -> String {
    let Some(first) = values.first().filter(|_| values.len() > 1) else {
        return values.first().copied().unwrap_or_default().to_owned();
    };
    let sign = |c: &char| !c.is_alphanumeric() && !matches!(c, '<' | '>' | '…');
    let head: String = first.chars().take_while(sign).collect();
    let mut tail: Vec<char> = first.chars().rev().take_while(sign).collect();
    tail.reverse();
    let tail: String = tail.into_iter().collect();
    let mask = if values.iter().all(|word| is_model(core(word))) { MODEL } else { ANY };
    let shared = |text: &str, all: &dyn Fn(&str) -> bool| if all(text) { text.to_owned() } else { String::new() };
    let head = shared(&head, &|text| values.iter().all(|word| word.starts_with(text)));
    let tail = shared(&tail, &|text| values.iter().all(|word| word.ends_with(text)));
    format!("{head}{mask}{tail}")
}

#[cfg(test)]
mod tests;
