//! What gateways know of providers' limits, in reports for programs.

use super::json::time;
use crate::event::LimitEvent;
use crate::snapshot::Snapshot;
use serde_json::{Value, json};

/// The limits, the least room first, each with the fields of its event; what is unknown is not there.
pub(super) fn value(snapshot: &Snapshot) -> Value {
    snapshot.headroom.iter().map(limit).collect()
}

fn limit(limit: &LimitEvent) -> Value {
    let mut fields = serde_json::to_value(limit).unwrap_or_default();
    if let Some(fields) = fields.as_object_mut() {
        fields.insert("at".to_owned(), json!(limit.ts_us.map(time)));
        // The share that is left of the limit that has the least left.
        fields.insert("headroom".to_owned(), json!(limit.headroom()));
    }
    fields
}
