//! One question to the judge, by any OpenAI-compatible API, and what of its answer is usable.

use super::APP;
use super::rubric::Rubric;
use crate::clock;
use crate::config::Judge;
use crate::event::{Call, Evidence, FailureMode, Outcome, classify};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::time::Duration;
use ureq::Agent;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(120);

/// An answer longer than this is none, bytes.
const MOST: u64 = 4 << 20;

/// Asks the judge.
pub struct Client<'a> {
    agent: Agent,
    config: &'a Judge,
    key: Option<String>,
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// An id of its own.
    pub id: String,
    /// When it ended, µs.
    pub ended_us: i64,
    /// How long it took, µs.
    pub took_us: u64,
    /// The text of the answer, or what went wrong.
    pub said: Result<String, String>,
    status: Option<u16>,
    body: Value,
}

/// A judgement.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// 0..=1.
    pub score: f64,
    /// Why.
    pub reason: String,
}

impl Verdict {
    /// Reads an answer: one JSON object with a score that is possible and a reason; `None` for anything else. A fence
    /// around it is forgiven.
    pub fn read(text: &str, is_yes_or_no: bool) -> Option<Verdict> {
        /// Longer reasons are cut, in letters.
        const LONGEST: usize = 600;
        let text = text.trim();
        let text = text.strip_prefix("```json").or_else(|| text.strip_prefix("```")).unwrap_or(text);
        let text = text.trim().strip_suffix("```").unwrap_or(text).trim();
        let answer: Value = serde_json::from_str(text).ok()?;
        let score = match answer.get("score")? {
            Value::Bool(yes) => f64::from(u8::from(*yes)),
            score => score.as_f64()?,
        };
        let is_possible = if is_yes_or_no { score == 0.0 || score == 1.0 } else { (0.0..=1.0).contains(&score) };
        let reason = answer.get("reason")?.as_str()?;
        is_possible.then(|| Verdict { score, reason: reason.chars().take(LONGEST).collect() })
    }
}

impl<'a> Client<'a> {
    /// With the key that the configuration names.
    ///
    /// # Errors
    /// The variable is not set.
    pub fn new(config: &'a Judge) -> Result<Client<'a>> {
        let key = config.key_env.as_deref().map(|name| {
            let key = std::env::var(name).ok().filter(|key| !key.is_empty());
            key.with_context(|| format!("the variable {name} of [judge] is not set; put the key of the judge into it"))
        });
        let agent = Agent::config_builder()
            .timeout_global(Some(LIMIT))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("llmtop/", env!("CARGO_PKG_VERSION")));
        Ok(Client { agent: agent.build().into(), config, key: key.transpose()? })
    }

    /// Asks; again after an answer that was not what was asked for.
    pub fn ask(&self, rubric: &Rubric, exchange: &str, is_again: bool) -> Answer {
        let begun = clock::ticks();
        let sent = self.send(&self.body(rubric, exchange, is_again));
        let took_us = u64::try_from(clock::ticks().saturating_sub(begun).as_micros()).unwrap_or(u64::MAX);
        let ended_us = clock::now_us();
        let id = format!("judge-{ended_us}-{:08x}", fastrand::u32(..));
        let (status, body, said) = match sent {
            Ok((status, body)) => {
                let said = told(status, &body);
                (Some(status), body, said)
            }
            Err(why) => (None, Value::Null, Err(why)),
        };
        Answer { id, ended_us, took_us, said, status, body }
    }

    fn body(&self, rubric: &Rubric, exchange: &str, is_again: bool) -> String {
        let mark = fastrand::u64(..);
        let mut messages = vec![
            json!({"role": "system", "content": rubric.system(mark)}),
            json!({"role": "user", "content": rubric.given(exchange, mark)}),
        ];
        if is_again {
            let again = "The answer to this was not the JSON object that was asked for. Answer with that object alone.";
            messages.push(json!({"role": "user", "content": again}));
        }
        json!({
            "model": self.config.model, "messages": messages, "temperature": 0, "max_tokens": self.config.max_tokens,
        })
        .to_string()
    }

    fn send(&self, body: &str) -> Result<(u16, Value), String> {
        let url = format!("{}/chat/completions", self.config.base_url);
        let mut request = self.agent.post(&url).header("Content-Type", "application/json");
        if let Some(key) = &self.key {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        let mut answer = request.send(body).map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        let text = answer.body_mut().with_config().limit(MOST).read_to_string().map_err(|error| error.to_string())?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }
}

/// The text of an answer, or what is wrong with it.
fn told(status: u16, body: &Value) -> Result<String, String> {
    if !(200..300).contains(&status) {
        let message = body.pointer("/error/message").and_then(Value::as_str).unwrap_or("no message");
        return Err(format!("it answered {status}: {message}"));
    }
    let text = body.pointer("/choices/0/message/content").and_then(Value::as_str);
    text.map(str::to_owned).ok_or_else(|| "its answer holds no message".to_owned())
}

impl Answer {
    /// The call that it was.
    pub fn call<'c>(&'c self, config: &'c Judge) -> Call<'c> {
        let tokens = |path: &str| self.body.pointer(path).and_then(Value::as_u64);
        let text = |text: &'c str| Some(Cow::Borrowed(text));
        let (outcome, message) = match &self.said {
            Ok(_) => (Outcome::Ok, None),
            Err(why) => (self.failure(why), text(why)),
        };
        Call {
            ts_us: Some(self.ended_us),
            request_id: text(&self.id),
            app: text(APP),
            model: text(self.body.get("model").and_then(Value::as_str).unwrap_or(&config.model)),
            provider: config.provider.as_deref().map(Cow::Borrowed),
            operation: text("chat"),
            input_tokens: tokens("/usage/prompt_tokens"),
            output_tokens: tokens("/usage/completion_tokens"),
            cached_input_tokens: tokens("/usage/prompt_tokens_details/cached_tokens"),
            reasoning_tokens: tokens("/usage/completion_tokens_details/reasoning_tokens"),
            latency_us: Some(self.took_us),
            outcome,
            http_status: self.status,
            error_message: message,
            max_tokens: Some(u64::from(config.max_tokens)),
            temperature: Some(0.0),
            finish_reason: self.body.pointer("/choices/0/finish_reason").and_then(Value::as_str).map(Cow::Borrowed),
            response: self.said.as_deref().ok().map(Cow::Borrowed),
            ..Call::default()
        }
    }

    fn failure(&self, why: &str) -> Outcome {
        let kind =
            self.body.pointer("/error/code").or_else(|| self.body.pointer("/error/type")).and_then(Value::as_str);
        let kind = kind.unwrap_or_default();
        let found = classify(Evidence { ok: Some(false), http_status: self.status, error_type: kind, message: why });
        if found.is_error() { found } else { Outcome::Failed(FailureMode::Unknown) }
    }
}
