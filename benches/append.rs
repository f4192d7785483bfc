//! The writer alone: ns and bytes a row for batches of calls in time order, and shuffled over three days.
//! `cargo bench --bench append -- [ROWS]`

use llmtop::batch::{Batch, Builder};
use llmtop::event::{Call, FailureMode, Outcome, Sink};
use llmtop::store::{Store, sqlite::SqliteStore};
use std::time::Instant;

const BATCH: u64 = 16_384;
const THREE_DAYS: u64 = 3 * 86_400_000_000;

fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn event(builder: &mut Builder, n: u64, rows: u64) {
    let r = mix(n);
    let model = format!("model-{}", r % 12);
    let failed = r.is_multiple_of(50);
    let latency = 200_000 + mix(r) % 4_000_000;
    let preview = format!(
        "Summarise ticket {} of customer {} in three sentences and say what we promised them before {}",
        r % 100_000,
        mix(r + 1) % 10_000,
        r % 31
    );
    let call = Call {
        ts_us: Some((1_750_000_000_000_000 + n * (THREE_DAYS / rows)) as i64),
        request_id: Some(format!("{:08x}-0000-4000-8000-{:012x}", r as u32, n).into()),
        trace_id: Some(format!("{:016x}{:016x}", mix(n / 3), n / 3).into()),
        session_id: Some(format!("sess-{:08}", n / 8).into()),
        user_id: Some(format!("user-{:05}", mix(n / 8) % 10_000).into()),
        model: Some(model.as_str().into()),
        provider: Some(if r % 12 < 6 { "openai" } else { "anthropic" }.into()),
        operation: Some("chat".into()),
        app: Some("support".into()),
        environment: Some("prod".into()),
        host: Some(if r & 1 == 0 { "web-1" } else { "web-2" }.into()),
        input_tokens: Some(100 + r % 4_000),
        output_tokens: Some(10 + r % 900),
        cached_input_tokens: Some(r % 100),
        latency_us: Some(latency),
        ttft_us: Some(latency / 4),
        cost_nusd: Some((r % 10_000_000) as i64),
        http_status: Some(if failed { 429 } else { 200 }),
        outcome: if failed { Outcome::Failed(FailureMode::RateLimit) } else { Outcome::Ok },
        error_message: failed.then(|| "Rate limit reached for model-1 in organization org-1".into()),
        finish_reason: Some("stop".into()),
        stream: Some(true),
        prompt_preview: Some(preview.into()),
        ..Call::default()
    };
    builder.begin_line(0);
    builder.call(&call);
    builder.end_line(b"");
}

fn batches(rows: u64, order: impl Fn(u64) -> u64) -> Vec<Batch> {
    let mut builder = Builder::new(std::sync::Arc::default()).expect("memory");
    let mut done = Vec::new();
    for n in 0..rows {
        event(&mut builder, order(n), rows);
        if (n + 1) % BATCH == 0 || n + 1 == rows {
            builder.batch().source = "bench".to_owned();
            done.push(builder.finish().expect("memory"));
        }
    }
    done
}

fn run(name: &str, rows: u64, group: usize, order: impl Fn(u64) -> u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bench.db");
    let batches = batches(rows, order);
    let text: usize = batches.iter().flat_map(|b| &b.texts).map(|t| t.data.len()).sum();
    let start = Instant::now();
    let mut store = SqliteStore::open(&path).expect("a store");
    for group in batches.chunks(group) {
        store.append(group).expect("appended");
    }
    let took = start.elapsed();
    drop(store);
    let size = std::fs::metadata(&path).map_or(0, |m| m.len());
    println!(
        "{name}: {:.0} ns a row, {:.1} bytes a row, of which text {:.1}",
        took.as_nanos() as f64 / rows as f64,
        size as f64 / rows as f64,
        text as f64 / rows as f64
    );
}

fn main() {
    let rows = std::env::args().filter_map(|a| a.parse().ok()).next().unwrap_or(1_000_000);
    run("in order", rows, 4, |n| n);
    run("shuffled", rows, 20, |n| mix(n) % rows);
}
