//! The command as its users meet it: real processes, their output and their exit codes.
//!
//! Each test has a directory of slots of its own ([`World`](util::World)). No test relies on how long
//! something takes: it waits until it has happened, and gives up after a minute.

mod demo;
#[cfg(feature = "gateway")]
mod domain;
mod errors;
mod exec;
mod formats;
mod generated;
mod ls;
#[cfg(not(feature = "gateway"))]
mod no_gateway;
mod pipe;
mod read;
mod signals;
mod users;
mod util;
mod write;
