//! Writes the logs that benchmarks read, and the sample log of the README. Deterministic by seed.
//! `cargo run --release --example gen -- --help` says how.

use llmtop::source::demo::{Demo, Rng};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

const HELP: &str = "\
gen: writes logs for benchmarks

  gen load   [--lines N] [--seed N] [--users N] [--shuffled] --out FILE   calls of three days, about 545 bytes each
  gen sample [--lines N] [--seed N] [--busy X] --out FILE                 the demo application, thinned out

`gen sample --out fixtures/sample.jsonl` makes the sample log that is shipped.
Without --out the log goes to stdout. What the log holds is printed to stderr as one line of JSON.";

/// 2026-03-02T00:00:00Z, µs since the Unix epoch: where the generated logs begin.
const START_US: i64 = 1_772_409_600_000_000;
const THREE_DAYS_US: i64 = 3 * 86_400_000_000;
/// One line in so many is broken; another one repeats the line before it.
const ONE_IN: u64 = 1_000;

const MODELS: [(&str, &str, f64, f64, f64); 12] = [
    ("gpt-4.1", "openai", 2.0, 8.0, 1_900.0),
    ("gpt-4.1-mini", "openai", 0.4, 1.6, 1_100.0),
    ("gpt-4.1-nano", "openai", 0.1, 0.4, 700.0),
    ("gpt-4o", "openai", 2.5, 10.0, 1_700.0),
    ("gpt-4o-mini", "openai", 0.15, 0.6, 1_000.0),
    ("o4-mini", "openai", 1.1, 4.4, 6_500.0),
    ("claude-sonnet-4-5", "anthropic", 3.0, 15.0, 2_600.0),
    ("claude-haiku-4-5", "anthropic", 1.0, 5.0, 1_200.0),
    ("claude-opus-4-5", "anthropic", 5.0, 25.0, 3_800.0),
    ("gemini-2.5-pro", "gemini", 1.25, 10.0, 4_100.0),
    ("gemini-2.5-flash", "gemini", 0.3, 2.5, 900.0),
    ("gemini-2.5-flash-lite", "gemini", 0.1, 0.4, 600.0),
];

const ERRORS: [(u64, &str); 5] = [
    (429, "rate_limit_exceeded"),
    (500, "server_error"),
    (503, "overloaded"),
    (504, "timeout"),
    (400, "context_length_exceeded"),
];

const ASKS: [&str; 8] = [
    "Summarise the attached quarterly report",
    "Answer the customer with the lost parcel",
    "Which of these contracts ends first",
    "Translate the care sheet into Portuguese",
    "Explain why the import ran twice tonight",
    "Turn these notes into a list of tasks",
    "Compare both quotations line by line",
    "Quote the sentence that answers this",
];

/// What was asked for on the command line.
struct Options {
    kind: Kind,
    lines: Option<u64>,
    seed: u64,
    users: u64,
    order: Order,
    busy: f64,
    out: Option<String>,
}

#[derive(Clone, Copy)]
enum Kind {
    Load,
    Sample,
}

#[derive(Clone, Copy, PartialEq)]
enum Order {
    Time,
    Random,
}

