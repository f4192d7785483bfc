//! What scores and retrievals of a window came to: their rows, each with what it judges, into the tallies of
//! `snapshot::quality`.

use super::Answer;
use super::context::Context;
use super::pace::Pace;
use super::read_error::ReadResult;
use super::row::{COLUMNS, Stored};
use super::series::Who;
use super::subject::passes;
use crate::event::ScoreSource;
use crate::snapshot::Tasks;
use crate::snapshot::quality::{Example, Judgement, Parts, Quality, Subject as Told, Tally, When};
use crate::store::Watch;
use crate::store::sqlite::scores::Judged;
use crate::view::{Anchor, Dim, Field, Number, Range, RecordKey, Span, Subject};
use foldhash::HashMap;
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, params};
use std::hash::BuildHasher;

/// Scores and retrievals.
pub fn quality(answer: &Answer<'_>, watch: &dyn Watch) -> ReadResult<Quality> {
    let mut scan = Scan::new(answer, watch);
    scan.read(range(answer), When::Now, None)?;
    if let Some(before) = before(answer) {
        scan.read(before, When::Before, None)?;
    }
    let (waiting, unknown) = (scan.waiting, scan.unknown);
    let (mut scores, further_names) = scan.tally.finish(answer.range);
    for score in &mut scores {
        for example in &mut score.worst {
            tell(answer.context, example)?;
        }
    }
    let retrieval = super::retrievals::retrievals(answer, watch)?;
    let gone_us = answer.gone(answer.range, answer.horizon.rows_us);
    Ok(Quality { scores, further_names, waiting, unknown, gone_us, covered: answer.covered, retrieval })
}

/// What became of tasks, of all calls; `None` where scores of the window have been deleted.
pub fn tasks(answer: &Answer<'_>, watch: &dyn Watch) -> ReadResult<Option<Tasks>> {
    if answer.gone(answer.range, answer.horizon.rows_us).is_some() {
        return Ok(None);
    }
    let mut scan = Scan { filtered: false, ..Scan::new(answer, watch) };
    scan.read(range(answer), When::Now, Some("task_completed"))?;
    let (scores, _) = scan.tally.finish(answer.range);
    let parts = scores.first().map_or(Parts::default(), |score| score.now.parts);
    Ok(match parts {
        Parts::Share { yes, all } => Some(Tasks { judged: all, completed: yes }),
        _ => None,
    })
}

/// The times of scores: a window of everything ends with its newest call, and scores come after what they judge.
pub fn range(answer: &Answer<'_>) -> Range {
    let part = Range { since_us: answer.range.since_us.max(answer.cover.since_us), ..answer.range };
    match (answer.view.window.span, answer.view.window.anchor) {
        (Span::All, Anchor::Auto | Anchor::Now) if answer.covered >= 1.0 => {
            Range { since_us: i64::MIN, until_us: i64::MAX }
        }
        (Span::All, Anchor::Auto | Anchor::Now) => Range { until_us: i64::MAX, ..part },
        _ => part,
    }
}

/// The window before, where there is one whose scores and spans have not been deleted.
pub fn before(answer: &Answer<'_>) -> Option<Range> {
    answer.previous().filter(|before| answer.gone(*before, answer.horizon.rows_us).is_none())
}

/// Whether there are so many scores that the newest are told of first.
pub fn is_long(answer: &Answer<'_>) -> ReadResult<bool> {
    /// Scores are read at about a million a second.
    const MANY: i64 = 200_000;
    if !answer.view.sections.quality {
        return Ok(false);
    }
    let mut select = answer.context.conn.prepare_cached("SELECT value FROM counter WHERE name = 'scores'")?;
    let scores: Option<i64> = select.query_row([], |row| row.get(0)).optional()?;
    Ok(scores.unwrap_or(0) > MANY)
}

/// A reading of scores.
struct Scan<'a> {
    answer: &'a Answer<'a>,
    watch: &'a dyn Watch,
    /// Whether the view's filter is asked.
    filtered: bool,
    tally: Tally,
    /// Subjects by what makes them.
    of_calls: HashMap<(i64, AttrsKey), u32>,
    of_traces: HashMap<[Option<String>; 3], u32>,
    waiting: u64,
    unknown: u64,
}

/// Attributes of a call as the store has them: a number, or JSON.
type AttrsKey = (Option<i64>, Option<String>);

