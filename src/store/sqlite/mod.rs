//! The store in one SQLite file: opening, its layout and its migrations. Writing is in `append`, reading in `read`.

mod append;
mod calls;
mod checkpoint;
mod dict;
mod fold;
mod headroom;
mod ids;
mod insert;
mod ledger;
mod locate;
mod member;
mod read;
mod reprice;
mod retain;
mod rollup;
mod runs;
mod scores;
mod spool;
mod stack;
mod sums;
mod unit;

pub use append::SqliteStore;
pub use read::{Cell, SqliteReader};

use super::StoreError;
use rusqlite::{Connection, OpenFlags};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Append-only: the layout's version is how many have been run.
const MIGRATIONS: [&str; 5] = [
    include_str!("migrations/0001_first.sql"),
    include_str!("migrations/0002_headroom.sql"),
    include_str!("migrations/0003_traces.sql"),
    include_str!("migrations/0004_scores.sql"),
    include_str!("migrations/0005_units.sql"),
];

/// From this version on the layout has an index of ids: rows of an older one are put into it when it is brought up to date.
const IDS_SINCE: usize = 3;

/// From this version on scores know what they judge.
const JUDGED_SINCE: usize = 4;

/// From this version on units of experiments are counted.
const UNITS_SINCE: usize = 5;

/// The mark of a store among SQLite files: `llm3`. Before the first release the layout was changed in place, and with it
/// the mark.
const APPLICATION: i64 = 0x6c6c_6d33;

/// How long a second writer waits for the first.
const BUSY: Duration = Duration::from_secs(10);

/// How long to wait before trying again where SQLite does not wait itself.
const PAUSE: Duration = Duration::from_millis(5);

/// Turns SQLite's errors into ones that name the file and say what to do.
#[derive(Debug, Clone)]
pub(super) struct Place(PathBuf);

impl Place {
    pub fn wrap(&self, source: rusqlite::Error) -> StoreError {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseCorrupt, DiskFull, NotADatabase, ReadOnly, SystemIoFailure};
        let hint = match source.sqlite_error_code() {
            Some(DiskFull) => "the disk is full; free some space, nothing that was committed is lost".to_owned(),
            Some(ReadOnly) => "it cannot be written; check its permissions, or name another with --store".to_owned(),
            Some(DatabaseBusy) => {
                "another program is writing to it; wait for it, or name another with --store".to_owned()
            }
            Some(DatabaseCorrupt) => "it is damaged; move it away and ingest the logs again".to_owned(),
            Some(NotADatabase) => "it is not a store of llmtop, or damaged; name another with --store".to_owned(),
            Some(SystemIoFailure) => {
                "the system could not read or write it; nothing that was committed is lost".to_owned()
            }
            _ => "SQLite refused".to_owned(),
        };
        StoreError::Sqlite { path: self.0.clone(), hint, source }
    }

    pub fn damaged(&self, what: impl Into<String>) -> StoreError {
        StoreError::Damaged { path: self.0.clone(), what: what.into() }
    }

    fn io(&self, source: std::io::Error) -> StoreError {
        StoreError::Io { path: self.0.clone(), source }
    }
}

/// Opens for writing; makes folder (0700) and file (0600) where they are missing, and brings the layout up to date.
fn open_writer(path: &Path) -> Result<(Connection, Place), StoreError> {
    let place = Place(path.to_owned());
    make_private(path).map_err(|e| place.io(e))?;
    check_kind(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags).map_err(|e| place.wrap(e))?;
    settle(&conn).map_err(|e| place.wrap(e))?;
    check_owner(&conn, &place)?;
    patiently(|| prepare_writer(&conn)).map_err(|e| place.wrap(e))?;
    migrate(&mut conn, &place)?;
    Ok((conn, place))
}

/// Tries again while another is in the way. SQLite itself waits for locks, but not for the one by which a new file gets
/// its write-ahead log: two programs that open the same new store would refuse each other.
fn patiently<T>(mut action: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let is_busy = |e: &rusqlite::Error| e.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy);
    for _ in 0..BUSY.as_millis() / PAUSE.as_millis() {
        match action() {
            Err(e) if is_busy(&e) => std::thread::sleep(PAUSE),
            done => return done,
        }
    }
    action()
}

/// Opens for reading an existing store.
fn open_reader(path: &Path) -> Result<(Connection, Place), StoreError> {
    let place = Place(path.to_owned());
    if !path.try_exists().map_err(|e| place.io(e))? {
        return Err(StoreError::Missing { path: path.to_owned() });
    }
    check_kind(path)?;
    let conn = connect_reader(path).map_err(|e| place.wrap(e))?;
    check_owner(&conn, &place)?;
    let found = version(&conn).map_err(|e| place.wrap(e))?;
    match usize::try_from(found) {
        Ok(v) if v == MIGRATIONS.len() => Ok((conn, place)),
        Ok(v) if v > MIGRATIONS.len() => Err(newer(path, found)),
        _ => {
            // An older layout: a short writing visit brings it up to date.
            drop(conn);
            open_writer(path)?;
            open_reader(path)
        }
    }
}

