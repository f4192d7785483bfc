//! What a gate can hold: each limit with its flag, its unit and its figure among those of the calls. A new limit is one
//! entry of [`LIMITS`]; the command line, its help and every form of answer follow.

use crate::snapshot::{Dist, FEW_P95, FEW_P99, Stats};
use crate::units;

/// What a figure is of, and how its limit is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// µs.
    Time,
    /// 0..=1.
    Share,
    /// Nano-dollars.
    Money,
}

/// What more calls would do to a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It describes the calls: a few of them, or a part, may say anything.
    Level,
    /// It adds up: what is not known of can only make it more.
    Sum,
}

/// A figure as far as it is known.
#[derive(Debug, Clone, PartialEq)]
pub enum Measured {
    /// It is this.
    Exact(f64),
    /// It is this or more; why it is not known better.
    AtLeast(f64, String),
    /// Why it is not known.
    Unknown(String),
}

/// One thing that can be held.
#[derive(Debug)]
pub struct Limit {
    /// Its flag without the dashes; its name in JSON.
    pub flag: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// The line of help.
    pub help: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// What more calls would do to it.
    pub kind: Kind,
    /// Whether it is compared with a baseline where no limit is given at all.
    pub usual: bool,
    /// Its figure.
    pub get: fn(&Stats) -> Measured,
}

/// All limits, in the order they are told in.
pub static LIMITS: [Limit; 9] = [
    Limit {
        flag: "p50",
        name: "latency p50",
        help: "Most that the median latency may be",
        unit: Unit::Time,
        kind: Kind::Level,
        usual: false,
        get: |s| percentile(&s.latency_us, s.latency_us.p50, 1),
    },
    Limit {
        flag: "p95",
        name: "latency p95",
        help: "Most that the 95th percentile of latency may be; needs 20 calls",
        unit: Unit::Time,
        kind: Kind::Level,
        usual: true,
        get: |s| percentile(&s.latency_us, s.latency_us.p95, FEW_P95),
    },
    Limit {
        flag: "p99",
        name: "latency p99",
        help: "Most that the 99th percentile of latency may be; needs 100 calls",
        unit: Unit::Time,
        kind: Kind::Level,
        usual: false,
        get: |s| percentile(&s.latency_us, s.latency_us.p99, FEW_P99),
    },
    Limit {
        flag: "ttft-p95",
        name: "first token p95",
        help: "Most that the 95th percentile of the time to the first token may be; needs 20 calls",
        unit: Unit::Time,
        kind: Kind::Level,
        usual: false,
        get: |s| percentile(&s.ttft_us, s.ttft_us.p95, FEW_P95),
    },
    Limit {
        flag: "error-rate",
        name: "error rate",
        help: "Largest share of calls that may fail",
        unit: Unit::Share,
        kind: Kind::Level,
        usual: true,
        get: |s| share(s.error_rate()),
    },
    Limit {
        flag: "rate-limit-rate",
        name: "rate-limit rate",
        help: "Largest share of calls that may end in a rate limit",
        unit: Unit::Share,
        kind: Kind::Level,
        usual: false,
        get: |s| share(s.rate_limit_rate()),
    },
    Limit {
        flag: "cost",
        name: "cost",
        help: "Most dollars that all calls may cost together",
        unit: Unit::Money,
        kind: Kind::Sum,
        usual: false,
        get: cost,
    },
    Limit {
        flag: "cost-per-call",
        name: "cost per call",
        help: "Most dollars that a call may cost on average",
        unit: Unit::Money,
        kind: Kind::Level,
        usual: true,
        get: cost_per_call,
    },
    Limit {
        flag: "unpriced-share",
        name: "calls without a price",
        help: "Largest share of calls whose cost may be unknown",
        unit: Unit::Share,
        kind: Kind::Level,
        usual: false,
        get: |s| share((s.calls > 0).then(|| s.unpriced_calls as f64 / s.calls as f64)),
    },
];

fn percentile(dist: &Dist, value: Option<f64>, least: u64) -> Measured {
    match value {
        None => Measured::Unknown("no call says".to_owned()),
        Some(_) if dist.count < least => {
            Measured::Unknown(format!("{} with it, {least} are needed", calls(dist.count)))
        }
        Some(value) => Measured::Exact(value),
    }
}

