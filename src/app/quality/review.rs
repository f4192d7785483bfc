//! `llmtop review`: a person goes through sampled calls, one page each, and judges by a key. Nothing on the page tells the
//! model or the variant; at the end that can be asked for.

use super::book::Book;
use super::sample::{self, Asked};
use crate::cli::{ReviewArgs, Scale};
use crate::clock;
use crate::config::Effective;
use crate::event::{ScoreEvent, ScoreSource};
use crate::format::write;
use crate::snapshot::Record;
use crate::store::Reader;
use crate::store::sqlite::SqliteReader;
use crate::tui::{Page, Pages};
use crate::units::{clean, count};
use anyhow::{Context, Result, bail};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};

/// Samples, shows, notes what is pressed; what was judged is in the store at the end.
pub fn review(args: &ReviewArgs, settings: &Effective, out: &mut dyn Write) -> Result<()> {
    let book = Book::open(settings)?;
    let mut reader = book.reader()?;
    let asked = Asked {
        window: args.from.window,
        filter: args.from.filter.as_ref().unwrap_or(&settings.config.filter),
        count: args.sample as usize,
        seed: args.from.seed,
        name: &args.name,
        source: ScoreSource::Human.word(),
        except: super::judge::APP,
    };
    let sample = sample::take(&mut reader, &asked, clock::now_us())?;
    let mut going = Going::of(args, &mut reader, &sample)?;
    if going.records.is_empty() {
        writeln!(out, "{}", nothing(&sample, going.silent))?;
        return Ok(());
    }
    if !std::io::stdout().is_terminal() {
        bail!("review shows calls and asks for keys: it needs a terminal");
    }
    let pages = Pages::open().context("the terminal cannot be used")?;
    let shown = going.through(pages, &book);
    book.settle(settings)?;
    shown?;
    let left = going.records.len() - going.judged();
    writeln!(
        out,
        "{} of the sample judged now, {} before, {} left; the same command goes on from there",
        count(going.judged() as u64),
        count(going.before as u64),
        count(left as u64)
    )?;
    Ok(())
}

fn nothing(sample: &sample::Sample, silent: usize) -> String {
    match (sample.done, silent, sample.nameless) {
        (0, 0, 0) => "no calls to judge; another --window or --filter may have some".to_owned(),
        (0, 0, n) => format!("none of the {} calls has a request id, which a score names", count(n)),
        (done, 0, _) => format!("all {} of the sample are judged; --seed 2 takes others", count(done as u64)),
        (done, silent, _) => format!(
            "{} of the sample are judged, and of {} the log held no text; --seed 2 takes others",
            count(done as u64),
            count(silent as u64)
        ),
    }
}

/// A review under way.
struct Going<'a> {
    args: &'a ReviewArgs,
    records: Vec<Record>,
    values: Vec<Option<f64>>,
    before: usize,
    /// Calls without any text.
    silent: usize,
}

impl Going<'_> {
    fn of<'a>(args: &'a ReviewArgs, reader: &mut SqliteReader, sample: &sample::Sample) -> Result<Going<'a>> {
        let mut going = Going { args, records: Vec::new(), values: Vec::new(), before: sample.done, silent: 0 };
        for key in &sample.calls {
            let Some(record) = reader.record(*key)? else { continue };
            let call = &record.call;
            if call.prompt.is_none() && call.prompt_preview.is_none() && call.response.is_none() {
                going.silent += 1;
                continue;
            }
            going.records.push(record);
        }
        going.values.resize(going.records.len(), None);
        Ok(going)
    }

    fn judged(&self) -> usize {
        self.values.iter().flatten().count()
    }

    /// From the first call to the last, or until it is enough.
    fn through(&mut self, mut pages: Pages, book: &Book) -> Result<()> {
        let mut at = 0;
        while at < self.records.len() {
            let key = pages.ask(&self.page(at), &format!("{}suq", keys(self.args.scale)))?;
            match key {
                'q' => break,
                's' => at += 1,
                'u' => at = at.saturating_sub(1),
                key => {
                    if let Some(value) = value(self.args.scale, key) {
                        book.note(&self.line(at, value)?)?;
                        self.values[at] = Some(value);
                        at += 1;
                    }
                }
            }
        }
        if self.judged() > 0 {
            let foot = "r shows what was judged by model and variant   q ends".to_owned();
            let head = format!("{} judged", self.judged());
            if pages.ask(&Page { head: head.clone(), texts: Vec::new(), foot }, "rq")? == 'r' {
                pages.ask(&Page { head, texts: vec![self.told()], foot: "q ends".to_owned() }, "q")?;
            }
        }
        Ok(())
    }

    /// One call: what was asked and what was answered, and nothing of who answered.
    fn page(&self, at: usize) -> Page {
        let call = &self.records[at].call;
        let mut texts = Vec::new();
        let prompt = call.prompt.as_deref().or(call.prompt_preview.as_deref());
        for (name, text) in
            [("prompt", prompt), ("answer", call.response.as_deref()), ("tool calls", call.tool_calls.as_deref())]
        {
            texts.extend(text.map(|text| (name.to_owned(), readable(text))));
        }
        if call.response.is_none() && call.tool_calls.is_none() {
            let why = if call.outcome.is_error() { "the call failed" } else { "the log held none" };
            texts.push(("answer".to_owned(), why.to_owned()));
        }
        let known = self.values[at].map(|value| format!("   judged {value}")).unwrap_or_default();
        let all = self.before + self.records.len();
        Page {
            head: format!("{} {} of {all}{known}", clean(&self.args.name), self.before + at + 1),
            texts,
            foot: format!("{}   s skip   u back   j k scroll   q quit", words(self.args.scale)),
        }
    }

    fn line(&self, at: usize, value: f64) -> Result<Vec<u8>> {
        let (now_us, call) = (clock::now_us(), &self.records[at].call);
        let borrowed = |text: &'_ Option<Cow<'static, str>>| text.as_deref().map(|text| Cow::Owned(text.to_owned()));
        let event = ScoreEvent {
            ts_us: Some(now_us),
            score_id: Some(Cow::Owned(format!("review-{now_us}-{}", std::process::id()))),
            identity: None,
            name: Cow::Borrowed(&self.args.name),
            value,
            source: Some(ScoreSource::Human),
            request_id: borrowed(&call.request_id),
            trace_id: borrowed(&call.trace_id),
            user_id: None,
            comment: None,
        };
        let mut line = Vec::new();
        write::score(&event, 0, &mut line)?;
        Ok(line)
    }

    /// What was judged, by model and variant.
    fn told(&self) -> (String, String) {
        let mut groups: BTreeMap<(String, String), (u64, f64)> = BTreeMap::new();
        for (record, value) in self.records.iter().zip(&self.values) {
            let Some(value) = value else { continue };
            let own = |text: &Option<Cow<'static, str>>| text.as_deref().unwrap_or("–").to_owned();
            let group = groups.entry((own(&record.call.model), own(&record.call.variant))).or_default();
            (group.0, group.1) = (group.0 + 1, group.1 + value);
        }
        let line = |((model, variant), (n, sum)): (&(String, String), &(u64, f64))| {
            format!("{model}, variant {variant}: mean {:.3} of {}", sum / *n as f64, count(*n))
        };
        ("by model and variant".to_owned(), groups.iter().map(line).collect::<Vec<_>>().join("\n"))
    }
}

