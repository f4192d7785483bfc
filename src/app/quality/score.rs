//! `llmtop score`: one judgement by hand.

use super::book::Book;
use crate::cli::ScoreArgs;
use crate::clock;
use crate::config::Effective;
use crate::event::ScoreEvent;
use crate::format::write;
use crate::store::sqlite::Cell;
use crate::units::clean;
use anyhow::Result;
use std::borrow::Cow;
use std::io::Write;

/// Notes it, puts it into the store, and says whether what it judges is there.
pub fn score(args: &ScoreArgs, settings: &Effective, out: &mut dyn Write) -> Result<()> {
    let book = Book::open(settings)?;
    let now_us = clock::now_us();
    let id = format!("score-{now_us}-{}", std::process::id());
    let named = |is_it: bool| is_it.then_some(Cow::Borrowed(args.id.as_str()));
    let event = ScoreEvent {
        ts_us: Some(now_us),
        score_id: Some(Cow::Borrowed(&id)),
        identity: None,
        name: Cow::Borrowed(&args.name),
        value: args.value.0,
        source: Some(args.source.into()),
        request_id: named(!args.trace),
        trace_id: named(args.trace),
        user_id: None,
        comment: args.comment.as_deref().map(Cow::Borrowed),
    };
    let mut line = Vec::new();
    write::score(&event, 0, &mut line)?;
    book.note(&line)?;
    book.settle(settings)?;
    let (what, name, value) = (if args.trace { "trace" } else { "call" }, clean(&args.name), args.value.0);
    let known = match found(&book, &id)? {
        Some(model) if model.is_empty() => String::new(),
        Some(model) => format!(" ({})", clean(&model)),
        None => format!("; nothing was heard of that {what} yet, so it waits"),
    };
    writeln!(out, "{name} {value} for {what} {}{known}", clean(&args.id))?;
    Ok(())
}

/// What a score judges: its model, or nothing of a trace; `None` where it waits.
fn found(book: &Book, score_id: &str) -> Result<Option<String>> {
    let sql = format!("SELECT judges, model FROM scores WHERE score_id = '{score_id}'");
    let mut found = None;
    book.reader()?.query(&sql, &mut |_, row| {
        found = match row.as_slice() {
            [Cell::Text(_), Cell::Text(model)] => Some(model.clone()),
            [Cell::Text(_), _] => Some(String::new()),
            _ => None,
        };
        Ok(())
    })?;
    Ok(found)
}
