//! Screens as golden text: every pane at three sizes against a typical, an empty and a hostile store; states; and every
//! small size, which must not panic.

mod worlds;

use llmtop::snapshot::{Bill, Computed, Record, Snapshot};
use llmtop::tui::keys::Action;
use llmtop::tui::mouse::Spot;
use llmtop::tui::{Alarm, Effect, Feed, Flow, Live, Mask, Mode, Standing, Theme, Ui};
use llmtop::view::{Anchor, Filter, RecordKey, Span, View};
use ratatui::style::Color;
use worlds::money::{self, hostile_money, money, money_ui};
use worlds::{NOW, buffer, empty, hostile, live, press, text, typical, ui};

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
    for pane in ["overview", "cost", "experiments", "input", "quality"] {
        for size in SIZES {
            let ui = ui(pane, size);
            let live = Live { feed: Feed::Idle, ..Live::default() };
            let frame = text(&buffer(&empty(&ui.view()), &live, &ui));
            insta::assert_snapshot!(format!("empty_{pane}_{}x{}", size.0, size.1), frame);
        }
    }
}

fn golden_money(name: &str, build: fn(&View) -> Snapshot) {
    for (pane, sizes) in [("cost", &MONEY_SIZES[..]), ("overview", &SIZES[..])] {
        for size in sizes {
            let ui = money_ui(pane, *size);
            let frame = text(&buffer(&build(&ui.view()), &live(), &ui));
            insta::assert_snapshot!(format!("{name}_{pane}_{}x{}", size.0, size.1), frame);
        }
    }
}

const MONEY_SIZES: [(u16, u16); 6] = [(200, 60), (120, 40), (100, 40), (80, 24), (60, 16), (40, 10)];

#[test]
fn money_screens() {
    golden_money("money", money);
    golden_money("hostile_money", hostile_money);
}

#[test]
fn a_score_that_is_chosen_is_looked_into_and_leads_to_records() {
    let mut ui = ui("quality", (200, 60));
    let snapshot = typical(&ui.view());
    assert!(shown(&ui, &snapshot).contains("worst of task_completed"));
    press(&mut ui, &snapshot, "j Enter b");
    let frame = shown(&ui, &snapshot);
    assert!(frame.contains("hallucination by variant") && frame.contains("worst of hallucination"), "{frame}");
    insta::assert_snapshot!("quality_chosen_200x60", frame);
    // A group leads to its calls, a call to its record, a trace to its calls.
    press(&mut ui, &snapshot, "b b b b b g j j j j j j j Enter");
    assert!(ui.filter.to_string().starts_with("model:"), "{}", ui.filter);
    press(&mut ui, &snapshot, "Esc x");
    let filters: Vec<String> = (0..60)
        .map(|_| {
            let effect = press(&mut ui, &snapshot, "j Enter");
            let text = format!("{effect:?} {}", ui.filter);
            press(&mut ui, &snapshot, "Esc");
            text
        })
        .collect();
    for wanted in ["Detail(", "Story(Trace(", "Ask request:"] {
        assert!(filters.iter().any(|f| f.starts_with(wanted)), "{wanted}: {filters:?}");
    }
}

#[test]
fn scores_are_shown_where_no_call_is_in_the_window() {
    let ui = ui("quality", (120, 40));
    let mut snapshot = typical(&ui.view());
    snapshot.totals = Default::default();
    assert!(shown(&ui, &snapshot).contains("task_completed"));
    snapshot.quality = Some(Box::default());
    assert!(shown(&ui, &snapshot).contains("no calls in the last 15m"));
    snapshot = typical(&ui.view());
    snapshot.quality = Some(Box::new(llmtop::snapshot::quality::Quality { covered: 1.0, ..Default::default() }));
    assert!(shown(&ui, &snapshot).contains("nobody judged anything in this window"));
}

#[test]
fn budgets_are_shown_in_a_quiet_window() {
    let ui = money_ui("cost", (120, 40));
    let mut snapshot = money(&ui.view());
    snapshot.totals = Default::default();
    snapshot.tables.clear();
    insta::assert_snapshot!("quiet_cost_120x40", shown(&ui, &snapshot));
    snapshot.budgets.clear();
    assert!(shown(&ui, &snapshot).contains("no calls in the last 15m"));
}

