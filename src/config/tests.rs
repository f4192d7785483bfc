//! Layers, messages and files of the configuration.

use super::*;
use crate::view::{Dim, Period};
use std::ffi::OsString;

const PANES: [&str; 3] = ["overview", "latency", "errors"];

fn home(name: &str) -> Option<OsString> {
    (name == "HOME").then(|| "/home/u".into())
}

/// Settings from the text of a file, some variables, and a command line.
fn effective(file: &str, variables: &[(&str, &str)], flags: &str) -> Result<Effective, String> {
    let cli = crate::cli::parse(format!("llmtop {flags}").split_whitespace()).unwrap();
    let env = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).into()).or_else(|| home(name));
    let inputs = Inputs { places: &cli.places, screen: Some(&cli.screen), env: &env, panes: &PANES };
    resolve(Some((Path::new("/c.toml"), file)), inputs).map_err(|e| e.to_string())
}

#[test]
fn flags_over_environment_over_file_over_defaults() {
    let file = "window = \"6h\"\ntheme = \"light\"\npane = \"errors\"\nutc = true\n";
    let got = effective(file, &[("LLMTOP_WINDOW", "7d"), ("LLMTOP_THEME", "dark")], "--window 15m").unwrap();
    assert_eq!(got.config.window.to_string(), "15m");
    assert_eq!(got.origin("window"), Origin::Flag("--window"));
    assert_eq!(got.config.theme, Theme::Dark);
    assert_eq!(got.origin("theme"), Origin::Variable("LLMTOP_THEME".to_owned()));
    assert_eq!(got.config.pane, "errors");
    assert_eq!(got.origin("pane"), Origin::File("/c.toml".into(), 3));
    assert!(got.config.utc && got.config.mask && !got.config.mouse);
    assert_eq!(got.origin("mask"), Origin::Default);
    assert_eq!(got.config.store().unwrap(), Path::new("/home/u/.local/share/llmtop/llmtop.db"));
}

#[test]
fn no_color_is_mono_unless_something_nearer_says_otherwise() {
    let theme =
        |variables: &[(&str, &str)], flags| effective("theme = \"dark\"", variables, flags).unwrap().config.theme;
    assert_eq!(theme(&[("NO_COLOR", "1")], ""), Theme::Mono);
    assert_eq!(theme(&[("NO_COLOR", "")], ""), Theme::Dark);
    assert_eq!(theme(&[("NO_COLOR", "1"), ("LLMTOP_THEME", "light")], ""), Theme::Light);
    assert_eq!(theme(&[("NO_COLOR", "1")], "--theme dark"), Theme::Dark);
}

#[test]
fn every_kind_of_value_reads() {
    let file = "store = \"~/calls.db\"\nfilter = 'env:prod -user:test*'\nmask = false\nmouse = true\n\
                [retention]\ntext = \"30d\"\nrows = \"forever\"\nsize = 5000000000\n\
                [cache]\nmax_size = \"unlimited\"\nmax_age = \"12h\"\n";
    let config = effective(file, &[], "").unwrap().config;
    assert_eq!(config.store.as_deref(), Some(Path::new("/home/u/calls.db")));
    assert_eq!(config.filter.to_string(), "env:prod -user:test*");
    assert!(!config.mask && config.mouse);
    let want = Retention { text_us: Some(30 * 86_400_000_000), rows_us: None, size: Some(5_000_000_000) };
    assert_eq!(config.retention, want);
    assert_eq!(config.cache, CacheLimits { max_size: None, max_age_us: Some(12 * 3_600_000_000) });
    let dotted = effective("retention.text = \"30d\"\nretention.size = \"5GB\"", &[], "").unwrap().config;
    assert_eq!(dotted.retention, want);
    let variables = effective("", &[("LLMTOP_RETENTION_TEXT", "1w"), ("LLMTOP_UTC", "on")], "").unwrap().config;
    assert_eq!((variables.retention.text_us, variables.utc), (Some(7 * 86_400_000_000), true));
}

