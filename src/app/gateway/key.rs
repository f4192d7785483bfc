//! `llmtop key new`: a key for a client of the gateway. The key is shown once; the configuration has its hash alone.

use crate::proxy;
use anyhow::{Context, Result, bail};
use std::io::Write;

/// Prints a new key, and the section that lets it in.
pub fn new(name: &str, out: &mut dyn Write) -> Result<()> {
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    if !is_name {
        bail!("{name:?} is no name of a client: letters, digits, - and _ are");
    }
    let (key, hash) = proxy::new_key().context("no key can be made")?;
    writeln!(out, "{key}\n\n[client.{name}]\nkey_sha256 = \"{hash}\"")?;
    Ok(())
}