/// Messages as a person reads them; anything else as it is.
fn readable(text: &str) -> String {
    let Ok(serde_json::Value::Array(messages)) = serde_json::from_str(text) else { return text.to_owned() };
    let said = |message: &serde_json::Value| -> Option<String> {
        let role = message.get("role")?.as_str()?;
        let content = match message.get("content")? {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some(format!("{role}: {content}"))
    };
    let said: Option<Vec<String>> = messages.iter().map(said).collect();
    said.filter(|said| !said.is_empty()).map_or_else(|| text.to_owned(), |said| said.join("\n\n"))
}

fn keys(scale: Scale) -> &'static str {
    match scale {
        Scale::Yn => "yn",
        Scale::Five => "12345",
        Scale::Ten => "0123456789t",
    }
}

fn words(scale: Scale) -> &'static str {
    match scale {
        Scale::Yn => "y yes   n no",
        Scale::Five => "1 to 5",
        Scale::Ten => "0 to 9, t ten",
    }
}

fn value(scale: Scale, key: char) -> Option<f64> {
    match (scale, key) {
        (Scale::Yn, 'y') => Some(1.0),
        (Scale::Yn, 'n') => Some(0.0),
        (Scale::Ten, 't') => Some(10.0),
        (Scale::Five | Scale::Ten, digit) => digit.to_digit(10).map(f64::from),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::FromArgs;
    use crate::event::Call;
    use crate::view::Window;

    fn args() -> ReviewArgs {
        ReviewArgs {
            sample: 50,
            from: FromArgs { filter: None, window: Window::all(), seed: 1 },
            name: "task_completed".to_owned(),
            scale: Scale::Yn,
        }
    }

    #[test]
    fn a_page_is_blind_to_who_answered() {
        let call = Call {
            request_id: Some("req_1".into()),
            model: Some("gpt-secret".into()),
            provider: Some("provider-secret".into()),
            variant: Some("variant-secret".into()),
            experiment: Some("experiment-secret".into()),
            user_id: Some("user-secret".into()),
            tags: Some(r#"["tag-secret"]"#.into()),
            prompt: Some(r#"[{"role":"user","content":"2 + 2?"}]"#.into()),
            response: Some("4".into()),
            ..Call::default()
        };
        let records = vec![Record { call, ..Record::default() }];
        let (args, values) = (args(), vec![Some(1.0)]);
        let going = Going { args: &args, records, values, before: 12, silent: 0 };
        let page = going.page(0);
        assert!(!format!("{page:?}").contains("secret"), "{page:?}");
        assert_eq!(
            page.texts,
            [("prompt".to_owned(), "user: 2 + 2?".to_owned()), ("answer".to_owned(), "4".to_owned())]
        );
        assert_eq!(page.head, "task_completed 13 of 13   judged 1");
        assert_eq!(going.told().1, "gpt-secret, variant variant-secret: mean 1.000 of 1");
    }

    #[test]
    fn every_key_of_a_scale_has_its_value() {
        for (scale, want) in [(Scale::Yn, vec![1.0, 0.0]), (Scale::Five, vec![1.0, 2.0, 3.0, 4.0, 5.0])] {
            let values: Vec<f64> = keys(scale).chars().filter_map(|key| value(scale, key)).collect();
            assert_eq!(values, want);
        }
        assert_eq!(keys(Scale::Ten).chars().filter_map(|key| value(Scale::Ten, key)).sum::<f64>(), 55.0);
        for scale in [Scale::Yn, Scale::Five, Scale::Ten] {
            assert!("suqjkgG".chars().all(|key| value(scale, key).is_none()));
        }
    }
}
