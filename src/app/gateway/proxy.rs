//! `llmtop proxy`: a gateway and the screen over what it records, or the gateway alone.

use super::keep::{Ending, Filling, Turns};
use super::serving::Serving;
use super::{feed, settings};
use crate::app::fill::Run;
use crate::app::live::{Kind, Losses};
use crate::app::say::say;
use crate::app::screen::{self, Beside, Fed};
use crate::app::setup;
use crate::cli::{Cli, ProxyArgs};
use crate::config::Effective;
use crate::pipeline::Progress;
use crate::units::{self, clean};
use anyhow::Result;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// How often it is seen whether to end, and whether calls are lost.
const LOOK: Duration = Duration::from_millis(100);

/// Runs it until a signal, or until the screen is left.
pub fn run(cli: &Cli, args: &ProxyArgs, out: &mut dyn Write) -> Result<ExitCode> {
    let effective = setup::settings(cli, Some(&args.screen))?;
    let told = settings::of(&args.gateway, args.listen, &effective)?;
    let (journal, whither, grace) = (told.journal.clone(), settings::whither(&told), told.grace);
    let store = effective.config.store()?.to_owned();
    // Whoever reads where it listens may send it one.
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let keep_us = effective.config.proxy.keep_us;
    // A store that is none is told before anything listens.
    let (run, troubles) = feed::follow(&journal, &store, keep_us)?;
    let serving = Serving::start(told)?;
    if args.headless || !std::io::stdout().is_terminal() {
        let shown = clean(&journal.display().to_string()).into_owned();
        writeln!(out, "llmtop proxy listens on {}, journal in {shown}", serving.url())?;
        writeln!(out, "calls go to {}", clean(&whither))?;
        out.flush()?;
        return Headless { cli, args, effective: &effective, serving }.run((&journal, &store), run, signals);
    }
    let label = format!("proxy {}", serving.url());
    let recorder = Arc::clone(serving.recorder());
    let losses: Losses = Arc::new(move || (recorder.counts().1, recorder.trouble()));
    let prices = setup::prices(&effective)?;
    let beside = Beside { fed: Fed::Journal(run, journal.clone(), keep_us), troubles, losses, grace };
    let exit = screen::over(effective, store.clone(), (label, Kind::Proxy), beside, out);
    // The signal that ended the screen was one of them.
    signals.pending().for_each(drop);
    serving.stop(|in_flight| tell_of_the_rest(in_flight, grace), || signals.pending().next().is_some());
    // What ended after the screen belongs to the store, too.
    feed::catch_up(&journal, &store, prices)?;
    exit
}

/// Says why it does not end yet.
fn tell_of_the_rest(in_flight: i64, grace: Duration) {
    let calls = match in_flight {
        ..=0 => return,
        1 => "1 call".to_owned(),
        n => format!("{n} calls"),
    };
    let longest = units::duration_us(grace.as_micros() as f64);
    say(&format!("{calls} under way may go on for up to {longest}; Ctrl-C ends it now"));
}

/// A gateway without a screen.
struct Headless<'a> {
    cli: &'a Cli,
    args: &'a ProxyArgs,
    effective: &'a Effective,
    serving: Serving,
}

/// What was last known of losses.
#[derive(Default)]
struct Said {
    trouble: Option<String>,
    lost: u64,
}

impl Headless<'_> {
    /// The journal goes into the store, what is lost is said, and a hang-up reads the configuration again.
    fn run(self, (journal, store): (&Path, &Path), run: Run, mut signals: Signals) -> Result<ExitCode> {
        let prices = setup::prices(self.effective)?;
        let (turns, config) = (Turns::default(), &self.effective.config);
        let filling = Filling {
            journal: (journal, config.proxy.keep_us),
            store: (store, &config.retention),
            prices,
            progress: Arc::<Progress>::default(),
        };
        let signal = std::thread::scope(|scope| {
            let turns = &turns;
            let filling = scope.spawn(move || {
                filling.keep(run, turns, &|why| {
                    why.into_iter().for_each(|why| say(&why));
                })
            });
            let _ending = Ending(turns);
            let mut said = Said::default();
            let signal = loop {
                std::thread::sleep(LOOK);
                self.tell_of_losses(&mut said);
                match signals.pending().last() {
                    Some(SIGHUP) => self.read_again(),
                    Some(signal) => break signal,
                    None if self.serving.is_over() => break 0,
                    None => {}
                }
            };
            let grace = self.serving.settings().grace;
            let is_hurried = || signals.pending().any(|signal| signal != SIGHUP);
            self.serving.stop(|in_flight| tell_of_the_rest(in_flight, grace), is_hurried);
            turns.end();
            filling.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            Ok::<_, anyhow::Error>(signal)
        })?;
        Ok(u8::try_from(signal).map_or(ExitCode::FAILURE, |signal| ExitCode::from(128 + signal)))
    }

    /// Says when calls begin to be lost, and when they are recorded again, be it between two looks.
    fn tell_of_losses(&self, said: &mut Said) {
        let recorder = self.serving.recorder();
        let (trouble, lost) = (recorder.trouble(), recorder.counts().1);
        match &trouble {
            Some(why) if trouble != said.trouble => say(&format!("calls are not recorded: {}", clean(why))),
            None if said.trouble.is_some() || lost > said.lost => {
                say(&format!("calls are recorded again; {lost} were not"));
            }
            _ => {}
        }
        *said = Said { trouble, lost };
    }

    /// A configuration that is not right is told, and the one before stays.
    fn read_again(&self) {
        let told = setup::settings(self.cli, Some(&self.args.screen))
            // It goes on listening where it does, whatever is said now: that is what may be reached from elsewhere.
            .and_then(|effective| {
                let told = settings::of(&self.args.gateway, Some(self.serving.address), &effective)?;
                self.serving.tell(settings::anew(told, &self.serving.settings()))?;
                Ok(settings::at_next_start(&effective.config, &self.effective.config))
            });
        match told {
            Ok(later) if later.is_empty() => say("the configuration was read again"),
            Ok(later) => {
                say(&format!("the configuration was read again; at the next start only: {}", later.join(", ")));
            }
            Err(why) => say(&format!("the configuration before stays: {}", clean(&format!("{why:#}")))),
        }
    }
}
