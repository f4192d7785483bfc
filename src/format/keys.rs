//! What a key of an event says: fields, and how a name is looked up in whatever spelling. The names are in `names.rs`.

use super::names::ROWS;
use foldhash::fast::RandomState;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

/// What a key of an event says. One field may have many names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Field {
    /// `event`: which kind of event it is.
    Event,
    /// When the call ended, by the name that means just that.
    Timestamp,
    /// When it ended, as one half of a pair.
    End,
    /// When the line was written.
    LogTime,
    /// When it started.
    Start,
    /// When the first token came.
    FirstTokenAt,
    /// Id of the call.
    RequestId,
    /// Hash of the identity of an exported event that has no id.
    Identity,
    /// `id`: of the call, the span or the score, whichever the event is.
    BareId,
    /// Trace.
    TraceId,
    /// Own span.
    SpanId,
    /// Parent span.
    ParentId,
    /// End user.
    UserId,
    /// Conversation.
    SessionId,
    /// Machine.
    Host,
    /// Application.
    App,
    /// Deployment environment.
    Environment,
    /// Tags.
    Tags,
    /// Model.
    Model,
    /// Provider.
    Provider,
    /// Operation.
    Operation,
    /// Input tokens.
    InputTokens,
    /// Output tokens.
    OutputTokens,
    /// Input and output tokens together.
    TotalTokens,
    /// Read from the provider's cache.
    CachedInputTokens,
    /// Written to the provider's cache.
    CacheWriteTokens,
    /// Written for five minutes.
    CacheWrite5mTokens,
    /// Written for one hour.
    CacheWrite1hTokens,
    /// Reasoning.
    ReasoningTokens,
    /// Audio in the input.
    InputAudioTokens,
    /// Audio read from the provider's cache, which is in the audio of the input.
    CachedAudioTokens,
    /// Audio in the output.
    OutputAudioTokens,
    /// Results of tools given to the model, beside its input.
    ToolUseTokens,
    /// Length of the call.
    Latency,
    /// Time to the first token.
    Ttft,
    /// Waiting before it was sent.
    Queue,
    /// Time on the network.
    Network,
    /// Cost as reported, dollars.
    Cost,
    /// `status`: a word, or an HTTP status.
    Status,
    /// `success`: whether it went well.
    Success,
    /// `failure`: whether it failed.
    Failure,
    /// `error`: text, flag or object.
    Error,
    /// The failure mode, in this project's own word.
    FailureMode,
    /// HTTP status of the final answer.
    HttpStatus,
    /// Error type, code or class.
    ErrorType,
    /// A code that may be a word or an HTTP status.
    ErrorCode,
    /// Error message.
    ErrorMessage,
    /// How long the provider asked to wait.
    RetryAfter,
    /// Retries made.
    Retries,
    /// Attempts made: one more than retries.
    Attempts,
    /// Model this call fell back from.
    FallbackFrom,
    /// The response cache's part.
    Cache,
    /// Experiment.
    Experiment,
    /// Variant.
    Variant,
    /// Sampling temperature.
    Temperature,
    /// Asked limit of output tokens.
    MaxTokens,
    /// How it was served.
    ServiceTier,
    /// Why it ended.
    FinishReason,
    /// Whether it was streamed.
    Stream,
    /// Beginning of the prompt.
    PromptPreview,
    /// Whole prompt.
    Prompt,
    /// Answer.
    Response,
    /// Tool calls asked for.
    ToolCalls,
    /// What guardrails did.
    Guardrail,
    /// What a gateway tells of its way.
    Gateway,
    /// `usage` that is no object: where the tokens are from.
    Usage,
    /// Only a step of a dotted path, no field itself.
    Nest,
}

impl Field {
    /// How many fields there are.
    pub const COUNT: usize = Field::Nest as usize + 1;
}

/// How the value under a name is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// As the field says; tokens are totals.
    Plain,
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
    /// A duration without a unit in its name.
    Bare,
    /// Tokens beside the total, not part of it: Anthropic's cached input, Gemini's output without thoughts, thoughts
    /// without output, and all that Langfuse keeps. An input of this meaning is a total unless cache figures of this meaning stand beside it.
    Apart,
    /// A list of a count for each sort of tokens, as Gemini has one of modalities and Bedrock one of the lifetimes of cache
    /// writes; anything else says nothing.
    Sorted,
    /// A status that may be a code of OpenTelemetry: 0 says nothing, 1 is well, 2 is an error.
    Code,
}

