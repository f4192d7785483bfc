//! Figures as the screen writes them: percentiles that say when they are guesses, changes that are coloured only when
//! they are bad.

use super::theme::Role;
use crate::snapshot::{Dist, Point, Snapshot, Stats};
use crate::units;
use crate::view::Range;

pub(crate) use crate::snapshot::{FEW_P95 as FEW_95, FEW_P99 as FEW_99};

/// Fewer values than this make a median a guess.
const FEW_50: u64 = 5;

/// Which percentile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantile {
    P50,
    P95,
    P99,
}

impl Quantile {
    /// Its value, and whether too few values make it a guess.
    pub fn of(self, dist: &Dist) -> (Option<f64>, Trust) {
        let (value, few) = match self {
            Quantile::P50 => (dist.p50, FEW_50),
            Quantile::P95 => (dist.p95, FEW_95),
            Quantile::P99 => (dist.p99, FEW_99),
        };
        (value, if dist.count < few { Trust::Guess } else { Trust::Sound })
    }

    /// Its value where it is no guess.
    pub fn sound(self, dist: &Dist) -> Option<f64> {
        match self.of(dist) {
            (value, Trust::Sound) => value,
            (_, Trust::Guess) => None,
        }
    }
}

/// How far a figure can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    Sound,
    Guess,
}

/// A guess is dim and has a `~` before it; an unknown figure is neither.
pub(crate) fn trusted(text: String, value: Option<f64>, trust: Trust) -> (String, Role) {
    match (trust, value) {
        (Trust::Guess, Some(_)) => (format!("~{text}"), Role::Dim),
        (_, None) => (text, Role::Dim),
        (Trust::Sound, _) => (text, Role::Text),
    }
}

/// A percentile of durations for a table: `3.21s`, `~3.21s`.
pub(crate) fn duration(dist: &Dist, q: Quantile) -> (String, Role) {
    let text = match q.of(dist) {
        (Some(value), Trust::Guess) => units::duration_guess(value),
        (value, _) => units::duration_cell(value),
    };
    let (value, trust) = q.of(dist);
    trusted(text, value, trust)
}

/// Fewer calls than this before are nothing to compare with.
const FEW_BEFORE: u64 = 20;
/// Shortest time a rate is taken over where less than the window has been seen, µs.
const LEAST_SEEN_US: i64 = 10_000_000;

/// The window before, where shares and percentiles can be compared with it.
pub(crate) fn before(snapshot: &Snapshot) -> Option<&Stats> {
    Some(&snapshot.previous).filter(|s| s.calls >= FEW_BEFORE)
}

/// The window before, where sums can be compared with it as well: the calls on record reach back to its beginning, or
/// so nearly that the rest does not matter.
pub(crate) fn whole_before(snapshot: &Snapshot) -> Option<&Stats> {
    let previous = snapshot.range.previous();
    let (first_us, _) = snapshot.holdings.bounds?;
    let missed_us = first_us.saturating_sub(previous.since_us);
    before(snapshot).filter(|_| missed_us <= previous.len_us() / 20)
}

/// How much of the window has been seen, µs: what rates are taken over. Less than the window where the calls on record
/// begin inside it; a minute of a new application is no hour.
pub(crate) fn seen_us(snapshot: &Snapshot) -> i64 {
    let range = snapshot.range;
    let first_us = snapshot.holdings.bounds.map_or(range.since_us, |(first, _)| first.max(range.since_us));
    range.until_us.saturating_sub(first_us).max(LEAST_SEEN_US).min(range.len_us())
}

/// Money per hour of what has been seen of the window, nano-dollars; unknown where that is too short to tell, such as of
/// calls that are all of one instant.
pub(crate) fn hourly(snapshot: &Snapshot, nano: Option<i64>) -> Option<f64> {
    let range = snapshot.range;
    let first_us = snapshot.holdings.bounds.map_or(range.since_us, |(first, _)| first.max(range.since_us));
    let seen_us = range.until_us.saturating_sub(first_us);
    if seen_us < LEAST_SEEN_US.min(range.len_us()) {
        return None;
    }
    per_hour(nano, seen_us)
}

