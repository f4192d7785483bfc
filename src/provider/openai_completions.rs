//! OpenAI's text completions, the oldest of its protocols.

use super::openai::{OpenAiReader, deployment};
use super::{Asked, Family, Keep, Provider, Reader, request};

/// `openai.completions`.
pub struct OpenAiCompletions;

impl Provider for OpenAiCompletions {
    fn name(&self) -> &'static str {
        "openai.completions"
    }

    fn operation(&self) -> &'static str {
        "text_completion"
    }

    fn family(&self) -> Family {
        Family::OpenAi
    }

    fn owns(&self, path: &str) -> bool {
        path.ends_with("/completions")
    }

    fn omits_usage(&self) -> bool {
        true
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
