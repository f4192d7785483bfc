//! The screen: a pure function of a snapshot, the feed and the state of the person; and the loop around it.
//!
//! `keys` → `ui` (state, pure updates) → `draw` (`frame`, `panes`, `widgets`, through `pen`) ; `run` is the loop and the
//! only file here with effects. Nothing here queries a store.

mod alerts;
mod clean;
mod details;
mod figures;
mod footer;
mod frame;
mod header;
mod help;
pub mod keys;
mod live;
pub mod mouse;
mod pages;
mod panes;
mod pen;
pub mod picture;
mod run;
mod signal;
mod states;
mod story;
mod terminal;
mod theme;
mod ui;
mod watchdog;
mod widgets;

pub use clean::{clean, fit};
pub use frame::{draw, paint};
pub use live::{Alarm, Feed, Live, Standing};
pub use pages::{Page, Pages};
pub use run::{Backend, Exit, Options, TuiError, run};
pub use signal::{Signal, Terminal};
pub use theme::Theme;
pub use ui::{
    Details, Effect, Flow, Found, Line, Mask, Message, Mode, Order, Reading, Sort, StepText, Target, Telling, Ui,
};
