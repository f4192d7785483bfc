//! `llmtop proxy`: a gateway and the screen over what it records, or the gateway alone.

use super::serving::Serving;
use super::{feed, settings};
use crate::app::fill::{Ending, fill};
use crate::app::ingest::stop_on_signals;
use crate::app::live::Kind;
use crate::app::{screen, setup};
use crate::cli::{Cli, ProxyArgs};
use crate::config::Effective;
use crate::pipeline::{OnRefusal, Progress};
use crate::units::clean;
use anyhow::Result;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often it is seen whether to end, and whether calls are lost.
const LOOK: Duration = Duration::from_millis(100);

/// Runs it until a signal, or until the screen is left.
pub fn run(cli: &Cli, args: &ProxyArgs, out: &mut dyn Write) -> Result<ExitCode> {
    let effective = setup::settings(cli, Some(&args.screen))?;
    let told = settings::of(&args.gateway, args.listen, &effective)?;
    let journal = told.journal.clone();
    let store = effective.config.store()?.to_owned();
    let (run, troubles) = feed::follow(&journal, &store)?;
    let serving = Serving::start(told)?;
    if args.headless || !std::io::stdout().is_terminal() {
        writeln!(
            out,
            "llmtop proxy listens on http://{}, journal in {}",
            serving.address,
            clean(&journal.display().to_string())
        )?;
        out.flush()?;
        return headless(&effective, &store, run, serving);
    }
    let label = format!("proxy {}", serving.address);
    let exit = screen::over(effective, store, (label, Kind::Proxy), (run, troubles), out)?;
    serving.stop()?;
    Ok(exit)
}

/// No screen: the journal goes into the store, and what is lost is said.
fn headless(
    effective: &Effective,
    store: &std::path::Path,
    run: crate::app::fill::Run,
    serving: Serving,
) -> Result<ExitCode> {
    let signalled = stop_on_signals()?;
    let prices = setup::prices(effective)?;
    let progress = Arc::<Progress>::default();
    let recorder = Arc::clone(serving.recorder());
    let reading = crate::source::Stop::new();
    std::thread::scope(|scope| {
        let (progress, reading, retention) = (&progress, &reading, &effective.config.retention);
        let filling = scope.spawn(move || fill((store, retention), run, (OnRefusal::Retry, prices), progress, reading));
        let _ending = Ending(reading);
        let mut said = None;
        while !signalled.stop.requested() {
            std::thread::sleep(LOOK);
            let trouble = recorder.trouble();
            if trouble != said {
                match &trouble {
                    Some(why) => eprintln!("llmtop: calls are not recorded: {}", clean(why)),
                    None => eprintln!("llmtop: calls are recorded again; {} were not", recorder.counts().1),
                }
                said = trouble;
            }
        }
        serving.stop()?;
        reading.request();
        filling.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    let signal = signalled.signal.load(Ordering::Acquire);
    Ok(u8::try_from(signal).map_or(ExitCode::FAILURE, |signal| ExitCode::from(128 + signal)))
}
