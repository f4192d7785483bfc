//! What speaks of success or failure: flags, words, codes and error objects, each in more than one way.

use super::{Draft, put};
use crate::event::Reason;
use crate::format::json::Value;
use crate::format::keys::{Field, Key, Meaning};
use crate::format::number::Num;
use crate::format::{convert, status};
use std::borrow::Cow;

impl<'a> Draft<'a> {
    /// Fields that speak of success or failure in more than one way.
    #[inline(never)]
    pub(super) fn evidence(&mut self, key: Key, value: Value<'a>) -> Result<(), Reason> {
        if key.field == Field::Status {
            return self.status(key, value);
        }
        if key.field == Field::Failure
            && let Ok(Some(failed)) = convert::flag(value.clone())
        {
            self.note(Some(!failed));
            return Ok(());
        }
        match (key.field, value) {
            (_, Value::Null) => {}
            (Field::Success, value) => return self.success(value),
            (_, value) if status::is_no_error(&value) => {}
            (_, Value::Bool(_)) => self.note(Some(false)),
            (Field::Error, value) if convert::flag(value.clone()) == Ok(Some(true)) => self.note(Some(false)),
            (Field::Error | Field::Failure, Value::Text(text)) => {
                self.note(Some(false));
                let slot = if status::is_one_word(&text) { Field::ErrorType } else { Field::ErrorMessage };
                return self.take(Key { field: slot, ..key }, Value::Text(text));
            }
            (Field::Error | Field::Failure, Value::Json(raw)) => {
                self.note(Some(false));
                return self.assign(Key { field: Field::ErrorMessage, ..key }, Value::Json(raw));
            }
            (_, code) => return self.error_code(key, code),
        }
        Ok(())
    }

    /// A code that is an HTTP status, or a word or number of the provider's own.
    #[cold]
    fn error_code(&mut self, key: Key, value: Value<'a>) -> Result<(), Reason> {
        let code = convert::http_status(value.clone()).ok().flatten();
        let is_http = code.is_some_and(|code| (400..600).contains(&code));
        let slot = if is_http { Field::HttpStatus } else { Field::ErrorType };
        self.take(Key { field: slot, ..key }, value)
    }

    /// `success`: a flag, or a word as `status` has it.
    #[inline(never)]
    fn success(&mut self, value: Value<'a>) -> Result<(), Reason> {
        let ok = match (&value, convert::flag(value.clone())) {
            (Value::Text(word), Err(_)) => status::read(word).ok,
            (_, flag) => flag?,
        };
        self.note(ok);
        Ok(())
    }

    /// `http_status`: a number; where it is a word instead, it is one of `status`.
    #[inline(never)]
    pub(super) fn http_status(&mut self, key: Key, value: Value<'a>) -> Result<(), Reason> {
        let slot = &mut self.call.http_status;
        match value {
            Value::Text(word) => match convert::http_status(Value::Text(Cow::Borrowed(&*word))) {
                Err(Reason::WrongType) => self.status(key, Value::Text(word)),
                read => put(&mut self.best[Field::HttpStatus as usize], key, slot, read),
            },
            value => put(&mut self.best[Field::HttpStatus as usize], key, slot, convert::http_status(value)),
        }
    }

    /// `status`: a word, an HTTP status, a flag, or a status code of OpenTelemetry.
    fn status(&mut self, key: Key, value: Value<'a>) -> Result<(), Reason> {
        let word = match value {
            Value::Bool(ok) => {
                self.note(Some(ok));
                return Ok(());
            }
            Value::Json(_) => return Err(Reason::WrongType),
            Value::Null => return Ok(()),
            Value::Number(_, Num::Int(code)) if code < 100 => {
                self.note(if key.meaning == Meaning::Code { status::of_code(code) } else { None });
                return Ok(());
            }
            Value::Number(..) => return self.http_status(key, value),
            Value::Text(word) => word,
        };
        let said = status::read(&word);
        self.note(said.ok);
        match said.names {
            status::Names::Nothing => Ok(()),
            status::Names::Http(code) => self.http_status(key, Value::Number("", Num::Int(u64::from(code)))),
            status::Names::Failure => self.take(Key { field: Field::ErrorType, ..key }, Value::Text(word)),
        }
    }

    /// Takes a word on success; one that speaks of failure outweighs all others.
    pub(super) fn note(&mut self, ok: Option<bool>) {
        self.ok = match (self.ok, ok) {
            (Some(before), Some(now)) => Some(before && now),
            (before, now) => before.or(now),
        };
    }
}
