//! Each command from outside: what it prints, its exit code, and what it says when it is asked for the impossible.

mod common;

use common::event::events;
use common::program::{Home, Ran};
use serde_json::Value;
use std::fs;
use std::io::Write;

fn filled() -> Home {
    let home = Home::new();
    let lines: Vec<String> = events(5, 200, 2).iter().map(|e| e.line()).collect();
    home.ingest(&home.write("app.log", lines.join("\n")));
    home
}

#[test]
fn without_a_store_every_command_says_how_to_get_one() {
    let home = Home::new();
    let commands: [&[&str]; 6] = [
        &["report"],
        &["query", "SELECT 1"],
        &["export"],
        &["store", "info"],
        &["store", "vacuum"],
        &["store", "prune", "--older-than", "1d"],
    ];
    for args in commands {
        let err = home.run(args).bad();
        assert!(err.contains("llmtop.db does not exist; fill it with `llmtop ingest FILE`"), "{args:?}: {err}");
        assert!(!home.store().exists(), "{args:?} makes nothing");
    }
    assert_eq!(home.run(["store", "path"]).good().trim(), home.store().to_string_lossy());
    assert_eq!(home.run(["store", "path", "--store", "x/y.db"]).good().trim(), "x/y.db");
    let err = home.run(["ingest", "none.log"]).bad();
    assert!(err.contains("none.log"), "{err}");
    let err = home.llmtop(["report"]).env_remove("XDG_DATA_HOME").env_remove("HOME").output().expect("it runs");
    assert!(String::from_utf8_lossy(&err.stderr).contains("XDG_DATA_HOME"));
}

#[test]
fn slips_are_explained_where_they_are() {
    let home = filled();
    let slips: [(&[&str], &str); 9] = [
        (&["report", "--filter", "status:maybe"], "column 8"),
        (&["report", "--filter", "latency>5"], "write 5s or 5ms"),
        (&["export", "--filter", "user:\"x"], "quote is not closed"),
        (&["report", "--by", "modl"], "did you mean model?"),
        (&["report", "--by", "model,model"], "named twice"),
        (&["report", "--format", "xml"], "possible values"),
        (&["report", "--window", "yesterday"], "neither a length nor a range"),
        (&["store", "prune"], "--older-than"),
        (&["ingest"], "FILE"),
    ];
    for (args, why) in slips {
        let ran = home.run(args);
        assert!(ran.code == Some(2) && ran.err.contains(why) && ran.out.is_empty(), "{args:?}: {ran:?}");
    }
    let err = home.run(["reprot"]).bad();
    assert!(err.contains("no file \"reprot\"; did you mean `llmtop report`?"), "{err}");
    let err = home.run(["report", "--since", "tomorrowish"]).bad();
    assert!(err.contains("tomorrowish"), "{err}");
    let err = home.run(["export", "--since", "2026-05-02", "--until", "2026-05-01"]).bad();
    assert!(err.contains("2026-05-02..2026-05-01") && err.contains("the end is before the beginning"), "{err}");
    let err = home.run(["report", "--since", "2026-05-02..2026-05-01"]).bad();
    assert!(err.contains("the end is before the beginning"), "{err}");
    home.run(["report", "--since", "2026-05-01..2026-05-02"]).good();
    let mut command = home.llmtop(["report"]);
    let ran = Ran::of(command.env("LLMTOP_WINDWO", "6h").env("LLMTOP_UTC", "true").output().expect("it starts"));
    assert_eq!(ran.err, "llmtop: LLMTOP_WINDWO: no such setting; did you mean LLMTOP_WINDOW?\n");
    ran.good();
}

