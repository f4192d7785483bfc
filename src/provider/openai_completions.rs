//! OpenAI text completions, the elder protocol: a prompt in, choices of text out.

use super::openai_chat::{self, ChatReader};
use super::{Asked, Family, Keep, Provider, Reader};

/// The protocol.
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
        path.ends_with("/completions") && !path.ends_with("/chat/completions")
    }

    fn omits_usage(&self) -> bool {
        true
    }

    fn asked(&self, path: &str, body: &[u8], keep: Keep) -> Asked {
        openai_chat::asked(path, body, keep)
    }

    fn reader(&self, keep: Keep) -> Box<dyn Reader> {
        Box::new(ChatReader::new(keep))
    }
}
