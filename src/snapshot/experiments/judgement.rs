//! Verdicts in words: of one metric, and of a variant as a whole. The words are the same on every face.

use super::{Experiment, Measure, Verdict};
use crate::units;
use crate::view::{Good, Measured, Metric, Role};

/// What can be said of one metric of one variant.
#[derive(Debug, Clone, PartialEq)]
pub enum Judgement {
    /// Units were not shared out as they should be: nothing can be said.
    Mismatch,
    /// So many more units are needed before anything is said.
    TooFew(u64),
    /// Better than the control.
    Better,
    /// Worse than the control.
    Worse,
    /// More than the control, of what has no better.
    Higher,
    /// Less than the control, of what has no better.
    Lower,
    /// In an A/A experiment: a difference that cannot be.
    FalseWin,
    /// No difference larger than this, in the metric's unit.
    NoDifference(f64),
    /// About so many more units; `None` where nothing tells.
    NotYet(Option<u64>),
}

/// A variant as a whole: what is said, and of which metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Headline {
    /// What is said.
    pub judgement: Judgement,
    /// Of which metric; `None` where it is of all.
    pub metric: Option<Metric>,
}

impl Judgement {
    /// The word for machines.
    pub const fn word(&self) -> &'static str {
        match self {
            Judgement::Mismatch => "mismatch",
            Judgement::TooFew(_) => "too_few_units",
            Judgement::Better => "better",
            Judgement::Worse => "worse",
            Judgement::Higher => "higher",
            Judgement::Lower => "lower",
            Judgement::FalseWin => "false_win",
            Judgement::NoDifference(_) => "no_difference",
            Judgement::NotYet(_) => "not_yet",
        }
    }

    /// The words for people; amounts are told in what the metric is told in.
    pub fn words(&self, measured: Measured) -> String {
        match self {
            Judgement::Mismatch => "mismatch: no verdict".to_owned(),
            Judgement::TooFew(more) => format!("too few units, {} more", amount_of(*more)),
            Judgement::Better => "better".to_owned(),
            Judgement::Worse => "worse".to_owned(),
            Judgement::Higher => "higher".to_owned(),
            Judgement::Lower => "lower".to_owned(),
            Judgement::FalseWin => "false win".to_owned(),
            Judgement::NoDifference(than) => format!("no difference > {}", amount(measured, *than)),
            Judgement::NotYet(None) => "not yet".to_owned(),
            Judgement::NotYet(Some(more)) => format!("not yet, ~{} more units", amount_of(*more)),
        }
    }
}

fn amount_of(units: u64) -> String {
    units::compact(units as f64)
}

/// A difference in a metric's unit, without a sign: of shares, percentage points.
pub fn amount(measured: Measured, value: f64) -> String {
    match measured {
        Measured::Share => format!("{} pp", units::digits3(value * 100.0)),
        _ => figure(measured, value),
    }
}

/// A figure in a metric's unit.
pub fn figure(measured: Measured, value: f64) -> String {
    match measured {
        Measured::Share => units::percent(value),
        Measured::Time => units::duration_us(value),
        Measured::Money => units::usd(value.round() as i64),
        Measured::Tokens | Measured::Number => units::compact(if value.abs() >= 1e3 { value.round() } else { value }),
    }
}

impl Measure {
    /// What can be said of a variant by this metric, in an experiment that is not mismatched; `None` of the control, and where
    /// a figure is not known well enough.
    fn judgement(&self, arm: usize, aa: bool) -> Option<Judgement> {
        let found = self.comparisons.get(arm)?.as_ref()?;
        Some(match (found.verdict, self.good) {
            (Verdict::TooFew { more }, _) => Judgement::TooFew(more),
            (Verdict::NotYet { more }, _) => Judgement::NotYet(more),
            (Verdict::NoDifference { than }, _) => Judgement::NoDifference(than),
            (Verdict::Higher | Verdict::Lower, _) if aa => Judgement::FalseWin,
            (Verdict::Higher, Good::Higher) | (Verdict::Lower, Good::Lower) => Judgement::Better,
            (Verdict::Higher, Good::Lower) | (Verdict::Lower, Good::Higher) => Judgement::Worse,
            (Verdict::Higher, Good::Neither) => Judgement::Higher,
            (Verdict::Lower, Good::Neither) => Judgement::Lower,
        })
    }

