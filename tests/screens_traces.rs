//! Traces on the screen: the waterfall, a step of it, a conversation, at three sizes, empty and hostile; the ways into them
//! and back; and every small size, which must not panic.

mod worlds;

use llmtop::snapshot::Snapshot;
use llmtop::snapshot::traces::Story;
use llmtop::tui::{Effect, Mode, Target, Theme, Ui};
use llmtop::view::{RecordKey, TraceId, TraceOrder, TraceUnit};
use worlds::traces::{agent, conversation, hostile_agent, one_call};
use worlds::{buffer, empty, hostile, live, press, text, typical, ui};

const SIZES: [(u16, u16); 3] = [(200, 60), (120, 40), (80, 24)];

fn shown(ui: &Ui, snapshot: &Snapshot) -> String {
    text(&buffer(snapshot, &live(), ui))
}

/// A screen that tells a story.
fn telling(story: Story, size: (u16, u16)) -> (Ui, Snapshot) {
    let mut ui = ui("traces", size);
    let snapshot = typical(&ui.view());
    let Effect::Story(id) = press(&mut ui, &snapshot, "Enter") else { panic!("a trace is asked for") };
    ui.take_story(&id, Some(story));
    (ui, snapshot)
}

#[test]
fn empty_lists_say_what_a_trace_is() {
    for size in SIZES {
        let ui = ui("traces", size);
        let snapshot = Snapshot { totals: typical(&ui.view()).totals, ..empty(&ui.view()) };
        insta::assert_snapshot!(format!("empty_traces_{}x{}", size.0, size.1), shown(&ui, &snapshot));
    }
}

#[test]
fn sessions_are_one_level_up() {
    for size in SIZES {
        let mut ui = ui("traces", size);
        let snapshot = typical(&ui.view());
        assert_eq!(press(&mut ui, &snapshot, "b"), Effect::Ask);
        assert_eq!(ui.view().sections.traces.unit, TraceUnit::Session);
        let snapshot = typical(&ui.view());
        insta::assert_snapshot!(format!("sessions_{}x{}", size.0, size.1), shown(&ui, &snapshot));
        let (mut ui, snapshot) = telling(conversation(), size);
        press(&mut ui, &snapshot, "j");
        insta::assert_snapshot!(format!("session_{}x{}", size.0, size.1), shown(&ui, &snapshot));
    }
}

#[test]
fn waterfalls() {
    for size in SIZES {
        for (name, story) in [("agent", agent()), ("one_call", one_call()), ("hostile", hostile_agent())] {
            let (mut ui, snapshot) = telling(story, size);
            press(&mut ui, &snapshot, "j j j j");
            insta::assert_snapshot!(format!("waterfall_{name}_{}x{}", size.0, size.1), shown(&ui, &snapshot));
        }
    }
    let (mut ui, snapshot) = telling(agent(), (120, 40));
    ui.theme = Theme::Mono;
    insta::assert_snapshot!("waterfall_mono_120x40", shown(&ui, &snapshot));
    ui.take_story(&TraceId::Trace("another".to_owned()), None);
    assert!(shown(&ui, &snapshot).contains("carrier_status"), "an answer to another question");
    let (mut ui, snapshot) = telling(agent(), (80, 24));
    press(&mut ui, &snapshot, "Esc");
    press(&mut ui, &snapshot, "Enter");
    assert!(shown(&ui, &snapshot).contains("asking for the trace"));
    let Mode::Story(reading) = &ui.mode else { panic!("a trace") };
    let id = reading.id.clone();
    ui.take_story(&id, None);
    assert!(shown(&ui, &snapshot).contains("has nothing of this trace any more"));
}

#[test]
fn a_step_shows_what_went_in_and_out_when_asked() {
    for size in SIZES {
        let (mut ui, snapshot) = telling(agent(), size);
        // The first try of the carrier.
        assert_eq!(press(&mut ui, &snapshot, "j j Enter"), Effect::None);
        let covered = shown(&ui, &snapshot);
        assert!(!covered.contains("Ms Meyer") && covered.contains("502"), "{covered}");
        press(&mut ui, &snapshot, "m");
        let open = shown(&ui, &snapshot);
        assert!(open.contains("Ms Meyer"), "{open}");
        insta::assert_snapshot!(format!("step_{}x{}", size.0, size.1), open);
        let Effect::Copy(text) = press(&mut ui, &snapshot, "y") else { panic!("something to copy") };
        assert!(text.contains("Ms Meyer"));
        press(&mut ui, &snapshot, "Esc");
        assert!(shown(&ui, &snapshot).contains("waterfall"));
    }
}

#[test]
fn from_a_trace_to_a_record_and_back_and_the_other_way() {
    let (mut ui, snapshot) = telling(agent(), (120, 40));
    let key = RecordKey { ts_us: worlds::NOW + 1_420_000, id: 7 * 31 * 31 + 99 * 31 + 49 };
    assert_eq!(press(&mut ui, &snapshot, "j Enter"), Effect::Detail(key));
    assert_eq!(press(&mut ui, &snapshot, "Left e"), Effect::None);
    press(&mut ui, &snapshot, "Esc");
    assert!(matches!(&ui.mode, Mode::Story(reading) if reading.cursor == 1));
    press(&mut ui, &snapshot, "Esc");
    assert_eq!(ui.mode, Mode::Normal);
    // From the details of a record to its trace.
    let mut ui = worlds::ui("requests", (120, 40));
    let snapshot = typical(&ui.view());
    press(&mut ui, &snapshot, "Enter");
    let of = TraceId::Trace(snapshot.records[0].call.trace_id.as_deref().expect("a trace").to_owned());
    assert_eq!(press(&mut ui, &snapshot, "Enter"), Effect::Story(of.clone()));
    ui.take_story(&of, Some(agent()));
    press(&mut ui, &snapshot, "Esc");
    assert!(matches!(ui.mode, Mode::Details(_)));
    press(&mut ui, &snapshot, "Esc");
    assert_eq!(ui.mode, Mode::Normal);
}