/// By what the sums of a chart's step are multiplied to stand beside those of whole steps: the first and the last step
/// reach past the window. Less than half a step counts as one: a few calls of its first moments say little of the whole.
pub(crate) fn whole_step(step: Range, window: Range) -> f64 {
    let inside = Range { since_us: step.since_us.max(window.since_us), until_us: step.until_us.min(window.until_us) };
    let share = inside.len_us() as f64 / step.len_us().max(1) as f64;
    1.0 / share.clamp(0.5, 1.0)
}

/// When a change is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bad {
    /// Growing: latency.
    Up,
    /// Growing far: spend.
    FarUp,
    /// Falling far: traffic.
    FarDown,
    /// Never.
    Never,
}

/// How many times as much, in words: `▲ 41 %`, `▼ 3 %`, `▲ ×12`; nothing without a figure before.
pub(crate) fn change(now: Option<f64>, before: Option<f64>, bad: Bad) -> Option<(String, Role)> {
    let (now, before) = (now?, before.filter(|b| *b > 0.0)?);
    let ratio = now / before;
    if !ratio.is_finite() {
        return None;
    }
    let percent = ((ratio - 1.0) * 100.0).round();
    let text = match percent {
        0.0 => "± 0 %".to_owned(),
        p if p >= 1_000.0 => format!("▲ ×{ratio:.0}"),
        p if p > 0.0 => format!("▲ {p:.0} %"),
        p => format!("▼ {:.0} %", -p),
    };
    let role = match bad {
        Bad::Up if ratio >= 1.5 => Role::Bad,
        Bad::Up if ratio >= 1.2 => Role::Warn,
        Bad::FarUp if ratio >= 1.5 => Role::Warn,
        Bad::FarDown if ratio <= 0.5 => Role::Warn,
        _ => Role::Dim,
    };
    Some((text, role))
}

/// The change of a share in points: `▲ 0.9`. Bad where it grows by half a point and by a tenth of itself, and where
/// enough calls stand behind it.
pub(crate) fn points(now: Option<f64>, before: Option<f64>, events: u64) -> Option<(String, Role)> {
    let (now, before) = (now? * 100.0, before? * 100.0);
    let by = now - before;
    let text = match by {
        b if b.abs() < 0.05 => "± 0 pt".to_owned(),
        b if b > 0.0 => format!("▲ {b:.1} pt"),
        b => format!("▼ {:.1} pt", -b),
    };
    let role = if by >= 0.5 && by >= before * 0.1 && events >= 5 { Role::Bad } else { Role::Dim };
    Some((text, role))
}

/// A number of calls in at most six columns: `38,431`, `120k`, `1.20M`.
pub(crate) fn count(n: u64) -> String {
    if n < 100_000 { units::count(n) } else { units::compact(n as f64) }
}

/// A share in percent without its sign, for columns whose heading has it: `4.20`.
pub(crate) fn share(share: Option<f64>) -> String {
    match share {
        None => units::UNKNOWN.to_owned(),
        Some(s) if s > 0.0 && s < 0.0001 => "<0.01".to_owned(),
        Some(s) => units::digits3(s * 100.0).trim_end_matches(".000").to_owned(),
    }
}

/// How a rate of failures looks.
pub(crate) fn failing(rate: Option<f64>) -> Role {
    match rate {
        Some(r) if r >= 0.05 => Role::Bad,
        Some(r) if r >= 0.01 => Role::Warn,
        Some(r) if r > 0.0 => Role::Text,
        _ => Role::Dim,
    }
}

/// What something costs, and whether calls without a price leave it unsure.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct UnitCost {
    /// Nano-dollars; `None` is unknown.
    pub nusd: Option<f64>,
    /// It may be more.
    pub is_least: bool,
}

impl UnitCost {
    /// In at most eight columns.
    pub fn text(self) -> String {
        match self.nusd {
            Some(n) if self.is_least => least_money(n),
            n => money(n),
        }
    }
}

/// What a call costs; where some have no price it may be more.
pub(crate) fn cost_per_call_of(stats: &Stats) -> UnitCost {
    UnitCost { nusd: stats.cost_per_call(), is_least: stats.unpriced_calls > 0 }
}

