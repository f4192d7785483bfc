//! OpenAI's embeddings: input alone, and a whole answer at once.

use super::openai::{OpenAiReader, deployment};
use super::{Asked, Family, Keep, Provider, Reader, request};

/// `openai.embeddings`.
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
        let mut asked = request::asked(body, keep);
        asked.model = asked.model.or_else(|| deployment(path));
        asked
    }

    fn reader(&self, keep: Keep) -> Box<dyn Reader> {
        Box::new(OpenAiReader::new(keep))
    }
}
