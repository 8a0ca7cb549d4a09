//! `mailslot demo`: the main job, shown and checked with real processes.
//!
//! The command starts itself anew with a temporary directory of slots ([`outside`]), so that it
//! clashes with nothing, and clears up however that ends. What runs in there ([`show`], and for
//! other computers [`network`]) starts the command again for each process: mostly as `mailslot
//! write`, and as a [`part`] where the demo needs to know what it is doing, or it must end with the
//! demo.

use std::process::{Command, Stdio};

use crate::exit::Exit;

#[cfg(feature = "gateway")]
mod lines;
#[cfg(feature = "gateway")]
mod network;
mod outside;
mod part;
mod processes;
mod show;

/// Tells a process that it is part of a demo, and which.
const PART: &str = "MAILSLOT_DEMO_PART";

pub(crate) fn run() -> anyhow::Result<Exit> {
    match std::env::var(PART) {
        Err(_) => outside::run(),
        Ok(part) => part::run(&part),
    }
}

/// This command again, with nothing to read.
fn myself() -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.stdin(Stdio::null()).env_remove(PART);
    Ok(command)
}
