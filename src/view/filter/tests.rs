//! The filter language by example and by property.

use super::*;
use crate::event::FailureMode;
use proptest::prelude::*;

fn parse(text: &str) -> Filter {
    Filter::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[test]
fn canonical_text_of_what_is_typed() {
    let cases = [
        ("", ""),
        ("  model:gpt-4o*   status:error ", "model:gpt-4o* status:error"),
        ("Model:a,b,\"c d\"", "model:a,b,\"c d\""),
        ("environment:prod", "env:prod"),
        ("user:", "user:"),
        ("-user:", "-user:"),
        ("user:\"\"", "user:"),
        ("user:\"\",u_1", "user:\"\",u_1"),
        ("trace_id:4bf9 id:req_1", "trace:4bf9 request:req_1"),
        ("latency>5s ttft>=1s cost<0.01 tokens<=8k", "latency>5s ttft>=1s cost<0.01 tokens<=8000"),
        ("latency:>1.5m", "latency>90s"),
        ("latency>1.5ms", "latency>1500us"),
        ("cost>$5", "cost>5"),
        ("timeout", "timeout"),
        ("-\"rate limit\"", "-\"rate limit\""),
        ("\"say \\\"hi\\\"\"", "\"say \\\"hi\\\"\""),
        ("key=value", "\"key=value\""),
        ("app:\"my app\" env:prod,staging", "app:\"my app\" env:prod,staging"),
        ("source:C:\\logs\\a.log", "source:C:\\logs\\a.log"),
        ("model:\"openai/\\*\"", "model:\"openai/\\*\""),
        ("error:rate* -error:timeout", "error:rate* -error:timeout"),
        ("model:日本語 ключ", "model:日本語 ключ"),
    ];
    for (typed, canonical) in cases {
        assert_eq!(parse(typed).to_string(), canonical, "{typed}");
        assert_eq!(parse(canonical), parse(typed), "{typed}");
    }
}

#[test]
fn faults_name_their_column_and_the_remedy() {
    let cases = [
        ("modle:x", 1, "did you mean model"),
        ("status:ok modle:x", 11, "did you mean model"),
        ("日本 modle:x", 4, "did you mean model"),
        ("status:ko", 8, "ok or error"),
        ("status:", 8, "ok or error"),
        ("error:ratelimit", 7, "did you mean rate_limit"),
        ("error:timeout,quux", 15, "there are rate_limit, overloaded"),
        ("app:\"my app", 5, "not closed"),
        ("\"abc\\", 1, "not closed"),
        ("\"abc\"def", 6, "a space is missing"),
        ("model:a\"b\"", 8, "a space is missing"),
        ("\"\"", 1, "no text"),
        ("-", 2, "nothing follows"),
        ("- status:ok", 2, "nothing follows"),
        ("latency", 0, ""),
        ("latency > 5s", 9, "without spaces"),
        ("latency>5", 9, "write 5s or 5ms"),
        ("latency>", 9, "write latency>5s"),
        ("latency>-5s", 9, "no length of time"),
        ("latency=5s", 8, "write latency>5s"),
        ("latency:5s", 9, "write latency>5s"),
        ("cost>cheap", 6, "dollars"),
        ("tokens>8000x", 8, "8k"),
        ("model=gpt-4o", 6, "write model:VALUE"),
        ("model>5", 6, "write model:VALUE"),
        ("user:a,", 8, "a value is missing"),
        ("user:,a", 6, "a value is missing"),
        ("http://x", 1, "put quotes around text"),
        (":x", 1, "name is missing"),
        ("--status:ok", 2, "did you mean status"),
    ];
    for (typed, column, why) in cases {
        match (column, Filter::parse(typed)) {
            (0, got) => assert!(got.is_ok(), "{typed}"),
            (_, Ok(got)) => panic!("{typed} read as {got}"),
            (_, Err(e)) => assert!(e.column == column && e.why.contains(why), "{typed}: {e}"),
        }
    }
}

/// A call as plain values.
#[derive(Default)]
struct Facts {
    model: Option<&'static str>,
    user: Option<&'static str>,
    tags: Vec<&'static str>,
    latency: Option<i64>,
    text: &'static str,
}

impl Subject for Facts {
    fn any_value(&self, field: Field, test: &dyn Fn(Option<&str>) -> bool) -> bool {
        match field {
            Field::Dim(Dim::Model) => test(self.model),
            Field::Dim(Dim::User) => test(self.user),
            Field::Tag if self.tags.is_empty() => test(None),
            Field::Tag => self.tags.iter().any(|tag| test(Some(tag))),
            _ => test(None),
        }
    }

    fn number(&self, number: Number) -> Option<i64> {
        self.latency.filter(|_| number == Number::Latency)
    }

    fn any_text(&self, test: &dyn Fn(&str) -> bool) -> bool {
        test(self.text)
    }
}

#[test]
fn terms_hold_as_documented() {
    let call =
        Facts { model: Some("gpt-4o-mini"), tags: vec!["rag", "beta"], text: "Rate limit hit", ..Facts::default() };
    for yes in [
        "",
        "model:GPT-4O*",
        "user:",
        "-user:u_1",
        "-tag:BETA",
        "tag:beta",
        "model:\"gpt-4o*\"",
        "rate",
        "-latency>5s",
        "model:x,gpt-4o-mini",
    ] {
        assert!(parse(yes).holds(&call), "{yes}");
    }
    for no in [
        "model:gpt-4o",
        "user:*",
        "-tag:rag",
        "tag:",
        "tag:Beta",
        "model:\"GPT-4o*\"",
        "latency>5s",
        "latency<5s",
        "-\"rate limit\"",
        "model:gpt* user:x",
    ] {
        assert!(!parse(no).holds(&call), "{no}");
    }
}

#[test]
fn rollups_answer_what_they_know() {
    for rollups in ["", "model:a provider:b operation:c app:d env:e host:f variant:g error:timeout -status:ok"] {
        assert!(!parse(rollups).needs_rows(), "{rollups}");
    }
    for rows in ["user:x", "session:", "trace:x", "request:x", "tag:x", "source:x", "latency>1s", "word", "model:a x"] {
        assert!(parse(rows).needs_rows(), "{rows}");
    }
}

#[test]
fn a_series_is_judged_by_its_own_dimensions() {
    let series = |dim| match dim {
        Dim::Model => Some("gpt-4o"),
        Dim::Status => Some("error"),
        Dim::Error => Some("timeout"),
        _ => None,
    };
    for yes in
        ["model:gpt*", "status:error error:time*", "user:x latency>9s", "provider:", "-error:rate_limit", "-error:"]
    {
        assert!(parse(yes).dims_match(&series), "{yes}");
    }
    for no in ["model:claude*", "provider:openai", "-status:error", "error:"] {
        assert!(!parse(no).dims_match(&series), "{no}");
    }
}

#[test]
fn narrowing_replaces_the_field_and_takes_the_value_literally() {
    let filter = parse("model:gpt* status:error -model:x");
    let model = Field::Dim(Dim::Model);
    assert_eq!(filter.narrowed(model, Some("a*b c")).to_string(), "status:error -model:x model:\"a\\*b c\"");
    assert_eq!(filter.narrowed(model, None).to_string(), "status:error -model:x model:");
}

#[test]
fn ids_that_differ_in_case_are_different() {
    let call = |user| Facts { user: Some(user), ..Facts::default() };
    for typed in ["user:aB3x", "user:\"aB3x\"", "user:aB*", "user:*B3x,other"] {
        assert!(parse(typed).holds(&call("aB3x")), "{typed}");
        assert!(!parse(typed).holds(&call("Ab3X")), "{typed}");
    }
    let user = Field::Dim(Dim::User);
    let row = Filter::default().narrowed(user, Some("aB3x"));
    assert_eq!(row.to_string(), "user:aB3x");
    assert!(row.holds(&call("aB3x")) && !row.holds(&call("Ab3X")));
    let model = Filter::default().narrowed(Field::Dim(Dim::Model), Some("GPT-4o"));
    assert_eq!(model.to_string(), "model:\"GPT-4o\"", "without quotes it would be all spellings");
    assert!(!model.holds(&Facts { model: Some("gpt-4o"), ..Facts::default() }));
    assert_eq!(Filter::default().narrowed(Field::Dim(Dim::Error), Some("timeout")).to_string(), "error:timeout");
    assert_eq!(parse("status:\"OK\""), parse("status:ok"));
}

/// A pattern as a filter on this field can have it.
fn pattern(field: Field) -> impl Strategy<Value = Pattern> {
    prop_oneof![
        any::<String>().prop_map(move |s| Pattern::value(&s, field.quoted_case())),
        "[aB*\\\\\", ]{0,6}".prop_map(move |s| Pattern::glob(&s, field.quoted_case())),
        "[aB*\\\\]{0,6}".prop_map(move |s| Pattern::glob(&s, field.case())),
    ]
}

fn field() -> impl Strategy<Value = Field> {
    let open: Vec<Field> = Dim::ALL
        .into_iter()
        .filter(|dim| !matches!(dim, Dim::Error | Dim::Status))
        .map(Field::Dim)
        .chain([Field::Trace, Field::Request, Field::Tag])
        .collect();
    prop::sample::select(open)
}

fn term() -> impl Strategy<Value = Term> {
    let op = prop::sample::select(vec![Op::Above, Op::AtLeast, Op::Below, Op::AtMost]);
    let errors = prop::collection::vec(prop::sample::select(FailureMode::ALL.to_vec()), 1..3);
    let matches = prop_oneof![
        field().prop_flat_map(|f| prop::collection::vec(pattern(f), 1..4).prop_map(move |p| Match::Any(f, p))),
        errors.prop_map(|modes| {
            Match::Any(Field::Dim(Dim::Error), modes.into_iter().map(|m| Pattern::value(m.word(), Case::Any)).collect())
        }),
        (prop::sample::select(Number::ALL.to_vec()), op, 0i64..i64::MAX).prop_map(|(n, o, b)| Match::Compare(n, o, b)),
        ".{1,12}".prop_map(|s| Match::Text(Needle::new(&s))),
    ];
    (any::<bool>(), matches).prop_map(|(negated, matches)| Term { negated, matches })
}

proptest! {
    #[test]
    fn canonical_text_reads_back(terms in prop::collection::vec(term(), 0..5)) {
        let filter = Filter { terms };
        let text = filter.to_string();
        prop_assert_eq!(Filter::parse(&text), Ok(filter), "{}", text);
    }

    #[test]
    fn no_text_panics_and_what_reads_reads_back(text in any::<String>()) {
        match Filter::parse(&text) {
            Ok(filter) => prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter)),
            Err(e) => prop_assert!((1..=text.chars().count() + 1).contains(&e.column)),
        }
    }

    #[test]
    fn nothing_near_the_language_panics(text in "([-,:<>=\"*\\\\ $.]|model|status|latency|ok|5s|é){0,12}") {
        match Filter::parse(&text) {
            Ok(filter) => prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter)),
            Err(e) => prop_assert!((1..=text.chars().count() + 1).contains(&e.column)),
        }
    }
}
