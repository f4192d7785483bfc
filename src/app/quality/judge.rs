//! `llmtop judge`: a model judges sampled calls. What it says is checked, what it costs is counted before it is asked, and
//! each of its calls is a call like any other.

mod ask;
mod rubric;

use super::book::Book;
use super::sample::{self, Asked, Sample};
use crate::cli::{JudgeArgs, Rubric as Named};
use crate::clock;
use crate::config::{Effective, Judge, Rubric as Chosen};
use crate::event::{Call, ScoreEvent, ScoreSource};
use crate::format::write;
use crate::price::Prices;
use crate::provider::estimate;
use crate::snapshot::Record;
use crate::store::Reader;
use crate::store::sqlite::SqliteReader;
use crate::units::{clean, count, usd};
use anyhow::{Context, Result, bail};
use ask::{Answer, Client, Verdict};
use rubric::Rubric;
use std::borrow::Cow;
use std::io::Write;

/// What the judge's own calls are of; they are not judged.
pub const APP: &str = "llmtop-judge";

/// So many failures one after another are enough.
const FAILURES: u32 = 3;

/// Samples, asks, checks, notes; stops before the budget would be exceeded. What was judged is in the store at the end.
pub fn judge(args: &JudgeArgs, settings: &Effective, out: &mut dyn Write) -> Result<()> {
    let config = settings.config.judge.as_ref();
    let config = config.context("no judge is named; write [judge] with base_url and model into the configuration")?;
    let rubric = Rubric::of(&chosen(args, config));
    let book = Book::open(settings)?;
    let mut reader = book.reader()?;
    let asked = Asked {
        window: args.from.window,
        filter: args.from.filter.as_ref().unwrap_or(&settings.config.filter),
        count: args.sample.unwrap_or(config.sample) as usize,
        seed: args.from.seed,
        name: &rubric.name,
        source: ScoreSource::Judge.word(),
        except: APP,
    };
    let sample = sample::take(&mut reader, &asked, clock::now_us())?;
    let prices = super::super::setup::prices(settings)?;
    let mut run = Run { config, rubric, prices: &prices, spent_nusd: 0, is_unpriced: false, tally: Tally::default() };
    let ended = if args.dry_run { run.dry(&mut reader, &sample) } else { run.through(&mut reader, &sample, &book) };
    if !args.dry_run {
        book.settle(settings)?;
    }
    run.summary(&sample, &ended?, out)
}

fn chosen(args: &JudgeArgs, config: &Judge) -> Chosen {
    match args.rubric {
        Some(Named::Relevance) => Chosen::Known("relevance"),
        Some(Named::Hallucination) => Chosen::Known("hallucination"),
        Some(Named::TaskCompletion) => Chosen::Known("task_completion"),
        None => config.rubric.clone(),
    }
}

/// What became of the calls.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Tally {
    judged: u64,
    /// The log held no text of them.
    silent: u64,
    /// The judge answered with what was asked for neither the first time nor the second.
    unclear: u64,
    failed: u64,
}

/// Why it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    /// All of the sample were looked at.
    Done,
    /// The next call might have cost more than is left.
    Budget,
    /// The judge failed again and again; its last words.
    Failing(String),
    /// Nobody was asked: what it would cost at most, nano-dollars, where that is known.
    Dry(Option<i64>),
}

/// A run under way.
struct Run<'a> {
    config: &'a Judge,
    rubric: Rubric,
    prices: &'a Prices,
    /// What was spent; of answers that do not say their tokens, what they cost at most.
    spent_nusd: i64,
    /// Whether something of it has no price.
    is_unpriced: bool,
    tally: Tally,
}

