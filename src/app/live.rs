//! The state of the feed as the screen shows it: from the pipeline's counters and what is known of the source.

use crate::clock;
use crate::pipeline::Progress;
use crate::source::Troubles;
use crate::tui::{Feed, Live};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What feeds the store of a screen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Other programs, if any.
    Others,
    /// Files or a pipe.
    Sources,
    /// The journal of a gateway of our own.
    Proxy,
    /// A made-up application, its past first.
    Demo,
    /// A replay at this speed.
    Replay(f64),
}

/// Says how many calls were lost, and why more would be; `None` where none would.
pub type Losses = Arc<dyn Fn() -> (u64, Option<String>) + Send + Sync>;

/// The feed of a screen.
pub struct Status {
    losses: Option<Losses>,
    source: String,
    kind: Kind,
    progress: Arc<Progress>,
    troubles: Troubles,
    begun: Duration,
    failure: Mutex<Option<String>>,
}

impl Status {
    /// A feed that begins now.
    pub fn new(source: String, kind: Kind, progress: Arc<Progress>, troubles: Troubles) -> Status {
        Status { losses: None, source, kind, progress, troubles, begun: clock::ticks(), failure: Mutex::default() }
    }

    /// The same with somebody who knows of losses.
    pub fn losing(self, losses: Option<Losses>) -> Status {
        Status { losses, ..self }
    }

    /// What feeds it.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The feed has ended with an error; `None` where it has begun again.
    pub fn failed(&self, error: Option<String>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }

    /// As the screen shows it.
    pub fn live(&self) -> Live {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (lost, why) = self.losses.as_ref().map_or((0, None), |losses| losses());
        let why = why.map(|why| format!("calls are not recorded: {why}"));
        let troubles = self.troubles.list().into_iter().map(|trouble| trouble.line());
        Live {
            source: self.source.clone(),
            feed: self.feed(),
            lost,
            troubles: troubles.chain(failure).chain(why).collect(),
            stale_us: None,
            store_error: self.progress.refusal(),
            alarms: Vec::new(),
        }
    }

    /// Whether what was there at the start is still being read.
    pub fn is_loading(&self) -> bool {
        matches!(self.feed(), Feed::Loading { .. })
    }

    fn feed(&self) -> Feed {
        let counts = self.progress.counts();
        match self.kind {
            Kind::Others => Feed::Idle,
            Kind::Proxy => Feed::Live,
            _ if counts.ended => Feed::Ended,
            Kind::Replay(speed) => Feed::Replay { speed },
            Kind::Sources if counts.raw_total == 0 => Feed::Live,
            Kind::Sources | Kind::Demo if counts.caught_up => Feed::Live,
            Kind::Sources | Kind::Demo => {
                let seconds = clock::ticks().saturating_sub(self.begun).as_secs_f64().max(0.001);
                let left = counts.raw_total.saturating_sub(counts.raw_done) as f64;
                let speed = counts.raw_done as f64 / seconds;
                Feed::Loading {
                    done: counts.raw_done,
                    total: counts.raw_total,
                    lines_per_s: counts.lines as f64 / seconds,
                    eta_us: (speed > 0.0 && counts.raw_total > 0).then(|| (left / speed * 1e6) as u64),
                }
            }
        }
    }
}

/// Sources in short: `api.jsonl +2`.
pub fn label(files: &[PathBuf]) -> String {
    let name = |path: &PathBuf| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    match files {
        [] => "store".to_owned(),
        [one] => name(one),
        [first, rest @ ..] => format!("{} +{}", name(first), rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Files, Follow};

    #[test]
    fn a_trouble_is_shown_as_long_as_it_lasts() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("app.log");
        let mut files = Files::new(vec![path.clone()], Follow::Forever, Vec::new()).expect("waits for it");
        let status = Status::new("app.log".to_owned(), Kind::Sources, Arc::default(), files.troubles());
        let (out, _heard) = crossbeam_channel::unbounded();
        files.look(&out).expect("we listen");
        let shown = status.live().troubles;
        assert_eq!(shown.len(), 1);
        assert!(shown[0].starts_with(&format!("{}: no such file", path.display())), "{}", shown[0]);
        std::fs::write(&path, "here\n").expect("writes");
        files.look(&out).expect("we listen");
        assert_eq!(status.live().troubles, Vec::<String>::new());
        status.failed(Some("it ended".to_owned()));
        assert_eq!(status.live().troubles, ["it ended"]);
    }
}
