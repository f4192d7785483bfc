//! The judgement: figures of a snapshot against limits, and against those of a baseline. What cannot be known is said to be
//! so, and neither held nor violated.

use super::limit::{Kind, LIMITS, Limit, Measured, Unit, calls};
use crate::snapshot::{Scan, Snapshot};
use crate::units;
use crate::view::Range;

/// How many standard errors two shares may differ by chance: one pair in a hundred of equal ones differs by more.
const CHANCE: f64 = 2.326;

/// A limit and its value, in the limit's unit.
#[derive(Debug, Clone, Copy)]
pub struct Allowed {
    /// Which.
    pub limit: &'static Limit,
    /// The most it may be.
    pub most: f64,
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The limits; with a baseline none are the usual ones.
    pub limits: Vec<Allowed>,
    /// Fewer calls say nothing.
    pub min_calls: u64,
    /// By how much a figure may be more than the baseline's, as a share of that.
    pub max_regression: f64,
}

/// What a baseline is, which decides how its sums compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Another run, whole: its sum is compared as it is.
    Run,
    /// Another stretch of time: its sum is that of as much time as is checked.
    Time,
}

/// What it is compared with.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// As it was typed.
    pub name: String,
    /// Its figures.
    pub snapshot: Snapshot,
    /// What it is.
    pub basis: Basis,
}

/// A judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Within the limit.
    Held,
    /// Beyond it.
    NotHeld,
    /// Why nobody can tell.
    Unjudged(String),
}

/// One limit judged.
#[derive(Debug)]
pub struct Line {
    /// Which.
    pub limit: &'static Limit,
    /// The figure.
    pub measured: Measured,
    /// The most it may be; `None` where the baseline is unknown.
    pub allowed: Option<f64>,
    /// The baseline's figure, where it is held against that.
    pub baseline: Option<Measured>,
    /// The judgement.
    pub verdict: Verdict,
}

/// Calls that were looked at.
#[derive(Debug, Clone)]
pub struct Sample {
    /// When.
    pub range: Range,
    /// How many.
    pub calls: u64,
}

/// A whole judgement.
#[derive(Debug)]
pub struct Gate {
    /// What was asked.
    pub asked: Asked,
    /// The calls that were judged.
    pub sample: Sample,
    /// Which calls of the window.
    pub filter: String,
    /// What they were compared with, and its name.
    pub baseline: Option<(String, Sample)>,
    /// A line for each limit, then one for each that is held against the baseline.
    pub lines: Vec<Line>,
    /// Whether everything was read that was named; without that nothing is held.
    pub read_all: bool,
    /// What else there is to know.
    pub notes: Vec<String>,
}

impl Gate {
    /// Judges.
    pub fn judge(asked: Asked, now: &Snapshot, baseline: Option<&Baseline>, read_all: bool) -> Gate {
        let mut lines: Vec<Line> = asked.limits.iter().map(|allowed| hold(*allowed, now, asked.min_calls)).collect();
        if let Some(baseline) = baseline {
            lines.extend(compared(&asked).into_iter().map(|limit| compare(limit, now, baseline, &asked)));
        }
        Gate {
            sample: sample(now),
            filter: now.view.filter.to_string(),
            baseline: baseline.map(|baseline| (baseline.name.clone(), sample(&baseline.snapshot))),
            lines,
            read_all,
            notes: notes(now, read_all),
            asked,
        }
    }

    /// The judgement of it all: what is not held is not held, whatever else is unknown.
    pub fn verdict(&self) -> Verdict {
        let of = |line: &&Line| matches!(line.verdict, Verdict::Unjudged(_));
        if self.lines.iter().any(|line| line.verdict == Verdict::NotHeld) {
            Verdict::NotHeld
        } else if let Some(line) = self.lines.iter().find(of) {
            line.verdict.clone()
        } else if self.lines.is_empty() || !self.read_all {
            Verdict::Unjudged("not everything could be read".to_owned())
        } else {
            Verdict::Held
        }
    }
}

