//! Moves what was committed from the write-ahead log into the file, on a connection and thread of its own: the writer
//! need not stand still for it. The log stays bounded, for the writer waits when it has grown too long.

use super::{BUSY, Place};
use crate::store::StoreError;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::thread::JoinHandle;

/// From so many pages in the log on they are moved, pages.
const SOME: i64 = 500;

/// From so many on the writer waits until all are moved, so that the log begins anew, pages.
const MANY: i64 = 6_000;

/// What the writer asks for: to move pages, and perhaps to be told when that is done.
type Ask = Option<Sender<()>>;

/// The thread that moves pages.
pub(super) struct Checkpointer {
    asks: Option<Sender<Ask>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Starts the thread for a store that exists.
    pub fn start(path: &Path, place: &Place) -> Result<Checkpointer, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags).map_err(|e| place.wrap(e))?;
        conn.busy_timeout(BUSY).map_err(|e| place.wrap(e))?;
        let (asks, asked) = bounded(1);
        let thread = std::thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || work(&conn, &asked))
            .map_err(|e| place.io(e))?;
        Ok(Checkpointer { asks: Some(asks), thread: Some(thread) })
    }

    /// Has all pages moved, and waits for that. Where the thread is at it, another connection's checkpoint is refused at
    /// once, whatever it is told about waiting: what empties the log asks for this first.
    pub fn rest(&self) {
        let Some(asks) = &self.asks else { return };
        let (done, wait) = bounded(1);
        // A thread that is gone moves nothing; then the log grows, and closing the store moves all.
        if asks.send(Some(done)).is_ok() {
            let _gone = wait.recv();
        }
    }

    /// To be called after each commit: has pages moved where enough have gathered; waits where too many have.
    pub fn committed(&self, writer: &Connection) {
        // What was committed is safe: nothing that goes wrong here may look as if it were not.
        let (Some(asks), Ok((log, moved))) = (&self.asks, pages(writer)) else { return };
        if log >= MANY {
            self.rest();
        } else if log - moved >= SOME {
            match asks.try_send(None) {
                Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
            }
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.asks = None;
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

fn work(conn: &Connection, asked: &Receiver<Ask>) {
    for ask in asked {
        // What fails here (a full disk) stays in the log, and the writer meets the reason itself.
        let _refused = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        drop(ask);
    }
}

/// How many pages are in the log, and how many of them have been moved.
fn pages(conn: &Connection) -> rusqlite::Result<(i64, i64)> {
    conn.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?.query_row([], |row| Ok((row.get(1)?, row.get(2)?)))
}
