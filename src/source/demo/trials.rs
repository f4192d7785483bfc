//! The experiments of the demo: shorter answers of the chatbot, which are better; hints for the tools of the agent, which
//! change nothing; a terse prompt for the mailroom, whose calls are not shared out as they should be.

use crate::view::{Experiment, Metric};

/// An experiment with its variants, the control first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trial {
    name: &'static str,
    variants: [&'static str; 2],
    /// How many of a thousand get the second variant.
    share: u64,
}

/// Shorter answers of the chatbot; who gets them is drawn with the users.
pub(super) const SHORT_ANSWERS: Trial = Trial { name: "short_answers", variants: ["control", "treatment"], share: 500 };

/// Hints for the tools of the agent.
pub(super) const TOOL_HINTS: Trial = Trial { name: "tool_hints", variants: ["plain", "hints"], share: 500 };

/// A terse prompt for the mailroom: meant for half of the mails.
pub(super) const MAIL_PROMPT: Trial = Trial { name: "mail_prompt", variants: ["wordy", "terse"], share: 400 };

/// An experiment and a variant of it.
pub(super) type Arm = (&'static str, &'static str);

impl Trial {
    /// The first or the second variant.
    pub(super) fn arm(self, second: bool) -> Arm {
        (self.name, self.variants[usize::from(second)])
    }

    /// The variant of somebody, always the same: by the name, whatever else is drawn.
    pub(super) fn of(self, unit: &str) -> Arm {
        // FNV-1a.
        let bytes = self.name.bytes().chain(unit.bytes());
        let hash = bytes
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        self.arm((hash >> 20) % 1_000 < self.share)
    }
}

/// What the demo has settled about them, where the user has settled nothing about experiments.
pub fn experiments() -> Vec<Experiment> {
    let settled = |trial: Trial, primary: Metric| Experiment {
        control: Some(trial.variants[0].to_owned()),
        primary: Some(vec![primary]),
        guardrails: Some(vec![Metric::ErrorRate, Metric::LatencyP95, Metric::CostPerCall]),
        ..Experiment::unsettled(trial.name)
    };
    vec![
        settled(SHORT_ANSWERS, Metric::TaskCompletion),
        settled(TOOL_HINTS, Metric::OutputTokens),
        settled(MAIL_PROMPT, Metric::OutputTokens),
    ]
}
