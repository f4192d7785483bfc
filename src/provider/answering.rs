//! What readers of all protocols do alike: keep text as far as it is wanted, count all of it, name tools, remember errors.

use super::{Answer, ApiError, Keep};

/// An answer that is being read.
#[derive(Debug)]
pub struct Answering {
    /// What is known.
    pub answer: Answer,
    keep: Keep,
}

impl Answering {
    /// An answer of which nothing is known.
    pub fn new(keep: Keep) -> Answering {
        Answering { answer: Answer::default(), keep }
    }

    /// The model says this; whether it is anything.
    pub fn say(&mut self, text: Option<&str>) -> bool {
        if let Some(text) = text {
            self.keep.push(&mut self.answer.text, text);
        }
        self.weigh(text)
    }

    /// The model reasons or fills in arguments: counted, not kept; whether it is anything.
    pub fn weigh(&mut self, text: Option<&str>) -> bool {
        let chars = text.map_or(0, |text| text.chars().count());
        self.answer.text_chars = self.answer.text_chars.saturating_add(chars);
        chars > 0
    }

    /// The model calls a tool; whether it has a name.
    pub fn call(&mut self, name: Option<&str>) -> bool {
        self.answer.tools.extend(name.map(str::to_owned));
        name.is_some()
    }

    /// There is an error; the first one is kept.
    pub fn fail(&mut self, error: Option<ApiError>) {
        if self.answer.error.is_none() {
            self.answer.error = error;
        }
    }
}
