//! Names that rotation gives: from `app.log.1`, `app.log-20260501.gz` or `app-2026-05-01.log` back to `app.log`.

/// What compressors add. Those that are not read are among them, so that their files are told to be what they are.
const PACKED: [&str; 8] = [".gz", ".zst", ".zstd", ".xz", ".bz2", ".lz4", ".Z", ".zip"];

/// Words that stand for the one before.
const WORDS: [&str; 5] = ["old", "bak", "prev", "previous", "orig"];

/// The names of the logs that a file may be the rotated rest of, by its own name; none for most files.
pub(super) fn origins(name: &str) -> Vec<String> {
    let plain = PACKED.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let mut found: Vec<String> = marked(plain).map(str::to_owned).collect();
    if let Some((stem, kind)) = plain.rsplit_once('.')
        && kind.bytes().all(|b| b.is_ascii_alphabetic())
    {
        found.extend(marked(stem).map(|log| format!("{log}.{kind}")));
    }
    if plain.len() < name.len() && !plain.is_empty() {
        found.push(plain.to_owned());
    }
    found
}

/// What stands before a number, a date or a word at the end, wherever that may begin.
fn marked(name: &str) -> impl Iterator<Item = &str> {
    let ends = name.match_indices(['.', '-', '_']).map(|(i, _)| i);
    ends.filter(|&i| i > 0 && is_mark(&name[i + 1..])).map(|i| &name[..i])
}

fn is_mark(text: &str) -> bool {
    let date = |b: u8| b.is_ascii_digit() || b".-_:TZ+".contains(&b);
    let number = text.starts_with(|c: char| c.is_ascii_digit()) && text.bytes().all(date);
    number || WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::origins;

    #[test]
    fn the_common_schemes_lead_back_to_the_log() {
        for name in [
            "app.log.1",
            "app.log.12.gz",
            "app.log-20260501",
            "app.log-20260501-1777593600.zst",
            "app.log.2026-05-01",
            "app.log.2026-05-01_14",
            "app-2026-05-01.log",
            "app-20260501.log.gz",
            "app.1.log",
            "app.log.old",
            "app.log.gz",
            "app-2026-05-01T14-03-11.123.log",
            "app_old.log",
            "app.log.BAK",
            "app.log.1.xz",
        ] {
            assert!(origins(name).iter().any(|log| log == "app.log"), "{name}: {:?}", origins(name));
        }
        assert!(origins("svc-1-20260501.log").iter().any(|log| log == "svc-1.log"));
    }

    #[test]
    fn other_logs_lead_nowhere() {
        for name in
            ["app.log", "app-errors.log", "app.log.tmp", ".log", "1", "-1", "app", "app.log.swp", "app2.log", ""]
        {
            assert_eq!(origins(name), Vec::<String>::new(), "{name}");
        }
        assert!(!origins("app-errors.log.1").iter().any(|log| log == "app.log"));
    }
}
