//! `[experiment.NAME]`: what is settled about an experiment before it runs.

use super::Config;
use super::lists::Section;
use crate::nearest::did_you_mean;
use crate::view::{Experiment, Metric, Threshold, Unit};

/// Reads a section.
pub(super) fn read(section: &mut Section<'_>, config: &mut Config) {
    let mut experiment = Experiment::unsettled(section.title());
    experiment.control = section.read("control", "the name of a variant", name);
    if let Some(unit) = section.read("unit", "\"user\", \"session\" or \"request\"", unit) {
        experiment.unit = unit;
    }
    let weights = section.pairs("weights", "numbers above 0 by variant, such as { control = 50, short = 50 }", weight);
    experiment.weights = weights.unwrap_or_default();
    let metrics = format!("names of metrics, of {}, score:NAME", metric_names());
    experiment.primary = section.each("primary", &metrics, metric);
    experiment.guardrails = section.each("guardrails", &metrics, metric);
    let thresholds = "differences by metric, such as { error_rate = \"0.5pp\", latency_p95 = \"5%\" }";
    experiment.thresholds = section.pairs("thresholds", thresholds, threshold).unwrap_or_default();
    experiment.lower_is_better = section.each("lower_is_better", "names of scores", name).unwrap_or_default();
    experiment.aa = section.read("aa", "true or false", switch).unwrap_or_default();
    if experiment.name.trim().is_empty() {
        return section.fault("an experiment needs a name");
    }
    let weighs =
        |variant: &String| experiment.weights.is_empty() || experiment.weights.iter().any(|(v, _)| v == variant);
    if experiment.control.as_ref().is_some_and(|control| !weighs(control)) {
        return section.fault_at("weights", "the control has none; give each variant one, or none any");
    }
    config.experiments.push(experiment);
}

fn metric_names() -> String {
    Metric::ALL.iter().map(Metric::name).collect::<Vec<_>>().join(", ")
}

fn name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("empty".to_owned()) } else { Ok(text.to_owned()) }
}

fn unit(text: &str) -> Result<Unit, String> {
    Unit::from_word(text).ok_or_else(|| format!("no unit {text:?}{}", did_you_mean(text, Unit::ALL.map(Unit::word))))
}

/// A metric by its name; used by flags as well.
pub(crate) fn metric(text: &str) -> Result<Metric, String> {
    let names = Metric::ALL.map(|metric| metric.name());
    let near = || did_you_mean(text, names.iter().map(String::as_str));
    Metric::parse(text).ok_or_else(|| format!("no metric {text:?}{}", near()))
}

fn weight(variant: &str, text: &str) -> Result<(String, f64), String> {
    let weight = text.parse::<f64>().ok().filter(|weight| *weight > 0.0 && weight.is_finite());
    weight.map(|weight| (variant.to_owned(), weight)).ok_or_else(|| format!("{variant} = {text} is no weight"))
}

fn threshold(name: &str, text: &str) -> Result<(Metric, Threshold), String> {
    let metric = metric(name)?;
    let threshold = Threshold::parse(text, &metric)?;
    Ok((metric, threshold))
}

fn switch(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| format!("{text:?} is neither true nor false"))
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::config::file::read;
    use crate::view::{Metric, Role, Threshold, Unit};

    #[test]
    fn an_experiment_is_read() {
        let text = r#"
            [experiment.short_answers]
            control = "control"
            unit = "session"
            weights = { control = 90, treatment = 10 }
            primary = ["task_completion"]
            guardrails = ["error_rate", "score:hallucination"]
            thresholds = { task_completion = "2pp", latency_p95 = "5%", "score:tone" = 0.1 }
            lower_is_better = ["snark"]
            aa = true
        "#;
        let mut config = Config::default();
        let (entries, faults) = read(text, &mut config);
        assert!(entries.is_empty() && faults.is_empty(), "{faults:?}");
        let found = &config.experiments[0];
        assert_eq!((found.name.as_str(), found.unit, found.aa), ("short_answers", Unit::Session, true));
        assert_eq!(found.weights_of(&["treatment", "control"]), [10.0, 90.0]);
        assert_eq!(found.role(&Metric::Score("hallucination".to_owned())), Role::Guardrail);
        assert!(found.thresholds.contains(&(Metric::TaskCompletion, Threshold::Absolute(0.02))));
        assert_eq!(found.threshold(&Metric::Score("tone".to_owned()), 4.0), 0.1);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let text = "[experiment.x]\nunit = \"people\"\nprimary = [\"speed\"]\nweights = { a = 0 }\nthresholds = { error_rate = 1 }\nunits = 3\n";
        let (_, faults) = read(text, &mut Config::default());
        let lines: Vec<usize> = faults.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 6], "{faults:?}");
    }
}
