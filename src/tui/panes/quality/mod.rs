//! Quality: what people, judges and rules say of answers, what of, by whom, the worst ones; what retrievals were worth.

mod agreed;
mod empty;
mod figure;
mod groups;
mod retrieval;
mod scores;
mod worst;

use super::{Needs, Pane, Panel, no_rows};
use crate::snapshot::Snapshot;
use crate::snapshot::quality::{By, Quality, ScoreStats};
use crate::tui::pen;
use crate::tui::ui::Ui;
use crate::view::{Dim, Sections};
use ratatui::layout::Rect;

const SCORES: usize = 0;
const GROUPS: usize = 1;
const WORST: usize = 2;
const AGREED: usize = 3;
const RETRIEVAL: usize = 4;
const EMPTY: usize = 5;

/// The pane.
pub(super) static PANE: Pane = Pane {
    name: "quality",
    title: "Quality",
    short: "Qual",
    needs: |_| Needs { sections: Sections { quality: true, ..Sections::default() }, ..Needs::default() },
    panels: &[
        Panel { name: "scores", rows: scores::rows, draw: scores::draw },
        Panel { name: "one score by what it judges", rows: groups::rows, draw: groups::draw },
        Panel { name: "the worst of one score", rows: worst::rows, draw: worst::draw },
        Panel { name: "judges and people", rows: no_rows, draw: agreed::draw },
        Panel { name: "retrieval", rows: no_rows, draw: retrieval::draw },
        Panel { name: "empty retrievals", rows: empty::rows, draw: empty::draw },
    ],
    layout,
    // The last two are no dimensions of calls: tags.
    by: &[&[Dim::Model], &[Dim::Variant], &[Dim::App], &[Dim::Environment], &[], &[]],
    sorts: &["n", "score"],
    pages: false,
};

/// What scores are told apart by, by its place among the pane's groupings.
pub(crate) fn by(at: usize) -> By {
    By::ALL[at % By::ALL.len()]
}

/// Above this width judges and people have a panel of their own beside the others.
const WIDE: u16 = 150;

fn layout(area: Rect, _: &Ui) -> Vec<(usize, Rect)> {
    if area.height < 13 {
        return vec![(SCORES, area)];
    }
    let (scores, rest) = pen::top(area, (area.height * 2 / 5).clamp(7, 18));
    let (middle, below) = if rest.height >= 12 { pen::halves_of(rest) } else { (rest, Rect::ZERO) };
    let mut places = vec![(SCORES, scores)];
    if area.width >= WIDE {
        let (groups, rest) = pen::left(middle, area.width * 3 / 10);
        let (worst, agreed) = pen::left(rest, rest.width * 3 / 5);
        places.extend([(GROUPS, groups), (WORST, worst), (AGREED, agreed)]);
    } else {
        let (groups, worst) = pen::halves(middle);
        places.extend([(GROUPS, groups), (WORST, worst)]);
    }
    if below.height > 0 {
        let (retrieval, empty) = pen::halves(below);
        places.extend([(RETRIEVAL, retrieval), (EMPTY, empty)]);
    }
    places
}

/// What there is to show.
fn quality(snapshot: &Snapshot) -> Option<&Quality> {
    snapshot.quality.as_deref()
}

/// The scores that are looked into: those that were chosen, else the first there are.
fn chosen<'a>(snapshot: &'a Snapshot, ui: &Ui) -> Option<&'a ScoreStats> {
    let quality = quality(snapshot)?;
    ui.score.as_deref().and_then(|name| quality.score(name)).or_else(|| quality.scores.first())
}
