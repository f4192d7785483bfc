//! One trace or conversation in print: as text, as JSON, as spans of OpenTelemetry.

mod json;
mod otlp;
mod text;

pub use json::write as write_json;
pub use otlp::write as write_otlp;
pub use text::write as write_text;

use super::Words;
use crate::snapshot::traces::Part;
use serde_json::{Map, Value};

/// What of a step's attributes is no text out of prompts and answers.
const OPEN: [&str; 13] = [
    "retrieved",
    "relevant",
    "cited",
    "http_status",
    "error_type",
    "error_code",
    "upstream",
    "model",
    "request_id",
    "rounds",
    "tags",
    "app",
    "environment",
];

/// The attributes of a step that may be shown.
fn attrs(part: &Part, words: Words) -> Map<String, Value> {
    let all: Map<String, Value> =
        part.attrs.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    let may = |name: &str| words == Words::Shown || OPEN.contains(&name);
    all.into_iter().filter(|(name, _)| may(name)).collect()
}
