//! The retrievals of a window: spans of that kind, each with what it found, what was relevant and what is cited.

use super::Answer;
use super::pace::Pace;
use super::quality::{before, range};
use super::read_error::ReadResult;
use crate::snapshot::quality::{EmptyRetrieval, RetrievalStats, Retrievals, When};
use crate::stats::quality::rag::{Chunks, Retrieval};
use crate::store::Watch;
use crate::view::{Dim, Field, Match, Number, Range, RecordKey, Subject};
use rusqlite::Row;
use serde::Deserialize;
use serde_json::Value;

/// Retrievals; `None` where the filter asks for what spans do not say.
pub fn retrievals(answer: &Answer<'_>, watch: &dyn Watch) -> ReadResult<Option<RetrievalStats>> {
    if !answer.view.filter.terms.iter().all(|term| is_told(&term.matches)) {
        return Ok(None);
    }
    let mut sum = Retrievals::new(answer.range);
    read(answer, range(answer), When::Now, &mut sum, watch)?;
    if let Some(before) = before(answer) {
        read(answer, before, When::Before, &mut sum, watch)?;
    }
    Ok(Some(sum.finish()))
}

/// Whether spans say what a term asks for.
fn is_told(matches: &Match) -> bool {
    match matches {
        Match::Any(field, _) => {
            matches!(field, Field::Trace | Field::Dim(Dim::User | Dim::Session | Dim::Status))
        }
        Match::Compare(number, ..) => *number == Number::Latency,
        Match::Text(_) => false,
    }
}

fn read(answer: &Answer<'_>, range: Range, when: When, sum: &mut Retrievals, watch: &dyn Watch) -> ReadResult<()> {
    let mut select = answer.context.conn.prepare_cached(
        "SELECT ts_us, id, name, trace_id, user_id, session_id, latency_us, ok, attrs FROM span \
         WHERE ts_us >= ?1 AND ts_us < ?2 AND kind = 'retrieval' ORDER BY ts_us, id",
    )?;
    let mut rows = select.query([range.since_us, range.until_us])?;
    let (mut pace, filter) = (Pace::of(watch), &answer.view.filter);
    while let Some(row) = rows.next()? {
        pace.step()?;
        if !filter.is_empty() && !filter.holds(&OfSpan(row)) {
            continue;
        }
        let attrs: Option<String> = row.get(8)?;
        let attrs: Attrs = attrs.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        let one = attrs.retrieval();
        let latency_us: Option<i64> = row.get(6)?;
        let latency_us = latency_us.and_then(|us| u64::try_from(us).ok());
        if when == When::Before {
            sum.add_before(&one, latency_us, row.get(7)?);
            continue;
        }
        let at = EmptyRetrieval {
            key: RecordKey { ts_us: row.get(0)?, id: row.get(1)? },
            name: row.get(2)?,
            trace_id: row.get(3)?,
            user_id: row.get(4)?,
            latency_us,
            input: attrs.input(),
        };
        sum.add(&one, at, row.get(7)?);
    }
    Ok(())
}

/// What of a span's further fields a retrieval is made of.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Attrs {
    retrieved: Value,
    relevant: Value,
    cited: Value,
    input: Value,
}

impl Attrs {
    fn retrieval(&self) -> Retrieval {
        Retrieval { retrieved: chunks(&self.retrieved), relevant: chunks(&self.relevant), cited: chunks(&self.cited) }
    }

    fn input(&self) -> Option<String> {
        match &self.input {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }
}

/// Ids, or how many; `None` where it is neither. Chunks that are objects are known by their id.
fn chunks(value: &Value) -> Option<Chunks> {
    match value {
        Value::Number(count) => count.as_u64().map(Chunks::Count),
        Value::Array(list) => match list.iter().map(id).collect::<Option<Vec<String>>>() {
            Some(ids) => Some(Chunks::ids(ids)),
            None => Some(Chunks::Count(list.len() as u64)),
        },
        _ => None,
    }
}

fn id(chunk: &Value) -> Option<String> {
    match chunk {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        Value::Object(fields) => {
            ["id", "chunk_id", "document_id", "doc_id"].iter().find_map(|key| id(fields.get(*key)?))
        }
        _ => None,
    }
}

/// A span as a filter sees it.
struct OfSpan<'r>(&'r Row<'r>);

impl OfSpan<'_> {
    fn text(&self, column: usize) -> Option<&str> {
        self.0.get_ref(column).ok()?.as_str_or_null().ok()?
    }
}

impl Subject for OfSpan<'_> {
    fn any_value(&self, field: Field, test: &dyn Fn(Option<&str>) -> bool) -> bool {
        match field {
            Field::Trace => test(self.text(3)),
            Field::Dim(Dim::User) => test(self.text(4)),
            Field::Dim(Dim::Session) => test(self.text(5)),
            Field::Dim(Dim::Status) => {
                test(self.0.get::<_, Option<bool>>(7).ok().flatten().map(|ok| if ok { "ok" } else { "error" }))
            }
            _ => test(None),
        }
    }

    fn number(&self, number: Number) -> Option<i64> {
        if number == Number::Latency { self.0.get(6).ok().flatten() } else { None }
    }

    fn any_text(&self, _: &dyn Fn(&str) -> bool) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn chunks_are_ids_or_counts() {
        let ids = |ids: &[&str]| Some(Chunks::ids(ids.iter().map(|id| (*id).to_owned())));
        assert_eq!(chunks(&json!(["a", "b", "a"])), ids(&["a", "b"]));
        assert_eq!(chunks(&json!([{"id": "a", "score": 0.4}, {"chunk_id": 7}])), ids(&["a", "7"]));
        assert_eq!(chunks(&json!([{"text": "…"}, {"text": "…"}])), Some(Chunks::Count(2)));
        assert_eq!(chunks(&json!(3)), Some(Chunks::Count(3)));
        assert_eq!(chunks(&json!([])), ids(&[]));
        for nothing in [json!(null), json!("three"), json!(-1), json!(1.5), json!({})] {
            assert_eq!(chunks(&nothing), None);
        }
    }
}
