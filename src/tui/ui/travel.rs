//! Moves through time and through filters.

use super::{Flow, Ui};
use crate::snapshot::Snapshot;
use crate::units;
use crate::view::{Anchor, Filter, Span, Window};

impl Ui {
    /// Takes the next longer or shorter of the usual windows.
    pub(super) fn resize_window(&mut self, way: Resize) {
        let length = |us: Option<i64>| us.unwrap_or(i64::MAX);
        let now = match self.window.span {
            Span::Micros(us) => us,
            Span::All => i64::MAX,
        };
        let next = match way {
            Resize::Longer => Window::STEPS.iter().find(|(_, us)| length(*us) > now),
            Resize::Shorter => Window::STEPS.iter().rev().find(|(_, us)| length(*us) < now),
        };
        match next {
            Some((_, us)) => self.window.span = us.map_or(Span::All, Span::Micros),
            None if way == Resize::Longer => self.note("that is all there is"),
            None => self.note("there is no shorter window; `:window 10s` sets any"),
        }
        if self.window.span == Span::All {
            self.window.anchor = self.home;
        }
        self.pages.clear();
    }

    /// Moves the window by half its length; past the present it follows what comes in again.
    pub(super) fn travel(&mut self, way: Travel, snapshot: &Snapshot) {
        let Span::Micros(len) = self.window.span else {
            return self.note("this window is everything there is; - makes it shorter");
        };
        let step = (len / 2).max(1);
        let until = match self.window.anchor {
            Anchor::At(at) => at,
            _ => snapshot.range.until_us,
        };
        let to = match way {
            Travel::Earlier => until.saturating_sub(step),
            Travel::Later => until.saturating_add(step),
        };
        self.window.anchor = if to >= self.newest(snapshot) { self.home } else { Anchor::At(to) };
        self.pages.clear();
    }

    /// Where a window would end that follows what comes in.
    fn newest(&self, snapshot: &Snapshot) -> i64 {
        let home = Window { anchor: self.home, ..self.window };
        match self.flow {
            Flow::Paused { until_us } => until_us,
            Flow::Running => home.resolve(snapshot.holdings.bounds, snapshot.now_us).until_us,
        }
    }

    /// Moves the cursor of the charts by one point; it starts at the newest one.
    pub(super) fn move_time(&mut self, way: Travel, snapshot: &Snapshot) {
        let points = &snapshot.chart.points;
        let at = self.time_cursor.and_then(|at| points.iter().position(|p| p.range.contains(at)));
        let to = match (at, way) {
            (None, _) => points.len().checked_sub(1),
            (Some(at), Travel::Earlier) => Some(at.saturating_sub(1)),
            (Some(at), Travel::Later) => Some((at + 1).min(points.len() - 1)),
        };
        self.time_cursor = to.map(|i| {
            let range = points[i].range;
            let last = snapshot.range.until_us.min(range.until_us);
            range.since_us.saturating_add((last.saturating_sub(range.since_us)).max(0) / 2)
        });
    }

    pub(super) fn pause(&mut self, snapshot: &Snapshot) {
        self.flow = match self.flow {
            Flow::Running => Flow::Paused { until_us: snapshot.range.until_us },
            Flow::Paused { .. } => Flow::Running,
        };
    }

    /// Uses a filter and keeps it among those used.
    pub(crate) fn use_filter(&mut self, filter: Filter) {
        if filter == self.filter {
            return;
        }
        const MOST: usize = 100;
        let text = filter.to_string();
        self.filter = filter;
        self.pages.clear();
        self.filters.retain(|f| *f != text);
        if self.filters.len() >= MOST {
            self.filters.remove(0);
        }
        self.filters.push(text);
        self.filter_at = self.filters.len() - 1;
    }

    /// Takes the filter used before or after the present one.
    pub(super) fn step_filter(&mut self, way: Travel) {
        let to = match way {
            Travel::Earlier => self.filter_at.checked_sub(1),
            Travel::Later => Some(self.filter_at + 1),
        };
        let Some((to, text)) = to.and_then(|i| Some((i, self.filters.get(i)?))) else {
            return self.note("no other filter has been used there");
        };
        if let Ok(filter) = Filter::parse(text) {
            self.filter = filter;
            self.filter_at = to;
            self.pages.clear();
        }
    }

    /// The window in words: `last 15m`, `1h until 14:17`, `all`.
    pub(crate) fn window_words(&self) -> String {
        let named = |us: i64| Window::STEPS.iter().find(|(_, step)| *step == Some(us)).map(|(name, _)| *name);
        match (self.window.span, self.window.anchor) {
            (Span::All, _) => "all".to_owned(),
            (Span::Micros(us), anchor) => {
                let length = named(us).map_or_else(|| length_words(us), str::to_owned);
                if matches!(anchor, Anchor::At(_)) { length } else { format!("last {length}") }
            }
        }
    }
}

/// A length as it is typed, `2h`, where that is short, else about so long.
fn length_words(us: i64) -> String {
    Some(units::exact_duration(us)).filter(|t| t.len() <= 6).unwrap_or_else(|| units::duration_us(us as f64))
}

/// Which way along time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Travel {
    Earlier,
    Later,
}

/// Which way along the usual lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resize {
    Longer,
    Shorter,
}
