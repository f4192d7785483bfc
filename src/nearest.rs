//! "Did you mean": the known word nearest to a mistyped one.

/// The candidate nearest to `word`, letters' case apart; `None` where nothing is near enough to be meant: more than one
/// slip in every three letters, and no candidate that begins with the word.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = candidates.into_iter().filter_map(|candidate| Some((slips(word, candidate)?, candidate)));
    near.min_by_key(|(slips, _)| *slips).map(|(_, candidate)| candidate)
}

/// How many slips lead from one to the other; `None` where that is too many.
fn slips(word: &str, candidate: &str) -> Option<usize> {
    let word = word.to_lowercase();
    let length = word.chars().count();
    let begins = length >= 3 && candidate.starts_with(word.as_str());
    let slips = strsim::osa_distance(&word, &candidate.to_lowercase());
    let allowed = length.max(candidate.chars().count()).div_ceil(3);
    (begins || slips <= allowed).then_some(if begins { 0 } else { slips })
}

/// The few candidates nearest to `word`, the nearest first, by the same measure.
pub fn nearest_few<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>, most: usize) -> Vec<&'a str> {
    let mut near: Vec<_> = candidates.into_iter().filter_map(|name| Some((slips(word, name)?, name))).collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(most).map(|(_, name)| name).collect()
}

/// `; did you mean X?` where something is near, else nothing: the tail of a message.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates).map_or_else(String::new, |near| format!("; did you mean {near}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let words = ["model", "provider", "operation", "status"];
        assert_eq!(nearest("modle", words), Some("model"));
        assert_eq!(nearest("MODEL", words), Some("model"));
        assert_eq!(nearest("prov", words), Some("provider"));
        assert_eq!(nearest("kubernetes", words), None);
        assert_eq!(nearest("", words), None);
        assert_eq!(did_you_mean("statsu", words), "; did you mean status?");
        assert_eq!(did_you_mean("zzz", words), "");
    }
}
