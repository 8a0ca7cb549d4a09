//! `mailslot ping`.

use crate::exit::Exit;
use crate::flags::PingArgs;
use crate::gateway::client;
use crate::stdout::Stdout;

pub(crate) fn run(args: &PingArgs) -> anyhow::Result<Exit> {
    let seconds = client::ping(&args.computer, args.timeout)?.as_secs_f64();
    Stdout::new()?.line(match args.json {
        true => serde_json::json!({ "computer": args.computer, "seconds": seconds }).to_string(),
        false => format!("{} has answered in {:.1} ms", args.computer, seconds * 1000.0),
    })?;
    Ok(Exit::Success)
}
