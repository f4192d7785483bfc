//! Reports as golden text: a typical snapshot, empty ones, and a hostile one, in several widths.

use super::*;
use crate::event::Outcome;
use crate::event::{FailureMode, Reason};
use crate::snapshot::{
    Accounting, BudgetState, Burn, Failure, Forecast, Group, Holdings, Rejected, Skipped, SourceInfo, Spend, Stats,
    Table,
};
use crate::stats::acc::{Acc, Sample};
use crate::view::{Anchor, Budget, Dim, Filter, Grouping, Period, View, Window};

/// 2026-05-01T14:00:00Z.
const START: i64 = 1_777_644_000_000_000;
const HOUR: i64 = 3_600_000_000;

/// The figures of so many calls, every tenth of them failed, whose latency grows from 200 ms.
fn stats(calls: u64, step_us: u64) -> Stats {
    let mut acc = Acc::default();
    for i in 0..calls {
        let mode = if i % 20 == 0 { FailureMode::RateLimit } else { FailureMode::Timeout };
        acc.record(&Sample {
            outcome: if i % 10 == 0 { Outcome::Failed(mode) } else { Outcome::Ok },
            retries: Some(u32::from(i % 10 == 0)),
            input_tokens: Some(900 + i),
            output_tokens: Some(120),
            cached_input_tokens: (i % 2 == 0).then_some(512),
            cost_nusd: (i % 50 != 0).then_some(3_120_000),
            latency_us: Some(200_000 + i * step_us),
            ttft_us: (i % 3 != 0).then_some(90_000 + i * step_us / 4),
            ..Sample::default()
        });
    }
    Stats::of(&acc)
}

fn group(key: &[Option<&str>], calls: u64) -> Group {
    Group {
        key: key.iter().map(|part| part.map(str::to_owned)).collect(),
        stats: stats(calls, 3_700),
        ..Group::default()
    }
}

fn table(dims: &[Dim], groups: Vec<Group>, total: usize) -> Table {
    Table { grouping: Grouping::of(dims, Some(50)), groups, total }
}

fn failure(mode: FailureMode, calls: u64, previous: u64, example: &str) -> Failure {
    Failure {
        mode,
        calls,
        previous,
        first_us: Some(START + HOUR / 10),
        last_us: Some(START + HOUR - 1_000_000),
        trend: Vec::new(),
        models: vec![("gpt-4o-mini".to_owned(), calls - 1), ("claude-sonnet-4-5".to_owned(), 1)],
        users: Some(4),
        error_types: vec![("RateLimitError".to_owned(), calls)],
        example: Some(example.to_owned()),
        example_key: None,
        retry_after_us: Some(20_000_000),
        partial: false,
    }
}

fn accounting() -> Accounting {
    Accounting {
        read: 12_482,
        accepted: 12_040,
        duplicate: 120,
        skipped: 310,
        rejected: 12,
        reasons: vec![(Reason::InvalidJson, 11), (Reason::OutOfRange, 1)],
        examples: vec![Rejected {
            source: "/var/log/app.log".to_owned(),
            offset: 1_048_576,
            reason: Reason::InvalidJson,
            snippet: "{\"event\":\"llm_call\",\"request_id\":\"req_81".to_owned(),
        }],
        skipped_like: Some(Skipped {
            source: "/var/log/app.log".to_owned(),
            offset: 512,
            shape: "{\"msg\",\"level\"}".to_owned(),
        }),
        future: 3,
        unpriced: 241,
    }
}

fn holdings() -> Holdings {
    let source = |name: &str| SourceInfo { name: name.to_owned(), read: 12_482, accepted: 12_040, bytes: 6_800_000 };
    Holdings {
        calls: 12_040,
        bounds: Some((START - 20 * HOUR, START + HOUR - 250_000)),
        sources: vec![source("/var/log/app.log"), source("/var/log/app.log.1.gz")],
        folded_series: 0,
    }
}

