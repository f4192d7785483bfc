//! Text of calls, in compressed blocks of up to 4,096 calls: apart from the rows, so that it can be deleted earlier,
//! and cheap to write, because a block is one row.

use crate::event::{Call, Text};
use crate::stats::varint;
use std::borrow::Cow;

/// A field of a call's text, in stored order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextField {
    /// `prompt_preview`
    PromptPreview,
    /// `prompt`
    Prompt,
    /// `response`
    Response,
    /// `tool_calls`
    ToolCalls,
    /// `guardrail`
    Guardrail,
    /// `gateway`
    Gateway,
}

const FIELDS: usize = 6;

fn fields<'c, 'a>(call: &'c Call<'a>) -> [&'c Text<'a>; FIELDS] {
    [&call.prompt_preview, &call.prompt, &call.response, &call.tool_calls, &call.guardrail, &call.gateway]
}

/// Texts of up to [`TextBlock::SLOTS`] calls, compressed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextBlock {
    /// Time of its newest call, µs: when the block may be deleted.
    pub last_us: i64,
    /// How many calls.
    pub len: u32,
    /// zstd of, for each call, the length of its part, a mask of fields, and each field with its length.
    pub data: Vec<u8>,
}

impl TextBlock {
    /// How many calls a block holds at most.
    pub const SLOTS: u32 = 4_096;
    /// About how many bytes of text a block holds at most.
    pub const BYTES: usize = 1 << 19;
}

/// Collects texts and seals them into blocks.
pub(super) struct TextWriter {
    raw: Vec<u8>,
    one: Vec<u8>,
    len: u32,
    last_us: i64,
    squeeze: zstd::bulk::Compressor<'static>,
}

/// Of the fast levels, the one that costs least per line for its size on prompts.
const LEVEL: i32 = 1;

impl TextWriter {
    pub fn new() -> std::io::Result<TextWriter> {
        let squeeze = zstd::bulk::Compressor::new(LEVEL)?;
        Ok(TextWriter { raw: Vec::new(), one: Vec::new(), len: 0, last_us: i64::MIN, squeeze })
    }

    /// Adds a call's text; its slot in the block being filled, or `None` where it has no text.
    pub fn add(&mut self, call: &Call<'_>, ts_us: i64) -> Option<u32> {
        let fields = fields(call);
        let mask = fields.iter().enumerate().fold(0u64, |m, (i, t)| m | (u64::from(t.is_some()) << i));
        if mask == 0 {
            return None;
        }
        self.one.clear();
        varint::put(&mut self.one, mask);
        fields.iter().filter_map(|t| t.as_deref()).for_each(|t| varint::put_bytes(&mut self.one, t.as_bytes()));
        varint::put_bytes(&mut self.raw, &self.one);
        self.last_us = self.last_us.max(ts_us);
        self.len += 1;
        Some(self.len - 1)
    }

    pub fn is_full(&self) -> bool {
        self.len >= TextBlock::SLOTS || self.raw.len() >= TextBlock::BYTES
    }

    /// Seals what is there into a block.
    pub fn seal(&mut self) -> Option<std::io::Result<TextBlock>> {
        if self.len == 0 {
            return None;
        }
        let data = self.squeeze.compress(&self.raw);
        let block = data.map(|data| TextBlock { last_us: self.last_us, len: self.len, data });
        self.raw.clear();
        (self.len, self.last_us) = (0, i64::MIN);
        Some(block)
    }
}

/// An opened block: its bytes, and where each call's part begins.
#[derive(Debug)]
pub struct OpenBlock {
    raw: Vec<u8>,
    starts: Vec<u32>,
}

impl OpenBlock {
    /// Finds the parts in a block's decompressed data; `None` where it is broken.
    pub fn new(raw: Vec<u8>) -> Option<OpenBlock> {
        let mut starts = Vec::new();
        let mut rest = raw.as_slice();
        while !rest.is_empty() {
            starts.push(u32::try_from(raw.len() - rest.len()).ok()?);
            varint::take_bytes(&mut rest)?;
        }
        Some(OpenBlock { raw, starts })
    }

    /// About how much memory it takes, bytes.
    pub fn weight(&self) -> usize {
        self.raw.len() + self.starts.len() * 4
    }

    /// How many calls have text in it.
    pub fn slots(&self) -> u32 {
        self.starts.len() as u32
    }

    /// The texts of a slot by field, in stored order; `None` on broken data or a slot that is not there.
    pub fn texts(&self, slot: u32) -> Option<[Option<&str>; FIELDS]> {
        let mut rest = self.raw.get(*self.starts.get(slot as usize)? as usize..)?;
        let mut one = varint::take_bytes(&mut rest)?;
        let mask = varint::take(&mut one)?;
        let mut texts = [None; FIELDS];
        for (_, text) in texts.iter_mut().enumerate().filter(|(i, _)| mask & (1 << i) != 0) {
            *text = Some(std::str::from_utf8(varint::take_bytes(&mut one)?).ok()?);
        }
        Some(texts)
    }

    /// Puts the texts of a slot into a call; `None` on broken data or a slot that is not there.
    pub fn restore(&self, slot: u32, call: &mut Call<'static>) -> Option<()> {
        let fields = [
            &mut call.prompt_preview,
            &mut call.prompt,
            &mut call.response,
            &mut call.tool_calls,
            &mut call.guardrail,
            &mut call.gateway,
        ];
        for (field, text) in fields.into_iter().zip(self.texts(slot)?) {
            if let Some(text) = text {
                *field = Some(Cow::Owned(text.to_owned()));
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_from_their_slots() {
        let mut writer = TextWriter::new().expect("a compressor");
        let first = Call { prompt_preview: Some("hello".into()), ..Call::default() };
        let second = Call { response: Some("".into()), guardrail: Some("[]".into()), ..Call::default() };
        assert_eq!(writer.add(&first, 5), Some(0));
        assert_eq!(writer.add(&Call::default(), 9), None);
        assert_eq!(writer.add(&second, 7), Some(1));
        let block = writer.seal().expect("not empty").expect("compresses");
        assert_eq!((block.len, block.last_us), (2, 7));
        let raw = zstd::bulk::decompress(&block.data, 1 << 20).expect("its own data");
        let open = OpenBlock::new(raw).expect("its own data");
        assert_eq!(open.slots(), 2);
        for (slot, want) in [first, second].into_iter().enumerate() {
            let mut got = Call::default();
            open.restore(slot as u32, &mut got).expect("is there");
            assert_eq!(got, want);
        }
        assert!(open.restore(2, &mut Call::default()).is_none());
        assert!(OpenBlock::new(vec![200, 1, 7]).is_none(), "cut short");
    }
}
