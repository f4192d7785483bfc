//! Takes secrets and personal data out of text before it is written: keys, tokens, passwords, e-mail addresses, phone
//! numbers, cards, IBANs, social security numbers. Leaves IP addresses (versions and section numbers look the same), names
//! and postal addresses. Cut after redaction, as [`beginning`] does: half a secret is not recognised.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// How much of a text is to be kept beyond what [`beginning`] shows, characters: so that a secret which crosses the cut
/// is long enough to be recognised.
pub const MARGIN: usize = 256;

/// One kind of secret.
struct Rule {
    /// What stands in its place: `[redacted:LABEL]`.
    label: &'static str,
    /// What stands before it and stays.
    before: &'static str,
    /// The secret. Nothing in it or before it looks ahead further than what it takes, so that all is linear.
    secret: &'static str,
    /// How many of its bytes are one indeed, 0 for none; of the text and where the secret stands in it.
    check: fn(&str, usize, usize) -> usize,
}

const fn rule(label: &'static str, secret: &'static str) -> Rule {
    Rule { label, before: "", secret, check: all }
}

/// All rules, the more special first: of those that begin at the same place the first counts.
static RULES: [Rule; 14] = [
    rule(
        "private_key",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\z)",
    ),
    rule("jwt", r"(?-u:\b)eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,3}"),
    rule("api_key", r"(?-u:\b)(?:sk|pk|rk|llmtop)-[A-Za-z0-9_-]{16,}"),
    rule("api_key", r"(?-u:\b)(?:AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{20,}|(?:AKIA|ASIA)[A-Z0-9]{16})"),
    rule("api_key", r"(?-u:\b)(?:gh[pousr]|github_pat|gsk|hf|r8|npm)_[A-Za-z0-9_]{20,}"),
    rule(
        "api_key",
        r"(?-u:\b)(?:(?:glpat|xai|pplx|nvapi)-[A-Za-z0-9_-]{20,}|xox[abeprs]-[A-Za-z0-9-]{10,}|[srp]k_(?:live|test)_[A-Za-z0-9]{10,})",
    ),
    Rule { before: r"(?i:(?-u:\b)(?:bearer|basic))\s{1,3}", ..rule("token", r"[A-Za-z0-9._~+/=-]{8,}") },
    Rule {
        before: r#"(?i:passw(?:or)?d|passwd|pwd|secret|(?:api|access|private|secret)[_-]?key|(?:access|auth|refresh)[_-]?token)["']?\s{0,3}(?:=|:)\s{0,3}["']?"#,
        check: no_marker,
        ..rule("password", r#"[^\s"',;&]{4,}"#)
    },
    Rule { before: r"://[^\s/:@]{1,100}:", check: before_at, ..rule("password", r"[^\s/@]{1,200}") },
    rule("email", r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}"),
    Rule { check: iban, ..rule("iban", r"(?-u:\b)[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?-u:\b)") },
    Rule {
        check: card,
        ..rule(
            "card",
            r"(?-u:\b)(?:[2-6][0-9]{12,18}|[2-6][0-9]{3}(?:[ -][0-9]{4}){2}[ -][0-9]{1,7}|3[0-9]{3}[ -][0-9]{6}[ -][0-9]{4,5})(?-u:\b)",
        )
    },
    Rule { check: phone, ..rule("phone", r"\+[1-9][0-9]{0,4}(?:[ ./-]?\(?[0-9]{1,5}\)?){1,6}") },
    Rule { check: ssn, ..rule("ssn", r"(?-u:\b)[0-9]{3}-[0-9]{2}-[0-9]{4}(?-u:\b)") },
];

/// One automaton of all rules, the secret of each in a group of its own number. `None` where it cannot be built, which a
/// test rules out.
static SECRETS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let parts: Vec<String> = RULES.iter().map(|rule| format!("{}({})", rule.before, rule.secret)).collect();
    Regex::new(&parts.join("|")).ok()
});

/// How often a text is read again after a hit: what a secret stood next to may be one of its own without it.
const PASSES: usize = 4;

/// The text with `[redacted:…]` in the place of secrets; borrowed where there are none.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut redacted = pass(text);
    for _ in 1..PASSES {
        let Cow::Owned(before) = &redacted else { break };
        let Cow::Owned(after) = pass(before) else { break };
        redacted = Cow::Owned(after);
    }
    redacted
}

