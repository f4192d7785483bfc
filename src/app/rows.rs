//! `llmtop query` and `llmtop export`: rows and events out of the store.

use crate::cli::{ExportArgs, QueryArgs, RowFormat};
use crate::clock;
use crate::config::Effective;
use crate::store::Reader;
use crate::store::sqlite::{Cell, SqliteReader};
use crate::units::{clean, harmless_json};
use anyhow::Result;
use std::io::{self, Write};
use unicode_width::UnicodeWidthStr;

/// `llmtop export`
pub fn export(args: &ExportArgs, settings: &Effective, out: &mut dyn Write) -> Result<()> {
    let now_us = clock::now_us();
    let filter = args.filter.clone().unwrap_or_default();
    let mut out = Harmless { line: Vec::new(), out };
    SqliteReader::open(settings.config.store()?)?.export(args.window(now_us)?, now_us, &filter, &mut out)?;
    out.flush()?;
    Ok(())
}

/// Lines of JSON on their way out, with every character escaped that could steer a terminal.
struct Harmless<'a> {
    /// The line that is not whole yet.
    line: Vec<u8>,
    out: &'a mut dyn Write,
}

impl Harmless<'_> {
    fn hand_on(&mut self) -> io::Result<()> {
        match std::str::from_utf8(&self.line) {
            Ok(json) => self.out.write_all(harmless_json(json).as_bytes())?,
            Err(_) => self.out.write_all(harmless_json(&String::from_utf8_lossy(&self.line)).as_bytes())?,
        }
        self.line.clear();
        Ok(())
    }
}

impl Write for Harmless<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.hand_on()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hand_on()?;
        self.out.flush()
    }
}

/// `llmtop query`
pub fn query(args: &QueryArgs, settings: &Effective, out: &mut dyn Write) -> Result<()> {
    let mut reader = SqliteReader::open(settings.config.store()?)?;
    match args.format {
        RowFormat::Table => table(&mut reader, &args.sql, out),
        RowFormat::Json => json(&mut reader, &args.sql, out),
        RowFormat::Csv => csv(&mut reader, &args.sql, out),
    }
}

/// Widths are those of the first rows; a longer cell later moves its own line alone.
const MEASURED: usize = 1_000;

/// No column is padded to more than this.
const WIDEST: usize = 60;

fn table(reader: &mut SqliteReader, sql: &str, out: &mut dyn Write) -> Result<()> {
    let mut table = Table::default();
    let names = reader.query(sql, &mut |names, row| table.row(names, row.iter().map(plain).collect(), out))?;
    table.settle(&names, out)?;
    Ok(())
}

/// Rows as aligned columns, as wide as the first rows ask for.
#[derive(Default)]
struct Table {
    waiting: Vec<Vec<String>>,
    widths: Option<Vec<usize>>,
}

impl Table {
    fn row(&mut self, names: &[String], row: Vec<String>, out: &mut dyn Write) -> io::Result<()> {
        match &self.widths {
            Some(widths) => print(widths, &row, out),
            None => {
                self.waiting.push(row);
                if self.waiting.len() < MEASURED { Ok(()) } else { self.settle(names, out) }
            }
        }
    }

    /// Measures and prints what waits, the heading first.
    fn settle(&mut self, names: &[String], out: &mut dyn Write) -> io::Result<()> {
        if self.widths.is_some() {
            return Ok(());
        }
        let names: Vec<String> = names.iter().map(|n| clean(n).into_owned()).collect();
        let column = |i: usize| self.waiting.iter().filter_map(move |r| r.get(i));
        let width = |i: usize| column(i).chain(names.get(i)).map(|t| t.width()).max().unwrap_or_default().min(WIDEST);
        let widths: Vec<usize> = (0..names.len()).map(width).collect();
        print(&widths, &names, out)?;
        for row in self.waiting.drain(..) {
            print(&widths, &row, out)?;
        }
        self.widths = Some(widths);
        Ok(())
    }
}

fn print(widths: &[usize], row: &[String], out: &mut dyn Write) -> io::Result<()> {
    let mut line = String::new();
    for (text, width) in row.iter().zip(widths) {
        line.push_str(text);
        line.extend(std::iter::repeat_n(' ', width.saturating_sub(text.width()) + 2));
    }
    writeln!(out, "{}", line.trim_end())
}

fn plain(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Integer(n) => n.to_string(),
        Cell::Real(x) => x.to_string(),
        Cell::Text(text) => clean(text).into_owned(),
    }
}

fn json(reader: &mut SqliteReader, sql: &str, out: &mut dyn Write) -> Result<()> {
    reader.query(sql, &mut |names, row| {
        let object: serde_json::Map<_, _> = names.iter().cloned().zip(row.into_iter().map(value)).collect();
        writeln!(out, "{}", harmless_json(&serde_json::to_string(&object)?))
    })?;
    Ok(())
}

fn value(cell: Cell) -> serde_json::Value {
    match cell {
        Cell::Null => serde_json::Value::Null,
        Cell::Integer(n) => n.into(),
        Cell::Real(x) => x.into(),
        Cell::Text(text) => text.into(),
    }
}

fn csv(reader: &mut SqliteReader, sql: &str, out: &mut dyn Write) -> Result<()> {
    let mut headed = false;
    let names = reader.query(sql, &mut |names, row| {
        if !std::mem::replace(&mut headed, true) {
            write!(out, "{}\r\n", heading(names))?;
        }
        let cells: Vec<String> = row.iter().map(csv_cell).collect();
        write!(out, "{}\r\n", cells.join(","))
    })?;
    if !headed {
        write!(out, "{}\r\n", heading(&names))?;
    }
    Ok(())
}

fn heading(names: &[String]) -> String {
    names.iter().map(|n| quoted(&clean(n))).collect::<Vec<_>>().join(",")
}

fn csv_cell(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => quoted(&clean(text)),
        other => plain(other),
    }
}

/// A text cell by RFC 4180; one that a spreadsheet would run as a formula gets a `'` before it.
fn quoted(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if text.contains([',', '"', '\n', '\r']) || !guard.is_empty() {
        return format!("\"{guard}{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}
