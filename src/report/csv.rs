//! The report for spreadsheets, after RFC 4180: one row for each group of each grouping, or one of the totals where nothing
//! is grouped. A text cell that a spreadsheet would take for a formula gets a `'` before it; control characters are replaced.

use super::figures::figures;
use super::{Options, Report};
use crate::snapshot::{Snapshot, Stats};
use crate::units::clean;
use serde_json::Value;
use std::io;

/// `--format csv`
pub(super) struct Csv;

impl Report for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn write(&self, snapshot: &Snapshot, _options: &Options, out: &mut dyn io::Write) -> io::Result<()> {
        let keys = snapshot.tables.iter().map(|table| table.grouping.dims.len()).max().unwrap_or(1).max(1);
        let mut header = vec!["grouping".to_owned(), "key".to_owned()];
        header.extend((2..=keys).map(|n| format!("key{n}")));
        header.extend(cells(&Stats::default()).into_iter().map(|(name, _)| name));
        write_row(out, &header)?;
        if snapshot.tables.is_empty() {
            write_row(out, &row("all", &[], keys, &snapshot.totals))?;
        }
        for table in &snapshot.tables {
            let name = table.grouping.name();
            for group in &table.groups {
                write_row(out, &row(&name, &group.key, keys, &group.stats))?;
            }
        }
        Ok(())
    }
}

fn row(grouping: &str, key: &[Option<String>], keys: usize, stats: &Stats) -> Vec<String> {
    let mut row = vec![text(grouping)];
    row.extend((0..keys).map(|i| key.get(i).and_then(Option::as_deref).map_or_else(String::new, text)));
    row.extend(cells(stats).into_iter().map(|(_, cell)| cell));
    row
}

/// The figures side by side: `latency_ms.p50` becomes `latency_ms_p50`.
fn cells(stats: &Stats) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for (name, value) in figures(stats) {
        match value {
            Value::Object(parts) => {
                out.extend(parts.iter().map(|(part, value)| (format!("{name}_{part}"), number(value))))
            }
            value => out.push((name, number(&value))),
        }
    }
    out
}

fn number(value: &Value) -> String {
    if value.is_null() { String::new() } else { value.to_string() }
}

/// Text that a spreadsheet shows and does not compute.
fn text(text: &str) -> String {
    let safe = clean(text);
    if safe.trim_start().starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']) {
        return format!("'{safe}");
    }
    safe.into_owned()
}

fn write_row(out: &mut dyn io::Write, cells: &[String]) -> io::Result<()> {
    let quoted: Vec<String> = cells.iter().map(|cell| quote(cell)).collect();
    write!(out, "{}\r\n", quoted.join(","))
}

fn quote(cell: &str) -> String {
    if cell.contains([',', '"', '\r', '\n']) || cell.starts_with(' ') || cell.ends_with(' ') {
        return format!("\"{}\"", cell.replace('"', "\"\""));
    }
    cell.to_owned()
}
