//! Experiments, as they are settled before they run: the control, the unit, the weights, which metrics decide, and from
//! which difference on one matters. What nobody settled has documented defaults.

use crate::units;
use std::fmt;

/// The experiment of calls that have a variant and name no experiment.
pub const DEFAULT_EXPERIMENT: &str = "default";

/// What was assigned to a variant as a whole. The discriminant is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Unit {
    /// The user; of calls that name none, the session; of those that name neither, the call itself.
    #[default]
    User = 0,
    /// The session; of calls that name none, the call itself.
    Session = 1,
    /// Each call for itself.
    Request = 2,
}

impl Unit {
    /// All of them.
    pub const ALL: [Unit; 3] = [Unit::User, Unit::Session, Unit::Request];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Unit::User => "user",
            Unit::Session => "session",
            Unit::Request => "request",
        }
    }

    /// The unit a word names.
    pub fn from_word(word: &str) -> Option<Unit> {
        Unit::ALL.into_iter().find(|unit| unit.word() == word)
    }

    /// The unit of a stored number; an unknown one is the usual.
    pub fn from_number(number: u8) -> Unit {
        Unit::ALL.into_iter().find(|unit| *unit as u8 == number).unwrap_or_default()
    }
}

/// What is measured of a variant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metric {
    /// Failed calls among all.
    ErrorRate,
    /// Median latency.
    LatencyP50,
    /// 95th percentile of latency.
    LatencyP95,
    /// Median time to the first token.
    TtftP50,
    /// 95th percentile of the time to the first token.
    TtftP95,
    /// Cost of a priced call.
    CostPerCall,
    /// Cost of all calls of units whose tasks were judged, for each of their tasks that was completed.
    CostPerTask,
    /// Input tokens of a call.
    InputTokens,
    /// Output tokens of a call.
    OutputTokens,
    /// Completed tasks among the judged ones.
    TaskCompletion,
    /// Thumbs up among all thumbs.
    Satisfaction,
    /// The mean of another score, by its name.
    Score(String),
}

/// What a metric is told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measured {
    /// 0..=1.
    Share,
    /// µs.
    Time,
    /// Nano-dollars.
    Money,
    /// Tokens.
    Tokens,
    /// A score's own scale.
    Number,
}

/// Which way a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Good {
    /// Less is better.
    Lower,
    /// More is better.
    Higher,
    /// Neither.
    Neither,
}

/// Scores of which less is better.
const BAD_SCORES: [&str; 3] = ["hallucination", "toxicity", "refusal"];

impl Metric {
    /// All but the scores that have no place of their own, in the order they are shown in.
    pub const ALL: [Metric; 11] = [
        Metric::TaskCompletion,
        Metric::Satisfaction,
        Metric::ErrorRate,
        Metric::LatencyP50,
        Metric::LatencyP95,
        Metric::TtftP50,
        Metric::TtftP95,
        Metric::CostPerCall,
        Metric::CostPerTask,
        Metric::InputTokens,
        Metric::OutputTokens,
    ];

    /// Its name in the configuration, on the command line and in JSON.
    pub fn name(&self) -> String {
        match self {
            Metric::ErrorRate => "error_rate".to_owned(),
            Metric::LatencyP50 => "latency_p50".to_owned(),
            Metric::LatencyP95 => "latency_p95".to_owned(),
            Metric::TtftP50 => "ttft_p50".to_owned(),
            Metric::TtftP95 => "ttft_p95".to_owned(),
            Metric::CostPerCall => "cost_per_call".to_owned(),
            Metric::CostPerTask => "cost_per_task".to_owned(),
            Metric::InputTokens => "input_tokens".to_owned(),
            Metric::OutputTokens => "output_tokens".to_owned(),
            Metric::TaskCompletion => "task_completion".to_owned(),
            Metric::Satisfaction => "satisfaction".to_owned(),
            Metric::Score(name) => format!("score:{name}"),
        }
    }

    /// What people call it.
    pub fn title(&self) -> String {
        match self {
            Metric::ErrorRate => "error rate".to_owned(),
            Metric::LatencyP50 => "latency p50".to_owned(),
            Metric::LatencyP95 => "latency p95".to_owned(),
            Metric::TtftP50 => "ttft p50".to_owned(),
            Metric::TtftP95 => "ttft p95".to_owned(),
            Metric::CostPerCall => "cost per call".to_owned(),
            Metric::CostPerTask => "cost per task".to_owned(),
            Metric::InputTokens => "input tokens".to_owned(),
            Metric::OutputTokens => "output tokens".to_owned(),
            Metric::TaskCompletion => "task completion".to_owned(),
            Metric::Satisfaction => "satisfaction".to_owned(),
            Metric::Score(name) => name.clone(),
        }
    }

    /// The metric of a name. Names of scores stand for themselves; those with a place of their own have it.
    pub fn parse(text: &str) -> Option<Metric> {
        let score = text.strip_prefix("score:").filter(|name| !name.is_empty());
        let found = Metric::ALL.into_iter().find(|metric| metric.name() == text);
        found.or_else(|| score.map(Metric::of_score))
    }

