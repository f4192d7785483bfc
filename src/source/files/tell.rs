//! Telling problems of single files: each once when it begins, and that it is over, on the board of present troubles.

use super::{Files, Follow, send};
use crate::source::error::SourceError;
use crate::source::select::Found;
use crate::source::troubles::Troubles;
use crate::source::{Message, Sender};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// When a problem is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// A look finds it no more.
    NextLook,
    /// The file is opened, or is not there any more.
    Opened,
    /// The file is opened again: some of it was perhaps not read, whether it is there or not.
    OpenedAgain,
    /// It has happened, and nothing undoes it.
    Always,
}

/// The problems that are not over, by source and message.
#[derive(Debug, Default)]
pub(super) struct Told {
    until: HashMap<(Arc<str>, String), Until>,
    board: Troubles,
}

impl Told {
    fn end(&mut self, over: impl Fn(&str, &str, Until) -> bool) {
        let board = &self.board;
        self.until.retain(|(source, message), until| {
            let over = over(source, message, *until);
            if over {
                board.end(source, message);
            }
            !over
        });
    }
}

impl Files {
    /// What is the matter at present; goes on telling while [`Files::run`] does.
    pub fn troubles(&self) -> Troubles {
        self.told.board.clone()
    }

    /// Tells a problem, unless it is told already and not over.
    pub(super) fn trouble(
        &mut self,
        source: &str,
        error: &SourceError,
        until: Until,
        out: &Sender,
    ) -> Result<(), SourceError> {
        let (source, message) = (Arc::<str>::from(source), self.words(error));
        if self.told.until.insert((Arc::clone(&source), message.clone()), until).is_none() {
            self.told.board.begin(&source, &message);
            // What was perhaps written to a content that has gone may be nothing.
            if !matches!(error, SourceError::Gone { unread: 0, .. }) {
                self.told.board.miss();
            }
            send(out, Message::Trouble { source, message })?;
        }
        Ok(())
    }

    /// Tells that what was read under a name up to an offset is gone, and nothing beside it goes on with it. How much was
    /// written to it after the last look nobody knows.
    pub(super) fn tell_gone(&mut self, source: &str, offset: u64, size: u64, out: &Sender) -> Result<(), SourceError> {
        let error = SourceError::Gone { path: source.into(), offset, unread: size.saturating_sub(offset) };
        // The last time says enough.
        self.told.end(|of, _, until| of == source && until == Until::Always);
        self.trouble(source, &error, Until::Always, out)
    }

    /// Tells what a look found to be the matter, and of what it found no more that it is over.
    pub(super) fn look_told(
        &mut self,
        problems: Vec<(Arc<str>, SourceError)>,
        files: &[Found],
        out: &Sender,
    ) -> Result<(), SourceError> {
        if !self.told.until.is_empty() {
            let found: HashSet<(&str, String)> = problems.iter().map(|(s, e)| (&**s, self.words(e))).collect();
            let there: HashSet<&str> = files.iter().map(|f| &*f.name).collect();
            self.told.end(|source, message, until| match until {
                Until::NextLook => !found.contains(&(source, message.to_owned())),
                Until::Opened => !there.contains(source),
                Until::OpenedAgain | Until::Always => false,
            });
        }
        problems.into_iter().try_for_each(|(source, problem)| self.trouble(&source, &problem, Until::NextLook, out))
    }

    /// A file has been opened: what kept it from being read is over.
    pub(super) fn opened(&mut self, source: &str) {
        if !self.told.until.is_empty() {
            self.told.end(|of, _, until| of == source && matches!(until, Until::Opened | Until::OpenedAgain));
        }
    }

    fn words(&self, error: &SourceError) -> String {
        let mut message = chain(error);
        match error {
            SourceError::Missing { path } if self.follow == Follow::Forever => {
                message = format!("{}: no such file yet; waiting for it", path.display());
            }
            SourceError::NoMatch { .. } if self.follow == Follow::Forever => {
                message.push_str("; waiting for one");
            }
            _ => {}
        }
        message
    }
}

/// An error and what it comes from, in one line.
fn chain(error: &SourceError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
