//! What is the matter with sources at present. A [`super::Message::Trouble`] tells that something went wrong; this tells
//! whether it still does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many troubles are listed at most.
const LISTED: usize = 100;

/// The present troubles of a set of sources; clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Troubles(Arc<Mutex<Board>>);

#[derive(Debug, Default)]
struct Board {
    present: Vec<Trouble>,
    /// Whether something could not be read that was there to be read.
    missed: bool,
}

/// One thing that is the matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The source's name, as shown.
    pub source: Arc<str>,
    /// What is the matter and what to do.
    pub message: String,
}

impl Trouble {
    /// In one line, which names its source once.
    pub fn line(&self) -> String {
        let Trouble { source, message } = self;
        let named = message.strip_prefix(&**source).is_some_and(|rest| rest.starts_with(':'));
        if named { message.clone() } else { format!("{source}: {message}") }
    }
}

impl Troubles {
    /// Nothing is the matter.
    pub fn new() -> Troubles {
        Troubles::default()
    }

    /// The troubles there are, the oldest first; of very many, the newest hundred.
    pub fn list(&self) -> Vec<Trouble> {
        let present = &self.lock().present;
        present[present.len().saturating_sub(LISTED)..].to_vec()
    }

    /// Whether something was not read that should have been, now or at any time before.
    pub fn missed(&self) -> bool {
        self.lock().missed
    }

    pub(super) fn miss(&self) {
        self.lock().missed = true;
    }

    pub(super) fn begin(&self, source: &Arc<str>, message: &str) {
        self.lock().present.push(Trouble { source: Arc::clone(source), message: message.to_owned() });
    }

    pub(super) fn end(&self, source: &str, message: &str) {
        self.lock().present.retain(|t| &*t.source != source || t.message != message);
    }

    /// A thread that panicked while holding a list has not broken the list.
    fn lock(&self) -> MutexGuard<'_, Board> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
