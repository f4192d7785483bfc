//! Budgets: how each stands, whether it lasts until its period ends, and who of those it is divided by has spent most.

use crate::snapshot::{BudgetState, Burn, Snapshot};
use crate::tui::figures::{self, Bad};
use crate::tui::live::Scene;
use crate::tui::pen::Pen;
use crate::tui::theme::{Ink, Role};
use crate::tui::ui::{Target, Ui};
use crate::tui::widgets::table::{Cell, Column, Side, Table, Width};
use crate::tui::widgets::tile::{Below, Tile};
use crate::units;
use ratatui::layout::Rect;
use std::borrow::Cow;

/// Most members of a divided budget that are listed where other panels are shown too, and on screens of how many rows.
const MEMBERS: usize = 3;
const MEMBERS_FROM: u16 = 30;

/// How many members of a divided budget are listed at most.
fn most_members(ui: &Ui) -> usize {
    match ui.maximised {
        Some(_) => usize::MAX,
        None if ui.size.1 >= MEMBERS_FROM => MEMBERS,
        None => 1,
    }
}

/// How a budget stands against its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    /// No call has a price.
    Unknown,
    /// Far from the limit, and it lasts.
    Fine,
    /// It will not last, if spending goes on like this.
    Fast,
    /// Close to the limit.
    Near,
    /// At the limit or past it.
    Over,
}

impl Standing {
    fn of(state: &BudgetState, burn: &Burn) -> Standing {
        let limit = state.budget.limit_nusd as f64;
        let passes = burn.forecast.is_some_and(|f| f.expected_nusd >= limit);
        match state.share_of(burn) {
            None => Standing::Unknown,
            Some(share) if share >= 1.0 => Standing::Over,
            Some(share) if share >= near(state) => Standing::Near,
            Some(_) if passes || burn.exhausted_us.is_some() => Standing::Fast,
            Some(_) => Standing::Fine,
        }
    }

    fn role(self) -> Role {
        match self {
            Standing::Over => Role::Bad,
            Standing::Near | Standing::Fast => Role::Warn,
            Standing::Fine => Role::Text,
            Standing::Unknown => Role::Dim,
        }
    }

    fn bar(self) -> Role {
        match self {
            Standing::Over => Role::Series(Ink::Failed),
            Standing::Near | Standing::Fast => Role::Series(Ink::Limited),
            Standing::Fine | Standing::Unknown => Role::Series(Ink::One),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Standing::Over => "over",
            Standing::Near => "near",
            Standing::Fast => "too fast",
            Standing::Fine => "ok",
            Standing::Unknown => "unpriced",
        }
    }
}

/// The share from which a budget is close to its limit: its last warning before the limit.
fn near(state: &BudgetState) -> f64 {
    let last = state.budget.warn_at.iter().copied().filter(|at| *at < 1_000).max();
    f64::from(last.unwrap_or(800)) / 1_000.0
}

/// A row: a budget, or one of those it is divided by. The snapshot has the figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Line {
    budget: usize,
    /// Of a divided budget, which of those who have spent most.
    member: Option<usize>,
}

impl Line {
    fn state(self, snapshot: &Snapshot) -> Option<&BudgetState> {
        snapshot.budgets.get(self.budget)
    }

    fn burn(self, snapshot: &Snapshot) -> Option<(&BudgetState, &Burn)> {
        let state = self.state(snapshot)?;
        let burn = match self.member {
            Some(member) => state.most.get(member)?,
            None => &state.total,
        };
        Some((state, burn))
    }

    fn is_first(self) -> bool {
        self.member.is_none_or(|member| member == 0)
    }
}

/// All rows: of a divided budget its worst member, then others that are close to the limit; all of them where the panel is
/// shown alone.
fn lines(snapshot: &Snapshot, ui: &Ui) -> Vec<Line> {
    let of = |(budget, state): (usize, &BudgetState)| -> Vec<Line> {
        if state.budget.per.is_none() || state.most.is_empty() {
            return vec![Line { budget, member: None }];
        }
        let listed = |(member, burn): &(usize, &Burn)| {
            *member == 0 || ui.maximised.is_some() || Standing::of(state, burn) >= Standing::Near
        };
        let members = state.most.iter().enumerate().take(most_members(ui)).filter(listed);
        members.map(|(member, _)| Line { budget, member: Some(member) }).collect()
    };
    let mut budgets: Vec<(usize, &BudgetState)> = snapshot.budgets.iter().enumerate().collect();
    budgets.sort_by(|(_, a), (_, b)| worse(b, a));
    budgets.into_iter().flat_map(of).collect()
}