#[test]
fn a_budget_leads_to_its_calls_from_the_beginning_of_its_period() {
    let mut ui = money_ui("cost", (120, 40));
    let snapshot = money(&ui.view());
    assert_eq!(press(&mut ui, &snapshot, "j j j Enter"), Effect::Ask);
    assert_eq!(ui.filter.to_string(), "env:prod");
    // Since midnight in Berlin.
    let since_us = NOW - 58_620_000_000;
    assert_eq!(ui.window, llmtop::view::Window::last(NOW - since_us, Anchor::At(NOW)));
    press(&mut ui, &snapshot, "Esc k k");
    assert!(ui.filter.is_empty() && ui.window.anchor == Anchor::Auto);
    assert_eq!(press(&mut ui, &snapshot, "y"), Effect::Copy("user:".to_owned()), "calls of nobody");
}

#[test]
fn an_experiment_leads_to_its_variants_and_they_to_their_calls() {
    let mut ui = ui("experiments", (120, 40));
    let snapshot = typical(&ui.view());
    let against = |ui: &Ui, words: &str| assert!(shown(ui, &snapshot).contains(words), "{words}");
    against(&ui, "short against control");
    press(&mut ui, &snapshot, "Enter j");
    against(&ui, "shorter against control");
    assert_eq!(press(&mut ui, &snapshot, "y"), Effect::Copy("variant:\"shorter\"".to_owned()));
    assert_eq!(press(&mut ui, &snapshot, "Enter"), Effect::Ask);
    assert_eq!(ui.filter.to_string(), "variant:\"shorter\"");
    press(&mut ui, &snapshot, "Esc Esc j j");
    against(&ui, "MISMATCH");
    press(&mut ui, &snapshot, "Enter k");
    against(&ui, "control");
}

#[test]
fn small_screens() {
    for size in [(40, 10), (60, 16), (100, 30), (30, 5), (160, 50)] {
        let ui = ui("overview", size);
        let frame = text(&buffer(&typical(&ui.view()), &live(), &ui));
        insta::assert_snapshot!(format!("small_{}x{}", size.0, size.1), frame);
    }
}

fn type_line(ui: &mut Ui, snapshot: &Snapshot, line: &str) {
    line.chars().for_each(|c| drop(ui.update(Action::Type(c), snapshot)));
}

fn shown(ui: &Ui, snapshot: &Snapshot) -> String {
    text(&buffer(snapshot, &live(), ui))
}

/// The frame without the second line of a record's time, which is in the zone of the machine.
fn shown_anywhere(ui: &Ui, snapshot: &Snapshot) -> String {
    let frame = shown(ui, snapshot);
    let mut lines: Vec<String> = frame.lines().map(str::to_owned).collect();
    if let Some(at) = lines.iter().position(|l| l.starts_with("│ ended")).filter(|at| at + 1 < lines.len()) {
        let local = |(i, c): (usize, char)| if (17..47).contains(&i) && c != '─' { '·' } else { c };
        lines[at + 1] = lines[at + 1].chars().enumerate().map(local).collect();
    }
    lines.join("\n")
}

#[test]
fn details_help_and_lines() {
    let mut ui = ui("requests", (120, 40));
    let snapshot = typical(&ui.view());
    press(&mut ui, &snapshot, "j j Enter");
    insta::assert_snapshot!("details_covered_120x40", shown_anywhere(&ui, &snapshot));
    press(&mut ui, &snapshot, "m");
    insta::assert_snapshot!("details_open_120x40", shown_anywhere(&ui, &snapshot));
    press(&mut ui, &snapshot, "e");
    ui.resize(80, 24);
    insta::assert_snapshot!("details_error_80x24", shown_anywhere(&ui, &snapshot));
    press(&mut ui, &snapshot, "Esc ?");
    insta::assert_snapshot!("help_80x24", shown(&ui, &snapshot));
    ui.resize(120, 40);
    insta::assert_snapshot!("help_120x40", shown(&ui, &snapshot));
    press(&mut ui, &snapshot, "Esc /");
    type_line(&mut ui, &snapshot, "model:gpt-4o* stauts:ok");
    insta::assert_snapshot!("filter_fault_120x40", shown(&ui, &snapshot));
    press(&mut ui, &snapshot, "Esc :");
    type_line(&mut ui, &snapshot, "window yesterday");
    press(&mut ui, &snapshot, "Enter");
    insta::assert_snapshot!("command_fault_120x40", shown(&ui, &snapshot));
}