/// A connection for reading that works. SQLite wants to write beside the file, which it may not everywhere: a store that
/// nobody has open is read without.
fn connect_reader(path: &Path) -> rusqlite::Result<Connection> {
    use rusqlite::ErrorCode::{CannotOpen, ReadOnly};
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let usual = Connection::open_with_flags(path, flags)?;
    match settle(&usual).and_then(|()| version(&usual)) {
        Err(e) if matches!(e.sqlite_error_code(), Some(ReadOnly | CannotOpen)) && !has_log(path) => {
            let alone = Connection::open_with_flags(unchanging(path), flags | OpenFlags::SQLITE_OPEN_URI)?;
            settle(&alone)?;
            Ok(alone)
        }
        Err(error) => Err(error),
        Ok(_) => Ok(usual),
    }
}

/// Whether something is beside the file that is not in it yet.
fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|meta| meta.len() > 0)
}

/// The name by which SQLite reads a file that does not change.
fn unchanging(path: &Path) -> std::ffi::OsString {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let mut uri = b"file:".to_vec();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'%' | b'?' | b'#' => uri.extend_from_slice(format!("%{byte:02x}").as_bytes()),
            _ => uri.push(*byte),
        }
    }
    uri.extend_from_slice(b"?immutable=1");
    std::ffi::OsString::from_vec(uri)
}

/// What every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Refuses a file that is no database before SQLite takes a short one for an empty database and writes over it.
fn check_kind(path: &Path) -> Result<(), StoreError> {
    let mut head = Vec::with_capacity(MAGIC.len());
    std::fs::File::open(path)
        .and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut head))
        .map_err(|source| StoreError::Io { path: path.to_owned(), source })?;
    if head.is_empty() || head == MAGIC { Ok(()) } else { Err(StoreError::Foreign { path: path.to_owned() }) }
}

/// Refuses the database of another program: one with tables but without this program's mark. The tables are looked for
/// first: another process may be making the store, and both come at once.
fn check_owner(conn: &Connection, place: &Place) -> Result<(), StoreError> {
    let number = |sql| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|e| place.wrap(e));
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    let mark = number("PRAGMA application_id")?;
    if tables == 0 || mark == APPLICATION { Ok(()) } else { Err(StoreError::Foreign { path: place.0.clone() }) }
}

fn newer(path: &Path, found: i64) -> StoreError {
    StoreError::Newer { path: path.to_owned(), found, known: MIGRATIONS.len() as i64 }
}

fn settle(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY)?;
    conn.set_prepared_statement_cache_capacity(64);
    conn.pragma_update(None, "cache_size", -16_384)?;
    conn.pragma_update(None, "temp_store", "memory")
}

fn prepare_writer(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update(None, "page_size", 16_384)?;
    conn.pragma_update(None, "cache_size", -6_144)?;
    conn.pragma_update(None, "auto_vacuum", "none")?;
    conn.query_row("PRAGMA journal_mode = wal", [], |_| Ok(()))?;
    conn.pragma_update(None, "synchronous", "normal")?;
    // A thread of its own does that (`checkpoint`).
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    // After a checkpoint the log is cut back to this, or a big load would leave a big file behind.
    conn.pragma_update(None, "journal_size_limit", 64 << 20)
}

fn version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn migrate(conn: &mut Connection, place: &Place) -> Result<(), StoreError> {
    let found = version(conn).map_err(|e| place.wrap(e))?;
    let done = usize::try_from(found).unwrap_or(usize::MAX);
    if done == MIGRATIONS.len() {
        return Ok(());
    }
    if done > MIGRATIONS.len() {
        return Err(newer(&place.0, found));
    }
    let sql = |e| place.wrap(e);
    let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(sql)?;
    // Another process may have done it while this one waited.
    let done = usize::try_from(version(&tx).map_err(sql)?).unwrap_or(MIGRATIONS.len());
    for migration in MIGRATIONS.iter().skip(done) {
        tx.execute_batch(migration).map_err(sql)?;
    }
    if (1..IDS_SINCE).contains(&done) {
        ids::fill(&tx, place)?;
    }
    if (1..JUDGED_SINCE).contains(&done) {
        scores::fill(&tx, place)?;
    }
    if (1..UNITS_SINCE).contains(&done) {
        unit::fill(&tx, place, None)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION).map_err(sql)?;
    tx.pragma_update(None, "user_version", MIGRATIONS.len() as i64).map_err(sql)?;
    tx.commit().map_err(sql)
}

/// The store holds prompts: nobody else may read it. SQLite gives its side files the same permissions.
fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty() && !f.exists()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    if !path.exists() {
        std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    }
    Ok(())
}
