//! What reads an answer while it passes: events of a stream, or a whole body, from a decoded copy.

use super::decode::{Decoder, MOST};
use super::strip::Strip;
use crate::provider::sse::Events;
use crate::provider::{Answer, Family, Keep, Provider, Reader, Seen};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// Reads an answer.
pub struct Eye {
    sight: Sight,
    family: Family,
}

enum Sight {
    /// Nothing of it is read.
    Blind,
    /// Events, as they come.
    Stream { decoder: Decoder, events: Events, reader: Box<dyn Reader> },
    /// Pieces of a body that is read at its end.
    Whole { decoder: Decoder, pieces: Vec<Bytes>, bytes: usize, reader: Box<dyn Reader> },
}

/// What a piece was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Glance {
    /// The model said something.
    pub spoke: bool,
}

impl Eye {
    /// The eye for an answer with these headers.
    pub fn new(provider: Option<&'static dyn Provider>, headers: &HeaderMap, keep: Keep) -> Eye {
        let Some(provider) = provider else { return Eye { sight: Sight::Blind, family: Family::OpenAi } };
        let (decoder, reader) = (Decoder::of(headers), provider.reader(keep));
        let sight = if is_event_stream(headers) {
            Sight::Stream { decoder, events: Events::default(), reader }
        } else {
            Sight::Whole { decoder, pieces: Vec::new(), bytes: 0, reader }
        };
        Eye { sight, family: provider.family() }
    }

    /// Whether it reads events.
    pub fn is_stream(&self) -> bool {
        matches!(self.sight, Sight::Stream { .. })
    }

    /// Whether its bytes are what they mean.
    pub fn is_plain(&self) -> bool {
        match &self.sight {
            Sight::Blind => true,
            Sight::Stream { decoder, .. } | Sight::Whole { decoder, .. } => decoder.is_plain(),
        }
    }

    /// Whether a plain stream has got to the end of an event, so that another may follow.
    pub fn is_between_events(&self) -> bool {
        match &self.sight {
            Sight::Stream { decoder, events, .. } => decoder.is_plain() && events.is_empty(),
            Sight::Blind | Sight::Whole { .. } => false,
        }
    }

    /// Reads a piece. Where something is taken out of the stream, that learns of the events.
    pub fn push(&mut self, data: &Bytes, mut strip: Option<&mut Strip>) -> Glance {
        let mut glance = Glance::default();
        match &mut self.sight {
            Sight::Blind => {}
            Sight::Stream { decoder, events, reader } => decoder.push(data, &mut |bytes| {
                events.push(bytes, &mut |event| {
                    let seen =
                        if event.data.is_empty() { Seen::default() } else { reader.event(event.name, event.data) };
                    glance.spoke |= seen.is_content;
                    if let Some(strip) = strip.as_deref_mut() {
                        strip.event(event.raw_len, seen.is_usage_alone);
                        strip.hold_from(reader.answer().finish_reason.is_some());
                    }
                });
            }),
            Sight::Whole { pieces, bytes, .. } => {
                *bytes = bytes.saturating_add(data.len());
                if *bytes <= MOST {
                    pieces.push(data.clone());
                }
            }
        }
        glance
    }

    /// Whether the stream has said that it is over, so that nothing more of it matters.
    pub fn is_over(&self) -> bool {
        match &self.sight {
            // Gemini may still tell usage after its last word.
            Sight::Stream { reader, .. } => self.family != Family::Gemini && reader.answer().is_over,
            Sight::Blind | Sight::Whole { .. } => false,
        }
    }

    /// Whether a stream that has ended lacks its end.
    pub fn is_cut(&self) -> bool {
        match &self.sight {
            Sight::Stream { reader, .. } => {
                let answer = reader.answer();
                !answer.is_over && answer.finish_reason.is_none() && answer.error.is_none()
            }
            Sight::Blind | Sight::Whole { .. } => false,
        }
    }

    /// Moves what was read to where it belongs; after that nothing is read.
    pub fn read_out(&mut self, answer: &mut Answer) {
        match &mut self.sight {
            Sight::Blind => {}
            Sight::Stream { events, reader, .. } => {
                events.finish(&mut |event| {
                    reader.event(event.name, event.data);
                });
                *answer = reader.answer().clone();
                answer.bound();
            }
            Sight::Whole { decoder, pieces, bytes, reader } => {
                let is_whole = *bytes <= MOST;
                if is_whole {
                    read_whole(decoder, pieces, reader.as_mut());
                }
                // Nobody reads on.
                if let (Sight::Whole { reader, .. }, true) =
                    (std::mem::replace(&mut self.sight, Sight::Blind), is_whole)
                {
                    *answer = reader.into_answer();
                    answer.bound();
                }
            }
        }
    }
}

/// Most bodies come in one piece, and are read where they are.
fn read_whole(decoder: &mut Decoder, pieces: &[Bytes], reader: &mut dyn Reader) {
    if let ([one], true) = (pieces, decoder.is_plain()) {
        return reader.body(one);
    }
    let mut body = Vec::new();
    for piece in pieces {
        decoder.push(piece, &mut |bytes| body.extend_from_slice(bytes));
    }
    reader.body(&body);
}

