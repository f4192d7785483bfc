//! Which rollups and which rows answer a range of time: coarse buckets in its middle, finer ones at its edges, single
//! calls in what no minute covers as a whole.

use crate::store::sqlite::rollup::Tier;
use crate::view::Range;

/// A part of a range, answered in one way. Pieces are in time order and do not overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// Single calls.
    Rows(Range),
    /// Buckets `from..to` of a tier.
    Buckets { tier: Tier, from: i64, to: i64 },
}

/// What retention has deleted: before these times, µs, there are no rows, and nothing finer than days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Horizon {
    pub rows_us: i64,
    pub fine_us: i64,
}

impl Default for Horizon {
    fn default() -> Horizon {
        Horizon { rows_us: i64::MIN, fine_us: i64::MIN }
    }
}

/// Covers a range with buckets no finer than the first and no coarser than the second of `tiers`. Before the horizon what was deleted is answered by the coarser
/// bucket that holds it, as a whole.
pub fn plan(range: Range, (finest, coarsest): (Tier, Tier), horizon: Horizon) -> Vec<Piece> {
    let mut pieces = Vec::new();
    if !range.is_empty() {
        let level = Tier::ALL.iter().position(|t| *t == coarsest);
        cover(range, (finest, level), horizon, &mut pieces);
    }
    join(pieces)
}

fn cover(range: Range, (finest, level): (Tier, Option<usize>), horizon: Horizon, out: &mut Vec<Piece>) {
    if range.is_empty() {
        return;
    }
    let Some(tier) = level.and_then(|l| Tier::ALL.get(l).copied()).filter(|t| *t >= finest) else {
        out.push(if range.since_us < horizon.rows_us { outward(range, finest, horizon) } else { Piece::Rows(range) });
        return;
    };
    let finer = (finest, level.and_then(|l| l.checked_sub(1)));
    let len = tier.len_us();
    let from = range.since_us.saturating_add(len - 1).div_euclid(len);
    let to = range.until_us.div_euclid(len);
    if from >= to {
        cover(range, finer, horizon, out);
        return;
    }
    cover(Range { since_us: range.since_us, until_us: from * len }, finer, horizon, out);
    if tier != Tier::Day && from * len < horizon.fine_us {
        out.push(outward(Range { since_us: from * len, until_us: to * len }, Tier::Day, horizon));
    } else {
        out.push(Piece::Buckets { tier, from, to });
    }
    cover(Range { since_us: to * len, until_us: range.until_us }, finer, horizon, out);
}

/// The buckets that hold a range, whole.
fn outward(range: Range, tier: Tier, horizon: Horizon) -> Piece {
    let tier = if range.since_us < horizon.fine_us { Tier::Day } else { tier };
    let len = tier.len_us();
    let to = range.until_us.saturating_add(len - 1).div_euclid(len);
    Piece::Buckets { tier, from: range.since_us.div_euclid(len), to }
}

/// Buckets rounded outward may meet: none may count twice.
fn join(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::with_capacity(pieces.len());
    for mut piece in pieces {
        let end = out.last().map_or(i64::MIN, |p| end_us(*p));
        match &mut piece {
            Piece::Rows(range) => range.since_us = range.since_us.max(end),
            Piece::Buckets { tier, from, .. } => {
                let len = tier.len_us();
                let first = if end == i64::MIN { *from } else { end.saturating_add(len - 1).div_euclid(len) };
                *from = (*from).max(first);
            }
        }
        let is_empty = match piece {
            Piece::Rows(range) => range.is_empty(),
            Piece::Buckets { from, to, .. } => from >= to,
        };
        if !is_empty {
            out.push(piece);
        }
    }
    out
}

fn end_us(piece: Piece) -> i64 {
    match piece {
        Piece::Rows(range) => range.until_us,
        Piece::Buckets { tier, to, .. } => to.saturating_mul(tier.len_us()),
    }
}

