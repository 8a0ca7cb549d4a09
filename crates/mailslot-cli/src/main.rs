//! The `mailslot` command: mailslots for people and shell scripts.
//!
//! A short tour, from what is typed to what happens:
//!
//! | module | what it does |
//! |---|---|
//! | [`flags`] | every command and flag, defined once: the parser, help, man pages and completions come from it |
//! | [`values`] | what a size, a duration, a slot and a list of users look like when typed |
//! | [`read`], [`write`], [`info`], [`ls`] | one module for each command |
//! | [`domain`] | which computers belong together |
//! | [`gateway`], [`ping`] | other computers: the gateway, and what it is asked |
//! | `no_gateway` | what a build without these says |
//! | [`demo`] | shows and checks the main job with several processes |
//! | [`generate`] | man pages and completions |
//! | [`exit`] | the one place that decides which exit code an error means |
//! | [`signals`] | Ctrl-C, SIGTERM and a reader of our output that went away |
//! | [`text`], [`stdout`] | fit for people and pipes |
//!
//! Errors go to standard error in one line, `mailslot: <error>`. Standard output that nobody reads
//! any more is a success.

#![forbid(unsafe_code)]

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use clap::error::{ContextKind, ContextValue};

use crate::exit::Exit;
use crate::flags::{Cli, Command};

mod demo;
#[cfg(feature = "gateway")]
mod domain;
mod entry;
mod exit;
mod flags;
#[cfg(feature = "gateway")]
mod gateway;
mod generate;
mod info;
mod ls;
#[cfg(not(feature = "gateway"))]
mod no_gateway;
#[cfg(feature = "gateway")]
mod ping;
mod read;
mod signals;
mod stdout;
mod text;
mod values;
mod write;

fn main() -> ExitCode {
    let exit = run(command_line()).unwrap_or_else(|error| {
        let exit = Exit::of(&error);
        if exit != Exit::Success {
            let said = text::with_causes(&error);
            // The library says how to start one.
            #[cfg(not(feature = "gateway"))]
            let said = match exit {
                Exit::NoGateway => format!("{said} ({})", no_gateway::WHY),
                _ => said,
            };
            complain(&said);
        }
        exit
    });
    ExitCode::from(exit.code())
}

/// What was typed. If it makes no sense, the error says what of it: that may be long, and not fit
/// for a terminal.
fn command_line() -> Cli {
    const TYPED: [ContextKind; 3] =
        [ContextKind::InvalidValue, ContextKind::InvalidArg, ContextKind::InvalidSubcommand];
    Cli::try_parse().unwrap_or_else(|mut error| {
        #[cfg(not(feature = "gateway"))]
        no_gateway::explain(&mut error);
        for kind in TYPED {
            if let Some(ContextValue::String(typed)) = error.get(kind) {
                let shown = text::excerpt(typed);
                error.insert(kind, ContextValue::String(shown));
            }
        }
        error.exit()
    })
}

fn run(cli: Cli) -> anyhow::Result<Exit> {
    match cli.command {
        Command::Read(args) => read::run(args),
        Command::Write(args) => write::run(args),
        Command::Info(args) => info::run(&args),
        Command::Ls(args) => ls::run(&args),
        #[cfg(feature = "gateway")]
        Command::Domain(args) => domain::run(args),
        #[cfg(feature = "gateway")]
        Command::Gateway(args) => gateway::run(&args),
        #[cfg(feature = "gateway")]
        Command::Ping(args) => ping::run(&args),
        Command::Demo => demo::run(),
        Command::Completions(args) => generate::completions(&args),
        Command::Man(args) => generate::man(&args),
    }
}

/// One line to standard error. There is nobody to tell if that fails.
fn complain(message: &str) {
    let message = text::one_line(message);
    let _ = writeln!(std::io::stderr(), "mailslot: {}", text::harmless(&message));
}
