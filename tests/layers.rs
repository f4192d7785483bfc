//! Holds the layer table and the house rules that a program can see: who may use whom, how files open, how long they are,
//! that nothing unwraps and that the clock is read in named files alone.

#![allow(clippy::unwrap_used)] // a test that cannot read the sources has to fail

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules of each layer, the lowest first. A module may use lower layers, and on layers that say so its siblings.
const LAYERS: [(&[&str], Siblings); 5] = [
    (&["event", "view", "units", "nearest", "listed"], Siblings::Allowed),
    (&["format", "provider", "redact", "price", "stats", "batch", "trace", "snapshot"], Siblings::Allowed),
    (&["source", "store", "proxy"], Siblings::Forbidden),
    (&["pipeline"], Siblings::Forbidden),
    (&["tui", "report", "check", "alert"], Siblings::Forbidden),
];

/// What stands above all layers and may use everything.
const ABOVE: [&str; 6] = ["app", "cli", "config", "clock", "main", "lib"];

/// All that the faces may use, whatever lies below them.
const FACES_USE: [&str; 6] = ["event", "view", "units", "nearest", "snapshot", "stats::histogram"];

/// The files that may look at the clock.
const CLOCKS: [&str; 4] = ["clock.rs", "source/clock.rs", "proxy/clock.rs", "tui/run.rs"];

/// Lines of a file before its tests.
const MAX_LINES: usize = 400;

#[derive(Clone, Copy, PartialEq)]
enum Siblings {
    Allowed,
    Forbidden,
}

/// A source file without its tests and comments.
struct Source {
    name: String,
    text: String,
    code: Vec<(usize, String)>,
    lines: usize,
}

impl Source {
    /// The top-level module it belongs to.
    fn module(&self) -> &str {
        self.name.split(['/', '.']).next().unwrap_or_default()
    }

    fn is_test(&self) -> bool {
        self.name.ends_with("/tests.rs") || self.name.ends_with("_tests.rs") || self.name.contains("/tests/")
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&root, &mut found);
    found.sort();
    assert!(found.len() > 20, "the sources are found");
    found.iter().map(|path| source(&root, path)).collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push(path);
        }
    }
}

fn source(root: &Path, path: &Path) -> Source {
    let text = fs::read_to_string(path).unwrap();
    let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
    let own = without_tests(&text);
    let lines = own.last().map_or(0, |(line, _)| *line);
    let code = own
        .into_iter()
        .map(|(line, code)| (line, without_comment(code)))
        .filter(|(_, code)| !code.trim().is_empty())
        .collect();
    Source { name, code, lines, text }
}

/// The numbered lines but for the test module, and for single items that only tests have.
fn without_tests(text: &str) -> Vec<(usize, &str)> {
    let mut own = Vec::new();
    let mut lines = (1..).zip(text.lines());
    while let Some((number, line)) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            own.push((number, line));
        } else if lines.next().is_none_or(|(_, item)| item.starts_with("mod ") && item.ends_with('{')) {
            break;
        }
    }
    own
}

/// The line up to a comment; a `//` inside a string ends it too, which hides nothing that matters here.
fn without_comment(line: &str) -> String {
    line.split("//").next().unwrap_or_default().to_owned()
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|(modules, _)| modules.contains(&module))
}

/// Every path that follows `crate::`, braces opened: `crate::{a, b::c}` is `a` and `b::c`.
fn uses(source: &Source) -> Vec<(usize, String)> {
    let code: String = source.code.iter().map(|(_, line)| format!("{line}\n")).collect();
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let part_of_word = code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$');
        if part_of_word {
            continue;
        }
        let line = source.code.get(code[..at].matches('\n').count()).map_or(0, |(line, _)| *line);
        found.extend(paths(&code[at + "crate::".len()..]).into_iter().map(|path| (line, path)));
    }
    found
}