impl Verdict {
    /// What the program exits with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Verdict::Held => 0,
            Verdict::NotHeld => 1,
            Verdict::Unjudged(_) => 2,
        }
    }

    /// For machines.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Held => "held",
            Verdict::NotHeld => "not_held",
            Verdict::Unjudged(_) => "not_judged",
        }
    }

    /// Why nobody can tell.
    pub fn why(&self) -> Option<&str> {
        match self {
            Verdict::Unjudged(why) => Some(why),
            Verdict::Held | Verdict::NotHeld => None,
        }
    }
}

fn sample(snapshot: &Snapshot) -> Sample {
    Sample { range: snapshot.range, calls: snapshot.totals.calls }
}

/// One limit.
fn hold(allowed: Allowed, now: &Snapshot, min_calls: u64) -> Line {
    let Allowed { limit, most } = allowed;
    let measured = (limit.get)(&now.totals);
    let verdict = weigh(limit, &measured, most, doubt(now, min_calls));
    Line { limit, measured, allowed: Some(most), baseline: None, verdict }
}

/// A figure against the most it may be. Doubts about the calls leave what adds up beyond its limit all the same.
fn weigh(limit: &Limit, measured: &Measured, most: f64, doubt: Option<String>) -> Verdict {
    let certain = doubt.is_none() || limit.kind == Kind::Sum;
    match (measured, doubt) {
        (Measured::Exact(value) | Measured::AtLeast(value, _), _) if certain && *value > most => Verdict::NotHeld,
        (_, Some(why)) => Verdict::Unjudged(why),
        (Measured::Exact(_), None) => Verdict::Held,
        (Measured::AtLeast(_, why) | Measured::Unknown(why), None) => Verdict::Unjudged(why.clone()),
    }
}

/// Why the figures of some calls may say little.
fn doubt(snapshot: &Snapshot, min_calls: u64) -> Option<String> {
    let found = snapshot.totals.calls;
    match snapshot.scan {
        _ if found == 0 => Some("no calls".to_owned()),
        _ if found < min_calls => Some(format!("only {}, {} are needed", calls(found), units::count(min_calls))),
        Scan { gone_us: Some(us), .. } => Some(format!("single calls before {} have been deleted", units::rfc3339(us))),
        Scan { rows: true, covered, .. } if covered < 1.0 => {
            Some(format!("only {} of the window was read", units::percent(covered.max(0.0))))
        }
        _ => None,
    }
}

/// What is held against a baseline: what has a limit, else the usual.
fn compared(asked: &Asked) -> Vec<&'static Limit> {
    if asked.limits.is_empty() {
        return LIMITS.iter().filter(|limit| limit.usual).collect();
    }
    asked.limits.iter().map(|allowed| allowed.limit).collect()
}

/// One figure against that of the baseline.
fn compare(limit: &'static Limit, now: &Snapshot, baseline: &Baseline, asked: &Asked) -> Line {
    let measured = (limit.get)(&now.totals);
    let before = scaled((limit.get)(&baseline.snapshot.totals), limit, now, baseline);
    let unsure = |why: &str| Verdict::Unjudged(format!("baseline: {why}"));
    let (allowed, verdict) = match (&before, doubt(&baseline.snapshot, asked.min_calls)) {
        (_, Some(why)) => (None, unsure(&why)),
        (Measured::Unknown(why) | Measured::AtLeast(_, why), None) => (None, unsure(why)),
        (Measured::Exact(value), None) => {
            let counts = [now.totals.calls, baseline.snapshot.totals.calls];
            let most = most_from(limit, *value, &measured, counts, asked.max_regression);
            (Some(most), weigh(limit, &measured, most, doubt(now, asked.min_calls)))
        }
    };
    Line { limit, measured, allowed, baseline: Some(before), verdict }
}