impl Run<'_> {
    fn through(&mut self, reader: &mut SqliteReader, sample: &Sample, book: &Book) -> Result<End> {
        let client = Client::new(self.config)?;
        if self.config.budget_nusd.is_some() && self.most_nusd("").is_none() {
            let model = clean(&self.config.model);
            bail!(
                "{model} has no price, so budget_usd cannot be kept; give it one by [[price]], or leave budget_usd out"
            );
        }
        let mut failing = 0;
        for key in &sample.calls {
            let Some(record) = reader.record(*key)? else { continue };
            let Some(exchange) = rubric::exchange(&record.call) else {
                self.tally.silent += 1;
                continue;
            };
            if !self.has_room(&exchange) {
                return Ok(End::Budget);
            }
            match self.ask(&client, &record, &exchange, book)? {
                None => return Ok(End::Budget),
                Some(Ok(())) => failing = 0,
                Some(Err(why)) => {
                    failing += 1;
                    self.tally.failed += 1;
                    if failing >= FAILURES {
                        return Ok(End::Failing(why));
                    }
                }
            }
        }
        Ok(End::Done)
    }

    /// Judges one call, asking again once where the answer is not what was asked for; `None` where the money does not do
    /// for that.
    fn ask(
        &mut self,
        client: &Client,
        record: &Record,
        exchange: &str,
        book: &Book,
    ) -> Result<Option<Result<(), String>>> {
        for is_again in [false, true] {
            if is_again && !self.has_room(exchange) {
                return Ok(None);
            }
            let answer = client.ask(&self.rubric, exchange, is_again);
            let mut lines = Vec::new();
            self.note_call(&answer, exchange, &mut lines)?;
            let verdict = match &answer.said {
                Ok(text) => Verdict::read(text, self.rubric.is_yes_or_no),
                Err(why) => {
                    book.note(&lines)?;
                    return Ok(Some(Err(why.clone())));
                }
            };
            if let Some(verdict) = &verdict {
                self.tally.judged += 1;
                write::score(&self.score(record, verdict, &answer), 0, &mut lines)?;
            }
            // The call and what it said by one write: never one without the other.
            book.note(&lines)?;
            if verdict.is_some() {
                return Ok(Some(Ok(())));
            }
        }
        self.tally.unclear += 1;
        Ok(Some(Ok(())))
    }

    fn note_call(&mut self, answer: &Answer, exchange: &str, lines: &mut Vec<u8>) -> Result<()> {
        let call = answer.call(self.config);
        let model = self.prices.model(call.provider.as_deref(), call.model.as_deref());
        let cost = self.prices.cost(model.as_deref(), &call, call.ts_us.unwrap_or_default()).nusd;
        if answer.said.is_ok() {
            match cost.or_else(|| self.most_nusd(exchange)) {
                Some(nano) => self.spent_nusd = self.spent_nusd.saturating_add(nano),
                None => self.is_unpriced = true,
            }
        }
        write::call(&call, 0, lines)?;
        Ok(())
    }

    fn score<'r>(&'r self, record: &'r Record, verdict: &'r Verdict, answer: &'r Answer) -> ScoreEvent<'r> {
        ScoreEvent {
            ts_us: Some(answer.ended_us),
            score_id: Some(Cow::Owned(format!("{}-{}", answer.id, self.rubric.name))),
            identity: None,
            name: Cow::Borrowed(&self.rubric.name),
            value: verdict.score,
            source: Some(ScoreSource::Judge),
            request_id: record.call.request_id.as_deref().map(Cow::Borrowed),
            trace_id: record.call.trace_id.as_deref().map(Cow::Borrowed),
            user_id: None,
            comment: Some(Cow::Borrowed(&verdict.reason)),
        }
    }

    /// Whether one more call, with as long an answer as it may have, stays within the budget.
    fn has_room(&self, exchange: &str) -> bool {
        let Some(budget) = self.config.budget_nusd else { return true };
        self.most_nusd(exchange).is_some_and(|most| self.spent_nusd.saturating_add(most) <= budget)
    }

    /// What a call costs at most, nano-dollars: tokens are estimated, with a fifth on top, and never fewer than a third of
    /// the bytes.
    fn most_nusd(&self, exchange: &str) -> Option<i64> {
        let text = self.rubric.asks(exchange, 0);
        let estimated = estimate::tokens(&text).saturating_mul(6) / 5;
        let call = Call {
            model: Some(Cow::Borrowed(&self.config.model)),
            provider: self.config.provider.as_deref().map(Cow::Borrowed),
            input_tokens: Some(estimated.max(text.len() as u64 / 3).saturating_add(200)),
            output_tokens: Some(u64::from(self.config.max_tokens)),
            ..Call::default()
        };
        let model = self.prices.model(call.provider.as_deref(), call.model.as_deref());
        self.prices.cost(model.as_deref(), &call, clock::now_us()).nusd
    }

    fn dry(&mut self, reader: &mut SqliteReader, sample: &Sample) -> Result<End> {
        let mut most = Some(0i64);
        for key in &sample.calls {
            let Some(record) = reader.record(*key)? else { continue };
            match rubric::exchange(&record.call) {
                Some(exchange) => {
                    self.tally.judged += 1;
                    most = most.zip(self.most_nusd(&exchange)).map(|(a, b)| a.saturating_add(b));
                }
                None => self.tally.silent += 1,
            }
        }
        Ok(End::Dry(most))
    }

    fn summary(&self, sample: &Sample, end: &End, out: &mut dyn Write) -> Result<()> {
        let Tally { judged, silent, unclear, failed } = self.tally;
        let name = clean(&self.rubric.name);
        if let End::Dry(most) = end {
            let most = most.map_or("an unknown price".to_owned(), |nano| format!("at most {}", usd(nano)));
            writeln!(
                out,
                "{} calls would be judged for {name}, for {most}; {} before",
                count(judged),
                count(sample.done as u64)
            )?;
            return Ok(());
        }
        let spent = if self.is_unpriced { "an unknown sum".to_owned() } else { usd(self.spent_nusd) };
        writeln!(
            out,
            "{name}: {} judged now, {} before, {} unclear, {} failed, {} without text; spent {}",
            count(judged),
            count(sample.done as u64),
            count(unclear),
            count(failed),
            count(silent),
            spent
        )?;
        match end {
            End::Budget => {
                writeln!(out, "stopped before the budget would be exceeded; the same command goes on from there")?
            }
            End::Failing(why) => bail!("the judge failed {FAILURES} times one after another: {}", clean(why)),
            End::Done | End::Dry(_) => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
