//! The own form, read and written.
