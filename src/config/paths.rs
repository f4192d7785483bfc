//! Where data lives, from the environment alone: pure, the disk is not looked at.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::Xxh3;

/// A look-up of environment variables.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Neither the XDG variable nor HOME says where to put things.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no place for {what}: set {variable} or HOME to an absolute path, or give --store PATH")]
pub struct NoHome {
    /// What has no place.
    pub what: &'static str,
    /// The variable that would say it.
    pub variable: &'static str,
}

/// `$XDG_CONFIG_HOME/llmtop/config.toml`, else below `~/.config`.
///
/// # Errors
/// Where neither variable is an absolute path.
pub fn config_file(env: Env<'_>) -> Result<PathBuf, NoHome> {
    Ok(base(env, "the configuration", "XDG_CONFIG_HOME", ".config")?.join("llmtop/config.toml"))
}

/// The default store: `$XDG_DATA_HOME/llmtop/llmtop.db`, else below `~/.local/share`.
///
/// # Errors
/// Where neither variable is an absolute path.
pub fn default_store(env: Env<'_>) -> Result<PathBuf, NoHome> {
    Ok(base(env, "the store", "XDG_DATA_HOME", ".local/share")?.join("llmtop/llmtop.db"))
}

/// The folder of private stores: `$XDG_CACHE_HOME/llmtop`, else below `~/.cache`.
///
/// # Errors
/// Where neither variable is an absolute path.
pub fn cache_dir(env: Env<'_>) -> Result<PathBuf, NoHome> {
    Ok(base(env, "private stores", "XDG_CACHE_HOME", ".cache")?.join("llmtop"))
}

/// The private store of exactly this set of sources, given by their canonical paths (or patterns, as typed): the order
/// and repetitions do not matter. The name begins with the first source's, for people who look into the folder.
pub fn private_store(cache_dir: &Path, sources: &[PathBuf]) -> PathBuf {
    let mut set: Vec<&Path> = sources.iter().map(PathBuf::as_path).collect();
    set.sort_unstable();
    set.dedup();
    let mut hash = Xxh3::new();
    for source in &set {
        let bytes = source.as_os_str().as_bytes();
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    let name = set.first().and_then(|first| first.file_name()).map(|name| plain(&name.to_string_lossy()));
    cache_dir.join(format!("{}-{:032x}.db", name.unwrap_or_default(), hash.digest128()))
}

/// At most 40 characters that no shell and no terminal minds.
fn plain(name: &str) -> String {
    name.chars()
        .take(40)
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' })
        .collect()
}

/// `~` and `~/…` as HOME says; other paths as they are.
pub fn expand_home(path: &str, env: Env<'_>) -> PathBuf {
    match (path.strip_prefix("~"), absolute(env, "HOME")) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
        _ => PathBuf::from(path),
    }
}

fn base(env: Env<'_>, what: &'static str, variable: &'static str, below: &str) -> Result<PathBuf, NoHome> {
    absolute(env, variable).or_else(|| Some(absolute(env, "HOME")?.join(below))).ok_or(NoHome { what, variable })
}

/// The XDG rules say to ignore what is not absolute.
fn absolute(env: Env<'_>, variable: &str) -> Option<PathBuf> {
    env(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(name: &str) -> Option<OsString> {
        (name == "HOME").then(|| "/home/u".into())
    }

    #[test]
    fn xdg_before_home_and_never_relative() {
        assert_eq!(default_store(&home), Ok("/home/u/.local/share/llmtop/llmtop.db".into()));
        assert_eq!(config_file(&home), Ok("/home/u/.config/llmtop/config.toml".into()));
        assert_eq!(cache_dir(&home), Ok("/home/u/.cache/llmtop".into()));
        let xdg = |name: &str| if name == "XDG_DATA_HOME" { Some("/data".into()) } else { home(name) };
        assert_eq!(default_store(&xdg), Ok("/data/llmtop/llmtop.db".into()));
        let relative = |name: &str| if name == "XDG_DATA_HOME" { Some("data".into()) } else { home(name) };
        assert_eq!(default_store(&relative), default_store(&home));
        assert!(default_store(&|_| None).unwrap_err().to_string().contains("XDG_DATA_HOME"));
    }

    #[test]
    fn a_private_store_belongs_to_a_set_of_sources() {
        let store =
            |sources: &[&str]| private_store(Path::new("/c"), &sources.iter().map(PathBuf::from).collect::<Vec<_>>());
        let one = store(&["/var/log/app.log", "/var/log/b.log"]);
        assert_eq!(one, store(&["/var/log/b.log", "/var/log/app.log", "/var/log/b.log"]));
        assert_ne!(one, store(&["/var/log/app.log"]));
        assert_ne!(store(&["/a", "/b"]), store(&["/a/b"]));
        assert_ne!(store(&["/a/b c.log"]), store(&["/a/b_c.log"]));
        let name = store(&["/a/b c\u{1b}.log"]);
        assert!(name.to_string_lossy().starts_with("/c/b_c_.log-"), "{name:?}");
        assert_eq!(store(&["/var/log/app.log"]).to_string_lossy().len(), "/c/app.log-".len() + 32 + 3);
    }

    #[test]
    fn home_is_expanded_at_the_beginning_alone() {
        assert_eq!(expand_home("~/x.db", &home), PathBuf::from("/home/u/x.db"));
        assert_eq!(expand_home("~other/x.db", &home), PathBuf::from("~other/x.db"));
        assert_eq!(expand_home("/a/~/x", &home), PathBuf::from("/a/~/x"));
    }
}