    /// The metric that scores of a name make.
    pub fn of_score(name: &str) -> Metric {
        match name {
            "task_completed" => Metric::TaskCompletion,
            "thumbs" => Metric::Satisfaction,
            other => Metric::Score(other.to_owned()),
        }
    }

    /// What it is told in.
    pub fn measured(&self) -> Measured {
        match self {
            Metric::ErrorRate | Metric::TaskCompletion | Metric::Satisfaction => Measured::Share,
            Metric::LatencyP50 | Metric::LatencyP95 | Metric::TtftP50 | Metric::TtftP95 => Measured::Time,
            Metric::CostPerCall | Metric::CostPerTask => Measured::Money,
            Metric::InputTokens | Metric::OutputTokens => Measured::Tokens,
            Metric::Score(_) => Measured::Number,
        }
    }

    /// Which way it is better, where nobody said otherwise.
    pub fn good(&self) -> Good {
        match self {
            Metric::TaskCompletion | Metric::Satisfaction => Good::Higher,
            Metric::InputTokens | Metric::OutputTokens => Good::Neither,
            Metric::Score(name) if BAD_SCORES.contains(&name.as_str()) => Good::Lower,
            Metric::Score(_) => Good::Higher,
            _ => Good::Lower,
        }
    }
}

/// What a metric decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The experiment is about it.
    Primary,
    /// It must not get worse.
    Guardrail,
    /// It is looked at too; corrected for being one of many.
    Other,
}

impl Role {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Role::Primary => "primary",
            Role::Guardrail => "guardrail",
            Role::Other => "other",
        }
    }
}

/// From which difference on it matters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// This share of the control's figure.
    Relative(f64),
    /// This much, in the metric's unit.
    Absolute(f64),
}

impl Threshold {
    /// Reads `5%`, a share of the control's figure, or an amount in the metric's unit: `0.5pp` of a rate, `50ms`, `$0.002`,
    /// `20` tokens. A bare `0.5` of a rate is neither.
    ///
    /// # Errors
    /// Says what would be right.
    pub fn parse(text: &str, of: &Metric) -> Result<Threshold, String> {
        let text = text.trim();
        if let Some(share) = units::parse_share(text) {
            let found = (share > 0.0 && share.is_finite()).then_some(Threshold::Relative(share));
            return found.ok_or_else(|| "a threshold is above 0".to_owned());
        }
        let plain = |text: &str| text.trim().parse::<f64>().ok().filter(|n| n.is_finite());
        let amount = match of.measured() {
            Measured::Share => text.strip_suffix("pp").and_then(plain).map(|points| points / 100.0),
            Measured::Time => units::parse_duration_us(text).map(|us| us as f64),
            Measured::Money => units::parse_usd_nano(text).map(|nano| nano as f64),
            Measured::Tokens | Measured::Number => plain(text),
        };
        let amount = amount.filter(|amount| *amount > 0.0).map(Threshold::Absolute);
        amount.ok_or_else(|| format!("{text:?} is no difference of {}; write {}", of.title(), Threshold::allowed(of)))
    }

    /// What may be written for a metric.
    pub fn allowed(of: &Metric) -> &'static str {
        match of.measured() {
            Measured::Share => "5% of the control's figure, or 0.5pp for half a percentage point",
            Measured::Time => "5% of the control's figure, or a length such as 50ms",
            Measured::Money => "5% of the control's figure, or dollars such as 0.002",
            Measured::Tokens | Measured::Number => "5% of the control's figure, or a number",
        }
    }

    /// The amount for a control with this figure, in the metric's unit.
    pub fn amount(self, control: f64) -> f64 {
        match self {
            Threshold::Relative(share) => share * control.abs(),
            Threshold::Absolute(amount) => amount,
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Threshold::Relative(share) => write!(f, "{} of the control", units::percent(*share)),
            Threshold::Absolute(amount) => write!(f, "{amount}"),
        }
    }
}

/// What is settled about an experiment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Experiment {
    /// Its name.
    pub name: String,
    /// The variant that the others are compared with.
    pub control: Option<String>,
    /// What was assigned to a variant as a whole.
    pub unit: Unit,
    /// How many units each variant is to get, in proportion to the others; where none is given, as many as every other.
    pub weights: Vec<(String, f64)>,
    /// What it is about; `None` is the usual.
    pub primary: Option<Vec<Metric>>,
    /// What must not get worse; `None` is the usual.
    pub guardrails: Option<Vec<Metric>>,
    /// From which difference on metrics matter.
    pub thresholds: Vec<(Metric, Threshold)>,
    /// Scores of which less is better, by name.
    pub lower_is_better: Vec<String>,
    /// Whether all variants are the same, so that every win is false.
    pub aa: bool,
}

/// Names by which a control is known where nobody settled it.
const CONTROLS: [&str; 4] = ["control", "baseline", "default", "a"];

