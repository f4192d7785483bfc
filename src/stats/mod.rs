//! Pure statistics: histograms, accumulators and their bytes, clustering of messages. No I/O, no clock.

pub mod acc;
pub mod histogram;
pub mod template;
pub mod varint;
