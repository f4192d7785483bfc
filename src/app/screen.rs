//! The commands with a screen: logs, a pipe, the default store, a replay, the demo. Each is a store, something that feeds
//! it, and the screen over both; without a terminal, a report instead of the screen.

use super::alert::{Lookout, Now, Reach, Sentry};
use super::experiment;
use super::feed::{Feed, Read, STDIN};
use super::fill::{Filling, Run, fill};
use super::gateway::keep::{self, Ending, Turns};
use super::live::{Kind, Losses, Status, label};
use super::places::Place;
use super::setup;
use super::temporary::Temporary;
use super::watcher::Watcher;
use crate::cli::{Cli, DemoArgs, ReplayArgs};
use crate::clock;
use crate::config::{self, Config, Effective};
use crate::event::{Call, ScoreEvent, Sink, SpanEvent};
use crate::format::Decoder;
use crate::pipeline::{OnRefusal, Progress};
use crate::price::Prices;
use crate::source::demo::{self, Demo, Player};
use crate::source::{Follow, Message, Replay, Sender, SourceError, Stop, SystemClock, Troubles};
use crate::store::sqlite::SqliteStore;
use crate::tui::{self, Exit, Mask, Ui, mouse::Mouse};
use crate::units::Zone;
use crate::view::Window;
use anyhow::{Result, bail};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

const HOUR_US: i64 = 3_600_000_000;

/// What feeds the store of a screen.
pub enum Fed {
    /// To its end.
    Once(Run),
    /// The journal of a gateway of our own, with its folder and the age at which segments go, µs: where its reading breaks
    /// off, it begins again.
    Journal(Run, PathBuf, Option<i64>),
}

/// What is at work beside a screen, and goes on after it.
pub struct Beside {
    /// What feeds the store.
    pub fed: Fed,
    /// What is the matter with what is read.
    pub troubles: Troubles,
    /// Who knows of losses.
    pub losses: Losses,
    /// How long it may go on after the screen.
    pub grace: Duration,
}

/// A screen in the making.
struct Show {
    settings: Effective,
    store: PathBuf,
    /// Kept from being tidied away as long as the show goes on.
    place: Option<Place>,
    /// Deleted when the show is over.
    temporary: Option<Temporary>,
    label: String,
    kind: Kind,
    feed: Option<Fed>,
    troubles: Troubles,
    /// Who knows of losses.
    losses: Option<Losses>,
    /// How long the process may go on after its terminal.
    grace: Duration,
}

/// `llmtop [FILE…]`
pub fn logs(cli: &Cli, out: &mut dyn Write) -> Result<ExitCode> {
    let settings = setup::settings(cli, Some(&cli.screen))?;
    let mut files = cli.files.clone();
    if files.is_empty() && stdin_is_a_log() {
        files.push(STDIN.into());
    }
    if files.is_empty() {
        return store(settings, out);
    }
    if let Some(command) = command_meant(&files) {
        bail!("there is no file {:?}; did you mean `llmtop {command}`?", files[0]);
    }
    let follow = if std::io::stdout().is_terminal() { Follow::Forever } else { Follow::UntilEnd };
    let Filling { store, place, temporary, run, troubles } = Filling::open(&files, follow, &settings)?;
    let label = if files == [PathBuf::from(STDIN)] { "stdin".to_owned() } else { label(&files) };
    Show {
        settings,
        store,
        place,
        temporary,
        label,
        kind: Kind::Sources,
        feed: Some(Fed::Once(run)),
        troubles,
        losses: None,
        grace: Duration::ZERO,
    }
    .run(out)
}

/// The command that a word was probably meant to be, which is no file: a screen would wait for that for ever.
fn command_meant(files: &[PathBuf]) -> Option<String> {
    let [only] = files else { return None };
    let word = only.to_str().filter(|word| word.bytes().all(|b| b.is_ascii_alphabetic()) && !only.exists())?;
    crate::cli::command_like(word)
}

/// Whether something was piped or redirected into the program; a closed or null input is nothing.
fn stdin_is_a_log() -> bool {
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileTypeExt;
    let Ok(stdin) = std::io::stdin().as_fd().try_clone_to_owned() else { return false };
    let Ok(meta) = std::fs::File::from(stdin).metadata() else { return false };
    let kind = meta.file_type();
    kind.is_fifo() || kind.is_file() || kind.is_socket()
}

/// `llmtop` alone: the default store, whoever fills it.
fn store(settings: Effective, out: &mut dyn Write) -> Result<ExitCode> {
    let store = settings.config.store()?.to_owned();
    if std::io::stdout().is_terminal() && !store.exists() {
        // The screen says how to fill it.
        SqliteStore::open(&store)?;
    }
    let label = label(std::slice::from_ref(&store));
    Show {
        settings,
        store,
        place: None,
        temporary: None,
        label,
        kind: Kind::Others,
        feed: None,
        troubles: Troubles::new(),
        losses: None,
        grace: Duration::ZERO,
    }
    .run(out)
}