/// The least difference of a share that matters where nobody said so: half a percentage point.
const LEAST_SHARE: f64 = 0.005;

/// The difference that matters where nobody said so: this share of the control's figure.
const USUAL: f64 = 0.05;

impl Experiment {
    /// An experiment that nobody settled anything about.
    pub fn unsettled(name: &str) -> Experiment {
        Experiment { name: name.to_owned(), ..Experiment::default() }
    }

    /// The control among some variants: as settled, else the one named `control`, `baseline`, `default` or `a` in any case,
    /// else the first by name.
    pub fn control_of(&self, variants: &[&str]) -> usize {
        let named = |name: &str| variants.iter().position(|variant| variant.eq_ignore_ascii_case(name));
        let settled = self.control.as_deref().and_then(|name| variants.iter().position(|variant| *variant == name));
        let first = || (0..variants.len()).min_by_key(|i| variants[*i]).unwrap_or(0);
        settled.or_else(|| CONTROLS.into_iter().find_map(named)).unwrap_or_else(first)
    }

    /// What a metric decides. Where nobody settled it: errors and completed tasks are what it is about, the 95th percentile
    /// of latency and the cost of a call must not get worse.
    pub fn role(&self, metric: &Metric) -> Role {
        let usual = [Metric::ErrorRate, Metric::TaskCompletion];
        let guards = [Metric::LatencyP95, Metric::CostPerCall];
        if self.primary.as_deref().unwrap_or(&usual).contains(metric) {
            Role::Primary
        } else if self.guardrails.as_deref().unwrap_or(&guards).contains(metric) {
            Role::Guardrail
        } else {
            Role::Other
        }
    }

    /// How many metrics it is about, whether or not anything is known of them: levels must not change as scores come in.
    pub fn primaries(&self) -> usize {
        self.primary.as_ref().map_or(2, Vec::len).max(1)
    }

    /// The difference of a metric that matters for a control with this figure: as settled, else 5 % of it, of shares half a
    /// percentage point at least. 0 where nothing tells.
    pub fn threshold(&self, metric: &Metric, control: f64) -> f64 {
        match self.thresholds.iter().find(|(of, _)| of == metric) {
            Some((_, threshold)) => threshold.amount(control),
            None if metric.measured() == Measured::Share => (USUAL * control.abs()).max(LEAST_SHARE),
            None => USUAL * control.abs(),
        }
    }

    /// Which way a metric is better.
    pub fn good(&self, metric: &Metric) -> Good {
        match metric {
            Metric::Score(name) if self.lower_is_better.contains(name) => Good::Lower,
            other => other.good(),
        }
    }

    /// The weights of some variants; 1 for each where none are settled, 0 for one that has none among others that do.
    pub fn weights_of(&self, variants: &[&str]) -> Vec<f64> {
        if self.weights.is_empty() {
            return vec![1.0; variants.len()];
        }
        let weight = |name: &&str| self.weights.iter().find(|(of, _)| of == name).map_or(0.0, |(_, weight)| *weight);
        variants.iter().map(weight).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_control_is_settled_else_known_by_its_name_else_the_first() {
        let settled = Experiment { control: Some("b".to_owned()), ..Experiment::default() };
        assert_eq!(settled.control_of(&["a", "b"]), 1);
        let none = Experiment::default();
        assert_eq!(none.control_of(&["Treatment", "Control"]), 1);
        assert_eq!(none.control_of(&["x", "baseline", "A"]), 1);
        assert_eq!(none.control_of(&["zebra", "ant"]), 1);
        assert_eq!(none.control_of(&[]), 0);
    }

    #[test]
    fn a_percentage_is_of_the_control_and_points_are_points() {
        let of = |text: &str, metric: Metric| Threshold::parse(text, &metric);
        assert_eq!(of("1%", Metric::ErrorRate), Ok(Threshold::Relative(0.01)));
        assert_eq!(of("0.5pp", Metric::ErrorRate), Ok(Threshold::Absolute(0.005)));
        assert_eq!(of("50ms", Metric::LatencyP95), Ok(Threshold::Absolute(50_000.0)));
        assert_eq!(of("$0.002", Metric::CostPerCall), Ok(Threshold::Absolute(2e6)));
        for (text, metric) in [("0.5", Metric::ErrorRate), ("-1%", Metric::ErrorRate), ("5", Metric::LatencyP95)] {
            assert!(of(text, metric.clone()).is_err(), "{text} of {metric:?}");
        }
        assert_eq!(Threshold::Relative(0.01).amount(0.2), 0.002);
    }

    #[test]
    fn metrics_read_by_their_names() {
        for metric in Metric::ALL {
            assert_eq!(Metric::parse(&metric.name()), Some(metric));
        }
        assert_eq!(Metric::parse("score:relevance"), Some(Metric::Score("relevance".to_owned())));
        assert_eq!(Metric::parse("score:thumbs"), Some(Metric::Satisfaction));
        assert_eq!(Metric::parse("speed"), None);
    }
}
