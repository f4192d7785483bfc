//! What a reader keeps between answers: dictionaries that only grow, and what it has seen of texts.

use super::clusters::Firsts;
use super::read_error::{ReadError, ReadResult};
use super::series::SeriesTable;
use super::texts::Texts;
use crate::batch::Attrs;
use crate::event::Call;
use crate::view::Needle;
use rusqlite::{Connection, OptionalExtension};
use std::cell::RefCell;
use std::collections::HashMap;

/// How many texts of templates are kept.
const TEMPLATES: usize = 20_000;

/// How many attribute combinations are kept.
const ATTRS: usize = 20_000;

/// A connection with what is known of its dictionaries.
pub struct Context {
    pub conn: Connection,
    pub series: SeriesTable,
    attrs: RefCell<HashMap<i64, Attrs>>,
    sources: RefCell<HashMap<i64, String>>,
    texts: RefCell<Texts>,
    templates: RefCell<HashMap<i64, String>>,
    pub firsts: RefCell<Firsts>,
}

impl Context {
    pub fn new(conn: Connection) -> Context {
        Context {
            conn,
            series: SeriesTable::default(),
            attrs: RefCell::default(),
            sources: RefCell::default(),
            texts: RefCell::default(),
            templates: RefCell::default(),
            firsts: RefCell::default(),
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

    /// The text of a template.
    pub fn template(&self, id: i64) -> ReadResult<String> {
        if let Some(text) = self.templates.borrow().get(&id) {
            return Ok(text.clone());
        }
        let sql = "SELECT text FROM template WHERE id = ?1";
        let text: Option<String> = self.conn.prepare_cached(sql)?.query_row([id], |row| row.get(0)).optional()?;
        let text = text.unwrap_or_default();
        let mut known = self.templates.borrow_mut();
        if known.len() >= TEMPLATES {
            known.clear();
        }
        known.insert(id, text.clone());
        Ok(text)
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
        self.texts.borrow_mut().restore(&self.conn, number, call)
    }

    /// Whether a call's text contains something.
    pub fn text_has(&self, number: i64, needle: &Needle) -> ReadResult<bool> {
        self.texts.borrow_mut().has(&self.conn, number, needle)
    }

    /// What a failed call said, and its template.
    pub fn error_said(&self, ts_us: i64, id: i64) -> ReadResult<Option<[String; 2]>> {
        let sql = "SELECT e.message, t.text FROM error e LEFT JOIN template t ON t.id = e.template \
                   WHERE e.ts_us = ?1 AND e.id = ?2";
        let of = |row: &rusqlite::Row<'_>| Ok([row.get(0)?, row.get::<_, Option<String>>(1)?.unwrap_or_default()]);
        Ok(self.conn.prepare_cached(sql)?.query_row([ts_us, id], of).optional()?)
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
