"""A provider of both protocols for tests: answers as the real ones do, in words of its own, by the name of the model it is asked for.

Only the standard library. Counts tokens in a stream of chat only where it is asked to, as OpenAI does.
"""

import json
import select
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOOK = {"name": "look", "input": {"city": "Oslo"}}
CHAT_USAGE = {
    "prompt_tokens": 21,
    "completion_tokens": 5,
    "total_tokens": 26,
    "prompt_tokens_details": {"cached_tokens": 16},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
RESPONSES_USAGE = {
    "input_tokens": 33,
    "input_tokens_details": {"cached_tokens": 32},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 40,
}
MESSAGES_USAGE = {"input_tokens": 12, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 40, "output_tokens": 6}

# By model: the status, the type of the error for OpenAI and for Anthropic, its message.
REFUSALS = {
    "limited": (429, "rate_limit_exceeded", "rate_limit_error", "Too many calls, come back later."),
    "denied": (401, "invalid_api_key", "authentication_error", "This key opens nothing."),
    "wrong": (400, "invalid_request_error", "invalid_request_error", "Nobody understands this."),
    "down": (503, "server_error", "api_error", "The house is on fire."),
}


def chat(model, delta, finish, stream):
    """A chat completion or one chunk of it."""
    choice = {"index": 0, "delta" if stream else "message": delta, "logprobs": None, "finish_reason": finish}
    kind = "chat.completion.chunk" if stream else "chat.completion"
    return {"id": "chat-1", "object": kind, "created": 1_790_000_000, "model": f"{model}-2026", "choices": [choice]}


def chat_whole(model, tools):
    message = {"role": "assistant", "content": "Fine, thanks.", "refusal": None}
    if tools:
        function = {"name": LOOK["name"], "arguments": json.dumps(LOOK["input"])}
        message = {"role": "assistant", "content": None, "tool_calls": [{"id": "t1", "type": "function", "function": function}]}
    return chat(model, message, "tool_calls" if tools else "stop", False) | {"usage": CHAT_USAGE}


def chat_stream(model, tools, usage):
    deltas = [{"role": "assistant", "content": "Fine, "}, {"content": "th\u00e4nks."}]
    if tools:
        first = {"index": 0, "id": "t1", "type": "function", "function": {"name": LOOK["name"], "arguments": ""}}
        parts = ['{"city": ', '"Oslo"}']
        more = [{"tool_calls": [{"index": 0, "function": {"arguments": part}}]} for part in parts]
        deltas = [{"role": "assistant", "content": None, "tool_calls": [first]}, *more]
    chunks = [chat(model, delta, None, True) for delta in deltas]
    chunks.append(chat(model, {}, "tool_calls" if tools else "stop", True))
    if usage:
        chunks = [chunk | {"usage": None} for chunk in chunks]
        chunks.append(chunks[-1] | {"choices": [], "usage": CHAT_USAGE})
    return [(None, chunk) for chunk in chunks] + [(None, "[DONE]")]


def response(model, tools, status):
    text = {"type": "output_text", "text": "Fine, thanks.", "annotations": [], "logprobs": []}
    item = {"id": "m1", "type": "message", "role": "assistant", "status": "completed", "content": [text]}
    if tools:
        item = {"id": "f1", "type": "function_call", "call_id": "t1", "status": "completed", "name": LOOK["name"]}
        item["arguments"] = json.dumps(LOOK["input"])
    is_over = status == "completed"
    return {
        "id": "resp-1", "object": "response", "created_at": 1_790_000_000, "status": status, "model": f"{model}-2026",
        "output": [item] if is_over else [], "usage": RESPONSES_USAGE if is_over else None, "error": None,
        "incomplete_details": None, "instructions": None, "metadata": {}, "parallel_tool_calls": True,
        "temperature": 1.0, "tool_choice": "auto", "tools": [], "top_p": 1.0,
    }


def responses_stream(model, tools):
    item = response(model, tools, "completed")["output"][0]
    events = [{"type": "response.created", "response": response(model, tools, "in_progress")}]
    if tools:
        begun = item | {"arguments": "", "status": "in_progress"}
        place = {"item_id": "f1", "output_index": 0}
        events += [
            {"type": "response.output_item.added", "output_index": 0, "item": begun},
            {"type": "response.function_call_arguments.delta", **place, "delta": item["arguments"]},
            {"type": "response.function_call_arguments.done", **place, "arguments": item["arguments"], "name": LOOK["name"]},
        ]
    else:
        begun = item | {"content": [], "status": "in_progress"}
        place = {"item_id": "m1", "output_index": 0, "content_index": 0}
        part = item["content"][0]
        events += [
            {"type": "response.output_item.added", "output_index": 0, "item": begun},
            {"type": "response.content_part.added", **place, "part": part | {"text": ""}},
            {"type": "response.output_text.delta", **place, "delta": "Fine, ", "logprobs": []},
            {"type": "response.output_text.delta", **place, "delta": "thanks.", "logprobs": []},
            {"type": "response.output_text.done", **place, "text": part["text"], "logprobs": []},
            {"type": "response.content_part.done", **place, "part": part},
        ]
    events.append({"type": "response.output_item.done", "output_index": 0, "item": item})
    events.append({"type": "response.completed", "response": response(model, tools, "completed")})
    return [(event["type"], event | {"sequence_number": n}) for n, event in enumerate(events)]


def message(model, content, stop, usage):
    return {
        "id": "msg-1", "type": "message", "role": "assistant", "model": f"{model}-2026", "content": content,
        "stop_reason": stop, "stop_sequence": None, "usage": usage,
    }


def message_whole(model, tools):
    block = {"type": "tool_use", "id": "t1", **LOOK} if tools else {"type": "text", "text": "Fine, thanks."}
    return message(model, [block], "tool_use" if tools else "end_turn", MESSAGES_USAGE)


def messages_stream(model, tools):
    block = {"type": "tool_use", "id": "t1", "name": LOOK["name"], "input": {}} if tools else {"type": "text", "text": ""}
    deltas = [{"type": "text_delta", "text": text} for text in ("Fine, ", "thanks.")]
    if tools:
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in ("", '{"city": ', '"Oslo"}')]
    end = {"stop_reason": "tool_use" if tools else "end_turn", "stop_sequence": None}
    events = [
        {"type": "message_start", "message": message(model, [], None, MESSAGES_USAGE | {"output_tokens": 1})},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "ping"},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": end, "usage": {"output_tokens": MESSAGES_USAGE["output_tokens"]}},
        {"type": "message_stop"},
    ]
    return [(event["type"], event) for event in events]


class Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        models = [{"id": "own", "object": "model", "created": 1_790_000_000, "owned_by": "us"}]
        if "anthropic-version" in self.headers:
            models = [{"id": "own", "type": "model", "display_name": "Own", "created_at": "2026-01-01T00:00:00Z"}]
        self.whole(200, {"object": "list", "data": models, "has_more": False, "first_id": "own", "last_id": "own"})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        model, tools, stream = asked["model"], bool(asked.get("tools")), bool(asked.get("stream"))
        path = self.path.split("?")[0]
        if model == "late":
            # Until the other side goes: whoever waits for an answer waits for good.
            select.select([self.connection], [], [])
            self.close_connection = True
        elif model == "flaky" and self.server.first(asked):
            self.refuse("limited", path, {"retry-after-ms": "5"})
        elif model in REFUSALS:
            self.refuse(model, path, {})
        elif path == "/v1/embeddings":
            usage = {"prompt_tokens": 4, "total_tokens": 4}
            # The SDK asks for base64 unless it is told otherwise: two little-endian floats.
            vector = "AACAPwAAAEA=" if asked.get("encoding_format") == "base64" else [1.0, 2.0]
            data = [{"object": "embedding", "index": 0, "embedding": vector}]
            self.whole(200, {"object": "list", "data": data, "model": f"{model}-2026", "usage": usage})
        elif path == "/v1/messages/count_tokens":
            self.whole(200, {"input_tokens": 152})
        elif path == "/v1/chat/completions":
            usage = bool((asked.get("stream_options") or {}).get("include_usage"))
            self.answer(chat_stream(model, tools, usage) if stream else chat_whole(model, tools))
        elif path == "/v1/responses":
            self.answer(responses_stream(model, tools) if stream else response(model, tools, "completed"))
        elif path == "/v1/messages":
            self.answer(messages_stream(model, tools) if stream else message_whole(model, tools))
        else:
            self.whole(404, {"error": {"message": f"no {path}", "type": "not_found"}})

    def refuse(self, model, path, headers):
        status, openai, anthropic, text = REFUSALS[model]
        error = {"message": text, "type": openai, "param": None, "code": openai}
        body = {"error": error}
        if path == "/v1/messages":
            body = {"type": "error", "error": {"type": anthropic, "message": text}, "request_id": "req-own"}
        self.whole(status, body, headers)

    def answer(self, answer):
        if isinstance(answer, dict):
            return self.whole(200, answer)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("x-request-id", "req-own")
        self.send_header("request-id", "req-own")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for name, data in answer:
            data = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
            event = (f"event: {name}\n" if name else "") + f"data: {data}\n\n"
            for part in halves(event.encode()):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def whole(self, status, body, headers=None):
        body = json.dumps(body).encode()
        self.send_response(status)
        own = {"Content-Type": "application/json", "x-request-id": "req-own", "request-id": "req-own"}
        for name, value in (own | (headers or {})).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def halves(event):
    """An event in two pieces, torn in its middle."""
    middle = len(event) // 2
    return [event[:middle], event[middle:]]


class Upstream(ThreadingHTTPServer):
    """The provider, on a free port, until the process ends."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.known, self.lock = set(), threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def first(self, asked):
        """Whether this is asked for the first time."""
        with self.lock:
            key = json.dumps(asked, sort_keys=True)
            is_first = key not in self.known
            self.known.add(key)
            return is_first

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"
