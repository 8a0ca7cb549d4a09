//! The flags of `mailslot gateway` and `mailslot ping`.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::help;
use crate::values;

/// Carry records between this computer and others
///
/// Runs until Ctrl-C or SIGTERM; then it waits a few seconds at most until what was written has
/// arrived. SIGHUP makes it read config.toml again. That this computer creates, joins or leaves a
/// domain, it notices by itself. A service manager may hand it its socket (systemd's socket
/// activation) and be told when it is ready. It is configured by config.toml in /etc/mailslot (for root) or
/// ~/.config/mailslot; there need not be one.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_long_help = help::epilogue("gateway"))]
pub(crate) struct GatewayArgs {
    #[command(subcommand)]
    pub(crate) command: Option<GatewayCommand>,

    /// Only say whether config.toml and this computer's keys can be used
    #[arg(long)]
    pub(crate) check_config: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GatewayCommand {
    Status(StatusArgs),
}

/// Show what the running gateway does
///
/// Shows the domains, their computers and for how long each has been in reach, the slots that take
/// records from others, and what was counted since the gateway started.
#[derive(Debug, Args)]
#[command(after_long_help = help::epilogue("gateway status"))]
pub(crate) struct StatusArgs {
    /// Print one JSON object
    #[arg(short, long)]
    pub(crate) json: bool,
}

/// Ask whether another computer's gateway is there
#[derive(Debug, Args)]
#[command(after_long_help = help::epilogue("ping"))]
pub(crate) struct PingArgs {
    /// The computer, such as JOE or JOE.WORKGROUP
    pub(crate) computer: String,

    /// How long to wait for it
    #[arg(short, long, value_name = "DURATION", value_parser = values::duration)]
    #[arg(default_value = "5s")]
    pub(crate) timeout: Duration,

    /// Print one JSON object
    #[arg(short, long)]
    pub(crate) json: bool,
}
