//! Keys are data: one table from key to action. Dispatch, the help overlay and the footer's hints are made from it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a person wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Leave the program.
    Quit,
    /// Show or hide the keys.
    Help,
    /// Go to the pane of this number, from 0.
    Pane(usize),
    /// Go to the next pane.
    NextPane,
    /// Go to the pane before.
    PreviousPane,
    /// Move the cursor.
    Move(Step),
    /// Move the chart's cursor one point back in time.
    TimeBack,
    /// Move the chart's cursor one point on in time.
    TimeOn,
    /// Go into what the cursor is on, towards the records.
    Open,
    /// Put the cursor on the row of this number, from 0; the second time on the same row, go into it.
    Click(usize),
    /// Go back to where one came from.
    Back,
    /// Type a filter.
    Filter,
    /// Type a command.
    Command,
    /// Drop the filter.
    ClearFilter,
    /// Take the filter used before this one.
    OlderFilter,
    /// Take the filter used after this one.
    NewerFilter,
    /// Sort by the next column.
    Sort,
    /// Turn the order around.
    Reverse,
    /// Group by the next dimension.
    By,
    /// Freeze the screen, or let it go on.
    Pause,
    /// Take the next longer window.
    Longer,
    /// Take the next shorter window.
    Shorter,
    /// Move the window back in time.
    Earlier,
    /// Move the window on in time.
    Later,
    /// Go to the next, older error.
    NextError,
    /// Go to the error before, a newer one.
    PreviousError,
    /// Show one panel in full size, then the next.
    Maximise,
    /// Show or hide prompts and answers.
    Mask,
    /// Copy what the cursor is on.
    Copy,
    /// Show times in UTC or in local time.
    Zone,
    /// Take the next theme.
    Theme,
    /// Paint everything anew.
    Redraw,
    /// Put the program into the background.
    Suspend,
    /// Type a character.
    Type(char),
    /// Edit the line.
    Edit(Edit),
}

/// A move of the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// One row down.
    Down,
    /// One row up.
    Up,
    /// A page down.
    PageDown,
    /// A page up.
    PageUp,
    /// To the first row.
    First,
    /// To the last row.
    Last,
}

/// A change of the line that is being typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// Take the line.
    Submit,
    /// Leave it.
    Cancel,
    /// Delete the character before the cursor.
    Backspace,
    /// Delete the character under the cursor.
    Delete,
    /// Delete the word before the cursor.
    DeleteWord,
    /// Delete everything before the cursor.
    DeleteStart,
    /// Cursor one to the left.
    Left,
    /// Cursor one to the right.
    Right,
    /// Cursor to the start.
    Start,
    /// Cursor to the end.
    End,
    /// The line used before.
    Older,
    /// The line used after.
    Newer,
    /// Complete the word.
    Complete,
}

/// Where a binding holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// A pane is shown.
    Pane,
    /// The details of a record are shown.
    Details,
    /// A trace or a conversation is shown.
    Story,
    /// A step of a trace is shown.
    Step,
    /// The keys are shown.
    Help,
    /// A line is being typed.
    Line,
}

/// A key with or without Control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub code: KeyCode,
    /// Whether Control is held.
    pub ctrl: bool,
}

/// One line of the table.
#[derive(Debug)]
pub struct Binding {
    /// Any of these.
    pub keys: &'static [Key],
    /// What they do.
    pub action: Action,
    /// Where.
    pub contexts: &'static [Context],
    /// What the help says; empty for what needs no words.
    pub help: &'static str,
    /// What the footer says, if there is room; empty for nothing.
    pub hint: &'static str,
}

const fn ch(c: char) -> Key {
    Key { code: KeyCode::Char(c), ctrl: false }
}

const fn ctrl(c: char) -> Key {
    Key { code: KeyCode::Char(c), ctrl: true }
}

const fn key(code: KeyCode) -> Key {
    Key { code, ctrl: false }
}

const P: &[Context] = &[Context::Pane];
const D: &[Context] = &[Context::Details, Context::Story, Context::Step, Context::Help];
const VIEWS: &[Context] = &[Context::Pane, Context::Details, Context::Story, Context::Step];
const READ: &[Context] = &[Context::Pane, Context::Details, Context::Story, Context::Step, Context::Help];
const ALWAYS: &[Context] =
    &[Context::Pane, Context::Details, Context::Story, Context::Step, Context::Help, Context::Line];
const L: &[Context] = &[Context::Line];

const fn bind(
    keys: &'static [Key],
    action: Action,
    contexts: &'static [Context],
    help: &'static str,
    hint: &'static str,
) -> Binding {
    Binding { keys, action, contexts, help, hint }
}

