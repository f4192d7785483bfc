//! What judgements come to.

use super::*;
use crate::view::Range;

const HOUR: i64 = 3_600_000_000;

fn one(at: i64, target: u64, value: f64, source: ScoreSource) -> Judgement {
    Judgement { key: RecordKey { ts_us: at, id: at }, target, value, source: Some(source), subject: 0 }
}

fn tallied(name: &str, list: &[Judgement]) -> ScoreStats {
    let mut tally = Tally::default();
    tally.subject(Subject {
        model: Some("m".into()),
        tags: vec!["vip".into(), "prompt:v3".into()],
        ..Subject::default()
    });
    list.iter().for_each(|one| tally.add(name, When::Now, *one));
    let (mut scores, further) = tally.finish(Range { since_us: 0, until_us: 24 * HOUR });
    assert_eq!((scores.len(), further), (1, 0));
    scores.remove(0)
}

#[test]
fn each_target_counts_once_by_its_newest_score() {
    let judge = ScoreSource::Judge;
    let list =
        [one(3, 1, 0.0, judge), one(1, 1, 1.0, judge), one(2, 2, 1.0, ScoreSource::Human), one(4, 2, 0.7, judge)];
    let score = tallied("task_completed", &list);
    assert_eq!(score.now.parts, Parts::Share { yes: 1, all: 2 });
    assert_eq!(
        score.sources.iter().map(|(who, f)| (*who, f.count())).collect::<Vec<_>>(),
        [(Some(judge), 2), (Some(ScoreSource::Human), 1)]
    );
    let agreed = score.agreement.expect("both judged the second");
    assert_eq!((agreed.count, agreed.same, agreed.kappa), (1, 1, None));
    assert_eq!(score.worst.iter().map(|e| e.key.ts_us).collect::<Vec<_>>(), [3]);
}

#[test]
fn the_values_say_what_a_figure_is() {
    let user = ScoreSource::User;
    let of = |name: &str, values: &[f64]| {
        let list: Vec<Judgement> = values.iter().enumerate().map(|(i, v)| one(i as i64, i as u64, *v, user)).collect();
        tallied(name, &list)
    };
    let cases = [
        ("thumbs", vec![1.0, -1.0, 1.0, 1.0], Scale::Thumbs, Some(0.75)),
        ("nps", vec![10.0, 9.0, 7.0, 2.0], Scale::Nps, Some(25.0)),
        ("hallucination", vec![1.0, 0.0], Scale::Rate, Some(0.5)),
        ("relevance", vec![1.0, 0.5], Scale::Mean, Some(0.75)),
        ("stars", vec![5.0, 4.0], Scale::Mean, Some(4.5)),
    ];
    for (name, values, scale, value) in cases {
        let score = of(name, &values);
        assert_eq!((score.scale, score.now.value()), (scale, value), "{name}");
    }
    let odd = of("task_completed", &[1.0, 7.0]);
    assert_eq!((odd.now.count(), odd.left_out), (1, 1));
    assert_eq!(of("nps", &[11.0]).now.value(), None);
    // One slip among many says nothing of what the others are.
    for (name, slip, scale) in [("hallucination", 42.0, Scale::Rate), ("thumbs", 5.0, Scale::Thumbs)] {
        let mut values = vec![1.0; 19];
        values.push(slip);
        let score = of(name, &values);
        assert_eq!((score.scale, score.now.count(), score.left_out), (scale, 19, 1), "{name}");
    }
}

#[test]
fn the_worst_are_the_highest_where_the_name_says_so() {
    let judge = ScoreSource::Judge;
    let list = [one(1, 1, 0.2, judge), one(2, 2, 0.9, judge), one(3, 3, 0.2, judge)];
    let keys = |name: &str| tallied(name, &list).worst.iter().map(|e| e.key.ts_us).collect::<Vec<_>>();
    assert_eq!(keys("relevance"), [3, 1, 2]);
    assert_eq!(keys("hallucination"), [2, 3, 1]);
    assert!(is_bad_high("Toxicity") && !is_bad_high("relevance"));
}

#[test]
fn versions_of_prompts_are_tags_that_say_so() {
    let score = tallied("thumbs", &[one(HOUR, 1, 1.0, ScoreSource::User)]);
    let groups: Vec<(By, &str)> = score.groups.iter().map(|g| (g.by, g.value.as_str())).collect();
    assert_eq!(groups, [(By::Model, "m"), (By::Prompt, "prompt:v3"), (By::Tag, "vip")]);
    assert_eq!(score.trend.iter().position(Option::is_some), Some(1));
}
