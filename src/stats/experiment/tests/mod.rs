//! Formulas against published worked examples, and verdicts against simulated streams that somebody looks at all the time.

mod published;
mod simulation;
