//! The flags of `mailslot domain`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueHint};

use super::help;
use crate::values;

/// Make computers belong together, so that they take each other's records
///
/// The computer that creates a domain runs it: it invites others, and renews their certificates by
/// itself while both gateways run. What a running gateway needs to know of these commands it
/// notices by itself.
///
/// Keys and certificates are kept in /etc/mailslot for root's gateway and in ~/.config/mailslot
/// for others, where only their owner may read them.
#[derive(Debug, Args)]
#[command(after_long_help = help::epilogue("domain"))]
pub(crate) struct DomainArgs {
    #[command(subcommand)]
    pub(crate) command: DomainCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DomainCommand {
    Create(CreateArgs),
    Invite(InviteArgs),
    Join(JoinArgs),
    Leave(LeaveArgs),
    List(ListArgs),
    Revoke(RevokeArgs),
    Router(RouterArgs),
}

/// Create a domain, with this computer as its first
///
/// Names have letters, digits, - and _ in them; letter case does not matter.
#[derive(Debug, Args)]
#[command(after_long_help = help::epilogue("domain create"))]
pub(crate) struct CreateArgs {
    /// The domain's name, such as WORKGROUP
    pub(crate) name: String,

    /// This computer's name in it, in place of its host name
    #[arg(short, long, value_name = "NAME")]
    pub(crate) computer: Option<String>,
}

/// Write an invitation for another computer
///
/// Carry the file to that computer and use `mailslot domain join` there. Whoever has the file can
/// join in that computer's name until it expires, or until the computer has joined and its gateway
/// has met this one's: then the keys in the file are replaced by others.
#[derive(Debug, Args)]
#[command(after_long_help = help::epilogue("domain invite"))]
pub(crate) struct InviteArgs {
    /// The other computer's name, such as JOE
    pub(crate) computer: String,

    /// Write the invitation to FILE, which only you may read, instead of standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,

    /// How long the invitation can be accepted, such as 1h or 7days
    #[arg(short, long, value_name = "DURATION", value_parser = values::lifetime)]
    #[arg(default_value = "24h")]
    pub(crate) expires: Duration,

    /// The domain, if this computer runs several
    #[arg(short, long, value_name = "NAME")]
    pub(crate) domain: Option<String>,
}

/// Accept an invitation: this computer belongs to the domain from now on
#[derive(Debug, Args)]
#[command(after_long_help = help::epilogue("domain join"))]
pub(crate) struct JoinArgs {
    /// The invitation; - is standard input
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
}

/// Take this computer out of a domain
///
/// Its keys are deleted. On the list of the others it stays until it is revoked: until then they go on
/// writing to it, and it counts for their confirmed writes to the domain.
#[derive(Debug, Args)]
#[command(after_long_help = help::epilogue("domain leave"))]
pub(crate) struct LeaveArgs {
    /// The domain, if this computer belongs to several
    pub(crate) name: Option<String>,

    /// Leave even if this computer runs the domain and others belong to it
    ///
    /// Nobody can be invited, renewed or revoked any more: the domain ends when the certificates of
    /// the others expire.
    #[arg(long)]
    pub(crate) destroy: bool,
}

/// Show the domains that this computer belongs to, and their computers
#[derive(Debug, Args)]
#[command(after_long_help = help::epilogue("domain list"))]
pub(crate) struct ListArgs {
    /// Print one JSON object a domain, on a line
    #[arg(short, long)]
    pub(crate) json: bool,
}

/// Shut a computer out of a domain
///
/// Every gateway that is connected learns of it within 10 seconds, the others when they connect;
/// from then on they neither take its records nor send it any.
#[derive(Debug, Args)]
#[command(after_long_help = help::epilogue("domain revoke"))]
pub(crate) struct RevokeArgs {
    /// The computer's name
    pub(crate) computer: String,

    /// The domain, if this computer runs several
    #[arg(short, long, value_name = "NAME")]
    pub(crate) domain: Option<String>,
}

/// Make the certificate and the configuration of a router
///
/// At a router, a stock zenohd, computers meet that can't reach each other. It passes records on and
/// can neither read nor change them. Writes ca.pem, router.pem, router.key and zenohd.json5.
#[derive(Debug, Args)]
#[command(after_long_help = help::epilogue("domain router"))]
pub(crate) struct RouterArgs {
    /// The router's name
    pub(crate) router: String,

    /// Where to write the files, and where they will lie on the router
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, default_value = ".")]
    pub(crate) dir: PathBuf,

    /// How long its certificate lasts; it is not renewed by itself
    #[arg(short, long, value_name = "DURATION", value_parser = values::lifetime)]
    #[arg(default_value = "365days")]
    pub(crate) expires: Duration,

    /// The domain, if this computer runs several
    #[arg(short, long, value_name = "NAME")]
    pub(crate) domain: Option<String>,
}
