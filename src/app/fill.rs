//! A store that is filled while something looks at it: which store the logs named go to, and the thread's work.

use super::feed::{self, Feed, STDIN};
use super::kept::Kept;
use super::places::{Place, store_of};
use super::temporary::Temporary;
use crate::config::{self, Effective};
use crate::pipeline::{self, OnRefusal, Progress};
use crate::price::Prices;
use crate::source::{Follow, Sender, SourceError, Stop, Troubles};
use crate::store::sqlite::SqliteStore;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What feeds a store, until the stop is requested.
pub type Run = Box<dyn FnOnce(Sender, Stop) -> Result<(), SourceError> + Send>;

/// Logs on their way into a store.
pub struct Filling {
    /// The store.
    pub store: PathBuf,
    /// Kept from being tidied away as long as this lives.
    pub place: Option<Place>,
    /// Deleted with this.
    pub temporary: Option<Temporary>,
    /// What feeds it.
    pub run: Run,
    /// What is the matter with what is read.
    pub troubles: Troubles,
}

impl Filling {
    /// The logs named and the store that is theirs: `--store`, a temporary one for a pipe, which cannot be resumed, else
    /// their private one.
    pub fn open(files: &[PathBuf], follow: Follow, settings: &Effective) -> Result<Filling> {
        let piped = files.iter().any(|f| f == Path::new(STDIN));
        let named = matches!(settings.origin("store"), config::Origin::Flag(_));
        let temporary = if piped && !named { Some(Temporary::new()?) } else { None };
        let place = if temporary.is_none() { Some(store_of(files, settings)?) } else { None };
        let (store, feed) = match (&place, &temporary) {
            (Some(place), _) => (place.path().to_owned(), Feed::into_place(files, follow, place)),
            (None, Some(temporary)) => (temporary.store(), Feed::of(files, follow, Vec::new()).map_err(Into::into)),
            (None, None) => bail!("there is no place for the store"),
        };
        let feed = feed.context("nothing to read")?;
        SqliteStore::open(&store)?;
        let troubles = feed.troubles();
        let run: Run = Box::new(move |out, stop| feed.run(&out, &stop));
        Ok(Filling { store, place, temporary, run, troubles })
    }
}

/// Fills a store to the end of its feed.
pub fn fill(
    (path, retention): (&Path, &config::Retention),
    feed: Run,
    (on_refusal, prices): (OnRefusal, Arc<Prices>),
    progress: &Arc<Progress>,
    stop: &Stop,
) -> Result<()> {
    let mut store = Kept::open(path, retention)?;
    pipeline::run(feed, &mut store, &feed::pipeline_settings(on_refusal, prices), progress, stop)?;
    Ok(())
}

/// Asks for the stop when it is dropped.
pub struct Ending<'a>(pub &'a Stop);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.request();
    }
}