/// All keys, in the order of the help.
pub static KEYS: &[Binding] = &[
    bind(&[key(KeyCode::Enter)], Action::Open, P, "into the row, towards its records", "open"),
    bind(&[key(KeyCode::Enter)], Action::Open, &[Context::Details], "from a record to its trace", "trace"),
    bind(&[key(KeyCode::Enter)], Action::Open, &[Context::Story], "", "open"),
    bind(&[key(KeyCode::Esc), key(KeyCode::Backspace)], Action::Back, P, "back to where you came from", ""),
    bind(&[key(KeyCode::Esc), key(KeyCode::Backspace)], Action::Back, D, "", "back"),
    bind(&[ch('j'), key(KeyCode::Down)], Action::Move(Step::Down), READ, "down", ""),
    bind(&[ch('k'), key(KeyCode::Up)], Action::Move(Step::Up), READ, "up", ""),
    bind(&[key(KeyCode::PageDown), ctrl('d'), ctrl('f')], Action::Move(Step::PageDown), READ, "page down", ""),
    bind(&[key(KeyCode::PageUp), ctrl('u'), ctrl('b')], Action::Move(Step::PageUp), READ, "page up", ""),
    bind(&[ch('g'), key(KeyCode::Home)], Action::Move(Step::First), READ, "first", ""),
    bind(&[ch('G'), key(KeyCode::End)], Action::Move(Step::Last), READ, "last", ""),
    bind(&[key(KeyCode::Left)], Action::TimeBack, VIEWS, "back along the charts; newer record", ""),
    bind(&[key(KeyCode::Right)], Action::TimeOn, VIEWS, "on along the charts; older record", ""),
    bind(&[key(KeyCode::Tab)], Action::NextPane, VIEWS, "next pane", ""),
    bind(&[key(KeyCode::BackTab)], Action::PreviousPane, VIEWS, "pane before", ""),
    bind(&[ch('1')], Action::Pane(0), VIEWS, "", ""),
    bind(&[ch('2')], Action::Pane(1), VIEWS, "", ""),
    bind(&[ch('3')], Action::Pane(2), VIEWS, "", ""),
    bind(&[ch('4')], Action::Pane(3), VIEWS, "", ""),
    bind(&[ch('5')], Action::Pane(4), VIEWS, "", ""),
    bind(&[ch('6')], Action::Pane(5), VIEWS, "", ""),
    bind(&[ch('7')], Action::Pane(6), VIEWS, "", ""),
    bind(&[ch('8')], Action::Pane(7), VIEWS, "", ""),
    bind(&[ch('9')], Action::Pane(8), VIEWS, "", ""),
    bind(&[ch('0')], Action::Pane(9), VIEWS, "", ""),
    bind(&[ch('/')], Action::Filter, P, "filter: model:gpt-4o* -status:ok latency>5s", "filter"),
    bind(&[ch('x')], Action::ClearFilter, P, "no filter", ""),
    bind(&[ch('n')], Action::NewerFilter, P, "newer filter", ""),
    bind(&[ch('N')], Action::OlderFilter, P, "older filter", ""),
    bind(&[ch('+'), ch('=')], Action::Longer, P, "longer window", "longer"),
    bind(&[ch('-')], Action::Shorter, P, "shorter window", "shorter"),
    bind(&[ch('[')], Action::Earlier, P, "window back in time", "earlier"),
    bind(&[ch(']')], Action::Later, P, "window on in time", "later"),
    bind(&[ch(' ')], Action::Pause, P, "freeze, go on", "pause"),
    bind(&[ch('e')], Action::NextError, VIEWS, "next error, older", "error"),
    bind(&[ch('E')], Action::PreviousError, VIEWS, "error before, newer", ""),
    bind(&[ch('s')], Action::Sort, P, "sort by the next column", "sort"),
    bind(&[ch('S')], Action::Reverse, P, "turn the order around", ""),
    bind(&[ch('b')], Action::By, P, "group by the next dimension", "by"),
    bind(&[ch('z')], Action::Maximise, VIEWS, "one panel in full size, then the next", ""),
    bind(&[ch('m')], Action::Mask, VIEWS, "show or hide prompts and answers", "text"),
    bind(&[ch('y')], Action::Copy, VIEWS, "copy what the cursor is on", ""),
    bind(&[ch('u')], Action::Zone, VIEWS, "UTC or local time", ""),
    bind(&[ch('t')], Action::Theme, VIEWS, "next theme", ""),
    bind(&[ch(':')], Action::Command, P, "command: window, filter, pane, theme, by, quit", ""),
    bind(&[ch('?')], Action::Help, READ, "these keys", "help"),
    bind(&[ch('q')], Action::Quit, READ, "quit", "quit"),
    bind(&[ctrl('c')], Action::Quit, ALWAYS, "", ""),
    bind(&[ctrl('l')], Action::Redraw, READ, "paint anew", ""),
    bind(&[ctrl('z')], Action::Suspend, READ, "into the background", ""),
    bind(&[key(KeyCode::Enter)], Action::Edit(Edit::Submit), L, "", "apply"),
    bind(&[key(KeyCode::Esc)], Action::Edit(Edit::Cancel), L, "", "leave"),
    bind(&[key(KeyCode::Tab)], Action::Edit(Edit::Complete), L, "", "complete"),
    bind(&[key(KeyCode::Backspace), ctrl('h')], Action::Edit(Edit::Backspace), L, "", ""),
    bind(&[key(KeyCode::Delete), ctrl('d')], Action::Edit(Edit::Delete), L, "", ""),
    bind(&[ctrl('w')], Action::Edit(Edit::DeleteWord), L, "", ""),
    bind(&[ctrl('u')], Action::Edit(Edit::DeleteStart), L, "", ""),
    bind(&[key(KeyCode::Left), ctrl('b')], Action::Edit(Edit::Left), L, "", ""),
    bind(&[key(KeyCode::Right), ctrl('f')], Action::Edit(Edit::Right), L, "", ""),
    bind(&[key(KeyCode::Home), ctrl('a')], Action::Edit(Edit::Start), L, "", ""),
    bind(&[key(KeyCode::End), ctrl('e')], Action::Edit(Edit::End), L, "", ""),
    bind(&[key(KeyCode::Up), ctrl('p')], Action::Edit(Edit::Older), L, "", "history"),
    bind(&[key(KeyCode::Down), ctrl('n')], Action::Edit(Edit::Newer), L, "", ""),
];

