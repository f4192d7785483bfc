//! Screens as golden text: every pane at three sizes against a typical, an empty and a hostile store; states; and every
//! small size, which must not panic.

mod common;

use common::{NOW, buffer, empty, hostile, live, text, typical, ui};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use llmtop::snapshot::Snapshot;
use llmtop::tui::keys::{Action, lookup};
use llmtop::tui::{Effect, Feed, Flow, Live, Mask, Mode, Theme, Ui};
use llmtop::view::{Anchor, Filter, RecordKey, Span, View};

const SIZES: [(u16, u16); 3] = [(200, 60), (120, 40), (80, 24)];

fn golden(name: &str, build: fn(&View) -> Snapshot) {
    for pane in Ui::pane_names() {
        for size in SIZES {
            let ui = ui(pane, size);
            let frame = text(&buffer(&build(&ui.view()), &live(), &ui));
            insta::assert_snapshot!(format!("{name}_{pane}_{}x{}", size.0, size.1), frame);
        }
    }
}

#[test]
fn typical_screens() {
    golden("typical", typical);
}

#[test]
fn hostile_screens() {
    golden("hostile", hostile);
}

#[test]
fn empty_screens() {
    for pane in ["overview", "input"] {
        for size in SIZES {
            let ui = ui(pane, size);
            let live = Live { feed: Feed::Idle, ..Live::default() };
            let frame = text(&buffer(&empty(&ui.view()), &live, &ui));
            insta::assert_snapshot!(format!("empty_{pane}_{}x{}", size.0, size.1), frame);
        }
    }
}

#[test]
fn small_screens() {
    for size in [(40, 10), (60, 16), (100, 30), (30, 5), (160, 50)] {
        let ui = ui("overview", size);
        let frame = text(&buffer(&typical(&ui.view()), &live(), &ui));
        insta::assert_snapshot!(format!("small_{}x{}", size.0, size.1), frame);
    }
}
