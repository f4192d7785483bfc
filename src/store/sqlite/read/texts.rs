//! Texts of calls, out of their compressed blocks. Rows come in order of time and may hop between many blocks, so as many
//! as fit are kept open, and what is looked for is looked for in a whole block at once: each is opened once for it.

use super::read_error::{ReadError, ReadResult};
use crate::batch::{OpenBlock, TextBlock};
use crate::event::Call;
use crate::view::Needle;
use rusqlite::{Connection, OptionalExtension};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// How much of opened blocks is kept, bytes, and how many of them.
const KEPT: (usize, usize) = (64 << 20, 256);

/// No block of ours is larger than this when opened: one text may be a line's 64 MiB, and one such closes its block.
const BLOCK_BYTES: usize = 160 << 20;

/// For so many different things that were looked for it is kept where they are.
const NEEDLES: usize = 4;

/// Which slots of a block contain something, a bit each.
type Hits = Vec<u64>;

/// What a reader has seen of texts. Blocks never change, though they may be deleted.
#[derive(Default)]
pub struct Texts {
    /// The one used last stands last.
    open: VecDeque<(i64, Arc<OpenBlock>)>,
    weight: usize,
    /// By what was looked for, the newest last: the hits in each block.
    found: VecDeque<(String, HashMap<i64, Hits>)>,
}

impl Texts {
    /// Puts a text into a call; whether it is still there.
    pub fn restore(&mut self, conn: &Connection, number: i64, call: &mut Call<'static>) -> ReadResult<bool> {
        let (block, slot) = place(number);
        let Some(open) = self.open(conn, block)? else { return Ok(false) };
        open.restore(slot, call).ok_or(BROKEN)?;
        Ok(true)
    }

    /// Whether a text contains something; one that was deleted does not.
    pub fn has(&mut self, conn: &Connection, number: i64, needle: &Needle) -> ReadResult<bool> {
        let (block, slot) = place(number);
        if let Some(hits) = self.found(needle).get(&block) {
            return Ok(is_set(hits, slot));
        }
        let Some(open) = self.open(conn, block)? else { return Ok(false) };
        let hits = search(&open, needle).ok_or(BROKEN)?;
        let hit = is_set(&hits, slot);
        self.found(needle).insert(block, hits);
        Ok(hit)
    }

    /// Where something is, as far as it was looked for.
    fn found(&mut self, needle: &Needle) -> &mut HashMap<i64, Hits> {
        let at = self.found.iter().position(|(text, _)| text == needle.as_str());
        let at = at.unwrap_or_else(|| {
            if self.found.len() >= NEEDLES {
                self.found.pop_front();
            }
            self.found.push_back((needle.as_str().to_owned(), HashMap::new()));
            self.found.len() - 1
        });
        &mut self.found[at].1
    }

    fn open(&mut self, conn: &Connection, id: i64) -> ReadResult<Option<Arc<OpenBlock>>> {
        if let Some(at) = self.open.iter().rposition(|(known, _)| *known == id) {
            let found = self.open.remove(at);
            self.open.extend(found);
            return Ok(self.open.back().map(|(_, block)| Arc::clone(block)));
        }
        let data: Option<Vec<u8>> = conn
            .prepare_cached("SELECT data FROM text_block WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?;
        // An empty one only keeps its number.
        let Some(data) = data.filter(|data| !data.is_empty()) else { return Ok(None) };
        let size = zstd::bulk::Decompressor::upper_bound(&data).unwrap_or(BLOCK_BYTES).min(BLOCK_BYTES);
        let raw =
            zstd::bulk::decompress(&data, size).map_err(|_| ReadError::Damaged("a block of text does not open"))?;
        let opened = Arc::new(OpenBlock::new(raw).ok_or(BROKEN)?);
        self.weight += opened.weight();
        self.open.push_back((id, Arc::clone(&opened)));
        while self.open.len() > 1 && (self.weight > KEPT.0 || self.open.len() > KEPT.1) {
            self.weight -= self.open.pop_front().map_or(0, |(_, block)| block.weight());
        }
        Ok(Some(opened))
    }
}

const BROKEN: ReadError = ReadError::Damaged("a block of text does not read");

/// The block and the slot of a text's number.
fn place(number: i64) -> (i64, u32) {
    let slots = i64::from(TextBlock::SLOTS);
    (number.div_euclid(slots), u32::try_from(number.rem_euclid(slots)).unwrap_or_default())
}

fn search(block: &OpenBlock, needle: &Needle) -> Option<Hits> {
    let mut hits = vec![0; (block.slots() as usize).div_ceil(64)];
    for slot in 0..block.slots() {
        if block.texts(slot)?.into_iter().flatten().any(|text| needle.is_in(text)) {
            hits[slot as usize / 64] |= 1 << (slot % 64);
        }
    }
    Some(hits)
}

fn is_set(hits: &[u64], slot: u32) -> bool {
    hits.get(slot as usize / 64).is_some_and(|bits| bits & (1 << (slot % 64)) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::varint;
    use crate::store::sqlite::open_writer;

    fn put(conn: &Connection, id: i64, prompts: &[String]) {
        let mut raw = Vec::new();
        for prompt in prompts {
            let mut one = vec![1];
            varint::put_bytes(&mut one, prompt.as_bytes());
            varint::put_bytes(&mut raw, &one);
        }
        let data = zstd::bulk::compress(&raw, 1).expect("memory");
        conn.execute("INSERT INTO text_block VALUES (?1, 0, ?2)", (id, data)).expect("a block");
    }

    /// However rows hop between blocks, each block is opened once for a filter: what is gone by then is still known.
    #[test]
    fn a_block_is_looked_through_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let (conn, _) = open_writer(&folder.path().join("test.db")).expect("a store");
        let blocks = KEPT.1 as i64 + 40;
        for block in 0..blocks {
            put(&conn, block, &(0..70).map(|slot| format!("parcel {block}/{slot}.")).collect::<Vec<_>>());
        }
        let mut texts = Texts::default();
        let number = |block: i64, slot: i64| block * i64::from(TextBlock::SLOTS) + slot;
        let needle = Needle::new("PARCEL 7/69.");
        for block in 0..blocks {
            assert!(!texts.has(&conn, number(block, 0), &needle).expect("read"));
        }
        assert!(texts.open.len() <= KEPT.1);
        conn.execute("DELETE FROM text_block", []).expect("deleted");
        for block in (0..blocks).rev() {
            assert_eq!(texts.has(&conn, number(block, 69), &needle).expect("known"), block == 7);
        }
        let mut call = Call::default();
        assert!(!texts.restore(&conn, number(0, 3), &mut call).expect("gone, which is no error"));
        assert!(texts.restore(&conn, number(blocks - 1, 3), &mut call).expect("still open"));
        assert_eq!(call.prompt_preview.as_deref(), Some(format!("parcel {}/3.", blocks - 1).as_str()));
    }
}
