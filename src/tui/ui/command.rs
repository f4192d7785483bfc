//! Commands typed after `:`, and the completion of what is typed.

use super::{Effect, Line, Mode, Ui};
use crate::event::FailureMode;
use crate::snapshot::Snapshot;
use crate::tui::keys::Edit;
use crate::tui::panes;
use crate::tui::theme::Theme;
use crate::units::Zone;
use crate::view::{Filter, Window};

type Run = fn(&mut Ui, &str) -> Result<Effect, String>;

/// A command: its word, what follows it, what it does.
pub(crate) struct Command {
    pub word: &'static str,
    pub takes: &'static str,
    run: Run,
}

/// All commands.
pub(crate) static COMMANDS: &[Command] = &[
    Command { word: "window", takes: "15m | 24h | all | FROM..TO", run: window },
    Command { word: "filter", takes: "model:gpt-4o* -status:ok", run: filter },
    Command { word: "pane", takes: "errors", run: pane },
    Command { word: "theme", takes: "dark | light | mono", run: theme },
    Command { word: "by", takes: "provider", run: by },
    Command { word: "sort", takes: "p95", run: sort },
    Command { word: "alerts", takes: "", run: alerts },
    Command { word: "utc", takes: "", run: utc },
    Command { word: "local", takes: "", run: local },
    Command { word: "quit", takes: "", run: quit },
];

fn window(ui: &mut Ui, text: &str) -> Result<Effect, String> {
    let window = Window::parse(text, ui.home).map_err(|e| e.to_string())?;
    ui.remember();
    ui.window = window;
    ui.pages.clear();
    Ok(Effect::None)
}

fn filter(ui: &mut Ui, text: &str) -> Result<Effect, String> {
    let filter = Filter::parse(text).map_err(|e| e.to_string())?;
    ui.remember();
    ui.use_filter(filter);
    Ok(Effect::None)
}

fn pane(ui: &mut Ui, text: &str) -> Result<Effect, String> {
    ui.go(Ui::pane_named(text)?);
    Ok(Effect::None)
}

fn theme(ui: &mut Ui, text: &str) -> Result<Effect, String> {
    ui.theme = Theme::from_word(text).ok_or_else(|| format!("no theme is named {text:?}; dark, light or mono"))?;
    Ok(Effect::None)
}

fn by(ui: &mut Ui, text: &str) -> Result<Effect, String> {
    let all: Vec<String> = ui.groupings().collect();
    let found = all.iter().position(|name| name == text);
    ui.state_mut().by = found.ok_or_else(|| match all.len() {
        0 | 1 => "this pane has one grouping".to_owned(),
        _ => format!("this pane groups by {}", all.join(" | ")),
    })?;
    Ok(Effect::None)
}

fn sort(ui: &mut Ui, text: &str) -> Result<Effect, String> {
    let heads = ui.pane().sorts;
    let found = heads.iter().find(|head| **head == text);
    let head = found.ok_or_else(|| match heads.is_empty() {
        true => "this pane is in order of time".to_owned(),
        false => format!("this pane sorts by {}", heads.join(", ")),
    })?;
    ui.state_mut().sort.head = Some(head);
    Ok(Effect::None)
}

fn alerts(ui: &mut Ui, _: &str) -> Result<Effect, String> {
    ui.mode = Mode::Alerts { scroll: 0 };
    Ok(Effect::None)
}

fn utc(ui: &mut Ui, _: &str) -> Result<Effect, String> {
    ui.zone = Zone::Utc;
    Ok(Effect::None)
}

fn local(ui: &mut Ui, _: &str) -> Result<Effect, String> {
    ui.zone = Zone::Local;
    Ok(Effect::None)
}

fn quit(_: &mut Ui, _: &str) -> Result<Effect, String> {
    Ok(Effect::Quit)
}

impl Ui {
    /// The names of the groupings of the pane.
    pub(crate) fn groupings(&self) -> impl Iterator<Item = String> {
        let pane = self.pane().name;
        self.pane().by.iter().enumerate().map(move |(at, dims)| match dims {
            [] if pane == "quality" => panes::quality::by(at).word().to_owned(),
            [] => "trace".to_owned(),
            dims => dims.iter().map(|d| d.word()).collect::<Vec<_>>().join(","),
        })
    }

    pub(super) fn edit(&mut self, edit: Edit, snapshot: &Snapshot) -> Effect {
        match edit {
            Edit::Submit => return self.submit(),
            Edit::Cancel => self.mode = Mode::Normal,
            Edit::Complete => self.complete(snapshot),
            edit => {
                let mode = std::mem::take(&mut self.mode);
                self.mode = match mode {
                    Mode::Filter(mut line) if edit == Edit::Backspace && line.text().is_empty() => {
                        line.edit(edit, &[]);
                        Mode::Normal
                    }
                    Mode::Command(line) if edit == Edit::Backspace && line.text().is_empty() => {
                        drop(line);
                        Mode::Normal
                    }
                    Mode::Filter(mut line) => {
                        line.edit(edit, &self.filters);
                        Mode::Filter(line)
                    }
                    Mode::Command(mut line) => {
                        line.edit(edit, &self.commands);
                        Mode::Command(line)
                    }
                    other => other,
                };
            }
        }
        Effect::None
    }

