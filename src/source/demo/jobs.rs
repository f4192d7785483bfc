//! What runs beside the conversations of the demo: an inbox that is sorted as it fills, and batches of embeddings.

use super::call::{Ask, after, perform};
use super::catalog::{EMBEDDING_LARGE, GEMINI_FLASH, Model, Tokens};
use super::stage::{Scene, Stage};
use super::texts::mail;

/// How many embeddings are under way at once.
const WORKERS: usize = 4;

/// One mail, sorted into JSON by a model that thinks first.
pub(super) fn sort_mail(stage: &mut Stage, at_us: i64) {
    let scene = Scene { host: "mail-1", ..Scene::job(stage.rng.hex(32), "mailroom") };
    let reasoning = stage.rng.log_normal(180.0, 0.6) as u64;
    let tokens = Tokens {
        input: stage.rng.between(380, 1_400),
        output: reasoning + stage.rng.between(30, 90),
        reasoning,
        ..Tokens::default()
    };
    let prompt = mail(&mut stage.rng);
    let response = Some(r#"{"topic":"plants","mood":"warm","urgent":false}"#);
    perform(stage, Ask { tokens, response, ..ask(&scene, &GEMINI_FLASH, "chat", prompt, at_us) });
}

/// A batch of changed guides, embedded by a few workers.
pub(super) fn index_guides(stage: &mut Stage, at_us: i64) {
    let scene = Scene::job(stage.rng.hex(32), "indexer");
    let mut free_us = [at_us; WORKERS];
    for n in 0..stage.rng.between(24, 72) as usize {
        let tokens = Tokens { input: stage.rng.between(900, 7_600), ..Tokens::default() };
        let begin_us = after(free_us[n % WORKERS], stage.rng.exponential(30.0));
        let ask = Ask { tokens, ..ask(&scene, &EMBEDDING_LARGE, "embeddings", "guide, chunk of text", begin_us) };
        free_us[n % WORKERS] = perform(stage, ask).end_us;
    }
}

fn ask<'a>(scene: &'a Scene, model: &'static Model, operation: &'static str, prompt: &'a str, at_us: i64) -> Ask<'a> {
    Ask {
        scene,
        parent: None,
        model,
        fallback: None,
        operation,
        at_us,
        tokens: Tokens::default(),
        prompt,
        response: None,
        tool_calls: None,
        cache: None,
        stream: false,
    }
}