/// The most a figure may be from a baseline's on. Shares may be more by chance too: equal ones of so many calls differ by
/// up to [`CHANCE`] times the standard error of two pooled proportions, `sqrt(p (1 - p) (1/n + 1/m))` (NIST/SEMATECH
/// e-Handbook of Statistical Methods, 7.3.3). So one failed call against none does not fail a gate, and many do.
fn most_from(limit: &Limit, before: f64, measured: &Measured, counts: [u64; 2], regression: f64) -> f64 {
    let most = before * (1.0 + regression);
    let (Unit::Share, Measured::Exact(now)) = (limit.unit, measured) else { return most };
    let [n, m] = counts.map(|count| count.max(1) as f64);
    let pooled = (now * n + before * m) / (n + m);
    let error = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).max(0.0).sqrt();
    most.max(before + CHANCE * error).min(1.0)
}

/// A sum over another stretch of time as one over as much time as is checked.
fn scaled(measured: Measured, limit: &Limit, now: &Snapshot, baseline: &Baseline) -> Measured {
    if limit.kind != Kind::Sum || baseline.basis == Basis::Run {
        return measured;
    }
    let (here, there) = (lived_us(now), lived_us(&baseline.snapshot));
    let times = |value: f64| value * here / there;
    match measured {
        _ if there <= 0.0 || here <= 0.0 => Measured::Unknown("there is no time in it".to_owned()),
        Measured::Exact(value) => Measured::Exact(times(value)),
        Measured::AtLeast(value, why) => Measured::AtLeast(times(value), why),
        unknown @ Measured::Unknown(_) => unknown,
    }
}

/// How much of a window there have been calls in the store for, µs: the time before its first call cost nothing because
/// nobody looked.
fn lived_us(snapshot: &Snapshot) -> f64 {
    let Range { since_us, until_us } = snapshot.range;
    let first_us = snapshot.holdings.bounds.map_or(since_us, |(first, _)| first);
    Range { since_us: since_us.max(first_us), until_us }.len_us() as f64
}

/// What one has to know beside the figures.
fn notes(now: &Snapshot, read_all: bool) -> Vec<String> {
    let mut notes = now.accounting.nothing_taken();
    let rejected = now.accounting.rejected;
    if rejected > 0 && notes.is_empty() {
        let read = units::count(now.accounting.read);
        notes.push(format!("rejected lines: {} of {read} read", units::count(rejected)));
    }
    if !read_all {
        notes.push("not everything could be read, so nothing is known to be held".to_owned());
    }
    notes.extend(empty_window(now));
    notes
}