/// The paths at the front of a text: one, or those in braces.
fn paths(text: &str) -> Vec<String> {
    let Some(inside) = text.strip_prefix('{') else { return vec![path(text)] };
    let mut depth = 1;
    let end = inside.find(|c| {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        depth == 0
    });
    let inside = &inside[..end.unwrap_or(inside.len())];
    let mut depth = 0;
    let parts = inside.split(|c| {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        c == ',' && depth == 0
    });
    parts.map(|part| path(part.trim())).filter(|path| !path.is_empty()).collect()
}

fn path(text: &str) -> String {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(text.len());
    text[..end].trim_end_matches(':').to_owned()
}

/// Whether a module may use a path of the crate.
fn allowed(module: &str, path: &str) -> bool {
    let target = path.split("::").next().unwrap_or_default();
    if ABOVE.contains(&module) || target == module {
        return true;
    }
    let (Some(mine), Some(theirs)) = (layer(module), layer(target)) else { return false };
    if mine == LAYERS.len() - 1 {
        return FACES_USE.iter().any(|face| path == *face || path.starts_with(&format!("{face}::")));
    }
    theirs < mine || (theirs == mine && LAYERS[mine].1 == Siblings::Allowed)
}

#[test]
fn modules_use_only_what_lies_below_them() {
    let mut faults = BTreeSet::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        let module = source.module();
        if layer(module).is_none() && !ABOVE.contains(&module) {
            faults.insert(format!("{}: the module {module} has no layer", source.name));
        }
        for (line, path) in uses(source).into_iter().filter(|(_, path)| !allowed(module, path)) {
            faults.insert(format!("src/{}:{line}: {module} may not use {path}", source.name));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_reading_of_uses_is_right() {
    for (text, want) in [
        ("event::Call;", vec!["event::Call"]),
        ("{event::{Call, Text}, view::Dim};", vec!["event", "view::Dim"]),
        ("units::usd(5)", vec!["units::usd"]),
        ("{\n    batch,\n    stats::acc::Acc,\n}", vec!["batch", "stats::acc::Acc"]),
    ] {
        assert_eq!(paths(text), want, "{text}");
    }
    for (module, path, may) in [
        ("event", "store::Store", false),
        ("event", "units::usd", true),
        ("format", "event::Call", true),
        ("stats", "snapshot::Dist", true),
        ("source", "batch::Checkpoint", true),
        ("source", "store::Store", false),
        ("source", "source::file", true),
        ("pipeline", "store::Store", true),
        ("tui", "stats::histogram::Histogram", true),
        ("tui", "stats::acc::Acc", false),
        ("tui", "store::Store", false),
        ("tui", "report::ALL", false),
        ("report", "snapshot", true),
        ("check", "snapshot::Stats", true),
        ("check", "report::ALL", false),
        ("check", "store::Store", false),
        ("stats", "clock::now_us", false),
        ("app", "tui::run", true),
    ] {
        assert_eq!(allowed(module, path), may, "{module} {path}");
    }
}

#[test]
fn every_file_says_what_it_is() {
    let mut faults = Vec::new();
    for source in sources() {
        let head = source.text.lines().take_while(|line| line.starts_with("//!")).count();
        let most = if source.name == "lib.rs" { 12 } else { 4 };
        if !(1..=most).contains(&head) {
            faults.push(format!("src/{}: opens with {head} lines of //!, 1 to {most} are right", source.name));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn files_stay_short() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|source| !source.is_test() && source.lines > MAX_LINES)
        .map(|source| format!("src/{}: {} lines before its tests", source.name, source.lines))
        .collect();
    assert!(long.is_empty(), "at most {MAX_LINES}: {long:#?}");
}

#[test]
fn nothing_unwraps_and_no_clock_is_read_aside() {
    let clocks = ["Utc::now", "Local::now", "SystemTime::now", "Instant::now"];
    let mut faults = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        for (line, code) in &source.code {
            if code.contains(".unwrap()") {
                faults.push(format!("src/{}:{line}: unwraps", source.name));
            }
            if clocks.iter().any(|clock| code.contains(clock)) && !CLOCKS.contains(&source.name.as_str()) {
                faults.push(format!("src/{}:{line}: reads the clock", source.name));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