fn share(value: Option<f64>) -> Measured {
    value.map_or_else(|| Measured::Unknown("no calls".to_owned()), Measured::Exact)
}

fn cost(stats: &Stats) -> Measured {
    match stats.cost_nusd {
        None => Measured::Unknown("no call has a price".to_owned()),
        Some(cost) => known_part(stats, cost as f64),
    }
}

fn cost_per_call(stats: &Stats) -> Measured {
    match (stats.cost_per_call(), stats.cost_nusd) {
        (Some(mean), _) => known_part(stats, mean),
        (None, Some(cost)) => known_part(stats, cost as f64),
        (None, None) => Measured::Unknown("no call has a price".to_owned()),
    }
}

/// That calls cost at least nothing is no figure.
fn known_part(stats: &Stats, nano: f64) -> Measured {
    let why = || format!("{} without a price", calls(stats.unpriced_calls));
    match stats.unpriced_calls {
        0 => Measured::Exact(nano),
        _ if stats.known_nusd().is_none() => Measured::Unknown(why()),
        _ => Measured::AtLeast(nano, why()),
    }
}

/// So many calls, in words.
pub fn calls(n: u64) -> String {
    if n == 1 { "1 call".to_owned() } else { format!("{} calls", units::count(n)) }
}

impl Unit {
    /// What stands for a value in the help.
    pub const fn value_name(self) -> &'static str {
        match self {
            Unit::Time => "LENGTH",
            Unit::Share => "PERCENT",
            Unit::Money => "DOLLARS",
        }
    }

    /// Reads a limit.
    ///
    /// # Errors
    /// Says what would be right. A share needs its `%`: whether a bare 0.5 is a half or half a percent is nobody's guess.
    pub fn read(self, text: &str) -> Result<f64, String> {
        match self {
            Unit::Time => units::parse_duration_us(text)
                .filter(|us| *us > 0)
                .map(|us| us as f64)
                .ok_or_else(|| "write a length such as 800ms or 2s".to_owned()),
            Unit::Share => units::parse_share(text)
                .filter(|share| (0.0..=1.0).contains(share))
                .ok_or_else(|| "write a percentage such as 1% or 0.5%".to_owned()),
            Unit::Money => units::parse_usd_nano(text)
                .filter(|nano| *nano >= 0)
                .map(|nano| nano as f64)
                .ok_or_else(|| "write dollars such as 5 or 0.01".to_owned()),
        }
    }

    /// A figure in three digits.
    pub fn text(self, value: f64) -> String {
        match self {
            Unit::Time => units::duration_us(value),
            Unit::Share => units::percent(value),
            Unit::Money => units::usd(value.round() as i64),
        }
    }

    /// A figure in as many digits as it has.
    pub fn exact(self, value: f64) -> String {
        match self {
            Unit::Time => format!("{} s", plain(value / 1e6)),
            Unit::Share => format!("{} %", plain(value * 100.0)),
            Unit::Money => format!("${}", grouped(&plain(value / 1e9))),
        }
    }

    /// A limit as it is typed.
    pub fn typed(self, value: f64) -> String {
        match self {
            Unit::Time => units::exact_duration(value as i64),
            Unit::Share => format!("{}%", plain(value * 100.0)),
            Unit::Money => format!("${}", grouped(&plain(value / 1e9))),
        }
    }

    /// A figure in the unit that machines get it in, and what that is called.
    pub fn public(self, value: f64) -> f64 {
        match self {
            Unit::Time => value / 1e3,
            Unit::Share => value,
            Unit::Money => value / 1e9,
        }
    }

    /// What machines get figures in.
    pub const fn word(self) -> &'static str {
        match self {
            Unit::Time => "ms",
            Unit::Share => "share",
            Unit::Money => "usd",
        }
    }
}

/// Digits before the point in groups of three.
fn grouped(number: &str) -> String {
    let (whole, part) = number.split_once('.').map_or((number, None), |(whole, part)| (whole, Some(part)));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), units::count);
    part.map_or_else(|| whole.clone(), |part| format!("{whole}.{part}"))
}