fn typical() -> Snapshot {
    let window = Window::last(HOUR, Anchor::At(START + HOUR));
    let filter = Filter::parse("env:prod -error:cancelled").unwrap();
    let mut snapshot = Snapshot::empty(View { window, filter, ..View::default() }, START + HOUR);
    snapshot.accounting = accounting();
    snapshot.holdings = holdings();
    snapshot.totals = stats(1_204, 3_700);
    snapshot.previous = stats(1_100, 2_900);
    snapshot.unfiltered_calls = Some(1_377);
    let models = vec![group(&[Some("gpt-4o-mini")], 900), group(&[Some("claude-sonnet-4-5")], 300), group(&[None], 4)];
    let pairs = vec![
        group(&[Some("openai"), Some("gpt-4o-mini")], 900),
        group(&[Some("anthropic"), Some("claude-sonnet-4-5")], 300),
        group(&[None, None], 4),
    ];
    snapshot.tables = vec![table(&[Dim::Model], models, 3), table(&[Dim::Provider, Dim::Model], pairs, 8)];
    snapshot.failures = vec![
        failure(
            FailureMode::RateLimit,
            61,
            4,
            "Rate limit reached for gpt-4o-mini on tokens per min (TPM): Limit 200000",
        ),
        failure(FailureMode::Timeout, 60, 0, "Request timed out."),
    ];
    snapshot
}

fn spend(usd: f64, calls: u64, unpriced_calls: u64) -> Spend {
    Spend { calls, cost_nusd: (calls > unpriced_calls).then_some((usd * 1e9) as i64), unpriced_calls }
}

fn budget(name: &str, period: Period, per: Option<Dim>) -> BudgetState {
    let (zone, filter) = (chrono_tz::Tz::Europe__Berlin, Filter::parse("env:prod").unwrap());
    let budget =
        Budget { name: name.to_owned(), limit_nusd: 50_000_000_000, period, zone, filter, per, warn_at: vec![800] };
    let total = Burn {
        spent: spend(31.416, 4_000, 0),
        before: Some(spend(28.0, 3_700, 0)),
        rate_nusd_per_h: Some(2.345e9),
        forecast: Some(Forecast { expected_nusd: 54.2e9, low_nusd: 49.87e9, high_nusd: 58.6e9 }),
        exhausted_us: Some(START + 9 * HOUR),
        ..Burn::default()
    };
    let period = period.at(START + HOUR, zone);
    BudgetState { budget, period, total, most: Vec::new(), members: 0, over: 0 }
}

fn of_user(name: &str, spent: Spend) -> Burn {
    Burn { key: vec![Some(name.to_owned())], spent, ..Burn::default() }
}

/// One that goes well, one of each user, one of which little is known, and one of which nothing was spent.
fn budgets() -> Snapshot {
    let mut users = budget("each user", Period::Month, Some(Dim::User));
    users.most = [("ada", 50.0), ("bob", 12.0), ("eve", 0.004), ("tom", 0.001)]
        .map(|(name, usd)| of_user(name, spend(usd, 10, 0)))
        .into();
    (users.members, users.over, users.total.exhausted_us) = (1_204, 1, None);
    let mut unknown = budget("unknown", Period::Last(HOUR), None);
    unknown.total = Burn { spent: spend(0.0, 12, 12), before: Some(spend(3.0, 10, 4)), ..Burn::default() };
    unknown.total.gone_us = Some(START - HOUR);
    let mut none = budget("nothing yet", Period::Week, None);
    none.total = Burn::default();
    let mut snapshot = typical();
    snapshot.budgets = vec![budget("prod daily", Period::Day, None), users, unknown, none];
    snapshot
}

fn empty_store() -> Snapshot {
    Snapshot::empty(View::default(), START)
}

fn empty_window() -> Snapshot {
    let window = Window::last(24 * HOUR, Anchor::Now);
    let mut snapshot = Snapshot::empty(View { window, ..View::default() }, START + 96 * HOUR);
    snapshot.holdings = holdings();
    snapshot.accounting = accounting();
    snapshot
}

