//! The figures of real traces against those computed from their sources by other programs, and of the project's own
//! scenarios: events in, expected report out, through the real program and its store.

mod common;

use common::program::Home;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What a histogram may be off, relative.
const ERROR: f64 = 0.004;

/// The folder of real traces, beside the project or where `LLMTOP_TEST_DATA` says; `None` is said and passes.
fn traces() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = std::env::var_os("LLMTOP_TEST_DATA").map_or_else(beside, PathBuf::from).join("traces");
    if !folder.is_dir() {
        println!("skipped: there are no traces in {}", folder.display());
        return None;
    }
    Some(folder)
}

/// A trace in a store of its own, and its truth.
struct Trace {
    home: Home,
    truth: Value,
}

impl Trace {
    fn load(folder: &Path, name: &str) -> Trace {
        let home = Home::new();
        home.ingest(&folder.join(format!("{name}.jsonl.gz")));
        let truth = std::fs::read(folder.join(format!("{name}.truth.json"))).expect("the truth");
        Trace { home, truth: serde_json::from_slice(&truth).expect("JSON") }
    }

    fn check(&self) {
        let got = self.home.report(&["--by", "provider,model", "--by", "hour", "--by", "status"]);
        let (truth, totals) = (&self.truth, &got["totals"]);
        let accounting = &got["accounting"];
        assert_eq!(accounting["read"], truth["count"]);
        assert_eq!((&accounting["accepted"], &accounting["rejected"]), (&truth["count"], &json!(0)));
        for (ours, theirs) in [("calls", "count"), ("errors", "errors")] {
            assert_eq!(totals[ours], truth[theirs], "{ours}");
        }
        for name in ["input_tokens", "output_tokens"] {
            assert_eq!(totals[name], truth[name], "{name}");
        }
        self.check_times(&got);
        self.check_models(&got);
        self.check_hours(&got);
        self.check_http();
        check_dist(&totals["latency_ms"], &truth["latency_ms_all"], "latency of all");
        check_dist(&totals["ttft_ms"], &truth["ttft_ms"], "ttft");
        let ok = self.home.report(&["--filter", "status:ok", "--by", "provider,model"]);
        check_dist(&ok["totals"]["latency_ms"], &truth["latency_ms_ok"], "latency of what went well");
        for group in list(&ok["groups"]["provider,model"]) {
            let name = pair(&group["key"]);
            check_dist(&group["latency_ms"], &truth["latency_by_provider_model"][&name], &name);
        }
    }

    fn check_times(&self, got: &Value) {
        for (ours, theirs) in [("first", "first_ts"), ("last", "last_ts")] {
            if let Some(want) = self.truth[theirs].as_str() {
                let want = want.replace(' ', "T");
                let time = got["store"][ours].as_str().expect("a time").trim_end_matches(['Z', '0', '.']);
                assert_eq!(time, want.trim_end_matches(['0', '.']), "{ours}");
            }
        }
    }

    fn check_models(&self, got: &Value) {
        let groups = list(&got["groups"]["provider,model"]);
        let want = self.truth["by_model"].as_object().expect("models");
        assert_eq!(groups.len(), want.len());
        for group in groups {
            let truth = &want[&pair(&group["key"])];
            for (ours, theirs) in [
                ("calls", "count"),
                ("errors", "errors"),
                ("input_tokens", "input_tokens"),
                ("output_tokens", "output_tokens"),
            ] {
                assert_eq!(group[ours], truth[theirs], "{ours} of {}", group["key"]);
            }
        }
    }

    fn check_hours(&self, got: &Value) {
        let groups = list(&got["groups"]["hour"]);
        let hours: serde_json::Map<String, Value> =
            groups.iter().map(|g| (g["key"].as_str().expect("an hour").to_owned(), g["calls"].clone())).collect();
        assert_eq!(Value::Object(hours), self.truth["per_hour_utc"]);
    }

