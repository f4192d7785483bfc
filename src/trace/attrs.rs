//! The attributes of a step: which are facts, and which may be text out of prompts and answers.

use super::Part;
use serde_json::{Map, Value};

/// The names whose values are no secret; whatever else a step carries may be.
const OPEN: [&str; 14] = [
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
    "host",
    "app",
    "environment",
];

/// Whether an attribute of this name may be shown to anybody.
pub fn is_open(name: &str) -> bool {
    OPEN.contains(&name)
}

impl Part {
    /// Its attributes by their names; none where they do not read.
    pub fn attributes(&self) -> Map<String, Value> {
        self.attrs.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }
}
