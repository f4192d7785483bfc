//! What a reader keeps between answers: dictionaries that only grow, and the last blocks of text it opened.

use super::read_error::{ReadError, ReadResult};
use super::series::SeriesTable;
use crate::batch::{Attrs, TextBlock, read_block};
use crate::event::Call;
use rusqlite::{Connection, OptionalExtension};
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// How many opened blocks of text are kept.
const BLOCKS: usize = 8;

/// How many attribute combinations are kept.
const ATTRS: usize = 20_000;

/// No block of ours is larger than this when opened: one text may be a line's 64 MiB, and one such closes its block.
const BLOCK_BYTES: usize = 160 << 20;

/// An opened block of text.
type Opened = Arc<Vec<u8>>;

/// A connection with what is known of its dictionaries.
pub struct Context {
    pub conn: Connection,
    pub series: SeriesTable,
    attrs: RefCell<HashMap<i64, Attrs>>,
    sources: RefCell<HashMap<i64, String>>,
    blocks: RefCell<VecDeque<(i64, Opened)>>,
}

impl Context {
    pub fn new(conn: Connection) -> Context {
        Context {
            conn,
            series: SeriesTable::default(),
            attrs: RefCell::default(),
            sources: RefCell::default(),
            blocks: RefCell::default(),
        }
    }

    /// The attributes of a number.
    pub fn attrs(&self, id: i64) -> ReadResult<Attrs> {
        if let Some(attrs) = self.attrs.borrow().get(&id) {
            return Ok(attrs.clone());
        }
        let json: Option<String> = self
            .conn
            .prepare_cached("SELECT json FROM attrs WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?;
        let json = json.ok_or(ReadError::Damaged("attributes are missing"))?;
        let attrs: Attrs = serde_json::from_str(&json).map_err(|_| ReadError::Damaged("attributes do not read"))?;
        let mut known = self.attrs.borrow_mut();
        if known.len() >= ATTRS {
            known.clear();
        }
        known.insert(id, attrs.clone());
        Ok(attrs)
    }

    /// The name of a source.
    pub fn source(&self, id: i64) -> ReadResult<Option<String>> {
        if let Some(name) = self.sources.borrow().get(&id) {
            return Ok(Some(name.clone()));
        }
        let name: Option<String> = self
            .conn
            .prepare_cached("SELECT name FROM source WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?;
        if let Some(name) = &name {
            self.sources.borrow_mut().insert(id, name.clone());
        }
        Ok(name)
    }

    /// Puts a call's text in its fields; whether it is still there.
    pub fn text(&self, number: i64, call: &mut Call<'static>) -> ReadResult<bool> {
        let slots = i64::from(TextBlock::SLOTS);
        let Some(block) = self.block(number.div_euclid(slots))? else { return Ok(false) };
        let slot = u32::try_from(number.rem_euclid(slots)).unwrap_or_default();
        read_block(&block, slot, call).ok_or(ReadError::Damaged("a block of text does not read"))?;
        Ok(true)
    }

    fn block(&self, id: i64) -> ReadResult<Option<Opened>> {
        let mut blocks = self.blocks.borrow_mut();
        if let Some((_, block)) = blocks.iter().find(|(known, _)| *known == id) {
            return Ok(Some(Arc::clone(block)));
        }
        let data: Option<Vec<u8>> = self
            .conn
            .prepare_cached("SELECT data FROM text_block WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?;
        // An empty one only keeps its number.
        let Some(data) = data.filter(|data| !data.is_empty()) else { return Ok(None) };
        let size = zstd::bulk::Decompressor::upper_bound(&data).unwrap_or(BLOCK_BYTES).min(BLOCK_BYTES);
        let raw =
            zstd::bulk::decompress(&data, size).map_err(|_| ReadError::Damaged("a block of text does not open"))?;
        let opened = Arc::new(raw);
        if blocks.len() >= BLOCKS {
            blocks.pop_front();
        }
        blocks.push_back((id, Arc::clone(&opened)));
        Ok(Some(opened))
    }

    /// The error message kept beside a failed call.
    pub fn error_message(&self, ts_us: i64, id: i64) -> ReadResult<Option<String>> {
        let found = self
            .conn
            .prepare_cached("SELECT message FROM error WHERE ts_us = ?1 AND id = ?2")?
            .query_row([ts_us, id], |row| row.get::<_, String>(0))
            .optional()?;
        Ok(found.filter(|m| !m.is_empty()))
    }
}
