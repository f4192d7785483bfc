//! How many tokens a text has, where the provider did not say. Counted with OpenAI's current encoding, which is exact for
//! its models' text and near for others'; roles, tools' schemas, images and files are not counted.

use std::sync::atomic::{AtomicBool, Ordering};

static IS_WARM: AtomicBool = AtomicBool::new(false);

/// Builds the tables, some 200 ms of work and 50 MB: until that is done estimates are by length.
pub fn warm() {
    tiktoken_rs::o200k_base_singleton();
    IS_WARM.store(true, Ordering::Release);
}

/// Tokens of a text, about; linear in the text.
pub fn tokens(text: &str) -> u64 {
    match IS_WARM.load(Ordering::Acquire) {
        _ if text.is_empty() => 0,
        true => u64::try_from(tiktoken_rs::o200k_base_singleton().count_ordinary(text)).unwrap_or(u64::MAX),
        false => by_length(text),
    }
}

/// Four letters of ASCII to a token, and of other scripts hardly more than one.
fn by_length(text: &str) -> u64 {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let other = text.chars().count() - ascii;
    (ascii.div_ceil(4) + (other * 4).div_ceil(5)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_texts_have_their_known_counts() {
        warm();
        for (text, want) in
            [("", 0), ("hello world", 2), ("tiktoken is great!", 6), ("antidisestablishmentarianism", 6)]
        {
            assert_eq!(tokens(text), want, "{text}");
        }
    }

    #[test]
    fn by_its_length_a_text_has_about_as_many() {
        for (text, want) in [("", 0), ("hello world", 3), ("こんにちは世界", 6), ("héllo", 2)] {
            assert_eq!(by_length(text), want, "{text}");
        }
    }

    #[test]
    fn a_long_run_of_one_letter_is_counted() {
        warm();
        let count = tokens(&"a".repeat(100_000));
        assert!((1_000..=100_000).contains(&count), "{count}");
    }
}
