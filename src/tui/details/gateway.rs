//! The way of a call through the gateway, as far as it tells of it: whom it went to, when which phase was over, whose ids.

use super::Fact;
use crate::event::Call;
use crate::tui::theme::Role;
use crate::units;
use serde_json::{Map, Value};

/// The words of a call's way; none where it did not go through the gateway.
pub(super) fn facts(call: &Call) -> Vec<Fact> {
    let Some(Value::Object(way)) = call.gateway.as_deref().and_then(|json| serde_json::from_str(json).ok()) else {
        return Vec::new();
    };
    let text = |name: &str| way.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut out: Vec<Fact> = Vec::new();
    let mut say = |name, value: Option<String>, role| out.extend(value.map(|value| (name, value, role)));
    say("degraded", text("degraded").map(|how| format!("{how}: no answer of a model")), Role::Bad);
    say("upstream", text("upstream"), Role::Text);
    say("protocol", text("protocol"), Role::Text);
    say("target", text("target"), Role::Text);
    say("gateway", phases(&way), Role::Text);
    say("stalls", way.get("stalls").and_then(Value::as_u64).map(units::count), Role::Warn);
    say("bytes", bytes(&way), Role::Text);
    say("response", text("response_id"), Role::Dim);
    say("provider id", text("provider_request_id"), Role::Dim);
    out
}

/// `200 µs its own, sent after 1.50 ms, answered after 1.20 s`
fn phases(way: &Map<String, Value>) -> Option<String> {
    let time = |name: &str| way.get(name).and_then(Value::as_f64).map(|ms| units::duration_us(ms * 1e3));
    let parts = [
        time("own_ms").map(|own| format!("{own} its own")),
        time("sent_ms").map(|sent| format!("sent after {sent}")),
        time("first_byte_ms").map(|first| format!("answered after {first}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn bytes(way: &Map<String, Value>) -> Option<String> {
    let size = |name: &str| way.get(name).and_then(Value::as_u64).map(units::bytes);
    Some(format!("{} asked, {} answered", size("request_bytes")?, size("response_bytes")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_is_told_as_far_as_it_is_known() {
        let way = |json: &str| {
            let call = Call { gateway: Some(json.to_owned().into()), ..Call::default() };
            facts(&call).into_iter().map(|(name, value, _)| format!("{name}: {value}")).collect::<Vec<_>>()
        };
        let told = way(
            r#"{"upstream":"openai","own_ms":0.2,"sent_ms":1.5,"first_byte_ms":1200,"request_bytes":10,"response_bytes":2048}"#,
        );
        assert_eq!(
            told,
            [
                "upstream: openai",
                "gateway: 200 µs its own, sent after 1.50 ms, answered after 1.20 s",
                "bytes: 10 B asked, 2.05 kB answered"
            ]
        );
        assert_eq!(way(r#"{"degraded":"static","stalls":2}"#), ["degraded: static: no answer of a model", "stalls: 2"]);
        assert!(way("{\"upstream\":").is_empty() && way("[]").is_empty());
    }
}