/// Opens a record that cost so much, with its bill.
fn read_with_bill(size: (u16, u16), cost_nusd: Option<i64>, bill: Bill) -> (Ui, Snapshot) {
    let mut ui = ui("requests", size);
    let mut snapshot = typical(&ui.view());
    snapshot.records[0].call.cost_nusd = bill.reported_nusd;
    press(&mut ui, &snapshot, "Enter");
    let record = snapshot.records[0].clone();
    let bill = Some(Box::new(bill));
    ui.take_record(record.key(), Some(Record { cost_nusd, bill, ..record }));
    (ui, snapshot)
}

#[test]
fn the_cost_of_a_call_is_explained() {
    let reported = Some(13_500_000_000);
    for size in [(120, 40), (200, 60), (80, 24)] {
        let (ui, snapshot) = read_with_bill(size, reported, money::bill(reported));
        insta::assert_snapshot!(format!("details_bill_{}x{}", size.0, size.1), shown_anywhere(&ui, &snapshot));
    }
    let (mut ui, snapshot) = read_with_bill((120, 40), reported, money::bill(reported));
    let Effect::Copy(text) = press(&mut ui, &snapshot, "y") else { panic!("something to copy") };
    for line in [
        "cost: $13.50, as reported",
        "input: 1,234 × $6.00/M = $0.007404",
        "cache read: 204,800 × $0.60/M = $0.12288",
        "computed: $13.37196465",
        "reported: $13.50, $0.12803535 more (0.957%)",
        "prices: list prices of 2026-07-24, from 2025-09-29 on",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\n{text}");
    }
}

#[test]
fn what_no_bill_can_tell_is_said() {
    let said = |cost_nusd, bill| {
        let (mut ui, snapshot) = read_with_bill((120, 40), cost_nusd, bill);
        let Effect::Copy(text) = press(&mut ui, &snapshot, "y") else { panic!("something to copy") };
        let of_money = |l: &&str| ["cost", "computed", "reported"].iter().any(|name| l.starts_with(name));
        text.lines().filter(of_money).map(str::to_owned).collect::<Vec<_>>()
    };
    let unpriced = |reported_nusd| Bill { reported_nusd, computed: Computed::Unpriced("no such model".to_owned()) };
    assert_eq!(said(None, unpriced(None)), ["cost: –, so it is unpriced", "computed: –: no such model"]);
    let reported = ["cost: $0.001, as reported", "computed: –: no such model", "reported: $0.001"];
    assert_eq!(said(Some(1_000_000), unpriced(Some(1_000_000))), reported);
    let free = Bill { reported_nusd: None, computed: Computed::Free("not billed".to_owned()) };
    assert_eq!(said(Some(0), free), ["cost: $0.00, as computed", "computed: $0.00: not billed"]);
    let other = said(Some(7), money::bill(None));
    assert_eq!(other[0], "cost: $0.000000007, by other prices than those of now");
    let same = said(Some(13_371_964_650), money::bill(Some(13_371_964_650)));
    assert_eq!(same[0], "cost: $13.37196465, as reported and as computed");
    assert_eq!(same[2], "reported: $13.37196465, the same");
}

#[test]
fn states_have_their_own_words() {
    let mut ui = ui("overview", (80, 24));
    let mut snapshot = empty(&ui.view());
    let loading =
        Feed::Loading { done: 1_200_000_000, total: 2_720_000_000, lines_per_s: 480_000.0, eta_us: Some(5_700_000) };
    let feed = |feed: Feed| Live { feed, ..live() };
    let mut words = String::new();
    let mut add = |name: &str, snapshot: &Snapshot, live: &Live, ui: &Ui| {
        let frame = text(&buffer(snapshot, live, ui));
        let lines: Vec<&str> = frame.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
        words += &format!("== {name}\n{}\n", lines.join("\n"));
    };
    let asked = Snapshot { view: View::default(), ..empty(&ui.view()) };
    add("not answered yet", &asked, &live(), &ui);
    add("loading, nothing yet", &snapshot, &feed(loading.clone()), &ui);
    add("waiting", &snapshot, &live(), &ui);
    snapshot.accounting.read = 12_345;
    snapshot.accounting.rejected = 2;
    snapshot.accounting.skipped_like.clone_from(&typical(&ui.view()).accounting.skipped_like);
    add("no events among the lines", &snapshot, &feed(Feed::Ended), &ui);
    let mut full = typical(&ui.view());
    full.totals = Default::default();
    add("nothing in the window", &full, &live(), &ui);
    ui.window.span = Span::All;
    ui.filter = Filter::parse("model:gpt-5*").expect("reads");
    full.view = ui.view();
    full.unfiltered_calls = Some(1_204);
    add("nothing passes the filter", &full, &live(), &ui);
    full.scan.rows = true;
    add("scanning", &full, &live(), &ui);
    insta::assert_snapshot!("states", words);
}

