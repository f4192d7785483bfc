//! The gateway: stands between applications and the providers of models, passes bytes on as they are, and makes one
//! `llm_call` of every call.
