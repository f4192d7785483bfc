//! The bills of `fixtures/bills.json`, worked by hand there, against the bills that the program makes; and what must hold of
//! every bill.

#![allow(clippy::unwrap_used)] // a bill that cannot be made has to fail

use llmtop::cli::PlaceArgs;
use llmtop::config::{self, Inputs};
use llmtop::event::{Call, ScoreEvent, Sink, SpanEvent};
use llmtop::format::Decoder;
use llmtop::price::{
    Author, Bill, Book, Bucket, Computed, Entry, Mode, Prices, Rate, Service, Source, Table, Tables, Unpriced,
    read_own, write_own,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

const FIXTURE: &str = include_str!("../fixtures/bills.json");

fn fixture() -> Value {
    serde_json::from_str(FIXTURE).unwrap()
}

/// The table that the fixture pins.
fn table(fixture: &Value) -> Table {
    let header = json!({"format": "llmtop-prices", "version": 1, "source": "by hand", "date": "2020-01-01"});
    let models = fixture["prices"].as_array().unwrap().iter();
    let lines: Vec<String> = std::iter::once(&header).chain(models).map(Value::to_string).collect();
    Table::of(read_own(&lines.join("\n"), Author::Shipped).unwrap().entries)
}

/// Prices by that table and a configuration.
fn prices(table: &Table, config: &str) -> Prices {
    let (places, env) = (PlaceArgs::default(), |name: &str| (name == "HOME").then(|| "/home/u".into()));
    let inputs = Inputs { places: &places, screen: None, env: &env, panes: &["overview"] };
    let pricing = config::resolve(Some((Path::new("c.toml"), config)), inputs).unwrap().config.pricing;
    let own = pricing.models.into_iter().map(Arc::new).collect();
    let tables = Tables::only(table.clone());
    Prices { rule: pricing.rule, own, uplifts: pricing.uplifts, tables, gateways: pricing.gateways }
}

/// Makes the bill of every call that is decoded, and sees that the sum without a bill is the same.
struct Biller<'a> {
    prices: &'a Prices,
    event: &'a Value,
    bill: Option<Bill>,
}

