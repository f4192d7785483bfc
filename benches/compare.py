#!/usr/bin/env python3
"""Loads one generated log with llmtop and with its peers, in turns, and prints medians and ratios.

Needs Python's standard library only; each peer joins in if it is installed (`pip install duckdb`, goaccess, jq,
sqlite3). What llmtop stored is checked against what the generator wrote, so a fast wrong answer does not count.

    python3 benches/compare.py                                      5,000,000 lines, five rounds, DuckDB beside it
    python3 benches/compare.py --lines 200000 --rounds 1            seconds instead of minutes
    python3 benches/compare.py --peers duckdb,jq,goaccess,sqlite3 --shuffled
"""

import argparse
import importlib.util
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What DuckDB is told of the columns, so that it need not guess. The timestamp is a time, as in llmtop's store.
COLUMNS = {
    "event": "VARCHAR", "timestamp": "TIMESTAMP", "request_id": "VARCHAR", "trace_id": "VARCHAR",
    "session_id": "VARCHAR", "user_id": "VARCHAR", "host": "VARCHAR", "app": "VARCHAR", "environment": "VARCHAR",
    "model": "VARCHAR", "provider": "VARCHAR", "operation": "VARCHAR", "input_tokens": "BIGINT",
    "output_tokens": "BIGINT", "cached_input_tokens": "BIGINT", "latency_ms": "DOUBLE", "ttft_ms": "DOUBLE",
    "cost_usd": "DOUBLE", "status": "VARCHAR", "http_status": "INTEGER", "error_type": "VARCHAR",
    "finish_reason": "VARCHAR", "variant": "VARCHAR", "prompt_preview": "VARCHAR",
}

GOACCESS_FORMAT = '{"timestamp":"%dT%t.%^","host":"%v","user_id":"%h","model":"%U","latency_ms":"%L"}'

# Windows that a report is timed over; they end at the newest call.
WINDOWS = ["5m", "1h", "24h", "all"]

SQLITE_FIELDS = ["timestamp", "request_id", "model", "status", "latency_ms", "ttft_ms", "input_tokens",
                 "output_tokens", "cost_usd"]


class Run:
    """What one process took: wall and CPU seconds, peak resident MB (at least this script's own, about 20)."""

    def __init__(self, wall, cpu, rss):
        self.wall, self.cpu, self.rss = wall, cpu, rss


def measure(command, env, stdin=None, stdout=subprocess.DEVNULL):
    """Runs a command to its end. Ends the script where it fails, with what it said."""
    begin = time.perf_counter()
    child = subprocess.Popen(command, env=env, stdin=stdin or subprocess.DEVNULL, stdout=stdout,
                             stderr=subprocess.PIPE)
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stderr.close()
    if child.returncode != 0:
        sys.exit(f"{command[0]} ended with {child.returncode}:\n{said.decode(errors='replace')[-2000:]}")
    per_mb = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / per_mb)


class Llmtop:
    """`llmtop ingest` with everything on, into a store of its own."""

    name = "llmtop ingest"

    def __init__(self, options, env, place):
        self.program = str(options.bin_dir / "llmtop")
        self.env, self.store = env, place / "llmtop" / "store.db"

    def prepare(self):
        shutil.rmtree(self.store.parent, ignore_errors=True)
        self.store.parent.mkdir(parents=True)

    def run(self, log):
        return measure([self.program, "ingest", "--store", str(self.store), str(log)], self.env)

    def accounting(self):
        command = [self.program, "report", "--store", str(self.store), "--since", "all", "--format", "json"]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"llmtop report ended with {done.returncode}:\n{done.stderr[-2000:]}")
        report = json.loads(done.stdout)
        return report["accounting"], report["totals"]["calls"]

    def check(self, truth):
        """The store holds exactly the generator's rows, and every line is accounted for."""
        accounting, calls = self.accounting()
        found = {"lines": accounting["read"], "rows": accounting["accepted"], "duplicates": accounting["duplicate"],
                 "bad": accounting["rejected"], "skipped": accounting["skipped"]}
        wanted = {key: truth[key] for key in found}
        if found != wanted or calls != truth["rows"]:
            sys.exit(f"llmtop is wrong: {found}, {calls} calls; the log holds {wanted}")

    def check_unchanged(self, truth):
        _, calls = self.accounting()
        if calls != truth["rows"]:
            sys.exit(f"llmtop is wrong: {calls} calls after the second run; the log holds {truth['rows']}")

    def answer(self, window):
        """A report by model over this window, from the start of the process to its end."""
        return measure([self.program, "report", "--store", str(self.store), "--window", window, "--by", "model",
                        "--format", "json"], self.env)

    def bytes_a_row(self, rows):
        """(besides text, with text) in bytes; None for the former where this Python's SQLite lacks dbstat."""
        whole = sum(part.stat().st_size for part in self.store.parent.glob(self.store.name + "*"))
        try:
            with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True) as db:
                text = db.execute("SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name LIKE '%text%'").fetchone()[0]
        except sqlite3.Error:
            return None, whole / rows
        return (whole - text) / rows, whole / rows


