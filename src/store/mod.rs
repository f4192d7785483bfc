//! The store, as the rest knows it: append a batch, answer a view, page through records, export, retain.
//! SQLite is the first implementation.

pub mod sqlite;
