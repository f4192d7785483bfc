//! What is asked for: rules, when they hold, and whom to tell. Plain data, as the configuration makes it.

use super::metric::{Metric, Reads, Unit};
use crate::units;
use crate::view::Filter;
use std::path::PathBuf;

/// On which side of its threshold a value stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Above it.
    Above,
    /// Below it.
    Below,
}

impl Side {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Side::Above => "above",
            Side::Below => "below",
        }
    }

    /// Whether a value is beyond a bound.
    pub fn is_beyond(self, value: f64, bound: f64) -> bool {
        match self {
            Side::Above => value > bound,
            Side::Below => value < bound,
        }
    }
}

/// What a threshold is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// The value itself.
    Value,
    /// Its change against the window before, as a share of what it was: 0.5 is half as much again.
    Before,
}

/// When a rule holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Condition {
    /// What is compared.
    pub against: Against,
    /// On which side.
    pub side: Side,
    /// Beyond this it fires; in the metric's unit, or a share where it is a change.
    pub at: f64,
    /// No more beyond this it clears; `at`, or on its quiet side.
    pub clear: f64,
}

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name, unique among the rules.
    pub name: String,
    /// What is watched.
    pub metric: &'static Metric,
    /// Over how long a window that ends now, µs.
    pub over_us: i64,
    /// Which calls.
    pub filter: Filter,
    /// The budget, for metrics of budgets.
    pub budget: Option<String>,
    /// When it holds.
    pub condition: Condition,
    /// How long that has to last until it fires, µs.
    pub hold_us: i64,
    /// Fewer calls in the window say nothing.
    pub min_calls: u64,
    /// How to tell; `None` is as for all.
    pub notify: Option<Vec<Channel>>,
    /// Whom to tell; what is not given is as for all.
    pub targets: Targets,
    /// Its line in the configuration file, for messages.
    pub line: usize,
}

impl Rule {
    /// The rule in words: `error rate above 5.00 % over 5m for 2m, env:prod`.
    pub fn words(&self) -> String {
        let mut words = format!("{} {}", self.metric.says, self.limit_words());
        if matches!(self.metric.reads, Reads::Window(_)) {
            let over = units::exact_duration(self.over_us);
            words += &match self.condition.against {
                Against::Value => format!(" over {over}"),
                Against::Before => format!(" against the {over} before"),
            };
        }
        if self.hold_us > 0 {
            words += &format!(" for {}", units::exact_duration(self.hold_us));
        }
        if let Some(budget) = &self.budget {
            words += &format!(", budget {budget}");
        }
        if !self.filter.is_empty() {
            words += &format!(", {}", self.filter);
        }
        words
    }

    fn limit_words(&self) -> String {
        let Condition { side, at, .. } = self.condition;
        format!("{} {}", side.word(), self.value_words(at))
    }

    /// A value or a change of this rule, as people read it.
    pub fn value_words(&self, value: f64) -> String {
        match self.condition.against {
            Against::Value => self.metric.unit.text(value),
            Against::Before => change_words(value),
        }
    }

    /// The unit of its threshold.
    pub fn unit(&self) -> Unit {
        match self.condition.against {
            Against::Value => self.metric.unit,
            Against::Before => Unit::Share,
        }
    }
}

/// A change with its sign: `+50.0 %`.
pub(super) fn change_words(share: f64) -> String {
    format!("{}{}", if share > 0.0 { "+" } else { "" }, units::percent(share))
}

/// A way to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// A line on the screen.
    Screen,
    /// The terminal's bell.
    Bell,
    /// A notification of the desktop, through the terminal.
    Desktop,
    /// A program.
    Command,
    /// An HTTP request.
    Webhook,
    /// A line in a file.
    File,
}

impl Channel {
    /// All of them.
    pub const ALL: [Channel; 6] =
        [Channel::Screen, Channel::Bell, Channel::Desktop, Channel::Command, Channel::Webhook, Channel::File];

    /// Its word in the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Channel::Screen => "screen",
            Channel::Bell => "bell",
            Channel::Desktop => "desktop",
            Channel::Command => "command",
            Channel::Webhook => "webhook",
            Channel::File => "file",
        }
    }
}

