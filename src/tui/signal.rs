//! What a terminal is asked to do beside showing text: to ring, and to notify the desktop (OSC 9 or OSC 777). What is said
//! comes from logs, so that no control character of it may get through.

use super::clean::{clean, fit};
use std::ffi::OsString;

/// Longer notifications are cut.
const LONGEST: usize = 300;

/// Something a person is to be told aloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// The bell.
    Bell,
    /// A notification of the desktop, with this text.
    Desktop(String),
}

/// How a terminal wants notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terminal {
    form: Form,
    wrap: Wrap,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// iTerm2, kitty, WezTerm, Ghostty, Windows Terminal and most others.
    Osc9,
    /// rxvt, foot, and those with VTE.
    Osc777,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrap {
    Bare,
    /// tmux hands on what is wrapped for it.
    Tmux,
}

impl Terminal {
    /// The terminal that the environment tells of.
    pub fn of(env: &dyn Fn(&str) -> Option<OsString>) -> Terminal {
        let term = env("TERM").map(|term| term.to_string_lossy().into_owned()).unwrap_or_default();
        let is_777 = ["rxvt", "foot"].iter().any(|name| term.contains(name)) || env("VTE_VERSION").is_some();
        Terminal {
            form: if is_777 { Form::Osc777 } else { Form::Osc9 },
            wrap: if env("TMUX").is_some() { Wrap::Tmux } else { Wrap::Bare },
        }
    }
}

impl Signal {
    /// What to write to the terminal.
    pub fn sequence(&self, terminal: Terminal) -> String {
        let bare = match self {
            Signal::Bell => return "\x07".to_owned(),
            Signal::Desktop(text) => {
                let clean = clean(text);
                let text = fit(&clean, LONGEST);
                match terminal.form {
                    // What begins with a number and a semicolon means something else to some terminals.
                    Form::Osc9 => format!("\x1b]9;llmtop: {text}\x07"),
                    Form::Osc777 => format!("\x1b]777;notify;llmtop;{}\x07", text.replace(';', ",")),
                }
            }
        };
        match terminal.wrap {
            Wrap::Bare => bare,
            Wrap::Tmux => format!("\x1bPtmux;{}\x1b\\", bare.replace('\x1b', "\x1b\x1b")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal(variables: &[(&str, &str)]) -> Terminal {
        Terminal::of(&|name| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).into()))
    }

    #[test]
    fn terminals_are_told_in_their_own_way() {
        let signal = Signal::Desktop("FIRED a; b".to_owned());
        for (variables, want) in [
            (&[("TERM", "xterm-256color")][..], "\x1b]9;llmtop: FIRED a; b\x07"),
            (&[("TERM", "rxvt-unicode")], "\x1b]777;notify;llmtop;FIRED a, b\x07"),
            (&[("TERM", "xterm-256color"), ("VTE_VERSION", "7600")], "\x1b]777;notify;llmtop;FIRED a, b\x07"),
            (&[("TERM", "tmux-256color"), ("TMUX", "x")], "\x1bPtmux;\x1b\x1b]9;llmtop: FIRED a; b\x07\x1b\\"),
        ] {
            assert_eq!(signal.sequence(terminal(variables)), want);
        }
        assert_eq!(Signal::Bell.sequence(terminal(&[("TMUX", "x")])), "\x07");
    }

    #[test]
    fn nothing_of_a_text_steers_the_terminal() {
        let evil = format!("a\x07\x1b]0;title\x07\u{9c}\u{9d}52;c;x\x1b\\\n{}", "b".repeat(10_000));
        for variables in [&[("TERM", "xterm")][..], &[("TERM", "foot")]] {
            let told = Signal::Desktop(evil.clone()).sequence(terminal(variables));
            let inside = told.strip_prefix("\x1b]").and_then(|told| told.strip_suffix('\x07')).expect("one sequence");
            assert!(!inside.contains(char::is_control), "{inside:?}");
            assert!(told.len() < 1_000);
        }
    }
}
