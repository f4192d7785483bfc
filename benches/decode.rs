//! What reading one line costs: native calls of 21 fields by the fast and by the general path, and other lines, on one
//! thread. Prints ns a line, the best of some rounds, which is what disturbs least on a shared machine.

use llmtop::event::{Call, ScoreEvent, Sink, SpanEvent, Verdict};
use llmtop::format::Decoder;
use std::borrow::Cow;
use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

const LINES: usize = 100_000;
const ROUNDS: usize = 7;

/// Looks at what it is given, and keeps nothing.
#[derive(Default)]
struct Glance(u64);

impl Sink for Glance {
    fn call(&mut self, call: &Call<'_>) {
        self.0 += black_box(call).input_tokens.unwrap_or(0);
    }

    fn span(&mut self, span: &SpanEvent<'_>) {
        self.0 += black_box(span).latency_us.unwrap_or(0);
    }

    fn score(&mut self, score: &ScoreEvent<'_>) {
        self.0 += u64::from(black_box(score).value > 0.0);
    }
}

/// Calls of 21 fields and about 545 bytes that differ from line to line as real ones do; one in fifty has failed and says
/// so in two more fields.
fn native(lines: usize) -> String {
    const MODELS: [&str; 4] = ["gpt-4o-mini", "claude-sonnet-4-5", "gemini-2.5-flash", "gpt-4.1"];
    const STATUS: [&str; 2] = [
        r#""status":"ok","http_status":200"#,
        r#""status":"error","http_status":429,"error_type":"rate_limit_exceeded","error_message":"Rate limit reached on tokens per min""#,
    ];
    let mut text = String::new();
    for n in 0..lines as u64 {
        let x = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let failed = usize::from(x % 50 == 7);
        let _ = writeln!(
            text,
            r#"{{"event":"llm_call","timestamp":"2025-03-01T{:02}:{:02}:{:02}.{:06}Z","request_id":"req_{x:016x}","trace_id":"{x:016x}{n:016x}","session_id":"s_{:06}","user_id":"u_{}","host":"web-{}","app":"support","environment":"prod","model":"{}","provider":"openai","operation":"chat","input_tokens":{},"output_tokens":{},"cached_input_tokens":{},"latency_ms":{}.{:02},"ttft_ms":{}.{},"cost_usd":0.{:07},{},"finish_reason":"stop","prompt_preview":"Please summarise the open tickets of last week, {:06}"}}"#,
            n / 3600 % 24,
            n / 60 % 60,
            n % 60,
            x % 1_000_000,
            x % 1_000_000,
            x % 10_000,
            x % 9,
            MODELS[(x % 4) as usize],
            x % 9_000,
            x % 900,
            x % 500,
            x % 9_000,
            x % 100,
            x % 900,
            x % 10,
            x % 10_000_000,
            STATUS[failed],
            x % 1_000_000,
        );
    }
    text
}

/// The same fields by serde_json into a struct that borrows: what one writes first, and the measure of the others.
#[derive(serde::Deserialize)]
#[allow(dead_code)]
struct Plain<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    #[serde(borrow)]
    request_id: Cow<'a, str>,
    #[serde(borrow)]
    trace_id: Cow<'a, str>,
    #[serde(borrow)]
    session_id: Cow<'a, str>,
    #[serde(borrow)]
    user_id: Cow<'a, str>,
    #[serde(borrow)]
    host: Cow<'a, str>,
    #[serde(borrow)]
    app: Cow<'a, str>,
    #[serde(borrow)]
    environment: Cow<'a, str>,
    #[serde(borrow)]
    model: Cow<'a, str>,
    #[serde(borrow)]
    provider: Cow<'a, str>,
    #[serde(borrow)]
    operation: Cow<'a, str>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cached_input_tokens: Option<u64>,
    latency_ms: Option<f64>,
    ttft_ms: Option<f64>,
    cost_usd: Option<f64>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    http_status: Option<u16>,
    #[serde(borrow)]
    finish_reason: Cow<'a, str>,
    #[serde(borrow)]
    prompt_preview: Cow<'a, str>,
}

/// One way of reading a line: whether it held an event.
type Read<'r> = &'r mut dyn FnMut(&[u8]) -> bool;

/// Measures one kind of line, unless the command line asks for others.
fn measure(name: &str, text: impl FnOnce() -> String, read: Read<'_>) {
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    if !asked.is_empty() && !asked.iter().any(|word| name.contains(word.as_str())) {
        return;
    }
    let text = text();
    let lines: Vec<&[u8]> = text.lines().map(str::as_bytes).collect();
    let mut best = f64::INFINITY;
    let mut taken = 0;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        taken = lines.iter().filter(|line| read(line)).count();
        best = best.min(start.elapsed().as_secs_f64() / lines.len() as f64 * 1e9);
    }
    let bytes = text.len() / lines.len();
    println!("{name:<28} {best:>7.0} ns/line  {bytes:>5} bytes  {:>7.2} GB/s  {taken} taken", bytes as f64 / best);
}

/// One container's line around each.
fn docker(plain: &str) -> String {
    let wrap = |line: &str| {
        let log = line.replace('"', "\\\"");
        format!("{{\"log\":\"{log}\\n\",\"stream\":\"stdout\",\"time\":\"2025-03-01T10:00:00Z\"}}\n")
    };
    plain.lines().map(wrap).collect()
}

fn main() {
    let (mut decoder, mut sink) = (Decoder::new(), Glance::default());
    let other = "{\"level\":\"info\",\"time\":1740824130123,\"msg\":\"GET /health 200\",\"ms\":3}\n";
    let words = "2025-03-01 10:00:00,123 INFO app.web - GET /health 200 in 3 ms\n";
    let mut fast = |line: &[u8]| decoder.decode(line, &mut sink) == Verdict::Taken;
    measure("baseline: serde_json struct", || native(LINES), &mut |line| {
        black_box(serde_json::from_slice::<Plain<'_>>(line)).is_ok()
    });
    measure("native, fast path", || native(LINES), &mut fast);
    measure("native, json.dumps spacing", || native(LINES).replace("\":", "\": ").replace(",\"", ", \""), &mut fast);
    measure("docker json-file", || docker(&native(LINES / 4)), &mut fast);
    measure("other JSON", || other.repeat(LINES), &mut fast);
    measure("other text", || words.repeat(LINES), &mut fast);
    measure("native, general path", || native(LINES), &mut |line| {
        decoder.decode_slowly(line, &mut sink) == Verdict::Taken
    });
    black_box(sink.0);
}