impl Sink for Biller<'_> {
    fn call(&mut self, call: &Call<'_>) {
        let mut call = call.clone();
        // Whatever formats make of them: these are the call's.
        call.service_tier = self.event["service_tier"].as_str().map(Cow::Borrowed);
        call.input_audio_tokens = self.event["input_audio_tokens"].as_u64();
        call.output_audio_tokens = self.event["output_audio_tokens"].as_u64();
        let ts_us = call.ts_us.unwrap();
        let bill = self.prices.bill(&call, ts_us);
        let model = self.prices.model(call.provider.as_deref(), call.model.as_deref());
        assert_eq!(self.prices.cost(model.as_deref(), &call, ts_us), bill.cost);
        self.bill = Some(bill);
    }

    fn span(&mut self, _: &SpanEvent<'_>) {}

    fn score(&mut self, _: &ScoreEvent<'_>) {}
}

fn bill(case: &Value, prices: &Prices) -> Bill {
    let mut event = case["event"].clone();
    event["event"] = "llm_call".into();
    event["timestamp"] = case.get("at").cloned().unwrap_or_else(|| "2026-05-20T12:00:00Z".into());
    let mut biller = Biller { prices, event: &case["event"], bill: None };
    Decoder::new().decode(event.to_string().as_bytes(), &mut biller);
    biller.bill.unwrap_or_else(|| panic!("{}: no event", case["name"]))
}

#[test]
fn what_no_call_can_cost_is_unknown_and_never_wrapped() {
    let prices = prices(&table(&fixture()), "[[uplift]]\npercent = 1000\n");
    for (input, unpriced) in [(36_000_000_000, false), (37_000_000_000, true), (u64::MAX, true)] {
        let (model, output) = (Some(Cow::Borrowed("gpt-4o")), Some(u64::MAX / 3 * u64::from(input == u64::MAX)));
        let call = Call { model, input_tokens: Some(input), output_tokens: output, ..Call::default() };
        let bill = prices.bill(&call, 0);
        assert_eq!(bill.computed == Computed::Unpriced(Unpriced::OutOfRange), unpriced, "{bill:#?}");
        assert_eq!(bill.cost.nusd.is_none(), unpriced);
    }
}

fn day(us: Option<i64>) -> Value {
    us.map_or(Value::Null, |us| llmtop::units::day(us).into())
}

#[test]
fn bills_worked_by_hand_are_exact_to_the_nano_dollar() {
    let fixture = fixture();
    let table = table(&fixture);
    let cases = fixture["bills"].as_array().unwrap();
    assert!(cases.len() >= 60, "{}", cases.len());
    for case in cases {
        let name = &case["name"];
        let bill = bill(case, &prices(&table, case["config"].as_str().unwrap_or_default()));
        match &bill.computed {
            Computed::Billed(invoice) => {
                assert_eq!(json!(invoice.nusd), case["nusd"], "{name}: {bill:#?}");
                assert_eq!(json!(invoice.cache_saved_nusd), case["saved"], "{name}: saved");
                assert_eq!(json!(invoice.above), case["above"], "{name}: above");
                let also = [
                    ("found", invoice.found.word().into()),
                    ("service", invoice.service.word().into()),
                    ("from", day(invoice.from_us)),
                    ("backdated", invoice.backdated.into()),
                ];
                for (field, got) in also.iter().filter(|(field, _)| case.get(field).is_some()) {
                    assert_eq!(got, &case[field], "{name}: {field}");
                }
            }
            Computed::Free(why) => assert_eq!(json!(why.to_string()), case["free"], "{name}"),
            Computed::Unpriced(why) => assert_eq!(json!(why.to_string()), case["unpriced"], "{name}"),
        }
        let counts = case.get("counts").cloned().unwrap_or_else(|| json!(bill.computed.nusd()));
        assert_eq!(json!(bill.cost.nusd), counts, "{name}: what counts");
    }
}

/// A plain decimal in billionths.
fn billionths(text: &str) -> i128 {
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    assert!(part.len() <= 9, "{text}");
    format!("{whole}{part:0<9}").parse().unwrap()
}

/// Does the arithmetic that the fixture shows; the last result, in billionths of a millionth of a dollar.
fn worked(work: &str) -> i128 {
    let mut result = 0;
    for equation in work.split(';') {
        let (terms, said) = equation.split_once('=').unwrap();
        let products = terms.split('+').map(|term| {
            let (tokens, rate) = term.split_once('×').unwrap();
            let product = billionths(tokens) * billionths(rate);
            assert_eq!(product % 1_000_000_000, 0, "{work}");
            product / 1_000_000_000
        });
        result = products.sum();
        assert_eq!(result, billionths(said), "{work}");
    }
    result
}

#[test]
fn the_arithmetic_of_the_fixture_is_right() {
    for case in fixture()["bills"].as_array().unwrap() {
        match case["work"].as_str() {
            Some(work) => {
                let nusd = (worked(work) + 500_000).div_euclid(1_000_000);
                assert_eq!(json!(i64::try_from(nusd).unwrap()), case["nusd"], "{}", case["name"]);
            }
            None => assert!(case["unpriced"].is_string() || case["free"].is_string(), "{}", case["name"]),
        }
    }
}

fn rates() -> impl Strategy<Value = Vec<(Bucket, Rate)>> {
    let rate = prop_oneof![Just(0u32), 1u32..2_000, 1u32..100_000_000];
    let one = (prop::sample::select(Bucket::ALL.to_vec()), rate.prop_map(|picos| Rate::from_picos(picos).unwrap()));
    prop::collection::vec(one, 1..10)
}

type Rated = Vec<(Bucket, Rate)>;

type Schemes = Vec<(Service, Rated, Vec<(u64, Rated)>)>;

fn schemes() -> impl Strategy<Value = Schemes> {
    let tiers = prop::collection::vec((1u64..400_000, rates()), 0..3);
    let one = (prop::sample::select(Service::ALL.to_vec()), rates(), tiers);
    prop::collection::vec(one, 1..4)
}

prop_compose! {
    fn entries()(
        models in prop::collection::vec(("[a-z@:./\"é -]{1,12}x", prop::option::of("[a-z_]{1,8}"), schemes(), prop::option::of(0i64..30_000), prop::option::of(prop::sample::select(Mode::ALL.to_vec())), prop::collection::vec("[a-zü\\\\]{1,5}", 0..3)), 1..6),
    ) -> Vec<Entry> {
        let source = Arc::new(Source { author: Author::Imported, name: "a \"table\"".into(), date_us: Some(0) });
        let mut seen = std::collections::HashSet::new();
        let made = models.into_iter().map(|(model, provider, schemes, from, mode, aliases)| {
            let mut entry = Entry::new(&model, provider.as_deref(), Arc::clone(&source));
            entry.mode = mode;
            entry.from_us = from.map(|day| day * 86_400_000_000);
            entry.aliases = aliases.into_iter().map(Into::into).collect();
            for (service, rates, tiers) in schemes {
                let scheme = entry.scheme_mut(service);
                rates.into_iter().for_each(|(bucket, rate)| scheme.rates.set(bucket, rate));
                for (above, rates) in tiers {
                    rates.into_iter().for_each(|(bucket, rate)| scheme.tier_of(above).set(bucket, rate));
                }
            }
            entry
        });
        made.filter(|entry| seen.insert((entry.full_name(), entry.from_us))).collect()
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(entries in entries()) {
        let source = Arc::clone(&entries[0].source);
        let book = Book { source, entries };
        let text = write_own(&book);
        prop_assert_eq!(read_own(&text, Author::Imported).unwrap(), book, "{}", text);
    }

    #[test]
    fn lines_sum_up_to_the_cost_and_more_tokens_never_cost_less(
        entries in entries(), uplift in -100_000i32..200_000, which in 0usize..6, tier in prop::option::of("batch|flex|priority"),
        counts in prop::array::uniform6(0u64..150_000), more in prop::array::uniform6(0u64..1_000),
    ) {
        let mut entry = entries[which % entries.len()].clone();
        let usual = &mut entry.scheme_mut(Service::Standard).rates;
        for bucket in Bucket::ALL.into_iter().filter(|bucket| usual.get(*bucket).is_none()).collect::<Vec<_>>() {
            usual.set(bucket, Rate::from_picos(1_500).unwrap());
        }
        let (model, provider) = (entry.bare_name().to_owned(), entry.provider.clone());
        let uplifts = vec![llmtop::price::Uplift { provider: None, model: None, parts: uplift, from_us: None }];
        let prices = Prices { uplifts, tables: Tables::only(Table::of([entry])), ..Prices::default() };
        let make = |[plain, cached, written, heard, text, reasoning]: [u64; 6]| Call {
            model: Some(model.clone().into()),
            provider: provider.as_deref().map(Into::into),
            service_tier: tier.clone().map(Into::into),
            input_tokens: Some(plain + cached + written + heard),
            cached_input_tokens: Some(cached),
            cache_write_tokens: Some(written),
            cache_write_1h_tokens: Some(written / 3),
            input_audio_tokens: Some(heard),
            output_tokens: Some(text + reasoning),
            reasoning_tokens: Some(reasoning),
            ..Call::default()
        };
        let first = prices.bill(&make(counts), 0);
        let Computed::Billed(invoice) = &first.computed else { return Ok(()) };
        let picos: u128 = invoice.lines.iter().map(|line| line.picos()).sum();
        let whole = i128::try_from(picos).unwrap() * i128::from(100_000 + uplift);
        prop_assert_eq!(i128::from(invoice.nusd), (whole + 50_000_000).div_euclid(100_000_000));
        prop_assert!(invoice.lines.iter().all(|line| line.tokens > 0));
        let counts = std::array::from_fn(|i| counts[i] + more[i]);
        if let Computed::Billed(larger) = prices.bill(&make(counts), 0).computed
            && larger.above == invoice.above
        {
            prop_assert!(larger.nusd >= invoice.nusd);
        }
    }
}
