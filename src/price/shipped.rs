//! The table that comes with the program, and tables over it. It is read when it is first asked for, once.

use super::entry::Author;
use super::own;
use super::table::Table;
use std::sync::{Arc, OnceLock};

/// Its text.
const TEXT: &str = include_str!("../../assets/prices.jsonl");

/// The shipped table.
pub fn shipped() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    // That it reads is held by a test; a program that cannot read it knows no prices, and says so of every call.
    TABLE.get_or_init(|| {
        own::read(TEXT, Author::Shipped).map_or_else(|_| Table::default(), |book| Table::of(book.entries))
    })
}

/// The tables in force: none, or the shipped one with perhaps another over it.
#[derive(Debug, Clone, Default)]
pub struct Tables(Inner);

#[derive(Debug, Clone, Default)]
enum Inner {
    #[default]
    None,
    Shipped,
    Over(Arc<Over>),
    Only(Arc<Table>),
}

#[derive(Debug)]
struct Over {
    table: Table,
    whole: OnceLock<Table>,
}

impl Tables {
    /// The shipped table.
    pub const fn shipped() -> Tables {
        Tables(Inner::Shipped)
    }

    /// The shipped table with this one over it.
    pub fn over_shipped(table: Table) -> Tables {
        Tables(Inner::Over(Arc::new(Over { table, whole: OnceLock::new() })))
    }

    /// This table alone.
    pub fn only(table: Table) -> Tables {
        Tables(Inner::Only(Arc::new(table)))
    }

    /// All of it as one table.
    pub fn get(&self) -> &Table {
        static EMPTY: OnceLock<Table> = OnceLock::new();
        match &self.0 {
            Inner::None => EMPTY.get_or_init(Table::default),
            Inner::Shipped => shipped(),
            Inner::Over(over) => over.whole.get_or_init(|| shipped().under(&over.table)),
            Inner::Only(table) => table,
        }
    }
}

#[cfg(test)]
#[path = "shipped/tests.rs"]
mod tests;
