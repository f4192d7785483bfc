//! Writes one native event as a line of JSON, fields in the order given. What is unknown is left out, not written as null.

use crate::units;
use std::fmt::Write as _;

/// One event being written.
#[derive(Debug)]
pub struct Line {
    text: String,
}

impl Line {
    /// Begins an event of this kind (`llm_call`, `llm_span`, `llm_score`) at this time, µs since the Unix epoch.
    pub fn event(kind: &str, ts_us: i64) -> Line {
        let mut text = String::with_capacity(768);
        text.push('{');
        Line { text }.text("event", kind).text("timestamp", &units::rfc3339(ts_us))
    }

    /// A string.
    #[must_use]
    pub fn text(mut self, key: &str, value: &str) -> Line {
        self.key(key);
        push_string(&mut self.text, value);
        self
    }

    /// A string that may be unknown.
    #[must_use]
    pub fn maybe(self, key: &str, value: Option<&str>) -> Line {
        match value {
            Some(value) => self.text(key, value),
            None => self,
        }
    }

    /// A number with at most so many decimals, or an integer with 0.
    #[must_use]
    pub fn number(mut self, key: &str, value: f64, decimals: usize) -> Line {
        self.key(key);
        let before = self.text.len();
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{value:.decimals$}");
        if decimals > 0 {
            let kept = self.text.trim_end_matches('0').trim_end_matches('.').len();
            self.text.truncate(kept.max(before + 1));
        }
        self
    }

    /// A whole number.
    #[must_use]
    pub fn count(mut self, key: &str, value: u64) -> Line {
        self.key(key);
        let _ = write!(self.text, "{value}");
        self
    }

    /// A truth value.
    #[must_use]
    pub fn flag(self, key: &str, value: bool) -> Line {
        self.raw(key, if value { "true" } else { "false" })
    }

    /// A list of strings.
    #[must_use]
    pub fn list<'v>(mut self, key: &str, values: impl IntoIterator<Item = &'v str>) -> Line {
        self.key(key);
        self.text.push('[');
        for (at, value) in values.into_iter().enumerate() {
            if at > 0 {
                self.text.push(',');
            }
            push_string(&mut self.text, value);
        }
        self.text.push(']');
        self
    }

    /// A list of messages, each a role and its content.
    #[must_use]
    pub fn messages(mut self, key: &str, messages: &[(&str, &str)]) -> Line {
        self.key(key);
        self.text.push('[');
        for (at, (role, content)) in messages.iter().enumerate() {
            self.text.push_str(if at > 0 { r#",{"role":"# } else { r#"{"role":"# });
            push_string(&mut self.text, role);
            self.text.push_str(r#","content":"#);
            push_string(&mut self.text, content);
            self.text.push('}');
        }
        self.text.push(']');
        self
    }

    /// A value that is JSON already.
    #[must_use]
    pub fn raw(mut self, key: &str, json: &str) -> Line {
        self.key(key);
        self.text.push_str(json);
        self
    }

    /// The line, without a newline.
    pub fn finish(mut self) -> String {
        self.text.push('}');
        self.text
    }

    fn key(&mut self, key: &str) {
        if !self.text.ends_with('{') {
            self.text.push(',');
        }
        push_string(&mut self.text, key);
        self.text.push(':');
    }
}

/// A JSON string with the escapes that RFC 8259 asks for.
fn push_string(out: &mut String, value: &str) {
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if u32::from(c) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_back() {
        let line = Line::event("llm_call", 1_700_000_000_250_000)
            .text("prompt_preview", "say \"hi\"\n\tto \\ the ☂\u{1}")
            .maybe("user_id", None)
            .maybe("host", Some("api-1"))
            .number("latency_ms", 1200.500, 3)
            .number("zero", 0.0, 2)
            .number("whole", 100.0, 0)
            .count("input_tokens", u64::MAX)
            .flag("stream", true)
            .list("cited", ["a", "b\""])
            .messages("prompt", &[("system", "be \"kind\""), ("user", "hi")])
            .raw("guardrail", "[]")
            .finish();
        let read: serde_json::Value = serde_json::from_str(&line).expect("a line is JSON");
        let want = serde_json::json!({
            "event": "llm_call", "timestamp": "2023-11-14T22:13:20.250Z", "prompt_preview": "say \"hi\"\n\tto \\ the ☂\u{1}",
            "host": "api-1", "latency_ms": 1200.5, "zero": 0, "whole": 100, "input_tokens": u64::MAX, "stream": true,
            "cited": ["a", "b\""], "guardrail": [],
            "prompt": [{"role": "system", "content": "be \"kind\""}, {"role": "user", "content": "hi"}],
        });
        assert_eq!(read, want);
        assert!(!line.contains('\n'));
    }
}
