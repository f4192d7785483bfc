//! Patterns with `*`, with regard to letters' case or without, and text to be found without, in time linear in what they
//! look at.

use std::borrow::Cow;
use std::fmt;

/// Whether letters' case matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// It does not: names that people type.
    Any,
    /// It does: ids, which programs make of letters of both cases.
    Exact,
}

/// A pattern for a whole value; `*` stands for any run of characters. The empty pattern matches the unknown value.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// The literal parts between the stars, as typed: one more than there are stars.
    pieces: Vec<String>,
    /// The same as they are compared: folded where case does not matter.
    compared: Vec<String>,
    case: Case,
}

impl Pattern {
    /// The pattern of these literal parts with a star between each.
    pub(super) fn of(pieces: Vec<String>, case: Case) -> Pattern {
        // Of nothing there is one spelling.
        let case = if pieces.iter().all(String::is_empty) { Case::Any } else { case };
        let compared = match case {
            Case::Any => pieces.iter().map(|piece| fold(piece).into_owned()).collect(),
            Case::Exact => pieces.clone(),
        };
        Pattern { pieces, compared, case }
    }

    /// Matches exactly this value, letters' case and all, a `*` in it meaning itself; empty is the unknown value.
    pub fn exact(value: &str) -> Pattern {
        Pattern::of(vec![value.to_owned()], Case::Exact)
    }

    /// Reads a pattern in which every `*` is a star.
    pub fn glob(text: &str, case: Case) -> Pattern {
        Pattern::of(text.split('*').map(str::to_owned).collect(), case)
    }

    /// The value in which every `*` means itself.
    pub(super) fn value(value: &str, case: Case) -> Pattern {
        Pattern::of(vec![value.to_owned()], case)
    }

    /// Whether this stands for the unknown value.
    pub fn is_unknown(&self) -> bool {
        matches!(self.pieces.as_slice(), [only] if only.is_empty())
    }

    /// The one value this matches, in any case of letters unless that matters; `None` where there is a star.
    pub fn literal(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Whether a value matches. Only the empty pattern matches the unknown value, and an empty one counts as unknown.
    pub fn matches(&self, value: Option<&str>) -> bool {
        match value.filter(|value| !value.is_empty()) {
            None => self.is_unknown(),
            Some(value) => match self.case {
                Case::Any => self.matches_as_compared(&fold(value)),
                Case::Exact => self.matches_as_compared(value),
            },
        }
    }

    /// Each middle part is taken where it is first found: a later place can only leave less room for the rest.
    fn matches_as_compared(&self, value: &str) -> bool {
        let (first, middle, last) = match self.compared.as_slice() {
            [] => return value.is_empty(),
            [only] => return only == value,
            [first, middle @ .., last] => (first, middle, last),
        };
        let Some(mut rest) = value.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str()))
        else {
            return false;
        };
        for piece in middle {
            match rest.find(piece.as_str()) {
                Some(at) => rest = &rest[at + piece.len()..],
                None => return false,
            }
        }
        true
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.compared == other.compared && self.case == other.case
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// As it is typed in a filter, where a value without quotes is of this case: bare where that reads back, else in quotes.
    pub(super) fn typed(&self, bare: Case) -> String {
        let same_case = self.case == bare || self.case == Case::Any;
        if same_case && self.pieces.iter().all(|piece| piece.chars().all(is_bare)) {
            return self.pieces.join("*");
        }
        let quoted: Vec<String> = self.pieces.iter().map(|piece| escape(piece)).collect();
        format!("\"{}\"", quoted.join("*"))
    }
}

/// What may stand in a value without quotes and without a meaning of its own.
fn is_bare(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !matches!(c, ',' | '"' | '*')
}

/// Escapes for the inside of quotes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '*') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Text to be found anywhere.
#[derive(Debug, Clone)]
pub struct Needle {
    text: String,
    folded: String,
}

impl Needle {
    /// Finds this text.
    pub fn new(text: &str) -> Needle {
        Needle { text: text.to_owned(), folded: fold(text).into_owned() }
    }

    /// The text as typed.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether some text contains it.
    pub fn is_in(&self, text: &str) -> bool {
        fold(text).contains(self.folded.as_str())
    }
}

impl PartialEq for Needle {
    fn eq(&self, other: &Needle) -> bool {
        self.folded == other.folded
    }
}

