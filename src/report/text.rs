//! The report for people, at three in the morning over SSH: what window, what was read, how it goes against the window
//! before, who stands out, what fails and why. Plain text, aligned, no colours.

use super::grid::{Column, Grid, cut, wrap};
use super::measure::{change, measures, spent};
use super::{Options, Report, Words, budgets, changes, clusters, mask};
use crate::snapshot::{Accounting, Dist, Failure, Group, Snapshot, Table};
use crate::units::{self, UNKNOWN, Zone, clean};
use std::io;

/// `--format text`
pub(super) struct Text;

/// What stands for calls that do not say.
const NOT_SAID: &str = "(unknown)";

/// Below so many calls a 95th, or a 99th percentile is hardly one.
const THIN: [(u64, &str); 2] = [(20, "p95"), (100, "p99")];

/// What such a percentile begins with.
const THIN_MARK: char = '~';

/// Rejected lines shown.
const EXAMPLES: usize = 5;

impl Report for Text {
    fn name(&self) -> &'static str {
        "text"
    }

    fn write(&self, snapshot: &Snapshot, options: &Options, out: &mut dyn io::Write) -> io::Result<()> {
        let page = Page { snapshot, width: options.width.max(40), zone: options.zone, words: options.words };
        let sections = [
            page.header(),
            page.accounting(),
            page.totals(),
            changes::lines(snapshot, page.width),
            page.budgets(),
            page.tables(),
            super::unpriced::section(snapshot, page.width),
            page.failures(),
            clusters::lines(snapshot, page.width, &|us| page.time(us)),
            page.messages(),
            page.rejected(),
        ];
        let filled: Vec<String> =
            sections.into_iter().filter(|lines| !lines.is_empty()).map(|s| s.join("\n")).collect();
        writeln!(out, "{}", filled.join("\n\n"))
    }
}

/// A snapshot to be set in so many columns.
struct Page<'a> {
    snapshot: &'a Snapshot,
    width: usize,
    zone: Zone,
    words: Words,
}