/// The lengths a chart's steps may have, s: those from a minute on are whole minutes and divide a day or are whole days. There
/// is no half hour: a day in hours is read of hours, a day in half hours of sixty times as many minutes.
const STEPS: [i64; 24] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 345_600,
    691_200, 1_382_400, 2_764_800, 5_529_600, 11_059_200,
];

/// The shortest step with which `points` cover a length of time; at least `floor_us`. However long the time is, there are
/// not more steps: beyond the usual ones they are as many days as it takes.
pub fn step_us(len_us: i64, points: usize, floor_us: i64) -> i64 {
    let points = i64::try_from(points.max(1)).unwrap_or(i64::MAX);
    let usual = STEPS.iter().map(|s| s * 1_000_000).find(|s| *s >= floor_us && len_us / s <= points);
    usual.unwrap_or_else(|| {
        let day = Tier::Day.len_us();
        (len_us / points / day + 1).saturating_mul(day)
    })
}

/// The coarsest tier whose buckets never straddle two steps; `None` where only rows do.
pub fn tier_of_step(step_us: i64) -> Option<Tier> {
    Tier::ALL.into_iter().rev().find(|t| step_us % t.len_us() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn span(piece: Piece) -> (i64, i64) {
        match piece {
            Piece::Rows(r) => (r.since_us, r.until_us),
            Piece::Buckets { tier, from, to } => (from * tier.len_us(), to * tier.len_us()),
        }
    }

    proptest! {
        #[test]
        fn pieces_tile_the_range(since in 0i64..400 * 86_400_000_000, len in 1i64..400 * 86_400_000_000, tier in 0usize..4) {
            let range = Range { since_us: since, until_us: since + len };
            let pieces = plan(range, (Tier::Minute, Tier::ALL[tier]), Horizon::default());
            let mut at = since;
            for piece in &pieces {
                let (from, to) = span(*piece);
                prop_assert_eq!(from, at);
                prop_assert!(to > from);
                at = to;
            }
            prop_assert_eq!(at, range.until_us);
            let rows: i64 = pieces.iter().filter_map(|p| match p { Piece::Rows(r) => Some(r.len_us()), _ => None }).sum();
            prop_assert!(rows < 2 * Tier::Minute.len_us());
        }

        #[test]
        fn before_the_horizon_nothing_counts_twice(since in 0i64..40 * 86_400_000_000, len in 1i64..40 * 86_400_000_000, cut in 0i64..80 * 86_400_000_000) {
            let fine_us = cut / 2 / Tier::Day.len_us() * Tier::Day.len_us();
            let pieces = plan(Range { since_us: since, until_us: since + len }, (Tier::Minute, Tier::Day), Horizon { rows_us: cut, fine_us });
            let mut at = i64::MIN;
            for piece in pieces {
                let (from, to) = span(piece);
                prop_assert!(from >= at && to > from);
                at = to;
                if let Piece::Rows(r) = piece { prop_assert!(r.since_us >= cut) }
            }
        }
    }

    #[test]
    fn steps_are_the_shortest_that_fit() {
        assert_eq!(step_us(900_000_000, 90, 0), 10_000_000);
        assert_eq!(step_us(86_400_000_000, 100, 0), 900_000_000);
        assert_eq!(step_us(86_400_000_000, 50, 0), 3_600_000_000);
        assert_eq!(tier_of_step(900_000_000), Some(Tier::Minute));
        assert_eq!(tier_of_step(10_000_000), None);
        assert_eq!(tier_of_step(7_200_000_000), Some(Tier::Hour));
        for len in [i64::MAX, 15_000_000 * 7 * Tier::Day.len_us(), 60 * STEPS[STEPS.len() - 1] * 1_000_001] {
            let step = step_us(len, 60, 0);
            assert!(len / step <= 60 && tier_of_step(step) == Some(Tier::Day), "{len} in steps of {step}");
        }
    }
}