    fn check_http(&self) {
        let sql = "SELECT coalesce(json_extract(attrs, '$.http_status'), 'None') AS status, count(*) AS calls \
                   FROM calls GROUP BY 1";
        let out = self.home.run(["query", sql, "--format", "json"]).good();
        let rows = out.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let got: serde_json::Map<String, Value> =
            rows.map(|row| (row["status"].to_string().trim_matches('"').to_owned(), row["calls"].clone())).collect();
        assert_eq!(Value::Object(got), self.truth["http_status"]);
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn pair(key: &Value) -> String {
    list(key).iter().map(|part| part.as_str().unwrap_or_default()).collect::<Vec<_>>().join("/")
}

/// A percentile is right between the two usual definitions, give or take the histogram's error.
fn check_dist(got: &Value, truth: &Value, what: &str) {
    if truth.is_null() {
        assert!(got.as_object().expect("figures").values().all(Value::is_null), "{what}: unknown stays null: {got}");
        return;
    }
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{what}: no number: {value}"));
    assert_eq!(number(&got["max"]), number(&truth["max"]), "{what}: max");
    let (mean, want) = (number(&got["mean"]), number(&truth["mean"]));
    assert!((mean - want).abs() <= want * 1e-9, "{what}: mean {mean}, exactly {want}");
    for name in ["p50", "p90", "p95", "p99"] {
        let (a, b) = (number(&truth[name]["linear"]), number(&truth[name]["nearest_rank"]));
        let (low, high) = (a.min(b) * (1.0 - ERROR), a.max(b) * (1.0 + ERROR));
        let got = number(&got[name]);
        assert!(low <= got && got <= high, "{what}: {name} is {got}, should be in {low}..{high}");
    }
}

#[test]
fn azure_conv() {
    let Some(folder) = traces() else { return };
    Trace::load(&folder, "azure_conv").check();
}

#[test]
fn burstgpt() {
    let Some(folder) = traces() else { return };
    Trace::load(&folder, "burstgpt").check();
}

#[test]
fn llmperf() {
    let Some(folder) = traces() else { return };
    let trace = Trace::load(&folder, "llmperf");
    trace.check();
    let failed = trace.home.report(&["--by", "error"]);
    assert_eq!(failed["totals"]["rate_limited"], 392);
    let calls: u64 = list(&failed["groups"]["error"]).iter().filter_map(|g| g["calls"].as_u64()).sum();
    assert_eq!(calls, 539);
}

/// The minutes with most calls, from rows that no rollup answers.
#[test]
fn the_busiest_minutes() {
    let Some(folder) = traces() else { return };
    let trace = Trace::load(&folder, "azure_conv");
    for minute in list(&trace.truth["per_minute_max"]) {
        let since = minute[0].as_str().expect("a time");
        let until = since.replace(":00Z", ":59.999999Z");
        let got = trace.home.run(["report", "--since", since, "--until", &until, "--format", "json"]).good();
        let got: Value = serde_json::from_str(&got).expect("JSON");
        assert_eq!(got["totals"]["calls"], minute[1], "{since}");
    }
}

/// `fixtures/scenarios/NAME/`: the logs (`*.jsonl`, loaded in the order of their names), `args` (one argument of the
/// report to a line), perhaps `config.toml`, and in `expected.json` the report. `without` has pointers to what depends on the moment of reading.
/// `LLMTOP_BLESS=1 cargo test --test truth` writes the expected files anew; look at the difference before keeping it.
#[test]
fn scenarios() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/scenarios");
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(&root).expect("scenarios").map(|entry| entry.expect("an entry").path()).collect();
    folders.sort();
    assert!(folders.len() >= 8);
    for folder in folders {
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        let got = scenario(&folder);
        let expected = folder.join("expected.json");
        if std::env::var_os("LLMTOP_BLESS").is_some() {
            std::fs::write(&expected, serde_json::to_string_pretty(&got).expect("JSON") + "\n").expect("written");
        }
        let want = std::fs::read(&expected).unwrap_or_else(|e| panic!("{}: {e}", expected.display()));
        let want: Value = serde_json::from_slice(&want).expect("JSON");
        assert_eq!(got, want, "{name}: {got:#}");
    }
}

/// The report of a scenario.
fn scenario(folder: &Path) -> Value {
    let home = Home::new();
    let mut logs: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    logs.retain(|path| path.extension().is_some_and(|e| e == "jsonl"));
    logs.sort();
    if let Ok(config) = std::fs::read(folder.join("config.toml")) {
        home.write("config/llmtop/config.toml", config);
    }
    for log in &logs {
        let name = log.file_name().expect("a name").to_string_lossy();
        let copy = home.write(&name, std::fs::read(log).expect("a log"));
        // Named as it stands in the home, so that the source's name is the same everywhere.
        assert!(copy.exists());
        home.run(["ingest", &name]).good();
    }
    let args = std::fs::read_to_string(folder.join("args")).unwrap_or_default();
    let args: Vec<&str> = args.lines().collect();
    let mut got = match args.contains(&"--window") {
        true => {
            let out = home.run(["report", "--format", "json"].iter().chain(&args)).good();
            serde_json::from_str(&out).expect("JSON")
        }
        false => home.report(&args),
    };
    without_paths(&mut got, &home.path("").to_string_lossy());
    for pointer in std::fs::read_to_string(folder.join("without")).unwrap_or_default().lines() {
        *got.pointer_mut(pointer).unwrap_or_else(|| panic!("nothing at {pointer}")) = json!("left out");
    }
    got
}

/// Takes the home's path out of every text.
fn without_paths(value: &mut Value, home: &str) {
    match value {
        Value::String(text) => *text = text.replace(home, "~/"),
        Value::Array(list) => list.iter_mut().for_each(|v| without_paths(v, home)),
        Value::Object(map) => map.values_mut().for_each(|v| without_paths(v, home)),
        _ => {}
    }
}