/// What a webhook is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// The event as it is.
    #[default]
    Plain,
    /// `{"text": …}`, as Slack and its like read.
    Slack,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 2] = [Format::Plain, Format::Slack];

    /// Its word in the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Format::Plain => "plain",
            Format::Slack => "slack",
        }
    }
}

/// The address of a webhook. Who knows it can write to it: it is shown nowhere but for its host.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(pub String);

impl Address {
    /// `https`, or `http`.
    pub fn scheme(&self) -> &str {
        self.0.split_once("://").map_or("https", |(scheme, _)| scheme)
    }

    /// The machine it leads to.
    pub fn host(&self) -> &str {
        let rest = self.0.split_once("://").map_or(self.0.as_str(), |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        authority.rsplit('@').next().unwrap_or_default()
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Address({}/…)", self.host())
    }
}

/// Whom to tell.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Targets {
    /// A program and its arguments; empty is none.
    pub command: Vec<String>,
    /// A webhook.
    pub webhook: Option<Address>,
    /// What it is sent; `None` is what suits its host.
    pub format: Option<Format>,
    /// A file.
    pub file: Option<PathBuf>,
}

impl Targets {
    /// Whether there is something to tell on a channel.
    pub fn has(&self, channel: Channel) -> bool {
        match channel {
            Channel::Screen | Channel::Bell | Channel::Desktop => true,
            Channel::Command => !self.command.is_empty(),
            Channel::Webhook => self.webhook.is_some(),
            Channel::File => self.file.is_some(),
        }
    }

    /// What the webhook is sent.
    pub fn format(&self) -> Format {
        let is_slack = |address: &Address| address.host().eq_ignore_ascii_case("hooks.slack.com");
        let suits = if self.webhook.as_ref().is_some_and(is_slack) { Format::Slack } else { Format::Plain };
        self.format.unwrap_or(suits)
    }

    /// The channels that something was given for.
    pub fn given(&self) -> impl Iterator<Item = Channel> {
        [Channel::Command, Channel::Webhook, Channel::File].into_iter().filter(|channel| self.has(*channel))
    }

    /// These, and others where these say nothing.
    #[must_use]
    pub fn or(&self, others: &Targets) -> Targets {
        let command = if self.command.is_empty() { &others.command } else { &self.command };
        Targets {
            command: command.clone(),
            webhook: self.webhook.clone().or_else(|| others.webhook.clone()),
            format: self.format.or(others.format),
            file: self.file.clone().or_else(|| others.file.clone()),
        }
    }
}

/// All that is configured.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The rules, in the order of the file.
    pub rules: Vec<Rule>,
    /// How to tell, where a rule does not say so, and of budgets.
    pub notify: Option<Vec<Channel>>,
    /// Whom to tell, likewise.
    pub targets: Targets,
    /// Of a rule that comes and goes, others than the screen hear at most once in this time, µs.
    pub quiet_us: i64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { rules: Vec::new(), notify: None, targets: Targets::default(), quiet_us: 300_000_000 }
    }
}

impl Settings {
    /// How to tell of a rule, or of a budget, and whom: every target named is there if the configuration was found right.
    pub fn route(&self, rule: Option<&Rule>) -> (Vec<Channel>, Targets) {
        let own = rule.map(|rule| rule.targets.clone()).unwrap_or_default();
        let mut channels = match (rule.and_then(|rule| rule.notify.clone()), &self.notify) {
            (Some(own), _) => own,
            (None, Some(all)) => all.clone(),
            (None, None) => {
                // A budget of each user may warn often, and nobody asked for it in so many words: it does not ring.
                let bell = rule.map(|_| Channel::Bell);
                [Channel::Screen].into_iter().chain(bell).chain(self.targets.given()).collect::<Vec<_>>()
            }
        };
        if rule.is_some_and(|rule| rule.notify.is_none()) {
            channels.extend(own.given());
        }
        channels.sort_unstable();
        channels.dedup();
        (channels, own.or(&self.targets))
    }
}
