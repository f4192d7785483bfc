//! The end of a draft: what its keys say together becomes the call.

use super::Draft;
use crate::event::{Call, Evidence, MAX_TOKENS, Outcome, Reason, Text, classify};
use crate::format::{Context, convert, status};

impl<'a> Draft<'a> {
    /// The call, with what its surroundings know and it does not; or why there is none.
    pub fn finish(&mut self, around: &Context<'a>) -> Result<&Call<'a>, Reason> {
        self.settle_times()?;
        self.settle_tokens()?;
        if let Some(reason) = self.fault() {
            return Err(reason);
        }
        self.call.outcome = self.outcome();
        if self.call.retries.is_none() {
            self.call.retries = self.attempts.map(|n| n.saturating_sub(1));
        }
        let bare_id = self.bare_id.take();
        self.call.request_id = self.call.request_id.take().or(bare_id);
        if is_empty(&self.call) {
            return Err(Reason::MissingField);
        }
        around.fill(&mut self.call);
        Ok(&self.call)
    }

    /// What span and score events have in common with calls: the times, ids and evidence read, with `id` apart.
    pub fn finish_common(mut self, around: &Context<'a>) -> Result<(Call<'a>, Text<'a>, Option<Outcome>), Reason> {
        self.settle_times()?;
        if let Some(reason) = self.fault() {
            return Err(reason);
        }
        let outcome = self.outcome();
        let said = self.ok.is_some() || self.call.http_status.is_some() || outcome.is_error();
        around.fill(&mut self.call);
        Ok((self.call, self.bare_id, said.then_some(outcome)))
    }

    fn outcome(&self) -> Outcome {
        let call = &self.call;
        // What an export says was found from everything that was known at the time.
        if let Some(mode) = self.failure_mode {
            return Outcome::Failed(mode);
        }
        let (error_type, message) = (error_text(&call.error_type), error_text(&call.error_message));
        if self.ok != Some(false) && call.http_status.is_none() && error_type.is_none() && message.is_none() {
            return Outcome::Ok;
        }
        // Alone it is no error, but it may be all that a failed call says.
        let reason = call.finish_reason.as_deref().filter(|_| self.ok == Some(false) && message.is_none());
        classify(Evidence {
            ok: self.ok,
            http_status: call.http_status,
            error_type: error_type.or(reason).unwrap_or_default(),
            message: message.unwrap_or_default(),
        })
    }

    /// When it ended, and the durations that pairs of times give.
    fn settle_times(&mut self) -> Result<(), Reason> {
        if let Some(start) = self.start {
            if self.call.latency_us.is_none()
                && let Some(end) = self.end
            {
                self.call.latency_us = Some(between(start, end)?);
            }
            if self.call.ttft_us.is_none()
                && let Some(first) = self.first_token
            {
                self.call.ttft_us = Some(between(start, first)?);
            }
        }
        // A call that failed may have nothing but its start: nearer to the truth than the time of reading, and always the same.
        let ended = |start: i64| {
            let latency = self.call.latency_us.and_then(|us| i64::try_from(us).ok());
            start.checked_add(latency.unwrap_or(0)).unwrap_or(start)
        };
        self.call.ts_us = self.timestamp.or(self.end).or(self.log_time).or_else(|| self.start.map(ended));
        match self.bad_log_time {
            Some(reason) if self.call.ts_us.is_none() => Err(self.fault().unwrap_or(reason)),
            _ => Ok(()),
        }
    }

    /// Token counts as totals: what stands beside is added, what is missing of a sum is what is left.
    fn settle_tokens(&mut self) -> Result<(), Reason> {
        self.settle_cache_writes();
        let (call, apart) = (&mut self.call, self.apart);
        // What the cache gave costs as such, audio or not.
        if let (Some(audio), Some(cached)) = (&mut call.input_audio_tokens, self.cached_audio_tokens) {
            *audio = audio.saturating_sub(cached);
        }
        if let Some(output) = &mut call.output_tokens {
            let audio = call.output_audio_tokens.filter(|_| apart.output_audio);
            let reasoning = call.reasoning_tokens.filter(|_| apart.output);
            *output += reasoning.unwrap_or(0) + audio.unwrap_or(0);
        }
        let beside = if apart.input { self.beside_input() } else { 0 } + self.tool_use_tokens.unwrap_or(0);
        let call = &mut self.call;
        if let Some(input) = call.input_tokens
            && !includes(input, beside, self.total_tokens, call.output_tokens)
        {
            call.input_tokens = Some(input + beside);
        }
        match (self.total_tokens, call.input_tokens, call.output_tokens) {
            (Some(total), None, Some(output)) => {
                let Some(input) = total.checked_sub(output) else {
                    return Err(self.fault().unwrap_or(Reason::OutOfRange));
                };
                call.input_tokens = Some(input);
            }
            // An input of 0 stands for one that the producer did not know.
            (Some(total), Some(input @ 1..), None) => call.output_tokens = total.checked_sub(input),
            (Some(total), Some(input), Some(output)) => {
                call.output_tokens = Some(with_reasoning(output, call.reasoning_tokens, total.checked_sub(input)));
            }
            _ => {}
        }
        if apart.reasoning {
            self.call.output_tokens = self.call.output_tokens.or(self.call.reasoning_tokens);
        }
        self.check_totals()
    }

    /// All cache writes, where only their lifetimes are told. LangChain takes those that have one out of the total, or a
    /// reader of both would count them twice.
    fn settle_cache_writes(&mut self) {
        let (call, apart) = (&mut self.call, &mut self.apart);
        let kept = [self.cache_write_5m, call.cache_write_1h_tokens];
        let sum = kept.into_iter().flatten().sum();
        let has_total = match (call.cache_write_tokens, self.cache_write_5m) {
            (Some(total), Some(_)) => total >= sum,
            (total, _) => total.is_some(),
        };
        if !has_total && kept.iter().any(Option::is_some) {
            call.cache_write_tokens = Some(sum);
            apart.cache_write = apart.cache_write_5m || apart.cache_write_1h;
        }
    }

    /// What stands beside an input that leaves out what the cache and audio make of it.
    fn beside_input(&self) -> u64 {
        let (call, apart) = (&self.call, self.apart);
        let read = call.cached_input_tokens.filter(|_| apart.cache_read);
        let write = call.cache_write_tokens.filter(|_| apart.cache_write);
        let audio = call.input_audio_tokens.filter(|_| apart.input_audio);
        [read, write, audio].into_iter().flatten().sum()
    }

    /// A sum of counts is held to the bound of each of them, or what is exported could not be read again.
    fn check_totals(&self) -> Result<(), Reason> {
        let call = &self.call;
        let totals = [call.input_tokens, call.output_tokens, call.cache_write_tokens];
        match totals.into_iter().flatten().all(|tokens| tokens <= MAX_TOKENS) {
            true => Ok(()),
            false => Err(self.fault().unwrap_or(Reason::OutOfRange)),
        }
    }
}

/// An output together with reasoning that stands beside it although its name does not say so, as xAI counts it: what the
/// sum of all tokens leaves for the output tells.
fn with_reasoning(output: u64, reasoning: Option<u64>, left: Option<u64>) -> u64 {
    let both = output + reasoning.unwrap_or(0);
    if left == Some(both) { both } else { output }
}

/// Whether an input contains already what some protocols count beside it. Only the sum of all tokens tells; that of a log
/// may be the producer's own, of just the two figures it knows, so it is believed only where there is room for the rest.
fn includes(input: u64, beside: u64, total: Option<u64>, output: Option<u64>) -> bool {
    let sum_says_so = match (total, output) {
        (Some(total), Some(output)) => total == input + output,
        (Some(total), None) => total < input + beside,
        (None, _) => false,
    };
    sum_says_so && beside <= input
}

/// µs from one time to a later one.
fn between(from: i64, to: i64) -> Result<u64, Reason> {
    u64::try_from(to - from).ok().filter(|us| *us as f64 <= convert::MAX_DURATION_US).ok_or(Reason::OutOfRange)
}

/// What a text says of an error, if it is not `None`, `null` or the like.
fn error_text<'t>(text: &'t Text<'_>) -> Option<&'t str> {
    text.as_deref().filter(|text| !status::is_no_error_word(text))
}

/// Whether a call says nothing that could be counted or found again.
fn is_empty(call: &Call<'_>) -> bool {
    let texts = [
        &call.request_id,
        &call.trace_id,
        &call.span_id,
        &call.model,
        &call.provider,
        &call.operation,
        &call.error_type,
        &call.error_message,
        &call.prompt_preview,
        &call.prompt,
        &call.response,
    ];
    let counts = [call.input_tokens, call.output_tokens, call.latency_us, call.ttft_us];
    texts.iter().all(|text| text.is_none())
        && counts.iter().all(Option::is_none)
        && call.cost_nusd.is_none()
        && call.http_status.is_none()
        && !call.outcome.is_error()
}