impl Page<'_> {
    fn time(&self, us: i64) -> String {
        units::time(us, self.zone, "%Y-%m-%d %H:%M:%S")
    }

    /// The zone at that time: local time changes with the season.
    fn zone(&self, us: i64) -> String {
        match self.zone {
            Zone::Utc => "UTC".to_owned(),
            Zone::Local => units::time(us, Zone::Local, "UTC%:z"),
        }
    }

    fn header(&self) -> Vec<String> {
        let Snapshot { range, holdings, view, .. } = self.snapshot;
        let (since, until, zone) = (self.time(range.since_us), self.time(range.until_us), self.zone(range.until_us));
        let length = units::duration_us(range.len_us() as f64);
        let window =
            if range.is_empty() { "empty".to_owned() } else { format!("{since} to {until} {zone} ({length})") };
        let mut lines = self.entry("window", &window);
        if !view.filter.is_empty() {
            let of = self.snapshot.unfiltered_calls.map_or_else(String::new, |all| {
                format!(" ({} of {} calls)", units::count(self.snapshot.totals.calls), units::count(all))
            });
            lines.extend(self.entry("filter", &format!("{}{of}", view.filter)));
        }
        let held = holdings.bounds.map_or_else(String::new, |(first, last)| {
            format!(", {} to {} {}", self.time(first), self.time(last), self.zone(last))
        });
        lines.extend(self.entry("store", &format!("{}{held}", calls(holdings.calls))));
        lines.extend(self.sources());
        lines.extend(self.partial());
        lines
    }

    fn sources(&self) -> Vec<String> {
        let sources = &self.snapshot.holdings.sources;
        let more = sources.len().saturating_sub(3);
        let mut names: Vec<String> = sources.iter().take(3).map(|source| cut(&source.name, 60)).collect();
        if more > 0 {
            names.push(format!("and {more} more"));
        }
        if names.is_empty() { Vec::new() } else { self.entry("sources", &names.join(", ")) }
    }

    fn partial(&self) -> Vec<String> {
        let Snapshot { scan, holdings, .. } = self.snapshot;
        let mut lines = Vec::new();
        if let Some(us) = scan.gone_us {
            let since = format!("{} {}", self.time(us), self.zone(us));
            let note = format!("single calls before {since} have been deleted; what only they tell is of the others");
            lines.extend(self.entry("note", &note));
        } else if scan.rows && scan.covered < 1.0 {
            let share = units::percent(scan.covered.max(0.0));
            lines.extend(
                self.entry(
                    "note",
                    &format!("only the newest {share} of the window was read; figures are of that part"),
                ),
            );
        }
        if holdings.folded_series > 0 {
            let folded = units::count(holdings.folded_series);
            lines.extend(
                self.entry("note", &format!("{folded} combinations of dimensions are in tables as (other) where they differ; a filter finds each")),
            );
        }
        lines
    }

    fn entry(&self, name: &str, text: &str) -> Vec<String> {
        let names = std::iter::once(name).chain(std::iter::repeat(""));
        wrap(text, self.width - 9).into_iter().zip(names).map(|(line, name)| format!("{name:<9}{line}")).collect()
    }

    fn accounting(&self) -> Vec<String> {
        let Accounting { read, accepted, duplicate, skipped, rejected, .. } = self.snapshot.accounting;
        let n = units::count;
        let mut parts = vec![format!(
            "{} = {} accepted + {} duplicate + {} skipped + {} rejected",
            n(read),
            n(accepted),
            n(duplicate),
            n(skipped),
            n(rejected)
        )];
        let Accounting { reasons, future, unpriced, .. } = &self.snapshot.accounting;
        if !reasons.is_empty() {
            let list: Vec<String> =
                reasons.iter().map(|(reason, lines)| format!("{} {}", n(*lines), reason.word())).collect();
            parts.push(format!("rejected: {}", list.join(", ")));
        }
        if *future > 0 {
            parts.push(format!("{} dated in the future", n(*future)));
        }
        if *unpriced > 0 {
            parts.push(format!("{} without a price", n(*unpriced)));
        }
        self.entry("read", &parts.join("; "))
    }

    fn totals(&self) -> Vec<String> {
        let Snapshot { totals, previous, .. } = self.snapshot;
        if totals.calls == 0 {
            return self.nothing();
        }
        let columns = ["window", "before", "change"].map(|title| Column { title, rank: 0 });
        let rows = measures(totals)
            .into_iter()
            .zip(measures(previous))
            .map(|(now, before)| {
                let change = now.change(&before, previous.calls > 0);
                (now.name.to_owned(), vec![now.text(), before.text(), change])
            })
            .collect();
        let mut lines = Grid { label: "totals".to_owned(), columns: columns.into(), rows }.lines(self.width);
        lines.extend(self.thin_note());
        lines
    }

    fn budgets(&self) -> Vec<String> {
        budgets::lines(&self.snapshot.budgets, self.width, &|us| self.time(us))
    }

    fn thin_note(&self) -> Option<String> {
        let known = self.snapshot.totals.latency_us.count;
        let thin: Vec<&str> = THIN.iter().filter(|(least, _)| known < *least).map(|(_, name)| *name).collect();
        (!thin.is_empty() && known > 0)
            .then(|| format!("only {} with a latency: {} says little", calls(known), thin.join(", ")))
    }

    /// What to say of an empty window, and what to do.
    fn nothing(&self) -> Vec<String> {
        let Snapshot { holdings, unfiltered_calls, now_us, view, scan, .. } = self.snapshot;
        let Some((_, last)) = holdings.bounds else {
            let nothing = self.snapshot.accounting.nothing_taken();
            if !nothing.is_empty() {
                return nothing.iter().flat_map(|text| wrap(text, self.width)).collect();
            }
            let text = "no calls in the store yet; load a log with `llmtop ingest app.log`, or try `llmtop demo`";
            return wrap(text, self.width);
        };
        if let Some(all) = unfiltered_calls.filter(|all| *all > 0) {
            let all = if scan.gone_us.is_some() { "calls that are kept".to_owned() } else { calls(all) };
            let text = format!("none of the {all} in this window passes the filter {}", view.filter);
            return wrap(&text, self.width);
        }
        let ago = now_us.saturating_sub(last);
        let ago = if ago >= 0 { format!("{} ago", units::duration_us(ago as f64)) } else { "in the future".to_owned() };
        let text = format!(
            "no calls in this window; the newest call is of {} {} ({ago}); try `--since all`",
            self.time(last),
            self.zone(last)
        );
        wrap(&text, self.width)
    }

    fn tables(&self) -> Vec<String> {
        let tables = self.snapshot.tables.iter().filter(|table| !table.groups.is_empty());
        let blocks: Vec<String> = tables.map(|table| self.table(table).join("\n")).collect();
        if blocks.is_empty() { Vec::new() } else { vec![blocks.join("\n\n")] }
    }

    fn table(&self, table: &Table) -> Vec<String> {
        let rows = table.groups.iter().map(|group| {
            let key: Vec<&str> = group
                .key
                .iter()
                .map(|part| part.as_deref().filter(|part| !part.is_empty()).unwrap_or(NOT_SAID))
                .collect();
            let cells = GROUP_COLUMNS.iter().map(|(_, _, cell)| cell(group)).collect();
            // Longer keys are cut in the middle of nowhere by the grid; no key is worth more than half a page.
            (cut(&key.join(" / "), 60), cells)
        });
        let columns = GROUP_COLUMNS.iter().map(|(title, rank, _)| Column { title, rank: *rank }).collect();
        let label = format!("by {}", table.grouping.name());
        let mut lines = Grid { label, columns, rows: rows.collect() }.lines(self.width);
        let more = table.total.saturating_sub(table.groups.len());
        if more > 0 {
            let (more, shown) = (units::count(more as u64), table.groups.len());
            lines.extend(wrap(&format!("{more} more; the {shown} with the most calls are shown (--top)"), self.width));
        }
        if lines.iter().any(|line| line.contains(THIN_MARK)) {
            let [(p95, _), (p99, _)] = THIN;
            lines.extend(wrap(&format!("{THIN_MARK} of fewer than {p95} calls (p95), {p99} calls (p99)"), self.width));
        }
        lines
    }

    fn failures(&self) -> Vec<String> {
        let failures = &self.snapshot.failures;
        if failures.is_empty() {
            return Vec::new();
        }
        let titles = [("calls", 0), ("before", 2), ("change", 3), ("last seen", 1), ("users", 5), ("most in", 4)];
        let columns = titles.map(|(title, rank)| Column { title, rank }).into();
        let before = self.snapshot.previous.calls > 0;
        let rows =
            failures.iter().map(|failure| (failure.mode.word().to_owned(), self.failure(failure, before))).collect();
        Grid { label: "failure modes".to_owned(), columns, rows }.lines(self.width)
    }

    fn failure(&self, failure: &Failure, before: bool) -> Vec<String> {
        let model = failure.models.first().map_or_else(|| UNKNOWN.to_owned(), |(model, _)| cut(model, 24));
        vec![
            units::count(failure.calls),
            units::count(failure.previous),
            change(failure.calls as f64, failure.previous as f64, before),
            failure.last_us.map_or_else(|| UNKNOWN.to_owned(), |us| self.time(us)),
            failure.users.map_or_else(|| UNKNOWN.to_owned(), |n| at_least(n, failure.partial)),
            model,
        ]
    }

    /// The newest message of each failure mode.
    fn messages(&self) -> Vec<String> {
        let examples = self.snapshot.failures.iter().filter_map(|f| Some((f.mode.word(), f.example.as_deref()?)));
        let lines = examples.map(|(mode, example)| cut(&format!("  {mode}: {example}"), self.width));
        let mut lines: Vec<String> = lines.collect();
        if !lines.is_empty() {
            lines.insert(0, "newest messages".to_owned());
        }
        lines
    }

    fn rejected(&self) -> Vec<String> {
        let examples = &self.snapshot.accounting.examples;
        let mut lines = Vec::new();
        for example in examples.iter().take(EXAMPLES) {
            let place = format!(
                "  {} at byte {}: {}",
                clean(&example.source),
                units::count(example.offset),
                example.reason.word()
            );
            lines.push(cut(&place, self.width));
            lines.push(cut(&format!("    {}", mask::example(&example.snippet, self.words)), self.width));
        }
        if !lines.is_empty() {
            lines
                .insert(0, format!("first rejected lines, {} in all", units::count(self.snapshot.accounting.rejected)));
        }
        lines
    }
}

