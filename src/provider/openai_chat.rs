//! OpenAI's chat completions, spoken by most: Azure's deployments, Groq, Mistral, DeepSeek, OpenRouter, vLLM and more.

use super::openai::{OpenAiReader, deployment};
use super::{Asked, Family, Keep, Provider, Reader, request};

/// `openai.chat`.
pub struct OpenAiChat;

impl Provider for OpenAiChat {
    fn name(&self) -> &'static str {
        "openai.chat"
    }

    fn operation(&self) -> &'static str {
        "chat"
    }

    fn family(&self) -> Family {
        Family::OpenAi
    }

    fn owns(&self, path: &str) -> bool {
        path.ends_with("/chat/completions")
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
