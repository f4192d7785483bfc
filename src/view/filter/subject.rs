//! A call with its fields at hand, as a filter sees it.

use super::{Field, Number, Subject};
use crate::event::Call;
use crate::units;
use crate::view::Dim;

/// A call, when it ended, and where it was read.
#[derive(Debug, Clone, Copy)]
pub struct CallSubject<'a> {
    /// The call.
    pub call: &'a Call<'a>,
    /// When it ended, µs since the Unix epoch.
    pub ts_us: i64,
    /// Where it was read.
    pub source: Option<&'a str>,
}

impl CallSubject<'_> {
    fn any_dim(&self, dim: Dim, test: &dyn Fn(Option<&str>) -> bool) -> bool {
        let call = self.call;
        test(match dim {
            Dim::Model => call.model.as_deref(),
            Dim::Provider => call.provider.as_deref(),
            Dim::Operation => call.operation.as_deref(),
            Dim::User => call.user_id.as_deref(),
            Dim::Session => call.session_id.as_deref(),
            Dim::Host => call.host.as_deref(),
            Dim::App => call.app.as_deref(),
            Dim::Environment => call.environment.as_deref(),
            Dim::Variant => call.variant.as_deref(),
            Dim::Error => call.outcome.failure().map(|mode| mode.word()),
            Dim::Status => Some(if call.outcome.is_error() { "error" } else { "ok" }),
            Dim::Source => self.source,
            Dim::Hour => return test(Some(&units::hour(self.ts_us))),
            Dim::Day => return test(Some(&units::day(self.ts_us))),
        })
    }

    fn any_message(&self, test: &dyn Fn(Option<&str>) -> bool) -> bool {
        let said = self.call.error_message.as_deref().or(self.call.error_type.as_deref());
        match said.filter(|text| !text.is_empty() && self.call.outcome.is_error()) {
            None => test(None),
            Some(text) => test(Some(text)),
        }
    }

    fn any_tag(&self, test: &dyn Fn(Option<&str>) -> bool) -> bool {
        let Some(text) = self.call.tags.as_deref().filter(|text| !text.is_empty()) else { return test(None) };
        match serde_json::from_str::<Vec<String>>(text) {
            Ok(tags) if tags.is_empty() => test(None),
            Ok(tags) => tags.iter().any(|tag| test(Some(tag))),
            // Tags that are no list are one tag.
            Err(_) => test(Some(text)),
        }
    }
}

impl Subject for CallSubject<'_> {
    fn any_value(&self, field: Field, test: &dyn Fn(Option<&str>) -> bool) -> bool {
        match field {
            Field::Dim(dim) => self.any_dim(dim, test),
            Field::Trace => test(self.call.trace_id.as_deref()),
            Field::Request => test(self.call.request_id.as_deref()),
            Field::Tag => self.any_tag(test),
            Field::Message => self.any_message(test),
        }
    }

    fn number(&self, number: Number) -> Option<i64> {
        let call = self.call;
        let whole = |value: Option<u64>| value.map(|value| i64::try_from(value).unwrap_or(i64::MAX));
        match number {
            Number::Latency => whole(call.latency_us),
            Number::Ttft => whole(call.ttft_us),
            Number::Cost => call.cost_nusd,
            Number::Tokens => match (whole(call.input_tokens), whole(call.output_tokens)) {
                (None, None) => None,
                (input, output) => Some(input.unwrap_or(0).saturating_add(output.unwrap_or(0))),
            },
        }
    }

    fn any_text(&self, test: &dyn Fn(&str) -> bool) -> bool {
        let call = self.call;
        let texts = [
            &call.request_id,
            &call.trace_id,
            &call.user_id,
            &call.session_id,
            &call.host,
            &call.app,
            &call.environment,
            &call.tags,
            &call.model,
            &call.provider,
            &call.operation,
            &call.error_type,
            &call.error_message,
            &call.finish_reason,
            &call.variant,
            &call.prompt_preview,
            &call.prompt,
            &call.response,
            &call.tool_calls,
            &call.guardrail,
            &call.gateway,
        ];
        texts.into_iter().flatten().any(|text| test(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{FailureMode, Outcome};
    use crate::view::Filter;

    #[test]
    fn a_call_is_seen_whole() {
        let call = Call {
            model: Some("gpt-4o-mini".into()),
            user_id: Some("u_12".into()),
            tags: Some(r#"["rag","beta"]"#.into()),
            outcome: Outcome::Failed(FailureMode::Timeout),
            latency_us: Some(6_000_000),
            input_tokens: Some(9_000),
            error_message: Some("Request timed out".into()),
            ..Call::default()
        };
        let subject = CallSubject { call: &call, ts_us: 1_777_644_000_000_000, source: Some("/var/log/app.log") };
        let holds = |text: &str| Filter::parse(text).unwrap_or_else(|e| panic!("{e}")).holds(&subject);
        for yes in [
            "model:gpt-4o* user:u_12 tag:beta status:error error:timeout latency>5s tokens>8000 \"timed out\"",
            "source:*app.log day:2026-05-01 hour:2026-05-01T14* provider: trace: -tag:prod",
            "-ttft>1s -cost>0",
        ] {
            assert!(holds(yes), "{yes}");
        }
        for no in ["status:ok", "tag:be", "cost>=0", "ttft<1s", "tokens<9000", "response", "-timed"] {
            assert!(!holds(no), "{no}");
        }
    }

    #[test]
    fn tags_that_are_no_list_are_one_tag() {
        let seen = |tags: Option<&str>, filter: &str| {
            let call = Call { tags: tags.map(|tags| tags.to_owned().into()), ..Call::default() };
            let filter = Filter::parse(filter).unwrap_or_else(|e| panic!("{e}"));
            filter.holds(&CallSubject { call: &call, ts_us: 0, source: None })
        };
        assert!(seen(Some("rag"), "tag:rag"));
        assert!(seen(Some("[]"), "tag:") && seen(None, "tag:") && seen(Some(""), "tag:"));
        assert!(!seen(Some("[\"a\"]"), "tag:"));
    }
}
