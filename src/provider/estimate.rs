//! How many tokens a text has, where the provider did not say. Counted with OpenAI's current encoding, which is exact for
//! its models' text and near for others'; roles, tools' schemas, images and files are not counted.

/// Tokens of a text. The first call in a process builds the tables; later ones are linear in the text.
pub fn tokens(text: &str) -> u64 {
    if text.is_empty() {
        return 0;
    }
    u64::try_from(tiktoken_rs::o200k_base_singleton().count_ordinary(text)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_texts_have_their_known_counts() {
        for (text, want) in
            [("", 0), ("hello world", 2), ("tiktoken is great!", 6), ("antidisestablishmentarianism", 6)]
        {
            assert_eq!(tokens(text), want, "{text}");
        }
    }

    #[test]
    fn a_long_run_of_one_letter_is_counted() {
        let count = tokens(&"a".repeat(100_000));
        assert!((1_000..=100_000).contains(&count), "{count}");
    }
}