/// Everything a log can say, said to harm: escapes, bidi overrides, formulas, quotes, length, wide letters.
fn hostile() -> Snapshot {
    let names = [
        "\u{1b}]0;owned\u{7}\u{1b}[2J",
        "=HYPERLINK(\"http://x\",\"y\")",
        "a\u{202e}lmth\u{9b}31m",
        "\r\n-1+1,\"b\"",
        "模型模型模型模型模型模型模型模型",
    ];
    let mut snapshot = typical();
    snapshot.view.filter = Filter::parse("user:\"\u{1b}[31m\u{202e}\"").unwrap();
    let long = "x".repeat(300);
    let keys = names.iter().copied().chain([long.as_str(), "", " @cmd"]);
    snapshot.tables = vec![table(&[Dim::User], keys.map(|key| group(&[Some(key)], 40)).collect(), 8)];
    snapshot.failures =
        vec![failure(FailureMode::Unknown, 61, 61, &format!("\u{1b}[31m{}\n\u{200b}", "语".repeat(500)))];
    snapshot.failures[0].models[0].0 = names[0].to_owned();
    snapshot.accounting.examples[0].snippet = "\0\u{1b}[?1049h\u{7f}{\"a\":1}".to_owned();
    snapshot.accounting.examples[0].source = "/tmp/\u{1b}[1m\u{e0041}.log".to_owned();
    snapshot.holdings.sources[0].name = "\u{1b}c".to_owned();
    let mut users = budget(names[2], Period::Day, Some(Dim::User));
    users.most = names.map(|name| of_user(name, spend(1.0, 1, 0))).into();
    snapshot.budgets = vec![users];
    snapshot
}

fn render(name: &str, snapshot: &Snapshot, width: usize) -> String {
    render_with(name, snapshot, width, Words::Masked)
}

