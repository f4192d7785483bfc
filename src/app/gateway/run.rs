//! `llmtop run -- COMMAND`: a gateway on a free port for one program, and a report when it ends.

use super::serving::Serving;
use super::variables::Variables;
use super::{feed, settings};
use crate::app::feed::{Feed, load};
use crate::app::say::say;
use crate::app::temporary::Temporary;
use crate::app::{report_of, setup};
use crate::cli::{Cli, GatewayArgs, RunArgs};
use crate::config::{Effective, Env};
use crate::pipeline::Progress;
use crate::source::{Follow, Stop};
use crate::store::sqlite::SqliteStore;
use crate::units::clean;
use crate::view::Window;
use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::sync::Arc;

/// Runs a program behind a gateway; its exit code is the program's.
pub fn run(cli: &Cli, args: &RunArgs) -> Result<ExitCode> {
    let effective = setup::settings(cli, None)?;
    let Some((program, rest)) = args.command.split_first() else { bail!("there is no command to run") };
    // From here on no signal ends this program before it has tidied up.
    let mut signals = Signals::new(heard())?;
    let temporary = Temporary::new().with_context(|| {
        format!("{}: no temporary folder can be made; TMPDIR says where", std::env::temp_dir().display())
    })?;
    let own = temporary.store().with_file_name("journal");
    // Where a store is named, the calls are kept, and so is their journal.
    let kept = args.gateway.journal.clone().or(cli.places.store.is_none().then_some(own));
    let gateway = GatewayArgs { journal: kept, ..args.gateway.clone() };
    let mut told = settings::of(&gateway, Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))), &effective)?;
    // Its port is known to the program alone, which has neither a key of the gateway's nor its certificate.
    told.clients.clear();
    told.tls = None;
    let env: Env<'_> = &|name| std::env::var_os(name);
    let variables = Variables::of(&gateway.upstream, env, effective.config.proxy.breaker, &mut told.upstreams);
    variables.left.iter().for_each(|left| say(&clean(left)));
    let serving = Serving::start(told)?;
    let mut command = Command::new(program);
    command.args(rest).envs(variables.at(&format!("http://{}", serving.address)));
    let child = match command.spawn() {
        Ok(child) => child,
        Err(why) => {
            say(&format!("{} cannot be run: {why}", clean(&program.to_string_lossy())));
            // As shells have it.
            return Ok(ExitCode::from(if why.kind() == io::ErrorKind::NotFound { 127 } else { 126 }));
        }
    };
    let ended = wait(child, &mut signals)?;
    let recorder = Arc::clone(serving.recorder());
    serving.stop(|_| (), || signals.pending().any(|signal| signal != SIGCHLD));
    let done = keep(cli, recorder.journal().folder(), &effective)
        .and_then(|()| report(&recorder.journal().segments(), &temporary.store(), &effective));
    match done {
        Ok(_) if recorder.counts() == (0, 0) => say(&no_calls(&variables)),
        Ok(text) => print(&text),
        Err(why) => say(&format!("there is no report: {}", clean(&format!("{why:#}")))),
    }
    let code = ended.code().unwrap_or_else(|| 128 + ended.signal().unwrap_or(0));
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// The signals that are heard: what is ignored, as under nohup, stays ignored by the program too.
fn heard() -> Vec<i32> {
    let is_ignored = |signal: &i32| {
        // SAFETY: all zeros are a valid sigaction, and with a null action it is only asked for.
        unsafe {
            let mut now: libc::sigaction = std::mem::zeroed();
            libc::sigaction(*signal, std::ptr::null(), &raw mut now) == 0 && now.sa_sigaction == libc::SIG_IGN
        }
    };
    let mut signals = vec![SIGTERM, SIGHUP, SIGINT, SIGQUIT];
    signals.retain(|signal| !is_ignored(signal));
    signals.push(SIGCHLD);
    signals
}

/// Waits for the program's end. It hears what this program alone is told; keys of the terminal reach both.
fn wait(mut child: Child, signals: &mut Signals) -> Result<ExitStatus> {
    loop {
        // Not waited for yet, its number is nobody else's.
        if let Some(ended) = child.try_wait()? {
            return Ok(ended);
        }
        for signal in signals.wait() {
            if let (SIGTERM | SIGHUP, Ok(id)) = (signal, libc::pid_t::try_from(child.id())) {
                // SAFETY: it takes two numbers; one that has just ended is told nothing.
                unsafe { libc::kill(id, signal) };
            }
        }
    }
}

/// Puts the calls into the store that the command line names, where it names one.
fn keep(cli: &Cli, journal: &Path, effective: &Effective) -> Result<()> {
    let Some(_) = &cli.places.store else { return Ok(()) };
    feed::catch_up(journal, effective.config.store()?, setup::prices(effective)?)
}

/// What to say of a program that has called nobody.
fn no_calls(variables: &Variables) -> String {
    let names: Vec<_> = variables.at("").map(|(name, _)| name).filter(|name| name.ends_with("URL")).collect();
    format!(
        "no call came through the gateway; the program was told of it by {}. An SDK that has its base URL from elsewhere \
         does not read them",
        names.join(", ")
    )
}

/// What the segments say of the program's calls.
fn report(segments: &[PathBuf], store: &Path, effective: &Effective) -> Result<Vec<u8>> {
    let mut kept = SqliteStore::open(store)?;
    if !segments.is_empty() {
        let files = Feed::of(segments, Follow::UntilEnd, Vec::new())?;
        load(files, &mut kept, setup::prices(effective)?, &Arc::<Progress>::default(), &Stop::new())?;
    }
    drop(kept);
    let mut text = Vec::new();
    report_of(store, Window::all(), &effective.config, &mut text)?;
    Ok(text)
}

/// Beside what the program says, not within it; where nobody reads it, that is no failure of the program's.
fn print(text: &[u8]) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text).and_then(|()| err.flush());
}
