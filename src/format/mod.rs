//! From a line to its events: a registry of formats, tried in order on what a line holds, inside out. Pure: no I/O, no
//! clock. A line is an LLM event where it holds an object whose `event` is `llm_call`, `llm_span` or `llm_score`, bare or
//! inside the envelopes of real logs. A new format is one file, one line of [`FORMATS`], a folder of `fixtures/formats/`.

mod convert;
mod draft;
mod envelope;
mod fast;
mod json;
mod keys;
mod names;
mod native;
mod number;
pub mod parts;
mod prefix;
mod python;
mod shape;
mod status;
mod time;
pub mod write;

pub use shape::shape;

use crate::event::{Call, Reason, Sink, Text, Verdict};
use json::Object;
use memchr::memmem::Finder;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Envelopes within envelopes are opened so deep.
const MAX_LEVELS: usize = 8;

/// So many texts inside of envelopes are looked at in one line: many more than any log has, few enough that a line made to
/// branch at every level costs no more than its length.
const MAX_TEXTS: usize = 64;

/// What every LLM event has in it, in any spelling of its surroundings.
const MARKERS: [&str; 4] = ["llm_call", "llm_span", "llm_score", "llm_limit"];

/// What all markers begin with.
static STEM: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("llm_"));

/// One form that events, or lines with events inside, arrive in.
pub trait Format: Sync {
    /// The stable name, also of its fixture folder.
    fn name(&self) -> &'static str;

    /// What it makes of a JSON object; `None` where it is none of its own.
    fn object<'a>(&self, _object: &Object<'a>, _around: &Context<'a>, _sink: &mut dyn Sink) -> Option<Step<'a>> {
        None
    }

    /// What it makes of a text that is no JSON object; `None` where it is none of its own.
    fn text<'a>(&self, _text: &'a str) -> Option<Step<'a>> {
        None
    }
}

/// Where a format leads.
#[derive(Debug)]
pub enum Step<'a> {
    /// Its events went to the sink, or it knows why not.
    Done(Verdict),
    /// It is an envelope: texts that may hold the event, and what the envelope knows.
    Inside(Vec<Payload<'a>>, Context<'a>),
}

/// A text inside of an envelope that may hold an event.
#[derive(Debug)]
pub struct Payload<'a> {
    /// The key it stands under; empty where the envelope is no object.
    pub key: &'static str,
    /// The text.
    pub text: Cow<'a, str>,
}

/// Every format, in the order in which they are tried. An envelope of some logger comes before those that look alike.
pub static FORMATS: [&dyn Format; 19] = [
    &native::Native,
    &envelope::DOCKER,
    &envelope::JOURNALD,
    &envelope::BUNYAN,
    &envelope::PINO,
    &envelope::LOGURU,
    &envelope::TRACING,
    &envelope::GOOGLE_CLOUD,
    &envelope::STRUCTLOG,
    &envelope::ZAP,
    &envelope::SLOG,
    &envelope::PYTHON_JSON_LOGGER,
    &envelope::ANY_LOGGER,
    &python::PythonDict,
    &prefix::Cri,
    &prefix::Compose,
    &prefix::Syslog5424,
    &prefix::Syslog3164,
    &prefix::Prefix,
];

/// What surrounds an event knows of it: fills in what the event does not say itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Context<'a> {
    /// When the line was written, µs since the Unix epoch.
    pub ts_us: Option<i64>,
    /// The machine that wrote it.
    pub host: Text<'a>,
    /// The application.
    pub app: Text<'a>,
    /// The deployment environment.
    pub environment: Text<'a>,
}

