//! `[[alert]]`: what is watched, when that is too much, and who is told. Rules that could never fire, or always would, are
//! told before anything starts.

use super::Config;
use super::budgets::filter;
use super::keys::is_placed;
use super::lists::Section;
use crate::alert::{Address, Against, Channel, Condition, Format, Metric, Reads, Rule, Settings, Side, Targets, Unit};
use crate::nearest::did_you_mean;
use crate::units;
use crate::view::{Budget, Period};

/// The window of a rule that does not say.
const OVER_US: i64 = 300_000_000;

/// No window and no hold is longer, µs: a year.
const LONGEST_US: i64 = 366 * 86_400_000_000;

const CHANNELS: &str = "some of \"screen\", \"bell\", \"desktop\", \"command\", \"webhook\", \"file\"";
const LENGTH: &str = "a length such as \"5m\"";

/// Reads a section.
pub(super) fn read(section: &mut Section<'_>, config: &mut Config) {
    let name = section.need("name", "a name of its own, such as \"prod errors\"", name);
    let metric = section.need("metric", "what to watch, such as \"error_rate\"", Metric::named);
    let limits = Limits::read(section);
    let over_us = section.read("over", LENGTH, length);
    let hold_us = section.read("for", LENGTH, hold).unwrap_or_default();
    let filter = section.read("filter", "a filter such as \"env:prod\"", filter);
    let budget = section.read("budget", "the name of a budget", name_of);
    let min_calls = section.read("min_calls", "a number of calls such as 20", calls);
    let notify = section.each("notify", CHANNELS, channel);
    let targets = targets(section);
    if let Some(name) = name.as_ref().filter(|name| config.alerts.rules.iter().any(|rule| rule.name == **name)) {
        return section.fault_at("name", &format!("there are two alerts {name:?}; give each a name of its own"));
    }
    let Some(metric) = metric else { return };
    // Asked for one after another, so that all that is wrong is told.
    let condition = limits.condition(section, metric);
    let fits = fields_fit(section, metric) & budget_fits(section, metric, budget.as_deref(), &config.budgets);
    let (Some(name), Some(condition), true) = (name, condition, fits) else { return };
    config.alerts.rules.push(Rule {
        name,
        metric,
        over_us: over_us.unwrap_or(OVER_US),
        filter: filter.unwrap_or_default(),
        budget,
        condition,
        hold_us,
        min_calls: min_calls.unwrap_or(metric.min_calls),
        notify,
        targets,
        line: section.line(),
    });
}

/// The thresholds as they are written; what they mean depends on the metric.
struct Limits {
    above: Option<String>,
    below: Option<String>,
    change: Option<String>,
    clear: Option<String>,
}

impl Limits {
    fn read(section: &mut Section<'_>) -> Limits {
        let mut text = |name| section.read(name, "a number, or one with its unit in quotes", name_of);
        Limits { above: text("above"), below: text("below"), change: text("change"), clear: text("clear") }
    }

    /// The condition, or what is wrong with it.
    fn condition(self, section: &mut Section<'_>, metric: &'static Metric) -> Option<Condition> {
        let (field, found) = match (self.above, self.below, self.change) {
            (Some(text), None, None) => ("above", threshold(metric, Side::Above, &text)),
            (None, Some(text), None) => ("below", threshold(metric, Side::Below, &text)),
            (None, None, Some(text)) => ("change", change(metric, &text)),
            (None, None, None) if metric.word == "forecast_over_limit" => {
                ("above", Ok(Condition { against: Against::Value, side: Side::Above, at: 1.0, clear: 1.0 }))
            }
            (None, None, None) => {
                let example = metric.unit.example();
                section.fault(format!("nothing says when; write above, below or change: {example}"));
                return None;
            }
            _ => {
                section.fault("above, below and change are three alerts; write one of them");
                return None;
            }
        };
        let mut condition = found.map_err(|why| section.fault_at(field, &why)).ok()?;
        if let Some(text) = self.clear {
            condition.clear = clear(metric, condition, &text).map_err(|why| section.fault_at("clear", &why)).ok()?;
        }
        Some(condition)
    }
}

/// Whether a share looks like a percentage without its sign: ten times all of it or more.
fn is_percentage(text: &str, share: f64) -> bool {
    share.abs() >= 10.0 && !text.contains('%')
}

fn meant_percent(text: &str) -> String {
    format!("{text} is {text} times all of it; did you mean \"{text}%\"?")
}

/// Whether values of a metric lie between nothing and all.
fn is_part(metric: &Metric) -> bool {
    metric.unit == Unit::Share && matches!(metric.reads, Reads::Window(_))
}

