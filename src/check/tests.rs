//! The forms of a judgement, from one with every verdict and hostile words in it.

use super::*;
use crate::snapshot::{Dist, Snapshot, Stats};
use crate::view::{Filter, Range, View};
use serde_json::{Value, json};

const START: i64 = 1_777_644_000_000_000;

fn allowed(flag: &str, most: f64) -> Allowed {
    Allowed { limit: LIMITS.iter().find(|limit| limit.flag == flag).expect("a limit"), most }
}

fn snapshot(hours: i64, totals: Stats, filter: &str) -> Snapshot {
    let view = View { filter: Filter::parse(filter).expect("a filter"), ..View::default() };
    let range = Range { since_us: START - hours * 3_600_000_000, until_us: START };
    Snapshot { view, range, totals, ..Snapshot::default() }
}

fn typical() -> Gate {
    let latency_us = Dist { count: 1_200, p95: Some(1_820_000.0), ..Dist::default() };
    let now = Stats {
        calls: 1_204,
        errors: 13,
        latency_us,
        cost_nusd: Some(4_120_000_000),
        unpriced_calls: 12,
        ..Stats::default()
    };
    let old = Dist { count: 9_000, p95: Some(1_300_000.0), ..Dist::default() };
    let before =
        Stats { calls: 30_211, errors: 300, latency_us: old, cost_nusd: Some(90_000_000_000), ..Stats::default() };
    let asked = Asked {
        limits: vec![allowed("p95", 2e6), allowed("error-rate", 0.0107), allowed("cost", 5e9)],
        min_calls: 100,
        max_regression: 0.1,
    };
    let filter = "model:\"a<b>&'c\" \"x\u{1b}[2J\"";
    let baseline =
        Baseline { name: "base & <old>.log".to_owned(), snapshot: snapshot(24, before, ""), basis: Basis::Time };
    Gate::judge(asked, &snapshot(1, now, filter), Some(&baseline), false)
}

