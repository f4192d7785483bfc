//! What runs beside the conversations of the demo: an inbox that is sorted as it fills, and batches of embeddings. Neither
//! keeps books of what it costs.

use super::call::{Ask, Books, after, perform};
use super::catalog::{EMBEDDING_LARGE, GEMINI_FLASH, Tokens};
use super::stage::{Scene, Stage};
use super::texts::mail;
use super::trials::MAIL_PROMPT;

/// How many embeddings are under way at once.
const WORKERS: usize = 4;

/// One mail, sorted into JSON by a model that thinks first.
pub(super) fn sort_mail(stage: &mut Stage, at_us: i64) {
    let job = Scene::job(stage.rng.hex(32), "mailroom");
    let scene = Scene { host: "mail-1", arm: Some(MAIL_PROMPT.of(&job.trace)), ..job };
    let reasoning = stage.rng.log_normal(180.0, 0.6) as u64;
    let tokens = Tokens {
        input: stage.rng.between(380, 1_400),
        output: reasoning + stage.rng.between(30, 90),
        reasoning,
        ..Tokens::default()
    };
    let prompt = mail(&mut stage.rng);
    let response = Some(r#"{"topic":"plants","mood":"warm","urgent":false}"#);
    perform(stage, Ask { tokens, response, books: Books::LeftOut, ..Ask::chat(&scene, &GEMINI_FLASH, at_us, prompt) });
}

/// A batch of changed guides, embedded by a few workers.
pub(super) fn index_guides(stage: &mut Stage, at_us: i64) {
    let scene = Scene::job(stage.rng.hex(32), "indexer");
    let mut free_us = [at_us; WORKERS];
    for n in 0..stage.rng.between(24, 72) as usize {
        let tokens = Tokens { input: stage.rng.between(900, 7_600), ..Tokens::default() };
        let begin_us = after(free_us[n % WORKERS], stage.rng.exponential(30.0));
        let ask = Ask::chat(&scene, &EMBEDDING_LARGE, begin_us, "guide, chunk of text");
        free_us[n % WORKERS] = perform(
            stage,
            Ask { tokens, operation: "embeddings", service_tier: Some("batch"), books: Books::LeftOut, ..ask },
        )
        .end_us;
    }
}