#[test]
fn faults_name_the_line_and_what_is_allowed() {
    for (file, says) in [
        ("\n\nwindw = \"1h\"", "/c.toml, line 3: no setting \"windw\"; did you mean window?"),
        ("[retention]\ntxt = \"1d\"", "/c.toml, line 2: no setting \"retention.txt\"; did you mean retention.text?"),
        ("max_age = \"1d\"", "did you mean cache.max_age?"),
        ("[kubernetes]\nx = 1", "/c.toml, line 1: no setting \"kubernetes\"; there are store, theme"),
        ("window = 5", "line 1: window cannot be an integer; write in quotes: a length such as 15m"),
        ("utc = \"yes\"", "line 1: utc cannot be a string; write true or false"),
        ("theme = \"darl\"", "line 1: theme: no theme \"darl\"; did you mean dark?; write auto, dark, light or mono"),
        ("pane = \"latncy\"", "did you mean latency?; there are overview, latency, errors"),
        ("filter = \"modle:x\"", "filter: column 1: no field \"modle\"; did you mean model?"),
        ("store = \"calls.db\"", "an absolute path"),
        ("retention.size = 20", "\"20\" is less than 1MB; is a unit missing"),
        ("retention.size = -1", "retention.size: \"-1\" is no size"),
        ("retention.text = \"soon\"", "a length such as 30d, or forever"),
        ("retention = 5", "no setting \"retention\""),
        ("window = \"1h\"\nwindow = \"2h\"", "line 2: duplicate key"),
        ("theme = ", "line 1: "),
        ("= \u{0}", "line 1: "),
    ] {
        let error = effective(file, &[], "").unwrap_err();
        assert!(error.contains(says), "{file}: {error}");
    }
    let both = effective("a = 1\nwindow = \"x\"", &[("LLMTOP_MOUSE", "maybe")], "--pane quux").unwrap_err();
    assert_eq!(both.lines().count(), 4, "{both}");
    assert!(both.contains("LLMTOP_MOUSE: mouse: \"maybe\" is neither true nor false"), "{both}");
    assert!(both.contains("--pane: no pane \"quux\""), "{both}");
}

#[test]
fn budgets_read_field_by_field() {
    let file = "[[budget]]\nname = \"prod daily\"\nlimit_usd = 50\nperiod = \"day\"\ntimezone = \"europe/berlin\"\n\
                filter = \"env:prod\"\nper = \"user\"\nwarn_at = [1, 0.5, 0.5]\n\
                [[budget]]\nname = \"burst\"\nlimit_usd = 0.25\nperiod = \"90m\"\nwarn_at = 0.9\n";
    let budgets = effective(file, &[], "").unwrap().config.budgets;
    let daily = Budget {
        name: "prod daily".to_owned(),
        limit_nusd: 50_000_000_000,
        period: Period::Day,
        zone: chrono_tz::Tz::Europe__Berlin,
        filter: Filter::parse("env:prod").unwrap(),
        per: Some(Dim::User),
        warn_at: vec![500, 1_000],
    };
    let burst = Budget {
        name: "burst".to_owned(),
        limit_nusd: 250_000_000,
        period: Period::Last(5_400_000_000),
        zone: chrono_tz::Tz::UTC,
        filter: Filter::default(),
        per: None,
        warn_at: vec![900],
    };
    assert_eq!(budgets, [daily, burst]);
    let plain = "[[budget]]\nname = \"x\"\nlimit_usd = \"$5\"\nperiod = \"month\"";
    assert_eq!(effective(plain, &[], "").unwrap().config.budgets[0].warn_at, [800, 1_000]);
}