/// `llmtop replay`
pub fn replay(cli: &Cli, args: &ReplayArgs, out: &mut dyn Write) -> Result<ExitCode> {
    let settings = setup::settings(cli, Some(&args.screen))?;
    let feed = Feed::of(&args.files, Follow::UntilEnd, Vec::new())?;
    let (speed, troubles) = (args.speed.0, feed.troubles());
    let run: Run = Box::new(move |out, stop| play(feed, speed, &out, &stop));
    temporary(settings, (label(&args.files), Kind::Replay(speed)), (run, troubles), out)
}

/// Plays a feed by the times of its own lines.
fn play(feed: Feed, speed: f64, out: &Sender, stop: &Stop) -> Result<(), SourceError> {
    let (to_play, lines) = crossbeam_channel::bounded(4);
    let (mut decoder, mut time) = (Decoder::new(), LineTime::default());
    let time_of = |line: &[u8]| {
        time.0 = None;
        decoder.decode(line, &mut time);
        time.0
    };
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let to_play = to_play;
            feed.run(&to_play, stop)
        });
        let played = Replay::new(speed, SystemClock::start(), time_of).run(&lines, out, stop);
        drop(lines);
        let read = reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        // A player that was stopped no longer listens to what is read.
        played.and(if stop.requested() { Ok(()) } else { read })
    })
}

/// The time of a line's first event that has one.
#[derive(Default)]
struct LineTime(Option<i64>);

impl Sink for LineTime {
    fn call(&mut self, call: &Call<'_>) {
        self.0 = self.0.or(call.ts_us);
    }

    fn span(&mut self, span: &SpanEvent<'_>) {
        self.0 = self.0.or(span.ts_us);
    }

    fn score(&mut self, score: &ScoreEvent<'_>) {
        self.0 = self.0.or(score.ts_us);
    }
}

/// `llmtop demo`
pub fn demo(cli: &Cli, args: &DemoArgs, out: &mut dyn Write) -> Result<ExitCode> {
    let mut settings = setup::settings(cli, Some(&args.screen))?;
    if settings.config.budgets.is_empty() {
        settings.config.budgets = demo::budgets();
    }
    if settings.config.experiments.is_empty() {
        settings.config.experiments = demo::experiments();
    }
    let now_us = clock::now_us();
    let start_us = now_us.saturating_sub(args.history);
    // The incidents fall into the last hour, so that the screen's first window differs from the one before.
    let story_us = start_us.max(now_us.saturating_sub(HOUR_US));
    let demo = Demo::new(args.seed, start_us).story(story_us).times(args.rate.0);
    let live = std::io::stdout().is_terminal();
    let run: Run = Box::new(move |out, stop| {
        let mut player = Player::new(demo);
        if live {
            player.run(now_us, &SystemClock::start(), &out, &stop);
            return Ok(());
        }
        // Without a screen its past is all there is to report on.
        while let Some(chunk) = player.due(now_us) {
            out.send(Message::Chunk(chunk)).map_err(|_| SourceError::Closed)?;
        }
        Ok(())
    });
    temporary(settings, ("demo".to_owned(), Kind::Demo), (run, Troubles::new()), out)
}

/// A show whose store is gone with it, but where one is named.
fn temporary(
    settings: Effective,
    (label, kind): (String, Kind),
    (run, troubles): (Run, Troubles),
    out: &mut dyn Write,
) -> Result<ExitCode> {
    let is_named = matches!(settings.origin("store"), config::Origin::Flag(_));
    let temporary = if is_named { None } else { Some(Temporary::new()?) };
    let store = match &temporary {
        Some(temporary) => temporary.store(),
        None => settings.config.store()?.to_owned(),
    };
    SqliteStore::open(&store)?;
    Show {
        settings,
        store,
        place: None,
        temporary,
        label,
        kind,
        feed: Some(Fed::Once(run)),
        troubles,
        losses: None,
        grace: Duration::ZERO,
    }
    .run(out)
}

/// A screen over a store that something feeds.
pub fn over(
    settings: Effective,
    store: PathBuf,
    (label, kind): (String, Kind),
    beside: Beside,
    out: &mut dyn Write,
) -> Result<ExitCode> {
    let Beside { fed: feed, troubles, losses, grace } = beside;
    let losses = Some(losses);
    Show { settings, store, place: None, temporary: None, label, kind, feed: Some(feed), troubles, losses, grace }
        .run(out)
}

