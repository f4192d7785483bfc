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
                if *bytes <= MOST {
                    read_whole(decoder, pieces, reader.as_mut());
                    *answer = reader.answer().clone();
                    answer.bound();
                }
                self.sight = Sight::Blind;
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
