//! Errors of reading, before the store's path is put to them.

use crate::store::StoreError;
use crate::store::sqlite::Place;

/// What can go wrong while reading.
#[derive(Debug)]
pub enum ReadError {
    /// SQLite refused.
    Sqlite(rusqlite::Error),
    /// A blob does not read.
    Damaged(&'static str),
    /// Nobody wants the answer any more.
    Cancelled,
    /// The receiver of an export failed.
    Output(std::io::Error),
}

pub type ReadResult<T> = Result<T, ReadError>;

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> ReadError {
        ReadError::Sqlite(error)
    }
}

impl ReadError {
    pub fn at(self, place: &Place) -> StoreError {
        match self {
            ReadError::Sqlite(error) => place.wrap(error),
            ReadError::Damaged(what) => place.damaged(what),
            ReadError::Cancelled => StoreError::Cancelled,
            ReadError::Output(error) => StoreError::Output(error),
        }
    }
}
