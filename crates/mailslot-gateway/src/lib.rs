//! The gateway: what carries records between mailslots of different computers.
//!
//! A tour, along the way of a record:
//!
//! | module | what it knows | what it must not know |
//! |---|---|---|
//! | [`config`] | what a gateway can be told | how it is done |
//! | [`identity`] | which computers belong to a domain, and how each proves it | frames, records |
//! | [`service`] | this computer's writers and slots, threads, files | how frames travel |
//! | [`core`](mod@core) | order, repetition, duplicates, queues, outcomes | sockets, clocks, files |
//! | [`transport`] | how frames get from one gateway to another, and who is who | records |

#![forbid(unsafe_code)]

pub mod config;
pub mod core;
pub mod identity;
pub mod service;
pub mod transport;