/// Which of two budgets stands worse: of those that are alike, the one with more of its limit spent. Those that do well
/// are alike, and stay as they are configured.
fn worse(a: &BudgetState, b: &BudgetState) -> std::cmp::Ordering {
    let (of_a, of_b) = (Standing::of(a, a.worst()), Standing::of(b, b.worst()));
    let share = |state: &BudgetState| if of_a > Standing::Fine { state.share().unwrap_or(0.0) } else { 0.0 };
    of_a.cmp(&of_b).then_with(|| share(a).total_cmp(&share(b)))
}

type CellOf = for<'a> fn(&'a Line, &Scene<'a>) -> Cell<'a>;

const fn figure(head: &'static str, width: u16, rank: u8, cell: CellOf) -> Column<Line> {
    Column { head, width: Width::Fixed(width), side: Side::Right, rank, cell, key: None }
}

const fn text(head: &'static str, width: Width, rank: u8, cell: CellOf) -> Column<Line> {
    Column { head, width, side: Side::Left, rank, cell, key: None }
}

static COLUMNS: &[Column<Line>] = &[
    text("", Width::Between(14, 34), 0, name),
    text("period", Width::Between(6, 8), 10, period),
    text("", Width::Between(10, 40), 4, bar),
    figure("share", 6, 1, share),
    text("", Width::Fixed(12), 2, standing),
    figure("spent of limit", 20, 3, spent),
    figure("change", 8, 9, change),
    figure("$/h", 8, 7, rate),
    figure("at end", 8, 5, forecast),
    text("80 % range", Width::Fixed(18), 8, range),
    figure("runs out", 11, 6, exhausted),
];

fn unknown<'a>() -> Cell<'a> {
    Cell::dim(units::UNKNOWN)
}

fn name<'a>(line: &'a Line, scene: &Scene<'a>) -> Cell<'a> {
    let Some((state, burn)) = line.burn(scene.snapshot) else { return unknown() };
    let member = burn.key.first().map(|key| key.as_deref().unwrap_or("(none)"));
    match member {
        _ if line.member.is_none() => Cell::name(state.budget.name.as_str()),
        None => Cell::name(state.budget.name.as_str()),
        Some(member) if line.is_first() => {
            Cell::name(format!("{} · {}", crate::tui::clean::fit(&state.budget.name, 30), clipped(member)))
        }
        Some(member) => Cell::name(format!("  · {}", clipped(member))),
    }
}

fn clipped(text: &str) -> Cow<'_, str> {
    crate::tui::clean::fit(text, 60)
}

fn period<'a>(line: &'a Line, scene: &Scene<'a>) -> Cell<'a> {
    let period = line.state(scene.snapshot).filter(|_| line.is_first()).map(|state| state.budget.period.to_string());
    Cell::dim(period.unwrap_or_default())
}

fn bar<'a>(line: &'a Line, scene: &Scene<'a>) -> Cell<'a> {
    let Some((state, burn)) = line.burn(scene.snapshot) else { return unknown() };
    Cell::Bar(state.share_of(burn).unwrap_or(0.0), Standing::of(state, burn).bar())
}

/// `61 %`, in at most six columns.
fn percent(share: Option<f64>) -> String {
    match share {
        None => units::UNKNOWN.to_owned(),
        Some(s) if s > 0.0 && s < 0.005 => "<1 %".to_owned(),
        // Nine hundred and ninety-six thousandths are not all of it.
        Some(s) if s < 1.0 => format!("{:.0} %", (s * 100.0).round().min(99.0)),
        Some(s) if s < 99.995 => format!("{:.0} %", s * 100.0),
        Some(s) => format!("×{}", units::compact(s.round())),
    }
}