#[test]
fn the_header_says_how_fresh_the_figures_are() {
    let mut ui = ui("overview", (120, 40));
    let snapshot = typical(&ui.view());
    let head = |snapshot: &Snapshot, live: &Live, ui: &Ui| {
        text(&buffer(snapshot, live, ui)).lines().next().unwrap_or_default().to_owned()
    };
    assert!(head(&snapshot, &live(), &ui).contains("● live"));
    let stale = Live { stale_us: Some(12_000_000), ..live() };
    assert!(head(&snapshot, &stale, &ui).contains("stale 12.0 s"));
    assert!(head(&snapshot, &Live { lost: 3, ..live() }, &ui).contains("lost 3"));
    let replay = Live { feed: Feed::Replay { speed: 60.0 }, ..live() };
    assert!(head(&snapshot, &replay, &ui).contains("▶ replay 60×"));
    assert_eq!(press(&mut ui, &snapshot, "+"), Effect::Ask);
    let asking = head(&snapshot, &live(), &ui);
    assert!(asking.contains("… asking") && asking.contains("last 1h"), "{asking}");
    press(&mut ui, &snapshot, "Space");
    assert!(head(&snapshot, &live(), &ui).contains("paused"));
    let trouble = Live { troubles: vec!["a.log: permission denied".to_owned()], ..live() };
    assert!(text(&buffer(&snapshot, &trouble, &ui)).contains("a.log: permission denied"));
    let broken = Live { store_error: Some("disk is full".to_owned()), ..live() };
    assert!(text(&buffer(&snapshot, &broken, &ui)).contains("store: disk is full"));
}

#[test]
fn the_header_gives_way_before_what_was_rejected_does() {
    let mut ui = ui("overview", (80, 24));
    let mut snapshot = typical(&ui.view());
    snapshot.now_us += 900 * 86_400_000_000;
    let head = |snapshot: &Snapshot, ui: &Ui| shown(ui, snapshot).lines().next().unwrap_or_default().to_owned();
    let old = head(&snapshot, &ui);
    assert_eq!(old, "● live  15m  2026-05-01 14:02–14:17 UTC                  read 1.20M  rejected 12");
    ui.filter = Filter::parse("model:gpt-4.1 user:u_120 -status:ok latency>5s").expect("reads");
    snapshot.view = ui.view();
    let filtered = head(&snapshot, &ui);
    assert!(filtered.contains("15m") && filtered.contains("/ model:gpt-4.1"), "{filtered}");
    assert!(filtered.ends_with("read 1.20M  rejected 12"), "{filtered}");
    snapshot.accounting.rejected = 0;
    assert!(head(&snapshot, &ui).ends_with("read 1.20M  rejected 0"));
}

#[test]
fn every_footer_says_how_to_get_help_and_how_to_leave() {
    let snapshot = typical(&ui("users", (80, 10)).view());
    for pane in Ui::pane_names() {
        for width in 28..=200 {
            let frame = shown(&ui(pane, (width, 3)), &snapshot);
            let footer = frame.lines().last().unwrap_or_default();
            assert!(footer.ends_with("? help  q quit"), "{width}: {footer}");
        }
    }
}

#[test]
fn a_filter_that_a_key_sets_is_said() {
    let mut ui = ui("models", (80, 24));
    let snapshot = typical(&ui.view());
    assert_eq!(press(&mut ui, &snapshot, "e"), Effect::Ask);
    assert_eq!(ui.filter.to_string(), "status:error");
    assert!(shown(&ui, &snapshot).contains("filter status:error set; Esc goes back"));
    press(&mut ui, &snapshot, "Esc");
    assert!(ui.filter.is_empty() && ui.pane == Ui::pane_named("models").expect("a pane"));
}

