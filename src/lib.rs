//! llmtop, the terminal dashboard for LLM applications in production.
//!
//! One direction: bytes → `source` → chunk of lines → `format` → event → `batch` → `pipeline` (the only writer) → `store`;
//! and back: `View` → `store.snapshot` → `Snapshot` → `tui` | `report` | `check`.
//!
//! Layers, held by `tests/layers.rs`: 0 `event` `view` `units` `nearest` `listed`; 1 `format` `provider` `redact` `price` `stats` `batch` `trace` `snapshot`;
//! 2 `source` `store` `proxy`; 3 `pipeline`; 4 `tui` `report` `check` `alert`; above all `app` `cli` `config`.

pub mod alert;
pub mod app;
pub mod batch;
pub mod check;
pub mod cli;
pub mod clock;
pub mod config;
pub mod event;
pub mod format;
mod listed;
pub mod nearest;
pub mod pipeline;
pub mod price;
pub mod provider;
pub mod proxy;
pub mod redact;
pub mod report;
pub mod snapshot;
pub mod source;
pub mod stats;
pub mod store;
pub mod trace;
pub mod tui;
pub mod units;
pub mod view;
