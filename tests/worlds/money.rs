//! The typical afternoon with budgets, judged tasks and waste; and the same with hostile names and sums at their limits.

use super::{HOSTILE, NOW, hostile, typical, ui};
use llmtop::snapshot::{
    Bill, BillLine, BudgetState, Burn, Computed, Forecast, Group, Invoice, Snapshot, Spend, Stats, Tasks,
};
use llmtop::tui::Ui;
use llmtop::view::{Budget, Dim, Filter, Period, View};

const DOLLAR: i64 = 1_000_000_000;
const HOUR: i64 = 3_600_000_000;

fn budget(name: &str, limit_usd: i64, period: Period, filter: &str, per: Option<Dim>) -> Budget {
    Budget {
        name: name.to_owned(),
        limit_nusd: limit_usd * DOLLAR,
        period,
        zone: "Europe/Berlin".parse().expect("a zone"),
        filter: Filter::parse(filter).expect("a filter"),
        per,
        warn_at: vec![500, 800, 1_000],
    }
}

/// One that is fine, one that is near its limit and will pass it, one over a length of time, one for each user.
pub fn budgets() -> Vec<Budget> {
    vec![
        budget("prod monthly", 20_000, Period::Month, "env:prod", None),
        budget("prod daily", 1_200, Period::Day, "env:prod", None),
        budget("embeddings", 5, Period::Last(HOUR), "op:embeddings", None),
        budget("each user", 4, Period::Day, "", Some(Dim::User)),
    ]
}

/// A screen with those budgets.
pub fn money_ui(pane: &str, size: (u16, u16)) -> Ui {
    let mut ui = ui(pane, size);
    ui.budgets = budgets();
    ui
}

fn spend(usd: f64, unpriced_calls: u64) -> Spend {
    Spend { calls: (usd * 900.0) as u64 + unpriced_calls, cost_nusd: Some((usd * 1e9) as i64), unpriced_calls }
}

fn burn(spent: Spend, before_usd: f64, per_hour: f64) -> Burn {
    Burn { spent, before: Some(spend(before_usd, 0)), rate_nusd_per_h: Some(per_hour * 1e9), ..Burn::default() }
}

fn forecast([expected, low, high]: [f64; 3]) -> Option<Forecast> {
    Some(Forecast { expected_nusd: expected * 1e9, low_nusd: low * 1e9, high_nusd: high * 1e9 })
}

fn state(budget: Budget, total: Burn) -> BudgetState {
    let period = budget.period.at(NOW, budget.zone);
    BudgetState { budget, period, total, most: Vec::new(), members: 0, over: 0 }
}

fn user(name: Option<&str>, spent: Spend, end: Option<[f64; 3]>) -> Burn {
    let key = vec![name.map(str::to_owned)];
    Burn { key, forecast: end.and_then(forecast), ..burn(spent, 1.9, 0.31) }
}

/// How those budgets stand.
fn states() -> Vec<BudgetState> {
    let [month, day, hour, users] = budgets().try_into().expect("four");
    let fine = burn(spend(1_204.5, 0), 980.0, 105.0);
    let near = burn(spend(1_017.3, 61), 800.0, 114.0);
    let each = BudgetState {
        members: 296,
        over: 2,
        most: vec![
            user(Some("u_17"), spend(6.31, 0), None),
            user(None, spend(4.02, 0), None),
            user(Some("u_4"), spend(3.3, 0), Some([4.1, 3.9, 4.6])),
            user(Some("u_9"), spend(1.2, 0), Some([1.9, 1.5, 2.4])),
        ],
        ..state(users, burn(spend(412.0, 0), 390.0, 60.0))
    };
    let lasting = Burn { forecast: forecast([17_900.0, 16_200.0, 19_700.0]), ..fine };
    let passing =
        Burn { forecast: forecast([1_893.0, 1_710.0, 2_080.0]), exhausted_us: Some(NOW + 5_770_000_000), ..near };
    let quiet = Burn { spent: spend(0.0041, 0), rate_nusd_per_h: Some(4.1e6), ..Burn::default() };
    vec![state(month, lasting), state(day, passing), state(hour, quiet), each]
}

