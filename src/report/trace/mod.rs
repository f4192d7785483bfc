//! One trace or conversation in print: as text, as JSON, as spans of OpenTelemetry.

mod json;
mod otlp;
mod text;

pub use json::write as write_json;
pub use otlp::write as write_otlp;
pub use text::write as write_text;

use super::Words;
use crate::snapshot::traces::{Part, is_open};
use serde_json::{Map, Value};

/// The attributes of a step that may be shown.
fn attrs(part: &Part, words: Words) -> Map<String, Value> {
    part.attributes().into_iter().filter(|(name, _)| words == Words::Shown || is_open(name)).collect()
}
