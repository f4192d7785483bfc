//! A live application that does not exist, for trying llmtop: a support chatbot, an agent, an inbox, an indexer, with
//! users, incidents, an experiment and judges. Deterministic by its seed; knows no clock, the caller says how late it is.

mod agent;
mod budgets;
mod call;
mod catalog;
mod chat;
mod fault;
mod jobs;
mod line;
mod player;
mod rng;
mod score;
mod stage;
mod texts;
mod trials;
mod weather;

pub use budgets::budgets;
pub use line::Line;
pub use player::Player;
pub use rng::Rng;
pub use trials::experiments;

use stage::Stage;
use weather::Weather;

/// Requests per second of an application of ordinary busyness.
const REQUESTS_PER_S: f64 = 2.2;

/// Endless native events in time order: (time in µs since the Unix epoch, JSON line without a newline).
#[derive(Debug)]
pub struct Demo {
    stage: Stage,
    per_us: f64,
    arrival_us: i64,
}

impl Demo {
    /// A demo that begins here, µs since the Unix epoch. The same seed and start give the same events.
    pub fn new(seed: u64, start_us: i64) -> Demo {
        Demo { stage: Stage::new(seed, start_us), per_us: REQUESTS_PER_S / 1e6, arrival_us: start_us }
    }

    /// The same application so many times as busy; below 0.001 counts as 0.001.
    #[must_use]
    pub fn times(mut self, factor: f64) -> Demo {
        self.per_us = REQUESTS_PER_S / 1e6 * factor.clamp(0.001, 1_000.0);
        self
    }

    /// The same application, its incidents told so that the hour before `story_us` (µs since the Unix epoch) is calm and
    /// the hour after it is not. Without this the story begins with the demo.
    #[must_use]
    pub fn story(mut self, story_us: i64) -> Demo {
        self.stage.weather = Weather::new(story_us);
        self
    }

    /// Lets one request arrive, with all that follows from it, and sets the time of the next one.
    fn arrive(&mut self) {
        let at_us = self.arrival_us;
        let stage = &mut self.stage;
        match stage.rng.weighted(&[0.80, 0.10, 0.09, 0.005]) {
            0 => chat::play(stage, at_us),
            1 => agent::play(stage, at_us),
            2 => jobs::sort_mail(stage, at_us),
            _ => jobs::index_guides(stage, at_us),
        }
        let mean_us = 1.0 / (self.per_us * stage.weather.busyness(at_us));
        // At least 1 µs, so that time passes whatever the generator draws.
        let wait_us = stage.rng.exponential(mean_us) as i64;
        self.arrival_us = at_us.saturating_add(wait_us.max(1));
    }
}

impl Iterator for Demo {
    type Item = (i64, String);

    /// Never `None`. An event is given out once no later arrival can come before it.
    fn next(&mut self) -> Option<(i64, String)> {
        while self.stage.next_us().is_none_or(|due_us| due_us >= self.arrival_us) {
            self.arrive();
        }
        self.stage.pop()
    }
}

#[cfg(test)]
mod tests;
