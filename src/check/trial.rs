//! An experiment held to a margin: whether a variant is known to be not worse than the control by more than that, or known to
//! be, or neither yet. As text, JSON or JUnit XML, with the exit codes of all of `check`.

use super::gate::Verdict;
use crate::snapshot::experiments::{Comparison, Experiment, Interval, Measure};
use crate::units::{clean, harmless_json};
use crate::view::{Good, Metric, Threshold};
use serde_json::json;
use std::io;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Trial {
    /// By which metric.
    pub metric: Metric,
    /// By how much it may be worse.
    pub margin: Threshold,
    /// The margin as it was typed.
    pub typed: String,
    /// Which variant; `None` is each of them.
    pub variant: Option<String>,
}

/// One variant judged.
#[derive(Debug)]
pub struct Held {
    /// Which.
    pub variant: String,
    /// What is known of it, in words.
    pub words: String,
    /// By how much it may be worse, in the metric's unit.
    pub margin: Option<f64>,
    /// The comparison.
    pub found: Option<Comparison>,
    /// The judgement.
    pub verdict: Verdict,
}

/// A whole judgement.
#[derive(Debug)]
pub struct Judged {
    /// The experiment's name.
    pub experiment: String,
    /// What was asked.
    pub trial: Trial,
    /// Each variant.
    pub held: Vec<Held>,
    /// Whether everything was read that was named.
    pub read_all: bool,
}

impl Judged {
    /// Judges. What is worse than the margin at every value of the interval is not held; what is better than it at every
    /// value is; all else is not known yet.
    pub fn of(experiment: &Experiment, trial: Trial, read_all: bool) -> Judged {
        let wanted = |variant: &str| trial.variant.as_deref().is_none_or(|only| only == variant);
        let arms = (1..experiment.arms.len()).filter(|arm| wanted(&experiment.arms[*arm].variant));
        let held = arms.map(|arm| hold(experiment, &trial, arm)).collect();
        Judged { experiment: experiment.rule.name.clone(), trial, held, read_all }
    }

    /// The judgement of it all: what is not held is not held, whatever else is unknown.
    pub fn verdict(&self) -> Verdict {
        if self.held.iter().any(|held| held.verdict == Verdict::NotHeld) {
            return Verdict::NotHeld;
        }
        match self.held.iter().find(|held| matches!(held.verdict, Verdict::Unjudged(_))) {
            Some(held) => held.verdict.clone(),
            None if self.held.is_empty() => Verdict::Unjudged("there is no such variant beside the control".to_owned()),
            None if !self.read_all => Verdict::Unjudged("not everything could be read".to_owned()),
            None => Verdict::Held,
        }
    }

