#!/usr/bin/env python3
"""The real SDKs as clients of the gateway: `python3 tests/sdk/run.py target/debug/llmtop`.

Makes a venv with the versions of requirements.txt in target/sdk, runs calls.py in it by `llmtop run`, before an upstream of our
own, and holds the journal against what upstream.py has counted. Where PyPI cannot be reached it says so and passes, but not in CI.
"""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
VENV = HERE.parent.parent / "target" / "sdk"
sys.path.insert(0, str(HERE))
from upstream import Upstream  # noqa: E402

OK = {"status": "ok", "http_status": 200, "failure_mode": None, "model": "own-2026", "usage": None, "retries": 0}
CHAT = OK | {
    "operation": "chat", "protocol": "openai.chat", "input_tokens": 21, "output_tokens": 5, "cached_input_tokens": 16,
    "reasoning_tokens": 2, "finish_reason": "stop",
}
RESPONSES = OK | {
    "operation": "chat", "protocol": "openai.responses", "input_tokens": 33, "output_tokens": 7, "cached_input_tokens": 32,
    "reasoning_tokens": 3, "finish_reason": "completed",
}
# Anthropic counts the cache beside the input: 12 + 100 + 40.
MESSAGES = OK | {
    "operation": "chat", "protocol": "anthropic.messages", "input_tokens": 152, "output_tokens": 6, "cached_input_tokens": 40,
    "cache_write_tokens": 100, "finish_reason": "end_turn",
}
OTHER = {"status": "ok", "http_status": 200, "operation": "other", "input_tokens": None, "output_tokens": None}
STREAM = {"stream": True}
TOOLS = {"finish_reason": "tool_calls", "tool_calls": [{"name": "look"}]}
TOOL_USE = TOOLS | {"finish_reason": "tool_use"}


def error(status, mode, model, **more):
    """A call that an upstream, or the gateway in its stead, refused."""
    none = {"input_tokens": None, "output_tokens": None, "usage": None}
    return none | {"status": "error", "http_status": status, "failure_mode": mode, "model": model} | more


# The status is that of the upstream: the client got 200.
# The client got a 200; what failed is in the failure mode.
DEGRADED = error(200, "server_error", "down", degraded="static")

# By the name of the call in calls.py: what the journal's line has to say.
SCENES = {
    "calls": {
        "chat_whole": CHAT | {"temperature": 0.5, "provider_request_id": "req-own", "user_id": "ann"},
        "chat_tools": CHAT | TOOLS,
        "chat_stream": CHAT | STREAM,
        "chat_stream_usage": CHAT | STREAM,
        "chat_stream_tools": CHAT | STREAM | TOOLS,
        "chat_stream_helper": CHAT | STREAM,
        "responses_whole": RESPONSES,
        "responses_tools": RESPONSES | TOOLS | {"finish_reason": "completed"},
        "responses_stream": RESPONSES | STREAM,
        "responses_stream_tools": RESPONSES | STREAM | TOOLS | {"finish_reason": "completed"},
        "embeddings": OK | {"operation": "embeddings", "input_tokens": 4, "output_tokens": 0},
        "openai_models": OTHER | {"target": "GET /v1/models"},
        "messages_whole": MESSAGES | {"max_tokens": 64, "provider_request_id": "req-own"},
        "messages_tools": MESSAGES | TOOL_USE,
        "messages_stream": MESSAGES | STREAM,
        "messages_stream_tools": MESSAGES | STREAM | TOOL_USE,
        "messages_count": OTHER | {"target": "POST /v1/messages/count_tokens"},
        "anthropic_models": OTHER | {"target": "GET /v1/models"},
        "a_refusal_is_tried_again": CHAT | {"model": "flaky-2026", "retries": 1},
        "chat_limited": error(429, "rate_limit", "limited", retries=1),
        "chat_denied": error(401, "auth", "denied", retries=0),
        "responses_wrong": error(400, "invalid_request", "wrong", retries=0),
        "messages_limited": error(429, "rate_limit", "limited", retries=1),
        "messages_denied": error(401, "auth", "denied", retries=0),
        "messages_wrong": error(400, "invalid_request", "wrong", retries=0),
    },
    "late": {
        name: error(504, "timeout", "late", error_type="timeout_first_byte")
        for name in ("chat_late", "responses_late", "messages_late")
    },
    "degraded": {
        "chat_degraded": DEGRADED,
        "chat_stream_degraded": DEGRADED | STREAM,
        "responses_degraded": DEGRADED,
        "responses_stream_degraded": DEGRADED | STREAM,
        "messages_degraded": DEGRADED,
        "messages_stream_degraded": DEGRADED | STREAM,
        "embeddings_cannot_be_made_up": error(503, "server_error", "down", degraded=None),
    },
}

