//! Pure statistics: histograms, accumulators and their bytes, forecasts, clustering of messages, quality. No I/O, no clock.

pub mod acc;
pub mod alike;
pub mod changes;
pub mod experiment;
pub mod forecast;
pub mod histogram;
pub mod quality;
pub mod template;
pub mod varint;