fn share<'a>(line: &'a Line, scene: &Scene<'a>) -> Cell<'a> {
    let Some((state, burn)) = line.burn(scene.snapshot) else { return unknown() };
    Cell::Text(Cow::Owned(percent(state.share_of(burn))), Standing::of(state, burn).role())
}

/// How it stands in a word; of a divided budget how many are over, in the longest form that has room.
fn standing<'a>(line: &'a Line, scene: &Scene<'a>) -> Cell<'a> {
    const ROOM: usize = 12;
    let Some((state, burn)) = line.burn(scene.snapshot) else { return unknown() };
    let standing = Standing::of(state, burn);
    if line.member != Some(0) || state.over == 0 {
        let role = if standing == Standing::Fine { Role::Dim } else { standing.role() };
        return Cell::Text(Cow::Borrowed(standing.word()), role);
    }
    let forms = over_forms(state);
    let fitting = forms.into_iter().find(|text| text.chars().count() <= ROOM);
    Cell::Text(Cow::Owned(fitting.unwrap_or_else(|| "over".to_owned())), Role::Bad)
}

/// How many of those a budget is divided by are over their limit, the longest form first.
fn over_forms(state: &BudgetState) -> [String; 2] {
    let (over, members) = (figures::count(state.over), figures::count(state.members));
    [format!("{over} of {members} over"), format!("{over} over")]
}

/// What has been spent: at least that, where calls have no price.
fn money_of(burn: &Burn) -> String {
    least(burn, burn.spent.known().map(|n| n as f64))
}

/// What follows from what has been spent, which is at least that too; unknown where that is.
fn least(burn: &Burn, nusd: Option<f64>) -> String {
    match nusd.filter(|_| burn.spent.known().is_some()) {
        Some(n) if burn.spent.unpriced_calls > 0 && n > 0.0 => figures::least_money(n),
        n => figures::money(n),
    }
}

fn spent<'a>(line: &'a Line, scene: &Scene<'a>) -> Cell<'a> {
    let Some((state, burn)) = line.burn(scene.snapshot) else { return unknown() };
    Cell::plain(format!("{} of {}", money_of(burn), figures::money(Some(state.budget.limit_nusd as f64))))
}

/// Against what had been spent at the same point of the period before.
fn change<'a>(line: &'a Line, scene: &Scene<'a>) -> Cell<'a> {
    let Some((_, burn)) = line.burn(scene.snapshot) else { return unknown() };
    let of = |nusd: Option<i64>| nusd.map(|n| n as f64);
    match figures::change(of(burn.spent.cost_nusd), of(burn.before.and_then(|spend| spend.cost_nusd)), Bad::FarUp) {
        Some((text, role)) => Cell::Text(Cow::Owned(text), role),
        None => unknown(),
    }
}

fn rate<'a>(line: &'a Line, scene: &Scene<'a>) -> Cell<'a> {
    let Some((_, burn)) = line.burn(scene.snapshot) else { return unknown() };
    Cell::plain(least(burn, burn.rate_nusd_per_h))
}

fn forecast<'a>(line: &'a Line, scene: &Scene<'a>) -> Cell<'a> {
    let Some((state, burn)) = line.burn(scene.snapshot) else { return unknown() };
    let Some(forecast) = burn.forecast else { return unknown() };
    let passes = forecast.expected_nusd >= state.budget.limit_nusd as f64;
    let role = if passes { Role::Warn } else { Role::Text };
    Cell::Text(Cow::Owned(least(burn, Some(forecast.expected_nusd))), role)
}

fn range<'a>(line: &'a Line, scene: &Scene<'a>) -> Cell<'a> {
    let burn = line.burn(scene.snapshot).map(|(_, burn)| burn).filter(|burn| burn.spent.known().is_some());
    let Some(forecast) = burn.and_then(|burn| burn.forecast) else { return unknown() };
    let of = |nusd| figures::money(Some(nusd));
    Cell::dim(format!("{}–{}", of(forecast.low_nusd), of(forecast.high_nusd)))
}

