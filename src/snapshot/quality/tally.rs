//! Judgements into figures: each call or trace once, by the newest score of its name. Pure; whoever has judgements makes
//! figures of them here, and nowhere else.

use super::{Agreed, By, Example, Figure, Scale, ScoreGroup, ScoreStats};
use crate::event::ScoreSource;
use crate::stats::quality::kappa::Agreement;
use crate::stats::quality::nps::Attitude;
use crate::view::{Range, RecordKey};
use std::collections::{BTreeMap, HashMap};

/// Which window a judgement is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The window.
    Now,
    /// The one before.
    Before,
}

/// What is judged, as far as figures are told apart by it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Subject {
    /// The model.
    pub model: Option<String>,
    /// The experiment's variant.
    pub variant: Option<String>,
    /// The application.
    pub app: Option<String>,
    /// The deployment environment.
    pub environment: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
}

/// What tags that name the version of a prompt begin with.
const PROMPTS: [&str; 6] =
    ["prompt:", "prompt=", "prompt_version:", "prompt_version=", "prompt-version:", "prompt_id:"];

impl Subject {
    /// Its values of one dimension; empty where it does not say.
    fn values(&self, by: By) -> Vec<&str> {
        fn one(value: &Option<String>) -> Vec<&str> {
            value.as_deref().into_iter().collect()
        }
        let is_version = |tag: &&str| PROMPTS.iter().any(|prompt| tag.starts_with(prompt));
        let tags = || self.tags.iter().map(String::as_str);
        match by {
            By::Model => one(&self.model),
            By::Variant => one(&self.variant),
            By::App => one(&self.app),
            By::Environment => one(&self.environment),
            By::Prompt => tags().filter(is_version).collect(),
            By::Tag => tags().filter(|tag| !is_version(tag)).collect(),
        }
    }
}

/// One score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// Its own time, µs, and the hash of its identity.
    pub key: RecordKey,
    /// A hash of what is judged; judgements of nothing that has a name have one of their own each.
    pub target: u64,
    /// The value.
    pub value: f64,
    /// Who judged.
    pub source: Option<ScoreSource>,
    /// The number of its [`Subject`].
    pub subject: u32,
}

/// The judgements of one name in the window and the one before.
#[derive(Debug, Default)]
struct Named {
    now: Vec<Judgement>,
    before: Vec<Judgement>,
}

/// Collects judgements.
#[derive(Debug, Default)]
pub struct Tally {
    subjects: Vec<Subject>,
    names: BTreeMap<String, Named>,
}

/// Names that stand first, in this order.
const FIRST: [&str; 5] = ["task_completed", "hallucination", "thumbs", "nps", "relevance"];

/// How many names are listed.
const NAMES: usize = 60;

/// How many groups of each kind are listed.
const GROUPS: usize = 40;

/// How many of the worst are listed.
const WORST: usize = 20;

/// Steps of a trend.
const STEPS: usize = 24;

impl Tally {
    /// Notes a subject; its number.
    pub fn subject(&mut self, subject: Subject) -> u32 {
        self.subjects.push(subject);
        self.subjects.len() as u32 - 1
    }

    /// Takes in a score.
    pub fn add(&mut self, name: &str, when: When, one: Judgement) {
        if !self.names.contains_key(name) {
            self.names.insert(name.to_owned(), Named::default());
        }
        let Some(named) = self.names.get_mut(name) else { return };
        match when {
            When::Now => named.now.push(one),
            When::Before => named.before.push(one),
        }
    }

    /// What it all came to, with a trend over a range; and how many names are left out. The worst have their keys and
    /// values alone.
    pub fn finish(mut self, range: Range) -> (Vec<ScoreStats>, u64) {
        let names = std::mem::take(&mut self.names);
        let mut all: Vec<ScoreStats> =
            names.into_iter().map(|(name, named)| self.score(name, named, range)).filter(is_there).collect();
        let place = |score: &ScoreStats| FIRST.iter().position(|first| *first == score.name).unwrap_or(FIRST.len());
        all.sort_by(|a, b| (place(a), b.now.count(), &a.name).cmp(&(place(b), a.now.count(), &b.name)));
        let further = all.len().saturating_sub(NAMES) as u64;
        all.truncate(NAMES);
        (all, further)
    }

    fn score(&self, name: String, mut named: Named, range: Range) -> ScoreStats {
        let values = named.now.iter().chain(&named.before).map(|one| one.value);
        let scale = Scale::of(&name, values);
        let all = named.now.len();
        named.now.retain(|one| scale.has(one.value));
        named.before.retain(|one| scale.has(one.value));
        let left_out = (all - named.now.len()) as u64;
        let (now, before) = (newest(&named.now, |_| 0), newest(&named.before, |_| 0));
        let figure = |list: &[Judgement]| figure(scale, list.iter().map(|one| one.value));
        let theirs = newest(&named.now, |one| one.source.map_or(0, |source| source as u8 + 1));
        let mut score = ScoreStats {
            scale,
            now: figure(&now),
            before: figure(&before),
            left_out,
            trend: trend(scale, &now, range),
            sources: sources(scale, &theirs),
            agreement: agreement(scale, &theirs),
            groups: self.groups(scale, &now, &before),
            name,
            worst: Vec::new(),
        };
        score.worst = worst(&score, now);
        score
    }

