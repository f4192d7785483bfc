//! `llmtop prices audit`: reported costs held against computed ones, model by model, with the likely cause where they
//! disagree, and signs that calls were counted twice.

use super::feed::{self, Read};
use super::setup;
use crate::cli::{PriceAuditArgs, PriceFormat};
use crate::clock;
use crate::config::Effective;
use crate::price::{Audit, Doubles, Finding, Named};
use crate::report::{Column, Grid};
use crate::store::{Reader, sqlite::SqliteReader};
use crate::units::{UNKNOWN, count, harmless_json, percent, usd};
use crate::view::Window;
use anyhow::Result;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;

/// Columns of the table where nothing else is known.
const WIDTH: usize = 120;

type Findings = BTreeMap<Named, Finding>;

/// Audits the calls of the store, or of the logs that are named.
pub fn run(args: &PriceAuditArgs, settings: &Effective, out: &mut dyn Write) -> Result<ExitCode> {
    let now_us = clock::now_us();
    let window = args.when.window(Window::all(), now_us)?;
    let filter = args.filter.clone().unwrap_or_default();
    let mut audit = Audit::new(&*setup::prices(settings)?);
    let mut each = |path: &std::path::Path| {
        SqliteReader::open(path)?.calls(window, now_us, &filter, &mut |record| audit.add(&record.call, record.ts_us))
    };
    let (calls, read) = if args.files.is_empty() {
        (each(settings.config.store()?)?, Read::All)
    } else {
        let (place, read) = feed::load_private(&args.files, settings)?;
        (each(place.path())?, read)
    };
    let (findings, doubles) = audit.finish();
    match args.format {
        PriceFormat::Text => text(calls, &findings, doubles, out)?,
        PriceFormat::Json => lines(calls, &findings, doubles, out)?,
    }
    Ok(read.exit_code())
}

fn text(calls: u64, findings: &Findings, doubles: Doubles, out: &mut dyn Write) -> io::Result<()> {
    let sum = |get: fn(&Finding) -> u64| findings.values().map(get).sum::<u64>();
    let (compared, agree, unpriced) = (sum(|f| f.compared), sum(|f| f.agree), sum(|f| f.unpriced));
    let reported = compared + unpriced;
    writeln!(out, "{} calls, {} of them with a reported cost", count(calls), count(reported))?;
    if compared > 0 {
        let share = percent(agree as f64 / compared as f64);
        let differ = count(compared - agree);
        writeln!(out, "{} agree with the prices ({share}), {differ} do not", count(agree))?;
    }
    if unpriced > 0 {
        writeln!(out, "{} have no price to compare with; `llmtop prices show MODEL` says why", count(unpriced))?;
    }
    let width = crossterm::terminal::size().map_or(WIDTH, |(columns, _)| usize::from(columns));
    let grid = table(findings);
    if !grid.rows.is_empty() {
        writeln!(out)?;
        grid.lines(width).iter().try_for_each(|line| writeln!(out, "{line}"))?;
    }
    if doubles != Doubles::default() {
        writeln!(out, "\nsigns of double counting")?;
        let parts = "calls whose cached, written or reasoning tokens are more than the total they are part of";
        let twins = "calls within two seconds of one with the same model, tokens, user, session and trace";
        for (n, what) in [(doubles.parts_exceed, parts), (doubles.twins, twins)].iter().filter(|(n, _)| *n > 0) {
            writeln!(out, "  {} {what}", count(*n))?;
        }
    }
    Ok(())
}

/// The models whose costs disagree, those that differ most first, a row for each cause.
fn table(findings: &Findings) -> Grid {
    let mut apart: Vec<_> = findings.iter().filter(|(_, finding)| finding.compared > finding.agree).collect();
    apart.sort_by_key(|(_, f)| std::cmp::Reverse(f.reported_nusd.saturating_sub(f.computed_nusd).unsigned_abs()));
    let mut rows = Vec::new();
    for (name, finding) in apart {
        for (at, (cause, calls)) in finding.causes.iter().enumerate() {
            let first = |text: String| if at == 0 { text } else { String::new() };
            let factor = finding.factor().filter(|_| *cause == crate::price::Cause::OtherPrice);
            let factor = factor.map_or_else(String::new, |factor| format!(" (×{factor:.3})"));
            let cells = vec![
                first(usd(finding.reported_nusd)),
                first(usd(finding.computed_nusd)),
                count(*calls),
                format!("{}{factor}", cause.words()),
            ];
            rows.push((first(label(name)), cells));
        }
    }
    let column = |title, rank| Column { title, rank };
    let columns = vec![column("reported", 3), column("computed", 2), column("calls", 1), column("likely cause", 0)];
    Grid { label: "model".to_owned(), columns, rows }
}

fn label((provider, model): &Named) -> String {
    let model = model.as_deref().unwrap_or(UNKNOWN);
    provider.as_deref().map_or_else(|| model.to_owned(), |provider| format!("{provider} {model}"))
}

/// One JSON object for each model, and one for all.
fn lines(calls: u64, findings: &Findings, doubles: Doubles, out: &mut dyn Write) -> io::Result<()> {
    let dollars = |nusd: i64| nusd as f64 / 1e9;
    for ((provider, model), finding) in findings {
        let causes: BTreeMap<&str, u64> = finding.causes.iter().map(|(cause, n)| (cause.words(), *n)).collect();
        let line = json!({
            "provider": provider,
            "model": model,
            "compared": finding.compared,
            "agree": finding.agree,
            "unpriced": finding.unpriced,
            "reported_usd": dollars(finding.reported_nusd),
            "computed_usd": dollars(finding.computed_nusd),
            "causes": causes,
            "factor": finding.factor(),
        });
        writeln!(out, "{}", harmless_json(&line.to_string()))?;
    }
    let Doubles { parts_exceed, twins } = doubles;
    let all = json!({ "calls": calls, "doubles": { "parts_exceed_total": parts_exceed, "twins": twins } });
    writeln!(out, "{all}")
}
