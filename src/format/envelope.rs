//! Envelopes that are JSON objects: log records of known loggers and collectors with the event in one of their fields, as
//! text or as an object. One table; what the envelope knows of time, host and application fills what the event leaves out.

use super::json::{self, Object, Value};
use super::keys::{self, Field};
use super::{Context, Format, Payload, Step, convert, has_marker, time};
use crate::event::{Sink, Text};
use std::borrow::Cow;

/// A log record by its keys.
#[derive(Debug)]
pub struct Envelope {
    name: &'static str,
    /// Keys that all must be there.
    marks: &'static [&'static str],
    /// Keys that may hold the event, the likeliest first.
    payload: &'static [&'static str],
    /// Keys of the time, beside those that native events use.
    time: &'static [&'static str],
    /// Keys of the machine, beside those that native events use.
    host: &'static [&'static str],
    /// Keys of the application, beside those that native events use.
    app: &'static [&'static str],
}

/// An envelope with nothing of its own but its keys.
const fn plain(name: &'static str, marks: &'static [&'static str], payload: &'static [&'static str]) -> Envelope {
    Envelope { name, marks, payload, time: &[], host: &[], app: &[] }
}

/// `{"log":"…\n","stream":"stdout","time":"…"}`, one line of a container's json-file log.
pub static DOCKER: Envelope = plain("docker", &["log", "stream"], &["log"]);

/// `journalctl -o json`.
pub static JOURNALD: Envelope = Envelope {
    name: "journald",
    marks: &["MESSAGE"],
    payload: &["MESSAGE"],
    time: &["_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP"],
    host: &["_HOSTNAME"],
    app: &["SYSLOG_IDENTIFIER", "_SYSTEMD_UNIT", "CONTAINER_NAME"],
};

/// Bunyan's records carry a version and the application's name.
pub static BUNYAN: Envelope =
    Envelope { app: &["name"], ..plain("bunyan", &["v", "name", "hostname", "msg"], &["msg"]) };

/// Pino's records carry a numeric level, process and host.
pub static PINO: Envelope =
    Envelope { app: &["name"], ..plain("pino", &["level", "time", "pid", "msg"], &["msg", "data"]) };

/// Loguru's `serialize=True`: the record, with the message and what was bound to it.
pub static LOGURU: Envelope = plain("loguru", &["text", "record"], &["record"]);

/// tracing-subscriber's JSON: the fields of the event in an object.
pub static TRACING: Envelope = plain("tracing", &["fields", "level"], &["fields"]);

/// Google Cloud's exported log entries.
pub static GOOGLE_CLOUD: Envelope =
    Envelope { time: &["receiveTimestamp"], ..plain("google_cloud", &["logName"], &["jsonPayload", "textPayload"]) };

/// structlog keeps the message in `event`.
pub static STRUCTLOG: Envelope = plain("structlog", &["event", "level"], &["event"]);

/// zap's production encoder.
pub static ZAP: Envelope = plain("zap", &["level", "ts", "msg"], &["msg"]);

/// Go's `slog` with the JSON handler.
pub static SLOG: Envelope = plain("slog", &["time", "level", "msg"], &["msg"]);

/// python-json-logger keeps the message in `message`.
pub static PYTHON_JSON_LOGGER: Envelope = plain("python_json_logger", &["message"], &["message"]);

/// Any other record: the fields that loggers and collectors use for their message or their data.
pub static ANY_LOGGER: Envelope = plain(
    "any_logger",
    &[],
    &[
        "message",
        "msg",
        "@message",
        "event",
        "log",
        "MESSAGE",
        "body",
        "payload",
        "data",
        "text",
        "fields",
        "extra",
        "record",
        "attributes",
        "context",
        "details",
        "properties",
        "content",
        "line",
        "_raw",
        "params",
    ],
);

impl Format for Envelope {
    fn name(&self) -> &'static str {
        self.name
    }

    fn object<'a>(&self, object: &Object<'a>, _around: &Context<'a>, _sink: &mut dyn Sink) -> Option<Step<'a>> {
        if !self.marks.iter().all(|mark| object.get(mark).is_some()) {
            return None;
        }
        let text = |key: &&str| payload(json::value(object.get(key)?)).filter(|text| has_marker(text));
        let payloads = self.payload.iter().filter_map(|key| Some(Payload { key, text: text(key)? }));
        let payloads: Vec<_> = payloads.collect();
        (!payloads.is_empty()).then(|| Step::Inside(payloads, self.context(object)))
    }
}

impl Envelope {
    fn context<'a>(&self, object: &Object<'a>) -> Context<'a> {
        let own = |names: &[&str]| names.iter().find_map(|name| object.text(name));
        let own_time = own(self.time).and_then(|text| time::parse(&text));
        Context {
            ts_us: known_time(object).or(own_time),
            host: own(self.host).or_else(|| known_text(object, Field::Host)),
            app: own(self.app).map(without_unit).or_else(|| known_text(object, Field::App)),
            environment: known_text(object, Field::Environment),
        }
    }
}

/// The text that may hold an event; journald gives bytes where a message is not plain text.
fn payload(value: Value<'_>) -> Option<Cow<'_, str>> {
    match value {
        Value::Text(text) => Some(text),
        Value::Json(raw) if raw.starts_with('{') => Some(Cow::Borrowed(raw)),
        Value::Json(raw) => {
            let bytes: Vec<u8> = serde_json::from_str(raw).ok()?;
            String::from_utf8(bytes).ok().map(Cow::Owned)
        }
        _ => None,
    }
}

/// Whether a text may be a record of journald whose message is a list of bytes, where no marker can be seen.
pub fn has_bytes(text: &str) -> bool {
    const KEY: &str = "\"MESSAGE\"";
    text.starts_with('{')
        && text.split_once(KEY).is_some_and(|(_, rest)| rest.trim_start_matches([' ', ':']).starts_with('['))
}

/// The time under any of the names that events use; what does not read as one is passed over.
fn known_time(object: &Object<'_>) -> Option<i64> {
    let is_time = |name: &str| matches!(keys::find(name).map(|key| key.field), Some(Field::Timestamp | Field::LogTime));
    let times = object.entries.iter().filter(|(name, _)| is_time(name));
    times.filter_map(|(_, raw)| convert::time(json::value(raw)).ok().flatten()).next()
}

fn known_text<'a>(object: &Object<'a>, field: Field) -> Text<'a> {
    let named = object.entries.iter().filter(|(name, _)| keys::find(name).is_some_and(|key| key.field == field));
    named.filter_map(|(_, raw)| convert::text(json::value(raw)).ok().flatten()).next()
}

/// A systemd unit without its suffix.
fn without_unit(name: Cow<'_, str>) -> Cow<'_, str> {
    match name.strip_suffix(".service") {
        Some(stem) => Cow::Owned(stem.to_owned()),
        None => name,
    }
}