impl<'a> Context<'a> {
    /// This one, and what lies further out where it is silent.
    fn within(self, outer: &Context<'a>) -> Context<'a> {
        Context {
            ts_us: self.ts_us.or(outer.ts_us),
            host: self.host.or_else(|| outer.host.clone()),
            app: self.app.or_else(|| outer.app.clone()),
            environment: self.environment.or_else(|| outer.environment.clone()),
        }
    }

    /// Fills what a call does not know.
    #[inline]
    fn fill(&self, call: &mut Call<'a>) {
        call.ts_us = call.ts_us.or(self.ts_us);
        for (slot, known) in
            [(&mut call.host, &self.host), (&mut call.app, &self.app), (&mut call.environment, &self.environment)]
        {
            if slot.is_none() && known.is_some() {
                slot.clone_from(known);
            }
        }
    }
}

/// Reads lines; keeps what it learned of their key order, so one per thread, used again for line after line.
#[derive(Debug, Default)]
pub struct Decoder {
    /// For bare lines, and for those inside an envelope.
    scanners: [fast::Scanner; 2],
    /// How many texts inside of this line may still be looked at.
    texts_left: usize,
}

impl Decoder {
    /// A decoder that has seen nothing.
    pub fn new() -> Decoder {
        Decoder::default()
    }

    /// Reads one line without its newline; a byte order mark and a carriage return are no part of it. Its events go to
    /// the sink, all of them before this returns; of a rejected line none do.
    pub fn decode(&mut self, line: &[u8], sink: &mut dyn Sink) -> Verdict {
        let (text, around) = match whole_text(line) {
            Ok(text) => (text, Context::default()),
            Err(reason) => return Verdict::Rejected(reason),
        };
        // Most lines are bare calls: they go no further than here.
        match self.scanners[0].read(text, &around, sink) {
            Some(verdict @ (Verdict::Taken | Verdict::Skipped)) => return verdict,
            // What is no event by itself may still be an envelope of one.
            Some(Verdict::Rejected(_)) | None => {}
        }
        self.texts_left = MAX_TEXTS;
        general(text, &around, sink, &mut |text, around, sink| self.inside(text, around, 1, sink))
    }

    /// As [`Decoder::decode`], without the fast path: the reference for what it must do.
    #[doc(hidden)]
    pub fn decode_slowly(&mut self, line: &[u8], sink: &mut dyn Sink) -> Verdict {
        let mut texts_left = MAX_TEXTS;
        match whole_text(line) {
            Ok(text) => Decoder::text_slowly(text, &Context::default(), 0, &mut texts_left, sink),
            Err(reason) => Verdict::Rejected(reason),
        }
    }

    /// Reads a text inside of so many envelopes.
    fn inside(&mut self, text: &str, around: &Context<'_>, level: usize, sink: &mut dyn Sink) -> Verdict {
        if !may_open(level, &mut self.texts_left) {
            return Verdict::Skipped;
        }
        let text = text.trim_ascii();
        match self.scanners[1].read(text, around, sink) {
            Some(verdict @ (Verdict::Taken | Verdict::Skipped)) => return verdict,
            // What is no event by itself may still be an envelope of one.
            Some(Verdict::Rejected(_)) | None => {}
        }
        general(text, around, sink, &mut |text, around, sink| self.inside(text, around, level + 1, sink))
    }

    fn text_slowly(
        text: &str,
        around: &Context<'_>,
        level: usize,
        texts_left: &mut usize,
        sink: &mut dyn Sink,
    ) -> Verdict {
        if level > 0 && !may_open(level, texts_left) {
            return Verdict::Skipped;
        }
        general(text, around, sink, &mut |text, around, sink| {
            Decoder::text_slowly(text, around, level + 1, texts_left, sink)
        })
    }
}

/// Whether a text at this level of envelopes is looked at; takes it off the number of those that may be.
#[cold]
fn may_open(level: usize, texts_left: &mut usize) -> bool {
    let may = level < MAX_LEVELS && *texts_left > 0;
    *texts_left -= usize::from(may);
    may
}

/// The line as trimmed text.
fn whole_text(line: &[u8]) -> Result<&str, Reason> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
    match std::str::from_utf8(line) {
        Ok(text) => Ok(text),
        Err(_) if memchr::memchr(0, line).is_some() => Err(Reason::NulBytes),
        Err(_) => Err(Reason::InvalidUtf8),
    }
}

/// Reads what is inside an envelope.
type Inner<'i> = dyn FnMut(&str, &Context<'_>, &mut dyn Sink) -> Verdict + 'i;