/// One reading of a text.
fn pass(text: &str) -> Cow<'_, str> {
    let Some(secrets) = SECRETS.as_ref() else { return Cow::Borrowed("[redacted]") };
    // Most texts have none, which is found out faster than where it would be.
    if !secrets.is_match(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let (mut done, mut from) = (0, 0);
    while let Some(found) = secrets.captures_at(text, from) {
        let Some((rule, start, end)) = secret(&found) else { break };
        let length = (rule.check)(text, start, end);
        if length == 0 {
            from = next_char(text, found.get(0).map_or(start, |whole| whole.start()));
            continue;
        }
        out.push_str(&text[done..start]);
        out.push_str("[redacted:");
        out.push_str(rule.label);
        out.push(']');
        done = start + length;
        from = done;
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

/// So many characters from the beginning of a text, redacted first. A text that was cut before needs [`MARGIN`]
/// characters more than are shown.
pub fn beginning(text: &str, chars: usize) -> Cow<'_, str> {
    let redacted = redact(text);
    // Bytes are at least as many as characters.
    if redacted.len() <= chars {
        return redacted;
    }
    match (redacted.char_indices().nth(chars).map(|(end, _)| end), redacted) {
        (None, all) => all,
        (Some(end), Cow::Borrowed(text)) => Cow::Borrowed(&text[..end]),
        (Some(end), Cow::Owned(mut text)) => {
            text.truncate(end);
            Cow::Owned(text)
        }
    }
}

/// Which rule hit, and where its secret stands.
fn secret(found: &Captures) -> Option<(&'static Rule, usize, usize)> {
    let hits = RULES.iter().zip(found.iter().skip(1));
    hits.filter_map(|(rule, group)| group.map(|group| (rule, group.start(), group.end()))).next()
}

/// Past the character that begins here.
fn next_char(text: &str, at: usize) -> usize {
    at + text[at..].chars().next().map_or(1, char::len_utf8)
}

fn all(_: &str, start: usize, end: usize) -> usize {
    end - start
}

/// What was redacted before is no secret.
fn no_marker(text: &str, start: usize, end: usize) -> usize {
    if text[start..end].starts_with("[redacted:") { 0 } else { end - start }
}

/// The password of a URL stands before an `@`.
fn before_at(text: &str, start: usize, end: usize) -> usize {
    if text[end..].starts_with('@') { no_marker(text, start, end) } else { 0 }
}

/// Digits that pass Luhn's check (ISO/IEC 7812-1).
fn card(text: &str, start: usize, end: usize) -> usize {
    let digits: Vec<u32> = text[start..end].chars().filter_map(|c| c.to_digit(10)).collect();
    let sum: u32 = digits.iter().rev().enumerate().map(|(at, digit)| luhn(at, *digit)).sum();
    if (13..=19).contains(&digits.len()) && sum.is_multiple_of(10) { end - start } else { 0 }
}

fn luhn(at: usize, digit: u32) -> u32 {
    match (at % 2, digit * 2) {
        (0, _) => digit,
        (_, twice) if twice > 9 => twice - 9,
        (_, twice) => twice,
    }
}

/// The longest beginning that is an IBAN: words in capitals may follow it.
fn iban(text: &str, start: usize, end: usize) -> usize {
    let found = &text[start..end];
    let ends = found.match_indices(' ').map(|(at, _)| at).chain([found.len()]);
    ends.filter(|end| is_iban(&found[..*end])).max().unwrap_or(0)
}

/// 15 to 34 characters which, the first four put last and letters read as 10 to 35, leave 1 modulo 97 (ISO 13616).
fn is_iban(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(36)).collect();
    let moved = digits.iter().cycle().skip(4).take(digits.len());
    let rest = moved.fold(0, |rest, digit| (rest * if *digit > 9 { 100 } else { 10 } + digit) % 97);
    (15..=34).contains(&digits.len()) && rest == 1
}

/// 8 to 15 digits (E.164), of a longer row those that fit.
fn phone(text: &str, start: usize, end: usize) -> usize {
    let (mut digits, mut length) = (0, 0);
    for (at, c) in text[start..end].char_indices() {
        digits += usize::from(c.is_ascii_digit());
        if digits > 15 {
            break;
        }
        length = if c.is_ascii_digit() || c == ')' { at + 1 } else { length };
    }
    if digits >= 8 { length } else { 0 }
}

