//! The gate: figures of a snapshot held against limits and against a baseline, as text, JSON or JUnit XML. A new limit is one
//! entry of [`LIMITS`], a new form one file and one line here.

mod gate;
mod json;
mod junit;
mod limit;
mod text;
mod trial;
mod words;

pub use gate::{Allowed, Asked, Baseline, Basis, Gate, Line, Sample, Verdict};
pub use limit::{Kind, LIMITS, Limit, Measured, Unit};
pub use trial::{Held, Judged, Trial};

use crate::units::Zone;
use std::io;

/// A form of answer.
pub trait Form: Sync {
    /// The word for `--format`.
    fn name(&self) -> &'static str;

    /// Writes a judgement; `zone` is that of the times that people read.
    ///
    /// # Errors
    /// Those of writing.
    fn write(&self, gate: &Gate, zone: Zone, out: &mut dyn io::Write) -> io::Result<()>;
}

/// All forms, the usual one first.
pub static ALL: [&dyn Form; 3] = [&text::Text, &json::Json, &junit::Junit];

/// The form of this name.
pub fn by_name(name: &str) -> Option<&'static dyn Form> {
    ALL.into_iter().find(|form| form.name() == name)
}

#[cfg(test)]
mod tests;