#[test]
fn text_that_is_not_there_is_not_offered() {
    let mut ui = ui("requests", (120, 40));
    let mut snapshot = typical(&ui.view());
    let call = &mut snapshot.records[0].call;
    (call.prompt, call.prompt_preview, call.response, call.tool_calls) = (None, None, None, None);
    press(&mut ui, &snapshot, "Enter");
    let frame = shown(&ui, &snapshot);
    assert!(frame.contains("the log held no text of this call"), "{frame}");
    assert!(!frame.contains("m shows it") && !frame.contains("m text"), "{frame}");
}

#[test]
fn spend_without_any_price_is_unknown() {
    let ui = ui("overview", (200, 60));
    let mut snapshot = typical(&ui.view());
    (snapshot.totals.cost_nusd, snapshot.totals.unpriced_calls) = (None, 734);
    let frame = shown(&ui, &snapshot);
    assert!(frame.contains("–, 734 unpriced") && !frame.contains("≥–"), "{frame}");
}

#[test]
fn rates_that_stand_together_are_per_the_same_time() {
    let ui = ui("overview", (80, 24));
    let mut snapshot = typical(&ui.view());
    snapshot.totals.calls = 300;
    let row = |snapshot: &Snapshot| {
        let tiles: Vec<String> = shown(&ui, snapshot).lines().take(7).map(str::to_owned).collect();
        ["/s", "/min"].map(|unit| tiles.join("").matches(unit).count())
    };
    assert_eq!(row(&snapshot), [2, 0], "the window before had some a second");
    snapshot.previous.calls = 300;
    assert_eq!(row(&snapshot), [0, 2]);
}

#[test]
fn two_keys_lead_from_a_figure_to_a_record_and_back() {
    let mut ui = ui("overview", (120, 40));
    let snapshot = typical(&ui.view());
    assert_eq!(press(&mut ui, &snapshot, "Enter"), Effect::Ask);
    assert_eq!(ui.filter.to_string(), "model:\"gpt-4.1\"");
    let records = typical(&ui.view());
    let effect = press(&mut ui, &records, "Enter");
    let key = records.records[0].key();
    assert_eq!(effect, Effect::Detail(key));
    assert!(matches!(&ui.mode, Mode::Details(d) if d.key == key));
    assert_eq!(press(&mut ui, &records, "Esc Esc"), Effect::Ask);
    assert_eq!((ui.pane, ui.filter.is_empty()), (0, true));
    press(&mut ui, &snapshot, "Esc");
    assert!(ui.message.is_some());
}

#[test]
fn failure_modes_lead_to_their_records() {
    let mut ui = ui("errors", (120, 40));
    let snapshot = typical(&ui.view());
    press(&mut ui, &snapshot, "j Enter");
    assert_eq!(ui.filter.to_string(), "error:rate_limit");
    press(&mut ui, &snapshot, "x");
    assert!(ui.filter.is_empty());
    press(&mut ui, &snapshot, "N");
    assert_eq!(ui.filter.to_string(), "error:rate_limit");
    press(&mut ui, &snapshot, "n");
    assert!(ui.filter.is_empty());
}

#[test]
fn errors_are_stepped_through() {
    let mut ui = ui("requests", (120, 40));
    let snapshot = typical(&ui.view());
    let failed: Vec<RecordKey> =
        snapshot.records.iter().filter(|r| r.call.outcome.is_error()).map(|r| r.key()).collect();
    assert!(failed.len() >= 2);
    press(&mut ui, &snapshot, "e Enter");
    assert!(matches!(&ui.mode, Mode::Details(d) if d.key == failed[0]));
    press(&mut ui, &snapshot, "e");
    assert!(matches!(&ui.mode, Mode::Details(d) if d.key == failed[1]));
    press(&mut ui, &snapshot, "E");
    assert!(matches!(&ui.mode, Mode::Details(d) if d.key == failed[0]));
    press(&mut ui, &snapshot, "E");
    assert!(ui.message.is_some());
}

#[test]
fn windows_grow_shrink_and_travel() {
    let mut ui = ui("overview", (120, 40));
    let snapshot = typical(&ui.view());
    press(&mut ui, &snapshot, "-");
    assert_eq!(ui.window.span, Span::Micros(300_000_000));
    press(&mut ui, &snapshot, "+ + + + + + + + +");
    assert_eq!(ui.window.span, Span::All);
    press(&mut ui, &snapshot, "[");
    assert!(ui.message.is_some());
    press(&mut ui, &snapshot, "- - - - - - [");
    assert_eq!(ui.window, llmtop::view::Window::last(900_000_000, Anchor::At(NOW - 450_000_000)));
    press(&mut ui, &snapshot, "]");
    assert_eq!(ui.window.anchor, Anchor::Auto);
}

