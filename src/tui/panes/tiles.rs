//! The tiles: is it all right now? Each figure with its change against the window before.

use super::budgets;
use crate::snapshot::{Point, Stats};
use crate::tui::figures::{self, Bad, Quantile};
use crate::tui::live::Scene;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use crate::tui::widgets::tile::{Below, Tile};
use crate::units::{self, Per};
use ratatui::layout::Rect;

/// A tile, where there is something to say.
type Make = fn(&Scene) -> Option<Tile>;

/// The tiles in their order, each with its rank: those of a high rank go first where room runs out.
static TILES: [(u8, Make); 11] = [
    (0, calls),
    (1, errors),
    (2, limits),
    (9, p50),
    (3, p95),
    (8, p99),
    (4, ttft),
    (5, tokens),
    (6, spend),
    (7, budgets::tile),
    (10, cached),
];

/// What stands below a figure that no call of the window carries.
const UNSAID: &str = "not logged";

/// Narrowest tile whose figure and change have room.
const LEAST: u16 = 15;

/// Draws as many tiles as have room: in one row, folded into two, or one line each.
pub(super) fn draw(pen: &mut Pen, area: Rect, scene: &Scene, _: Option<usize>) {
    if area.width < 4 * LEAST || area.height < 3 {
        return lines(pen, area, scene);
    }
    let (rows, across) = if area.width >= 8 * LEAST { (1, area.width / LEAST) } else { (area.height / 3, 4) };
    let rows = rows.clamp(1, 2);
    let tiles = best(scene, usize::from(rows * across));
    let count = tiles.len();
    let across = (count as u16).div_ceil(rows);
    let height = (area.height / rows).min(5);
    for (i, tile) in tiles.into_iter().enumerate() {
        let (row, column) = (i as u16 / across, i as u16 % across);
        let (from, to) = (column * area.width / across, (column + 1) * area.width / across);
        let place = Rect { x: area.x + from, y: area.y + row * height, width: to - from, height };
        tile.draw(pen, place);
    }
}

/// So many tiles of the lowest ranks, in the order of the screen.
fn best(scene: &Scene, count: usize) -> Vec<Tile> {
    let mut tiles: Vec<(u8, Tile)> = TILES.iter().filter_map(|(rank, make)| Some((*rank, make(scene)?))).collect();
    let mut ranks: Vec<u8> = tiles.iter().map(|(rank, _)| *rank).collect();
    ranks.sort_unstable();
    ranks.truncate(count);
    tiles.retain(|(rank, _)| ranks.contains(rank));
    tiles.into_iter().map(|(_, tile)| tile).collect()
}

fn lines(pen: &mut Pen, area: Rect, scene: &Scene) {
    let across: u16 = if area.width >= 56 { 2 } else { 1 };
    let rows = area.height;
    for (i, tile) in best(scene, usize::from(rows * across)).into_iter().enumerate() {
        let (column, row) = (i as u16 / rows.max(1), i as u16 % rows.max(1));
        let width = area.width / across;
        tile.draw_row(pen, Rect { x: area.x + column * width, y: area.y + row, width, height: 1 });
    }
}

fn trend(scene: &Scene, value: impl Fn(&Point) -> Option<f64>) -> Below {
    Below::Trend(scene.snapshot.chart.points.iter().map(value).collect())
}

/// The trend of a sum.
fn sums(scene: &Scene, sum: impl Fn(&Point) -> Option<f64>) -> Below {
    trend(scene, |p| Some(sum(p)? * figures::whole_step(p.range, scene.snapshot.range)))
}

/// The window, and the one before where shares and percentiles compare with it.
fn both<'a>(scene: &Scene<'a>) -> (&'a Stats, Option<&'a Stats>) {
    (&scene.snapshot.totals, figures::before(scene.snapshot))
}

/// The change of a sum, where all of the window before has been seen.
fn grown(scene: &Scene, sum: impl Fn(&Stats) -> Option<f64>, bad: Bad) -> Option<(String, Role)> {
    figures::change(sum(&scene.snapshot.totals), figures::whole_before(scene.snapshot).and_then(&sum), bad)
}

