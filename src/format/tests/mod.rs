//! Tests of the formats as a whole: what a line becomes, by example, by fixture, and by comparing the two paths.

mod differential;
mod events;
mod fixtures;
mod lines;
mod meaning;
mod protocols;
mod round_trip;
mod wrapped;

use super::*;
use crate::event::{ScoreEvent, SpanEvent};

/// Keeps every event as text that tells all of it.
#[derive(Default)]
struct Told(Vec<String>);

impl Sink for Told {
    fn call(&mut self, call: &Call<'_>) {
        self.0.push(format!("{call:?}"));
    }

    fn span(&mut self, span: &SpanEvent<'_>) {
        self.0.push(format!("{span:?}"));
    }

    fn score(&mut self, score: &ScoreEvent<'_>) {
        self.0.push(format!("{score:?}"));
    }
}

/// Keeps every event as JSON with the known fields.
#[derive(Default)]
struct AsJson(Vec<serde_json::Value>);

impl Sink for AsJson {
    fn call(&mut self, call: &Call<'_>) {
        self.0.push(events::call(call));
    }

    fn span(&mut self, span: &SpanEvent<'_>) {
        self.0.push(events::span(span));
    }

    fn score(&mut self, score: &ScoreEvent<'_>) {
        self.0.push(events::score(score));
    }
}

/// A line's verdict and its events, by the path that programs take, and by the general path, which must agree.
fn read(line: &[u8]) -> (Verdict, Vec<serde_json::Value>) {
    let mut sink = AsJson::default();
    let verdict = Decoder::new().decode(line, &mut sink);
    let mut slow = AsJson::default();
    assert_eq!(Decoder::new().decode_slowly(line, &mut slow), verdict, "{}", line.escape_ascii());
    assert_eq!(slow.0, sink.0, "{}", line.escape_ascii());
    (verdict, sink.0)
}

/// The one event of a line.
fn event(line: &str) -> serde_json::Value {
    let (verdict, mut events) = read(line.as_bytes());
    assert_eq!(verdict, Verdict::Taken, "{line}");
    assert_eq!(events.len(), 1, "{line}");
    events.remove(0)
}

/// The fields of the one call of a line.
fn call(fields: &str) -> serde_json::Value {
    event(&format!(r#"{{"event":"llm_call","request_id":"r",{fields}}}"#))["call"].take()
}

/// What a line turns out to be.
fn verdict(line: &str) -> Verdict {
    read(line.as_bytes()).0
}