#[test]
fn impossible_budgets_are_told_with_their_line() {
    let budget = |fields: &str| format!("[[budget]]\nname = \"b\"\nlimit_usd = 5\nperiod = \"day\"\n{fields}");
    let instead = |from: &str, to: &str| budget("").replace(from, to);
    for (file, says) in [
        (instead("limit_usd = 5\n", ""), "line 1: [[budget]]: limit_usd is missing; write dollars above 0"),
        (instead("name = \"b\"\n", ""), "line 1: [[budget]]: name is missing"),
        (instead("period = \"day\"", ""), "line 1: [[budget]]: period is missing"),
        (instead("\"b\"", "\" \""), "line 2: budget.name: empty"),
        (instead("= 5", "= 0"), "line 3: budget.limit_usd: 0 can never be kept; write dollars above 0, such as 50"),
        (instead("= 5", "= -5"), "line 3: budget.limit_usd: "),
        (instead("= 5", "= nan"), "line 3: budget.limit_usd: "),
        (instead("= 5", "= inf"), "line 3: budget.limit_usd: "),
        (instead("= 5", "= true"), "line 3: budget.limit_usd: "),
        (instead("= 5", "= []"), "line 3: budget.limit_usd: cannot be an array"),
        (instead("= 5", "= 2000000000"), "line 3: budget.limit_usd: 2000000000 is more than a billion dollars"),
        (instead("day", "dya"), "line 4: budget.period: no period \"dya\"; did you mean day?"),
        (instead("day", "0h"), "line 4: budget.period: no period \"0h\""),
        (instead("day", "-1h"), "line 4: budget.period: no period \"-1h\""),
        (
            budget("timezone = \"Europe/Brelin\""),
            "line 5: budget.timezone: no time zone \"Europe/Brelin\"; did you mean Europe/Berlin?",
        ),
        (budget("filter = \"evn:prod\""), "line 5: budget.filter: column 1: no field \"evn\"; did you mean env?"),
        (budget("per = \"usr\""), "line 5: budget.per: no dimension \"usr\"; did you mean user?"),
        (budget("per = \"day\""), "line 5: budget.per: no dimension \"day\""),
        (budget("warn_at = [0.5, 0]"), "line 5: budget.warn_at: 0 is no share; 1.0 is all of the limit"),
        (budget("warn_at = [-0.5]"), "line 5: budget.warn_at: -0.5 is no share"),
        (budget("warn_at = [nan]"), "line 5: budget.warn_at: nan is no share"),
        (budget("warn_at = [0.0004]"), "line 5: budget.warn_at: 0.0004 is no share"),
        (budget("warn_at = [0.5, 80]"), "line 5: budget.warn_at: 80 is 80 times the limit; did you mean 0.8?"),
        (budget("warn_at = [[1]]"), "line 5: budget.warn_at: cannot hold an array"),
        (budget("warn_at = \"soon\""), "line 5: budget.warn_at: \"soon\" is no number"),
        (budget("limt_usd = 5"), "line 5: [[budget]] has no \"limt_usd\"; did you mean limit_usd?"),
        (budget("") + &budget(""), "line 6: budget.name: there are two budgets \"b\"; give each a name of its own"),
        ("[budget]\nname = \"b\"".to_owned(), "line 1: [[budget]]: limit_usd is missing"),
        ("budget = 5".to_owned(), "line 1: budget cannot be an integer; write [[budget]]"),
    ] {
        let error = effective(&file, &[], "").expect_err(&file);
        assert!(error.contains(says), "{file}: {error}");
    }
    let all = effective("[[budget]]\nlimit_usd = 0\nper = \"x\"\n[[budgte]]\n", &[], "").unwrap_err();
    for line in ["name is missing", "period is missing", "can never be kept", "no dimension \"x\""] {
        assert!(all.contains(line), "all at once: {all}");
    }
}

