//! OpenAI embeddings: input alone costs, there is no output; the vectors are read past.

use super::openai_chat::{self, ChatReader};
use super::{Answer, Asked, Family, Keep, Provider, Reader, Seen};

/// The protocol.
pub struct Embeddings;

impl Provider for Embeddings {
    fn name(&self) -> &'static str {
        "openai.embeddings"
    }

    fn operation(&self) -> &'static str {
        "embeddings"
    }

    fn family(&self) -> Family {
        Family::OpenAi
    }

    fn owns(&self, path: &str) -> bool {
        path.ends_with("/embeddings")
    }

    fn asked(&self, path: &str, body: &[u8], keep: Keep) -> Asked {
        openai_chat::asked(path, body, keep)
    }

    fn reader(&self, keep: Keep) -> Box<dyn Reader> {
        Box::new(EmbeddingsReader { reader: ChatReader::new(keep), answer: Answer::default() })
    }
}

/// Reads answers of embeddings.
struct EmbeddingsReader {
    reader: ChatReader,
    answer: Answer,
}

impl Reader for EmbeddingsReader {
    fn event(&mut self, name: Option<&str>, data: &[u8]) -> Seen {
        let seen = self.reader.event(name, data);
        self.answer = self.reader.answer().clone();
        seen
    }

    fn body(&mut self, body: &[u8]) {
        self.reader.body(body);
        self.answer = self.reader.answer().clone();
        if self.answer.usage.input.is_some() && self.answer.usage.output.is_none() {
            // What cannot be is known to be nothing.
            self.answer.usage.output = Some(0);
        }
    }

    fn answer(&self) -> &Answer {
        &self.answer
    }

    fn into_answer(self: Box<Self>) -> Answer {
        self.answer
    }
}
