"""What a program does with the SDKs, behind `llmtop run`: each call is held against what the SDK makes of it without a gateway.

Run as `calls.py SCENE`: the calls of the scene, all at once. Each has its name as its id in the journal.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

import anthropic
import openai

OPENAI = openai.OpenAI(max_retries=0, timeout=60)
ANTHROPIC = anthropic.Anthropic(max_retries=0, timeout=60)
HELLO = [{"role": "user", "content": "How are you?"}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CHAT_TOOLS = [{"type": "function", "function": {"name": "look", "parameters": PARAMETERS}}]
RESPONSES_TOOLS = [{"type": "function", "name": "look", "parameters": PARAMETERS, "strict": False}]
MESSAGES_TOOLS = [{"name": "look", "input_schema": PARAMETERS}]
SCENES = {"calls": [], "late": [], "degraded": []}


def scene(name):
    """Puts a call into a scene. It gets the headers that name it in the journal."""

    def put(call):
        SCENES[name].append(call)
        return call

    return put


def same(got, want):
    assert got == want, f"{got!r} instead of {want!r}"


def chat(name, model="own", **more):
    return OPENAI.chat.completions.create(model=model, messages=HELLO, extra_headers=named(name), **more)


def responses(name, model="own", **more):
    return OPENAI.responses.create(model=model, input="How are you?", extra_headers=named(name), **more)


def messages(name, model="own", **more):
    return ANTHROPIC.messages.create(model=model, max_tokens=64, messages=HELLO, extra_headers=named(name), **more)


def named(name):
    return {"x-llmtop-request-id": name, "x-llmtop-user": "ann"}


@scene("calls")
def chat_whole():
    got = chat("chat_whole", temperature=0.5)
    same((got.choices[0].message.content, got.choices[0].finish_reason), ("Fine, thanks.", "stop"))
    same((got.usage.prompt_tokens, got.usage.completion_tokens, got._request_id), (21, 5, "req-own"))


@scene("calls")
def chat_tools():
    function = chat("chat_tools", tools=CHAT_TOOLS).choices[0].message.tool_calls[0].function
    same((function.name, function.arguments), ("look", '{"city": "Oslo"}'))


@scene("calls")
def chat_stream():
    chunks = list(chat("chat_stream", stream=True))
    same("".join(chunk.choices[0].delta.content or "" for chunk in chunks), "Fine, th\u00e4nks.")
    same([chunk.usage for chunk in chunks], [None] * 3)


@scene("calls")
def chat_stream_usage():
    chunks = list(chat("chat_stream_usage", stream=True, stream_options={"include_usage": True}))
    same([bool(chunk.choices) for chunk in chunks], [True, True, True, False])
    same((chunks[-1].usage.prompt_tokens, chunks[-1].usage.total_tokens), (21, 26))


@scene("calls")
def chat_stream_tools():
    deltas = [chunk.choices[0].delta for chunk in chat("chat_stream_tools", stream=True, tools=CHAT_TOOLS)]
    parts = [delta.tool_calls[0].function.arguments for delta in deltas if delta.tool_calls]
    same("".join(parts), '{"city": "Oslo"}')


@scene("calls")
def chat_stream_helper():
    with OPENAI.chat.completions.stream(model="own", messages=HELLO, extra_headers=named("chat_stream_helper")) as stream:
        same(stream.get_final_completion().choices[0].message.content, "Fine, th\u00e4nks.")


@scene("calls")
def responses_whole():
    got = responses("responses_whole")
    same((got.output_text, got.usage.total_tokens, got.status), ("Fine, thanks.", 40, "completed"))


@scene("calls")
def responses_tools():
    item = responses("responses_tools", tools=RESPONSES_TOOLS).output[0]
    same((item.name, item.arguments), ("look", '{"city": "Oslo"}'))


@scene("calls")
def responses_stream():
    events = list(responses("responses_stream", stream=True))
    same("".join(event.delta for event in events if event.type == "response.output_text.delta"), "Fine, thanks.")
    same((events[-1].type, events[-1].response.usage.output_tokens), ("response.completed", 7))


@scene("calls")
def responses_stream_tools():
    more = {"tools": RESPONSES_TOOLS, "extra_headers": named("responses_stream_tools")}
    with OPENAI.responses.stream(model="own", input="Where?", **more) as stream:
        item = stream.get_final_response().output[0]
    same((item.name, item.arguments), ("look", '{"city": "Oslo"}'))


@scene("calls")
def embeddings():
    got = OPENAI.embeddings.create(model="own", input="near", extra_headers=named("embeddings"))
    same((got.data[0].embedding, got.usage.prompt_tokens), ([1.0, 2.0], 4))


@scene("calls")
def openai_models():
    same([model.id for model in OPENAI.models.list(extra_headers=named("openai_models"))], ["own"])


@scene("calls")
def messages_whole():
    got = messages("messages_whole")
    same((got.content[0].text, got.stop_reason, got._request_id), ("Fine, thanks.", "end_turn", "req-own"))
    same((got.usage.input_tokens, got.usage.cache_read_input_tokens, got.usage.output_tokens), (12, 40, 6))


@scene("calls")
def messages_tools():
    block = messages("messages_tools", tools=MESSAGES_TOOLS).content[0]
    same((block.name, block.input), ("look", {"city": "Oslo"}))


@scene("calls")
def messages_stream():
    kinds = [event.type for event in messages("messages_stream", stream=True)]
    same((kinds[0], kinds[-1], kinds.count("content_block_delta")), ("message_start", "message_stop", 2))


@scene("calls")
def messages_stream_tools():
    more = {"tools": MESSAGES_TOOLS, "extra_headers": named("messages_stream_tools")}
    with ANTHROPIC.messages.stream(model="own", max_tokens=64, messages=HELLO, **more) as stream:
        final = stream.get_final_message()
    same((final.content[0].input, final.usage.output_tokens), ({"city": "Oslo"}, 6))


@scene("calls")
def messages_count():
    more = {"messages": HELLO, "extra_headers": named("messages_count")}
    same(ANTHROPIC.messages.count_tokens(model="own", **more).input_tokens, 152)


@scene("calls")
def anthropic_models():
    same([model.id for model in ANTHROPIC.models.list(extra_headers=named("anthropic_models"))], ["own"])


@scene("calls")
def a_refusal_is_tried_again():
    same(chat("a_refusal_is_tried_again", model="flaky").choices[0].message.content, "Fine, thanks.")


def raised(call, name, model, kind, status, text):
    """The error that a call ends in."""
    try:
        call(name, model=model)
    except kind as error:
        same((type(error), error.status_code), (kind, status))
        assert text in str(error), error
        return
    raise AssertionError(f"{name} was answered")


@scene("calls")
def chat_limited():
    raised(chat, "chat_limited", "limited", openai.RateLimitError, 429, "come back later")


@scene("calls")
def chat_denied():
    raised(chat, "chat_denied", "denied", openai.AuthenticationError, 401, "opens nothing")


@scene("calls")
def responses_wrong():
    raised(responses, "responses_wrong", "wrong", openai.BadRequestError, 400, "Nobody understands")


@scene("calls")
def messages_limited():
    raised(messages, "messages_limited", "limited", anthropic.RateLimitError, 429, "come back later")


@scene("calls")
def messages_denied():
    raised(messages, "messages_denied", "denied", anthropic.AuthenticationError, 401, "opens nothing")


@scene("calls")
def messages_wrong():
    raised(messages, "messages_wrong", "wrong", anthropic.BadRequestError, 400, "Nobody understands")


@scene("late")
def chat_late():
    raised(chat, "chat_late", "late", openai.InternalServerError, 504, "no answer in time")


@scene("late")
def responses_late():
    raised(responses, "responses_late", "late", openai.InternalServerError, 504, "no answer in time")


@scene("late")
def messages_late():
    raised(messages, "messages_late", "late", anthropic.DeadlineExceededError, 504, "no answer in time")


SORRY = "We are sorry \u2013 later."


@scene("degraded")
def chat_degraded():
    got = chat("chat_degraded", model="down")
    same((got.choices[0].message.content, got.choices[0].finish_reason, got.model), (SORRY, "stop", "down"))


@scene("degraded")
def chat_stream_degraded():
    with OPENAI.chat.completions.stream(model="down", messages=HELLO, extra_headers=named("chat_stream_degraded")) as stream:
        same(stream.get_final_completion().choices[0].message.content, SORRY)


@scene("degraded")
def responses_degraded():
    same(responses("responses_degraded", model="down").output_text, SORRY)


@scene("degraded")
def responses_stream_degraded():
    more = {"extra_headers": named("responses_stream_degraded")}
    with OPENAI.responses.stream(model="down", input="How are you?", **more) as stream:
        same(stream.get_final_response().output_text, SORRY)


@scene("degraded")
def messages_degraded():
    got = messages("messages_degraded", model="down")
    same((got.content[0].text, got.stop_reason), (SORRY, "end_turn"))


@scene("degraded")
def messages_stream_degraded():
    more = {"messages": HELLO, "extra_headers": named("messages_stream_degraded")}
    with ANTHROPIC.messages.stream(model="down", max_tokens=64, **more) as stream:
        same(stream.get_final_message().content[0].text, SORRY)


@scene("degraded")
def embeddings_cannot_be_made_up():
    def embed(name, model):
        return OPENAI.embeddings.create(model=model, input="near", extra_headers=named(name))

    raised(embed, "embeddings_cannot_be_made_up", "down", openai.InternalServerError, 503, "on fire")


def attempt(call):
    """What went wrong with a call, in words; nothing where it went well."""
    try:
        call()
    except Exception as error:  # noqa: BLE001
        return f"{call.__name__}: {type(error).__name__}: {error}"
    return None


def main():
    calls = SCENES[sys.argv[1]]
    with ThreadPoolExecutor(max_workers=8) as pool:
        wrong = [words for words in pool.map(attempt, calls) if words]
    print(*wrong, f"{len(calls)} calls of the SDKs", sep="\n", file=sys.stderr)
    # Not 0, so that it is seen that the exit code comes through.
    sys.exit(1 if wrong else 42)


if __name__ == "__main__":
    main()
