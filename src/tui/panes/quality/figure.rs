//! Figures of judgements as text: rates in percent, Net Promoter Scores with their sign, means as they are.

use crate::snapshot::quality::{Figure, Scale};
use crate::tui::figures;
use crate::tui::theme::Role;
use crate::tui::widgets::table::Cell;
use crate::units;
use std::borrow::Cow;

/// Figures of fewer judgements are a guess.
const FEW: u64 = 20;

/// `83.2 %`, `+19`, `0.742`; a guess is marked as one.
pub(super) fn value(figure: &Figure, scale: Scale) -> (String, Role) {
    let Some(value) = figure.value() else { return (units::UNKNOWN.to_owned(), Role::Dim) };
    let text = match scale {
        Scale::Rate | Scale::Thumbs => format!("{:.1} %", value * 100.0),
        Scale::Nps => format!("{value:+.0}"),
        Scale::Mean => plain(value),
    };
    if figure.count() < FEW { (format!("~{text}"), Role::Dim) } else { (text, Role::Strong) }
}

/// `81.0–85.3`; unknown where there is too little to tell by.
pub(super) fn interval(figure: &Figure, scale: Scale) -> (String, Role) {
    let Some(interval) = figure.interval() else { return (units::UNKNOWN.to_owned(), Role::Dim) };
    let end = |value: f64| match scale {
        Scale::Rate | Scale::Thumbs => format!("{:.1}", value * 100.0),
        Scale::Nps => format!("{value:+.0}"),
        Scale::Mean => plain(value),
    };
    let between = if scale == Scale::Nps || interval.low < 0.0 { "…" } else { "–" };
    (format!("{}{between}{}", end(interval.low), end(interval.high)), Role::Dim)
}

fn plain(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{}", units::digits3(value.abs()))
}

/// The change against the window before: red, and with a mark, where it got worse by more than chance would do.
pub(super) fn change(now: &Figure, before: &Figure, scale: Scale, is_bad_high: bool) -> (String, Role) {
    let Some((value, old)) = now.value().zip(before.value()) else { return (units::UNKNOWN.to_owned(), Role::Dim) };
    let by = value - old;
    let (shown, unit) = match scale {
        Scale::Rate | Scale::Thumbs => (format!("{:.1}", by.abs() * 100.0), " pt"),
        Scale::Nps => (format!("{:.0}", by.abs()), ""),
        Scale::Mean => (plain(by.abs()), ""),
    };
    if shown.chars().all(|c| c == '0' || c == '.') {
        return (format!("± 0{unit}"), Role::Dim);
    }
    let is_worse = (by > 0.0) == is_bad_high;
    let arrow = if by > 0.0 { '▲' } else { '▼' };
    if is_worse && now.is_apart_from(before) {
        return (format!("{arrow} {shown}{unit} !"), Role::Bad);
    }
    (format!("{arrow} {shown}{unit}"), Role::Dim)
}

/// How many judgements.
pub(super) fn count<'a>(figure: &Figure) -> Cell<'a> {
    Cell::plain(figures::count(figure.count()))
}

/// A text in its role as a cell.
pub(super) fn cell<'a>((text, role): (String, Role)) -> Cell<'a> {
    Cell::Text(Cow::Owned(text), role)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::quality::{Nps, Parts};

    fn share(yes: u64, all: u64) -> Figure {
        Figure { parts: Parts::Share { yes, all } }
    }

    #[test]
    fn figures_are_written_by_their_scale() {
        assert_eq!(value(&share(15, 20), Scale::Rate), ("75.0 %".to_owned(), Role::Strong));
        assert_eq!(value(&share(3, 4), Scale::Rate), ("~75.0 %".to_owned(), Role::Dim));
        assert_eq!(value(&share(0, 0), Scale::Rate).0, "–");
        let nps = Figure { parts: Parts::Nps(Nps { promoters: 15, passives: 13, detractors: 8 }) };
        assert_eq!((value(&nps, Scale::Nps).0, interval(&nps, Scale::Nps).0), ("+19".to_owned(), "-6…+42".to_owned()));
        assert_eq!(interval(&share(81, 263), Scale::Rate).0, "25.5–36.6");
        let mut mean = Figure::new(Scale::Mean);
        (0..20).for_each(|n| mean.add(Scale::Mean, f64::from(n % 2)));
        assert_eq!(value(&mean, Scale::Mean).0, "0.500");
    }

    #[test]
    fn only_what_got_worse_beyond_chance_is_red() {
        let change = |now, before, bad_high| change(&now, &before, Scale::Rate, bad_high);
        assert_eq!(change(share(50, 100), share(90, 100), false), ("▼ 40.0 pt !".to_owned(), Role::Bad));
        assert_eq!(change(share(50, 100), share(90, 100), true), ("▼ 40.0 pt".to_owned(), Role::Dim));
        assert_eq!(change(share(88, 100), share(90, 100), false), ("▼ 2.0 pt".to_owned(), Role::Dim));
        assert_eq!(change(share(90, 100), share(90, 100), false).0, "± 0 pt");
        assert_eq!(change(share(90, 100), share(0, 0), false).0, "–");
    }
}