/// So many calls.
pub(super) fn calls(n: u64) -> String {
    if n == 1 { "1 call".to_owned() } else { format!("{} calls", units::count(n)) }
}

/// A column of a table by group: heading, rank (the higher, the sooner it is left out), cell.
type GroupColumn = (&'static str, u8, fn(&Group) -> String);

/// The columns of a table by group.
const GROUP_COLUMNS: [GroupColumn; 12] = [
    ("calls", 0, |g| units::count(g.stats.calls)),
    ("change", 10, |g| change(g.stats.calls as f64, g.previous.calls as f64, g.previous.calls > 0)),
    ("errors", 1, |g| share(g.stats.error_rate())),
    ("429", 6, |g| share(g.stats.rate_limit_rate())),
    ("p50", 3, |g| units::duration_cell(g.stats.latency_us.p50)),
    ("p95", 2, |g| percentile(&g.stats.latency_us, g.stats.latency_us.p95, THIN[0].0)),
    ("p99", 7, |g| percentile(&g.stats.latency_us, g.stats.latency_us.p99, THIN[1].0)),
    ("ttft", 5, |g| units::duration_cell(g.stats.ttft_us.p50)),
    ("tok/s", 8, |g| figure(g.stats.output_tokens_per_s.p50)),
    ("in", 9, |g| figure(g.stats.input_tokens.map(|n| n as f64))),
    ("out", 9, |g| figure(g.stats.output_tokens.map(|n| n as f64))),
    ("cost", 4, |g| spent(&g.stats)),
];

/// A percentile, marked where there are too few calls for it to say much.
fn percentile(dist: &Dist, value: Option<f64>, least: u64) -> String {
    let thin = value.is_some() && dist.count < least;
    format!("{}{}", if thin { THIN_MARK.to_string() } else { String::new() }, units::duration_cell(value))
}

/// A count, or one that may be higher.
fn at_least(n: u64, partial: bool) -> String {
    format!("{}{}", units::count(n), if partial { "+" } else { "" })
}

fn share(share: Option<f64>) -> String {
    share.map_or_else(|| UNKNOWN.to_owned(), units::percent)
}

fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), units::compact)
}