fn threshold(metric: &Metric, side: Side, text: &str) -> Result<Condition, String> {
    let at = metric.unit.parse(text)?;
    let (says, word) = (metric.says, side.word());
    match side {
        _ if at < 0.0 => return Err(format!("{text}: the {says} is never negative")),
        Side::Below if matches!(metric.reads, Reads::Newest) => {
            return Err(format!("{says} below {text} is how it should be; write above"));
        }
        Side::Below if at == 0.0 => return Err(format!("the {says} is never below nothing")),
        Side::Above if is_part(metric) && at >= 1.0 => {
            let percent = if text.contains('%') { String::new() } else { format!("; did you mean \"{text}%\"?") };
            return Err(format!("the {says} is never above {}{percent}", metric.unit.text(at)));
        }
        _ if metric.unit == Unit::Share && is_percentage(text, at) => return Err(meant_percent(text)),
        Side::Below if is_part(metric) && at > 1.0 => return Err(format!("the {says} is always {word} {text}")),
        Side::Above if metric.unit == Unit::Micros && at == 0.0 => {
            return Err(format!("the {says} is always above nothing"));
        }
        _ => {}
    }
    Ok(Condition { against: Against::Value, side, at, clear: at })
}

fn change(metric: &Metric, text: &str) -> Result<Condition, String> {
    if !matches!(metric.reads, Reads::Window(_)) {
        return Err(format!("the {} has no window before; write above", metric.says));
    }
    let at = Unit::Share.parse(text).map_err(|_| format!("{text:?} is no change; write \"50%\" or \"-50%\""))?;
    let side = if at > 0.0 { Side::Above } else { Side::Below };
    match at {
        0.0 => Err("a change of nothing is none".to_owned()),
        _ if is_percentage(text, at) => Err(meant_percent(text)),
        ..=-1.0 => Err(format!("nothing falls by more than all of it; {text} is never reached")),
        _ => Ok(Condition { against: Against::Before, side, at, clear: at }),
    }
}

fn clear(metric: &Metric, condition: Condition, text: &str) -> Result<f64, String> {
    let Condition { against, side, at, .. } = condition;
    let unit = if against == Against::Before { Unit::Share } else { metric.unit };
    let clear = unit.parse(text)?;
    let where_to = if side == Side::Above { "at or below" } else { "at or above" };
    match side.is_beyond(clear, at) {
        true => Err(format!("{text} is beyond where it fires; it has to be {where_to} that")),
        // Nothing is below nothing: it would never clear, but for a change or where nothing is reached.
        false if against == Against::Value && clear < 0.0 => {
            Err(format!("{text}: the {} is never negative", metric.says))
        }
        false => Ok(clear),
    }
}

/// Whether the fields given mean anything for the metric.
fn fields_fit(section: &mut Section<'_>, metric: &Metric) -> bool {
    let foreign: &[&'static str] = match metric.reads {
        Reads::Window(_) => &[],
        Reads::Budget(_) => &["over", "filter", "min_calls"],
        Reads::Newest => &["over", "min_calls"],
    };
    let instead = match metric.reads {
        Reads::Budget(_) => "the budget says which calls and how long",
        _ => "what it is above says how long",
    };
    let given: Vec<&'static str> = foreign.iter().copied().filter(|name| section.has(name)).collect();
    for name in &given {
        section.fault_at(name, &format!("{} has none: {instead}", metric.word));
    }
    given.is_empty()
}

fn budget_fits(section: &mut Section<'_>, metric: &Metric, name: Option<&str>, budgets: &[Budget]) -> bool {
    let names = || budgets.iter().map(|budget| budget.name.as_str());
    let there_are = || match budgets.is_empty() {
        true => "; there is no [[budget]]".to_owned(),
        false => format!("; there are {}", names().collect::<Vec<_>>().join(", ")),
    };
    let is_of_budget = matches!(metric.reads, Reads::Budget(_));
    let found = name.and_then(|name| budgets.iter().find(|budget| budget.name == name));
    let why = match (is_of_budget, name, found) {
        (false, Some(_), _) => format!("{} has nothing to do with a budget", metric.word),
        (false, None, _) => return true,
        (true, None, _) => {
            let why = format!("budget is missing; write the name of a budget{}", there_are());
            section.fault(why);
            return false;
        }
        (true, Some(name), None) => {
            let near = did_you_mean(name, names());
            format!("no budget {name:?}{}", if near.is_empty() { there_are() } else { near })
        }
        (true, Some(_), Some(budget)) if metric.word == "forecast_over_limit" => match budget.period {
            Period::Last(_) => format!("the period of {:?} does not end, so that nothing is forecast", budget.name),
            Period::Day | Period::Week | Period::Month => return true,
        },
        (true, Some(_), Some(_)) => return true,
    };
    section.fault_at("budget", &why);
    false
}

