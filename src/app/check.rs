//! `llmtop check`: the figures of the store, or of the logs that are named, held against limits and a baseline.

use super::feed::{self, Read, STDIN};
use super::places::own_store_of;
use super::{answer, experiment, unsaid};
use crate::check::{self, Asked, Baseline, Basis, Gate, Judged, Trial, Verdict};
use crate::cli::CheckArgs;
use crate::clock;
use crate::config::Effective;
use crate::snapshot::Snapshot;
use crate::units::Zone;
use crate::view::{Anchor, Experiment, Filter, Metric, Span, View, Window};
use anyhow::{Context, Result, bail};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Judges, tells, and says by the exit code how it went.
pub fn run(args: &CheckArgs, settings: &Effective, out: &mut dyn Write) -> Result<ExitCode> {
    if let (Some(name), Some(metric), Some(typed)) = (&args.experiment, &args.metric, &args.not_worse_than) {
        return trial(args, (name, metric, typed), settings, out);
    }
    let now_us = clock::now_us();
    let window = args.when.window(unsaid(&args.files, settings), now_us)?;
    let question = Question { filter: args.filter.clone().unwrap_or_default(), now_us, settings };
    let (now, baseline, read) = if args.files.is_empty() {
        look(args, settings.config.store()?, window, &question)?
    } else {
        let (place, read) = feed::load_private(&args.files, settings)?;
        let (now, baseline, also) = look(args, place.path(), window, &question)?;
        (now, baseline, read.and(also))
    };
    let asked = Asked { limits: args.limits.0.clone(), min_calls: args.min_calls, max_regression: args.max_regression };
    let gate = Gate::judge(asked, &now, baseline.as_ref(), read == Read::All);
    let form = check::by_name(&args.format).with_context(|| format!("no form is called {:?}", args.format))?;
    let zone = if args.utc || settings.config.utc { Zone::Utc } else { Zone::Local };
    match form.write(&gate, zone, out) {
        // Whoever reads the first line alone still wants to know how it went.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::from(gate.verdict().exit_code())),
    }
}

/// Holds an experiment to a margin.
fn trial(
    args: &CheckArgs,
    (name, metric, typed): (&str, &Metric, &str),
    settings: &Effective,
    out: &mut dyn Write,
) -> Result<ExitCode> {
    let now_us = clock::now_us();
    let margin = args.margin().map_err(anyhow::Error::msg)?.context("how much worse it may be is missing")?;
    let (path, read, _place) = experiment::place(&args.files, settings)?;
    let mut rules = settings.config.experiments.clone();
    let at = rules.iter().position(|rule| rule.name == name).unwrap_or_else(|| {
        rules.push(Experiment::unsettled(name));
        rules.len() - 1
    });
    // The one metric that is asked for has all of the level, and is told apart from the margin.
    rules[at].primary = Some(vec![metric.clone()]);
    rules[at].thresholds.retain(|(of, _)| of != metric);
    rules[at].thresholds.push((metric.clone(), margin));
    let window = match args.when.window(Window::all(), now_us)? {
        Window { span: Span::Micros(_), anchor } => Window { span: Span::All, anchor },
        all => all,
    };
    let one = experiment::named(experiment::all(&path, window, &rules, now_us)?, name)?;
    let asked = Trial { metric: metric.clone(), margin, typed: typed.to_owned(), variant: args.variant.clone() };
    let judged = Judged::of(&one, asked, read == Read::All);
    match judged.write(&args.format, out) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::from(judged.verdict().exit_code())),
    }
}

/// What to exit with where there is nothing to judge by.
pub fn unjudged() -> ExitCode {
    ExitCode::from(Verdict::Unjudged(String::new()).exit_code())
}

/// What is the same for all that is looked at.
struct Question<'a> {
    filter: Filter,
    now_us: i64,
    settings: &'a Effective,
}

impl Question<'_> {
    fn ask(&self, store: &Path, window: Window) -> Result<Snapshot> {
        let view = View { window, filter: self.filter.clone(), ..View::default() };
        answer(store, &view, self.now_us)
    }
}

/// The figures of a store, and those they are compared with; whether all of the latter was read.
fn look(
    args: &CheckArgs,
    store: &Path,
    window: Window,
    ask: &Question<'_>,
) -> Result<(Snapshot, Option<Baseline>, Read)> {
    let now = ask.ask(store, window)?;
    let Some(named) = &args.baseline else { return Ok((now, None, Read::All)) };
    let name = named.to_string_lossy().into_owned();
    match Window::parse(&name, Anchor::Auto) {
        Ok(window) => {
            let snapshot = ask.ask(store, before(window, now.range.since_us))?;
            Ok((now, Some(Baseline { name, snapshot, basis: Basis::Time }), Read::All))
        }
        Err(fault) if !is_log(named) => bail!("the baseline is no log that is there, and no window: {fault}"),
        Err(_) => {
            let (snapshot, read) = log(named, &args.files, ask)?;
            Ok((now, Some(Baseline { name, snapshot, basis: Basis::Run }), read))
        }
    }
}

/// A window before a time: so long before, or all before; a window with times of its own is what it is.
fn before(window: Window, us: i64) -> Window {
    match window {
        Window { anchor: Anchor::At(_), .. } => window,
        Window { span: Span::Micros(length), .. } => Window::last(length, Anchor::At(us)),
        Window { span: Span::All, .. } => Window { span: Span::All, anchor: Anchor::At(us) },
    }
}

/// Whether it may be a log: it is there, or a pattern, or standard input.
fn is_log(named: &Path) -> bool {
    named == Path::new(STDIN) || named.to_string_lossy().contains(['*', '?', '[']) || named.exists()
}

/// All of another log, in a store of its own: `--store` is that of what is checked.
fn log(named: &Path, files: &[PathBuf], ask: &Question<'_>) -> Result<(Snapshot, Read)> {
    if named == Path::new(STDIN) && files.iter().any(|file| file == named) {
        bail!("standard input can be read once: as a log, or as the baseline");
    }
    let names = [named.to_owned()];
    let loaded = || -> Result<(Snapshot, Read)> {
        let place = own_store_of(&names, ask.settings)?;
        let read = feed::load_into(&place, &names, ask.settings)?;
        Ok((ask.ask(place.path(), Window::all())?, read))
    };
    loaded().with_context(|| format!("the baseline {} cannot be read", named.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_baseline_ends_where_what_is_checked_begins_unless_it_says_otherwise() {
        let parse = |text| Window::parse(text, Anchor::Auto).expect("a window");
        assert_eq!(before(parse("24h"), 77), Window::last(86_400_000_000, Anchor::At(77)));
        assert_eq!(before(parse("all"), 77), Window { span: Span::All, anchor: Anchor::At(77) });
        assert_eq!(before(parse("2026-05-01"), 77), parse("2026-05-01..2026-05-02"));
    }
}