#[test]
fn a_paused_screen_stands_still_and_still_answers() {
    let mut ui = ui("overview", (120, 40));
    let snapshot = typical(&ui.view());
    press(&mut ui, &snapshot, "Space");
    assert_eq!(ui.flow, Flow::Paused { until_us: NOW });
    assert_eq!(ui.view().window.anchor, Anchor::At(NOW));
    let frozen = typical(&ui.view());
    assert!(ui.wants(&snapshot, &frozen));
    assert!(!ui.wants(&frozen, &frozen.clone()));
    assert_eq!(press(&mut ui, &frozen, "2"), Effect::Ask);
    assert!(ui.wants(&frozen, &typical(&ui.view())));
    press(&mut ui, &frozen, "Space");
    assert!(ui.wants(&frozen, &snapshot));
}

#[test]
fn clicks_select_then_open_and_follow_the_thing() {
    let mut ui = ui("overview", (120, 40));
    let snapshot = typical(&ui.view());
    let rows_of = |ui: &Ui| -> Vec<(u16, Spot)> {
        let mut frame = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, 120, 40));
        let spots = llmtop::tui::paint(&mut frame, &snapshot, &live(), ui);
        (0..40).filter_map(|y| Some((y, spots.at(3, y)?))).collect()
    };
    let number = |(_, spot)| match spot {
        Spot::Row(number) => Some(number),
        Spot::Pane(_) => None,
    };
    let rows: Vec<usize> = rows_of(&ui).into_iter().filter_map(number).collect();
    assert!(rows.windows(2).all(|w| w[0] < w[1]) && rows.len() > 5, "groups, then errors: {rows:?}");
    assert_eq!(rows_of(&ui).last(), Some(&(39, Spot::Pane(0))));
    assert_eq!(ui.update(Action::Click(1), &snapshot), Effect::None);
    assert_eq!(ui.pane, 0);
    // Another row in between, then a key: each time it is a first click.
    ui.update(Action::Click(2), &snapshot);
    ui.update(Action::Click(1), &snapshot);
    ui.update(Action::Theme, &snapshot);
    assert_eq!(ui.update(Action::Click(1), &snapshot), Effect::None);
    assert_eq!(ui.update(Action::Click(1), &snapshot), Effect::Ask);
    assert_eq!(Ui::pane_names().nth(ui.pane), Some("requests"));
    assert!(!ui.filter.is_empty(), "as Enter");
    assert_eq!(ui.update(Action::Click(999), &snapshot), Effect::None, "a row that is gone");
    // What a notice covers is not there to be clicked.
    ui.message = Some(llmtop::tui::Message::Note("a notice".to_owned()));
    assert!(!rows_of(&ui).iter().any(|(y, _)| *y == 38));
}

#[test]
fn the_cursor_stays_on_its_row_while_others_come() {
    let mut ui = ui("requests", (120, 40));
    let mut snapshot = typical(&ui.view());
    press(&mut ui, &snapshot, "j j j");
    let key = snapshot.records[3].key();
    snapshot.records.remove(0);
    assert_eq!(press(&mut ui, &snapshot, "Enter"), Effect::Detail(key));
}

#[test]
fn lists_turn_their_pages() {
    let mut ui = ui("requests", (120, 40));
    let snapshot = typical(&ui.view());
    let last = snapshot.records.last().map(|r| r.key());
    press(&mut ui, &snapshot, "G");
    assert_eq!(press(&mut ui, &snapshot, "j"), Effect::Ask);
    assert_eq!(ui.view().before, last);
    let second = typical(&ui.view());
    assert_eq!(press(&mut ui, &second, "k"), Effect::Ask);
    assert_eq!(ui.view().before, None);
}

