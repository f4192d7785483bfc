//! What a retrieval was worth: of its chunks by their ids, or by counts alone where a log has no more.

use std::collections::BTreeSet;

/// Chunks, by their ids in the order of their ranks, or only how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunks {
    /// The best first; an id that stands there twice counts once, at its better rank.
    Ids(Vec<String>),
    /// How many.
    Count(u64),
}

impl Chunks {
    /// By ids, each once.
    pub fn ids(ids: impl IntoIterator<Item = String>) -> Chunks {
        let mut seen = BTreeSet::new();
        Chunks::Ids(ids.into_iter().filter(|id| seen.insert(id.clone())).collect())
    }

    /// How many.
    pub fn count(&self) -> u64 {
        match self {
            Chunks::Ids(ids) => ids.len() as u64,
            Chunks::Count(count) => *count,
        }
    }
}

/// One retrieval, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retrieval {
    /// What was found.
    pub retrieved: Option<Chunks>,
    /// What should have been found. A count is of the relevant ones among those found.
    pub relevant: Option<Chunks>,
    /// What the answer refers to. A count is of those among the ones found.
    pub cited: Option<Chunks>,
}

impl Retrieval {
    /// Whether nothing was found; `None` where it does not say what was.
    pub fn is_empty(&self) -> Option<bool> {
        Some(self.retrieved.as_ref()?.count() == 0)
    }

    /// The share of relevant ones among the first `k` found, 0..=1: precision at k. C. D. Manning, P. Raghavan, H. Schütze,
    /// Introduction to Information Retrieval (2008), 8.4. Where fewer than `k` were found it is of those; `None` where
    /// nothing was, and where only counts are known and more than `k` were found.
    pub fn precision_at(&self, k: usize) -> Option<f64> {
        let (found, relevant) = (self.retrieved.as_ref()?, self.relevant.as_ref()?);
        let looked_at = found.count().min(k as u64);
        if looked_at == 0 {
            return None;
        }
        let hits = match (found, relevant) {
            (Chunks::Ids(found), Chunks::Ids(relevant)) => {
                found.iter().take(k).filter(|id| relevant.contains(id)).count() as u64
            }
            (found, Chunks::Count(hits)) if found.count() <= k as u64 && *hits <= found.count() => *hits,
            _ => return None,
        };
        Some(hits as f64 / looked_at as f64)
    }

    /// The share of the relevant ones that were found, 0..=1; `None` unless both are known by their ids, and where nothing
    /// is relevant. Ibid., 8.3.
    pub fn recall(&self) -> Option<f64> {
        match (self.retrieved.as_ref()?, self.relevant.as_ref()?) {
            (Chunks::Ids(found), Chunks::Ids(relevant)) => share(relevant, found),
            // Nothing found is nothing of what is relevant, whatever that is.
            (found, Chunks::Ids(relevant)) if found.count() == 0 && !relevant.is_empty() => Some(0.0),
            _ => None,
        }
    }

    /// One over the rank of the first relevant one, 0 where none was found: its mean over retrievals is the mean reciprocal
    /// rank (E. M. Voorhees, "The TREC-8 Question Answering Track Report", 1999). `None` unless both are known by their
    /// ids, and where nothing is relevant.
    pub fn reciprocal_rank(&self) -> Option<f64> {
        match (self.retrieved.as_ref()?, self.relevant.as_ref()?) {
            (Chunks::Ids(found), Chunks::Ids(relevant)) if !relevant.is_empty() => {
                let rank = found.iter().position(|id| relevant.contains(id));
                Some(rank.map_or(0.0, |rank| 1.0 / (rank + 1) as f64))
            }
            _ => None,
        }
    }

    /// The share of what is cited that was found, 0..=1: what is missing of it the answer made up. `None` unless both are
    /// known by their ids, and where nothing is cited.
    pub fn attribution(&self) -> Option<f64> {
        match (self.retrieved.as_ref()?, self.cited.as_ref()?) {
            (Chunks::Ids(found), Chunks::Ids(cited)) => share(cited, found),
            (found, Chunks::Ids(cited)) if found.count() == 0 && !cited.is_empty() => Some(0.0),
            _ => None,
        }
    }

    /// The share of what was found that is cited, 0..=1; `None` where nothing was found, and where the counts cannot be.
    pub fn utilization(&self) -> Option<f64> {
        match (self.retrieved.as_ref()?, self.cited.as_ref()?) {
            (Chunks::Ids(found), Chunks::Ids(cited)) => share(found, cited),
            (found, Chunks::Count(cited)) if found.count() > 0 && *cited <= found.count() => {
                Some(*cited as f64 / found.count() as f64)
            }
            (found, Chunks::Ids(cited)) if found.count() > 0 && cited.len() as u64 <= found.count() => {
                Some(cited.len() as f64 / found.count() as f64)
            }
            _ => None,
        }
    }

