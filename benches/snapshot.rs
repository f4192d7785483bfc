//! How long an answer takes: every pane of the screen over every window, and budgets alone, on a store that is there, newest
//! call as "now". `cargo bench --bench snapshot -- STORE [ROUNDS [PANE [WINDOW]]]`; PANE may be `budgets`.

use llmtop::store::sqlite::SqliteReader;
use llmtop::store::{Patient, Reader};
use llmtop::tui::Ui;
use llmtop::view::{Anchor, Budget, Dim, Filter, Period, Span, View, Window};
use std::time::Instant;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let Some(path) = args.first() else {
        println!("no store given: cargo bench --bench snapshot -- STORE");
        return;
    };
    let rounds: usize = args.get(1).and_then(|n| n.parse().ok()).unwrap_or(5);
    let mut reader = SqliteReader::open(path.as_ref()).expect("a store");
    let (holds, _) = reader.holdings().expect("holdings");
    let now_us = holds.bounds.map_or(0, |(_, last)| last + 1);
    println!("{} calls; median of {rounds}, ms", holds.calls);
    println!("{:<12}{}", "pane", Window::STEPS.map(|(name, _)| format!("{name:>8}")).join(""));
    for filter in ["", "model:gpt-4o*"] {
        let only = |at: usize, name: &str| args.get(at).is_none_or(|wanted| wanted == name);
        for (number, name) in Ui::pane_names().enumerate().filter(|(_, name)| only(2, name)) {
            let mut line = format!("{name:<12}");
            for (_, span) in Window::STEPS.into_iter().filter(|(name, _)| only(3, name)) {
                let span = span.map_or(Span::All, Span::Micros);
                let window = Window { span, anchor: Anchor::Auto };
                let mut ui = Ui::new(window, Filter::parse(filter).expect("a filter"));
                ui.pane = number;
                ui.resize(200, 60);
                let view = ui.view();
                line += &format!("{:>8.1}", median(&mut reader, &view, now_us, rounds));
            }
            println!("{line}{}{filter}", if filter.is_empty() { "" } else { "  " });
        }
    }
    if args.get(2).is_none_or(|wanted| wanted == "budgets") {
        budgets(&mut reader, now_us, rounds);
    }
}

/// The median of some rounds, ms.
fn median(reader: &mut SqliteReader, view: &View, now_us: i64, rounds: usize) -> f64 {
    let mut times: Vec<f64> = (0..rounds)
        .map(|_| {
            let begun = Instant::now();
            reader.snapshot(view, now_us, &Patient).expect("an answer");
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[rounds / 2]
}

/// Budgets of one kind each, beside a window of a minute, whose own time is told first.
fn budgets(reader: &mut SqliteReader, now_us: i64, rounds: usize) {
    let cases = [
        ("day", Period::Day, "", None),
        ("month", Period::Month, "", None),
        ("month, filter env", Period::Month, "env:prod", None),
        ("day, per model", Period::Day, "", Some(Dim::Model)),
        ("day, per user", Period::Day, "", Some(Dim::User)),
        ("month, per user", Period::Month, "", Some(Dim::User)),
        ("1h, filter user", Period::Last(3_600_000_000), "user:u*", None),
    ];
    let mut view = View { window: Window::last(60_000_000, Anchor::Auto), ..View::default() };
    println!("{:<24}{:>8.1}", "no budget", median(reader, &view, now_us, rounds));
    for (name, period, filter, per) in cases {
        let (zone, filter) = (chrono_tz::Tz::Europe__Berlin, Filter::parse(filter).expect("a filter"));
        let budget = Budget {
            name: name.to_owned(),
            limit_nusd: 50_000_000_000,
            period,
            zone,
            filter,
            per,
            warn_at: vec![800, 1_000],
        };
        view.budgets = vec![budget];
        println!("{:<24}{:>8.1}", format!("budget: {name}"), median(reader, &view, now_us, rounds));
    }
}
