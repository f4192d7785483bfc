//! `llmtop reprice`: prices stored calls again after prices have changed, and says by how much.

use super::places::store_of;
use super::setup::prices;
use super::store::existing;
use crate::cli::RepriceArgs;
use crate::clock;
use crate::config::Effective;
use crate::report::{Column, Grid};
use crate::store::{Change, Mode, Repricing, Store};
use crate::units::{UNKNOWN, clean, count, rfc3339, usd};
use crate::view::{Span, Window};
use anyhow::{Result, bail};
use std::io::Write;
use std::path::PathBuf;

/// Columns of the table where nothing else is known.
const WIDTH: usize = 100;

/// Prices calls again and prints what changed.
pub fn run(args: &RepriceArgs, settings: &Effective, out: &mut dyn Write) -> Result<()> {
    let window = Window::since_until(Some(&args.since), None, clock::now_us())?;
    let since_us = match window.span {
        Span::All => i64::MIN,
        Span::Micros(_) => window.resolve(None, clock::now_us()).since_us,
    };
    let mode = if args.dry_run { Mode::DryRun } else { Mode::Apply };
    let prices = prices(settings)?;
    let done = if args.files.is_empty() {
        existing(settings.config.store()?)?.reprice(&prices, since_us, mode)?
    } else {
        let place = store_of(&args.files, settings)?;
        if !place.path().exists() {
            bail!(
                "{} has not been read yet, so there is nothing to price again; what is read from now on has today's prices",
                names(&args.files)
            );
        }
        existing(place.path())?.reprice(&prices, since_us, mode)?
    };
    let width = crossterm::terminal::size().map_or(WIDTH, |(columns, _)| usize::from(columns));
    tell(&done, mode, width, out)?;
    Ok(())
}

/// Files by their names, and of each whether it is there.
fn names(files: &[PathBuf]) -> String {
    let name = |path: &PathBuf| {
        let missing = if path.exists() { "" } else { " (no such file)" };
        format!("{}{missing}", clean(&path.display().to_string()))
    };
    files.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn tell(done: &Repricing, mode: Mode, width: usize, out: &mut dyn Write) -> std::io::Result<()> {
    let mut all = Change::default();
    done.models.values().for_each(|change| all.add(change));
    let verb = if mode == Mode::Apply { "changed" } else { "would change" };
    writeln!(
        out,
        "{} calls priced again: the cost of {} {verb}, from {} to {}; {} had no cost, {} have none",
        count(all.calls),
        count(all.changed),
        usd(all.before_nusd),
        usd(all.after_nusd),
        count(all.unpriced_before),
        count(all.unpriced_after),
    )?;
    if let Some(gone_us) = done.gone_us {
        writeln!(out, "calls before {} have been deleted; what they came to stays as it was", rfc3339(gone_us))?;
    }
    let grid = table(done);
    if !grid.rows.is_empty() {
        writeln!(out)?;
        grid.lines(width).iter().try_for_each(|line| writeln!(out, "{line}"))?;
    }
    Ok(())
}

/// The models with any change, the largest first.
fn table(done: &Repricing) -> Grid {
    let mut changed: Vec<_> = done.models.iter().filter(|(_, change)| change.changed > 0).collect();
    changed.sort_by_key(|(_, change)| {
        std::cmp::Reverse(change.after_nusd.saturating_sub(change.before_nusd).unsigned_abs())
    });
    let column = |title, rank| Column { title, rank };
    let money = |nusd: i64, calls: u64, unpriced: u64| {
        if unpriced == calls { UNKNOWN.to_owned() } else { usd(nusd) }
    };
    let rows = changed.into_iter().map(|((provider, model), change)| {
        let model = model.as_deref().unwrap_or(UNKNOWN);
        let label = provider.as_deref().map_or_else(|| model.to_owned(), |provider| format!("{provider} {model}"));
        let cells = vec![
            count(change.calls),
            count(change.changed),
            money(change.before_nusd, change.calls, change.unpriced_before),
            money(change.after_nusd, change.calls, change.unpriced_after),
            count(change.unpriced_after),
        ];
        (label, cells)
    });
    Grid {
        label: "model".to_owned(),
        columns: vec![
            column("calls", 3),
            column("changed", 1),
            column("before", 2),
            column("after", 0),
            column("unpriced", 4),
        ],
        rows: rows.collect(),
    }
}