#[test]
fn sorting_grouping_and_marking() {
    let mut ui = ui("models", (200, 60));
    let snapshot = typical(&ui.view());
    assert_eq!(press(&mut ui, &snapshot, "s"), Effect::Ask);
    let frame = shown(&ui, &snapshot);
    assert!(frame.contains("calls▾") && frame.contains("sorted by calls"), "{frame}");
    assert_eq!(press(&mut ui, &snapshot, "b"), Effect::Ask);
    assert_eq!(ui.view().groupings[0].name(), "provider");
    assert_eq!(press(&mut ui, &snapshot, "z"), Effect::None);
    assert_eq!(ui.maximised, Some(0));
    press(&mut ui, &snapshot, "z z z z z");
    assert_eq!(ui.maximised, None);
    press(&mut ui, &snapshot, "Left Left");
    let at = ui.time_cursor.expect("a cursor");
    assert!(snapshot.chart.points[snapshot.chart.points.len() - 2].range.contains(at));
    assert!(shown(&ui, &snapshot).contains("@ 14:16"));
}

#[test]
fn commands_and_completion() {
    let mut ui = ui("models", (120, 40));
    let snapshot = typical(&ui.view());
    let command = |ui: &mut Ui, line: &str| {
        press(ui, &snapshot, ":");
        type_line(ui, &snapshot, line);
        press(ui, &snapshot, "Enter")
    };
    assert_eq!(command(&mut ui, "window 1h"), Effect::Ask);
    assert_eq!(command(&mut ui, "pane errors"), Effect::Ask);
    assert_eq!(ui.view().sections.clusters, 50);
    command(&mut ui, "theme light");
    assert_eq!(ui.theme, Theme::Light);
    assert_eq!(command(&mut ui, "q"), Effect::Quit);
    command(&mut ui, "frobnicate");
    assert!(format!("{:?}", ui.message).contains("no command"));
    command(&mut ui, "pane nowhere");
    assert!(format!("{:?}", ui.message).contains("there are overview, latency"));
    command(&mut ui, "pane models");
    press(&mut ui, &snapshot, "/");
    type_line(&mut ui, &snapshot, "mod");
    press(&mut ui, &snapshot, "Tab");
    type_line(&mut ui, &snapshot, "gem");
    press(&mut ui, &snapshot, "Tab Enter");
    assert_eq!(ui.filter.to_string(), "model:gemini-2.5-flash");
}

#[test]
fn text_is_covered_until_asked_for_and_copied_only_then() {
    let mut ui = ui("requests", (160, 50));
    let snapshot = typical(&ui.view());
    assert!(!shown(&ui, &snapshot).contains("parcel"));
    press(&mut ui, &snapshot, "Enter");
    assert!(!shown(&ui, &snapshot).contains("parcel"));
    let Effect::Copy(text) = press(&mut ui, &snapshot, "y") else { panic!("something to copy") };
    assert!(text.contains("model: ") && !text.contains("parcel"), "{text}");
    press(&mut ui, &snapshot, "m");
    assert_eq!(ui.mask, Mask::Open);
    assert!(shown(&ui, &snapshot).contains("parcel"));
    let Effect::Copy(text) = press(&mut ui, &snapshot, "y") else { panic!("something to copy") };
    assert!(text.contains("parcel"));
}

#[test]
fn nothing_hostile_reaches_the_terminal() {
    for pane in Ui::pane_names() {
        let mut ui = ui(pane, (160, 50));
        ui.mask = Mask::Open;
        let mut snapshot = hostile(&ui.view());
        let live =
            Live { source: worlds::HOSTILE[0].to_owned(), troubles: vec![worlds::HOSTILE[2].to_owned()], ..live() };
        for keys in ["g", "Enter", "Esc"] {
            press(&mut ui, &snapshot, keys);
            snapshot.view = ui.view();
            for cell in buffer(&snapshot, &live, &ui).content() {
                let bad = cell.symbol().chars().find(|c| llmtop::units::is_unsafe(*c));
                assert_eq!(bad, None, "{pane}: {:?}", cell.symbol());
            }
        }
    }
}

#[test]
fn without_colours_nothing_is_lost() {
    for pane in Ui::pane_names() {
        let mut ui = ui(pane, (160, 50));
        ui.theme = Theme::Mono;
        let frame = buffer(&typical(&ui.view()), &live(), &ui);
        let coloured = frame.content().iter().find(|c| c.fg != Color::Reset || c.bg != Color::Reset);
        assert_eq!(coloured.map(|c| c.symbol()), None, "{pane}");
        insta::assert_snapshot!(format!("mono_{pane}_160x50"), text(&frame));
    }
}

