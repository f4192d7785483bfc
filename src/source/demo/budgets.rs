//! What the demo's application may spend, where the user has no budgets of his own.

use crate::view::{Budget, Dim, Filter, Period};
use chrono_tz::Tz;

const DOLLAR: i64 = 1_000_000_000;

/// A budget of the whole, one over a length of time, and one for each user.
pub fn budgets() -> Vec<Budget> {
    let budget = |name: &str, limit_usd, period, filter: &str, per| Budget {
        name: name.to_owned(),
        limit_nusd: limit_usd * DOLLAR,
        period,
        zone: Tz::UTC,
        filter: Filter::parse(filter).unwrap_or_default(),
        per,
        warn_at: vec![500, 800, 1_000],
    };
    vec![
        budget("prod daily", 600, Period::Day, "env:prod", None),
        budget("staging 2h", 10, Period::Last(7_200_000_000), "env:staging", None),
        budget("each user daily", 2, Period::Day, "", Some(Dim::User)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn their_filters_read() {
        let filters: Vec<String> = budgets().iter().map(|budget| budget.filter.to_string()).collect();
        assert_eq!(filters, ["env:prod", "env:staging", ""]);
    }
}
