//! What happens to the demo's application over time: the rhythm of day and night, a slow model, rate limits, an outage.
//! Pure functions of time, so that a run can be reasoned about and repeats.

use super::catalog::{GPT_4_1, Model, Provider};
use std::f64::consts::TAU;

const MINUTE: i64 = 60_000_000;
const DAY: f64 = 86_400e6;

/// Something that comes and goes, always with the same rhythm.
#[derive(Debug, Clone, Copy)]
struct Episode {
    /// First beginning, after the start of the story, µs.
    first_us: i64,
    /// From one beginning to the next, µs.
    every_us: i64,
    /// How long it lasts, µs.
    lasts_us: i64,
}

/// One model answers slowly.
const SLOW: Episode = Episode { first_us: 46 * MINUTE, every_us: 31 * MINUTE, lasts_us: 9 * MINUTE };
/// A provider's token limit is reached.
const LIMITED: Episode = Episode { first_us: 19 * MINUTE, every_us: 13 * MINUTE, lasts_us: 3 * MINUTE };
/// A provider is out of capacity.
const OVERLOADED: Episode = Episode { first_us: 35 * MINUTE, every_us: 53 * MINUTE, lasts_us: 2 * MINUTE };
/// The search index answers with nothing.
const INDEX_GONE: Episode = Episode { first_us: 27 * MINUTE, every_us: 71 * MINUTE, lasts_us: 4 * MINUTE };

/// How long it is calm before the story begins.
const CALM_US: i64 = 60 * MINUTE;

impl Episode {
    /// How strong it is, 0..=1, so long after the story begins: it rises and falls over a fifth of its length. It is calm
    /// for an hour before the story, so that the story's first hour has something to be compared with.
    fn strength(self, since_us: i64) -> f64 {
        if (-CALM_US..self.first_us).contains(&since_us) {
            return 0.0;
        }
        let into = since_us.saturating_sub(self.first_us).rem_euclid(self.every_us);
        let left = self.lasts_us - into;
        let ramp = self.lasts_us as f64 / 5.0;
        (into.min(left) as f64 / ramp).clamp(0.0, 1.0)
    }
}

/// The conditions over time of one demo.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weather {
    start_us: i64,
}

impl Weather {
    /// For a demo whose story begins here, µs since the epoch.
    pub(super) const fn new(start_us: i64) -> Weather {
        Weather { start_us }
    }

    /// How busy it is, around 1: least at 03:00 UTC, most at 15:00, with waves of minutes on top.
    pub(super) fn busyness(self, at_us: i64) -> f64 {
        let wave = |period_us: f64| (TAU * (at_us as f64 / period_us).fract()).sin();
        let of_day = (at_us.rem_euclid(DAY as i64)) as f64 / DAY;
        let daily = 1.0 - 0.3 * (TAU * (of_day - 3.0 / 24.0)).cos();
        daily * (1.0 + 0.12 * wave(17e6 * 60.0) + 0.08 * wave(4.3e6 * 60.0))
    }

    /// The factor on a model's times.
    pub(super) fn slowness(self, model: &Model, at_us: i64) -> f64 {
        let incident = if model.name == GPT_4_1.name { 3.2 * SLOW.strength(self.since(at_us)) } else { 0.0 };
        1.0 + incident
    }

    /// The chance that an attempt runs into a timeout.
    pub(super) fn timeout(self, model: &Model, at_us: i64) -> f64 {
        0.0015 + 0.012 * (self.slowness(model, at_us) - 1.0)
    }

    /// The chance that an attempt is told to come back later.
    pub(super) fn rate_limit(self, provider: Provider, at_us: i64) -> f64 {
        match provider {
            Provider::Anthropic => 0.004 + 0.60 * LIMITED.strength(self.since(at_us)),
            Provider::OpenAi | Provider::Google => 0.003,
            Provider::Vllm => 0.0,
        }
    }

    /// The chance that an attempt finds the provider out of capacity.
    pub(super) fn overload(self, provider: Provider, at_us: i64) -> f64 {
        match provider {
            Provider::Google => 0.003 + 0.55 * OVERLOADED.strength(self.since(at_us)),
            Provider::Anthropic => 0.003 + 0.05 * OVERLOADED.strength(self.since(at_us)),
            Provider::OpenAi | Provider::Vllm => 0.0005,
        }
    }

    /// The chance that a retrieval finds nothing.
    pub(super) fn empty_retrieval(self, at_us: i64) -> f64 {
        0.035 + 0.5 * INDEX_GONE.strength(self.since(at_us))
    }

    fn since(self, at_us: i64) -> i64 {
        at_us.saturating_sub(self.start_us)
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalog::HAIKU;
    use super::*;

    #[test]
    fn an_incident_comes_and_goes() {
        let weather = Weather::new(0);
        let slowness = |minute: i64| weather.slowness(&GPT_4_1, minute * MINUTE);
        assert_eq!(slowness(40), 1.0);
        assert!(slowness(50) > 4.0);
        assert_eq!(slowness(58), 1.0);
        assert!((-60..46).all(|minute| slowness(minute) == 1.0), "calm before");
        assert!(slowness(50 - 4 * 31) > 4.0, "and as ever before that");
        assert!(slowness(50 + 31) > 4.0);
        assert_eq!(weather.slowness(&HAIKU, 50 * MINUTE), 1.0);
        assert_eq!(weather.rate_limit(Provider::Vllm, 20 * MINUTE), 0.0);
    }

    #[test]
    fn nights_are_quiet_and_chances_are_chances() {
        let weather = Weather::new(0);
        let mean = |hour: i64| (0..60).map(|m| weather.busyness((hour * 60 + m) * MINUTE)).sum::<f64>() / 60.0;
        assert!(mean(3) < 0.8 * mean(15), "{} {}", mean(3), mean(15));
        for at in (0..26 * 60).map(|m| m * MINUTE) {
            assert!(weather.busyness(at) > 0.3);
            for p in [Provider::Anthropic, Provider::Google, Provider::OpenAi, Provider::Vllm] {
                let sum = weather.rate_limit(p, at) + weather.overload(p, at) + weather.timeout(&GPT_4_1, at);
                assert!((0.0..0.7).contains(&sum));
            }
        }
        assert_eq!(Weather::new(i64::MAX).slowness(&GPT_4_1, i64::MIN), 1.0);
    }
}
