//! Why a source cannot be read at all, or is no longer listened to.

use std::io;
use std::path::PathBuf;

/// What ends a source, or keeps it from beginning. Problems that end nothing are told as [`super::Message::Trouble`].
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A named file that is not there.
    #[error("{}: no such file or folder; check the name", path.display())]
    Missing {
        /// As given.
        path: PathBuf,
    },
    /// A pattern that nothing matches.
    #[error("{pattern}: no file matches this pattern; check it, and the folder it begins in")]
    NoMatch {
        /// As given.
        pattern: String,
    },
    /// A pattern that is none.
    #[error("{pattern}: not a valid pattern: {reason}")]
    BadPattern {
        /// As given.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file in a form that is not read.
    #[error("{}: looks like {form}, which is not read; unpack it first, or pipe its text in and give `-`", path.display())]
    WrongForm {
        /// As given.
        path: PathBuf,
        /// What it looks like.
        form: &'static str,
    },
    /// A file that cannot be opened or read.
    #[error("{}: cannot be read: {}; {}", path.display(), said(.cause), advice(.cause))]
    Unreadable {
        /// As given, or as found.
        path: PathBuf,
        /// What the system says; told by the message already.
        cause: io::Error,
    },
    /// A compressed file or stream that ends too early, or is damaged.
    #[error("{name}: {why}; what could be unpacked before that is read")]
    Damaged {
        /// Its name, as shown.
        name: String,
        /// What is the matter, and where.
        why: String,
    },
    /// A file whose content went before all of it was read, as far as can be told.
    #[error("{}: what it held up to byte {offset} has gone, and no rotated file beside it goes on from there; {}", path.display(), loss(.unread))]
    Gone {
        /// As found.
        path: PathBuf,
        /// Raw bytes that had been read.
        offset: u64,
        /// How many more there were when it was last looked at.
        unread: u64,
    },
    /// A pipe that cannot be read.
    #[error("{name}: reading failed")]
    Stream {
        /// Its name, as shown.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// Nobody listens any more.
    #[error("the receiver of the lines is gone")]
    Closed,
}

/// What was lost with a content that has gone.
fn loss(unread: &u64) -> String {
    match unread {
        0 => "lines written to it after that, if there were any, are not read".to_owned(),
        bytes => format!("at least {bytes} bytes after that are not read"),
    }
}

/// What the system says, without its number.
fn said(error: &io::Error) -> String {
    let text = error.to_string();
    text.find(" (os error").map_or(text.as_str(), |i| &text[..i]).to_owned()
}

/// What to do about an error of the file system.
pub(super) fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "check its permissions, or run as a user who may read it",
        io::ErrorKind::NotFound => "it is gone",
        _ if error.raw_os_error() == Some(libc::EMFILE) => "too many open files; raise the limit with `ulimit -n`",
        _ => "check the file system it is on",
    }
}
