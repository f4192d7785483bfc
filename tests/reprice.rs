//! Pricing again is the same as ingesting anew with the new prices: single calls, rollups of every tier, users and
//! sessions, counters. And nothing changes in a dry run.

#![allow(clippy::unwrap_used)] // tests

mod common;

use common::Rng;
use common::event::{DAY, HOUR, START_US, events};
use common::stored::{NOW_US, Parser, Stored, view};
use llmtop::price::{Author, Bucket, CostSource, Entry, Prices, Rate, Service, Source, Table, Tables};
use llmtop::store::{Mode, Store};
use llmtop::view::{Range, Window};
use std::sync::Arc;

/// Prices that somebody made up: some models have none, some change in the middle, some have no price for the cache.
fn prices(rng: &mut Rng) -> Arc<Prices> {
    let source = Arc::new(Source { author: Author::Config, name: "made up".to_owned(), date_us: None });
    let mut entries = Vec::new();
    for model in ["gpt-4o", "gpt-4o-mini", "claude-sonnet-4", "o3"] {
        for provider in ["openai", "anthropic", "azure"] {
            for from_us in [None, Some(START_US + rng.below(3 * DAY as u64) as i64)] {
                if rng.chance(30) {
                    continue;
                }
                let mut entry = Entry { from_us, ..Entry::new(model, Some(provider), Arc::clone(&source)) };
                let scheme = entry.scheme_mut(Service::Standard);
                for bucket in Bucket::ALL {
                    let rate = Rate::from_picos(rng.below(20_000_000) as u32).unwrap();
                    if bucket != Bucket::Reasoning && rng.chance(90) {
                        scheme.rates.set(bucket, rate);
                        scheme.tier_of(4_000).set(bucket, Rate::from_picos(rate.picos() * 2).unwrap());
                    }
                }
                entries.push(entry);
            }
        }
    }
    let rule = *rng.pick(&CostSource::ALL);
    Arc::new(Prices { rule, tables: Tables::only(Table::of(entries)), ..Prices::default() })
}

/// Lines with their times; some answers are cut.
fn lines(seed: u64) -> Vec<(i64, String)> {
    let mut rng = Rng(seed);
    let line = |rng: &mut Rng, line: String| match rng.chance(20) {
        true => line.replacen('{', r#"{"finish_reason":"length","#, 1),
        false => line,
    };
    events(seed, 700, 3).iter().map(|event| (event.ts_us, line(&mut rng, event.line()))).collect()
}

/// A store of these lines, priced by the first prices before a time and by the second from then on.
fn stored(lines: &[(i64, String)], cut_us: i64, (before, after): (&Arc<Prices>, &Arc<Prices>)) -> Stored {
    let mut stored = Stored::new();
    let mut parsers = [Parser::pricing(Arc::clone(before)), Parser::pricing(Arc::clone(after))];
    for group in lines.chunks(150) {
        let cut = group.partition_point(|(ts_us, _)| *ts_us < cut_us);
        let parts = [&group[..cut], &group[cut..]];
        let batches = parts.iter().zip(&mut parsers);
        let batches: Vec<_> =
            batches.map(|(part, parser)| parser.batch("a.log", part.iter().map(|(_, line)| &**line), NOW_US)).collect();
        stored.store().append(&batches).unwrap();
    }
    stored
}

/// All that depends on prices, as bytes or as an answer.
fn contents(stored: &Stored) -> (Vec<String>, Vec<String>) {
    let conn = rusqlite::Connection::open(stored.path()).unwrap();
    let mut rows = Vec::new();
    for sql in [
        "SELECT 'call ' || ts_us || ' ' || id || ' ' || hex(facts) FROM call ORDER BY ts_us, id",
        "SELECT 'rollup ' || tier || ' ' || bucket || ' ' || chunk || ' ' || hex(data) FROM rollup ORDER BY tier, bucket, chunk",
        "SELECT 'counter ' || name || ' ' || value FROM counter WHERE value <> 0 ORDER BY name",
    ] {
        let mut select = conn.prepare(sql).unwrap();
        rows.extend(select.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap));
    }
    let range = Range { since_us: START_US + HOUR + 17, until_us: START_US + 2 * DAY + 5 * HOUR };
    let windows = [Window::all(), Window::between(range.since_us, range.until_us).unwrap()];
    let answers = windows.map(|window| {
        let mut view = view(window, "", &["user", "session", "model,provider", "host", "hour"]);
        view.sections.exact_members = false;
        let mut snapshot = stored.ask(&view);
        // Ties among totals of members may stand in any order.
        snapshot.tables.iter_mut().for_each(|table| table.groups.sort_by(|a, b| a.key.cmp(&b.key)));
        format!("{snapshot:#?}")
    });
    (rows, answers.to_vec())
}

#[test]
fn pricing_again_is_ingesting_anew() {
    for seed in 0..8 {
        let mut rng = Rng(seed + 1_000);
        let (old, new) = (prices(&mut rng), prices(&mut rng));
        let lines = lines(seed);
        let since_us = *rng.pick(&[i64::MIN, START_US + DAY, START_US + 30 * HOUR + 1_234_567]);
        let mut repriced = stored(&lines, i64::MAX, (&old, &old));
        let before = contents(&repriced);
        let told = repriced.store().reprice(&new, since_us, Mode::DryRun).unwrap();
        assert_eq!(contents(&repriced), before, "seed {seed}: a dry run changes nothing");
        let done = repriced.store().reprice(&new, since_us, Mode::Apply).unwrap();
        assert_eq!(done, told, "seed {seed}: a dry run tells what will be");
        let anew = stored(&lines, since_us, (&old, &new));
        let (got, want) = (contents(&repriced), contents(&anew));
        assert!(got.0.len() > 1_000);
        for (got, want) in got.0.iter().zip(&want.0) {
            assert_eq!(got, want, "seed {seed}");
        }
        assert_eq!(got.0.len(), want.0.len(), "seed {seed}");
        assert!(got.1 == want.1, "seed {seed}: users, sessions or another table differ");
        // Once more changes nothing.
        let again = repriced.store().reprice(&new, since_us, Mode::Apply).unwrap();
        assert!(again.models.values().all(|change| change.changed == 0), "seed {seed}");
        assert_eq!(contents(&repriced).0, got.0, "seed {seed}");
    }
}

#[test]
fn what_changes_is_told_by_model() {
    let mut rng = Rng(7);
    let (old, new) = (prices(&mut rng), prices(&mut rng));
    let old = Arc::new(Prices { rule: CostSource::Reported, ..Prices::clone(&old) });
    let new = Arc::new(Prices { rule: CostSource::Computed, ..Prices::clone(&new) });
    let mut stored = stored(&lines(7), i64::MAX, (&old, &old));
    let sum = |stored: &Stored| {
        let totals = stored.ask(&view(Window::all(), "", &[])).totals;
        (totals.cost_nusd.unwrap_or(0), totals.unpriced_calls)
    };
    let before = sum(&stored);
    let done = stored.store().reprice(&new, i64::MIN, Mode::Apply).unwrap();
    let after = sum(&stored);
    let total = |get: fn(&llmtop::store::Change) -> i64| done.models.values().map(get).sum::<i64>();
    assert_eq!((total(|c| c.before_nusd), total(|c| c.unpriced_before as i64)), (before.0, before.1 as i64));
    assert_eq!((total(|c| c.after_nusd), total(|c| c.unpriced_after as i64)), (after.0, after.1 as i64));
    assert_eq!((total(|c| c.calls as i64), done.gone_us), (700, None));
    assert_ne!(before, after);
}