#[test]
fn prices_and_uplifts_read() {
    use crate::price::{Bucket, CostSource, Service};
    let file = "cost.source = \"computed\"\n\n[[price]]\nmodel = \"gpt-4o\"\nprovider = \"azure.ai.openai\"\nfrom = 2026-05-01\n\
                input = 2.1\ncache_read = \"0.075\"\noutput = 8\n[[price]]\nmodel = \"qwen3\"\ninput = 0\noutput = 0.0\n\
                [[uplift]]\nprovider = \"openai\"\nmodel = \"gpt-*\"\npercent = 10\n[[uplift]]\npercent = -2.125\nfrom = \"2026-05-01\"\n";
    let pricing = effective(file, &[], "").unwrap().config.pricing;
    assert_eq!(pricing.rule, CostSource::Computed);
    let [gpt, qwen] = &pricing.models[..] else { panic!("{pricing:#?}") };
    assert_eq!((&*gpt.model, gpt.provider.as_deref()), ("gpt-4o", Some("azure")));
    assert_eq!(gpt.from_us.map(crate::units::day).as_deref(), Some("2026-05-01"));
    assert_eq!(gpt.source.name, "the configuration, line 3");
    let rates: Vec<String> = gpt.scheme(Service::Standard).unwrap().rates.known().map(|(_, r)| r.to_string()).collect();
    assert_eq!(rates, ["2.1", "0.075", "8"]);
    assert!(Service::ALL.iter().all(|service| {
        let rates = qwen.scheme(*service).unwrap().rates;
        Bucket::ALL.iter().all(|bucket| rates.get(*bucket).unwrap().picos() == 0)
    }));
    let parts: Vec<i32> = pricing.uplifts.iter().map(|uplift| uplift.parts).collect();
    assert_eq!(parts, [10_000, -2_125]);
    let by_variable = effective("", &[("LLMTOP_COST_SOURCE", "reported")], "").unwrap().config.pricing.rule;
    assert_eq!(by_variable, CostSource::Reported);
}

#[test]
fn impossible_prices_are_told_with_their_line() {
    for (file, says) in [
        ("cost.source = \"compute\"", "line 1: cost.source: no source \"compute\"; did you mean computed?"),
        ("[[price]]\ninput = 1", "line 1: [[price]]: model is missing"),
        ("[[price]]\nmodel = \"x\"", "line 1: [[price]]: it has no price"),
        ("[[price]]\nmodel = \"x\"\ninptu = 1\noutput = 2", "line 3: [[price]] has no \"inptu\"; did you mean input?"),
        ("[[price]]\nmodel = \"x\"\ninput = -1", "line 3: price.input: -1 is less than nothing"),
        ("[[price]]\nmodel = \"x\"\ninput = 5000", "more than 1000 dollars per million tokens"),
        ("[[price]]\nmodel = \"x\"\ninput = nan", "price.input: \"nan\" is no price"),
        ("[[price]]\nmodel = \"x\"\ninput = 0.00000015", "has more than six decimals"),
        (
            "[[price]]\nmodel = \"x\"\ninput = 1\nfrom = \"May\"",
            "line 4: price.from: \"May\" is no day such as 2026-07-24",
        ),
        ("[[price]]\nmodel = \"x\"\ninput = 1\nfrom = 2026-05-01T10:00:00Z", "is no day such as"),
        (
            "[[price]]\nmodel = \"x\"\ninput = 1\n[[price]]\nmodel = \"x\"\ninput = 2",
            "line 4: [[price]]: there are two prices",
        ),
        ("[[uplift]]\nprovider = \"openai\"", "line 1: [[uplift]]: percent is missing"),
        ("[[uplift]]\npercent = -101", "-101 is no percentage from -100 to 1000"),
        ("[[uplift]]\npercent = 1001", "is no percentage from -100 to 1000"),
        ("[[uplift]]\npercent = 0.0001", "has more than three decimals"),
        ("[[prices]]\nmodel = \"x\"", "line 1: no setting \"prices\"; did you mean price?"),
    ] {
        let error = effective(file, &[], "").unwrap_err();
        assert!(error.contains(says), "{file}: {error}");
    }
}