impl Fed {
    /// Fills a store until its end, or until the turns are over.
    fn fill(
        self,
        (store, prices): ((&Path, &config::Retention), Arc<Prices>),
        progress: &Arc<Progress>,
        turns: &Turns,
        status: &Status,
    ) -> Result<()> {
        match self {
            Fed::Once(run) => fill(store, run, (OnRefusal::Retry, prices), progress, &turns.begin()),
            Fed::Journal(run, folder, keep_us) => {
                let progress = Arc::clone(progress);
                let journal = keep::Filling { journal: (&folder, keep_us), store, prices, progress };
                journal.keep(run, turns, &|why| status.failed(why))
            }
        }
    }
}

impl Show {
    /// Runs the feed and the screen over its store; without a terminal, the feed to its end and a report.
    fn run(self, out: &mut dyn Write) -> Result<ExitCode> {
        if !std::io::stdout().is_terminal() {
            return self.report(out);
        }
        let prices = setup::prices(&self.settings)?;
        experiment::settle(&self.store, &self.settings.config)?;
        let (progress, turns) = (Arc::<Progress>::default(), Turns::default());
        let status =
            Arc::new(Status::new(self.label, self.kind, Arc::clone(&progress), self.troubles).losing(self.losses));
        let ui = first_ui(&self.settings.config)?;
        let mouse = if self.settings.config.mouse { Mouse::Used } else { Mouse::Ignored };
        let exit = std::thread::scope(|scope| {
            if let Some(feed) = self.feed {
                let (status, progress, turns) = (&status, &progress, &turns);
                let (store, prices) = ((self.store.as_path(), &self.settings.config.retention), Arc::clone(&prices));
                scope.spawn(move || {
                    if let Err(error) = feed.fill((store, prices), progress, turns, status) {
                        status.failed(Some(format!("{error:#}")));
                    }
                });
            }
            // However the screen ends, by a panic too: the feed ends with it, or the scope would wait for ever.
            let _ending = Ending(&turns);
            let sentry = sentry(&self.settings.config, &self.store, &status)?;
            let watcher = Watcher::start((&self.store, prices), Arc::clone(&status), sentry)?;
            let options = tui::Options { ui, mouse, now_us: clock::now_us(), grace: self.grace };
            Ok::<_, anyhow::Error>(tui::run(&watcher, options)?)
        })?;
        drop((self.place, self.temporary));
        Ok(match exit {
            Exit::Quit => ExitCode::SUCCESS,
            Exit::Signal(signal) => ExitCode::from(u8::try_from(128 + signal).unwrap_or(1)),
            Exit::Hangup => ExitCode::from(129),
        })
    }

    fn report(self, out: &mut dyn Write) -> Result<ExitCode> {
        let mut read = Read::All;
        if let Some(Fed::Once(feed) | Fed::Journal(feed, ..)) = self.feed {
            let progress = Arc::<Progress>::default();
            let how = (OnRefusal::Fail, setup::prices(&self.settings)?);
            fill((&self.store, &self.settings.config.retention), feed, how, &progress, &Stop::new())?;
            read = Read::of(&progress, &self.troubles);
        }
        let config = &self.settings.config;
        let given = matches!(self.settings.origin("window"), config::Origin::Flag(_));
        let window = if given || self.kind == Kind::Others { config.window } else { Window::all() };
        super::report_of(&self.store, window, config, out)?;
        Ok(read.exit_code())
    }
}

/// The rules beside a screen. What is made up or played again wakes nobody else.
fn sentry(config: &Config, store: &Path, status: &Arc<Status>) -> Result<Sentry> {
    let (now, reach) = match status.kind() {
        Kind::Others | Kind::Sources | Kind::Proxy => (Now::Clock, Reach::World),
        Kind::Demo => (Now::Clock, Reach::Terminal),
        Kind::Replay(_) => (Now::Log, Reach::Terminal),
    };
    Ok(match Lookout::open(config, store, now)? {
        Some(lookout) => Sentry::start(lookout, reach, Arc::clone(status))?,
        None => Sentry::default(),
    })
}

/// The state the screen starts in.
fn first_ui(config: &Config) -> Result<Ui> {
    let mut ui = Ui::new(config.window, config.filter.clone());
    ui.pane = Ui::pane_named(&config.pane).map_err(anyhow::Error::msg)?;
    ui.theme = match config.theme {
        config::Theme::Auto | config::Theme::Dark => tui::Theme::Dark,
        config::Theme::Light => tui::Theme::Light,
        config::Theme::Mono => tui::Theme::Mono,
    };
    ui.zone = if config.utc { Zone::Utc } else { Zone::Local };
    ui.budgets.clone_from(&config.budgets);
    ui.experiments.clone_from(&config.experiments);
    ui.mask = if config.mask { Mask::default() } else { Mask::Open };
    Ok(ui)
}