#[test]
fn queries_read_and_nothing_else() {
    let home = filled();
    let before = fs::read(home.store()).expect("the store");
    let writing = [
        "DELETE FROM call",
        "INSERT INTO source (name) VALUES ('x')",
        "DROP TABLE call",
        "UPDATE counter SET value = 0",
        "CREATE TABLE x (y)",
        "VACUUM",
        "PRAGMA user_version = 99",
        "PRAGMA journal_mode = delete",
        "ATTACH 'other.db' AS other",
        "BEGIN",
        "WITH x AS (SELECT 1) DELETE FROM call",
        "SELECT 1; DELETE FROM call",
    ];
    for sql in writing {
        let err = home.run(["query", sql]).bad();
        assert!(err.starts_with("llmtop: query: "), "{sql}: {err}");
    }
    assert_eq!(fs::read(home.store()).expect("the store"), before);
    assert!(!home.path("other.db").exists());
    for (sql, why) in [
        ("SELECT colour FROM calls", "no such column: colour"),
        ("SELECT * FROM cals", "the views are calls, errors, spans, scores, sources"),
        ("SELEC", "syntax error"),
        ("", "SELECT"),
    ] {
        let err = home.run(["query", sql]).bad();
        assert!(err.contains(why), "{sql}: {err}");
    }
}

#[test]
fn rows_come_as_table_json_and_csv() {
    let home = filled();
    let sql = "SELECT model, count(*) AS n, NULL AS none, 0.5 AS half, 'a\"b,c' AS odd, '=1+1' AS formula \
               FROM calls WHERE model IS NOT NULL GROUP BY model ORDER BY model";
    let table = home.run(["query", sql]).good();
    assert!(table.starts_with("model            n   none  half"), "{table}");
    let json = home.run(["query", sql, "--format", "json"]).good();
    let rows: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(rows.len(), 4);
    assert_eq!((&rows[0]["model"], &rows[0]["none"]), (&Value::from("claude-sonnet-4"), &Value::Null));
    let csv = home.run(["query", sql, "--format", "csv"]).good();
    let mut lines = csv.split("\r\n");
    assert_eq!(lines.next(), Some("model,n,none,half,odd,formula"));
    let first = lines.next().expect("a row");
    assert!(first.ends_with(",,0.5,\"a\"\"b,c\",\"'=1+1\""), "{first}");
    for view in ["calls", "errors", "spans", "scores", "sources"] {
        let sql = format!("SELECT * FROM {view}");
        let heading = home.run(["query", &sql, "--format", "csv"]).good();
        assert!(heading.lines().next().is_some_and(|l| l.contains(',')), "{view}: {heading}");
    }
    let none = home.run(["query", "SELECT model FROM calls WHERE 0", "--format", "csv"]).good();
    assert_eq!(none, "model\r\n");
}

#[test]
fn the_views_say_what_the_report_says() {
    let home = filled();
    let report = home.report(&["--by", "model"]);
    let sql = "SELECT count(*) AS calls, sum(status = 'error') AS errors, sum(error = 'rate_limit') AS rate_limited, \
               sum(retries) AS retries, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, \
               sum(cost_usd IS NULL) AS unpriced_calls, count(DISTINCT request_id) AS ids FROM calls";
    let out = home.run(["query", sql, "--format", "json"]).good();
    let row: Value = serde_json::from_str(&out).expect("JSON");
    for name in ["calls", "errors", "rate_limited", "retries", "input_tokens", "output_tokens", "unpriced_calls"] {
        assert_eq!(row[name], report["totals"][name], "{name}");
    }
    assert_eq!(row["ids"], 200, "packed ids are text again");
    let ids = "SELECT request_id FROM calls ORDER BY request_id";
    let mut want: Vec<String> = events(5, 200, 2).into_iter().filter_map(|e| e.request_id).collect();
    want.sort();
    let got = home.run(["query", ids, "--format", "csv"]).good();
    assert_eq!(got.split("\r\n").skip(1).filter(|l| !l.is_empty()).collect::<Vec<_>>(), want);
}

#[test]
fn the_readme_lists_the_columns_of_the_views() {
    let home = filled();
    let readme = include_str!("../README.md");
    let list = readme.split("<!-- views: begin -->").nth(1).and_then(|rest| rest.split("<!-- views: end -->").next());
    let rows = list.expect("the marks").lines().filter(|row| row.starts_with("| `"));
    let mut seen = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let view = cells[0].trim_matches('`');
        let columns: Vec<&str> = cells[2].split_whitespace().map(|name| name.trim_matches('`')).collect();
        let header = home.run(["query", &format!("SELECT * FROM {view} WHERE 0"), "--format", "csv"]).good();
        assert_eq!(header.trim_end().split(',').collect::<Vec<_>>(), columns, "{view}");
        seen.push(view);
    }
    assert_eq!(seen, ["calls", "errors", "spans", "scores", "sources"]);
}