    fn groups(&self, scale: Scale, now: &[Judgement], before: &[Judgement]) -> Vec<ScoreGroup> {
        let mut out = Vec::new();
        for by in By::ALL {
            let mut groups: HashMap<&str, (Figure, Figure)> = HashMap::new();
            let nothing = || (Figure::new(scale), Figure::new(scale));
            let values =
                |one: &Judgement| self.subjects.get(one.subject as usize).map(|s| s.values(by)).unwrap_or_default();
            for one in now {
                values(one).into_iter().for_each(|v| groups.entry(v).or_insert_with(nothing).0.add(scale, one.value));
            }
            for one in before {
                values(one).into_iter().for_each(|v| groups.entry(v).or_insert_with(nothing).1.add(scale, one.value));
            }
            let mut groups: Vec<ScoreGroup> = groups
                .into_iter()
                .map(|(value, (now, before))| ScoreGroup { by, value: value.to_owned(), now, before })
                .filter(|group| group.now.count() > 0)
                .collect();
            groups.sort_by(|a, b| b.now.count().cmp(&a.now.count()).then_with(|| a.value.cmp(&b.value)));
            groups.truncate(GROUPS);
            out.append(&mut groups);
        }
        out
    }
}

fn is_there(score: &ScoreStats) -> bool {
    score.now.count() + score.before.count() + score.left_out > 0
}

fn figure(scale: Scale, values: impl Iterator<Item = f64>) -> Figure {
    let mut figure = Figure::new(scale);
    values.for_each(|value| figure.add(scale, value));
    figure
}

/// The newest judgement of each target, and of whatever else tells them apart; in order of time.
fn newest(list: &[Judgement], apart: fn(&Judgement) -> u8) -> Vec<Judgement> {
    let mut last: HashMap<(u64, u8), Judgement> = HashMap::with_capacity(list.len());
    for one in list {
        let known = last.entry((one.target, apart(one))).or_insert(*one);
        if known.key < one.key {
            *known = *one;
        }
    }
    let mut out: Vec<Judgement> = last.into_values().collect();
    out.sort_unstable_by_key(|one| one.key);
    out
}

fn trend(scale: Scale, now: &[Judgement], range: Range) -> Vec<Option<f64>> {
    let len = i128::from(range.until_us) - i128::from(range.since_us);
    if len <= 0 {
        return Vec::new();
    }
    let mut steps = vec![Figure::new(scale); STEPS];
    for one in now {
        let at = (i128::from(one.key.ts_us) - i128::from(range.since_us)) * STEPS as i128 / len;
        if let Some(step) = usize::try_from(at).ok().and_then(|at| steps.get_mut(at)) {
            step.add(scale, one.value);
        }
    }
    steps.iter().map(Figure::value).collect()
}

fn sources(scale: Scale, theirs: &[Judgement]) -> Vec<(Option<ScoreSource>, Figure)> {
    let who = [None].into_iter().chain(ScoreSource::ALL.map(Some));
    let mut out: Vec<_> = who
        .map(|source| (source, figure(scale, theirs.iter().filter(|one| one.source == source).map(|one| one.value))))
        .filter(|(_, figure)| figure.count() > 0)
        .collect();
    out.sort_by_key(|(_, figure)| std::cmp::Reverse(figure.count()));
    out
}

/// Who is held against whom, the first two that judged something together.
const RATERS: [(ScoreSource, ScoreSource); 3] = [
    (ScoreSource::Judge, ScoreSource::Human),
    (ScoreSource::Judge, ScoreSource::User),
    (ScoreSource::Rule, ScoreSource::Human),
];

fn agreement(scale: Scale, theirs: &[Judgement]) -> Option<Agreed> {
    let category = category_of(scale, theirs)?;
    RATERS.into_iter().find_map(|(first, second)| {
        let of = |who| theirs.iter().filter(move |one| one.source == Some(who));
        let people: HashMap<u64, f64> = of(second).map(|one| (one.target, one.value)).collect();
        let mut agreement = Agreement::default();
        for one in of(first) {
            if let Some(value) = people.get(&one.target) {
                agreement.add(category(one.value), category(*value));
            }
        }
        let (count, same) = (agreement.count(), agreement.same());
        let (kappa, interval) = (agreement.kappa(), agreement.interval());
        (count > 0).then_some(Agreed { first, second, count, same, kappa, interval })
    })
}

/// What of a value raters can agree on: yes or no, the attitude, the grade; of shares whether they are half and more.
/// `None` where values are no categories.
fn category_of(scale: Scale, theirs: &[Judgement]) -> Option<fn(f64) -> i64> {
    match scale {
        Scale::Rate => Some(|value| i64::from(Scale::Rate.is_yes(value))),
        Scale::Thumbs => Some(|value| i64::from(Scale::Thumbs.is_yes(value))),
        Scale::Nps => Some(|value| Attitude::of(value).map_or(-1, |attitude| attitude as i64)),
        Scale::Mean if theirs.iter().all(|one| one.value.fract() == 0.0 && one.value.abs() < 1e9) => {
            Some(|value| value as i64)
        }
        Scale::Mean if theirs.iter().all(|one| (0.0..=1.0).contains(&one.value)) => {
            Some(|value| i64::from(value >= 0.5))
        }
        Scale::Mean => None,
    }
}

/// The worst, the worst first and of equal ones the newest; of what is yes or no only what is bad.
fn worst(score: &ScoreStats, mut list: Vec<Judgement>) -> Vec<Example> {
    let bad_high = score.is_bad_high();
    match score.scale {
        Scale::Rate | Scale::Thumbs => list.retain(|one| score.scale.is_yes(one.value) == bad_high),
        Scale::Nps => list.retain(|one| Attitude::of(one.value) == Some(Attitude::Detractor)),
        Scale::Mean => {}
    }
    let badness = |one: &Judgement| if bad_high { -one.value } else { one.value };
    list.sort_by(|a, b| badness(a).total_cmp(&badness(b)).then_with(|| b.key.cmp(&a.key)));
    let example =
        |one: &Judgement| Example { key: one.key, value: one.value, source: one.source, ..Example::default() };
    list.iter().take(WORST).map(example).collect()
}
