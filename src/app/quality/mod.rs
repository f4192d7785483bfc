//! Judging: by hand, by people who go through samples, and by a model. Scores go to a log beside the store, and from
//! there into it as any log does, so that the store can be made again from its logs.

mod book;
mod judge;
mod review;
mod sample;
mod score;

pub use judge::judge;
pub use review::review;
pub use score::score;
