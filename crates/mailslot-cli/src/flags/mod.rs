//! Every command and flag, defined once. The parser, help, man pages and completions come from
//! here; the examples and exit codes that help and man pages share are in [`help`].

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};
use clap_complete::Shell;
use mailslot::SlotName;

use crate::values;

#[cfg(feature = "gateway")]
mod domain;
#[cfg(feature = "gateway")]
mod gateway;
pub(crate) mod help;
mod read;
mod write;

#[cfg(feature = "gateway")]
pub(crate) use domain::{
    CreateArgs, DomainArgs, DomainCommand, InviteArgs, JoinArgs, LeaveArgs, ListArgs, RevokeArgs,
    RouterArgs,
};
#[cfg(feature = "gateway")]
pub(crate) use gateway::{GatewayArgs, GatewayCommand, PingArgs, StatusArgs};
pub(crate) use read::{Format, ReadArgs};
pub(crate) use write::WriteArgs;

/// Read, write and list mailslots: named queues of records
///
/// One program creates a mailslot and reads it; any number of programs write to it. A record arrives
/// whole, once, and in order, and the reader knows which process and which user wrote it. A slot
/// lives as long as its reader.
///
/// A slot's name is short, such as taxes/sue, or full, such as '\\.\mailslot\taxes\sue' (in quotes,
/// since shells eat backslashes) or //./mailslot/taxes/sue. Letter case does not matter, and / may
/// stand for \. A slot on computer JOE is //JOE/mailslot/taxes/sue.
#[cfg_attr(
    not(feature = "gateway"),
    doc = "\n\nThis build of the command has no gateway. Slots on other computers are in reach while \
           a gateway from another build runs on this one."
)]
#[derive(Debug, Parser)]
#[command(name = "mailslot", bin_name = "mailslot", version, max_term_width = 100)]
#[command(after_long_help = help::epilogue(""))]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Read(ReadArgs),
    Write(WriteArgs),
    Info(InfoArgs),
    Ls(LsArgs),
    #[cfg(feature = "gateway")]
    Domain(DomainArgs),
    #[cfg(feature = "gateway")]
    Gateway(GatewayArgs),
    #[cfg(feature = "gateway")]
    Ping(PingArgs),
    /// Show mailslots at work with several processes, in a few seconds
    ///
    /// Needs no arguments and no set-up. It creates a slot in a directory of its own, which it
    /// removes afterwards, and lets other processes write to it.
    #[cfg_attr(
        feature = "gateway",
        doc = "It makes two computers of this one, with a domain and a gateway each."
    )]
    /// It checks everything that it shows: if anything is not as it says, it stops with an error.
    #[command(after_long_help = help::epilogue("demo"))]
    Demo,
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Show a slot's limits, owner and reader
#[derive(Debug, Args)]
#[command(after_long_help = help::epilogue("info"))]
pub(crate) struct InfoArgs {
    /// The slot, such as taxes/sue
    #[arg(value_parser = values::local_slot)]
    pub(crate) slot: SlotName,

    /// Print one JSON object
    #[arg(short, long)]
    pub(crate) json: bool,
}

#[cfg_attr(
    feature = "gateway",
    doc = "List the slots of this computer, or what there is on others\n\n\
           '//*/' lists the computers of this computer's domains, '//JOE/' the slots of computer \
           JOE that take records from this one."
)]
#[cfg_attr(not(feature = "gateway"), doc = "List the slots of this computer")]
///
/// Shows each slot's name, the process that created it, its owner, its limits, who may write here
/// and from other computers, and since when it exists. A slot whose reader is gone shows "gone" in
/// place of the process; the next program to create it clears it away.
#[derive(Debug, Args)]
#[command(after_long_help = help::epilogue("ls"))]
pub(crate) struct LsArgs {
    /// List only slots with such a name: * stands for any characters, ? for one
    #[cfg_attr(feature = "gateway", doc = "(or '//*/' or '//COMPUTER/')")]
    pub(crate) pattern: Option<String>,

    /// Print one JSON object a line
    #[arg(short, long)]
    pub(crate) json: bool,

    /// Go on and print a line for each slot that appears (+) or vanishes (-)
    ///
    /// Starts with a + line for each slot there is. With --json, each line is an object with
    /// "event" "appeared" or "vanished" and the slot's data. Ends with Ctrl-C.
    #[arg(short, long)]
    pub(crate) watch: bool,
}

/// Print a completion script for a shell
///
/// Put it where your shell looks for completions, or load it from the shell's start-up file.
#[derive(Debug, Args)]
#[command(after_long_help = help::epilogue("completions"))]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}

/// Print the manual page, or write the pages of all commands to a directory
#[derive(Debug, Args)]
#[command(after_long_help = help::epilogue("man"))]
pub(crate) struct ManArgs {
    /// Write mailslot.1, mailslot-read.1 and so on to this directory; it is created if need be
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dir: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples() {
        for command in Cli::command().get_subcommands() {
            assert!(!help::examples(command.get_name()).is_empty(), "{}", command.get_name());
        }
    }
}