/// What a thousand output tokens cost, input and all. Calls without a price have tokens too: it may be more.
pub(crate) fn cost_per_1k(stats: &Stats) -> UnitCost {
    let output = stats.output_tokens.filter(|n| *n > 0);
    let nusd = stats.cost_nusd.zip(output).map(|(cost, output)| cost as f64 * 1e3 / output as f64);
    UnitCost { nusd, is_least: stats.unpriced_calls > 0 }
}

/// Money per hour of a time, nano-dollars; `None` for no time.
fn per_hour(nano: Option<i64>, over_us: i64) -> Option<f64> {
    (over_us > 0).then(|| nano.map(|n| n as f64 * 3.6e9 / over_us as f64)).flatten()
}

/// A small amount of dollars with fewer digits, a large one with a suffix.
fn shorter(dollars: f64) -> String {
    let sign = if dollars < 0.0 { "-" } else { "" };
    match dollars.abs() {
        d if d < 0.001 => format!("{sign}${d:.*}", 5 - sign.len()),
        d if d < 1.0 => format!("{sign}${d:.4}"),
        d => format!("{sign}${}", units::compact(d)),
    }
}

/// Money as text of at most eight columns: `$4.12`, `$0.00015`, `<$0.0001`, `$1.20M`.
pub(crate) fn money(nano: Option<f64>) -> String {
    match nano {
        None => units::UNKNOWN.to_owned(),
        Some(n) if n > 0.0 && n < 100_000.0 => "<$0.0001".to_owned(),
        Some(n) => {
            let text = units::usd(n as i64);
            // Two digits where there is no room for three.
            if text.len() <= 8 { text } else { shorter(n / 1e9) }
        }
    }
}

/// Money that others may come on top of, in at most eight columns as well: `≥$4.12`, `≥$0.0026`, `≥$120k`, `>$0`. Nothing
/// and what nobody knows is not known.
pub(crate) fn least_money(nano: f64) -> String {
    let (dollars, text) = (nano / 1e9, money(Some(nano)));
    match dollars {
        0.0 => units::UNKNOWN.to_owned(),
        d if d > 0.0 && d < 0.0001 => ">$0".to_owned(),
        _ if text.len() < 8 => format!("≥{text}"),
        d if (0.0..1.0).contains(&d) => format!("≥${d:.4}"),
        d => format!("≥{}", shorter(d)),
    }
}

/// Money in three digits, for a place that also has to hold a change: `$114`, `$70.8`.
pub(crate) fn short_money(nano: f64) -> String {
    let dollars = nano / 1e9;
    match dollars {
        d if d >= 99.95 => format!("${}", count(d.round() as u64)),
        d if d >= 9.995 => format!("${d:.1}"),
        _ => money(Some(nano)),
    }
}

/// A number of tokens: `18.4k`.
pub(crate) fn tokens(n: Option<i64>) -> String {
    n.map_or_else(|| units::UNKNOWN.to_owned(), |n| units::compact(n as f64))
}

