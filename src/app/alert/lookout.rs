//! Looks at a store and steps the rules: what has turned, and what of it is to be told to whom.

use crate::alert::{Change, Channel, Engine, Notice, Notices, Phase, Settings, State, Targets, Turn};
use crate::clock;
use crate::config::{self, Config, Env};
use crate::snapshot::Snapshot;
use crate::store::sqlite::SqliteReader;
use crate::store::{Reader, StoreError, Watch};
use std::path::Path;

/// Between the first and the last look at a log that has ended, there are so many more where rules have to hold for a time.
const LOOKS: i64 = 12;

/// Which moment is the present one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Now {
    /// The clock's.
    Clock,
    /// Just after the newest call: what is played by its own times.
    Log,
}

/// What a look has found.
#[derive(Debug, Default)]
pub struct Found {
    /// What has turned.
    pub changes: Vec<Change>,
    /// What of it others than the screen are to be told.
    pub notices: Vec<Notice>,
}

/// The rules over one store.
pub struct Lookout {
    reader: SqliteReader,
    engine: Engine,
    notices: Notices,
    settings: Settings,
    now: Now,
    place: String,
}

impl Lookout {
    /// The rules and budgets of a configuration over a store; `None` where there is nothing to watch.
    ///
    /// # Errors
    /// The store cannot be opened.
    pub fn open(config: &Config, store: &Path, now: Now) -> Result<Option<Lookout>, StoreError> {
        if !Lookout::is_needed(config) {
            return Ok(None);
        }
        let settings = config.alerts.clone();
        let engine = Engine::new(&settings.rules, &config.budgets);
        let notices = Notices::new(settings.quiet_us);
        Ok(Some(Lookout { reader: SqliteReader::open(store)?, engine, notices, settings, now, place: String::new() }))
    }

    /// Where its store's calls are, as words of a shell behind `llmtop`, for what alerts say.
    pub fn at(mut self, place: String) -> Lookout {
        self.place = place;
        self
    }

    /// Whether there is something to watch.
    pub fn is_needed(config: &Config) -> bool {
        !config.alerts.rules.is_empty() || config.budgets.iter().any(|budget| !budget.warn_at.is_empty())
    }

    /// Looks once, as long as somebody wants to know.
    ///
    /// # Errors
    /// The store does not answer, or nobody wants to know any more; nothing has turned then.
    pub fn look(&mut self, watch: &dyn Watch) -> Result<Found, StoreError> {
        let now_us = match (self.now, clock::now_us()) {
            (Now::Clock, clock_us) => clock_us,
            (Now::Log, clock_us) => self.newest()?.map_or(clock_us, |newest| newest.saturating_add(1).min(clock_us)),
        };
        let changes = self.step(now_us, watch)?;
        let notices = self.notices.step(now_us, &changes);
        Ok(Found { changes, notices })
    }

    /// Looks once for all: what fires at the end. By the log that is its newest call, where it is older than the rules look
    /// back; how long nothing has happened is told by the clock. Rules that have to hold for a time are stepped through that time.
    ///
    /// # Errors
    /// The store does not answer, or nobody wants to know any more.
    pub fn look_at_end(&mut self, end: Now, watch: &dyn Watch) -> Result<Found, StoreError> {
        let (over_us, hold_us) = self.engine.reach_us();
        let clock_us = clock::now_us();
        let reach_us = over_us.saturating_add(hold_us);
        let is_old = |newest: &i64| *newest < clock_us.saturating_sub(reach_us);
        let end_us = match end {
            Now::Clock => clock_us,
            Now::Log => self.newest()?.filter(is_old).map_or(clock_us, |newest| newest.saturating_add(1)),
        };
        let mut fired: Vec<Change> = Vec::new();
        let mut take = |changes: Vec<Change>| {
            for change in changes {
                fired.retain(|before| before.alert.id != change.alert.id);
                fired.extend((change.turn == Turn::Fired).then_some(change));
            }
        };
        // So long that the first look is not after the beginning of the longest hold.
        let apart_us = hold_us / LOOKS + 1;
        let looks = if hold_us > 0 { LOOKS } else { 0 };
        for left_us in (1..=looks).rev().map(|look| apart_us * look) {
            let now_us = end_us.saturating_sub(left_us);
            let answers = self.ask(now_us, watch)?;
            let mut changes = self.engine.rehearse(now_us, left_us - apart_us, &answers);
            changes.iter_mut().for_each(|change| change.alert.place.clone_from(&self.place));
            take(changes);
        }
        take(self.step(end_us, watch)?);
        if end_us < clock_us {
            let mut late = self.step(clock_us, watch)?;
            late.retain(|change| change.alert.metric.is_of_the_clock());
            take(late);
        }
        let notices = self.notices.step(end_us, &fired);
        Ok(Found { changes: fired, notices })
    }

    fn newest(&mut self) -> Result<Option<i64>, StoreError> {
        Ok(self.reader.holdings()?.0.bounds.map(|(_, newest)| newest))
    }

    fn step(&mut self, now_us: i64, watch: &dyn Watch) -> Result<Vec<Change>, StoreError> {
        let answers = self.ask(now_us, watch)?;
        let mut changes = self.engine.step(now_us, &answers);
        changes.iter_mut().for_each(|change| change.alert.place.clone_from(&self.place));
        Ok(changes)
    }

    fn ask(&mut self, now_us: i64, watch: &dyn Watch) -> Result<Vec<Snapshot>, StoreError> {
        let views = self.engine.views();
        views.iter().map(|view| self.reader.snapshot(view, now_us, watch)).collect()
    }

    /// Whether nothing fires, and nothing is about to.
    pub fn is_quiet(&self) -> bool {
        self.engine.states().iter().all(|state| state.phase == Phase::Quiet)
    }

    /// Where everything stands.
    pub fn states(&self) -> Vec<State> {
        self.engine.states()
    }

    /// How to tell of a change, and whom.
    pub fn route(&self, change: &Change) -> (Vec<Channel>, Targets) {
        let rule = self.settings.rules.iter().find(|rule| !change.alert.is_warning && rule.name == change.alert.name);
        let (channels, mut targets) = self.settings.route(rule);
        let env: Env<'_> = &|name| std::env::var_os(name);
        targets.file = targets.file.map(|path| config::expand_home(&path.to_string_lossy(), env));
        (channels, targets)
    }
}