fn wasted(word: &str, calls: u64, usd: f64) -> Group {
    let stats = Stats { calls, errors: calls, cost_nusd: Some((usd * 1e9) as i64), ..Stats::default() };
    Group { key: vec![Some(word.to_owned())], stats, ..Group::default() }
}

/// What a store with budgets answers.
pub fn money(view: &View) -> Snapshot {
    let mut snapshot = typical(view);
    snapshot.budgets = if view.budgets.is_empty() { Vec::new() } else { states() };
    snapshot.tasks = view.sections.tasks.then_some(Tasks { judged: 430, completed: 412 });
    for table in snapshot.tables.iter_mut().filter(|t| t.grouping.dims == [Dim::Error]) {
        table.groups.extend([wasted("cancelled", 18, 0.061), wasted("guardrail_blocked", 7, 0.0042)]);
        for group in table.groups.iter_mut().filter(|g| g.key == [Some("timeout".to_owned())]) {
            group.stats.cost_nusd = Some(312_000_000);
        }
    }
    snapshot
}

/// The same with names made to break a terminal, and sums at their limits.
pub fn hostile_money(view: &View) -> Snapshot {
    let mut snapshot = hostile(view);
    snapshot.budgets = money(view).budgets;
    for (i, state) in snapshot.budgets.iter_mut().enumerate() {
        state.budget.name = HOSTILE[i].to_owned();
        state.budget.limit_nusd = i64::MAX >> (i * 20);
        state.total.spent.cost_nusd = Some(i64::MAX >> (i * 10));
        state.total.rate_nusd_per_h = Some([f64::MAX, f64::NAN, -1.0, 0.0][i]);
        state.total.exhausted_us = Some([i64::MAX, i64::MIN, 0, NOW][i]);
        state.total.forecast = forecast([f64::MAX, f64::NEG_INFINITY, f64::NAN]);
        (state.members, state.over) = (u64::MAX, u64::MAX >> 1);
        for (at, burn) in state.most.iter_mut().enumerate() {
            burn.key = vec![Some(HOSTILE[at + 2].repeat(40))];
            burn.spent.unpriced_calls = u64::MAX;
        }
    }
    let totals = &mut snapshot.totals;
    (totals.retried_nusd, totals.truncated_nusd) = (Some(i64::MAX), Some(i64::MIN));
    (totals.cache_saved_nusd, totals.unpriced_calls) = (Some(i64::MIN), u64::MAX);
    snapshot.tasks = Some(Tasks { judged: 0, completed: u64::MAX });
    snapshot
}

fn line(kind: &'static str, tokens: u64, picos: u64) -> BillLine {
    BillLine { kind, tokens, rate_pusd: picos, pusd: u128::from(tokens) * u128::from(picos) }
}

/// A bill with every kind of line, of a large prompt.
pub fn bill(reported_nusd: Option<i64>) -> Bill {
    let lines = vec![
        line("input", 1_234, 6_000_000),
        line("cache read", 204_800, 600_000),
        line("cache write", 512, 7_500_000),
        line("cache write 1h", 1_000_000, 12_000_000),
        line("output", 987, 22_500_000),
    ];
    let sum: u128 = lines.iter().map(|line| line.pusd).sum();
    let invoice = Invoice {
        nusd: (sum * 11 / 10 / 1_000) as i64,
        lines,
        uplift: 10_000,
        service: "standard",
        above: Some(200_000),
        model: "anthropic/claude-sonnet-4-5".to_owned(),
        found: "its name without the date of a snapshot",
        from_us: Some(1_759_104_000_000_000),
        backdated: false,
        source: "list prices".to_owned(),
        source_us: Some(1_784_851_200_000_000),
    };
    Bill { reported_nusd, computed: Computed::Billed(Box::new(invoice)) }
}
