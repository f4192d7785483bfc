//! Examples and notes below the help of commands.

pub(super) const USAGE: &str = "llmtop [OPTIONS] [FILE]...\n       llmtop [OPTIONS] <COMMAND>";

pub(super) const EXAMPLES: &str = "\
Examples:
  llmtop app.log more/*.jsonl.gz logs/     follow files, globs and folders
  my-app | llmtop                          the pipe is the log, keys come from the terminal
  llmtop                                   the default store, with whatever feeds it
  llmtop demo                              a realistic live application, nothing needed
  llmtop ingest archive/*.jsonl.zst        load into the default store, then exit
  llmtop report --since 24h --by model     one answer as text, for scripts with --format json
  llmtop check --since 1h --error-rate 1%  exit code 0 if it held, for CI and cron

A file with a command's name is reached by its path: llmtop ./report";

pub(super) const FILTERS: &str = "\
Filters:
  model:gpt-4o* provider:openai status:error error:rate_limit user:u_12 session: trace: request:
  host: app: env: tag: variant: operation: source: latency>5s ttft>1s cost>0.01 tokens>8000 \"text\"
  Space is AND, comma is OR within a field, - negates, * stands for anything; user: alone finds calls without one.";

pub(super) const PROXY_EXAMPLES: &str = "\
Examples:
  llmtop proxy                                       127.0.0.1:4141, for OpenAI, Anthropic and Gemini, with the screen
  OPENAI_BASE_URL=http://127.0.0.1:4141/v1 my-app    the application behind it
  llmtop proxy --upstream http://127.0.0.1:9999      one upstream for every protocol
  llmtop proxy --upstream groq=https://api.groq.com/openai/v1    reached by /u/groq/...
  llmtop proxy --headless --listen 127.0.0.1:8080    no screen, until a signal";

pub(super) const RUN_EXAMPLES: &str = "\
Examples:
  llmtop run -- python my_app.py
  llmtop run --upstream http://127.0.0.1:9999 -- make test";

pub(super) const REPORT_EXAMPLES: &str = "\
Examples:
  llmtop report --since 24h --by model
  llmtop report --since 2026-05-01 --until 2026-05-02T12:00 --by provider,model --by error
  llmtop report app.log --format json | jq .totals.error_rate
  llmtop report --window 1h --filter 'status:error -error:cancelled' --by user --top 10

Groupings:
  model provider operation user session host app environment variant error status source hour day";

pub(super) const CHECK_EXAMPLES: &str = "\
Examples:
  llmtop check --since 1h --p95 2s --error-rate 1% --min-calls 100
  llmtop check run.jsonl --cost 5 --cost-per-call 0.01 --format junit > llmtop.xml
  llmtop check run.jsonl --baseline main.jsonl --max-regression 10%
  llmtop check --since 1h --filter env:prod --p95 2s --baseline 24h
  llmtop check --experiment short_answers --metric error_rate --not-worse-than 1%

Of an experiment 1% is a hundredth of the control's figure; 1pp is a percentage point.

Exit codes:
  0  all of it held
  1  something did not, whatever else is unknown
  2  something could not be judged: no data, too few calls, an unknown cost, an unreadable file, an experiment that
     cannot tell yet";

pub(super) const EXPERIMENT_EXAMPLES: &str = "\
Examples:
  llmtop experiment list
  llmtop experiment show short_answers
  llmtop experiment show short_answers run.jsonl --format json

What is settled about an experiment is [experiment.NAME] in the configuration.";

pub(super) const TRACE_EXAMPLES: &str = "\
Examples:
  llmtop trace 9f3c0a71d2b84e55a1c06f7be2d94310            why it took so long, and its steps as a tree
  llmtop trace req_8123                                    the trace of a call, by the call's request id
  llmtop trace s_4711                                      a session: its traces and calls, with running cost
  llmtop trace ID run.jsonl --format json | jq .critical_path
  llmtop trace ID --format otlp | curl -H 'content-type: application/json' -d @- http://127.0.0.1:4318/v1/traces";

pub(super) const QUERY_EXAMPLES: &str = "\
Examples:
  llmtop query \"SELECT model, count(*) AS calls FROM calls GROUP BY model ORDER BY calls DESC\"
  llmtop query --format csv \"SELECT * FROM calls WHERE status = 'error' LIMIT 100\"";

pub(super) const REPLAY_EXAMPLES: &str = "\
Examples:
  llmtop replay app.log                 as fast as it happened
  llmtop replay app.log --speed 60x     an hour in a minute
  llmtop replay app.log --speed 0       as fast as it goes";

pub(super) const WATCH_EXAMPLES: &str = "\
Examples:
  llmtop watch app.log --config prod.toml       follow a log, print one line for each change, until a signal
  my-app | llmtop watch -                       the same for a pipe, until its end
  llmtop watch                                  the default store, whoever fills it
  llmtop watch --once app.log                   what fires at the log's end, then exit

Rules are [[alert]] in the configuration; every [[budget]] warns by itself.";
