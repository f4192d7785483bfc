//! The judgement as JUnit XML, as build servers read it: a test case for each limit, failed where it is not held, an
//! error where it could not be judged, so that nobody takes it for held. What is told beside the figures stands in the suite's output.

use super::gate::{Gate, Line, Verdict};
use super::{Form, words};
use crate::units::{Zone, clean, rfc3339};
use std::io;

/// `--format junit`
pub(super) struct Junit;

/// The name of the suite, and of the class of every case.
const SUITE: &str = "llmtop check";

/// The case for what has to be read before anything is held.
const READ_ALL: &str = "everything could be read";

impl Form for Junit {
    fn name(&self) -> &'static str {
        "junit"
    }

    fn write(&self, gate: &Gate, _: Zone, out: &mut dyn io::Write) -> io::Result<()> {
        let is = |of: fn(&Verdict) -> bool| gate.lines.iter().filter(|line| of(&line.verdict)).count();
        let unread = usize::from(!gate.read_all);
        let total = gate.lines.len() + 1;
        let counts = format!(
            r#"tests="{total}" failures="{}" errors="{}" skipped="0""#,
            is(|verdict| *verdict == Verdict::NotHeld),
            is(|verdict| matches!(verdict, Verdict::Unjudged(_))) + unread,
        );
        writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
        writeln!(out, r#"<testsuites name="{SUITE}" {counts} time="0">"#)?;
        writeln!(out, r#"  <testsuite name="{SUITE}" {counts} time="0">"#)?;
        gate.lines.iter().try_for_each(|line| case(line, out))?;
        let error = if unread > 0 { r#"<error message="not everything could be read"/>"# } else { "" };
        writeln!(out, r#"    <testcase classname="{SUITE}" name="{READ_ALL}" time="0">{error}</testcase>"#)?;
        writeln!(out, "    <system-out>{}</system-out>", escaped(&about(gate).join("; ")))?;
        writeln!(out, "  </testsuite>\n</testsuites>")
    }
}

fn case(line: &Line, out: &mut dyn io::Write) -> io::Result<()> {
    let kind = if line.baseline.is_some() { "regression" } else { "limit" };
    let (name, said) = (escaped(&words::name(line)), escaped(&sentence(line)));
    writeln!(out, r#"    <testcase classname="{SUITE}" name="{name}" time="0">"#)?;
    match &line.verdict {
        Verdict::Held => {}
        Verdict::NotHeld => writeln!(out, r#"      <failure type="{kind}" message="{said}">{said}</failure>"#)?,
        Verdict::Unjudged(why) => writeln!(out, r#"      <error message="{}"/>"#, escaped(why))?,
    }
    writeln!(out, "      <system-out>{said}</system-out>")?;
    writeln!(out, "    </testcase>")
}

/// A line in words.
fn sentence(line: &Line) -> String {
    let mut said = format!("measured {}, allowed {}", words::measured(line), words::allowed(line));
    if line.baseline.is_some() {
        said.push_str(&format!(", baseline {}", words::baseline(line)));
    }
    if let Some(change) = words::change_text(line) {
        said.push_str(&format!(" ({change})"));
    }
    said
}

/// What was looked at.
fn about(gate: &Gate) -> Vec<String> {
    let mut about = vec![format!(
        "{} calls from {} to {}",
        gate.sample.calls,
        rfc3339(gate.sample.range.since_us),
        rfc3339(gate.sample.range.until_us)
    )];
    if !gate.filter.is_empty() {
        about.push(format!("filter {}", gate.filter));
    }
    if let Some((name, sample)) = &gate.baseline {
        about.push(format!("baseline {name}, {} calls", sample.calls));
    }
    about.extend(gate.notes.iter().cloned());
    about
}

/// Text for between tags and quotes. XML 1.0 has no place for control characters and the two last of the plane, not even
/// escaped ones.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    out
}
