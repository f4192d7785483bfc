//! The states of a screen without figures, each in its own words: first start, loading, nothing understood, an empty
//! window, a filter that lets nothing through.

use super::figures;
use super::live::{Feed, Scene};
use super::panes;
use super::theme::Role;
use crate::units;
use crate::view::Span;

/// The words to show in place of a pane; `None` where there are figures. The pane of the input always has some.
pub(crate) fn words(scene: &Scene) -> Option<Vec<(String, Role)>> {
    let snapshot = scene.snapshot;
    let pane = panes::ALL.get(scene.ui.pane).map_or("", |p| p.name);
    // Budgets stand as they do, however quiet the window is.
    let has_budgets = pane == "cost" && !snapshot.budgets.is_empty() && snapshot.holdings.calls > 0;
    // Experiments are about their whole life.
    let has_experiments = pane == "experiments" && !snapshot.experiments.is_empty();
    // Scores come after what they judge, long after at times.
    let has_scores = pane == "quality" && snapshot.quality.as_ref().is_some_and(|quality| !quality.is_empty());
    if snapshot.totals.calls > 0 || pane == "input" || has_budgets || has_scores || has_experiments {
        return None;
    }
    if snapshot.view != scene.ui.view() {
        return Some(vec![dim("looking …")]);
    }
    if snapshot.holdings.calls == 0 {
        return Some(nothing_stored(scene));
    }
    if snapshot.scan.rows && snapshot.scan.covered < 1.0 && snapshot.scan.gone_us.is_none() {
        return Some(vec![strong("looking through the records …"), dim("what is found so far appears here")]);
    }
    Some(nothing_found(scene))
}

/// The key that leads to the pane of the input, else the command.
fn input_key() -> String {
    let at = panes::ALL.iter().position(|p| p.name == "input");
    at.and_then(panes::key_of).map_or_else(|| "`:pane input`".to_owned(), String::from)
}

fn strong(text: impl Into<String>) -> (String, Role) {
    (text.into(), Role::Strong)
}

fn dim(text: impl Into<String>) -> (String, Role) {
    (text.into(), Role::Dim)
}

fn nothing_stored(scene: &Scene) -> Vec<(String, Role)> {
    let a = &scene.snapshot.accounting;
    if a.read > 0 && a.accepted == 0 {
        let rejected =
            if a.rejected > 0 { format!(", {} of them broken", figures::count(a.rejected)) } else { String::new() };
        let like = a.skipped_like.as_ref().map(|skipped| dim(format!("skipped, for example: {}", skipped.shape)));
        let mut words = vec![
            strong(format!("{} lines read, no LLM event among them{rejected}", units::count(a.read))),
            dim(""),
            dim("an event is a line of JSON such as"),
            dim(r#"{"event":"llm_call","model":"gpt-4.1","input_tokens":812,"output_tokens":90,"latency_ms":1840}"#),
            dim(""),
            dim(format!("{} shows what was read and why lines were rejected", input_key())),
        ];
        words.splice(1..1, like);
        return words;
    }
    match scene.live.feed {
        Feed::Loading { .. } => vec![strong("reading …"), dim("the first figures appear as soon as there are some")],
        Feed::Live | Feed::Replay { .. } if !scene.live.source.is_empty() => {
            vec![strong(format!("waiting for the first event from {}", scene.live.source)), dim("? shows the keys")]
        }
        _ => vec![
            strong("nothing to show yet"),
            dim(""),
            (format!("{:<28}{}", "llmtop app.log", "follow a log file"), Role::Text),
            (format!("{:<28}{}", "my-app 2>&1 | llmtop", "watch what a program prints"), Role::Text),
            (format!("{:<28}{}", "llmtop demo", "look at a made-up application"), Role::Text),
            dim(""),
            dim("? keys   q quit"),
        ],
    }
}

fn nothing_found(scene: &Scene) -> Vec<(String, Role)> {
    let (snapshot, ui) = (scene.snapshot, scene.ui);
    let window = match ui.window.span {
        Span::All => "at all".to_owned(),
        Span::Micros(_) => format!("in the {}", ui.window_words()),
    };
    match snapshot.unfiltered_calls.filter(|_| !snapshot.view.filter.is_empty()) {
        Some(n) if n > 0 => {
            let gone = snapshot.scan.gone_us.map(|us| units::time(us, ui.zone, "%Y-%m-%d %H:%M:%S"));
            let gone = gone.map(|at| dim(format!("single calls before {at} have been deleted, and are not looked at")));
            let mut out = vec![
                strong(format!("no calls match `{}` {window}", snapshot.view.filter)),
                dim(format!("{} match without the filter (x clears it)", units::count(n))),
            ];
            out.extend(gone);
            out
        }
        _ => {
            let newest = snapshot.holdings.bounds.map(|(_, last)| {
                let ago = units::duration_us(snapshot.now_us.saturating_sub(last).max(0) as f64);
                let at = units::time(last, ui.zone, "%Y-%m-%d %H:%M:%S");
                dim(format!("the newest of {} calls is from {at}, {ago} ago", units::count(snapshot.holdings.calls)))
            });
            let mut out = vec![strong(format!("no calls {window}"))];
            out.extend(newest);
            out.push(dim("+ takes a longer window, [ goes back in time, `:window all` shows everything"));
            out
        }
    }
}