/// Numbers that the Social Security Administration issues: no area 000, 666 or 9xx, no group 00, no serial 0000.
fn ssn(text: &str, start: usize, end: usize) -> usize {
    let number = &text[start..end];
    let issued = !number.starts_with("000")
        && !number.starts_with("666")
        && !number.starts_with('9')
        && &number[4..6] != "00"
        && !number.ends_with("0000");
    if issued { end - start } else { 0 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_rules_build() {
        let secrets = SECRETS.as_ref().unwrap();
        assert_eq!(secrets.captures_len(), RULES.len() + 1, "one group for each rule");
    }

    #[test]
    fn secrets_are_taken_out() {
        let filled = |text: &str| match text.contains("PRIVATE") {
            true => text.to_owned(),
            false => text.replace("KEY", &"Ab1".repeat(14)),
        };
        for (text, want) in [
            ("my key sk-proj-KEY!", "my key [redacted:api_key]!"),
            ("sk-ant-api03-KEY", "[redacted:api_key]"),
            ("AIzaKEY", "[redacted:api_key]"),
            ("ghp_KEY, gsk_KEY", "[redacted:api_key], [redacted:api_key]"),
            ("xoxb-1234567890-KEY", "[redacted:api_key]"),
            ("AKIAIOSFODNN7EXAMPLE", "[redacted:api_key]"),
            ("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.KEY.", "[redacted:jwt]"),
            ("Authorization: Bearer abc.def-123", "Authorization: Bearer [redacted:token]"),
            ("password=hunter22&x=1", "password=[redacted:password]&x=1"),
            (r#"{"api_key": "hunter22"}"#, r#"{"api_key": "[redacted:password]"}"#),
            ("postgres://me:hunter2@db:5432/x", "postgres://me:[redacted:password]@db:5432/x"),
            ("-----BEGIN RSA PRIVATE KEY-----\nMII=\n-----END RSA PRIVATE KEY----- end", "[redacted:private_key] end"),
            ("-----BEGIN PRIVATE KEY-----\nMII= and cut", "[redacted:private_key]"),
            ("to jo.do+x@mail.example.org.", "to [redacted:email]."),
            ("call +49 (170) 123 45-67 now", "call [redacted:phone] now"),
            ("+14155550132", "[redacted:phone]"),
            ("4111 1111 1111 1111", "[redacted:card]"),
            ("378282246310005 3782 822463 10005", "[redacted:card] [redacted:card]"),
            ("DE89 3704 0044 0532 0130 00 IS MINE", "[redacted:iban] IS MINE"),
            ("ES91 2100 0418 4502 0005 1332 NEXT", "[redacted:iban] NEXT"),
            ("GB82WEST12345698765432", "[redacted:iban]"),
            ("ssn 123-45-6789", "ssn [redacted:ssn]"),
        ] {
            assert_eq!(redact(&filled(text)).as_ref(), want, "{text}");
        }
    }

    #[test]
    fn near_misses_stay() {
        for text in [
            "",
            "task-force-of-the-year-2026 and risk-assessment-of-the-bank",
            "sk-short",
            "a@b, @everyone, user@localhost",
            "4111 1111 1111 1112 is no card, nor is 1763971200000000",
            "DE89 3704 0044 0532 0130 01",
            "000-12-3456 666-12-3456 123-00-4567 2026-11-24",
            "1+1234567 is a sum, +5 too, 2026-11-24T08:00:00+0200",
            "http://localhost:8080/path and 192.168.0.1",
            "the bearer of news; the password is short",
            "eyJ is how they begin",
            "-----BEGIN PUBLIC KEY-----",
            "größe — 東京 🦀",
        ] {
            assert!(matches!(redact(text), Cow::Borrowed(same) if same == text), "{text}: {}", redact(text));
        }
    }

    #[test]
    fn a_secret_across_the_cut_does_not_show() {
        let text = format!("{} sk-proj-{}", "a".repeat(190), "Zz9".repeat(100));
        let kept: String = text.chars().take(200 + MARGIN).collect();
        assert_eq!(beginning(&kept, 200), format!("{} [redacted", "a".repeat(190)));
    }

    #[test]
    fn long_texts_of_almost_secrets_are_read_in_one_go() {
        for part in ["a", "1", "a@", "+1 ", "4111 ", "DE89 ", "://a:", "eyJ", "password", "-----BEGIN PRIVATE KEY", "é"]
        {
            let text = part.repeat(20_000);
            assert!(redact(&text).len() <= text.len() * 2, "{part}");
        }
    }

    proptest! {
        #[test]
        fn redacting_twice_is_redacting_once(text in prop_oneof![
            any::<String>(),
            "(password[=:] ?|a@b\\.co|\\+49 170 1234567|4111 1111 1111 1111|sk-aaaaaaaaaaaaaaaaaaaa|://u:|@|x|1| |é|\\[redacted:email\\]|DE89370400440532013000|Bearer ){0,8}",
        ]) {
            let once = redact(&text).into_owned();
            let twice = redact(&once).into_owned();
            prop_assert_eq!(&twice, &once);
            prop_assert!(once.len() <= text.len() * 5 + 32);
        }
    }
}