/// What the rates of the screen are per: the same for calls and tokens, and what suited the window before if that is
/// shorter, so that a figure beside its change never has another divisor than the one it is compared with.
fn per(scene: &Scene) -> Per {
    let snapshot = scene.snapshot;
    let now = Per::of(snapshot.totals.calls, figures::seen_us(snapshot));
    let before =
        figures::whole_before(snapshot).filter(|s| s.calls > 0).map(|s| Per::of(s.calls, snapshot.range.len_us()));
    before.map_or(now, |before| now.min(before))
}

fn calls(scene: &Scene) -> Option<Tile> {
    let now = &scene.snapshot.totals;
    Some(Tile {
        name: "calls".into(),
        figure: units::rate_per(now.calls, figures::seen_us(scene.snapshot), per(scene)),
        role: Role::Strong,
        change: grown(scene, |s| Some(s.calls as f64), Bad::FarDown),
        below: sums(scene, |p| Some(p.calls as f64)),
        details: vec![format!("{} calls", figures::count(now.calls))],
    })
}

fn share_tile(
    scene: &Scene,
    name: &'static str,
    of: fn(&Stats) -> (u64, Option<f64>),
    part: fn(&Point) -> u64,
) -> Tile {
    let (now, before) = both(scene);
    let (events, rate) = of(now);
    let role = match figures::failing(rate) {
        Role::Dim | Role::Text => Role::Strong,
        bad => bad,
    };
    Tile {
        name: name.into(),
        figure: rate.map_or_else(|| units::UNKNOWN.to_owned(), units::percent),
        role,
        change: figures::points(rate, before.and_then(|b| of(b).1), events),
        below: trend(scene, |p| (p.calls > 0).then(|| part(p) as f64 / p.calls as f64)),
        details: Vec::new(),
    }
}

fn errors(scene: &Scene) -> Option<Tile> {
    let now = &scene.snapshot.totals;
    let tile = share_tile(scene, "errors", |s| (s.errors, s.error_rate()), figures::failed);
    Some(Tile { details: vec![format!("{} failed", figures::count(now.errors))], ..tile })
}

fn limits(scene: &Scene) -> Option<Tile> {
    let now = &scene.snapshot.totals;
    let limited = |p: &Point| p.outcomes[crate::event::FailureMode::RateLimit as usize];
    let tile = share_tile(scene, "429", |s| (s.rate_limited, s.rate_limit_rate()), limited);
    let limited = format!("{} limited", figures::count(now.rate_limited));
    let retries = now.retries.map(|n| format!("{} retries", units::compact(n as f64)));
    let both = retries.as_ref().map(|r| format!("{limited}, {r}"));
    Some(Tile { details: both.into_iter().chain(retries).chain([limited]).collect(), ..tile })
}

fn latency_tile(scene: &Scene, name: &'static str, q: Quantile) -> Tile {
    let (now, before) = both(scene);
    let (value, trust) = q.of(&now.latency_us);
    let text = value.map_or_else(|| units::UNKNOWN.to_owned(), units::duration_us);
    let (figure, role) = figures::trusted(text, value, trust);
    let few = trust == figures::Trust::Guess && value.is_some();
    let before = before.and_then(|b| q.sound(&b.latency_us));
    Tile {
        name: name.into(),
        figure,
        role: if role == Role::Text { Role::Strong } else { role },
        change: if few { None } else { figures::change(value, before, Bad::Up) },
        below: trend(scene, |p| q.of(&p.latency_us).0),
        details: match (few, before) {
            _ if value.is_none() => vec![UNSAID.to_owned()],
            (true, _) => vec![format!("of {} calls", now.latency_us.count)],
            (false, before) => {
                let before = before.map(units::duration_us).into_iter();
                before.flat_map(|b| [format!("before {b}"), format!("was {b}")]).collect()
            }
        },
    }
}

fn p50(scene: &Scene) -> Option<Tile> {
    Some(latency_tile(scene, "p50", Quantile::P50))
}

