//! `llmtop prices`: what models cost, how one is found, and taking over newer tables.

use super::{audit, setup};
use crate::cli::{PriceFormat, PriceImportArgs, PriceListArgs, PriceShowArgs, PricesCommand};
use crate::clock;
use crate::config::Effective;
use crate::nearest;
use crate::price::{
    self, Author, Book, Bucket, Entry, LeftOut, PriceChange, Prices, Rates, Service, Source, Table, Tables, day_text,
};
use crate::report::{Column, Grid};
use crate::units::{UNKNOWN, clean, count, harmless_json};
use crate::view::{Case, Pattern};
use anyhow::{Context, Result, anyhow, bail};
use std::collections::HashSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Columns of a table where nothing else is known.
const WIDTH: usize = 120;

/// So many names are offered for one that is not found.
const OFFERED: usize = 3;

/// Runs a `prices` command.
pub fn run(command: &PricesCommand, settings: &Effective, out: &mut dyn Write) -> Result<ExitCode> {
    match command {
        PricesCommand::Audit(args) => return audit::run(args, settings, out),
        PricesCommand::List(args) => list(args, &*setup::prices(settings)?, out)?,
        PricesCommand::Show(args) => show(args, &*setup::prices(settings)?, out)?,
        PricesCommand::Import(args) => import(args, settings, out)?,
        PricesCommand::Diff { file } => diff(file, &*setup::prices(settings)?, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The columns there are; into a pipe all of them, for names that are cut cannot be copied.
fn width() -> usize {
    if !io::stdout().is_terminal() {
        return usize::from(u16::MAX);
    }
    crossterm::terminal::size().map_or(WIDTH, |(columns, _)| usize::from(columns))
}

fn print(grid: &Grid, out: &mut dyn Write) -> io::Result<()> {
    grid.lines(width()).iter().try_for_each(|line| writeln!(out, "{line}"))
}

fn list(args: &PriceListArgs, prices: &Prices, out: &mut dyn Write) -> Result<()> {
    let provider = args.provider.as_deref().map(price::provider_name);
    let glob = args.glob.as_deref().map(|glob| Pattern::glob(glob, Case::Any));
    let is_asked = |entry: &&Entry| {
        let named = |glob: &Pattern| [&*entry.model, entry.bare_name()].iter().any(|name| glob.matches(Some(name)));
        provider.as_deref().is_none_or(|of| entry.provider.as_deref() == Some(of)) && glob.as_ref().is_none_or(named)
    };
    let all = in_force(prices, clock::now_us());
    let asked: Vec<&Entry> = all.iter().filter(is_asked).collect();
    if args.format == PriceFormat::Json {
        return Ok(asked.iter().try_for_each(|e| writeln!(out, "{}", harmless_json(&price::own_line(e))))?);
    }
    if asked.is_empty() {
        bail!("no model of that name has a price, of {}; `llmtop prices list` has them all", count(all.len() as u64));
    }
    print(&listing(&asked), out)?;
    let noun = if asked.len() == 1 { "model" } else { "models" };
    writeln!(out, "\n{} {noun}; dollars per million tokens", count(asked.len() as u64))?;
    Ok(())
}

/// What holds for each model now, by name.
fn in_force(prices: &Prices, now_us: i64) -> Vec<Entry> {
    let listed = prices.tables.get().groups().filter_map(<[_]>::first);
    let mut seen = HashSet::new();
    let named = listed.chain(&prices.own).filter(|entry| seen.insert(entry.full_name()));
    let found = named.filter_map(|entry| prices.model(entry.provider.as_deref(), Some(&entry.model)));
    let mut all: Vec<Entry> = found.map(|model| model.at(now_us).0.clone()).collect();
    all.sort_by(|a, b| (&a.model, &a.provider).cmp(&(&b.model, &b.provider)));
    all.dedup_by(|a, b| a.full_name() == b.full_name());
    all
}

fn listing(entries: &[&Entry]) -> Grid {
    let column = |title, rank| Column { title, rank };
    let rate = |entry: &Entry, bucket| {
        let rate = entry.scheme(Service::Standard).and_then(|scheme| scheme.rates.get(bucket));
        rate.map_or_else(|| UNKNOWN.to_owned(), |rate| rate.to_string())
    };
    let row = |entry: &&Entry| {
        let rates = [Bucket::Input, Bucket::CacheRead, Bucket::CacheWrite, Bucket::CacheWrite1h, Bucket::Output];
        let provider = entry.provider.as_deref().unwrap_or(UNKNOWN).to_owned();
        let cells = rates.map(|bucket| rate(entry, bucket)).into_iter();
        (entry.model.to_string(), cells.chain([also(entry), provider]).collect())
    };
    Grid {
        label: "model".to_owned(),
        columns: vec![
            column("input", 0),
            column("cache read", 2),
            column("cache write", 4),
            column("write 1h", 5),
            column("output", 0),
            column("also", 6),
            column("provider", 3),
        ],
        rows: entries.iter().map(row).collect(),
    }
}

/// What else has prices: larger prompts and service tiers.
fn also(entry: &Entry) -> String {
    let tiers = entry.scheme(Service::Standard).into_iter().flat_map(|scheme| &scheme.tiers);
    let sizes = tiers.map(|tier| format!(">{}k", tier.above / 1_000));
    let services = Service::ALL.into_iter().filter(|s| *s != Service::Standard && entry.scheme(*s).is_some());
    sizes.chain(services.map(|service| service.word().to_owned())).collect::<Vec<_>>().join(" ")
}

fn show(args: &PriceShowArgs, prices: &Prices, out: &mut dyn Write) -> Result<()> {
    let found = prices.model(args.provider.as_deref(), Some(&args.model));
    let Some(model) = found else { bail!("{}", not_found(args, prices)) };
    let now_us = clock::now_us();
    let held = model.at(now_us).0;
    let said = [held.provider.as_deref(), held.mode.map(price::Mode::word)];
    let said: Vec<&str> = said.into_iter().flatten().collect();
    writeln!(out, "{} ({}), found by {}", clean(&held.model), clean(&said.join(", ")), model.found.how())?;
    if !held.aliases.is_empty() {
        writeln!(out, "also called {}", clean(&held.aliases.join(", ")))?;
    }
    for entry in model.entries().iter().rev() {
        writeln!(out, "\n{}", clean(&since(entry, model.entries().len() > 1)))?;
        print(&rates(entry), out)?;
    }
    match model.uplift(now_us) {
        0 => {}
        parts => writeln!(out, "\nand {} % of it on top, by the configuration", f64::from(parts) / 1_000.0)?,
    }
    Ok(())
}

/// From when on prices hold, and who says so.
fn since(entry: &Entry, has_others: bool) -> String {
    let source = &entry.source;
    let dated = source.date_us.filter(|_| source.author != Author::Config).map(day_text);
    let dated = dated.map_or_else(String::new, |day| format!(" of {day}"));
    let from = match entry.from_us {
        Some(from) => format!("from {} on: ", day_text(from)),
        None if has_others => "before: ".to_owned(),
        None => String::new(),
    };
    format!("{from}dollars per million tokens, by {}{dated}", source.name)
}

/// All rates of an entry: a row for each service tier and size of prompt, a column for each bucket that has any.
fn rates(entry: &Entry) -> Grid {
    let schemes = Service::ALL.into_iter().filter_map(|service| Some((service, entry.scheme(service)?)));
    let rows = schemes.flat_map(|(service, scheme)| {
        let tiers =
            scheme.tiers.iter().map(move |tier| (format!("{} above {}", service.word(), tier.above), &tier.rates));
        std::iter::once((service.word().to_owned(), &scheme.rates)).chain(tiers)
    });
    let rows: Vec<(String, &Rates)> = rows.filter(|(_, rates)| !rates.is_empty()).collect();
    let is_used = |bucket: &Bucket| rows.iter().any(|(_, rates)| rates.get(*bucket).is_some());
    let used: Vec<Bucket> = Bucket::ALL.into_iter().filter(is_used).collect();
    let cell = |rates: &Rates, bucket| rates.get(bucket).map_or_else(|| UNKNOWN.to_owned(), |rate| rate.to_string());
    Grid {
        label: String::new(),
        columns: used.iter().map(|bucket| Column { title: bucket.name(), rank: *bucket as u8 }).collect(),
        rows: rows.iter().map(|(name, r)| (name.clone(), used.iter().map(|b| cell(r, *b)).collect())).collect(),
    }
}

/// What to say of a model without a price: whose it may be meant as, or what is called nearly so.
fn not_found(args: &PriceShowArgs, prices: &Prices) -> String {
    if let Some(stranger) = prices.stranger(args.provider.as_deref()) {
        return format!(
            "no prices of provider {stranger} are known; if it only passes calls on, name it in cost.gateways"
        );
    }
    let entries = || prices.tables.get().groups().flatten().chain(&prices.own);
    let of = args.provider.as_deref().map_or_else(String::new, |provider| format!(" of {provider}"));
    let mut providers: Vec<&str> = entries()
        .filter(|entry| entry.bare_name() == args.model || *entry.model == *args.model)
        .filter_map(|entry| entry.provider.as_deref())
        .collect();
    providers.sort_unstable();
    providers.dedup();
    if !providers.is_empty() {
        return format!(
            "no price of {:?}{of} is known; there is one of {}: say which with --provider",
            args.model,
            providers.join(", ")
        );
    }
    let names = entries().flat_map(|entry| [&*entry.model, entry.bare_name()]);
    let near = nearest::nearest_few(&args.model, names, OFFERED);
    let near = if near.is_empty() { String::new() } else { format!("; called nearly so are {}", near.join(", ")) };
    format!("no price of {:?}{of} is known, and calls of it count as unpriced{near}", args.model)
}

/// Reads a table of either form.
fn read(path: &Path, today_us: i64) -> Result<(Book, Vec<LeftOut>)> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let book = if price::is_own(&text) {
        price::read_own(&text, Author::Imported).map(|book| (book, Vec::new()))
    } else {
        price::read_litellm(&text, today_us)
    };
    book.map_err(|fault| anyhow!("{}, {fault}", path.display()))
}

/// The beginning of today, UTC.
fn today_us() -> i64 {
    const DAY_US: i64 = 86_400_000_000;
    clock::now_us().div_euclid(DAY_US) * DAY_US
}

fn diff(file: &Path, prices: &Prices, out: &mut dyn Write) -> Result<()> {
    let (book, left_out) = read(file, today_us())?;
    let table = prices.tables.get();
    let changes = price::changes(table, &book, today_us());
    tell(&changes, &book, &left_out, out)?;
    let theirs: HashSet<String> = book.entries.iter().map(Entry::full_name).collect();
    let missing = table.groups().filter_map(<[_]>::first).filter(|entry| !theirs.contains(&entry.full_name())).count();
    writeln!(out, "{} models have a price here and none there", count(missing as u64))?;
    Ok(())
}

fn import(args: &PriceImportArgs, settings: &Effective, out: &mut dyn Write) -> Result<()> {
    let path =
        settings.config.price_table.as_deref().context("there is no place for it: set HOME or give --config PATH")?;
    let (book, left_out) = read(&args.file, today_us())?;
    let from_us = args.from.unwrap_or_else(today_us);
    let imported = setup::imported(path)?.map(|book| book.entries).unwrap_or_default();
    let tables = Tables::over_shipped(Table::of(imported.clone()));
    let changes = price::changes(tables.get(), &book, from_us);
    tell(&changes, &book, &left_out, out)?;
    if changes.is_empty() {
        writeln!(out, "nothing was written")?;
        return Ok(());
    }
    // Whoever imports it says that it is right today, so that what a later release knows goes before it.
    let source = Arc::new(Source { date_us: Some(today_us()), ..Source::clone(&book.source) });
    let text = price::write_own(&Book { source, entries: price::taken_over(imported, &changes) });
    // What would not read at the next start must not be there.
    price::read_own(&text, Author::Imported).map_err(|fault| anyhow!("the tables cannot be put together: {fault}"))?;
    replace(path, &text).with_context(|| format!("cannot write {}", path.display()))?;
    writeln!(out, "wrote {}; it holds from {} on for new calls", path.display(), day_text(from_us))?;
    writeln!(out, "llmtop reprice --since {} prices stored calls again", day_text(from_us))?;
    Ok(())
}

/// Says what differs, a model a line.
fn tell(changes: &[PriceChange], book: &Book, left_out: &[LeftOut], out: &mut dyn Write) -> io::Result<()> {
    for change in changes {
        let rate = |rate: Option<price::Rate>| rate.map_or_else(|| UNKNOWN.to_owned(), |rate| rate.to_string());
        let differences = change.differences();
        let parts = differences.iter().map(|d| match &change.before {
            Some(_) => format!("{} {} → {}", d.place, rate(d.before), rate(d.after)),
            None => format!("{} {}", d.place, rate(d.after)),
        });
        let verb = if change.before.is_some() { "changed" } else { "new    " };
        let parts = parts.collect::<Vec<_>>().join(", ");
        writeln!(out, "{verb}  {}: {parts}", clean(&change.after.model))?;
    }
    for LeftOut { model, rate, why } in left_out {
        let rate = rate.map_or_else(String::new, |rate| format!(", {}", rate.name()));
        writeln!(out, "left out {}{rate}: {}", clean(model), clean(why))?;
    }
    let left_out = left_out.iter().filter(|left| left.rate.is_none()).count();
    let new = changes.iter().filter(|change| change.before.is_none()).count();
    let same = book.entries.len() - changes.len();
    let numbers = [changes.len() - new, new, same, left_out].map(|n| count(n as u64));
    let [changed, new, same, left_out] = numbers;
    writeln!(out, "{changed} changed, {new} new, {same} the same, {left_out} left out")
}

/// Writes a file for its owner alone, whole or not at all.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let beside = path.with_extension(format!("jsonl.{}", std::process::id()));
    let written = write_new(&beside, text).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written?;
    File::open(folder)?.sync_all()
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