/// When the limit will be reached.
fn exhausted<'a>(line: &'a Line, scene: &Scene<'a>) -> Cell<'a> {
    let Some((state, burn)) = line.burn(scene.snapshot) else { return unknown() };
    match (Standing::of(state, burn), burn.exhausted_us) {
        (Standing::Over, _) => Cell::Text(Cow::Borrowed("gone"), Role::Bad),
        (_, Some(us)) => Cell::Text(Cow::Owned(clock(us, scene)), Role::Warn),
        (Standing::Unknown, None) => unknown(),
        (_, None) if burn.forecast.is_some() => Cell::dim("lasts"),
        _ => unknown(),
    }
}

/// A time to come: with the day where it is not today.
fn clock(us: i64, scene: &Scene) -> String {
    let day = |us| units::time(us, scene.ui.zone, "%Y-%m-%d");
    let is_today = day(us) == day(scene.snapshot.now_us);
    units::time(us, scene.ui.zone, if is_today { "%H:%M" } else { "%m-%d %H:%M" })
}

/// What the rows stand for.
pub(super) fn rows(snapshot: &Snapshot, ui: &Ui) -> Vec<Target> {
    let target = |line: Line| {
        let (state, burn) = line.burn(snapshot)?;
        let key = if line.member.is_some() { burn.key.clone() } else { Vec::new() };
        Some(Target::Budget { name: state.budget.name.clone(), key })
    };
    lines(snapshot, ui).into_iter().filter_map(target).collect()
}

/// How many rows the panel wants, its frame among them, before it is known who is over.
pub(super) fn height(ui: &Ui) -> u16 {
    let divided = ui.budgets.iter().filter(|budget| budget.per.is_some()).count();
    let rows = ui.budgets.len() + divided * most_members(ui).saturating_sub(1).min(MEMBERS);
    u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(3)
}

/// Draws the panel.
pub(super) fn draw(pen: &mut Pen, area: Rect, scene: &Scene, cursor: Option<usize>) {
    let snapshot = scene.snapshot;
    let count = |standing: Standing| {
        let alike = snapshot.budgets.iter().filter(|state| Standing::of(state, state.worst()) == standing).count();
        if alike > 0 { format!("{alike} {}", standing.word()) } else { String::new() }
    };
    let (over, near, fast) = (count(Standing::Over), count(Standing::Near), count(Standing::Fast));
    let title = [("budgets", Role::Title), (over.as_str(), Role::Bad), (&near, Role::Warn), (&fast, Role::Warn)];
    let inner = pen.panel_with(area, &title);
    if scene.ui.budgets.is_empty() {
        return pen.words(inner, &[("no budgets; a [[budget]] in the configuration is one".to_owned(), Role::Dim)]);
    }
    let lines = lines(snapshot, scene.ui);
    let rows: Vec<&Line> = lines.iter().collect();
    if rows.is_empty() {
        return pen.words(inner, &[("looking …".to_owned(), Role::Dim)]);
    }
    Table { columns: COLUMNS, rows: &rows, sorted: None, cursor }.draw(pen, inner, scene);
}

/// The budget that stands worst, as a tile; `None` without budgets.
pub(super) fn tile(scene: &Scene) -> Option<Tile> {
    let share = |state: &BudgetState| state.share().unwrap_or(0.0);
    let worst = |a: &&BudgetState, b: &&BudgetState| worse(a, b).then_with(|| share(a).total_cmp(&share(b)));
    let state = scene.snapshot.budgets.iter().max_by(worst)?;
    let burn = state.worst();
    let standing = Standing::of(state, burn);
    let change = match (standing, burn.exhausted_us) {
        (Standing::Near | Standing::Fast, Some(us)) => Some((format!("out {}", clock(us, scene)), Role::Warn)),
        (Standing::Fine, _) => None,
        (standing, _) => Some((standing.word().to_owned(), standing.role())),
    };
    let of = format!("{} of {}", money_of(burn), figures::money(Some(state.budget.limit_nusd as f64)));
    let over = if state.over > 0 { over_forms(state).to_vec() } else { Vec::new() };
    Some(Tile {
        name: format!("budget {}", crate::tui::clean::fit(&state.budget.name, 20)).into(),
        figure: percent(state.share()),
        role: if standing == Standing::Fine { Role::Strong } else { standing.role() },
        change,
        below: Below::Share(state.share().unwrap_or(0.0), standing.bar()),
        details: over.into_iter().chain([of]).collect(),
    })
}
