//! Limits: rate limits and retries over time, how much room there is, who imposes them, what they ask for.

use super::columns::{CALLS, ERRORS, LIMITED, LIMITED_CALLS, NAME, P95, RETRIES, TREND};
use super::{Needs, Pane, Panel, chart_points, charts, groups, headroom, no_rows};
use crate::event::FailureMode;
use crate::snapshot::{Failure, Group};
use crate::tui::live::Scene;
use crate::tui::pen::{self, Pen};
use crate::tui::theme::Role;
use crate::tui::ui::Ui;
use crate::tui::widgets::table::Column;
use crate::tui::{clean, figures};
use crate::units;
use crate::view::{Dim, Sections};
use ratatui::layout::Rect;

static COLUMNS: &[Column<Group>] = &[NAME, LIMITED_CALLS, LIMITED, CALLS, RETRIES, ERRORS, P95, TREND];

/// The pane.
pub(super) static PANE: Pane = Pane {
    name: "limits",
    title: "Limits",
    short: "Lim",
    needs: |ui| Needs {
        groupings: vec![ui.grouping()],
        sections: Sections {
            points: chart_points(ui),
            group_points: 12,
            failures: true,
            headroom: true,
            ..Sections::default()
        },
        ..Needs::default()
    },
    panels: &[
        Panel { name: "rate limits", rows: no_rows, draw: charts::limits },
        Panel { name: "what providers say", rows: no_rows, draw: said },
        Panel {
            name: "by provider and model",
            rows: |s, ui| groups::targets(s, ui, COLUMNS),
            draw: |pen, area, scene, cursor| groups::draw(pen, area, scene, cursor, COLUMNS),
        },
    ],
    layout,
    by: &[&[Dim::Provider, Dim::Model], &[Dim::Provider], &[Dim::Model], &[Dim::App], &[Dim::Host]],
    sorts: &["429", "429%", "retries", "calls"],
    pages: false,
};

fn layout(area: Rect, _: &Ui) -> Vec<(usize, Rect)> {
    if area.height < 12 {
        return vec![(2, area)];
    }
    let (above, table) = pen::top(area, (area.height / 2).min(22));
    if area.width < 100 {
        let (chart, said) = if above.height >= 10 { pen::bottom(above, above.height / 2) } else { (above, Rect::ZERO) };
        return if said.height > 0 { vec![(0, chart), (1, said), (2, table)] } else { vec![(0, chart), (2, table)] };
    }
    let (chart, said) = pen::left(above, area.width * 3 / 5);
    vec![(0, chart), (1, said), (2, table)]
}

/// What rate limits and overloads came with: how long to wait, which limit, in whose words.
fn said(pen: &mut Pen, area: Rect, scene: &Scene, _: Option<usize>) {
    let inner = pen.panel(area, "headroom and what providers say");
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let of = |mode| scene.snapshot.failures.iter().find(move |f| f.mode == mode);
    let told = scene.snapshot.headroom.iter().map(|limit| headroom::lines(limit, scene.snapshot.now_us).to_vec());
    let said = [of(FailureMode::RateLimit), of(FailureMode::Overloaded)].into_iter().flatten().map(lines);
    let mut y = inner.y;
    for (text, role) in told.flatten().chain(said.flatten()) {
        let most = if role == Role::Dim { 1 } else { 3 };
        for line in clean::wrap(&text, usize::from(inner.width), most) {
            if y >= inner.bottom() {
                return;
            }
            pen.text(inner.x, y, inner.width, &line, role);
            y += 1;
        }
    }
    if y == inner.y {
        pen.words(inner, &[("no rate limits in this window".to_owned(), Role::Dim)]);
    }
}

fn lines(failure: &Failure) -> Vec<(String, Role)> {
    let wait = match failure.retry_after_us {
        Some(us) => format!("asked to wait up to {}", units::duration_us(us as f64)),
        None => "no Retry-After seen".to_owned(),
    };
    let head = format!("{}  {} calls  {wait}", failure.mode.word(), figures::count(failure.calls));
    let mut out = vec![(head, Role::Strong)];
    let kinds = failure.error_types.iter().take(3);
    out.extend(kinds.map(|(name, n)| (format!("{:>7}  {name}", figures::count(*n)), Role::Text)));
    out.extend(failure.example.iter().map(|e| (format!("newest: {e}"), Role::Dim)));
    out
}