    /// Takes the line. A filter that does not read stays where it is, with its fault.
    fn submit(&mut self) -> Effect {
        match std::mem::take(&mut self.mode) {
            Mode::Filter(line) => match Filter::parse(line.text()) {
                Ok(filter) => {
                    self.remember();
                    self.use_filter(filter);
                }
                Err(_) => self.mode = Mode::Filter(line),
            },
            Mode::Command(line) => return self.command(line.text()),
            other => self.mode = other,
        }
        Effect::None
    }

    fn command(&mut self, text: &str) -> Effect {
        let text = text.trim();
        if text.is_empty() {
            return Effect::None;
        }
        self.commands.retain(|c| c != text);
        self.commands.push(text.to_owned());
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let mut fitting = COMMANDS.iter().filter(|c| c.word.starts_with(word));
        let done = match (fitting.next(), fitting.next()) {
            (Some(command), None) => (command.run)(self, rest.trim()),
            (Some(command), Some(_)) if command.word == word => (command.run)(self, rest.trim()),
            _ => {
                let words: Vec<_> = COMMANDS.iter().map(|c| c.word).collect();
                Err(format!("no command {word:?}; there are {}", words.join(", ")))
            }
        };
        done.unwrap_or_else(|fault| {
            self.fault(fault);
            Effect::None
        })
    }

    fn complete(&mut self, snapshot: &Snapshot) {
        let offers = match &self.mode {
            Mode::Filter(line) => filter_offers(line.word(), snapshot),
            Mode::Command(line) => command_offers(line),
            _ => return,
        };
        let (Mode::Filter(line) | Mode::Command(line)) = &mut self.mode else { return };
        let common = common_start(&offers);
        if common.len() > line.word().len() {
            line.replace_word(&common);
        } else if offers.len() > 1 {
            let some: Vec<_> = offers.iter().take(8).cloned().collect();
            self.message = Some(super::Message::Note(some.join("  ")));
        }
    }
}

const FIELDS: [&str; 19] = [
    "model:",
    "provider:",
    "status:",
    "error:",
    "user:",
    "session:",
    "trace:",
    "host:",
    "app:",
    "env:",
    "tag:",
    "variant:",
    "operation:",
    "source:",
    "request:",
    "latency>",
    "ttft>",
    "cost>",
    "tokens>",
];

/// What a word of a filter could become: fields, and values that the snapshot shows.
fn filter_offers(word: &str, snapshot: &Snapshot) -> Vec<String> {
    let (sign, bare) = word.strip_prefix('-').map_or(("", word), |rest| ("-", rest));
    let Some((field, _)) = bare.split_once(':') else {
        return FIELDS.iter().filter(|f| f.starts_with(bare)).map(|f| format!("{sign}{f}")).collect();
    };
    let mut values: Vec<String> = match field {
        "status" => vec!["ok".to_owned(), "error".to_owned()],
        "error" => FailureMode::ALL.iter().map(|m| m.word().to_owned()).collect(),
        _ => Vec::new(),
    };
    for table in &snapshot.tables {
        if let [dim] = table.grouping.dims.as_slice()
            && (dim.word() == field || (field == "env" && dim.word() == "environment"))
        {
            values.extend(table.groups.iter().filter_map(|g| g.key.first().cloned().flatten()));
        }
    }
    let plain = |v: &String| v.chars().all(|c| c.is_ascii_graphic() && !"\",".contains(c));
    values.sort();
    values.dedup();
    let offers = values.iter().filter(|v| plain(v)).map(|v| format!("{sign}{field}:{v}"));
    offers.filter(|offer| offer.starts_with(word)).collect()
}

fn command_offers(line: &Line) -> Vec<String> {
    let words: Vec<&str> = match line.text().split_once(' ') {
        None => COMMANDS.iter().map(|c| c.word).collect(),
        Some(("pane", _)) => Ui::pane_names().collect(),
        Some(("theme", _)) => Theme::ALL.iter().map(|t| t.word()).collect(),
        Some(("window", _)) => Window::STEPS.iter().map(|(name, _)| *name).collect(),
        Some(_) => Vec::new(),
    };
    words.into_iter().filter(|w| w.starts_with(line.word())).map(str::to_owned).collect()
}

fn common_start(offers: &[String]) -> String {
    let Some(first) = offers.first() else { return String::new() };
    let same = |n: usize| offers.iter().all(|o| o.as_bytes().get(..n) == first.as_bytes().get(..n));
    let mut n = first.len();
    while n > 0 && !(first.is_char_boundary(n) && same(n)) {
        n -= 1;
    }
    first[..n].to_owned()
}