class DuckDb:
    """DuckDB in a process of its own, into a database file. Python's start counts, about 0.1 s."""

    def __init__(self, name, key, options, env, place):
        self.name, self.key, self.threads, self.env = name, key, options.threads, env
        self.place = place / ("duckdb-key" if key else "duckdb")

    def prepare(self):
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)

    def run(self, log):
        command = [sys.executable, __file__, "--child-duckdb", str(log), str(self.place / "calls.db"),
                   str(self.threads), self.key]
        return measure(command, self.env)


def child_duckdb(log, database, threads, key):
    """The load itself; runs in the child."""
    import duckdb

    columns = "{" + ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS.items()) + "}"
    source = f"read_json('{log}', format = 'newline_delimited', ignore_errors = true, columns = {columns})"
    with duckdb.connect(database) as db:
        db.execute(f"SET threads = {int(threads)}")
        if not key:
            db.execute(f"CREATE TABLE calls AS SELECT * FROM {source}")
            return
        declared = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        db.execute(f"CREATE TABLE calls ({declared}, PRIMARY KEY ({key}))")
        # Broken lines come as rows of NULL, which a key does not take.
        db.execute(f"INSERT OR IGNORE INTO calls SELECT * FROM {source} WHERE request_id IS NOT NULL AND timestamp IS NOT NULL")


class Tool:
    """A program that is installed or is left out."""

    def __init__(self, name, env, place, command, stdin_log=False):
        self.name, self.env, self.place, self.command, self.stdin_log = name, env, place / name.split()[0], command, stdin_log

    def prepare(self):
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)

    def run(self, log):
        if not self.stdin_log:
            return measure(self.command(log, self.place), self.env)
        with open(log, "rb") as stdin:
            return measure(self.command(log, self.place), self.env, stdin=stdin)


def jq(log, _place):
    sums = "reduce (inputs | fromjson? | objects) as $c ([0, 0]; [.[0] + 1, .[1] + ($c.input_tokens // 0)])"
    return ["jq", "-Rn", sums, str(log)]


def goaccess(log, place):
    return ["goaccess", str(log), f"--log-format={GOACCESS_FORMAT}", "--date-format=%Y-%m-%d", "--time-format=%T",
            "--no-ip-validation", "--no-global-config", "-o", str(place / "report.json")]


def sqlite_shell(log, place):
    fields = ", ".join(f"json_extract(line, '$.{name}') AS {name}" for name in SQLITE_FIELDS)
    return ["sqlite3", str(place / "calls.db"), "CREATE TABLE lines(line TEXT)", ".mode ascii",
            ".separator \\037 \\n", f".import {log} lines",
            f"CREATE TABLE calls AS SELECT {fields} FROM lines WHERE json_valid(line)", "DROP TABLE lines"]


def peers(options, env, place):
    """The contenders that were asked for and are there."""
    known = {
        "duckdb": lambda: DuckDb("duckdb, plain load", "", options, env, place),
        "duckdb-key": lambda: DuckDb("duckdb, primary key", options.key, options, env, place),
        "jq": lambda: Tool("jq count and sum", env, place, jq),
        "goaccess": lambda: Tool("goaccess -o json", env, place, goaccess),
        "sqlite3": lambda: Tool("sqlite3 .import", env, place, sqlite_shell),
    }
    chosen = []
    for name in [name for name in options.peers.split(",") if name not in ("", "none")]:
        if name not in known:
            sys.exit(f"--peers: no peer {name}; there are {', '.join(known)}")
        there = importlib.util.find_spec("duckdb") if name.startswith("duckdb") else shutil.which(name)
        if there:
            chosen.append(known[name]())
        else:
            print(f"{name} is not installed, left out", file=sys.stderr)
    return chosen


def generated(options, shuffled):
    """The log and its truth, made once for each size, seed and order."""
    name = f"{'shuffled' if shuffled else 'ordered'}-{options.lines}-{options.seed}"
    log, truth = options.dir / f"{name}.jsonl", options.dir / f"{name}.truth.json"
    if not (log.exists() and truth.exists()):
        command = [str(options.bin_dir / "examples" / "gen"), "load", "--lines", str(options.lines),
                   "--seed", str(options.seed), "--out", str(log)] + (["--shuffled"] if shuffled else [])
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"gen ended with {done.returncode}: {done.stderr}")
        truth.write_text(done.stderr)
    with open(log, "rb") as warm:  # every contender finds the file in memory
        while warm.read(1 << 20):
            pass
    return log, json.loads(truth.read_text())


