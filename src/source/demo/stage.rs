//! The stage of the demo: its people and machines, the events waiting for their time, and the fields that all events of
//! one request share.

use super::line::Line;
use super::rng::Rng;
use super::trials::{Arm, SHORT_ANSWERS};
use super::weather::Weather;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

const USERS: u64 = 150;
const HOSTS: [&str; 4] = ["api-1", "api-2", "api-3", "api-4"];

/// An event whose time has not come.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    ts_us: i64,
    /// Keeps events of one instant in the order they were made.
    turn: u64,
    line: String,
}

#[derive(Debug)]
struct User {
    id: String,
    session: String,
    turns: u64,
    staging: bool,
    treated: bool,
    tags: &'static [&'static str],
}

/// Everything a scenario needs.
#[derive(Debug)]
pub(super) struct Stage {
    pub rng: Rng,
    pub weather: Weather,
    users: Vec<User>,
    activity: Vec<f64>,
    waiting: BinaryHeap<Reverse<Waiting>>,
    turn: u64,
}

/// What all events of one request share.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub trace: String,
    pub app: &'static str,
    pub host: &'static str,
    pub staging: bool,
    /// `None` where no person is behind it.
    pub user: Option<String>,
    pub session: Option<String>,
    /// Earlier questions of the session.
    pub earlier: u64,
    /// Where the request comes from, and who deserves more patience.
    pub tags: &'static [&'static str],
    /// The experiment it is part of, and the variant.
    pub arm: Option<Arm>,
}

impl Stage {
    pub(super) fn new(seed: u64, start_us: i64) -> Stage {
        let mut rng = Rng::new(seed);
        let users = (0..USERS).map(|n| user(&mut rng, n)).collect();
        let activity = (0..USERS).map(|n| 1.0 / (n + 4) as f64).collect();
        Stage { rng, weather: Weather::new(start_us), users, activity, waiting: BinaryHeap::new(), turn: 0 }
    }

    /// A request of one of the users, some of them far busier than others.
    pub(super) fn visit(&mut self, app: &'static str) -> Scene {
        let at = self.rng.weighted(&self.activity);
        let trace = self.rng.hex(32);
        let host = self.rng.pick(&HOSTS);
        let goes_on = self.rng.chance(0.72);
        let Some(user) = self.users.get_mut(at) else {
            return Scene::job(trace, app);
        };
        if goes_on {
            user.turns += 1;
        } else {
            user.session = format!("s_{}", self.rng.hex(8));
            user.turns = 0;
        }
        Scene {
            trace,
            app,
            host: if user.staging { "stage-1" } else { host },
            staging: user.staging,
            user: Some(user.id.clone()),
            session: Some(user.session.clone()),
            earlier: user.turns,
            tags: user.tags,
            arm: None,
        }
    }

    /// Whether the user of this scene is in the experiment's treatment; always the same for one user.
    pub(super) fn treated(&self, scene: &Scene) -> bool {
        self.users.iter().any(|u| Some(&u.id) == scene.user.as_ref() && u.treated)
    }

    /// Puts an event down for its time.
    pub(super) fn push(&mut self, ts_us: i64, line: Line) {
        self.turn += 1;
        self.waiting.push(Reverse(Waiting { ts_us, turn: self.turn, line: line.finish() }));
    }

    /// When the next event is due, if any waits.
    pub(super) fn next_us(&self) -> Option<i64> {
        self.waiting.peek().map(|Reverse(event)| event.ts_us)
    }

    /// The next event.
    pub(super) fn pop(&mut self) -> Option<(i64, String)> {
        self.waiting.pop().map(|Reverse(event)| (event.ts_us, event.line))
    }
}

impl Scene {
    /// Work that no person waits for.
    pub(super) fn job(trace: String, app: &'static str) -> Scene {
        Scene {
            trace,
            app,
            host: "batch-1",
            staging: false,
            user: None,
            session: None,
            earlier: 0,
            tags: &[],
            arm: None,
        }
    }

    /// Adds the shared fields of a call.
    pub(super) fn on_call(&self, line: Line) -> Line {
        let line = self.on_span(line).text("host", self.host).text("app", self.app);
        let line = line.text("environment", if self.staging { "staging" } else { "prod" });
        let line = if self.tags.is_empty() { line } else { line.list("tags", self.tags.iter().copied()) };
        match self.arm {
            Some((experiment, variant)) => line.text("experiment", experiment).text("variant", variant),
            None => line,
        }
    }

    /// Whether its answers are to be short.
    pub(super) fn is_treated(&self) -> bool {
        self.arm == Some(SHORT_ANSWERS.arm(true))
    }

    /// Adds the shared fields of a span or a score.
    pub(super) fn on_span(&self, line: Line) -> Line {
        line.text("trace_id", &self.trace)
            .maybe("user_id", self.user.as_deref())
            .maybe("session_id", self.session.as_deref())
    }
}

fn user(rng: &mut Rng, n: u64) -> User {
    let session = format!("s_{}", rng.hex(8));
    let tags: &[&str] = match n % 7 {
        0 => &["web", "vip"],
        1..4 => &["web"],
        _ => &["mobile"],
    };
    User { id: format!("u_{}", 100 + n * 7), session, turns: 0, staging: n % 13 == 5, treated: rng.chance(0.5), tags }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_out_in_time_order_and_in_order_of_making() {
        let mut stage = Stage::new(1, 0);
        for (ts, name) in [(30, "c"), (10, "a"), (30, "d"), (20, "b")] {
            stage.push(ts, Line::event("llm_span", ts).text("name", name));
        }
        assert_eq!(stage.next_us(), Some(10));
        let order: Vec<_> = std::iter::from_fn(|| stage.pop()).map(|(ts, _)| ts).collect();
        assert_eq!(order, [10, 20, 30, 30]);
        assert_eq!(stage.next_us(), None);
    }

    #[test]
    fn a_user_keeps_the_variant_and_some_users_are_busier() {
        let mut stage = Stage::new(1, 0);
        let mut seen = std::collections::HashMap::<String, (bool, usize)>::new();
        for _ in 0..4_000 {
            let scene = stage.visit("support-bot");
            let treated = stage.treated(&scene);
            let user = scene.user.expect("a visit has a user");
            let entry = seen.entry(user).or_insert((treated, 0));
            assert_eq!(entry.0, treated);
            entry.1 += 1;
        }
        assert!(seen.len() > 120);
        assert!(seen.values().any(|(_, n)| *n > 100));
        assert!(seen.values().filter(|(treated, _)| *treated).count() > 40);
    }
}