# Of the gateway, for each scene.
PATIENT = "[proxy]\nretries = 1\nretry_base = \"1ms\"\nretry_budget = \"100%\"\nbreaker_failures = 0\n"
CONFIG = {
    "calls": PATIENT,
    "late": "[proxy]\nfirst_token_timeout = \"500ms\"\nretries = 0\n",
    "degraded": PATIENT + "degraded_answer = \"We are sorry \u2013 later.\"\n",
}

# What pip says where nobody is there, whatever the reason.
UNREACHABLE = ("connection broken", "Could not fetch URL", "ConnectTimeout", "ReadTimeout", "NewConnectionError")


def venv():
    """The python of a venv with the SDKs; None where PyPI cannot be reached."""
    wanted = (HERE / "requirements.txt").read_bytes()
    mark = VENV / "requirements.sha256"
    digest = hashlib.sha256(wanted + sys.version.encode()).hexdigest()
    if mark.is_file() and mark.read_text() == digest:
        return VENV / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
    install = [VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    install += ["--only-binary", ":all:", "--requirement", HERE / "requirements.txt"]
    done = subprocess.run(install, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.stderr.write(done.stderr)
        if any(words in done.stderr for words in UNREACHABLE) and not os.environ.get("CI"):
            return None
        sys.exit("the SDKs cannot be installed")
    mark.write_text(digest)
    return VENV / "bin" / "python"


def calls_of(program, python, scene, upstream):
    """Runs a scene, and reads the calls of its journal by their names."""
    with tempfile.TemporaryDirectory() as home:
        config, journal = Path(home) / "config.toml", Path(home) / "journal"
        config.write_text(CONFIG[scene], encoding="utf-8")
        own = {"PATH": os.environ["PATH"], "HOME": home, "OPENAI_API_KEY": "sk-own", "ANTHROPIC_API_KEY": "sk-own"}
        command = [program, "run", "--config", config, "--journal", journal, "--upstream", upstream.url, "--"]
        command += [python, "-B", HERE / "calls.py", scene]
        ran = subprocess.run(command, env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300)
        if ran.returncode != 42:
            sys.exit(f"{scene}: calls failed, or the exit code did not come through: {ran.returncode}\n{ran.stdout}{ran.stderr}")
        text = "".join(path.read_text(encoding="utf-8") for path in sorted(journal.glob("*.jsonl")))
    calls = [event for event in map(json.loads, text.splitlines()) if event["event"] == "llm_call"]
    by_name = {call["request_id"]: call for call in calls}
    if len(by_name) != len(calls) or by_name.keys() != SCENES[scene].keys():
        sys.exit(f"{scene}: other calls than were made: {sorted(call['request_id'] for call in calls)}")
    if f"store    {len(calls)} calls" not in ran.stderr:
        sys.exit(f"{scene}: {len(calls)} calls, but the report says\n{ran.stderr}")
    if "sk-own" in text:
        sys.exit(f"{scene}: a key is in the journal")
    return by_name


def said(call, field):
    """A field of a call, or of what the gateway tells of its way."""
    return call.get(field, call.get("gateway", {}).get(field))


def main():
    program = Path(sys.argv[1]).resolve()
    VENV.parent.mkdir(exist_ok=True)
    with open(VENV.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        python = venv()
    if python is None:
        print("skipped: PyPI cannot be reached, so there are no SDKs")
        return
    upstream, wrong = Upstream(), []
    for scene, wanted in SCENES.items():
        calls = calls_of(program, python, scene, upstream)
        for name, want in wanted.items():
            wrong += [
                f"{scene}, {name}: {field} is {said(calls[name], field)!r}, not {value!r}: {json.dumps(calls[name])}"
                for field, value in want.items()
                if said(calls[name], field) != value
            ]
        print(f"{scene}: {len(calls)} calls")
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