def race(contenders, log, rounds, after_each):
    """All contenders in turns, so that a slow minute of the machine hits each of them alike."""
    runs = {contender.name: [] for contender in contenders}
    for at in range(rounds):
        for contender in contenders if at % 2 == 0 else reversed(contenders):
            contender.prepare()
            runs[contender.name].append(contender.run(log))
            after_each(contender)
            last = runs[contender.name][-1]
            print(f"  round {at + 1}: {contender.name:22} {last.wall:8.2f} s", file=sys.stderr)
    return runs


def table(runs, lines):
    """Prints medians, and beside them what llmtop took in the same round as a share of it."""
    print(f"{'':22} {'wall s':>8} {'CPU s':>8} {'RSS MB':>8} {'lines/s':>10} {'llmtop wall':>12} {'llmtop CPU':>11}")
    own = next(iter(runs.values()))
    figures = {}
    for name, taken in runs.items():
        wall, cpu, rss = (statistics.median(getattr(run, part) for run in taken) for part in ("wall", "cpu", "rss"))
        pairs = list(zip(own, taken))
        by_wall = statistics.median(a.wall / b.wall for a, b in pairs)
        by_cpu = statistics.median(a.cpu / max(b.cpu, 0.01) for a, b in pairs)
        print(f"{name:22} {wall:8.2f} {cpu:8.2f} {rss:8.0f} {lines / wall:10,.0f} {by_wall:11.2f}x {by_cpu:10.2f}x")
        figures[name] = {"wall_s": wall, "cpu_s": cpu, "rss_mb": rss, "lines_per_s": lines / wall,
                         "llmtop_wall_ratio": by_wall, "llmtop_cpu_ratio": by_cpu}
    return figures


def compare(options, env, shuffled):
    """One log, all contenders, what llmtop keeps on disk, and the same file once more."""
    log, truth = generated(options, shuffled)
    order = "shuffled over three days" if shuffled else "in time order"
    print(f"\n{truth['lines']:,} lines, {truth['bytes'] / truth['lines']:.0f} bytes each, {order}; medians of {options.rounds}")
    own = Llmtop(options, env, options.dir)
    contenders = [own] + peers(options, env, options.dir)
    runs = race(contenders, log, options.rounds, lambda c: c.check(truth) if c is own else None)
    figures = table(runs, truth["lines"])
    own.prepare()
    own.run(log)
    besides, whole = own.bytes_a_row(truth["rows"])
    again = [own.run(log) for _ in range(options.rounds)]
    own.check_unchanged(truth)
    unchanged = statistics.median(run.wall for run in again)
    shown = "unknown" if besides is None else f"{besides:.0f}"
    print(f"bytes a row on disk: {shown} besides text, {whole:.0f} with it; the unchanged file again: {unchanged:.3f} s")
    answers = {window: statistics.median(own.answer(window).wall for _ in range(max(options.rounds, 3)))
               for window in WINDOWS}
    print("a report by model, process start included: "
          + ", ".join(f"{window} {wall * 1e3:.0f} ms" for window, wall in answers.items()))
    figures["store"] = {"bytes_a_row_besides_text": besides, "bytes_a_row": whole, "unchanged_again_s": unchanged,
                        "report_s": answers}
    return figures


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--threads", type=int, default=2, help="threads DuckDB may use")
    parser.add_argument("--key", default="timestamp, request_id", help="DuckDB's primary key; (time, id) is its fastest")
    parser.add_argument("--peers", default="duckdb,duckdb-key", help="duckdb, duckdb-key, jq, goaccess, sqlite3, none")
    parser.add_argument("--shuffled", action="store_true", help="the same lines in random order as well")
    parser.add_argument("--dir", type=Path, default=ROOT / "target" / "compare", help="where logs and stores go")
    parser.add_argument("--bin-dir", type=Path, help="where llmtop and examples/gen are; else they are built")
    parser.add_argument("--json", type=Path, help="the figures, as JSON, into this file")
    return parser.parse_args()


def main():
    if sys.argv[1:2] == ["--child-duckdb"]:
        child_duckdb(*sys.argv[2:6])
        return
    options = parse()
    if options.bin_dir is None:
        subprocess.run(["cargo", "build", "--release", "--bin", "llmtop", "--example", "gen"], cwd=ROOT, check=True)
        options.bin_dir = ROOT / "target" / "release"
    options.bin_dir, options.dir = options.bin_dir.resolve(), options.dir.resolve()
    options.dir.mkdir(parents=True, exist_ok=True)
    home = options.dir / "home"
    env = {**os.environ, "HOME": str(home), "XDG_DATA_HOME": str(home), "XDG_CACHE_HOME": str(home),
           "XDG_CONFIG_HOME": str(home), "XDG_STATE_HOME": str(home)}
    figures = {"ordered": compare(options, env, shuffled=False)}
    if options.shuffled:
        figures["shuffled"] = compare(options, env, shuffled=True)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