#[test]
fn errors_and_neighbours_are_stepped_through() {
    let (mut ui, snapshot) = telling(agent(), (120, 40));
    let cursor = |ui: &Ui| match &ui.mode {
        Mode::Story(reading) => reading.cursor,
        other => panic!("{other:?}"),
    };
    press(&mut ui, &snapshot, "e");
    let first = cursor(&ui);
    press(&mut ui, &snapshot, "e");
    assert!(cursor(&ui) > first);
    press(&mut ui, &snapshot, "E");
    assert_eq!(cursor(&ui), first);
    let second = snapshot.traces.list[1].id.clone();
    assert_eq!(press(&mut ui, &snapshot, "Right"), Effect::Story(second.clone()));
    press(&mut ui, &snapshot, "Esc");
    assert_eq!(press(&mut ui, &snapshot, "y"), Effect::Copy(second.text().to_owned()));
    assert_eq!(press(&mut ui, &snapshot, "Enter"), Effect::Story(second));
    assert!(matches!(press(&mut ui, &snapshot, "Left"), Effect::Story(_)));
    assert_eq!(press(&mut ui, &snapshot, "Left"), Effect::None);
}

#[test]
fn a_trace_that_goes_on_is_asked_for_again_and_keeps_its_cursor() {
    let (mut ui, snapshot) = telling(agent(), (120, 40));
    let Mode::Story(reading) = &ui.mode else { panic!("a trace") };
    let id = reading.id.clone();
    assert_eq!(ui.unfinished(worlds::NOW + 60_000_000), Some(id.clone()));
    assert_eq!(ui.unfinished(worlds::NOW + 700_000_000), None);
    press(&mut ui, &snapshot, "G k");
    let Story::Trace(mut trace) = agent() else { panic!("a trace") };
    let on = trace.tree.nodes[trace.tree.nodes.len() - 2].part.key;
    trace.tree.nodes.remove(3);
    ui.take_story(&id, Some(Story::Trace(trace)));
    let Mode::Story(reading) = &ui.mode else { panic!("a trace") };
    let llmtop::tui::Telling::Here(told) = &reading.found else { panic!("told") };
    let Story::Trace(trace) = told.as_ref() else { panic!("a trace") };
    assert_eq!(trace.tree.nodes[reading.cursor].part.key, on);
}

#[test]
fn turns_lead_to_their_traces_and_calls() {
    let (mut ui, snapshot) = telling(conversation(), (120, 40));
    let Story::Session(told) = conversation() else { panic!("a conversation") };
    assert_eq!(press(&mut ui, &snapshot, "Enter"), Effect::Story(told.turns[0].row.id.clone()));
    press(&mut ui, &snapshot, "Esc");
    assert_eq!(press(&mut ui, &snapshot, "j j Enter"), Effect::Detail(told.turns[2].call.expect("a call")));
    press(&mut ui, &snapshot, "Esc Esc");
    assert_eq!(ui.mode, Mode::Normal);
}

#[test]
fn the_list_is_ordered_as_asked() {
    let mut ui = ui("traces", (120, 40));
    let snapshot = typical(&ui.view());
    let mut orders = Vec::new();
    for _ in 0..6 {
        orders.push(ui.view().sections.traces.by);
        press(&mut ui, &snapshot, "s");
    }
    use TraceOrder::{Calls, Cost, Duration, Failed, Start, Tokens};
    assert_eq!(orders, [Start, Duration, Cost, Failed, Calls, Tokens]);
    assert_eq!(ui.view().sections.traces.by, Start);
    assert!(
        matches!(snapshot.traces.list.first(), Some(row) if Target::Trace(row.id.clone()) != Target::Trace(snapshot.traces.list[1].id.clone()))
    );
}

#[test]
fn no_size_panics() {
    let stories = [agent(), one_call(), hostile_agent(), conversation()];
    for (width, height) in (1..=70).step_by(3).flat_map(|w| (1..=26).map(move |h| (w, h))).chain([(1, 1), (200, 60)]) {
        for (i, story) in stories.iter().enumerate() {
            // The long one is drawn at some of the sizes.
            if i == 2 && (width + height) % 17 != 0 {
                continue;
            }
            let (mut ui, snapshot) = telling(story.clone(), (width, height));
            buffer(&snapshot, &live(), &ui);
            press(&mut ui, &snapshot, "G");
            buffer(&snapshot, &live(), &ui);
            press(&mut ui, &snapshot, "g j j Enter m");
            buffer(&snapshot, &live(), &ui);
        }
        let ui = ui("traces", (width, height));
        buffer(&hostile(&ui.view()), &live(), &ui);
    }
}