    /// A figure in words.
    pub fn figure(&self, value: f64) -> String {
        figure(self.measured, value)
    }

    /// A difference in words, with its sign: of shares in percentage points, of all else in per cent of the control where it
    /// has a figure that is not 0.
    pub fn difference(&self, difference: f64) -> String {
        let sign = if difference < 0.0 { "−" } else { "+" };
        let size = difference.abs();
        match (self.measured, self.figures.first().copied().flatten().filter(|control| *control != 0.0)) {
            (Measured::Share, _) | (_, None) => format!("{sign}{}", amount(self.measured, size)),
            (_, Some(control)) => format!("{sign}{}", units::percent(size / control.abs())),
        }
    }
}

impl Experiment {
    /// What can be said of a variant by a metric; a mismatch goes before anything else.
    pub fn judgement(&self, measure: &Measure, arm: usize) -> Option<Judgement> {
        if self.is_mismatched() && arm > 0 {
            return Some(Judgement::Mismatch);
        }
        measure.judgement(arm, self.rule.aa)
    }

    /// What can be said of a variant as a whole: a mismatch; else what got worse, of what it is about and of what must not;
    /// else what it is about and got better; else that nothing differs; else how long it takes.
    pub fn headline(&self, arm: usize) -> Headline {
        let all = |judgement| Headline { judgement, metric: None };
        if self.is_mismatched() {
            return all(Judgement::Mismatch);
        }
        let of = |roles: &'static [Role]| {
            let measures = self.measures.iter().filter(move |measure| roles.contains(&measure.role));
            measures.filter_map(move |measure| Some((measure, measure.judgement(arm, self.rule.aa)?)))
        };
        let find = |roles: &'static [Role], wanted: Judgement| {
            let found = of(roles).find(|(_, judgement)| *judgement == wanted);
            found.map(|(measure, judgement)| Headline { judgement, metric: Some(measure.metric.clone()) })
        };
        const DECIDING: &[Role] = &[Role::Primary, Role::Guardrail];
        const PRIMARY: &[Role] = &[Role::Primary];
        let firm = [
            (DECIDING, Judgement::FalseWin),
            (DECIDING, Judgement::Worse),
            (PRIMARY, Judgement::Better),
            (PRIMARY, Judgement::Higher),
            (PRIMARY, Judgement::Lower),
        ];
        if let Some(found) = firm.into_iter().find_map(|(roles, wanted)| find(roles, wanted)) {
            return found;
        }
        let left: Vec<Judgement> = of(PRIMARY).map(|(_, judgement)| judgement).collect();
        let few = left.iter().filter_map(|judgement| match judgement {
            Judgement::TooFew(more) => Some(*more),
            _ => None,
        });
        let open = left.iter().filter_map(|judgement| match judgement {
            Judgement::NotYet(more) => Some(more.unwrap_or(u64::MAX)),
            _ => None,
        });
        if let Some(more) = open.min() {
            return all(Judgement::NotYet((more < u64::MAX).then_some(more)));
        }
        match (few.min(), of(PRIMARY).next()) {
            (Some(more), _) => all(Judgement::TooFew(more)),
            (None, Some((measure, judgement))) => Headline { judgement, metric: Some(measure.metric.clone()) },
            (None, None) => all(Judgement::NotYet(None)),
        }
    }

    /// The headline in words: `better: task completion +8.10 pp`.
    pub fn headline_words(&self, arm: usize) -> String {
        let Headline { judgement, metric } = self.headline(arm);
        let measure = metric.as_ref().and_then(|metric| self.measure(metric));
        let words = judgement.words(measure.map_or(Measured::Number, |measure| measure.measured));
        let difference = |measure: &Measure| {
            let found = measure.comparisons.get(arm)?.as_ref()?;
            Some(measure.difference(found.difference))
        };
        match (measure, &judgement) {
            (Some(measure), Judgement::NoDifference(_)) => format!("{words} of {}", measure.metric.title()),
            (Some(measure), _) => {
                let by = difference(measure).unwrap_or_default();
                format!("{words}: {} {by}", measure.metric.title())
            }
            (None, _) => words,
        }
    }
}