fn render_with(name: &str, snapshot: &Snapshot, width: usize, words: Words) -> String {
    let mut out = Vec::new();
    let options = Options { width, zone: Zone::Utc, words };
    by_name(name).unwrap().write(snapshot, &options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn text_of_a_typical_hour() {
    insta::assert_snapshot!("text_typical_100", render("text", &typical(), 100));
    insta::assert_snapshot!("text_typical_80", render("text", &typical(), 80));
    insta::assert_snapshot!("text_typical_40", render("text", &typical(), 40));
}

#[test]
fn text_without_calls_says_what_to_do() {
    insta::assert_snapshot!("text_empty_store", render("text", &empty_store(), 80));
    insta::assert_snapshot!("text_empty_window", render("text", &empty_window(), 80));
    let mut filtered = empty_window();
    filtered.unfiltered_calls = Some(17);
    filtered.view.filter = Filter::parse("model:gpt-5").unwrap();
    insta::assert_snapshot!("text_filtered_to_nothing", render("text", &filtered, 80));
}

#[test]
fn json_and_csv_of_a_typical_hour() {
    insta::assert_snapshot!("json_typical", render("json", &typical(), 0));
    insta::assert_snapshot!("csv_typical", render("csv", &typical(), 0));
    insta::assert_snapshot!("json_empty_store", render("json", &empty_store(), 0));
    insta::assert_snapshot!("csv_empty_store", render("csv", &empty_store(), 0));
}

#[test]
fn budgets_of_every_kind() {
    insta::assert_snapshot!("text_budgets_120", section("budgets", &render("text", &budgets(), 120)));
    insta::assert_snapshot!("text_budgets_60", section("budgets", &render("text", &budgets(), 60)));
    let json: serde_json::Value = serde_json::from_str(&render("json", &budgets(), 0)).unwrap();
    insta::assert_snapshot!("json_budgets", serde_json::to_string_pretty(&json["budgets"]).unwrap());
    assert_eq!(render("csv", &budgets(), 0), render("csv", &typical(), 0), "a table of calls stays one");
}

/// The paragraph of a report that begins with a word.
fn section(word: &str, text: &str) -> String {
    text.split("\n\n").find(|part| part.starts_with(word)).unwrap().to_owned()
}

#[test]
fn hostile_text_reaches_no_terminal() {
    insta::assert_snapshot!("text_hostile", render_with("text", &hostile(), 80, Words::Shown));
    insta::assert_snapshot!("csv_hostile", render_with("csv", &hostile(), 0, Words::Shown));
    for name in ALL.iter().map(|report| report.name()) {
        let out = render_with(name, &hostile(), 80, Words::Shown);
        let bad = out.chars().find(|c| crate::units::is_unsafe(*c) && !matches!(c, '\n' | '\r'));
        assert_eq!(bad, None, "{name}");
    }
    let json: serde_json::Value = serde_json::from_str(&render_with("json", &hostile(), 0, Words::Shown)).unwrap();
    let keys: Vec<&str> = json["groups"]["user"].as_array().unwrap().iter().filter_map(|g| g["key"].as_str()).collect();
    assert_eq!(keys[2], "a\u{202e}lmth\u{9b}31m", "escaping changes no value");
    assert_eq!(json["accounting"]["examples"][0]["source"], "/tmp/\u{1b}[1m\u{e0041}.log");
}

#[test]
fn json_keeps_its_names_and_types() {
    let json: serde_json::Value = serde_json::from_str(&render("json", &typical(), 0)).unwrap();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["window"]["since"], "2026-05-01T14:00:00.000Z");
    assert_eq!(json["filter"], "env:prod -error:cancelled");
    assert_eq!(json["totals"]["calls"], 1_204);
    assert!(json["totals"]["reasoning_tokens"].is_null());
    assert!(json["groups"]["model"][2]["key"].is_null());
    assert_eq!(json["groups"]["provider,model"][0]["key"], serde_json::json!(["openai", "gpt-4o-mini"]));
    let accounting = &json["accounting"];
    let sum = ["accepted", "duplicate", "skipped", "rejected"]
        .iter()
        .filter_map(|name| accounting[name].as_u64())
        .sum::<u64>();
    assert_eq!(accounting["read"].as_u64(), Some(sum));
    assert_eq!(accounting["reasons"]["invalid_json"], 11);
    let typical = typical();
    assert_eq!(json["totals"]["latency_ms"]["p50"].as_f64(), typical.totals.latency_us.p50.map(|us| us / 1_000.0));
}

#[test]
fn text_stays_within_its_width() {
    for width in [40, 41, 55, 80, 100, 132, 200] {
        for snapshot in [typical(), hostile(), empty_store(), empty_window(), budgets()] {
            for line in render_with("text", &snapshot, width, Words::Shown).lines() {
                assert!(unicode_width::UnicodeWidthStr::width(line) <= width, "{width}: {line}");
            }
        }
    }
    render_with("text", &hostile(), 0, Words::Shown);
}

proptest::proptest! {
    #[test]
    fn no_text_of_a_log_breaks_a_report(words in proptest::collection::vec("\\PC{0,30}|.{0,30}|[\\x00-\\x1f\u{80}-\u{9f}\u{202e}]{1,5}", 5), width in 0usize..130) {
        let mut snapshot = typical();
        snapshot.tables[0].groups[0].key[0] = Some(words[0].clone());
        snapshot.tables[1].groups[0].key = vec![Some(words[1].clone()), None];
        snapshot.failures[0].example = Some(words[2].clone());
        snapshot.failures[0].models[0].0 = words[3].clone();
        snapshot.accounting.examples[0].snippet = words[4].clone();
        snapshot.holdings.sources[0].name = words[4].clone();
        let text = render_with("text", &snapshot, width, Words::Shown);
        for line in text.lines() {
            proptest::prop_assert!(unicode_width::UnicodeWidthStr::width(line) <= width.max(40), "{}", line);
        }
        let json: serde_json::Value = serde_json::from_str(&render_with("json", &snapshot, 0, Words::Shown)).unwrap();
        proptest::prop_assert_eq!(json["groups"]["model"][0]["key"].as_str(), Some(words[0].as_str()));
        for out in [text, render_with("json", &snapshot, 0, Words::Shown), render_with("csv", &snapshot, 0, Words::Shown)] {
            proptest::prop_assert!(out.chars().all(|c| !crate::units::is_unsafe(c) || matches!(c, '\n' | '\r')));
        }
    }
}