fn targets(section: &mut Section<'_>) -> Targets {
    let command = section.each("command", "a list such as [\"page\", \"oncall\"]", argument).unwrap_or_default();
    if let [only] = command.as_slice()
        && only.contains(char::is_whitespace)
    {
        section
            .fault_at("command", "no program has a space in its name; write its words apart, [\"page\", \"oncall\"]");
    }
    Targets {
        command,
        webhook: section.read("webhook", "an address such as \"https://hooks.example.org/llm\"", address),
        format: section.read("webhook_format", "\"plain\" or \"slack\"", format),
        file: section.read("file", "an absolute path, or one that begins with ~/", path).map(Into::into),
    }
}

/// What is to be told to nobody, or would never be told: with its line, or without one where all alerts are meant.
pub(super) fn unheard(settings: &Settings) -> Vec<(Option<usize>, String)> {
    let missing = |channel: Channel| {
        let word = channel.word();
        format!("notify names {word:?}, and there is no {word}; give {word} here, or alerts.{word} for all")
    };
    let of_all = settings.notify.iter().flatten().filter(|channel| !settings.targets.has(**channel));
    let mut found: Vec<_> = of_all.map(|channel| (None, format!("alerts.notify: {}", missing(*channel)))).collect();
    for rule in &settings.rules {
        let Some(notify) = &rule.notify else { continue };
        let all = rule.targets.or(&settings.targets);
        let named = notify.iter().filter(|channel| !all.has(**channel)).map(|channel| missing(*channel));
        let idle = rule.targets.given().filter(|channel| !notify.contains(channel)).map(|channel| {
            let word = channel.word();
            format!("{word} is given, and notify does not name it; it would never be told")
        });
        found.extend(named.chain(idle).map(|why| (Some(rule.line), format!("alert {:?}: {why}", rule.name))));
    }
    found
}

fn name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("empty".to_owned()) } else { Ok(text.to_owned()) }
}

fn name_of(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// A length of time, more than nothing.
pub(super) fn length(text: &str) -> Result<i64, String> {
    match units::parse_duration_us(text) {
        None => Err(format!("{text:?} is no length of time")),
        Some(..=0) => Err(format!("{text} is no time at all")),
        Some(us) if us > LONGEST_US => Err(format!("{text} is more than a year")),
        Some(us) => Ok(us),
    }
}

fn hold(text: &str) -> Result<i64, String> {
    if units::parse_duration_us(text) == Some(0) { Ok(0) } else { length(text) }
}

fn calls(text: &str) -> Result<u64, String> {
    let calls = units::parse_count(text).and_then(|n| u64::try_from(n).ok());
    calls.ok_or_else(|| format!("{text:?} is no number of calls"))
}

fn channel(text: &str) -> Result<Channel, String> {
    let near = || format!("no way to tell {text:?}{}", did_you_mean(text, Channel::ALL.map(Channel::word)));
    Channel::ALL.into_iter().find(|channel| channel.word() == text).ok_or_else(near)
}

/// Several channels in one text; `None` where there is none.
pub(super) fn channels(text: &str) -> Result<Option<Vec<Channel>>, String> {
    let words = text.split([',', ' ']).filter(|word| !word.is_empty());
    let channels: Vec<Channel> = words.map(channel).collect::<Result<_, _>>()?;
    Ok((!channels.is_empty()).then_some(channels))
}

/// One word of a command.
fn argument(text: &str) -> Result<String, String> {
    match text {
        _ if text.contains('\0') => Err("a command has no NUL in it".to_owned()),
        _ if text.trim().is_empty() => Err("empty".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// The address of a webhook.
pub(super) fn address(text: &str) -> Result<Address, String> {
    let is_http = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme));
    let address = Address(text.to_owned());
    let is_plain = text.bytes().all(|b| b.is_ascii_graphic());
    // What it says may be a secret: it is not repeated.
    match is_http && is_plain && !address.host().is_empty() {
        true => Ok(address),
        false if !is_http => Err("it does not begin with https:// or http://".to_owned()),
        false => Err("it does not read as an address".to_owned()),
    }
}

pub(super) fn format(text: &str) -> Result<Format, String> {
    let near = || format!("no format {text:?}{}", did_you_mean(text, Format::ALL.map(Format::word)));
    Format::ALL.into_iter().find(|format| format.word() == text).ok_or_else(near)
}

/// A path that means the same from everywhere.
pub(super) fn path(text: &str) -> Result<String, String> {
    let err = || Err(format!("{text:?} means another file in every folder"));
    if is_placed(text) { Ok(text.to_owned()) } else { err() }
}
