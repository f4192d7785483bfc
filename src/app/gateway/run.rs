//! `llmtop run -- COMMAND`: a gateway on a free port for one program, and a report when it ends.

use super::serving::Serving;
use super::{feed, settings};
use crate::app::feed::load;
use crate::app::temporary::Temporary;
use crate::app::{report_of, setup};
use crate::cli::{Cli, RunArgs};
use crate::pipeline::Progress;
use crate::source::{Follow, Stop};
use crate::store::sqlite::SqliteStore;
use crate::view::Window;
use anyhow::{Context, Result, bail};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode};
use std::sync::Arc;

/// The variables by which the known SDKs are told where to go, and what stands behind the address in them.
const VARIABLES: [(&str, &str); 8] = [
    ("OPENAI_BASE_URL", "/v1"),
    ("OPENAI_API_BASE", "/v1"),
    ("ANTHROPIC_BASE_URL", ""),
    ("GOOGLE_GEMINI_BASE_URL", ""),
    ("GEMINI_BASE_URL", ""),
    ("AZURE_OPENAI_ENDPOINT", ""),
    ("LITELLM_PROXY_API_BASE", ""),
    ("LLMTOP_PROXY_URL", ""),
];

/// Runs a program behind a gateway; its exit code is the program's.
pub fn run(cli: &Cli, args: &RunArgs, out: &mut dyn Write) -> Result<ExitCode> {
    let effective = setup::settings(cli, None)?;
    let Some((program, rest)) = args.command.split_first() else { bail!("there is no command to run") };
    let temporary = Temporary::new()?;
    let mut told = settings::of(&args.gateway, Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))), &effective)?;
    if args.gateway.journal.is_none() {
        told.journal = temporary.store().with_file_name("journal");
    }
    // The variables say http, and nobody else hears what a program says to its own gateway.
    told.tls = None;
    let journal = told.journal.clone();
    let serving = Serving::start(told)?;
    let mut command = Command::new(program);
    command.args(rest);
    for (variable, path) in VARIABLES {
        command.env(variable, format!("http://{}{path}", serving.address));
    }
    let ended = command.status().with_context(|| format!("{} cannot be run", program.to_string_lossy()))?;
    serving.stop();
    let store = temporary.store();
    let mut kept = SqliteStore::open(&store)?;
    let files = crate::app::feed::Feed::of(&[feed::segments(&journal)], Follow::UntilEnd, Vec::new())?;
    load(files, &mut kept, setup::prices(&effective)?, &Arc::<Progress>::default(), &Stop::new())?;
    drop(kept);
    report_of(&store, Window::all(), &effective.config, out)?;
    let code = ended.code().unwrap_or_else(|| 128 + ended.signal().unwrap_or(0));
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}