/// One name of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Place in the table; smaller wins.
    pub id: u16,
    /// What it says.
    pub field: Field,
    /// How it is meant.
    pub meaning: Meaning,
    /// Whether an object under this name holds more names of the table.
    pub nests: bool,
}

/// The table as it is searched.
struct Table {
    by_name: HashMap<Cow<'static, str>, Key, RandomState>,
    names: Vec<Cow<'static, str>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(build);

fn build() -> Table {
    let mut table = Table { by_name: HashMap::with_hasher(RandomState::default()), names: Vec::new() };
    for &(field, meaning, names) in ROWS {
        for name in names.split_whitespace() {
            table.add(Cow::Borrowed(name), field, meaning);
        }
    }
    let paths: Vec<&'static str> =
        ROWS.iter().flat_map(|row| row.2.split_whitespace()).filter(|name| name.contains('.')).collect();
    for path in paths {
        for (dot, _) in path.match_indices('.') {
            table.add(Cow::Borrowed(&path[..dot]), Field::Nest, Meaning::Plain);
            if let Some(key) = table.by_name.get_mut(&path[..dot]) {
                key.nests = true;
            }
        }
    }
    table
}

impl Table {
    /// Adds a name unless it is there.
    fn add(&mut self, name: Cow<'static, str>, field: Field, meaning: Meaning) {
        let id = u16::try_from(self.names.len()).unwrap_or(u16::MAX);
        if !self.by_name.contains_key(&name) {
            self.names.push(name.clone());
            self.by_name.insert(name, Key { id, field, meaning, nests: false });
        }
    }
}

/// How many names there are; ids are below it.
pub const MAX_NAMES: usize = 1024;

/// The key a name stands for, in any spelling (`requestId`, `request-id`, `RequestID`).
pub fn find(name: &str) -> Option<Key> {
    let table = &*TABLE;
    table.by_name.get(name).or_else(|| table.by_name.get(snake(name)?.as_str())).copied()
}

/// The key of a name inside the object under another key.
pub fn find_inside(outer: Key, name: &str) -> Option<Key> {
    let table = &*TABLE;
    let outer = table.names.get(usize::from(outer.id))?;
    let path = format!("{outer}.{}", snake(name).as_deref().unwrap_or(name));
    table.by_name.get(path.as_str()).copied()
}

/// The snake case of a name, where it differs; `None` for names that have it, and for names too long to be known.
fn snake(name: &str) -> Option<String> {
    const LONGEST: usize = 64;
    let odd = |b: u8| b.is_ascii_uppercase() || b == b'-' || b == b' ';
    if name.len() > LONGEST || !name.bytes().any(odd) {
        return None;
    }
    let bytes = name.as_bytes();
    let mut out = String::with_capacity(name.len() + 4);
    for (i, c) in name.char_indices() {
        let before = i.checked_sub(1).map_or(b'_', |i| bytes[i]);
        let after = bytes.get(i + 1).copied().unwrap_or(b'_');
        let starts_word = before.is_ascii_lowercase()
            || before.is_ascii_digit()
            || (before.is_ascii_uppercase() && after.is_ascii_lowercase());
        match c {
            '-' | ' ' => out.push('_'),
            c if c.is_ascii_uppercase() => {
                if starts_word {
                    out.push('_');
                }
                out.push(c.to_ascii_lowercase());
            }
            c => out.push(c),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_once_and_in_snake_case() {
        let names: Vec<&str> = ROWS.iter().flat_map(|row| row.2.split_whitespace()).collect();
        for name in &names {
            assert_eq!(names.iter().filter(|n| n == &name).count(), 1, "{name}");
            assert_eq!(snake(name), None, "{name}");
        }
        assert!(TABLE.names.len() <= MAX_NAMES);
    }

    #[test]
    fn spellings_meet() {
        for name in ["requestId", "request_id", "RequestID", "request-id", "RequestId"] {
            assert_eq!(find(name).map(|k| k.field), Some(Field::RequestId), "{name}");
        }
        assert_eq!(find("costUSD").map(|k| k.field), Some(Field::Cost));
        assert_eq!(find("cacheCreationInputTokens").map(|k| k.meaning), Some(Meaning::Apart));
        assert_eq!(find("ModelBehaviour"), None);
    }

    #[test]
    fn paths_are_found_flat_and_nested() {
        let flat = find("gen_ai.usage.input_tokens");
        let outer = find("gen_ai").and_then(|k| find_inside(k, "usage"));
        assert_eq!(outer.and_then(|k| find_inside(k, "inputTokens")), flat);
        assert!(find("user").is_some_and(|k| k.nests && k.field == Field::UserId));
    }
}
