//! One client call while it is under way, and the event it becomes: exactly one, at its end, whatever the end is. What is
//! dropped without a word has been left by its client, or by a gateway that stops.

use super::breaker::Permit;
use super::clock::{self, micros};
use super::identity::Identity;
use super::pace::Late;
use super::recorder::Recorder;
use super::settings::Upstream;
use super::throttle::Meter;
use crate::event::{Evidence, FailureMode, Outcome, classify};
use crate::provider::{Answer, ApiError, Asked, Provider, Usage, estimate};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// No call takes longer, whatever it is told.
const LONGEST: Duration = Duration::from_secs(86_400 * 365);

/// A call under way.
pub struct Record {
    /// The gateway's own id of it, or the one that the client gave.
    pub request_id: String,
    /// When its head came in.
    pub started: Instant,
    /// The same on the wall, µs since the Unix epoch.
    pub started_us: i64,
    /// When it has to be over.
    pub until: Instant,
    /// Its protocol, where it is one that is read.
    pub provider: Option<&'static dyn Provider>,
    /// Whom it went to last.
    pub upstream: Option<Arc<Upstream>>,
    /// Whom the client meant: its own key goes nowhere else.
    pub home: Option<Arc<Upstream>>,
    /// Method and path of what is no call to a model.
    pub target: Option<String>,
    /// The client whose key it has, where keys are asked for.
    pub client: Option<String>,
    /// Who made it.
    pub identity: Identity,
    /// What it asks for.
    pub asked: Asked,
    /// What its answer says, as far as it was read.
    pub answer: Answer,
    /// The status that the client got.
    pub status: Option<u16>,
    /// The upstream's id of it.
    pub provider_request_id: Option<String>,
    /// How long the upstream asked to wait, µs.
    pub retry_after_us: Option<u64>,
    /// The model it fell back from.
    pub fallback_from: Option<String>,
    /// When what happened.
    pub phases: Phases,
    /// When the last try began; on the wall, too, µs since the Unix epoch.
    pub tried: (Instant, i64),
    /// The tries before the last.
    pub attempts: Vec<Attempt>,
    /// Whether the answer is not a model's, but what is said where everything has failed.
    pub degraded: bool,
    /// What counts its tokens against a provider's limits.
    pub meter: Option<Meter>,
    /// Leave of the breaker, which hears how the answer ends.
    pub permit: Option<Permit>,
    /// Bytes of its body.
    pub request_bytes: u64,
    /// Bytes of its answer's body, as they came.
    pub response_bytes: u64,
}

/// When what happened in a call. Of tries that failed only the queue counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Phases {
    /// Waiting for capacity and between tries, µs.
    pub queue_us: u64,
    /// Waiting for a connection, µs.
    pub connect_us: u64,
    /// When the request was there with its body, where that was waited for.
    pub read: Option<Instant>,
    /// When the first try began.
    pub tried: Option<Instant>,
    /// Of the queue, what was before the first try, µs.
    pub queue_before_us: u64,
    /// When its last byte was taken.
    pub sent: Option<Instant>,
    /// When the head of the answer came.
    pub first_byte: Option<Instant>,
    /// When the model began to speak.
    pub first_token: Option<Instant>,
    /// Pauses in the answer that were longer than a stall.
    pub stalls: u32,
}

/// A try that was given up.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Whom it went to.
    pub upstream: Arc<Upstream>,
    /// The model it asked for.
    pub model: Option<String>,
    /// When it began, µs since the Unix epoch.
    pub started_us: i64,
    /// How long it took, µs.
    pub latency_us: u64,
    /// The status it got.
    pub status: Option<u16>,
    /// What was wrong with it.
    pub error: ApiError,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The answer is whole, be it a refusal of the upstream.
    Whole,
    /// The answer broke off.
    Cut(String),
    /// The client went away.
    ClientLeft,
    /// The gateway was stopped.
    Stopped,
    /// Something took too long; its name.
    Timeout(&'static str),
    /// Everything has failed, as this says, and the client got the configured text.
    Degraded(Verdict),
    /// The gateway answered itself.
    Refused {
        /// How that counts.
        mode: FailureMode,
        /// The word for it.
        word: &'static str,
        /// Why.
        why: String,
    },
}

impl Record {
    /// Whether it ended before anything of it was sent to anybody, so that it has cost nothing.
    pub fn is_unsent(&self, end: &End) -> bool {
        let is_own = matches!(end, End::Refused { .. } | End::Degraded(_));
        is_own && self.phases.sent.is_none() && self.phases.first_byte.is_none() && self.attempts.is_empty()
    }

    /// A call that begins now.
    pub fn new(request_id: Option<String>) -> Box<Record> {
        let (started, started_us) = (clock::now(), clock::now_us());
        Box::new(Record {
            request_id: request_id.unwrap_or_else(|| format!("lt_{started_us:x}{:08x}", fastrand::u32(..))),
            started,
            started_us,
            until: started + LONGEST,
            provider: None,
            upstream: None,
            home: None,
            target: None,
            client: None,
            identity: Identity::default(),
            asked: Asked::default(),
            answer: Answer::default(),
            status: None,
            provider_request_id: None,
            retry_after_us: None,
            fallback_from: None,
            phases: Phases::default(),
            tried: (started, started_us),
            attempts: Vec::new(),
            degraded: false,
            meter: None,
            permit: None,
            request_bytes: 0,
            response_bytes: 0,
        })
    }

    /// Whether an upstream is where the client's own key belongs: the first that its call could go to, or at the same address.
    pub fn is_home(&self, upstream: &Upstream) -> bool {
        let origin = |upstream: &Upstream| (upstream.base.scheme().cloned(), upstream.base.authority().cloned());
        self.home.as_deref().is_some_and(|home| origin(home) == origin(upstream))
    }