fn written(form: &str, gate: &Gate) -> String {
    let mut out = Vec::new();
    by_name(form).expect("a form").write(gate, Zone::Utc, &mut out).expect("to memory");
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn people_see_what_is_not_held_and_why_something_is_not_known() {
    insta::assert_snapshot!(written("text", &typical()));
}

#[test]
fn build_servers_see_a_case_for_each_limit() {
    let xml = written("junit", &typical());
    well_formed(&xml).unwrap_or_else(|fault| panic!("{fault}: {xml}"));
    insta::assert_snapshot!(xml);
}

#[test]
fn programs_see_figures_in_public_units() {
    let document: Value = serde_json::from_str(&written("json", &typical())).expect("JSON");
    let words =
        |name: &str| document["limits"].as_array().expect("a list").iter().map(|l| l[name].clone()).collect::<Vec<_>>();
    assert_eq!(words("limit"), ["p95", "error-rate", "cost", "p95", "error-rate", "cost"]);
    assert_eq!(words("verdict"), ["held", "not_held", "not_judged", "not_held", "held", "not_judged"]);
    assert_eq!((&document["verdict"], &document["exit_code"]), (&json!("not_held"), &json!(1)));
    assert_eq!(document["limits"][0]["measured"], json!(1_820.0));
    assert_eq!(document["limits"][0]["allowed"], json!(2_000.0));
    assert_eq!(document["limits"][2]["measured"], json!(4.12));
    assert_eq!(document["limits"][2]["at_least"], json!(true));
    assert_eq!(document["limits"][5]["baseline"], json!(3.75), "a 24th of 90 dollars");
    assert_eq!(document["limits"][3]["change"], json!(1_820_000.0 / 1_300_000.0 - 1.0));
    assert_eq!(document["window"], json!({"since": "2026-05-01T13:00:00.000Z", "until": "2026-05-01T14:00:00.000Z"}));
    assert_eq!(document["baseline"]["calls"], json!(30_211));
}

#[test]
fn figures_that_look_alike_are_told_apart() {
    let stats = Stats { calls: 1_000_000, errors: 10_001, cost_nusd: Some(5_001_000_000), ..Stats::default() };
    let limits = vec![allowed("error-rate", 0.01), allowed("cost", 5e9), allowed("cost-per-call", 1.0)];
    let asked = Asked { limits, min_calls: 1, max_regression: 0.1 };
    let text = written("text", &Gate::judge(asked, &snapshot(1, stats, ""), None, true));
    for want in ["1.0001 %            1%", "$5.001            $5 ", "NOT held: error rate, cost, cost per call"] {
        assert!(text.contains(want), "{want}: {text}");
    }
}

#[test]
fn what_is_held_is_said_last() {
    let asked = Asked { limits: vec![allowed("error-rate", 0.5)], min_calls: 1, max_regression: 0.1 };
    let stats = || Stats { calls: 10, ..Stats::default() };
    let text = written("text", &Gate::judge(asked.clone(), &snapshot(1, stats(), ""), None, true));
    assert!(text.ends_with("\n\nheld\n"), "{text}");
    let text = written("text", &Gate::judge(asked, &snapshot(1, stats(), ""), None, false));
    assert!(text.ends_with("\ncannot be judged: not everything could be read\n"), "{text}");
}

/// Whether tags are nested and closed, attributes quoted, and nothing but entities begins with `&`.
fn well_formed(xml: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let body = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").ok_or("no declaration")?;
    let mut parts = body.split('<');
    plain(parts.next().unwrap_or_default())?;
    for part in parts {
        let (tag, text) = part.split_once('>').ok_or(format!("<{part} is not closed"))?;
        plain(text)?;
        let name = tag.split([' ', '/']).next().unwrap_or_default();
        match (tag.strip_prefix('/'), tag.strip_suffix('/')) {
            (Some(end), _) if open.pop() != Some(end) => return Err(format!("</{end}> closes nothing")),
            (Some(_), _) => {}
            (None, alone) => {
                attributes(alone.unwrap_or(tag).strip_prefix(name).unwrap_or_default())?;
                open.extend(alone.is_none().then_some(name));
            }
        }
    }
    if open.is_empty() { Ok(()) } else { Err(format!("{open:?} stay open")) }
}

fn attributes(text: &str) -> Result<(), String> {
    let parts: Vec<&str> = text.split('"').collect();
    let (last, pairs) = parts.split_last().expect("never empty");
    if !last.trim().is_empty() || pairs.len() % 2 != 0 {
        return Err(format!("attributes{text}"));
    }
    for pair in pairs.chunks(2) {
        let named = pair[0].strip_prefix(' ').and_then(|name| name.strip_suffix('='));
        let good = named.is_some_and(|name| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric()));
        if !good {
            return Err(format!("attribute {}", pair[0]));
        }
        plain(pair[1])?;
    }
    Ok(())
}

fn plain(text: &str) -> Result<(), String> {
    let entities = ["amp;", "lt;", "gt;", "quot;", "apos;"];
    let escapes = |rest: &str| entities.iter().any(|entity| rest.starts_with(entity));
    let control = text.chars().any(|c| c.is_control() && c != '\n');
    if control || !text.split('&').skip(1).all(escapes) { Err(format!("text {text:?}")) } else { Ok(()) }
}

#[test]
fn the_look_at_xml_finds_faults() {
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
    for (xml, good) in [
        ("<a b=\"c\"><d/>&lt;</a>", true),
        ("<a>", false),
        ("<a></b>", false),
        ("<a b=c/>", false),
        ("<a b=\"c/>", false),
        ("<a>&</a>", false),
        ("<a>\u{1b}</a>", false),
    ] {
        assert_eq!(well_formed(&format!("{head}{xml}")).is_ok(), good, "{xml}");
    }
}