    /// Of cited ones that were not found, how many; `None` unless both are known by their ids.
    pub fn made_up(&self) -> Option<u64> {
        match (self.retrieved.as_ref()?, self.cited.as_ref()?) {
            (Chunks::Ids(found), Chunks::Ids(cited)) => {
                Some(cited.iter().filter(|id| !found.contains(id)).count() as u64)
            }
            _ => None,
        }
    }
}

/// Which share of `these` is among `those`; `None` without any.
fn share(these: &[String], those: &[String]) -> Option<f64> {
    let among = these.iter().filter(|id| those.contains(id)).count();
    (!these.is_empty()).then(|| among as f64 / these.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids<'a>(ids: impl IntoIterator<Item = &'a str>) -> Option<Chunks> {
        Some(Chunks::ids(ids.into_iter().map(str::to_owned)))
    }

    /// Exercise 8.9 of Manning, Raghavan and Schütze: RRNNN NNNRN RNNNR NNNNR of 20 found, 8 relevant in all; precision
    /// 6/20, recall 6/8.
    #[test]
    fn precision_and_recall_equal_the_textbooks() {
        let found: Vec<String> = (0..20).map(|n| format!("d{n}")).collect();
        let marks = "RRNNNNNNRNRNNNRNNNNR";
        let hits = found.iter().zip(marks.chars()).filter(|(_, mark)| *mark == 'R').map(|(id, _)| id.as_str());
        let relevant = ids(hits.chain(["missed", "too"]));
        let one = Retrieval { retrieved: ids(found.iter().map(String::as_str)), relevant, cited: None };
        assert_eq!((one.precision_at(20), one.precision_at(5), one.recall()), (Some(0.3), Some(0.4), Some(0.75)));
        assert_eq!(one.reciprocal_rank(), Some(1.0));
    }

    /// Three queries whose first right answer stands third, second and first: 11/18.
    #[test]
    fn the_mean_reciprocal_rank_equals_the_known_example() {
        let queries = [
            (["catten", "cati", "cats"], "cats"),
            (["torii", "tori", "toruses"], "tori"),
            (["viruses", "virii", "viri"], "viruses"),
        ];
        let ranks = queries.map(|(found, right)| {
            Retrieval { retrieved: ids(found), relevant: ids([right]), cited: None }.reciprocal_rank()
        });
        let sum: f64 = ranks.into_iter().flatten().sum();
        assert!((sum / 3.0 - 11.0 / 18.0).abs() < 1e-12);
    }

    #[test]
    fn citations_are_held_against_what_was_found() {
        let one = Retrieval { retrieved: ids(["a", "b", "c", "d", "a"]), relevant: None, cited: ids(["a", "x"]) };
        assert_eq!((one.attribution(), one.utilization(), one.made_up()), (Some(0.5), Some(0.25), Some(1)));
        assert_eq!((one.precision_at(5), one.recall(), one.reciprocal_rank()), (None, None, None));
    }

    #[test]
    fn counts_say_less_and_nothing_impossible() {
        let one = Retrieval {
            retrieved: Some(Chunks::Count(4)),
            relevant: Some(Chunks::Count(3)),
            cited: Some(Chunks::Count(1)),
        };
        assert_eq!((one.precision_at(5), one.utilization(), one.recall()), (Some(0.75), Some(0.25), None));
        assert_eq!((one.precision_at(3), one.attribution(), one.made_up()), (None, None, None));
        let wrong = Retrieval { cited: Some(Chunks::Count(9)), relevant: Some(Chunks::Count(9)), ..one };
        assert_eq!((wrong.utilization(), wrong.precision_at(5)), (None, None));
    }

    #[test]
    fn nothing_found_is_empty_and_no_precision() {
        let one = Retrieval { retrieved: ids([]), relevant: ids(["a"]), cited: ids(["a"]) };
        assert_eq!((one.is_empty(), one.precision_at(5), one.recall()), (Some(true), None, Some(0.0)));
        assert_eq!((one.reciprocal_rank(), one.attribution(), one.utilization()), (Some(0.0), Some(0.0), None));
        assert_eq!(Retrieval::default().is_empty(), None);
        let nothing_relevant = Retrieval { retrieved: ids(["a"]), relevant: ids([]), cited: ids([]) };
        assert_eq!((nothing_relevant.precision_at(5), nothing_relevant.recall()), (Some(0.0), None));
        assert_eq!((nothing_relevant.attribution(), nothing_relevant.utilization()), (None, Some(0.0)));
    }
}
