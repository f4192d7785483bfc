//! Whole experiments judged: what decides, what is corrected, and what a mismatch does.

use super::*;

/// An arm of so many units with one call each; every `failing`th call fails, each costs about so much.
fn arm(variant: &str, units: u64, failing: u64, cost: f64) -> ArmSums {
    let mut arm = ArmSums { variant: variant.to_owned(), units, calls: units, ..ArmSums::default() };
    let (mut errors, mut costs) = (Moments::default(), Moments::default());
    for i in 0..units {
        errors.add(f64::from(u8::from(i % failing == 0)), 1.0);
        costs.add(cost * (0.8 + 0.1 * (i % 5) as f64), 1.0);
    }
    arm.ratios.insert(Metric::ErrorRate, errors);
    arm.ratios.insert(Metric::CostPerCall, costs);
    arm
}

fn judged(rule: Rule, arms: Vec<ArmSums>) -> Experiment {
    Experiment::of(rule, Sums { arms, ..Sums::default() })
}

fn said(experiment: &Experiment, metric: Metric) -> Option<Judgement> {
    experiment.judgement(experiment.measure(&metric)?, 1)
}

#[test]
fn the_control_comes_first_and_a_better_variant_is_better() {
    let found = judged(Rule::unsettled("x"), vec![arm("b", 5_000, 40, 1e6), arm("control", 5_000, 10, 1e6)]);
    assert_eq!(found.arms[0].variant, "control");
    assert_eq!(said(&found, Metric::ErrorRate), Some(Judgement::Better));
    assert_eq!(said(&found, Metric::CostPerCall), Some(Judgement::NoDifference(5e4)));
    assert_eq!(found.headline_words(1), "better: error rate −7.50 pp");
    assert_eq!(found.judgement(&found.measures[0], 0), None, "of the control itself");
}

#[test]
fn a_guardrail_that_is_worse_goes_before_a_win() {
    let found = judged(Rule::unsettled("x"), vec![arm("a", 5_000, 10, 1e6), arm("b", 5_000, 40, 1.4e6)]);
    assert_eq!(said(&found, Metric::ErrorRate), Some(Judgement::Better));
    assert_eq!(found.headline_words(1), "worse: cost per call +40.0 %");
}

#[test]
fn a_mismatch_goes_before_everything() {
    let found = judged(Rule::unsettled("x"), vec![arm("a", 5_000, 10, 1e6), arm("b", 4_000, 40, 1e6)]);
    assert!(found.is_mismatched());
    assert_eq!(said(&found, Metric::ErrorRate), Some(Judgement::Mismatch));
    assert_eq!(found.headline(1).judgement, Judgement::Mismatch);
    let weights = vec![("a".to_owned(), 5.0), ("b".to_owned(), 4.0)];
    let settled = Rule { weights, ..Rule::unsettled("x") };
    let found = judged(settled, vec![arm("a", 5_000, 10, 1e6), arm("b", 4_000, 40, 1e6)]);
    assert_eq!(said(&found, Metric::ErrorRate), Some(Judgement::Better));
}

#[test]
fn every_win_of_an_aa_experiment_is_false() {
    let rule = Rule { aa: true, ..Rule::unsettled("x") };
    let found = judged(rule, vec![arm("a", 5_000, 10, 1e6), arm("b", 5_000, 40, 1e6)]);
    assert_eq!(found.headline_words(1), "false win: error rate −7.50 pp");
}

#[test]
fn few_units_are_said_to_be_few_and_one_variant_is_no_experiment() {
    let found = judged(Rule::unsettled("x"), vec![arm("a", 12, 10, 1e6), arm("b", 20, 40, 1e6)]);
    assert_eq!(found.headline(1).judgement, Judgement::TooFew(18));
    let alone = judged(Rule::unsettled("x"), vec![arm("a", 500, 10, 1e6)]);
    assert_eq!((alone.mismatch.clone(), alone.measures[0].comparisons.len()), (None, 1));
    assert!(judged(Rule::unsettled("x"), Vec::new()).measures.is_empty());
}

#[test]
fn several_variants_share_the_level() {
    let three = vec![arm("a", 900, 10, 1e6), arm("b", 900, 10, 1e6), arm("c", 900, 10, 1e6)];
    let found = judged(Rule::unsettled("x"), three);
    let alphas = |metric| {
        let measure = found.measure(&metric).expect("a metric");
        measure.comparisons.iter().flatten().map(|found| found.alpha).collect::<Vec<_>>()
    };
    assert_eq!(alphas(Metric::ErrorRate), [0.0125; 2], "two variants, two metrics it is about");
    assert_eq!(alphas(Metric::CostPerCall), [0.025; 2], "a guardrail");
}