/// What a log holds, counted while it is written.
#[derive(Default)]
struct Truth {
    lines: u64,
    rows: u64,
    duplicates: u64,
    bad: u64,
    skipped: u64,
    bytes: u64,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match parse(&args).and_then(|options| run(&options).map_err(|error| error.to_string())) {
        Ok(truth) => {
            eprintln!("{}", truth.json());
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn parse(args: &[String]) -> Result<Options, String> {
    let (kind, flags) = match args.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        Some(("load", rest)) => (Kind::Load, rest),
        Some(("sample", rest)) => (Kind::Sample, rest),
        _ => return Err(HELP.to_owned()),
    };
    let mut values = BTreeMap::new();
    let mut flags = flags.iter();
    while let Some(flag) = flags.next() {
        let value = if flag == "--shuffled" { "yes" } else { flags.next().ok_or(HELP)? };
        values.insert(flag.as_str(), value);
    }
    let options = Options {
        kind,
        lines: number(&mut values, "--lines")?,
        seed: number(&mut values, "--seed")?.unwrap_or(match kind {
            Kind::Load => 42,
            Kind::Sample => 105,
        }),
        users: number(&mut values, "--users")?.unwrap_or(10_000),
        busy: number(&mut values, "--busy")?.unwrap_or(0.012),
        order: if values.remove("--shuffled").is_some() { Order::Random } else { Order::Time },
        out: values.remove("--out").map(str::to_owned),
    };
    match values.keys().next() {
        Some(unknown) => Err(format!("{unknown}: no such flag\n{HELP}")),
        None => Ok(options),
    }
}

/// Takes a flag's value out of what was typed.
fn number<T: std::str::FromStr>(values: &mut BTreeMap<&str, &str>, flag: &str) -> Result<Option<T>, String> {
    let value = values.remove(flag);
    value.map(|text| text.parse().map_err(|_| format!("{flag}: no number: {text}"))).transpose()
}

fn run(options: &Options) -> io::Result<Truth> {
    let out: Box<dyn Write> = match &options.out {
        Some(path) => Box::new(File::create(path)?),
        None => Box::new(io::stdout().lock()),
    };
    let mut out = BufWriter::with_capacity(1 << 20, out);
    let truth = match options.kind {
        Kind::Load => write_load(options, &mut out)?,
        Kind::Sample => write_sample(options, &mut out)?,
    };
    out.flush()?;
    Ok(truth)
}

/// The demo over some hours, with an ordinary log line and a broken one in between, as in a real log.
fn write_sample(options: &Options, out: &mut impl Write) -> io::Result<Truth> {
    let mut truth = Truth::default();
    let wanted = options.lines.unwrap_or(460);
    for (at, (ts_us, line)) in Demo::new(options.seed, START_US).times(options.busy).enumerate() {
        let at = at as u64;
        if truth.lines >= wanted {
            break;
        }
        if at % 90 == 45 {
            let time = llmtop::units::rfc3339(ts_us);
            truth.skip(out, &format!("{time} INFO  api listening, {at} requests so far"))?;
        }
        if at == wanted / 2 {
            // What a full disk leaves behind.
            let cut = line.char_indices().nth(120).map_or(line.len(), |(end, _)| end);
            truth.broken(out, &line[..cut])?;
        }
        truth.row(out, &line)?;
    }
    Ok(truth)
}

/// Calls at even distances over three days. The line number alone decides what a line says, so that the shuffled log
/// holds the very lines of the ordered one.
fn write_load(options: &Options, out: &mut impl Write) -> io::Result<Truth> {
    let lines = options.lines.unwrap_or(5_000_000);
    let mut truth = Truth::default();
    let mut line = String::with_capacity(1_024);
    for turn in 0..lines {
        let at = match options.order {
            Order::Time => turn,
            Order::Random => scatter(turn, lines, options.seed),
        };
        match role(at, options.seed) {
            Role::Row => {
                load_line(&mut line, at, lines, options);
                truth.row(out, &line)?;
            }
            Role::Repetition => {
                load_line(&mut line, at - 1, lines, options);
                truth.duplicate(out, &line)?;
            }
            Role::Broken => {
                load_line(&mut line, at, lines, options);
                truth.broken(out, &line[..line.len() / 2])?;
            }
        }
    }
    Ok(truth)
}

/// A place of `0..n` for each of `0..n`, no place twice: a Feistel network over the next power of four, walked until it
/// falls inside (Black and Rogaway 2002).
fn scatter(turn: u64, n: u64, seed: u64) -> u64 {
    let half = (u64::BITS - n.leading_zeros()).div_ceil(2);
    let mask = (1_u64 << half) - 1;
    let mut at = turn;
    loop {
        let (mut left, mut right) = (at >> half, at & mask);
        for round in 0..4_u64 {
            let mixed = Rng::new(seed ^ (right << 8) ^ round).bits() & mask;
            (left, right) = (right, left ^ mixed);
        }
        at = (left << half) | right;
        if at < n {
            return at;
        }
    }
}

/// What a line is for.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    Row,
    /// Of the line before, which is a row.
    Repetition,
    Broken,
}

fn role(at: u64, seed: u64) -> Role {
    let draw = |at: u64| of_line(at, seed ^ 1).below(ONE_IN);
    match draw(at) {
        0 => Role::Broken,
        1 if at > 0 && draw(at - 1) > 1 => Role::Repetition,
        _ => Role::Row,
    }
}

/// The generator that decides what this line says.
fn of_line(at: u64, seed: u64) -> Rng {
    Rng::new(seed ^ at.wrapping_mul(0x2545_f491_4f6c_dd1d))
}

/// One call, written over what the buffer held.
fn load_line(line: &mut String, at: u64, lines: u64, options: &Options) {
    let rng = &mut of_line(at, options.seed);
    let slot_us = THREE_DAYS_US / lines.max(1) as i64;
    let ts_us = START_US + at as i64 * slot_us + rng.below(slot_us.max(1) as u64) as i64;
    let (model, provider, input_usd, output_usd, median_ms) =
        MODELS[rng.weighted(&[16.0, 18.0, 6.0, 9.0, 12.0, 3.0, 10.0, 9.0, 1.0, 4.0, 8.0, 4.0])];
    let (user, visit) = (rng.below(options.users), rng.below(40));
    let input = rng.log_normal(1_100.0, 0.9).clamp(8.0, 180_000.0) as u64;
    let output = rng.log_normal(180.0, 0.8).clamp(1.0, 8_000.0) as u64;
    let cached = if rng.chance(0.4) { input / 2 / 128 * 128 } else { 0 };
    let latency_ms = rng.log_normal(median_ms, 0.6);
    let cost = (input as f64 * input_usd + output as f64 * output_usd) / 1e6;
    line.clear();
    // Writing to a String cannot fail.
    let _ = write!(
        line,
        r#"{{"event":"llm_call","timestamp":"{}","request_id":"req_{}","trace_id":"{:016x}{:016x}","session_id":"s_{user:05x}{visit:02}","#,
        llmtop::units::rfc3339(ts_us / 1_000 * 1_000),
        rng.hex(16),
        rng.bits(),
        rng.bits(),
    );
    let _ = write!(
        line,
        r#""user_id":"u_{user:05}","host":"api-{:02}","app":"{}","environment":"{}","model":"{model}","provider":"{provider}","operation":"chat","#,
        rng.below(12),
        rng.pick(&["support-bot", "ops-agent", "search"]),
        if rng.chance(0.9) { "prod" } else { "staging" },
    );
    let _ = write!(
        line,
        r#""input_tokens":{input},"output_tokens":{output},"cached_input_tokens":{cached},"latency_ms":{latency_ms:.0},"ttft_ms":{:.0},"cost_usd":{cost:.6},"#,
        latency_ms * (0.1 + 0.3 * rng.unit()),
    );
    outcome(line, rng);
    let _ = write!(
        line,
        r#""variant":"{}","prompt_preview":"{} #{at}"}}"#,
        rng.pick(&["control", "treatment"]),
        rng.pick(&ASKS),
    );
}

/// Two calls in a hundred fail.
fn outcome(line: &mut String, rng: &mut Rng) {
    let _ = if rng.chance(0.02) {
        let (status, kind) = ERRORS[rng.weighted(&[9.0, 4.0, 2.0, 3.0, 1.0])];
        write!(line, r#""status":"error","http_status":{status},"error_type":"{kind}","#)
    } else {
        let reason = rng.pick(&["stop", "stop", "stop", "length", "tool_calls"]);
        write!(line, r#""status":"ok","finish_reason":"{reason}","#)
    };
}

impl Truth {
    fn row(&mut self, out: &mut impl Write, line: &str) -> io::Result<()> {
        self.rows += 1;
        self.write(out, line)
    }

    fn duplicate(&mut self, out: &mut impl Write, line: &str) -> io::Result<()> {
        self.duplicates += 1;
        self.write(out, line)
    }

    fn broken(&mut self, out: &mut impl Write, line: &str) -> io::Result<()> {
        self.bad += 1;
        self.write(out, line)
    }

    fn skip(&mut self, out: &mut impl Write, line: &str) -> io::Result<()> {
        self.skipped += 1;
        self.write(out, line)
    }

    fn write(&mut self, out: &mut impl Write, line: &str) -> io::Result<()> {
        self.lines += 1;
        self.bytes += line.len() as u64 + 1;
        out.write_all(line.as_bytes())?;
        out.write_all(b"\n")
    }

    fn json(&self) -> String {
        format!(
            r#"{{"lines":{},"rows":{},"duplicates":{},"bad":{},"skipped":{},"bytes":{}}}"#,
            self.lines, self.rows, self.duplicates, self.bad, self.skipped, self.bytes
        )
    }
}