/// Up to nine decimals, and none that are 0 at the end.
fn plain(value: f64) -> String {
    let text = format!("{value:.9}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_read_and_are_told_as_they_were_typed() {
        for (unit, text, want, again) in [
            (Unit::Time, "800ms", 800_000.0, "800ms"),
            (Unit::Time, "1.5s", 1_500_000.0, "1500ms"),
            (Unit::Share, "0.5%", 0.005, "0.5%"),
            (Unit::Share, "7 %", 0.07, "7%"),
            (Unit::Share, "0%", 0.0, "0%"),
            (Unit::Share, "100%", 1.0, "100%"),
            (Unit::Money, "5", 5e9, "$5"),
            (Unit::Money, "5000000000", 5e18, "$5,000,000,000"),
            (Unit::Money, "1234.5", 1_234.5e9, "$1,234.5"),
            (Unit::Money, "$0.0125", 12_500_000.0, "$0.0125"),
            (Unit::Money, "0", 0.0, "$0"),
        ] {
            assert_eq!(unit.read(text), Ok(want), "{text}");
            assert_eq!(unit.typed(want), again);
        }
        for (unit, text) in [
            (Unit::Time, "2"),
            (Unit::Time, "0s"),
            (Unit::Time, "-1s"),
            (Unit::Share, "1"),
            (Unit::Share, "0.01"),
            (Unit::Share, "101%"),
            (Unit::Share, "-1%"),
            (Unit::Share, "$1%"),
            (Unit::Share, "NaN%"),
            (Unit::Share, "%"),
            (Unit::Money, "-5"),
            (Unit::Money, "5 EUR"),
            (Unit::Money, "inf"),
        ] {
            assert!(unit.read(text).is_err_and(|why| why.starts_with("write ")), "{text}");
        }
    }

    #[test]
    fn flags_are_told_apart() {
        for (i, limit) in LIMITS.iter().enumerate() {
            assert!(LIMITS[..i].iter().all(|other| other.flag != limit.flag && other.name != limit.name));
        }
    }

    #[test]
    fn unknown_figures_are_not_guessed() {
        let figure = |flag: &str, stats: &Stats| {
            let limit = LIMITS.iter().find(|limit| limit.flag == flag).expect("a limit");
            (limit.get)(stats)
        };
        let dist = |count| Dist { count, p50: Some(1.0), p95: Some(2.0), p99: Some(3.0), ..Dist::default() };
        let of = |count| Stats { calls: 200, latency_us: dist(count), ttft_us: dist(count), ..Stats::default() };
        for (flag, count, value) in [
            ("p50", 1, Some(1.0)),
            ("p95", 19, None),
            ("p95", 20, Some(2.0)),
            ("ttft-p95", 19, None),
            ("ttft-p95", 20, Some(2.0)),
            ("p99", 99, None),
            ("p99", 100, Some(3.0)),
        ] {
            let got = figure(flag, &of(count));
            assert_eq!(matches!(got, Measured::Exact(_)), value.is_some(), "{flag} {count}: {got:?}");
            assert!(value.is_none_or(|value| got == Measured::Exact(value)));
        }
        let money = |cost_nusd, unpriced_calls| Stats { calls: 10, cost_nusd, unpriced_calls, ..Stats::default() };
        assert_eq!(figure("cost", &money(Some(50), 0)), Measured::Exact(50.0));
        assert_eq!(figure("cost-per-call", &money(Some(50), 0)), Measured::Exact(5.0));
        let why = || "1 call without a price".to_owned();
        assert_eq!(figure("cost", &money(Some(45), 1)), Measured::AtLeast(45.0, why()));
        assert_eq!(figure("cost-per-call", &money(Some(45), 1)), Measured::AtLeast(4.5, why()));
        for flag in ["cost", "cost-per-call"] {
            assert!(matches!(figure(flag, &money(None, 10)), Measured::Unknown(_)));
            assert_eq!(figure(flag, &money(Some(0), 9)), Measured::Unknown("9 calls without a price".to_owned()));
            assert_eq!(figure(flag, &money(Some(0), 0)), Measured::Exact(0.0));
        }
        assert_eq!(figure("unpriced-share", &money(None, 10)), Measured::Exact(1.0));
        for limit in &LIMITS {
            assert!(matches!((limit.get)(&Stats::default()), Measured::Unknown(_)), "{}", limit.flag);
        }
    }
}