    /// Writes it in a form of `check`.
    ///
    /// # Errors
    /// Those of writing, and `InvalidInput` for an unknown form.
    pub fn write(&self, form: &str, out: &mut dyn io::Write) -> io::Result<()> {
        match form {
            "text" => self.text(out),
            "json" => self.json(out),
            "junit" => self.junit(out),
            other => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("no form is called {other:?}"))),
        }
    }

    fn asked(&self) -> String {
        format!("{} not worse than the control by {}", self.trial.metric.title(), self.margin_words())
    }

    fn margin_words(&self) -> String {
        match self.trial.margin {
            Threshold::Relative(_) => format!("{} of its figure", self.trial.typed),
            Threshold::Absolute(_) => self.trial.typed.clone(),
        }
    }

    fn text(&self, out: &mut dyn io::Write) -> io::Result<()> {
        writeln!(out, "experiment  {}", clean(&self.experiment))?;
        writeln!(out, "asked       {}\n", self.asked())?;
        for held in &self.held {
            writeln!(out, "{}  {}", clean(&held.variant), held.words)?;
        }
        let last = match self.verdict() {
            Verdict::Held => "held".to_owned(),
            Verdict::NotHeld => "not held".to_owned(),
            Verdict::Unjudged(why) => format!("not known: {}", clean(&why)),
        };
        writeln!(out, "\n{last}")
    }

    fn json(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let verdict = self.verdict();
        let held = |held: &Held| {
            let found = held.found.as_ref();
            json!({
                "variant": held.variant,
                "verdict": held.verdict.word(),
                "why": held.verdict.why(),
                "margin": held.margin,
                "difference": found.map(|found| found.difference),
                "low": found.and_then(|found| found.interval).map(|interval| interval.low),
                "high": found.and_then(|found| found.interval).map(|interval| interval.high),
            })
        };
        let document = json!({
            "schema": 1,
            "verdict": verdict.word(),
            "exit_code": verdict.exit_code(),
            "experiment": self.experiment,
            "metric": self.trial.metric.name(),
            "not_worse_than": self.trial.typed,
            "read_all": self.read_all,
            // In µs, nano-dollars, shares, tokens or a score's own scale.
            "variants": self.held.iter().map(held).collect::<Vec<_>>(),
        });
        writeln!(out, "{}", harmless_json(&serde_json::to_string_pretty(&document)?))
    }

    fn junit(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let count = |of: fn(&Verdict) -> bool| self.held.iter().filter(|held| of(&held.verdict)).count();
        let (failures, errors) = (
            count(|v| *v == Verdict::NotHeld),
            count(|v| matches!(v, Verdict::Unjudged(_))) + usize::from(self.held.is_empty()),
        );
        let counts =
            format!(r#"tests="{}" failures="{failures}" errors="{errors}" skipped="0""#, self.held.len().max(1));
        writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
        writeln!(out, r#"<testsuites name="llmtop check" {counts} time="0">"#)?;
        writeln!(out, r#"  <testsuite name="llmtop check" {counts} time="0">"#)?;
        if self.held.is_empty() {
            let name = escaped(&self.experiment);
            writeln!(
                out,
                r#"    <testcase classname="llmtop check" name="{name}" time="0"><error message="there is no such variant beside the control"/></testcase>"#
            )?;
        }
        for held in &self.held {
            let name = escaped(&format!("{} of {}: {}", held.variant, self.experiment, self.asked()));
            let said = escaped(&held.words);
            let inside = match &held.verdict {
                Verdict::Held => String::new(),
                Verdict::NotHeld => format!(r#"<failure type="experiment" message="{said}">{said}</failure>"#),
                Verdict::Unjudged(_) => format!(r#"<error message="{said}"/>"#),
            };
            writeln!(out, r#"    <testcase classname="llmtop check" name="{name}" time="0">{inside}</testcase>"#)?;
        }
        writeln!(out, "  </testsuite>\n</testsuites>")
    }
}

fn escaped(text: &str) -> String {
    clean(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// One variant.
fn hold(experiment: &Experiment, trial: &Trial, arm: usize) -> Held {
    let variant = experiment.arms[arm].variant.clone();
    let unknown = |why: String| Held {
        variant: variant.clone(),
        words: why.clone(),
        margin: None,
        found: None,
        verdict: Verdict::Unjudged(why),
    };
    if experiment.is_mismatched() {
        return unknown("units are not shared out as they should be".to_owned());
    }
    let Some(measure) = experiment.measure(&trial.metric) else {
        return unknown(format!("no call says anything of {}", trial.metric.title()));
    };
    let (Some(found), Some(Some(control))) = (measure.comparisons.get(arm).cloned().flatten(), measure.figures.first())
    else {
        return unknown(format!("{} is not known well enough", trial.metric.title()));
    };
    let margin = trial.margin.amount(*control);
    let verdict = match found.interval {
        None => Verdict::Unjudged("too few units".to_owned()),
        Some(interval) => weigh(measure.good, interval, margin),
    };
    Held { variant, words: words(measure, &found, margin), margin: Some(margin), found: Some(found), verdict }
}

/// Of what has no better, more counts as worse.
fn weigh(good: Good, Interval { low, high }: Interval, margin: f64) -> Verdict {
    let (least, most) = if good == Good::Higher { (-high, -low) } else { (low, high) };
    if most <= margin {
        Verdict::Held
    } else if least > margin {
        Verdict::NotHeld
    } else {
        Verdict::Unjudged("it cannot be told yet".to_owned())
    }
}

fn words(measure: &Measure, found: &Comparison, margin: f64) -> String {
    let change = measure.difference(found.difference);
    match found.interval {
        None => format!("{change}, too few units"),
        Some(Interval { low, high }) => {
            let sign = if measure.good == Good::Higher { -1.0 } else { 1.0 };
            let (low, high, most) =
                (measure.difference(low), measure.difference(high), measure.difference(sign * margin));
            format!("{change}, between {low} and {high}; {most} is allowed")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_not_held_and_not_known_are_three() {
        let interval = |low: f64, high: f64| Interval { low, high };
        for (good, low, high, code) in [
            (Good::Lower, -0.02, 0.01, 0),
            (Good::Lower, -0.02, 0.011, 2),
            (Good::Lower, 0.011, 0.02, 1),
            (Good::Higher, -0.01, 0.3, 0),
            (Good::Higher, -0.3, -0.02, 1),
            (Good::Higher, -0.3, 0.02, 2),
            (Good::Neither, 0.02, 0.03, 1),
        ] {
            assert_eq!(weigh(good, interval(low, high), 0.01).exit_code(), code, "{good:?} {low} {high}");
        }
    }
}
