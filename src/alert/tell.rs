//! Alerts in words and as JSON: what, how much, since when, and what to paste. Names from logs are cleaned and cut here.

use super::rule::{Against, change_words};
use super::{Alert, Change, Turn};
use crate::snapshot::{BudgetState, Burn};
use crate::units;
use serde_json::{Map, Value, json};

/// More characters of a name from a log tell nothing more.
const LONGEST_NAME: usize = 100;

/// An identity made of its parts.
pub(super) fn id(parts: &[&str]) -> String {
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(parts.join("\0").as_bytes()))
}

/// `$41.50 of $50.00`, at least so much where some calls have no price.
pub(super) fn spent(state: &BudgetState, burn: &Burn) -> String {
    let least = if burn.spent.unpriced_calls > 0 { "≥" } else { "" };
    let spent =
        burn.spent.known().map_or_else(|| units::UNKNOWN.to_owned(), |nusd| least.to_owned() + &units::usd(nusd));
    format!("{spent} of {}", units::usd(state.budget.limit_nusd))
}

/// A name from outside in a line of text.
pub(super) fn name(text: &str) -> String {
    let clean = units::clean(text);
    match clean.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", &clean[..end]),
        None => clean.into_owned(),
    }
}

/// What and how much: `error rate 7.14 % over 5m, above 5.00 %`.
pub fn summary(alert: &Alert) -> String {
    let words = |value: f64| match alert.against {
        Against::Value => alert.unit.text(value),
        Against::Before => change_words(value),
    };
    let value = alert.value.map_or_else(|| units::UNKNOWN.to_owned(), words);
    let mut text = format!("{} {value}", alert.metric.says);
    if let Some(over_us) = alert.over_us {
        let over = units::exact_duration(over_us);
        text += &match alert.against {
            Against::Value => format!(" over {over}"),
            Against::Before => format!(" against the {over} before"),
        };
    }
    if let Some(detail) = &alert.detail {
        text += &format!(" ({detail})");
    }
    if let Some(key) = &alert.key {
        text += &format!(" by {}", name(key));
    }
    text + &format!(", {} {}", alert.side.word(), words(alert.threshold))
}

/// What leads to the calls, to be put behind `llmtop` or `llmtop report`.
pub fn paste(alert: &Alert) -> String {
    let window = format!("{}..{}", units::rfc3339(alert.range.since_us), units::rfc3339(alert.range.until_us));
    let place = if alert.place.is_empty() { String::new() } else { format!("{} ", alert.place) };
    if alert.filter.is_empty() {
        return format!("{place}--window {window}");
    }
    format!("{place}--window {window} --filter {}", quoted(&units::clean(&alert.filter.to_string())))
}

/// A word of a shell, taken literally.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

impl Change {
    /// One line without its time: `FIRED prod errors: error rate …, since …; --window … --filter …`.
    pub fn line(&self) -> String {
        format!("{}; {}", self.headline(), paste(&self.alert))
    }

    /// The same without what to paste.
    pub fn headline(&self) -> String {
        let Change { turn, alert } = self;
        let since = units::rfc3339(alert.since_us);
        let lasted = units::duration_us(alert.at_us.saturating_sub(alert.since_us) as f64);
        let when = match turn {
            Turn::Fired => format!("since {since}"),
            Turn::Cleared => format!("after {lasted}, since {since}"),
        };
        format!("{} {}: {}, {when}", turn.word().to_uppercase(), name(&alert.name), summary(alert))
    }

    /// The event `llm_alert`.
    pub fn event(&self) -> Value {
        let Change { turn, alert } = self;
        let mut event = Map::new();
        let mut put = |name: &str, value: Value| event.insert(name.to_owned(), value);
        put("event", json!("llm_alert"));
        put("id", json!(alert.id));
        put("timestamp", json!(units::rfc3339(alert.at_us)));
        put("state", json!(turn.word()));
        put("name", json!(alert.name));
        put("metric", json!(alert.metric.word));
        put("value", alert.value.map_or(Value::Null, |value| json!(alert.unit.plain(value).1)));
        put("unit", json!(alert.unit.plain(0.0).0));
        put("comparison", json!(alert.side.word()));
        put("threshold", json!(alert.unit.plain(alert.threshold).1));
        put("change", json!(alert.against == Against::Before));
        put("since", json!(units::rfc3339(alert.since_us)));
        put("window_since", json!(units::rfc3339(alert.range.since_us)));
        put("window_until", json!(units::rfc3339(alert.range.until_us)));
        put("filter", json!(alert.filter.to_string()));
        put("budget", json!(alert.budget));
        put("key", json!(alert.key));
        put("text", json!(self.headline()));
        put("paste", json!(paste(alert)));
        Value::Object(event)
    }

    /// The same as Slack and its like read it. What stands in a name must not call a whole channel.
    pub fn slack(&self) -> Value {
        let sign = match self.turn {
            Turn::Fired => ":red_circle:",
            Turn::Cleared => ":large_green_circle:",
        };
        let safe = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let command = format!("llmtop {}", paste(&self.alert)).replace('`', "'");
        json!({ "text": format!("{sign} {}\n`{}`", safe(&self.headline()), safe(&command)) })
    }
}