/// The action of a key in a context.
pub fn lookup(context: Context, event: KeyEvent) -> Option<Action> {
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    let code = event.code;
    let bound = KEYS
        .iter()
        .find(|b| b.contexts.contains(&context) && b.keys.iter().any(|k| k.code == code && k.ctrl == ctrl))
        .map(|b| b.action);
    match (bound, context, code) {
        (None, Context::Line, KeyCode::Char(c)) if !ctrl && !event.modifiers.contains(KeyModifiers::ALT) => {
            Some(Action::Type(c))
        }
        (bound, _, _) => bound,
    }
}

impl Key {
    /// How it is written: `j`, `Enter`, `^C`.
    pub fn name(self) -> String {
        let plain = match self.code {
            KeyCode::Char(' ') => "Space".to_owned(),
            KeyCode::Char(c) if self.ctrl => return format!("^{}", c.to_ascii_uppercase()),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::Left => "←".to_owned(),
            KeyCode::Right => "→".to_owned(),
            KeyCode::Up => "↑".to_owned(),
            KeyCode::Down => "↓".to_owned(),
            KeyCode::PageUp => "PgUp".to_owned(),
            KeyCode::PageDown => "PgDn".to_owned(),
            KeyCode::BackTab => "⇧Tab".to_owned(),
            other => format!("{other:?}"),
        };
        if self.ctrl { format!("^{plain}") } else { plain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn no_key_means_two_things_in_one_context() {
        for &context in ALWAYS {
            let mut seen: HashMap<String, Action> = HashMap::new();
            for binding in KEYS.iter().filter(|b| b.contexts.contains(&context)) {
                for key in binding.keys {
                    let before = seen.insert(key.name(), binding.action);
                    assert_eq!(before, None, "{} in {context:?}", key.name());
                }
            }
        }
    }

    #[test]
    fn letters_are_typed_in_a_line_and_act_elsewhere() {
        let q = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
        assert_eq!(lookup(Context::Pane, q), Some(Action::Quit));
        assert_eq!(lookup(Context::Line, q), Some(Action::Type('q')));
        let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(lookup(Context::Line, ctrl_c), Some(Action::Quit));
        let shift_g = KeyEvent::new(KeyCode::Char('G'), KeyModifiers::SHIFT);
        assert_eq!(lookup(Context::Pane, shift_g), Some(Action::Move(Step::Last)));
    }

    #[test]
    fn keys_that_fight_with_a_habit_are_free() {
        for c in ['h', 'f', 'r', 'p'] {
            assert_eq!(lookup(Context::Pane, KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)), None, "{c}");
        }
    }
}
