//! A look up from long readings, every few thousand rows: whether anybody still wants the answer.

use super::read_error::{ReadError, ReadResult};
use crate::store::Watch;

/// Rows between two looks.
const ROWS: u32 = 4_096;

/// Counts rows.
pub struct Pace<'a> {
    watch: &'a dyn Watch,
    rows: u32,
}

impl<'a> Pace<'a> {
    pub fn of(watch: &'a dyn Watch) -> Pace<'a> {
        Pace { watch, rows: 0 }
    }

    /// One more row.
    #[inline]
    pub fn step(&mut self) -> ReadResult<()> {
        self.rows = self.rows.wrapping_add(1);
        if self.rows.is_multiple_of(ROWS) && self.watch.cancelled() { Err(ReadError::Cancelled) } else { Ok(()) }
    }
}