/// Input and output tokens together.
pub(crate) fn all_tokens(input: Option<i64>, output: Option<i64>) -> Option<i64> {
    match (input, output) {
        (None, None) => None,
        (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
    }
}

/// The share of input tokens that came from the provider's cache.
pub(crate) fn cached(stats: &Stats) -> Option<f64> {
    let input = stats.input_tokens.filter(|n| *n > 0)?;
    Some(stats.cached_input_tokens? as f64 / input as f64)
}

/// Failed calls of a chart's step.
pub(crate) fn failed(point: &Point) -> u64 {
    point.outcomes[1..].iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Holdings;

    #[test]
    fn changes_are_coloured_only_when_bad() {
        let case = |now, before, bad| change(Some(now), Some(before), bad).expect("both known");
        assert_eq!(case(1.41, 1.0, Bad::Up), ("▲ 41 %".to_owned(), Role::Warn));
        assert_eq!(case(2.0, 1.0, Bad::Up), ("▲ 100 %".to_owned(), Role::Bad));
        assert_eq!(case(0.5, 1.0, Bad::Up), ("▼ 50 %".to_owned(), Role::Dim));
        assert_eq!(case(1.0, 1.0, Bad::Up), ("± 0 %".to_owned(), Role::Dim));
        assert_eq!(case(12.0, 1.0, Bad::Never), ("▲ ×12".to_owned(), Role::Dim));
        assert_eq!(case(0.4, 1.0, Bad::FarDown).1, Role::Warn);
        assert_eq!(change(Some(1.0), Some(0.0), Bad::Up), None);
        assert_eq!(points(Some(0.018), Some(0.009), 40), Some(("▲ 0.9 pt".to_owned(), Role::Bad)));
        assert_eq!(points(Some(0.018), Some(0.009), 2).map(|c| c.1), Some(Role::Dim));
    }

    #[test]
    fn money_fits_its_column_whatever_its_size() {
        let least = |dollars: f64| least_money(dollars * 1e9);
        assert_eq!([least(4.12), least(0.00261), least(12_345.0)], ["≥$4.12", "≥$0.0026", "≥$12,345"]);
        assert_eq!([least(123_456.0), least(0.00005), least(0.0)], ["≥$123k", ">$0", "–"]);
        assert_eq!([money(Some(1.2e15)), money(Some(-1.2e15))], ["$1.20M", "-$1.20M"]);
        for power in -9..=9 {
            for digits in [1.0, 1.234, 9.996] {
                let nano = digits * 10f64.powi(power + 9);
                for text in [money(Some(nano)), money(Some(-nano)), least_money(nano)] {
                    assert!(text.chars().count() <= 8, "{nano}: {text}");
                }
            }
        }
    }

    #[test]
    fn a_percentile_of_few_calls_says_so() {
        let dist = Dist { count: 4, p95: Some(1.5e6), ..Dist::default() };
        assert_eq!(duration(&dist, Quantile::P95), ("~1.50s".to_owned(), Role::Dim));
        let dist = Dist { count: 20, ..dist };
        assert_eq!(duration(&dist, Quantile::P95), ("1.50s".to_owned(), Role::Text));
        assert_eq!(Quantile::P99.sound(&dist), None);
        assert_eq!(duration(&Dist::default(), Quantile::P95), ("–".to_owned(), Role::Dim));
    }

    #[test]
    fn a_window_before_that_was_not_seen_is_nothing_to_compare_with() {
        let range = Range { since_us: 3_600_000_000, until_us: 7_200_000_000 };
        let previous = Stats { calls: 40, ..Stats::default() };
        let with = |calls: u64, first_us: i64| Snapshot {
            range,
            previous: Stats { calls, ..previous.clone() },
            holdings: Holdings { bounds: Some((first_us, 7_000_000_000)), ..Holdings::default() },
            ..Snapshot::default()
        };
        let compares = |s: &Snapshot| (before(s).is_some(), whole_before(s).is_some());
        assert_eq!(compares(&with(40, 60_000_000)), (true, true));
        assert_eq!(compares(&with(40, 1_800_000_000)), (true, false));
        assert_eq!(compares(&with(3, 60_000_000)), (false, false));
        assert_eq!(seen_us(&with(0, 60_000_000)), 3_600_000_000);
        assert_eq!(seen_us(&with(0, 7_140_000_000)), 60_000_000);
        assert_eq!(seen_us(&with(0, 7_199_999_999)), LEAST_SEEN_US);
        assert_eq!(hourly(&with(0, 7_199_999_999), Some(5)), None);
        assert_eq!(hourly(&with(0, 7_140_000_000), Some(5)), Some(300.0));
    }

    #[test]
    fn steps_cut_by_the_window_are_made_whole() {
        let window = Range { since_us: 50, until_us: 1_000 };
        let step = |since_us: i64| whole_step(Range { since_us, until_us: since_us + 100 }, window);
        assert_eq!([step(0), step(100), step(980), step(2_000)], [2.0, 1.0, 2.0, 2.0]);
        assert_eq!(whole_step(Range::default(), window), 2.0);
    }
}
