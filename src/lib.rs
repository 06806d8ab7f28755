//! Ringfence screens calls and SMS for carriers, inline: ALLOW, LABEL, HOLD or BLOCK, with reasons.
//!
//! # The house
//! A room uses only rooms below it; `tests/tidy.rs` holds the arrows. A request travels
//! `grpc` (decode) -> `app` (load the ruleset, the time) -> `engine` (screen) -> `wire` (encode). A
//! change travels `grpc` -> `app` (draft) -> `lists` (check, approve) -> `engine` (compile) ->
//! `store` (commit) -> `app` (publish).
//!
//! | room | what lives there |
//! |---|---|
//! | [`cli`] | arguments, one command each; wires everything, owns no logic |
//! | [`grpc`] | data port: listener, one runtime a core, the screening service; control services |
//! | [`http`] | control port: `/metrics`, `/livez`, `/readyz`, a door for the control services |
//! | `sip`, `smpp` | reserved: other doors to the same screening |
//! | [`store`] | the change log on disk, and the view that is derived from it |
//! | `fetch` | lists from URLs over https, by the feature of that name |
//! | [`telemetry`] | structured logs, never a number or a text |
//! | [`wire`] | generated protobuf types and their conversions |
//! | [`app`] | use cases, ports (clock, screening), counters, publisher |
//! | [`engine`] | compiles the catalogue into a ruleset; screens; pure |
//! | [`lists`] | the write side: packs, rows, change-sets, checks, imports, exports; pure |
//! | `state`, `learn` | reserved: what traffic teaches; learned weights; pure |
//! | [`text`] | octets -> characters -> folded text with offsets -> links, numbers, codes; pure |
//! | [`model`] | values: numbers, attempts, verdicts, entries, policy |

pub mod app;
pub mod cli;
pub mod engine;
#[cfg(feature = "fetch")]
pub mod fetch;
pub mod grpc;
pub mod http;
pub mod lists;
pub mod model;
pub mod store;
pub mod telemetry;
pub mod text;
pub mod wire;