#[test]
fn the_template_is_right_and_changes_nothing() {
    let template = write::template();
    assert_eq!(effective(&template, &[], "").unwrap().config, effective("", &[], "").unwrap().config);
    let sections: String =
        template.lines().filter_map(|line| line.strip_prefix("#   ")).map(|line| format!("{line}\n")).collect();
    let config = effective(&sections, &[], "").unwrap().config;
    assert_eq!((config.budgets.len(), config.alerts.rules.len()), (1, 1));
    let live: String = template
        .lines()
        .filter_map(|line| {
            line.strip_prefix("# ").filter(|l| KEYS.iter().any(|k| l.starts_with(&format!("{} = ", k.name))))
        })
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(live.lines().count(), KEYS.len());
    assert_eq!(effective(&live, &[], "").unwrap().config, effective("", &[], "").unwrap().config);
}

#[test]
fn what_is_shown_reads_back() {
    let file = "filter = 'app:\"my app\"'\nretention.size = \"7GB\"";
    let shown = |effective: &Effective| {
        let mut out = Vec::new();
        effective.show(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let first = effective(file, &[("LLMTOP_WINDOW", "36h")], "--utc").unwrap();
    let text = shown(&first);
    assert_eq!(effective(&text, &[], "").unwrap().config, first.config, "{text}");
    for line in ["# /c.toml, line 2", "# LLMTOP_WINDOW", "# --utc", "# default"] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn init_writes_once_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/llmtop/config.toml");
    init(&path).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert!(matches!(init(&path), Err(InitError::Exists(_))));
    assert!(matches!(init(&path.join("below/a.toml")), Err(InitError::Write { .. })));
}

#[test]
fn a_file_named_must_be_there_and_the_default_one_need_not() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().as_os_str().to_owned();
    let env = move |name: &str| (name == "HOME").then(|| root.clone());
    let places = PlaceArgs::default();
    let inputs = Inputs { places: &places, screen: None, env: &env, panes: &PANES };
    let verdict = |inputs| {
        let mut out = Vec::new();
        (check(inputs, &mut out).unwrap(), String::from_utf8(out).unwrap())
    };
    assert_eq!(load(inputs).unwrap().file, None);
    assert_eq!(verdict(inputs), (true, "no configuration file; `llmtop config init` writes one\n".to_owned()));
    init(&config_file(&env).unwrap()).unwrap();
    assert_eq!(load(inputs).unwrap().file, Some(config_file(&env).unwrap()));
    assert!(verdict(inputs).0 && verdict(inputs).1.ends_with("config.toml: all right\n"));
    std::fs::write(config_file(&env).unwrap(), "utc = 1\n").unwrap();
    let (right, text) = verdict(inputs);
    assert!(!right && text.contains("config.toml, line 1: utc cannot be an integer"), "{text}");
    let named = PlaceArgs { config: Some(folder.path().join("none.toml")), store: None };
    let error = load(Inputs { places: &named, ..inputs }).unwrap_err().to_string();
    assert!(error.contains("none.toml"), "{error}");
    let homeless = load(Inputs { env: &|_| None, ..inputs }).unwrap();
    assert!(homeless.config.store().is_err());
}

proptest::proptest! {
    #[test]
    fn no_file_panics(text in proptest::prelude::any::<String>(), near in "([a-z_.]{0,8}|\\[|\\]|=|\"|[0-9]|\n|window|retention){0,20}") {
        let _ = effective(&text, &[], "");
        let _ = effective(&near, &[], "");
    }
}

const ALERT: &str = "[[alert]]\nname = \"a\"\nmetric = \"error_rate\"\n";

#[test]
fn alerts_read_and_may_stand_before_the_budget_they_name() {
    use crate::alert::{Against, Channel, Side};
    let file = "[[alert]]\nname = \"spend\"\nmetric = \"budget_share\"\nbudget = \"daily\"\nabove = \"90%\"\n\
                [[alert]]\nname = \"slow\"\nmetric = \"p95_latency\"\nabove = \"2s\"\nclear = \"1.5s\"\nover = \"10m\"\n\
                for = \"2m\"\nfilter = \"env:prod\"\nmin_calls = 50\nnotify = [\"bell\", \"command\"]\n\
                command = [\"page\", \"on call\"]\n\
                [[alert]]\nname = \"rise\"\nmetric = \"spend_rate\"\nchange = \"+50%\"\nwebhook = \"https://h.example/x\"\n\
                [[alert]]\nname = \"coming\"\nmetric = \"forecast_over_limit\"\nbudget = \"daily\"\n\
                [alerts]\nfile = \"~/alerts.jsonl\"\nquiet = \"10m\"\n\
                [[budget]]\nname = \"daily\"\nlimit_usd = 50\nperiod = \"day\"\n";
    let alerts = effective(file, &[("LLMTOP_ALERTS_WEBHOOK", "http://127.0.0.1:1/")], "").unwrap().config.alerts;
    let [spend, slow, rise, coming] = alerts.rules.as_slice() else { panic!("{alerts:?}") };
    assert_eq!((spend.condition.at, spend.budget.as_deref(), spend.line), (0.9, Some("daily"), 1));
    assert_eq!((slow.condition.at, slow.condition.clear, slow.over_us), (2e6, 1.5e6, 600_000_000));
    assert_eq!((slow.hold_us, slow.min_calls, slow.filter.to_string()), (120_000_000, 50, "env:prod".to_owned()));
    assert_eq!(slow.targets.command, ["page", "on call"]);
    assert_eq!(alerts.route(Some(slow)).0, [Channel::Bell, Channel::Command]);
    assert_eq!((rise.condition.against, rise.condition.side, rise.condition.at), (Against::Before, Side::Above, 0.5));
    let (channels, targets) = alerts.route(Some(rise));
    assert_eq!(channels, [Channel::Screen, Channel::Bell, Channel::Webhook, Channel::File]);
    assert_eq!(targets.webhook.unwrap().host(), "h.example");
    assert_eq!(targets.file.as_deref(), Some(Path::new("/home/u/alerts.jsonl")));
    assert_eq!(coming.condition.at, 1.0);
    assert_eq!((alerts.quiet_us, alerts.targets.webhook.unwrap().host()), (600_000_000, "127.0.0.1:1"));
}

#[test]
fn impossible_alerts_are_told_with_their_line() {
    for (more, says) in [
        ("", "/c.toml, line 1: [[alert]]: nothing says when; write above, below or change: \"5%\" or 0.05"),
        ("above = 0.1\nbelow = 0.2", "above, below and change are three alerts; write one of them"),
        ("above = 5", "line 4: alert.above: the error rate is never above 500 %; did you mean \"5%\"?"),
        ("above = \"100%\"", "the error rate is never above 100 %"),
        ("below = 0", "never below nothing"),
        ("below = \"150%\"", "always below"),
        ("above = -0.1", "never negative"),
        ("above = \"2s\"", "\"2s\" is no share; write \"5%\" or 0.05"),
        ("change = 0", "a change of nothing is none"),
        ("change = 50", "line 4: alert.change: 50 is 50 times all of it; did you mean \"50%\"?"),
        ("change = \"-100%\"", "nothing falls by more than all of it"),
        (
            "above = 0.1\nclear = 0.2",
            "line 5: alert.clear: 0.2 is beyond where it fires; it has to be at or below that",
        ),
        ("above = 0.1\nfro = \"5m\"", "line 5: [[alert]] has no \"fro\"; did you mean for?"),
        ("above = 0.1\nover = \"5\"", "alert.over: \"5\" is no length of time"),
        ("above = 0.1\nfilter = \"modle:x\"", "did you mean model?"),
        ("above = 0.1\nbudget = \"daily\"", "error_rate has nothing to do with a budget"),
        ("above = 0.1\nnotify = [\"screan\"]", "no way to tell \"screan\"; did you mean screen?"),
        (
            "above = 0.1\nnotify = [\"webhook\"]",
            "line 1: alert \"a\": notify names \"webhook\", and there is no webhook",
        ),
        ("above = 0.1\nnotify = \"bell\"\nfile = \"/x\"", "file is given, and notify does not name it"),
        ("above = 0.1\nwebhook = \"hooks.example.org\"", "it does not begin with https:// or http://"),
        ("above = 0.1\nfile = \"alerts.jsonl\"", "means another file in every folder"),
        ("above = 0.1\ncommand = \"page oncall\"", "write its words apart"),
        (&format!("above = 0.1\n{ALERT}above = 0.1"), "line 6: alert.name: there are two alerts \"a\""),
    ] {
        let error = effective(&format!("{ALERT}{more}"), &[], "").unwrap_err();
        assert!(error.contains(says), "{more}: {error}");
    }
    let budget = "[[budget]]\nname = \"daily\"\nlimit_usd = 5\nperiod = \"1h\"\n";
    for (text, says) in [
        ("metric = \"eror_rate\"", "line 3: alert.metric: no metric \"eror_rate\"; did you mean error_rate?"),
        ("metric = \"p95_latency\"\nabove = 2", "\"2\" is no length of time; write \"2s\" or \"10m\""),
        ("metric = \"no_events\"\nbelow = \"5m\"", "is how it should be; write above"),
        ("metric = \"no_events\"\nabove = \"5m\"\nover = \"1h\"", "line 5: alert.over: no_events has none"),
        ("metric = \"budget_share\"\nabove = 1", "budget is missing; write the name of a budget; there are daily"),
        ("metric = \"budget_share\"\nabove = 1\nbudget = \"dayly\"", "no budget \"dayly\"; did you mean daily?"),
        ("metric = \"budget_share\"\nabove = 1\nbudget = \"daily\"\nover = \"1h\"", "the budget says which calls"),
        ("metric = \"budget_share\"\nabove = 90\nbudget = \"daily\"", "alert.above: 90 is 90 times all of it"),
        ("metric = \"budget_share\"\nchange = 1\nbudget = \"daily\"", "has no window before"),
        ("metric = \"forecast_over_limit\"\nbudget = \"daily\"", "does not end, so that nothing is forecast"),
    ] {
        let error = effective(&format!("[[alert]]\nname = \"a\"\n{text}\n{budget}"), &[], "").unwrap_err();
        assert!(error.contains(says), "{text}: {error}");
    }
    let error = effective("", &[("LLMTOP_ALERTS_NOTIFY", "bell, command")], "").unwrap_err();
    assert!(error.contains("LLMTOP_ALERTS_NOTIFY: alerts.notify: notify names \"command\""), "{error}");
    let none = effective("[[alert]]\nname = \"a\"\nmetric = \"budget_share\"\nbudget = \"x\"\nabove = 1", &[], "");
    assert!(none.unwrap_err().contains("there is no [[budget]]"));
}

#[test]
fn the_address_of_a_webhook_is_shown_nowhere() {
    let shown = |file: &str| match effective(file, &[], "") {
        Ok(effective) => {
            let mut out = Vec::new();
            effective.show(&mut out).unwrap();
            format!("{effective:?}{}", String::from_utf8(out).unwrap())
        }
        Err(error) => error,
    };
    for file in
        ["https://u:hunter2@h.example/hunter2?hunter2", "ftp://h.example/hunter2", "https://h.example/hun ter2/hunter2"]
    {
        assert!(!shown(&format!("alerts.webhook = \"{file}\"")).contains("hunter2"), "{file}");
    }
}