fn p95(scene: &Scene) -> Option<Tile> {
    Some(latency_tile(scene, "p95", Quantile::P95))
}

fn p99(scene: &Scene) -> Option<Tile> {
    Some(latency_tile(scene, "p99", Quantile::P99))
}

fn ttft(scene: &Scene) -> Option<Tile> {
    let (now, before) = both(scene);
    let (value, trust) = Quantile::P95.of(&now.ttft_us);
    let few = trust == figures::Trust::Guess;
    let before = before.and_then(|b| Quantile::P95.sound(&b.ttft_us));
    let text = value.map_or_else(|| units::UNKNOWN.to_owned(), units::duration_us);
    let (figure, role) = figures::trusted(text, value, trust);
    Some(Tile {
        name: "ttft p95".into(),
        figure,
        role: if role == Role::Text { Role::Strong } else { role },
        change: if few { None } else { figures::change(value, before, Bad::Up) },
        below: trend(scene, |p| p.ttft_us.p95),
        details: vec![now.ttft_us.p50.map_or(UNSAID.to_owned(), |v| format!("p50 {}", units::duration_us(v)))],
    })
}

fn tokens(scene: &Scene) -> Option<Tile> {
    let now = &scene.snapshot.totals;
    let all = |s: &Stats| figures::all_tokens(s.input_tokens, s.output_tokens);
    let seen_us = figures::seen_us(scene.snapshot);
    let rate = all(now).map(|n| units::rate_per(u64::try_from(n).unwrap_or(0), seen_us, per(scene)));
    Some(Tile {
        name: "tokens".into(),
        figure: rate.unwrap_or_else(|| units::UNKNOWN.to_owned()),
        role: Role::Strong,
        change: grown(scene, |s| all(s).map(|n| n as f64), Bad::Never),
        below: sums(scene, |p| figures::all_tokens(p.input_tokens, p.output_tokens).map(|n| n as f64)),
        details: {
            let (input, output) = (figures::tokens(now.input_tokens), figures::tokens(now.output_tokens));
            vec![format!("in {input} out {output}"), format!("{input}+{output}"), format!("in {input}")]
        },
    })
}

fn spend(scene: &Scene) -> Option<Tile> {
    let now = &scene.snapshot.totals;
    let per_hour = figures::hourly(scene.snapshot, now.known_nusd());
    let least = if now.unpriced_calls > 0 { "≥" } else { "" };
    Some(Tile {
        name: "spend".into(),
        figure: per_hour.map_or_else(|| units::UNKNOWN.to_owned(), |n| format!("{least}{}/h", figures::short_money(n))),
        role: Role::Strong,
        change: grown(scene, |s| s.cost_nusd.map(|n| n as f64), Bad::FarUp),
        below: sums(scene, |p| p.cost_nusd.map(|n| n as f64)),
        details: spent_in_all(now),
    })
}

/// What was spent, and how many calls may come on top of it; without any price that is unknown, not at least something.
fn spent_in_all(now: &Stats) -> Vec<String> {
    let unpriced = format!("{} unpriced", figures::count(now.unpriced_calls));
    let spent = now.known_nusd().map(|n| n as f64);
    match (spent, now.unpriced_calls) {
        (_, 0) => vec![format!("{} in all", figures::money(spent)), figures::money(spent)],
        (None, _) => vec![format!("{}, {unpriced}", units::UNKNOWN), unpriced],
        (Some(n), _) => {
            let least = figures::least_money(n);
            vec![format!("{least}, {unpriced}"), unpriced, least]
        }
    }
}

fn cached(scene: &Scene) -> Option<Tile> {
    let (now, before) = both(scene);
    let share = figures::cached(now);
    Some(Tile {
        name: "cached input".into(),
        figure: share.map_or_else(|| units::UNKNOWN.to_owned(), units::percent),
        role: Role::Strong,
        change: figures::points(share, before.and_then(figures::cached), 0),
        below: Below::Nothing,
        details: now.cached_input_tokens.iter().map(|n| format!("{} tokens", units::compact(*n as f64))).collect(),
    })
}