/// Why a window is empty though the store is not.
fn empty_window(now: &Snapshot) -> Option<String> {
    let (_, last_us) = now.holdings.bounds.filter(|_| now.totals.calls == 0)?;
    Some(match now.unfiltered_calls.filter(|all| *all > 0) {
        Some(all) => format!("none of the {} in this window passes the filter", calls(all)),
        None => format!("no calls in this window; the newest call is of {}", units::rfc3339(last_us)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{Dist, Stats};

    const HOUR: i64 = 3_600_000_000;

    fn limit(flag: &str) -> &'static Limit {
        LIMITS.iter().find(|limit| limit.flag == flag).expect("a limit")
    }

    fn asked(limits: &[(&str, f64)]) -> Asked {
        let limits = limits.iter().map(|(flag, most)| Allowed { limit: limit(flag), most: *most }).collect();
        Asked { limits, min_calls: 1, max_regression: 0.1 }
    }

    /// A window of some hours, with calls in all of it.
    fn window(hours: i64, totals: Stats) -> Snapshot {
        let range = Range { since_us: 0, until_us: hours * HOUR };
        let mut snapshot = Snapshot { range, totals, ..Snapshot::default() };
        snapshot.holdings.bounds = Some((0, hours * HOUR));
        snapshot
    }

    fn failing(errors: u64, calls: u64) -> Stats {
        Stats { calls, errors, ..Stats::default() }
    }

    fn costing(nano: i64, calls: u64, unpriced_calls: u64) -> Stats {
        Stats { calls, cost_nusd: Some(nano), unpriced_calls, ..Stats::default() }
    }

    fn slow(p95: f64, calls: u64) -> Stats {
        let latency_us = Dist { count: calls, p95: Some(p95), ..Dist::default() };
        Stats { calls, latency_us, ..Stats::default() }
    }

    fn verdict(asked: Asked, stats: Stats) -> Verdict {
        Gate::judge(asked, &window(1, stats), None, true).verdict()
    }

    #[test]
    fn a_limit_is_held_up_to_its_last_bit() {
        for (flag, most, stats, code) in [
            ("error-rate", 0.01, failing(1, 100), 0),
            ("error-rate", 0.01, failing(2, 100), 1),
            ("error-rate", 3e8 / 1e11, failing(3, 1_000), 0),
            ("error-rate", 0.0, failing(0, 100), 0),
            ("error-rate", 0.0, failing(1, 100), 1),
            ("error-rate", 0.5, failing(0, 0), 2),
            ("p95", 2e6, slow(2e6, 20), 0),
            ("p95", 2e6, slow(2e6 + 1.0, 20), 1),
            ("p95", 2e6, slow(9e6, 19), 2),
            ("cost", 5e9, costing(5_000_000_000, 10, 0), 0),
            ("cost", 5e9, costing(5_000_000_001, 10, 0), 1),
            ("cost", 5e9, costing(5_000_000_000, 10, 1), 2),
            ("cost", 5e9, costing(5_000_000_001, 10, 1), 1),
            ("cost-per-call", 1e7, costing(100_000_000, 10, 0), 0),
            ("cost-per-call", 1e7, costing(95_000_000, 10, 1), 2),
            ("cost-per-call", 1e7, costing(100_000_001, 10, 5), 1),
            ("unpriced-share", 0.1, costing(1, 10, 1), 0),
            ("unpriced-share", 0.1, costing(1, 10, 2), 1),
        ] {
            let got = verdict(asked(&[(flag, most)]), stats);
            assert_eq!(got.exit_code(), code, "{flag} {most}: {got:?}");
        }
    }

    #[test]
    fn what_is_not_held_beats_what_nobody_knows_and_that_beats_what_is_held() {
        let stats = || Stats { errors: 2, cost_nusd: None, unpriced_calls: 100, ..slow(1e6, 100) };
        let (held, not, unknown) = (("p95", 2e6), ("error-rate", 0.01), ("cost", 5e9));
        assert_eq!(verdict(asked(&[held]), stats()), Verdict::Held);
        assert_eq!(verdict(asked(&[held, unknown]), stats()).exit_code(), 2);
        assert_eq!(verdict(asked(&[held, unknown, not]), stats()), Verdict::NotHeld);
        let read = |limits: &[_]| Gate::judge(asked(limits), &window(1, stats()), None, false);
        assert_eq!(read(&[held]).verdict().exit_code(), 2, "something was not read");
        assert_eq!(read(&[held]).lines[0].verdict, Verdict::Held);
        assert_eq!(read(&[not]).verdict().exit_code(), 1);
    }

    #[test]
    fn too_few_or_half_of_the_calls_say_nothing_but_that_a_sum_is_exceeded() {
        let limits = [("error-rate", 0.01), ("cost", 5e9)];
        let codes = |snapshot: &Snapshot, min_calls| {
            let gate = Gate::judge(Asked { min_calls, ..asked(&limits) }, snapshot, None, true);
            gate.lines.iter().map(|line| line.verdict.exit_code()).collect::<Vec<_>>()
        };
        let stats = |cost| Stats { errors: 9, ..costing(cost, 99, 0) };
        assert_eq!(codes(&window(1, stats(1)), 99), [1, 0]);
        assert_eq!(codes(&window(1, stats(1)), 100), [2, 2]);
        assert_eq!(codes(&window(1, stats(6_000_000_000)), 100), [2, 1]);
        let mut part = window(1, stats(1));
        part.scan = Scan { rows: true, covered: 0.4, gone_us: None };
        assert_eq!(codes(&part, 1), [2, 2]);
        part.scan = Scan { rows: true, covered: 1.0, gone_us: Some(5) };
        assert_eq!(codes(&part, 1), [2, 2]);
        part.scan = Scan { rows: true, covered: 1.0, gone_us: None };
        assert_eq!(codes(&part, 1), [1, 0]);
    }

    fn against(limits: &[(&str, f64)], now: Stats, before: Snapshot, basis: Basis) -> Line {
        let baseline = Baseline { name: "old".to_owned(), snapshot: before, basis };
        let mut gate = Gate::judge(asked(limits), &window(1, now), Some(&baseline), true);
        gate.lines.pop().expect("a line")
    }

    #[test]
    fn a_regression_is_measured_from_the_baseline() {
        for (now, before, code) in [
            (slow(110.0, 50), slow(100.0, 50), 0),
            (slow(111.0, 50), slow(100.0, 50), 1),
            (slow(1.0, 50), slow(100.0, 50), 0),
            (slow(1.0, 50), slow(100.0, 19), 2),
            (slow(1.0, 50), Stats::default(), 2),
            (slow(0.0, 50), slow(0.0, 50), 0),
            (slow(1.0, 50), slow(0.0, 50), 1),
        ] {
            let line = against(&[("p95", 1e9)], now, window(1, before), Basis::Run);
            assert_eq!(line.verdict.exit_code(), code, "{line:?}");
        }
        let free = against(&[("cost", 1e18)], costing(1, 9, 0), window(1, costing(0, 9, 0)), Basis::Run);
        assert_eq!(free.verdict, Verdict::NotHeld, "from free to paid");
        let partly = against(&[("cost", 1e18)], costing(1, 9, 0), window(1, costing(9, 9, 1)), Basis::Run);
        assert_eq!(partly.verdict.exit_code(), 2, "the baseline cost more than is known");
    }

    #[test]
    fn shares_may_differ_by_chance() {
        for (now, before, code) in [
            ((1, 1_000), (0, 1_000), 0),
            ((5, 1_000), (0, 1_000), 0),
            ((6, 1_000), (0, 1_000), 1),
            ((12, 1_000), (10, 1_000), 0),
            ((12_000, 1_000_000), (10_000, 1_000_000), 1),
            ((10_900, 1_000_000), (10_000, 1_000_000), 0),
            ((40, 1_000), (10, 1_000), 1),
            ((0, 10), (10, 10), 0),
            ((10, 10), (10, 10), 0),
        ] {
            let stats = |(errors, calls)| failing(errors, calls);
            let line = against(&[("error-rate", 1.0)], stats(now), window(1, stats(before)), Basis::Run);
            assert_eq!(line.verdict.exit_code(), code, "{now:?} {before:?}: {line:?}");
        }
    }

    #[test]
    fn sums_are_compared_over_as_much_time_but_run_with_run() {
        let before = || window(24, costing(24_000, 9, 0));
        let line = |now, before, basis| against(&[("cost", 1e18)], costing(now, 9, 0), before, basis);
        assert_eq!(line(1_100, before(), Basis::Time).verdict, Verdict::Held);
        assert_eq!(line(1_101, before(), Basis::Time).verdict, Verdict::NotHeld);
        assert_eq!(line(24_000, before(), Basis::Run).verdict, Verdict::Held);
        let mut young = before();
        young.holdings.bounds = Some((12 * HOUR, 24 * HOUR));
        assert_eq!(line(2_200, young, Basis::Time).verdict, Verdict::Held, "nobody looked in the first half");
    }

    #[test]
    fn without_limits_the_usual_is_compared() {
        let baseline = Baseline { name: "old".to_owned(), snapshot: window(1, slow(1.0, 50)), basis: Basis::Run };
        let gate = Gate::judge(asked(&[]), &window(1, slow(1.0, 50)), Some(&baseline), true);
        let flags: Vec<&str> = gate.lines.iter().map(|line| line.limit.flag).collect();
        assert_eq!(flags, ["p95", "error-rate", "cost-per-call"]);
        let gate = Gate::judge(asked(&[("p95", 2.0)]), &window(1, slow(1.0, 50)), Some(&baseline), true);
        assert_eq!(gate.lines.iter().filter(|line| line.baseline.is_some()).count(), 1);
    }
}
