//! Alerts: rules over what the store answers. Pure: `now` is an argument, and what becomes of a change (a bell, a webhook)
//! is done elsewhere. `metric` has what can be watched, `engine` steps the rules, `warn` the budgets, `tell` has the words.

mod engine;
mod metric;
mod notice;
mod rule;
mod tell;
mod warn;

pub use engine::{Alert, Change, Engine, Level, Phase, State, Turn};
pub use metric::{METRICS, Metric, Reads, Unit};
pub use notice::{Notice, Notices};
pub use rule::{Address, Against, Channel, Condition, Format, Rule, Settings, Side, Targets};
pub use tell::quoted;

#[cfg(test)]
mod tests;