impl Eq for Needle {}

impl fmt::Display for Needle {
    /// As it is typed in a filter: bare where that reads back as text, else in quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| (is_bare(c) || matches!(c, ',' | '*')) && !matches!(c, ':' | '<' | '>' | '=');
        if !self.text.is_empty() && !self.text.starts_with('-') && self.text.chars().all(plain) {
            return f.write_str(&self.text);
        }
        write!(f, "\"{}\"", escape(&self.text))
    }
}

/// Letters' case folded away, character by character: unlike `str::to_lowercase` the result for a letter does not
/// depend on its neighbours, so a part of a text folds to a part of the folded text.
fn fold(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    if text.is_ascii() {
        return Cow::Owned(text.to_ascii_lowercase());
    }
    Cow::Owned(text.chars().flat_map(char::to_lowercase).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The plain definition, exponential and obviously right.
    fn by_definition(pattern: &[char], value: &[char]) -> bool {
        match pattern.split_first() {
            None => value.is_empty(),
            Some(('*', rest)) => (0..=value.len()).any(|i| by_definition(rest, &value[i..])),
            Some((c, rest)) => value.first() == Some(c) && by_definition(rest, &value[1..]),
        }
    }

    proptest! {
        #[test]
        fn stars_match_as_defined(pattern in "[ab*]{1,8}", value in "[ab]{1,10}") {
            let want = by_definition(&pattern.chars().collect::<Vec<_>>(), &value.chars().collect::<Vec<_>>());
            prop_assert_eq!(Pattern::glob(&pattern, Case::Any).matches(Some(&value)), want);
        }

        #[test]
        fn any_value_matches_itself_and_a_part_is_found(value in "\\PC{1,20}", cut in 0usize..20) {
            prop_assert!(Pattern::exact(&value).matches(Some(&value)));
            let part: String = value.chars().skip(cut.min(value.chars().count() - 1)).collect();
            prop_assert!(Needle::new(&part).is_in(&value));
        }
    }

    #[test]
    fn case_does_not_matter_in_any_script() {
        assert!(Pattern::glob("GPT-4o*", Case::Any).matches(Some("gpt-4O-mini")));
        assert!(Pattern::glob("σ*", Case::Any).matches(Some("ΣΑΣ")));
        assert!(Needle::new("Straße").is_in("die STRAßE"));
        assert!(Pattern::glob("aB*", Case::Exact).matches(Some("aB3x")));
        for other in ["Ab3x", "ab3x", "AB3X"] {
            assert!(!Pattern::glob("aB*", Case::Exact).matches(Some(other)), "{other}");
            assert!(!Pattern::exact("aB3x").matches(Some(other)), "{other}");
        }
        assert!(!Pattern::glob("gpt-4o", Case::Any).matches(Some("gpt-4o-mini")));
    }

    #[test]
    fn only_the_empty_pattern_matches_the_unknown() {
        assert!(Pattern::glob("", Case::Any).matches(None));
        assert!(Pattern::glob("", Case::Any).matches(Some("")));
        assert!(!Pattern::glob("*", Case::Any).matches(None));
        assert!(Pattern::glob("*", Case::Any).matches(Some("x")));
        assert!(!Pattern::glob("", Case::Any).matches(Some("x")));
    }

    #[test]
    fn prefix_and_suffix_may_not_overlap() {
        assert!(!Pattern::glob("aba*aba", Case::Any).matches(Some("aba")));
        assert!(Pattern::glob("a*a", Case::Any).matches(Some("aa")));
        assert!(!Pattern::glob("a*b*a", Case::Any).matches(Some("aa")));
    }

    #[test]
    fn many_stars_stay_linear() {
        let pattern = Pattern::glob(&"a*".repeat(2_000), Case::Any);
        assert!(!pattern.matches(Some(&format!("{}b", "a".repeat(1_000)))));
        assert!(pattern.matches(Some(&"a".repeat(100_000))));
    }

    #[test]
    fn an_exact_star_means_itself() {
        let pattern = Pattern::exact("openai/*");
        assert!(pattern.matches(Some("openai/*")));
        assert!(!pattern.matches(Some("openai/gpt")));
        assert_eq!(pattern.typed(Case::Exact), r#""openai/\*""#);
    }
}
