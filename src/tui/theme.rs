//! Themes: what each role of a text looks like. The 16 ANSI colours on the terminal's own background, or none at all.
//! A colour means one thing everywhere: red fails, yellow is close to a limit, dim is context, reverse is the cursor.

use ratatui::style::{Color, Modifier, Style};

/// The set of colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// For dark backgrounds.
    #[default]
    Dark,
    /// For light backgrounds.
    Light,
    /// No colours, as `NO_COLOR` asks for: weight, brightness and shape alone.
    Mono,
}

impl Theme {
    /// All themes.
    pub const ALL: [Theme; 3] = [Theme::Dark, Theme::Light, Theme::Mono];

    /// The word for it in the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Theme::Dark => "dark",
            Theme::Light => "light",
            Theme::Mono => "mono",
        }
    }

    /// The theme a word names.
    pub fn from_word(word: &str) -> Option<Theme> {
        Theme::ALL.into_iter().find(|t| t.word() == word)
    }

    /// The next one, around.
    pub fn next(self) -> Theme {
        match self {
            Theme::Dark => Theme::Light,
            Theme::Light => Theme::Mono,
            Theme::Mono => Theme::Dark,
        }
    }
}

/// What a text is; the theme decides how that looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// A figure or a name.
    Text,
    /// A figure that counts most.
    Strong,
    /// Context: labels, units, guesses.
    Dim,
    /// Lines around panels.
    Border,
    /// The name of a panel.
    Title,
    /// Failing.
    Bad,
    /// Close to a limit.
    Warn,
    /// A line or an area of a chart.
    Series(Ink),
    /// The row of the cursor.
    Cursor,
}

/// The inks of charts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Calls that went well; the first series.
    One,
    /// The second series.
    Two,
    /// The third series.
    Three,
    /// Failed calls.
    Failed,
    /// Rate-limited calls.
    Limited,
    /// The window before.
    Ghost,
}

impl Theme {
    /// How a role looks.
    pub(crate) fn style(self, role: Role) -> Style {
        let plain = Style::new();
        match role {
            Role::Text => plain,
            Role::Strong => plain.add_modifier(Modifier::BOLD),
            Role::Dim | Role::Border => plain.add_modifier(Modifier::DIM),
            Role::Title => plain.add_modifier(Modifier::BOLD),
            Role::Cursor => plain.add_modifier(Modifier::REVERSED),
            Role::Bad => self.paint(Ink::Failed).add_modifier(Modifier::BOLD),
            Role::Warn if self == Theme::Mono => plain.add_modifier(Modifier::UNDERLINED),
            Role::Warn => self.paint(Ink::Limited),
            Role::Series(Ink::Ghost) => plain.add_modifier(Modifier::DIM),
            Role::Series(ink) => self.paint(ink),
        }
    }

    fn paint(self, ink: Ink) -> Style {
        self.color(ink).map_or_else(Style::new, |color| Style::new().fg(color))
    }

    /// The colour of an ink, where the theme has colours.
    pub(crate) fn color(self, ink: Ink) -> Option<Color> {
        match (self, ink) {
            (Theme::Mono, _) | (_, Ink::Ghost) => None,
            (_, Ink::Failed) => Some(Color::Red),
            (_, Ink::Limited) => Some(Color::Yellow),
            (Theme::Dark, Ink::One) => Some(Color::LightBlue),
            (Theme::Dark, Ink::Two) => Some(Color::Cyan),
            (Theme::Light, Ink::One) => Some(Color::Blue),
            (Theme::Light, Ink::Two) => Some(Color::Cyan),
            (_, Ink::Three) => Some(Color::Magenta),
        }
    }

    /// The letter-free fill of an ink where colours are missing: heavier is worse.
    pub(crate) fn fill(self, ink: Ink) -> char {
        match (self, ink) {
            (Theme::Dark | Theme::Light, Ink::Ghost) => '░',
            (Theme::Dark | Theme::Light, _) | (_, Ink::Failed) => '█',
            (_, Ink::Limited) => '▓',
            (_, Ink::One) => '░',
            (_, Ink::Three) => '▞',
            (_, Ink::Ghost) => '·',
            (_, _) => '▒',
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mono_has_no_colour_at_all() {
        let roles =
            [Role::Text, Role::Bad, Role::Warn, Role::Series(Ink::Two), Role::Series(Ink::Failed), Role::Cursor];
        for role in roles {
            let style = Theme::Mono.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
        }
    }

    #[test]
    fn words_name_themes() {
        for theme in Theme::ALL {
            assert_eq!(Theme::from_word(theme.word()), Some(theme));
        }
        assert_eq!(Theme::from_word("solarized"), None);
    }
}
