//! One score by who judged, and how far judges and people agree.

use super::{chosen, figure};
use crate::snapshot::quality::Agreed;
use crate::tui::clean;
use crate::tui::figures;
use crate::tui::live::Scene;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use crate::units;
use ratatui::layout::Rect;

/// Draws the panel.
pub(super) fn draw(pen: &mut Pen, area: Rect, scene: &Scene, _: Option<usize>) {
    let score = chosen(scene.snapshot, scene.ui);
    let title = score.map_or_else(|| "judges and people".to_owned(), |score| format!("who judged {}", score.name));
    let inner = pen.panel(area, &title);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let Some(score) = score else { return pen.words(inner, &[("nobody".to_owned(), Role::Dim)]) };
    let mut y = inner.y;
    let mut line = |pen: &mut Pen, text: &str, role: Role| {
        for part in clean::wrap(text, usize::from(inner.width), 3) {
            if y < inner.bottom() {
                pen.text(inner.x, y, inner.width, &part, role);
                y += 1;
            }
        }
    };
    for (who, theirs) in &score.sources {
        let who = who.map_or("not said", |who| who.word());
        let ((value, role), (interval, _)) =
            (figure::value(theirs, score.scale), figure::interval(theirs, score.scale));
        line(pen, &format!("{who:<9}{value:>9}  {interval:<13} n {}", figures::count(theirs.count())), role);
    }
    line(pen, "", Role::Dim);
    match &score.agreement {
        Some(agreed) => said(agreed).iter().for_each(|(text, role)| line(pen, text, *role)),
        None => line(
            pen,
            "no call or trace was judged by a judge and by people, so nothing tells how far they agree",
            Role::Dim,
        ),
    }
}

fn said(agreed: &Agreed) -> Vec<(String, Role)> {
    let Agreed { first, second, count, same, kappa, interval } = agreed;
    let n = figures::count;
    let head = format!("{} and {} judged {} together, {} alike", first.word(), second.word(), n(*count), n(*same));
    let kappa = match (kappa, interval) {
        (Some(kappa), Some(interval)) => {
            format!("Cohen's kappa {kappa:.2} ({:.2} to {:.2}): {}", interval.low, interval.high, words(*kappa))
        }
        (Some(kappa), None) => format!("Cohen's kappa {kappa:.2}, of too few to say how sure"),
        (None, _) => format!("Cohen's kappa {}: all alike, which chance would do too", units::UNKNOWN),
    };
    vec![(head, Role::Text), (kappa, Role::Strong)]
}

/// The usual words for it: J. R. Landis, G. G. Koch, "The Measurement of Observer Agreement for Categorical Data",
/// Biometrics 33 (1977) 159–174.
fn words(kappa: f64) -> &'static str {
    match kappa {
        k if k < 0.0 => "worse than chance",
        k if k <= 0.2 => "slight agreement",
        k if k <= 0.4 => "fair agreement",
        k if k <= 0.6 => "moderate agreement",
        k if k <= 0.8 => "substantial agreement",
        _ => "almost perfect agreement",
    }
}
