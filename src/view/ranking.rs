//! What the groups of a table are ranked by, and cut by where only the first are asked for.

/// A figure of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Measure {
    /// All calls.
    #[default]
    Calls,
    /// Failed calls as a share of all.
    ErrorRate,
    /// Calls that ended in a rate limit.
    RateLimited,
    /// Those as a share of all.
    RateLimitRate,
    /// Retries.
    Retries,
    /// Median latency.
    P50,
    /// 95th percentile of latency.
    P95,
    /// That against the window before.
    P95Change,
    /// 99th percentile of latency.
    P99,
    /// Longest latency.
    Longest,
    /// 95th percentile of the time to first token.
    Ttft,
    /// Median output speed.
    Speed,
    /// Input tokens.
    Input,
    /// Output tokens.
    Output,
    /// Cost.
    Cost,
    /// Mean cost of a call.
    CostPerCall,
}

/// Which end comes first. Groups whose figure is unknown come last either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    /// The highest.
    #[default]
    Falling,
    /// The lowest.
    Rising,
}

/// An order of groups. Equal ones stand by calls, most first, then by key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Ranking {
    /// By which figure.
    pub by: Measure,
    /// From which end.
    pub direction: Direction,
}

impl Ranking {
    /// How a figure stands to another.
    pub fn compare(self, a: Option<f64>, b: Option<f64>) -> std::cmp::Ordering {
        match (a, b) {
            (Some(a), Some(b)) if self.direction == Direction::Rising => a.total_cmp(&b),
            (Some(a), Some(b)) => b.total_cmp(&a),
            (a, b) => b.is_some().cmp(&a.is_some()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_comes_last_either_way() {
        for (direction, want) in [(Direction::Falling, [2.0, 1.0]), (Direction::Rising, [1.0, 2.0])] {
            let ranking = Ranking { by: Measure::Cost, direction };
            let mut list = [None, Some(1.0), Some(2.0)];
            list.sort_by(|a, b| ranking.compare(*a, *b));
            assert_eq!(list, [Some(want[0]), Some(want[1]), None]);
        }
    }
}
