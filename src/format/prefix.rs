//! Texts before the JSON: container runtimes, `docker compose`, syslog, and whatever else a logger writes in front.

use super::{Context, Format, Payload, Step, has_marker, json, time};
use std::borrow::Cow;

/// Places in a text that are tried as the beginning of an object.
const MAX_TRIES: usize = 16;

/// `2024-01-01T12:00:00.123456789Z stdout F …`, as Kubernetes' runtimes write. A line in parts (`P`) was put together
/// before; one alone is read as it stands.
#[derive(Debug)]
pub struct Cri;

impl Format for Cri {
    fn name(&self) -> &'static str {
        "cri"
    }

    fn text<'a>(&self, text: &'a str) -> Option<Step<'a>> {
        let mut words = text.splitn(4, ' ');
        let ts_us = time::parse(words.next()?)?;
        let (stream, tag, rest) = (words.next()?, words.next()?, words.next()?);
        let is_cri = matches!(stream, "stdout" | "stderr") && matches!(tag.split(':').next(), Some("F" | "P"));
        inside(is_cri, rest, Context { ts_us: Some(ts_us), ..Context::default() })
    }
}

/// `api-1  | …`: the container's name says which service it is.
#[derive(Debug)]
pub struct Compose;

impl Format for Compose {
    fn name(&self) -> &'static str {
        "compose"
    }

    fn text<'a>(&self, text: &'a str) -> Option<Step<'a>> {
        let (name, rest) = text.split_once('|')?;
        let name = name.trim_end();
        let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let app = service(name);
        inside(
            !name.is_empty() && name.bytes().all(is_name),
            rest,
            Context { app: Some(Cow::Borrowed(app)), ..Context::default() },
        )
    }
}

/// A container's name without the number of its replica.
fn service(container: &str) -> &str {
    match container.rsplit_once(['-', '_']) {
        Some((stem, number)) if !stem.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => stem,
        _ => container,
    }
}

/// RFC 5424: `<34>1 2003-10-11T22:14:15.003Z host app procid msgid - …`.
#[derive(Debug)]
pub struct Syslog5424;

impl Format for Syslog5424 {
    fn name(&self) -> &'static str {
        "syslog_rfc5424"
    }

    fn text<'a>(&self, text: &'a str) -> Option<Step<'a>> {
        let rest = priority(text)?.strip_prefix("1 ")?;
        let mut words = rest.splitn(6, ' ');
        let (ts, host, app) = (words.next()?, words.next()?, words.next()?);
        let (_process, _message_id, rest) = (words.next()?, words.next()?, words.next()?);
        let known = |word: &'a str| (word != "-").then_some(Cow::Borrowed(word));
        inside(true, rest, Context { ts_us: time::parse(ts), host: known(host), app: known(app), environment: None })
    }
}

/// RFC 3164 and what daemons make of it: `<34>Oct 11 22:14:15 host app[123]: …`, also without the number in front or with
/// an RFC 3339 time. A time without a year says too little to be used.
#[derive(Debug)]
pub struct Syslog3164;

impl Format for Syslog3164 {
    fn name(&self) -> &'static str {
        "syslog_rfc3164"
    }

    fn text<'a>(&self, text: &'a str) -> Option<Step<'a>> {
        let text = priority(text).unwrap_or(text);
        let (ts_us, rest) = match month_day_time(text) {
            Some(rest) => (None, rest),
            None => {
                let (word, rest) = text.split_once(' ')?;
                (Some(time::parse(word)?), rest)
            }
        };
        let (host, rest) = rest.split_once(' ')?;
        let (tag, rest) = rest.split_once(": ")?;
        let app = tag.split('[').next().unwrap_or(tag);
        let is_word = |word: &str| !word.is_empty() && !word.contains([' ', '{', '"', '|', ':', '=']);
        let context =
            Context { ts_us, host: Some(Cow::Borrowed(host)), app: Some(Cow::Borrowed(app)), environment: None };
        inside(is_word(host) && is_word(app) && !matches!(host, "stdout" | "stderr"), rest, context)
    }
}

/// What follows `<34>`.
fn priority(text: &str) -> Option<&str> {
    let (number, rest) = text.strip_prefix('<')?.split_once('>')?;
    ((1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit())).then_some(rest)
}

/// What follows `Oct 11 22:14:15 `.
fn month_day_time(text: &str) -> Option<&str> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let head = text.get(..15)?;
    let is_time = head.as_bytes()[9] == b':' && head.as_bytes()[12] == b':';
    (is_time && MONTHS.contains(&head.get(..3)?)).then(|| text.get(15..)?.strip_prefix(' ')).flatten()
}

/// Any other text before an object that parses, and after it: `INFO:root:{…}`, `2024-01-01 12:00:00,123 INFO app - {…}`.
#[derive(Debug)]
pub struct Prefix;

impl Format for Prefix {
    fn name(&self) -> &'static str {
        "prefix"
    }

    fn text<'a>(&self, text: &'a str) -> Option<Step<'a>> {
        if text.starts_with('{') || !has_marker(text) {
            return None;
        }
        let places: Vec<usize> = memchr::memchr_iter(b'{', text.as_bytes()).take(MAX_TRIES).collect();
        let object = places.iter().filter(|at| looks_like_object(&text[**at..])).find_map(|at| whole_object(text, *at));
        let (at, object) = object.or_else(|| broken_object(text, &places))?;
        let context = Context { ts_us: time::leading(&text[..at]), ..Context::default() };
        Some(Step::Inside(vec![Payload { key: "", text: Cow::Borrowed(object) }], context))
    }
}

/// Whether a text begins like an object of JSON or a dict of Python.
fn looks_like_object(text: &str) -> bool {
    text[1..].trim_start().starts_with(['"', '\''])
}

/// The object with an event in it that begins there.
fn whole_object(text: &str, at: usize) -> Option<(usize, &str)> {
    let rest = &text[at..];
    let object = match json::first_value(rest) {
        Some((raw, _)) => raw.get(),
        None => super::python::dict_within(rest)?,
    };
    has_marker(object).then_some((at, object))
}

/// What begins like an event and breaks off: handed on, to be rejected.
fn broken_object<'a>(text: &'a str, places: &[usize]) -> Option<(usize, &'a str)> {
    let is_event = |at: &&usize| {
        let head = text[**at + 1..].trim_start().trim_start_matches(['"', '\'']);
        head.starts_with("event") && has_marker(head)
    };
    places.iter().find(is_event).map(|at| (*at, &text[*at..]))
}

/// A step into the rest of the text, if it is the right form and may hold an event.
fn inside<'a>(is_form: bool, rest: &'a str, context: Context<'a>) -> Option<Step<'a>> {
    let rest = rest.trim_start();
    let payload = Payload { key: "", text: Cow::Borrowed(rest) };
    (is_form && has_marker(rest)).then(|| Step::Inside(vec![payload], context))
}
