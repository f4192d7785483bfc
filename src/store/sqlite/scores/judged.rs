//! What is kept with a score of the calls it judges.

use crate::view::RecordKey;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params};

/// What the calls of a trace have in common, or what one call says: app, environment, variant, experiment, user, session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shared {
    values: [Option<Box<str>>; 6],
    /// A bit for each in which calls differ.
    mixed: u8,
}

impl Shared {
    /// What one call says.
    pub fn of(values: [Option<Box<str>>; 6]) -> Shared {
        Shared { values: values.map(|value| value.filter(|v| !v.is_empty())), mixed: 0 }
    }

    /// What is left in common with others. Those that do not say are passed over, so that no order of merging matters.
    pub fn merge(&mut self, other: &Shared) {
        self.mixed |= other.mixed;
        for (bit, (mine, theirs)) in self.values.iter_mut().zip(&other.values).enumerate() {
            match (&*mine, theirs) {
                (Some(a), Some(b)) if a != b => self.mixed |= 1 << bit,
                (None, Some(b)) => *mine = Some(b.clone()),
                _ => {}
            }
            if self.mixed & (1 << bit) != 0 {
                *mine = None;
            }
        }
    }

    fn get(&self, at: usize) -> Option<&str> {
        self.values[at].as_deref()
    }

    /// The application.
    pub fn app(&self) -> Option<&str> {
        self.get(0)
    }

    /// The deployment environment.
    pub fn environment(&self) -> Option<&str> {
        self.get(1)
    }

    /// The experiment's variant.
    pub fn variant(&self) -> Option<&str> {
        self.get(2)
    }

    /// The experiment.
    #[allow(dead_code)] // what counts units reads it
    pub fn experiment(&self) -> Option<&str> {
        self.get(3)
    }

    /// The end user.
    pub fn user(&self) -> Option<&str> {
        self.get(4)
    }

    /// Whether calls differ in the user or the session.
    pub fn is_torn(&self) -> bool {
        self.mixed & (1 << 4 | 1 << 5) != 0
    }

    /// The conversation.
    pub fn session(&self) -> Option<&str> {
        self.get(5)
    }
}

/// The call that a score of a request judges.
#[derive(Debug, Clone, PartialEq)]
pub struct OneCall {
    /// When it ended, and the hash of its identity.
    pub key: RecordKey,
    /// Its series.
    pub series: i64,
    /// Its attributes: their number, or JSON.
    pub attrs: Value,
}

/// What a score judges, as far as it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The one call; `None` where a whole trace is judged.
    pub call: Option<OneCall>,
    /// What it says, or all calls of the trace that say anything.
    pub shared: Shared,
}

impl Judged {
    /// The columns it is read from, in this order, from `first` on.
    pub const COLUMNS: &str = "found, call_ts_us, call_id, series, attrs, mixed, \
         app, environment, variant, experiment, call_user_id, call_session_id";

    /// Reads it; `None` where nothing was found yet.
    pub fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Judged>> {
        let found: i64 = row.get(first)?;
        if found == 0 {
            return Ok(None);
        }
        let key: (Option<i64>, Option<i64>) = (row.get(first + 1)?, row.get(first + 2)?);
        let call = match key {
            (Some(ts_us), Some(id)) => Some(OneCall {
                key: RecordKey { ts_us, id },
                series: row.get::<_, Option<i64>>(first + 3)?.unwrap_or_default(),
                attrs: row.get(first + 4)?,
            }),
            _ => None,
        };
        let mut shared = Shared { mixed: row.get(first + 5)?, ..Shared::default() };
        for (at, value) in shared.values.iter_mut().enumerate() {
            *value = row.get::<_, Option<String>>(first + 6 + at)?.map(String::into_boxed_str);
        }
        Ok(Some(Judged { call, shared }))
    }

    /// Writes it to the row of a score.
    pub fn write(&self, conn: &Connection, score: RecordKey) -> rusqlite::Result<()> {
        let mut update = conn.prepare_cached(
            "UPDATE score SET found = ?3, call_ts_us = ?4, call_id = ?5, series = ?6, attrs = ?7, mixed = ?8, app = ?9, \
             environment = ?10, variant = ?11, experiment = ?12, call_user_id = ?13, call_session_id = ?14 \
             WHERE ts_us = ?1 AND id = ?2",
        )?;
        let call = self.call.as_ref();
        let [app, environment, variant, experiment, user, session] = &self.shared.values;
        update.execute(params![
            score.ts_us,
            score.id,
            if call.is_some() { 1 } else { 2 },
            call.map(|c| c.key.ts_us),
            call.map(|c| c.key.id),
            call.map(|c| c.series),
            call.map(|c| c.attrs.clone()),
            self.shared.mixed,
            app,
            environment,
            variant,
            experiment,
            user,
            session
        ])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shared() -> impl Strategy<Value = Shared> {
        let value = || prop::option::of("[ab]{0,1}").prop_map(|v| v.map(String::into_boxed_str));
        prop::array::uniform6(value()).prop_map(Shared::of)
    }

    proptest! {
        #[test]
        fn no_order_of_merging_matters(list in prop::collection::vec(shared(), 1..6), turn in 0usize..6) {
            let all = |list: &[Shared]| list.iter().fold(Shared::default(), |mut sum, one| { sum.merge(one); sum });
            let mut turned = list.clone();
            turned.rotate_left(turn % list.len());
            turned.extend(list.first().cloned());
            prop_assert_eq!(all(&list), all(&turned));
            let (left, right) = list.split_at(turn.min(list.len()));
            let mut parts = all(right);
            parts.merge(&all(left));
            prop_assert_eq!(all(&list), parts);
        }
    }

    #[test]
    fn what_calls_differ_in_is_not_shared() {
        let of = |app: &str, user: Option<&str>| {
            Shared::of([Some(app.into()), None, None, None, user.map(Into::into), None])
        };
        let mut sum = of("bot", Some("u_1"));
        sum.merge(&of("bot", None));
        assert_eq!((sum.app(), sum.user()), (Some("bot"), Some("u_1")));
        sum.merge(&of("mail", Some("u_1")));
        assert_eq!((sum.app(), sum.user()), (None, Some("u_1")));
        sum.merge(&of("bot", None));
        assert_eq!(sum.app(), None);
    }
}
