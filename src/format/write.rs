//! Events written as native lines: what `export` gives and what reads back as the same event.
