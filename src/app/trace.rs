//! `llmtop trace`: one trace or session by any of its ids.

use super::feed::{self, Read};
use crate::cli::{TraceArgs, TraceFormat};
use crate::config::Effective;
use crate::report::{Options, Words, trace};
use crate::snapshot::traces::Story;
use crate::store::Reader;
use crate::store::sqlite::SqliteReader;
use crate::units::{Zone, clean};
use crate::view::TraceId;
use anyhow::{Result, bail};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// `llmtop trace`
pub fn run(args: &TraceArgs, settings: &Effective, out: &mut dyn Write) -> Result<ExitCode> {
    let (story, read) = if args.files.is_empty() {
        (find(settings.config.store()?, args.id.trim())?, Read::All)
    } else {
        let (place, read) = feed::load_private(&args.files, settings)?;
        (find(place.path(), args.id.trim())?, read)
    };
    let options = Options {
        width: crossterm::terminal::size().map_or(100, |(columns, _)| usize::from(columns)),
        zone: if args.utc || settings.config.utc { Zone::Utc } else { Zone::Local },
        words: if settings.config.mask && !args.unmask { Words::Masked } else { Words::Shown },
    };
    match args.format {
        TraceFormat::Text => trace::write_text(&story, &options, out)?,
        TraceFormat::Json => trace::write_json(&story, &options, out)?,
        TraceFormat::Otlp if matches!(story, Story::Session(_)) => {
            bail!("{:?} is a session, which is no trace of OpenTelemetry; ask for one of its traces", clean(&args.id))
        }
        TraceFormat::Otlp => trace::write_otlp(&story, &options, out)?,
    }
    Ok(read.exit_code())
}

/// What an id leads to: a trace, the trace of a call, or a session.
fn find(store: &Path, id: &str) -> Result<Story> {
    let mut reader = SqliteReader::open(store)?;
    for asked in [TraceId::Trace(id.to_owned()), TraceId::Request(id.to_owned()), TraceId::Session(id.to_owned())] {
        if let Some(story) = reader.story(&asked)? {
            return Ok(story);
        }
    }
    bail!(
        "store {} has no trace, request or session {:?}; the Traces pane and `llmtop query \"SELECT DISTINCT trace_id FROM calls LIMIT 10\"` list what there is",
        store.display(),
        clean(id)
    )
}
