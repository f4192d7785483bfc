//! The judgement for people: what was looked at, a line for each limit, and the last word.

use super::gate::{Gate, Sample};
use super::limit::calls;
use super::{Form, words};
use crate::units::{self, Zone, clean};
use std::io;
use unicode_width::UnicodeWidthStr;

/// `--format text`
pub(super) struct Text;

impl Form for Text {
    fn name(&self) -> &'static str {
        "text"
    }

    fn write(&self, gate: &Gate, zone: Zone, out: &mut dyn io::Write) -> io::Result<()> {
        let blocks = [header(gate, zone), table(gate), last(gate)];
        writeln!(out, "{}", blocks.map(|lines| lines.join("\n")).join("\n\n"))
    }
}

fn header(gate: &Gate, zone: Zone) -> Vec<String> {
    let mut lines = vec![format!("window    {}", sample(&gate.sample, zone))];
    if !gate.filter.is_empty() {
        lines.push(format!("filter    {}", clean(&gate.filter)));
    }
    if let Some((name, baseline)) = &gate.baseline {
        let more = units::percent(gate.asked.max_regression);
        lines.push(format!("baseline  {}: {}, and {more} more at most", clean(name), sample(baseline, zone)));
    }
    lines
}

fn sample(sample: &Sample, zone: Zone) -> String {
    let time = |us: i64| units::time(us, zone, "%Y-%m-%d %H:%M:%S");
    if sample.range.is_empty() {
        return "no calls".to_owned();
    }
    let (since, until) = (time(sample.range.since_us), time(sample.range.until_us));
    let offset = match zone {
        Zone::Utc => "UTC".to_owned(),
        Zone::Local => units::time(sample.range.until_us, zone, "UTC%:z"),
    };
    format!("{since} to {until} {offset}, {}", calls(sample.calls))
}

/// Columns of figures to the right of their names; the verdict, which may be long, comes last.
fn table(gate: &Gate) -> Vec<String> {
    let mut titles = vec!["", "measured", "allowed"];
    if gate.baseline.is_some() {
        titles.extend(["baseline", "change"]);
    }
    let mut rows = vec![titles.iter().map(|title| (*title).to_owned()).collect::<Vec<_>>()];
    let mut ends = vec!["verdict".to_owned()];
    for line in &gate.lines {
        let mut cells = vec![words::name(line), words::measured(line), words::allowed(line)];
        if gate.baseline.is_some() {
            cells.extend([words::baseline(line), words::change_text(line).unwrap_or_default()]);
        }
        rows.push(cells);
        ends.push(words::verdict(&line.verdict));
    }
    let widths: Vec<usize> =
        (0..titles.len()).map(|i| rows.iter().map(|row| row[i].width()).max().unwrap_or(0)).collect();
    rows.iter().zip(ends).map(|(row, end)| set(row, &widths) + "  " + &clean(&end)).collect()
}

fn set(row: &[String], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths).enumerate().map(|(i, (cell, width))| {
        let room = " ".repeat(width.saturating_sub(cell.width()));
        if i == 0 { format!("{cell}{room}") } else { format!("  {room}{cell}") }
    });
    cells.collect()
}

fn last(gate: &Gate) -> Vec<String> {
    let notes = gate.notes.iter().map(|note| format!("note: {}", clean(note)));
    notes.chain([words::summary(gate)]).collect()
}