/// Reads a text by trying every format.
fn general(text: &str, around: &Context<'_>, sink: &mut dyn Sink, inner: &mut Inner<'_>) -> Verdict {
    let text = text.trim_ascii();
    if memchr::memchr(0, text.as_bytes()).is_some() {
        return Verdict::Rejected(Reason::NulBytes);
    }
    if !has_marker(text) && !envelope::has_bytes(text) {
        return without_marker(text);
    }
    if !text.starts_with('{') {
        return follow(FORMATS.iter().filter_map(|format| format.text(text)), around, sink, inner);
    }
    match Object::parse(text) {
        Ok(object) => from_object(&object, around, sink, inner),
        Err(Reason::InvalidJson) => {
            match follow(FORMATS.iter().filter_map(|format| format.text(text)), around, sink, inner) {
                Verdict::Skipped => Verdict::Rejected(Reason::InvalidJson),
                verdict => verdict,
            }
        }
        Err(reason) => Verdict::Rejected(reason),
    }
}

/// A text without an event in it: skipped, but for JSON that is broken.
fn without_marker(text: &str) -> Verdict {
    let is_object =
        text.strip_prefix('{').is_some_and(|rest| matches!(rest.trim_start().chars().next(), Some('"' | '}') | None));
    match is_object.then(|| json::check(text)) {
        Some(Err(reason)) => Verdict::Rejected(reason),
        Some(Ok(())) | None => Verdict::Skipped,
    }
}

/// Reads an object by trying every format. What is under a key is looked at once: under another name of the envelope it
/// would be the same.
fn from_object<'a>(object: &Object<'a>, around: &Context<'a>, sink: &mut dyn Sink, inner: &mut Inner<'_>) -> Verdict {
    let mut result = Verdict::Skipped;
    let mut followed: Vec<&'static str> = Vec::new();
    for format in FORMATS {
        let step = match format.object(object, around, sink) {
            None => continue,
            // It calls itself an event and says nothing: what it says may be inside.
            Some(Step::Done(empty @ Verdict::Rejected(Reason::MissingField))) => {
                result = empty;
                continue;
            }
            Some(Step::Done(verdict)) => return verdict,
            Some(Step::Inside(mut payloads, context)) => {
                payloads.retain(|payload| !followed.contains(&payload.key));
                followed.extend(payloads.iter().map(|payload| payload.key));
                Step::Inside(payloads, context)
            }
        };
        match follow(std::iter::once(step), around, sink, inner) {
            Verdict::Skipped => {}
            Verdict::Taken => return Verdict::Taken,
            rejected if result == Verdict::Skipped => result = rejected,
            Verdict::Rejected(_) => {}
        }
    }
    result
}

/// Goes where formats lead: the first event taken ends it, else the first rejection counts.
fn follow<'a>(
    steps: impl Iterator<Item = Step<'a>>,
    around: &Context<'a>,
    sink: &mut dyn Sink,
    inner: &mut Inner<'_>,
) -> Verdict {
    let mut result = Verdict::Skipped;
    for step in steps {
        let verdict = match step {
            Step::Done(verdict) => verdict,
            Step::Inside(payloads, context) => {
                let context = context.within(around);
                let verdicts = payloads.iter().map(|payload| inner(&payload.text, &context, sink));
                best(verdicts)
            }
        };
        result = match (result, verdict) {
            (_, Verdict::Taken) => return Verdict::Taken,
            (Verdict::Skipped, verdict) => verdict,
            (before, _) => before,
        };
    }
    result
}

fn best(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    let mut result = Verdict::Skipped;
    for verdict in verdicts {
        match verdict {
            Verdict::Taken => return Verdict::Taken,
            Verdict::Rejected(_) if result == Verdict::Skipped => result = verdict,
            Verdict::Rejected(_) | Verdict::Skipped => {}
        }
    }
    result
}

/// Whether a text may hold an LLM event.
fn has_marker(text: &str) -> bool {
    STEM.find_iter(text.as_bytes()).any(|at| MARKERS.iter().any(|marker| text[at..].starts_with(marker)))
}

#[cfg(test)]
mod tests;