/// Whether an answer is a stream of events.
pub fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::provider;
    use http::header::{CONTENT_ENCODING, HeaderValue};
    use std::io::Write;

    const STREAM: &str = "text/event-stream";
    const WORDS: &str = ": hello\n\ndata: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n\
                         data: {\"choices\":[{\"delta\":{\"content\":\"Hi \u{1f600}\"}}]}\n\n\
                         data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3}}\n\n";
    const DONE: &str = "data: [DONE]\n\n";
    const WHOLE: &str = r#"{"id":"c","choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3}}"#;

    fn headers(kind: &'static str, coding: &'static str) -> HeaderMap {
        let list = [(CONTENT_TYPE, kind), (CONTENT_ENCODING, coding)];
        list.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
    }

    fn eye(path: &str, kind: &'static str, coding: &'static str) -> Eye {
        Eye::new(Some(provider::of_path(path).unwrap()), &headers(kind, coding), Keep::All)
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    /// What is read of bytes in pieces, and how often the model spoke.
    fn read(eye: &mut Eye, bytes: &[u8], size: usize) -> (Answer, usize) {
        let pieces = bytes.chunks(size).map(Bytes::copy_from_slice);
        let spoke = pieces.filter(|piece| eye.push(piece, None).spoke).count();
        let mut answer = Answer::default();
        eye.read_out(&mut answer);
        (answer, spoke)
    }

    #[test]
    fn a_stream_reads_the_same_in_any_pieces_and_any_coding() {
        let text = [WORDS, USAGE, DONE].concat();
        for (coding, bytes) in [("identity", text.clone().into_bytes()), ("gzip", gzip(&text))] {
            for size in [1, 2, 3, 7, 50, 10_000] {
                let mut eye = eye("/v1/chat/completions", STREAM, coding);
                let (answer, spoke) = read(&mut eye, &bytes, size);
                assert_eq!((answer.text.as_str(), spoke), ("Hi \u{1f600}", 1), "{coding} in pieces of {size}");
                assert_eq!((answer.usage.input, answer.usage.output), (Some(9), Some(3)));
                assert!(eye.is_stream() && eye.is_over() && !eye.is_cut());
            }
        }
    }

    #[test]
    fn a_stream_without_its_end_is_cut_and_one_with_a_reason_is_not() {
        let chat = |text: &str| {
            let mut eye = eye("/v1/chat/completions", STREAM, "identity");
            read(&mut eye, text.as_bytes(), 10_000);
            (eye.is_over(), eye.is_cut())
        };
        assert_eq!(chat(""), (false, true));
        assert_eq!(chat(WORDS.split("data: {\"choices\":[{\"delta\":{},").next().unwrap()), (false, true));
        assert_eq!(chat(WORDS), (false, false), "usage may come");
        assert_eq!(chat("data: {\"error\":{\"message\":\"no\"}}\n\n"), (false, false), "it says why");
        assert_eq!(chat(DONE.trim_end()), (true, false), "the last empty line may be missing");
    }

    #[test]
    fn nothing_ends_a_stream_of_gemini_but_its_connection() {
        let text =
            "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hi\"}]},\"finishReason\":\"STOP\"}]}\r\n\r\n";
        let mut eye = eye("/v1beta/models/g:streamGenerateContent", STREAM, "identity");
        assert!(eye.push(&Bytes::from_static(text.as_bytes()), None).spoke);
        assert!(!eye.is_over() && !eye.is_cut());
        eye.push(&Bytes::from_static(b"data: {\"usageMetadata\":{\"promptTokenCount\":4}}\r\n\r\n"), None);
        let mut answer = Answer::default();
        eye.read_out(&mut answer);
        assert_eq!(answer.usage.input, Some(4));
    }

    #[test]
    fn a_whole_body_is_read_at_its_end_and_once() {
        for (coding, bytes) in [("identity", WHOLE.as_bytes().to_vec()), ("gzip", gzip(WHOLE))] {
            for size in [1, 9, 10_000] {
                let mut eye = eye("/v1/chat/completions", "application/json", coding);
                let (answer, spoke) = read(&mut eye, &bytes, size);
                assert_eq!((answer.text.as_str(), answer.usage.input, spoke), ("Hi", Some(9), 0));
                assert!(!eye.is_stream() && !eye.is_over() && !eye.is_cut());
                let mut again = answer.clone();
                eye.push(&Bytes::from_static(b"more"), None);
                eye.read_out(&mut again);
                assert_eq!(again, answer);
            }
        }
    }

    #[test]
    fn what_is_longer_than_any_answer_is_not_kept() {
        let mut eye = eye("/v1/chat/completions", "application/json", "identity");
        let piece = Bytes::from(vec![b' '; 1 << 20]);
        for _ in 0..=MOST >> 20 {
            eye.push(&piece, None);
        }
        eye.push(&Bytes::from_static(WHOLE.as_bytes()), None);
        let mut answer = Answer { text: "as before".to_owned(), ..Answer::default() };
        eye.read_out(&mut answer);
        assert_eq!(answer.text, "as before");
    }

    #[test]
    fn what_is_no_call_to_a_model_is_not_read() {
        let mut eye = Eye::new(None, &headers(STREAM, "identity"), Keep::All);
        let (answer, spoke) = read(&mut eye, [WORDS, DONE].concat().as_bytes(), 5);
        assert_eq!((answer, spoke), (Answer::default(), 0));
        assert!(!eye.is_stream() && !eye.is_over() && !eye.is_cut());
    }

    #[test]
    fn a_stream_is_what_its_type_says() {
        for (kind, is_stream) in [
            ("text/event-stream", true),
            ("Text/Event-Stream ; charset=utf-8", true),
            ("text/event-stream-not", false),
            ("application/json", false),
            ("", false),
        ] {
            assert_eq!(is_event_stream(&headers(kind, "")), is_stream, "{kind}");
        }
        assert!(!is_event_stream(&HeaderMap::new()));
    }
}