    /// The whole call until `now`, µs.
    pub fn latency_us(&self, now: Instant) -> u64 {
        micros(now.saturating_duration_since(self.started))
    }

    /// The time that was the gateway's own: from when the request was there until an upstream was first called, but for the
    /// queue.
    pub fn gateway_us(&self) -> Option<u64> {
        let since = self.phases.read.unwrap_or(self.started);
        let before = self.phases.tried?.saturating_duration_since(since);
        Some(micros(before).saturating_sub(self.phases.queue_before_us))
    }

    /// Whether tokens of it have to be estimated: the model has spoken, or may have, and nobody counted all.
    pub fn is_estimated(&self) -> bool {
        let is_answered = self.status.is_some_and(|status| (200..300).contains(&status));
        let is_of_text = self.provider.is_some_and(|provider| provider.operation() != "embeddings");
        let usage = &self.answer.usage;
        let lacks =
            usage.input.is_none() && self.asked.text_chars > 0 || usage.output.is_none() && self.answer.text_chars > 0;
        is_answered && is_of_text && lacks && !self.degraded && self.answer.error.is_none()
    }

    /// Its tokens, estimated where they have to be.
    pub fn usage(&self) -> Usage {
        if !self.is_estimated() {
            return self.answer.usage;
        }
        let of = |text: &str, chars: usize| (chars > 0).then(|| estimated(text, chars));
        let known = self.answer.usage;
        Usage {
            input: known.input.or_else(|| of(&self.asked.preview, self.asked.text_chars)),
            output: known.output.or_else(|| of(&self.answer.text, self.answer.text_chars)),
            ..known
        }
    }

    /// How it went, with the words for why not.
    pub fn verdict(&self, end: &End) -> Verdict {
        let said = self.answer.error.as_ref();
        let provider_error = || Verdict {
            outcome: classify(Evidence {
                ok: said.map(|_| false),
                http_status: self.status,
                error_type: said.and_then(|error| error.code.as_deref().or(error.kind.as_deref())).unwrap_or_default(),
                message: said.and_then(|error| error.message.as_deref()).unwrap_or_default(),
            }),
            kind: said.and_then(|error| error.kind.clone().or_else(|| error.code.clone())),
            message: said.and_then(|error| error.message.clone()),
        };
        match end {
            End::Whole => provider_error(),
            // A provider that says what is wrong has said it all, whoever hangs up then.
            End::Cut(_) | End::ClientLeft | End::Timeout(_) if said.is_some() => provider_error(),
            End::Cut(why) => Verdict::failed(FailureMode::Connection, "stream_cut", why),
            End::ClientLeft => Verdict::failed(FailureMode::Cancelled, "client_left", "the client went away"),
            End::Stopped => Verdict::failed(FailureMode::Cancelled, "proxy_shutdown", "the proxy was stopped"),
            End::Timeout(what) => Verdict::failed(FailureMode::Timeout, what, "no answer in time"),
            End::Degraded(verdict) => verdict.clone(),
            End::Refused { mode, word, why } => Verdict::failed(*mode, word, why),
        }
    }
}

/// Tokens of a text of so many characters of which the beginning is there: as many to a character as in that. Where nothing
/// of it is there, four characters make one, as in English.
fn estimated(beginning: &str, chars: usize) -> u64 {
    let known = beginning.chars().count();
    match known {
        0 => chars.div_ceil(4) as u64,
        _ => (estimate::tokens(beginning) as f64 * chars.max(known) as f64 / known as f64).round() as u64,
    }
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Success, or the failure mode.
    pub outcome: Outcome,
    /// The raw type or code.
    pub kind: Option<String>,
    /// The raw message.
    pub message: Option<String>,
}

impl Verdict {
    fn failed(mode: FailureMode, kind: &str, message: &str) -> Verdict {
        Verdict { outcome: Outcome::Failed(mode), kind: Some(kind.to_owned()), message: Some(message.to_owned()) }
    }
}

/// A call whose event is still to be written.
pub struct Open {
    record: Option<Box<Record>>,
    recorder: Arc<Recorder>,
}

impl Open {
    /// A call that begins now.
    pub fn new(record: Box<Record>, recorder: Arc<Recorder>) -> Open {
        recorder.begin();
        Open { record: Some(record), recorder }
    }

    /// What is known of it; `None` once it has ended.
    pub fn record(&mut self) -> Option<&mut Record> {
        self.record.as_deref_mut()
    }

    /// It has ended: writes its event, before anybody hears of the end.
    pub fn finish(&mut self, end: &End) {
        if let Some(mut record) = self.record.take() {
            if let Some(permit) = record.permit.take() {
                tell(permit, &record, end);
            }
            self.recorder.end(&record, end);
        }
    }
}

/// Tells the breaker how an answer has ended that had begun well. What the client or the gateway ended says nothing.
fn tell(permit: Permit, record: &Record, end: &End) {
    let is_good = match end {
        End::ClientLeft | End::Stopped | End::Refused { .. } | End::Degraded(_) => return,
        End::Timeout(what) if *what == Late::Total.word() => return,
        End::Whole if record.answer.error.is_none() => true,
        _ => !matches!(
            record.verdict(end).outcome,
            Outcome::Failed(
                FailureMode::ServerError | FailureMode::Overloaded | FailureMode::Timeout | FailureMode::Connection
            )
        ),
    };
    if is_good { permit.worked() } else { permit.failed(clock::now()) }
}

impl Drop for Open {
    fn drop(&mut self) {
        let end = if self.recorder.is_stopping() { End::Stopped } else { End::ClientLeft };
        self.finish(&end);
    }
}