/// The columns a score is read from.
const SCORE: &str = "ts_us, id, name, value, judge, request_id, trace_id, user_id";

/// How many those are.
const SCORES: usize = 8;

impl<'a> Scan<'a> {
    fn new(answer: &'a Answer<'a>, watch: &'a dyn Watch) -> Scan<'a> {
        let mut tally = Tally::default();
        // Number 0: nothing is known.
        tally.subject(Told::default());
        let filtered = !answer.view.filter.is_empty();
        let (of_calls, of_traces) = (HashMap::default(), HashMap::default());
        Scan { answer, watch, filtered, tally, of_calls, of_traces, waiting: 0, unknown: 0 }
    }

    fn read(&mut self, range: Range, when: When, name: Option<&str>) -> ReadResult<()> {
        let sql = format!(
            "SELECT {SCORE}, {} FROM score WHERE ts_us >= ?1 AND ts_us < ?2 AND (?3 IS NULL OR name = ?3) ORDER BY ts_us, id",
            Judged::COLUMNS
        );
        let context = self.answer.context;
        let mut select = context.conn.prepare_cached(&sql)?;
        let mut rows = select.query(params![range.since_us, range.until_us, name])?;
        let mut pace = Pace::of(self.watch);
        while let Some(row) = rows.next()? {
            pace.step()?;
            self.take(&Score { row, judged: Judged::read(row, SCORES)?, context }, when)?;
        }
        Ok(())
    }

    fn take(&mut self, score: &Score<'_>, when: When) -> ReadResult<()> {
        let target = score.target()?;
        let waits = score.judged.is_none() && target.is_some();
        self.waiting += u64::from(waits && when == When::Now);
        if self.filtered && !score.passes(self.answer)? {
            self.unknown += u64::from(waits && when == When::Now);
            return Ok(());
        }
        let key = score.key()?;
        let source: Option<String> = score.row.get(4)?;
        let one = Judgement {
            key,
            // Judgements of nothing that has a name are of something each.
            target: target.unwrap_or_else(|| foldhash::quality::FixedState::default().hash_one(key)),
            value: score.row.get(3)?,
            source: source.as_deref().and_then(ScoreSource::from_word),
            subject: self.subject(score)?,
        };
        self.tally.add(score.row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?, when, one);
        Ok(())
    }

    fn subject(&mut self, score: &Score<'_>) -> ReadResult<u32> {
        let Some(judged) = &score.judged else { return Ok(0) };
        let Some(call) = &judged.call else {
            let own = |text: Option<&str>| text.map(str::to_owned);
            let s = &judged.shared;
            let told = [own(s.app()), own(s.environment()), own(s.variant())];
            if let Some(known) = self.of_traces.get(&told) {
                return Ok(*known);
            }
            let [app, environment, variant] = told.clone();
            let number = self.tally.subject(Told { app, environment, variant, ..Told::default() });
            self.of_traces.insert(told, number);
            return Ok(number);
        };
        let attrs: AttrsKey = match &call.attrs {
            Value::Integer(number) => (Some(*number), None),
            Value::Text(json) => (None, Some(json.clone())),
            _ => (None, None),
        };
        let made_of = (call.series, attrs);
        if let Some(known) = self.of_calls.get(&made_of) {
            return Ok(*known);
        }
        let dim = |dim| score.series_dim(dim).map(str::to_owned);
        let number = self.tally.subject(Told {
            model: dim(Dim::Model),
            variant: dim(Dim::Variant),
            app: dim(Dim::App),
            environment: dim(Dim::Environment),
            tags: score.tags(),
        });
        self.of_calls.insert(made_of, number);
        Ok(number)
    }
}

/// A score with what it judges.
struct Score<'r> {
    row: &'r Row<'r>,
    judged: Option<Judged>,
    context: &'r Context,
}

