//! Takes out of a stream the one event that the gateway asked for and the client did not. Everything else passes by the
//! byte and at once, but for the beginning of an event that may be the one: that waits for its end.

use bytes::{Bytes, BytesMut};

/// What takes an event out of a stream.
#[derive(Debug, Default)]
pub struct Strip {
    /// Came and has not gone on.
    pending: BytesMut,
    /// Bytes of the event under way that have gone on.
    passed: usize,
    /// Events that ended in this piece: their length, and whether they go.
    ended: Vec<(usize, bool)>,
    /// Whether the next event may be the one.
    holds: bool,
}

impl Strip {
    /// An event of this many bytes has ended, which is to be taken out or not.
    pub fn event(&mut self, raw_len: usize, is_out: bool) {
        self.ended.push((raw_len, is_out));
    }

    /// From now on the beginning of an event waits for its end, or does not.
    pub fn hold_from(&mut self, holds: bool) {
        self.holds = holds;
    }

    /// What of a piece, after its events were told, goes on now.
    pub fn take(&mut self, data: Bytes) -> Bytes {
        let is_plain = self.pending.is_empty() && !self.holds && self.ended.iter().all(|(_, is_out)| !is_out);
        if is_plain {
            let ended: usize = self.ended.drain(..).map(|(len, _)| len).sum();
            self.passed = self.passed.saturating_add(data.len()).saturating_sub(ended);
            return data;
        }
        self.pending.extend_from_slice(&data);
        let mut out = BytesMut::with_capacity(self.pending.len());
        for (len, is_out) in std::mem::take(&mut self.ended) {
            let left = len.saturating_sub(std::mem::take(&mut self.passed)).min(self.pending.len());
            let event = self.pending.split_to(left);
            // What has begun to go on has to go on to its end.
            if !is_out || left < len {
                out.extend_from_slice(&event);
            }
        }
        if !self.holds {
            self.passed = self.passed.saturating_add(self.pending.len());
            out.extend_from_slice(&self.pending.split());
        }
        out.freeze()
    }

    /// Whether nothing has gone on of an event whose end has not.
    pub fn is_between_events(&self) -> bool {
        self.passed == 0
    }

    /// What still waits when the stream is over.
    pub fn rest(&mut self) -> Bytes {
        self.pending.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream of events, of which the last but one may go once `holds_after` events have passed.
    fn passed(events: &[(&str, bool)], holds_after: usize, size: usize) -> String {
        let stream: String = events.iter().map(|(text, _)| *text).collect();
        let mut ends: Vec<usize> = Vec::new();
        for (text, _) in events {
            ends.push(ends.last().unwrap_or(&0) + text.len());
        }
        let (mut strip, mut out, mut done, mut at) = (Strip::default(), Vec::new(), 0, 0);
        for piece in stream.as_bytes().chunks(size) {
            at += piece.len();
            while done < ends.len() && ends[done] <= at {
                strip.event(events[done].0.len(), events[done].1);
                done += 1;
                strip.hold_from(done >= holds_after);
            }
            out.extend_from_slice(&strip.take(Bytes::copy_from_slice(piece)));
        }
        out.extend_from_slice(&strip.rest());
        String::from_utf8(out).expect("text stays text")
    }

    #[test]
    fn the_one_event_goes_and_all_else_stays_by_the_byte() {
        let events =
            [("data: a\n\n", false), ("data: end\n\n", false), ("data: usage\n\n", true), ("data: [DONE]\n\n", false)];
        for size in 1..60 {
            assert_eq!(passed(&events, 2, size), "data: a\n\ndata: end\n\ndata: [DONE]\n\n", "in pieces of {size}");
        }
    }

    #[test]
    fn without_such_an_event_nothing_is_lost() {
        let events = [(": hello\n\n", false), ("data: a\n\n", false), ("data: torn", false)];
        for size in 1..40 {
            assert_eq!(passed(&events, 1, size), ": hello\n\ndata: a\n\ndata: torn", "in pieces of {size}");
        }
    }

    #[test]
    fn what_is_to_go_but_has_begun_to_pass_goes_on_whole() {
        let events = [("data: a\n\n", false), ("data: usage\n\n", true), ("data: [DONE]\n\n", false)];
        // Nobody has said that the next event may be the one: torn, its beginning has passed.
        assert_eq!(passed(&events, 9, 12), "data: a\n\ndata: usage\n\ndata: [DONE]\n\n");
        assert_eq!(passed(&events, 9, 1_000), "data: a\n\ndata: [DONE]\n\n", "whole, it is seen in time");
    }

    #[test]
    fn what_is_no_candidate_is_not_held_back() {
        let mut strip = Strip::default();
        assert_eq!(strip.take(Bytes::from_static(b"data: be")), "data: be");
        strip.hold_from(true);
        assert_eq!(strip.take(Bytes::from_static(b"gin")), "", "from now on it waits");
        strip.event(13, false);
        assert_eq!(strip.take(Bytes::from_static(b"\n\ndata: us")), "gin\n\n");
        assert_eq!(strip.rest(), "data: us", "and at the end nothing is kept");
        assert_eq!(strip.rest(), "");
    }

    proptest::proptest! {
        /// Whatever the events and the pieces: only events that are to go are missing, and none of them in part.
        #[test]
        fn no_byte_of_another_event_is_lost(
            events in proptest::collection::vec(("[a-c\u{e9}]{0,9}", proptest::bool::weighted(0.3)), 1..9),
            holds_after in 0_usize..9,
            size in 1_usize..30,
        ) {
            let events: Vec<(String, bool)> =
                (0..).zip(events).map(|(n, (text, is_out))| (format!("data: {n}{text}\n\n"), is_out)).collect();
            let list: Vec<(&str, bool)> = events.iter().map(|(text, is_out)| (text.as_str(), *is_out)).collect();
            let out = passed(&list, holds_after, size);
            let mut rest = out.as_str();
            for (text, is_out) in &list {
                match rest.strip_prefix(text) {
                    Some(after) => rest = after,
                    None => proptest::prop_assert!(*is_out, "{out:?} lacks {text:?}"),
                }
            }
            proptest::prop_assert_eq!(rest, "");
            if holds_after == 0 {
                let wanted: String = list.iter().filter(|(_, is_out)| !is_out).map(|(text, _)| *text).collect();
                // The very first bytes came before anything was said.
                let first = list[0].0.len();
                if size >= first || !list[0].1 {
                    proptest::prop_assert_eq!(out, wanted);
                }
            }
        }
    }
}