#[test]
fn no_size_panics() {
    for pane in Ui::pane_names() {
        let big = ui(pane, (200, 60));
        let snapshots = [typical(&big.view()), hostile(&big.view()), empty(&big.view())];
        for (width, height) in (1..=60).flat_map(|w| (1..=25).map(move |h| (w, h))) {
            let mut ui = ui(pane, (width, height));
            let which = usize::from(width + height) % 3;
            buffer(&snapshots[which], &live(), &ui);
            // Each state of the screen at some of the sizes.
            if (width * 7 + height) % 4 != 0 {
                continue;
            }
            match (width + height) % 5 {
                0 => drop(press(&mut ui, &snapshots[which], "Enter")),
                1 => drop(press(&mut ui, &snapshots[which], "?")),
                2 => drop(press(&mut ui, &snapshots[which], "/ a : b")),
                3 => drop(press(&mut ui, &snapshots[which], "z j Left")),
                _ => drop(press(&mut ui, &snapshots[which], "G e m")),
            }
            buffer(&snapshots[which], &live(), &ui);
        }
    }
}

#[test]
fn keys_on_screens_without_figures_do_no_harm() {
    let keys = "j k g G e E s S b z z Left Right [ ] + - Space Space m y u t x n N Tab Enter Esc Esc";
    for pane in Ui::pane_names() {
        let mut ui = ui(pane, (80, 24));
        let snapshot = empty(&ui.view());
        press(&mut ui, &snapshot, keys);
        buffer(&snapshot, &live(), &ui);
    }
}

fn alarms() -> Vec<Alarm> {
    let alarm = |name: &str, words: &str, value: Option<&str>, standing, since_us| Alarm {
        name: name.to_owned(),
        words: words.to_owned(),
        value: value.map(str::to_owned),
        standing,
        since_us,
    };
    let minutes = |n: i64| Some(NOW - n * 60_000_000);
    vec![
        alarm("slow \u{1b}[31m answers", "p95 latency above 2.00 s over 5m", Some("812 ms"), Standing::Quiet, None),
        alarm("prod errors", "error rate above 5.00 % over 5m, env:prod", Some("7.14 %"), Standing::Firing, minutes(4)),
        alarm("spend", "spend rate above $20.00/h over 1h for 5m", Some("$23.10/h"), Standing::Pending, minutes(1)),
        alarm("p99", "p99 latency above 9.00 s over 5m", None, Standing::Quiet, None),
        alarm(
            "each user daily",
            "spent of the budget 83.0 % ($41.50 of $50.00) by user u_12, above 80.0 %",
            Some("83.0 %"),
            Standing::Warning,
            minutes(2),
        ),
    ]
}

#[test]
fn the_worst_alert_is_in_the_header_and_all_are_in_a_list() {
    let mut ui = ui("overview", (120, 40));
    let snapshot = typical(&ui.view());
    let live = Live { alarms: alarms(), ..live() };
    let head = |ui: &Ui, live: &Live| text(&buffer(&snapshot, live, ui)).lines().next().unwrap_or_default().to_owned();
    assert!(head(&ui, &live).contains("▲ prod errors +1"), "{}", head(&ui, &live));
    ui.resize(60, 20);
    assert!(head(&ui, &live).contains("▲ prod errors +1"), "{}", head(&ui, &live));
    let mut calmer = live.clone();
    calmer.alarms[1].standing = Standing::Quiet;
    ui.resize(80, 24);
    assert!(head(&ui, &calmer).contains("△ each user dai"), "{}", head(&ui, &calmer));
    let red = |live: &Live| {
        let buffer = buffer(&snapshot, live, &ui);
        (0..80).find(|x| "▲△".contains(buffer[(*x, 0)].symbol())).map(|x| buffer[(x, 0)].fg)
    };
    assert_eq!((red(&live), red(&calmer)), (Some(Color::Red), Some(Color::Yellow)));
    press(&mut ui, &snapshot, ":");
    type_line(&mut ui, &snapshot, "alerts");
    press(&mut ui, &snapshot, "Enter");
    ui.zone = llmtop::units::Zone::Utc;
    for size in SIZES {
        ui.resize(size.0, size.1);
        insta::assert_snapshot!(format!("alerts_{}x{}", size.0, size.1), text(&buffer(&snapshot, &live, &ui)));
    }
    for size in [(1, 1), (20, 3), (40, 10)] {
        ui.resize(size.0, size.1);
        buffer(&snapshot, &live, &ui);
    }
    press(&mut ui, &snapshot, "Down Down Esc");
    assert_eq!(ui.mode, Mode::Normal);
}