impl Score<'_> {
    fn key(&self) -> ReadResult<RecordKey> {
        Ok(RecordKey { ts_us: self.row.get(0)?, id: self.row.get(1)? })
    }

    fn text(&self, column: usize) -> Option<&str> {
        let text = self.row.get_ref(column).ok()?.as_str_or_null().ok()?;
        text.filter(|text| !text.is_empty())
    }

    /// The hash of what it judges; `None` where that has no name.
    fn target(&self) -> ReadResult<Option<u64>> {
        let hash = |kind: u8, id: &str| foldhash::quality::FixedState::default().hash_one((kind, id));
        Ok(self.text(5).map(|id| hash(0, id)).or_else(|| self.text(6).map(|id| hash(1, id))))
    }

    /// Whether the view's filter lets it through: by its call where there is one, else by what is known of its trace.
    fn passes(&self, answer: &Answer<'_>) -> ReadResult<bool> {
        let filter = &answer.view.filter;
        let call = self.judged.as_ref().and_then(|judged| judged.call.as_ref());
        if let Some(call) = call {
            let series = u32::try_from(call.series).unwrap_or(u32::MAX);
            if !answer.passing.lets(Who::Series(series)) {
                return Ok(false);
            }
            if !filter.needs_rows() {
                return Ok(true);
            }
            let sql = format!("SELECT {COLUMNS} FROM call c WHERE c.ts_us = ?1 AND c.id = ?2");
            let mut select = self.context.conn.prepare_cached(&sql)?;
            let mut rows = select.query([call.key.ts_us, call.key.id])?;
            if let Some(row) = rows.next()? {
                return passes(filter, &answer.passing, &Stored::of(row)?, self.context);
            }
        }
        Ok(filter.holds(self))
    }

    fn series_dim(&self, dim: Dim) -> Option<&str> {
        let call = self.judged.as_ref()?.call.as_ref()?;
        self.context.series.dim(Who::Series(u32::try_from(call.series).ok()?), dim)
    }

    fn dim(&self, dim: Dim) -> Option<&str> {
        let shared = self.judged.as_ref().map(|judged| &judged.shared);
        match dim {
            Dim::User => self.text(7).or_else(|| shared?.user()),
            Dim::Session => shared?.session(),
            Dim::App => shared?.app(),
            Dim::Environment => shared?.environment(),
            Dim::Variant => shared?.variant(),
            _ => self.series_dim(dim),
        }
    }

    fn tags(&self) -> Vec<String> {
        let attrs = self.judged.as_ref().and_then(|judged| judged.call.as_ref()).map(|call| &call.attrs);
        let json = match attrs {
            Some(Value::Integer(number)) => self.context.attrs(*number).ok().and_then(|attrs| attrs.tags),
            Some(Value::Text(json)) => {
                serde_json::from_str::<crate::batch::Attrs>(json).ok().and_then(|attrs| attrs.tags)
            }
            _ => None,
        };
        json.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default()
    }
}

impl Subject for Score<'_> {
    fn any_value(&self, field: Field, test: &dyn Fn(Option<&str>) -> bool) -> bool {
        match field {
            Field::Dim(dim) => test(self.dim(dim)),
            Field::Trace => test(self.text(6)),
            Field::Request => test(self.text(5)),
            // What its call said is not kept with it.
            Field::Message => test(None),
            Field::Tag => match self.tags() {
                tags if tags.is_empty() => test(None),
                tags => tags.iter().any(|tag| test(Some(tag))),
            },
        }
    }

    fn number(&self, _: Number) -> Option<i64> {
        None
    }

    fn any_text(&self, test: &dyn Fn(&str) -> bool) -> bool {
        (5..SCORES).any(|column| self.text(column).is_some_and(test))
    }
}

/// Fills in what is shown of an example.
fn tell(context: &Context, example: &mut Example) -> ReadResult<()> {
    let mut select = context.conn.prepare_cached(
        "SELECT request_id, trace_id, coalesce(user_id, call_user_id), comment, call_ts_us, call_id, series \
         FROM score WHERE ts_us = ?1 AND id = ?2",
    )?;
    let mut rows = select.query([example.key.ts_us, example.key.id])?;
    let Some(row) = rows.next()? else { return Ok(()) };
    let call: (Option<i64>, Option<i64>) = (row.get(4)?, row.get(5)?);
    example.call = call.0.zip(call.1).map(|(ts_us, id)| RecordKey { ts_us, id });
    (example.request_id, example.trace_id) = (row.get(0)?, row.get(1)?);
    (example.user_id, example.comment) = (row.get(2)?, row.get(3)?);
    let series: Option<u32> = row.get(6)?;
    example.model = series.and_then(|n| context.series.dim(Who::Series(n), Dim::Model)).map(str::to_owned);
    Ok(())
}