/// The calls of `fixtures/protocols.json` as lines.
fn protocols() -> String {
    let list: Vec<Value> = serde_json::from_str(include_str!("../fixtures/protocols.json")).expect("JSON");
    let line = |(n, case): (usize, &Value)| {
        let mut call = case["event"].clone();
        call["event"] = "llm_call".into();
        call["request_id"] = format!("req-{n}").into();
        call["timestamp"] = "2026-03-02T10:00:00Z".into();
        format!("{call}\n")
    };
    list.iter().enumerate().map(line).collect()
}

#[test]
fn what_prices_need_survives_the_store_and_an_export() {
    let (home, again) = (Home::new(), Home::new());
    home.ingest(&home.write("app.log", protocols()));
    let export = home.export();
    again.ingest(&again.write("export.jsonl", &export));
    assert_eq!(again.export(), export);
    let sql = "SELECT request_id, input_tokens - cached_input_tokens - cache_write_tokens - input_audio_tokens, \
               cache_write_tokens - cache_write_1h_tokens, cache_write_1h_tokens, output_audio_tokens, \
               attrs ->> 'service_tier' FROM calls WHERE input_audio_tokens > 0 AND cache_write_1h_tokens > 0 \
               ORDER BY request_id";
    let want = "req-0,250,60,40,20,flex\r\n";
    for home in [&home, &again] {
        let rows = home.run(["query", sql, "--format", "csv"]).good();
        assert_eq!(rows.split_inclusive("\r\n").nth(1), Some(want), "{rows}");
    }
    let absurd = [r#""cost_usd":1e300"#, r#""cost":"-1""#, r#""input_tokens":1e12"#, r#""usage":{"cost":NaN}"#];
    let lines: Vec<String> = absurd.iter().map(|field| format!(r#"{{"event":"llm_call",{field}}}"#)).collect();
    let before = home.report(&[])["totals"].clone();
    home.ingest(&home.write("absurd.log", lines.join("\n")));
    let after = home.report(&[]);
    assert_eq!(after["totals"], before, "what is refused is never summed");
    let rejected = home.run(["report", "--since", "all"]).good();
    assert!(rejected.contains("out of range") || rejected.contains("out_of_range"), "{rejected}");
}

#[test]
fn reports_agree_in_every_form_and_top_bounds_them() {
    let home = filled();
    let all = home.report(&["--by", "model", "--by", "session"]);
    let top = home.report(&["--by", "model", "--by", "session", "--top", "2"]);
    assert_eq!(top["groups"]["session"].as_array().map(Vec::len), Some(2));
    assert_eq!(top["group_counts"], all["group_counts"]);
    assert_eq!(top["totals"], all["totals"]);
    let csv = home.run(["report", "--since", "all", "--by", "model", "--format", "csv"]).good();
    assert!(csv.contains("claude-sonnet-4"), "{csv}");
    let text = home.run(["report", "--since", "all", "--by", "model"]).good();
    assert!(text.contains("claude-sonnet-4") && text.contains("200"), "{text}");
    let old = home.run(["report", "--since", "1h", "--format", "json"]).good();
    let old: Value = serde_json::from_str(&old).expect("JSON");
    assert_eq!(old["totals"]["calls"], 0, "an hour before now, not before the newest call");
    assert_eq!(old["totals"]["error_rate"], Value::Null);
}

#[test]
fn a_reader_of_the_first_line_alone_is_no_failure() {
    let home = filled();
    for command in ["report --since all", "export", "query 'SELECT * FROM calls'"] {
        let script = format!("set -o pipefail; \"$0\" {command} | head -1");
        let ran = home.command("bash").args(["-c", &script, env!("CARGO_BIN_EXE_llmtop")]).output().expect("bash");
        assert!(ran.status.success() && ran.stderr.is_empty(), "{command}: {}", String::from_utf8_lossy(&ran.stderr));
        assert_eq!(ran.stdout.iter().filter(|b| **b == b'\n').count(), 1);
    }
}

#[test]
fn the_store_is_looked_after() {
    let home = filled();
    home.feed(["ingest", "-"], b"no event\n{\"event\":\"llm_call\",\n").good();
    let info = home.run(["store", "info"]).good();
    for want in [
        "calls     200",
        "202 read = 200 accepted + 0 duplicate + 1 skipped + 1 rejected",
        "app.log: 200 lines",
        "stdin: 2 lines",
    ] {
        assert!(info.contains(want), "{want}: {info}");
    }
    let before = home.report(&["--by", "model", "--by", "day"]);
    let pruned = home.run(["store", "prune", "--older-than", "1d"]).good();
    assert!(pruned.starts_with("deleted "), "{pruned}");
    assert_eq!(home.export(), "", "all calls are older");
    let after = home.report(&["--by", "model", "--by", "day"]);
    assert_eq!((&after["totals"], &after["groups"]), (&before["totals"], &before["groups"]), "totals stay");
    assert!(home.run(["store", "vacuum"]).good().contains(" before, "));
    assert_eq!(home.report(&["--by", "model", "--by", "day"]), after);
}

#[test]
fn a_pruned_log_is_not_counted_again() {
    let home = filled();
    home.run(["store", "prune", "--older-than", "1d"]).good();
    let before = home.report(&["--by", "model"]);
    home.ingest(&home.path("app.log"));
    assert_eq!(home.report(&["--by", "model"]), before, "its checkpoint is kept");
}

#[test]
fn a_store_stays_as_small_as_the_settings_say() {
    let size = |home: &Home| fs::metadata(home.store()).expect("a store").len();
    let lines: Vec<String> = events(8, 3_000, 40).iter().map(|e| e.line() + "\n").collect();
    let (whole, small) = (Home::new(), Home::new());
    whole.ingest(&whole.write("app.log", lines.concat()));
    let most = size(&whole) / 3 * 2;
    let ingest = |home: &Home, name: &str| {
        let mut command = home.llmtop(["ingest", name]);
        Ran::of(command.env("LLMTOP_RETENTION_SIZE", most.to_string()).output().expect("it starts")).good()
    };
    small.write("app.log", lines.concat());
    ingest(&small, "app.log");
    assert!(size(&small) <= most, "{} of {most}", size(&small));
    assert_eq!(small.report(&["--by", "day"])["totals"], whole.report(&["--by", "day"])["totals"]);
    small.write("none.log", "");
    ingest(&small, "none.log");
    assert!(size(&small) <= most, "it stays so");
}

/// The private stores in the cache.
fn cached(home: &Home) -> Vec<String> {
    let entries = fs::read_dir(home.path("cache/llmtop")).expect("the cache");
    let mut names: Vec<String> =
        entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name.ends_with(".db"));
    names.sort();
    names
}

#[test]
fn named_logs_have_a_store_of_their_own_that_resumes() {
    let home = filled();
    let default = home.report(&[]);
    let lines: Vec<String> = events(6, 100, 1).iter().map(|e| e.line()).collect();
    home.write("other.log", lines[..60].join("\n") + "\n");
    let calls = |args: &[&str]| home.report(args)["totals"]["calls"].as_u64();
    assert_eq!(calls(&["other.log"]), Some(60));
    assert_eq!(cached(&home).len(), 1);
    home.write("more.log", lines[60..].join("\n"));
    let mut grown = fs::OpenOptions::new().append(true).open(home.path("other.log")).expect("opened");
    grown.write_all((lines[60..80].join("\n") + "\n").as_bytes()).expect("appended");
    let resumed = home.report(&["other.log"]);
    assert_eq!(resumed["totals"]["calls"], 80);
    assert_eq!(resumed["accounting"]["read"], 80, "what was read is not read again");
    assert_eq!(calls(&["./other.log"]), Some(80), "the same log by another name");
    assert_eq!(cached(&home).len(), 1);
    assert_eq!(calls(&["other.log", "more.log"]), Some(100));
    assert_eq!(calls(&["more.log", "other.log"]), Some(100));
    assert_eq!(cached(&home).len(), 2, "another set, another store");
    assert_eq!(home.report(&[]), default, "and none of it is in the default store");
    assert_eq!(calls(&["other.log", "--store", "own.db"]), Some(80));
    assert!(home.path("own.db").exists());
}

#[test]
fn the_cache_is_bounded() {
    let home = Home::new();
    let lines: Vec<String> = events(8, 50, 1).iter().map(|e| e.line()).collect();
    for name in ["a.log", "b.log", "c.log"] {
        home.write(name, lines.join("\n"));
    }
    home.write("config/llmtop/config.toml", "[cache]\nmax_size = \"1KB\"\n");
    for name in ["a.log", "b.log", "c.log"] {
        home.report(&[name]);
        let stores = cached(&home);
        assert!(stores.len() == 1 && stores[0].starts_with(name), "{stores:?}");
    }
    home.write("config/llmtop/config.toml", "[cache]\nmax_size = \"unlimited\"\n");
    home.report(&["a.log"]);
    home.report(&["b.log"]);
    assert_eq!(cached(&home).len(), 3);
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(40 * 86_400);
    for entry in fs::read_dir(home.path("cache/llmtop")).expect("the cache") {
        let path = entry.expect("an entry").path();
        if path.to_string_lossy().contains("a.log") {
            fs::File::options().append(true).open(&path).and_then(|f| f.set_modified(old)).expect("aged");
        }
    }
    home.report(&["b.log"]);
    let stores = cached(&home);
    assert!(stores.len() == 2 && !stores.iter().any(|s| s.starts_with("a.log")), "{stores:?}");
}

#[test]
fn a_private_store_shows_what_its_log_holds() {
    let home = Home::new();
    let lines: Vec<String> = events(9, 300, 1).iter().map(|e| e.line() + "\n").collect();
    let counts = |args: &[&str]| {
        let report = home.report(args);
        (report["totals"]["calls"].as_u64(), report["accounting"]["read"].as_u64())
    };
    home.write("run.log", lines[..100].concat());
    assert_eq!(counts(&["run.log"]), (Some(100), Some(100)));
    home.write("run.log", lines[100..180].concat());
    assert_eq!(counts(&["run.log"]), (Some(80), Some(80)), "written anew, so begun anew");
    fs::rename(home.path("run.log"), home.path("run.log.1")).expect("rotated");
    home.write("run.log", lines[180..].concat());
    assert_eq!(counts(&["run.log"]), (Some(200), Some(200)), "rotated, so gone on with");
    // A store that was named is everybody's, and keeps what it has.
    home.write("run.log", lines[..100].concat());
    assert_eq!(counts(&["run.log", "--store", "own.db"]).0, Some(100));
    home.write("run.log", lines[100..200].concat());
    let ran = home.run(["report", "--since", "all", "run.log", "--store", "own.db"]);
    assert!(ran.err.contains("run.log") && ran.err.contains("no rotated file"), "{}", ran.err);
    assert!(ran.good().contains("200"));
}

#[test]
fn rotated_lines_reach_the_store() {
    let home = Home::new();
    let lines: Vec<String> = events(9, 60, 1).iter().map(|e| e.line() + "\n").collect();
    home.ingest(&home.write("app.log", lines[..30].concat()));
    home.write("app.log.1", lines[..50].concat());
    home.write("app.log", lines[50..].concat());
    let said = home.ingest(&home.path("app.log"));
    assert!(said.contains("30 accepted, 0 duplicate"), "{said}");
    assert_eq!(home.report(&[])["totals"]["calls"], 60);
}

#[test]
fn a_line_of_which_parts_are_missing_is_counted() {
    let home = Home::new();
    let part = "2026-03-01T10:15:30Z stdout P {\"event\":\"llm_call\",\n2026-03-01T10:15:30Z stderr F other\n";
    let said = home.ingest(&home.write("app.log", part));
    assert!(said.contains("read 2 lines") && said.contains("1 skipped, 1 rejected"), "{said}");
    let rest = "2026-03-01T10:15:30Z stdout P {\"event\":\"llm_call\",\n";
    let piped = home.feed(["ingest", "-"], rest.as_bytes()).good();
    assert!(piped.contains("read 1 lines") && piped.contains("1 rejected"), "nothing comes after a pipe: {piped}");
}

#[test]
fn what_could_not_be_read_is_a_failure() {
    let home = Home::new();
    let torn = "{\"event\":\"llm_call\",\"request_id\":\"t\",\"mo";
    let summary = home.ingest(&home.write("app.log", format!("{}\n{torn}", events(5, 1, 1)[0].line())));
    assert!(summary.contains("read 1 lines") && summary.contains("0 rejected"), "{summary}");
    home.write("app.log", "\n");
    let ran = home.run(["ingest", "app.log"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.err.contains(&format!("at least {} bytes", torn.len())), "{}", ran.err);
    assert!(ran.out.contains("read 1 lines"), "what can be read is read: {}", ran.out);
}

#[test]
fn an_archive_that_is_not_whole_is_a_failure() {
    let text: String = events(5, 400, 1).iter().map(|e| e.line() + "\n").collect();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(text.as_bytes()).expect("to memory");
    let packed = [gz.finish().expect("to memory"), zstd::encode_all(text.as_bytes(), 1).expect("to memory")];
    for whole in packed {
        let home = Home::new();
        let cut = whole.len() / 2;
        home.write("trunc", &whole[..cut]);
        home.write("good.log", events(6, 1, 1)[0].line());
        for args in [["ingest", "trunc", "good.log"], ["report", "good.log", "trunc"]] {
            let ran = home.run(args);
            let want = format!("at byte {cut}; what could be unpacked before that is read\n");
            assert!(ran.code == Some(1) && ran.err.ends_with(&want), "{ran:?}");
            assert!(ran.err.starts_with("llmtop: trunc: it ends too early") && ran.err.lines().count() == 1, "{ran:?}");
        }
        let piped = home.feed(["ingest", "-", "--store", "piped.db"], &whole[..cut]);
        assert!(piped.code == Some(1) && piped.err.contains("stdin: it ends too early"), "{piped:?}");
        let before = home.report(&[])["accounting"]["read"].as_u64().expect("a count");
        home.write("trunc", &whole);
        home.ingest(&home.path("trunc"));
        let books = &home.report(&[])["accounting"];
        assert!(before < 401 && books["duplicate"] == 0, "{books}");
        assert_eq!((&books["accepted"], &books["read"]), (&Value::from(401), &Value::from(402)), "the break counts");
    }
}

#[test]
fn one_file_that_cannot_be_read_keeps_no_other_from_it() {
    let home = Home::new();
    home.write("good.log", events(6, 1, 1)[0].line());
    home.write("a.xz", b"\xfd7zXZ\0\0\0");
    for args in [["ingest", "none.log", "good.log"], ["ingest", "a.xz", "good.log"], ["report", "good.log", "none.log"]]
    {
        let ran = home.run(args);
        let bad = args.iter().find(|a| **a == "none.log" || **a == "a.xz").expect("one is bad");
        assert_eq!((ran.code, ran.err.matches(bad).count()), (Some(1), 1), "{ran:?}");
        assert!(!ran.out.is_empty());
    }
    let piped = home.feed(["ingest", "none.log", "-"], b"{\"event\":\"llm_call\",\"model\":\"m\"}\n");
    assert!(piped.code == Some(1) && piped.out.contains("1 accepted"), "{piped:?}");
    let none = home.run(["ingest", "none.log", "a.xz"]).bad();
    assert_eq!(none.matches("none.log").count(), 1, "{none}");
    assert!(home.run(["ingest", "none.log", "a.xz"]).out.is_empty());
}

#[test]
fn a_log_without_events_is_explained() {
    let home = Home::new();
    let line = "{\"msg\":\"my secret\",\"model\":\"gpt-4.1\",\"usage\":{\"prompt_tokens\":1}}\n";
    let want = "skipped, for example, app.log at byte 6: {\"msg\",\"model\",\"usage\"}";
    let summary = home
        .ingest(&home.write("app.log", "words\n".to_owned() + line + line))
        .replace(&*home.path("").to_string_lossy(), "");
    let report = home.run(["report"]).good().replace(&*home.path("").to_string_lossy(), "");
    for said in [&summary, &report] {
        assert!(said.contains(want) && said.contains("\"event\":\"llm_call\"") && !said.contains("secret"), "{said}");
    }
    assert!(summary.contains("3 skipped") && report.contains("no event in the 3 lines read: 3 skipped"), "{report}");
    assert!(!report.contains("llmtop ingest app.log"), "that was done: {report}");
    assert_eq!(home.report(&[])["accounting"]["skipped_like"]["fields"], "{\"msg\",\"model\",\"usage\"}");
    let own = home.run(["report", "app.log"]).good();
    assert!(own.contains("skipped, for example, app.log at byte 6: {"), "{own}");
    let words = home.feed(["ingest", "-"], b"one\ntwo\n").good();
    assert!(words.contains("none of the skipped lines is a JSON object"), "{words}");
    let event = home.feed(["ingest", "-"], b"one\n{\"event\":\"llm_call\",\"model\":\"m\"}\n").good();
    assert_eq!(event.lines().count(), 1, "{event}");
}

#[test]
fn nothing_hostile_reaches_the_terminal() {
    let home = Home::new();
    let model = "x\\u001b]0;pwn\\u0007\\u009b31m\\u202e\\n=1";
    let event = format!("{{\"event\":\"llm_call\",\"request_id\":\"r\",\"model\":\"{model}\"}}\n");
    home.ingest(&home.write("app.log", event));
    let select = "SELECT model, 1 AS \"a\u{1b}\u{9b}b\" FROM calls";
    let mut outs: Vec<String> =
        ["csv", "json", "table"].iter().map(|f| home.run(["query", "--format", f, select]).good()).collect();
    outs.push(home.export());
    outs.push(home.run(["report", "--since", "all", "--by", "model"]).good());
    for out in outs {
        let hostile = |c: char| (c.is_control() && !matches!(c, '\n' | '\r')) || c == '\u{202e}';
        assert!(out.contains("pwn") && !out.contains(hostile), "{out:?}");
    }
    let again = Home::new();
    again.ingest(&again.write("export.jsonl", home.export()));
    assert_eq!(again.export(), home.export(), "the same events, escaped or not");
}

#[test]
fn broken_lines_are_shown_without_what_they_say() {
    let home = Home::new();
    let line = "{\"event\":\"llm_call\",\"timestamp\":\"nope\",\"prompt\":\"my key is sk-ant-api03-SECRET\"}\n";
    home.ingest(&home.write("app.log", line.to_owned() + &line.replace("nope", "2026-13-45T10:00:00Z")));
    for format in ["text", "json"] {
        let args = ["report", "--since", "all", "--format", format];
        let masked = home.run(args).good();
        assert!(!masked.contains("sk-ant") && masked.contains("timestamp") && masked.contains('…'), "{masked}");
        assert!(masked.contains("2026-13-45T10:00:00Z"), "the fault can be seen: {masked}");
        let shown = home.run(args.iter().chain(&["--unmask"])).good();
        assert!(shown.contains("sk-ant-api03-SECRET"), "{shown}");
    }
}

/// Four calls of which two report a cost that is wrong in a usual way, and one without a price.
const REPORTED: &str = r#"{"event":"llm_call","timestamp":"2026-05-01T10:00:00Z","request_id":"a1","provider":"openai","model":"gpt-4o","input_tokens":1000,"cached_input_tokens":800,"output_tokens":300,"cost_usd":0.0055}
{"event":"llm_call","timestamp":"2026-05-01T10:00:09Z","request_id":"a2","provider":"openai","model":"gpt-4o","input_tokens":1000,"cached_input_tokens":800,"output_tokens":300,"cost_usd":0.0045}
{"event":"llm_call","timestamp":"2026-05-01T10:10:00Z","request_id":"a3","provider":"openai","model":"o3","input_tokens":1000,"reasoning_tokens":800,"output_tokens":1300,"cost_usd":0.0188}
{"event":"llm_call","timestamp":"2026-05-01T10:20:00Z","request_id":"a4","model":"mystery","input_tokens":1000,"output_tokens":1300,"cost_usd":0.5}
"#;

#[test]
fn an_audit_names_what_is_wrong_with_reported_costs() {
    let home = Home::new();
    let log = home.write("app.log", REPORTED);
    let log = log.to_str().expect("a path");
    let told = home.run(["prices", "audit", log]).good();
    for says in [
        "4 calls, 4 of them with a reported cost",
        "1 agree with the prices (33.3 %), 2 do not",
        "1 have no price to compare with",
        "reasoning added twice",
        "cached input at the full price",
    ] {
        assert!(told.contains(says), "{says}: {told}");
    }
    assert!(!told.contains("double counting"), "{told}");
    let lines = home.run(["prices", "audit", log, "--filter", "model:o3", "--format", "json"]).good();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0]["causes"]["reasoning added twice"], 1);
    assert_eq!(lines[0]["computed_usd"], 0.0124);
    assert_eq!(lines[1]["calls"], 1);
}

#[test]
fn pricing_again_changes_what_counts_and_keeps_what_was_reported() {
    let home = Home::new();
    home.ingest(&home.write("app.log", REPORTED));
    let cost = |home: &Home| {
        let sql = "SELECT model, cost_usd, reported_cost_usd FROM calls ORDER BY request_id";
        home.run(["query", sql, "--format", "csv"]).good()
    };
    let before = cost(&home);
    assert!(before.contains("o3,0.0188,0.0188") && before.contains("mystery,0.5,0.5"), "{before}");
    let reprice = |home: &Home, args: &[&str]| {
        let mut command = home.llmtop(["reprice", "--since", "all"]);
        let ran = command.args(args).env("LLMTOP_COST_SOURCE", "computed").output().expect("it runs");
        assert!(ran.status.success());
        String::from_utf8(ran.stdout).expect("text")
    };
    let told = reprice(&home, &["--dry-run"]);
    assert!(told.starts_with("4 calls priced again: the cost of 3 would change, from $0.529 to $0.0214;"), "{told}");
    assert_eq!(cost(&home), before);
    let told = reprice(&home, &[]);
    assert!(told.contains("the cost of 3 changed") && told.contains("0 had no cost, 1 have none"), "{told}");
    let after = cost(&home);
    assert!(after.contains("gpt-4o,0.0045,0.0055") && after.contains("mystery,,0.5"), "{after}");
    let report: Value = serde_json::from_str(&home.run(["report", "--format", "json"]).good()).expect("JSON");
    assert_eq!((&report["totals"]["cost_usd"], &report["totals"]["unpriced_calls"]), (&0.0214.into(), &1.into()));
    let text = home.run(["report"]).good();
    let unpriced = text.lines().skip_while(|line| !line.starts_with("without a cost")).nth(1).unwrap_or_default();
    assert_eq!(unpriced.split_whitespace().collect::<Vec<_>>(), ["mystery", "1", "1", "1,000", "1,300"], "{text}");
    let err = home.run(["reprice"]).err;
    assert!(err.contains("--since"), "{err}");
}

#[test]
fn ingest_says_why_lines_were_rejected() {
    let home = Home::new();
    let good = r#"{"event":"llm_call","ts":"2026-05-01T10:00:00Z","request_id":"a","model":"m"}"#;
    let bad = good.replace("\"m\"", "\"m\",\"input_tokens\":-1").replace("\"a\"", "\"b\"");
    home.write(
        "app.log",
        format!("{good}\n{bad}\n{{\"event\":\"llm_call\", broken\n{}\n", bad.replace("\"b\"", "\"c\"")),
    );
    let out = home.run(["ingest", "app.log"]).good();
    assert!(out.contains("rejected: 2 out_of_range, 1 invalid_json; "), "{out}");
}

#[test]
fn a_demo_is_kept_where_a_store_is_named() {
    let home = Home::new();
    let store = home.path("demo.db");
    let store = store.to_str().expect("text");
    home.run(["demo", "--history", "2m", "--store", store]).good();
    let report = home.run(["report", "--store", store, "--window", "all"]).good();
    assert!(report.contains("accepted") && !report.contains("no calls"), "{report}");
}
