//! Counting the users and sessions of one transaction's calls, hour by hour, into sorted runs. Pure; `runs` has what
//! becomes of them in the store.

use super::runs::{HOUR_US, Kind, Run, RunWriter, Totals};
use crate::event::{FailureMode, Outcome};
use crate::stats::acc::Sample;

/// What a call adds to its member, kept small: there are as many as calls.
#[derive(Debug, Clone, Copy)]
struct One {
    input_tokens: i64,
    output_tokens: i64,
    cost_nusd: i64,
    latency_us: i64,
    retries: u32,
    outcome: Outcome,
    /// Which of retries, input, output, cost, latency are known: bits 0 to 4.
    known: u8,
}

impl One {
    fn of(sample: &Sample) -> One {
        let signed = |value: Option<u64>| value.map(|v| i64::try_from(v).unwrap_or(i64::MAX));
        let (input, output) = (signed(sample.input_tokens), signed(sample.output_tokens));
        let latency = signed(sample.latency_us);
        let known = [
            sample.retries.is_some(),
            input.is_some(),
            output.is_some(),
            sample.cost_nusd.is_some(),
            latency.is_some(),
        ];
        One {
            input_tokens: input.unwrap_or_default(),
            output_tokens: output.unwrap_or_default(),
            cost_nusd: sample.cost_nusd.unwrap_or_default(),
            latency_us: latency.unwrap_or_default(),
            retries: sample.retries.unwrap_or_default(),
            outcome: sample.outcome,
            known: known.into_iter().enumerate().fold(0, |mask, (bit, known)| mask | u8::from(known) << bit),
        }
    }

    fn add_to(&self, t: &mut Totals) {
        t.calls += 1;
        t.errors += u64::from(self.outcome.is_error());
        t.rate_limited += u64::from(self.outcome.failure() == Some(FailureMode::RateLimit));
        t.retries = t.retries.saturating_add(i64::from(self.retries));
        t.input_tokens = t.input_tokens.saturating_add(self.input_tokens);
        t.output_tokens = t.output_tokens.saturating_add(self.output_tokens);
        t.cost_nusd = t.cost_nusd.saturating_add(self.cost_nusd);
        t.unpriced += u64::from(self.known & 8 == 0);
        t.latency_sum_us = t.latency_sum_us.saturating_add(self.latency_us);
        t.latency_count += u64::from(self.known & 16 != 0);
        t.latency_max_us = t.latency_max_us.max(self.latency_us);
        t.known |= self.known & 15;
    }
}

/// One hour's calls of one kind of member, not yet summed: sorting them once is cheaper than a look-up for each.
#[derive(Debug, Default)]
struct Open {
    /// The first bytes of the name, tag first, and the call's number.
    order: Vec<(u128, u32)>,
    names: Vec<u8>,
    ends: Vec<u32>,
    calls: Vec<One>,
}

impl Open {
    fn name(&self, n: u32) -> &[u8] {
        let start = if n == 0 { 0 } else { self.ends[n as usize - 1] };
        &self.names[start as usize..self.ends[n as usize] as usize]
    }

    #[inline]
    fn add(&mut self, tag: u8, name: &[u8], one: One) {
        let mut first = [0; 16];
        let len = name.len().min(15);
        first[0] = tag;
        first[1..=len].copy_from_slice(&name[..len]);
        self.order.push((u128::from_be_bytes(first), self.calls.len() as u32));
        self.names.push(tag);
        self.names.extend_from_slice(name);
        self.ends.push(self.names.len() as u32);
        self.calls.push(one);
    }

    /// The run: members sorted by name.
    fn encode(&mut self) -> Vec<u8> {
        let mut order = std::mem::take(&mut self.order);
        // The first bytes as a number decide most comparisons without a look at the names.
        order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| self.name(a.1).cmp(self.name(b.1))));
        let mut run = RunWriter::with_room(order.len() * 28);
        for member in order.chunk_by(|a, b| a.0 == b.0 && self.name(a.1) == self.name(b.1)) {
            let mut totals = Totals::default();
            member.iter().for_each(|(_, n)| self.calls[*n as usize].add_to(&mut totals));
            run.put(self.name(member[0].1), &totals);
        }
        self.order = order;
        run.out
    }

    fn clear(&mut self) {
        self.order.clear();
        self.names.clear();
        self.ends.clear();
        self.calls.clear();
    }
}

/// Counts one transaction's members.
#[derive(Debug)]
pub struct Members {
    hour: i64,
    open: [Open; 2],
    done: Vec<Run>,
}

impl Default for Members {
    fn default() -> Members {
        Members { hour: i64::MIN, open: [Open::default(), Open::default()], done: Vec::new() }
    }
}

/// A member's name as it is in the batch: whether it is a packed id, and its bytes.
pub type Name<'a> = (bool, &'a [u8]);

impl Members {
    /// Counts a call for its user and its session, where it has them.
    #[inline]
    pub fn add(&mut self, ts_us: i64, sample: &Sample, names: [Name<'_>; 2]) {
        let hour = ts_us.div_euclid(HOUR_US);
        if hour != self.hour {
            self.close();
            self.hour = hour;
        }
        let one = One::of(sample);
        for (open, (packed, name)) in self.open.iter_mut().zip(names) {
            if !name.is_empty() {
                open.add(u8::from(packed), name, one);
            }
        }
    }

    fn close(&mut self) {
        for (kind, open) in [Kind::User, Kind::Session].into_iter().zip(&mut self.open) {
            if !open.calls.is_empty() {
                self.done.push(Run { kind, hour: self.hour, data: open.encode() });
                open.clear();
            }
        }
        self.hour = i64::MIN;
    }

    /// Hands out the runs of the hours closed since the last time.
    pub fn take(&mut self) -> Vec<Run> {
        std::mem::take(&mut self.done)
    }

    /// Closes the open hour and hands out the rest.
    pub fn finish(&mut self) -> Vec<Run> {
        self.close();
        self.take()
    }
}

impl Totals {
    /// What one call comes to.
    pub fn of(sample: &Sample) -> Totals {
        let mut totals = Totals::default();
        One::of(sample).add_to(&mut totals);
        totals
    }
}
