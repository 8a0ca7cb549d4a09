//! Asks the running gateway.

use std::io::ErrorKind;
use std::time::Duration;

use anyhow::Context;
use mailslot_gateway::service::status::{ANSWER_MAX, Reply, Request, Status, ask};

use crate::exit::{Exit, Failure};

fn reply(request: &Request) -> anyhow::Result<Reply> {
    match ask(request) {
        Ok(Reply::Busy) => {
            let message = "this computer's gateway answers too many others; try again";
            Err(Failure::new(Exit::Failure, message).into())
        }
        Ok(reply) => Ok(reply),
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            let message =
                "no gateway is running on this computer; start one with `mailslot gateway`";
            Err(Failure::new(Exit::NoGateway, message).into())
        }
        Err(e) => Err(e).context("cannot ask this computer's gateway"),
    }
}

/// What the gateway does.
pub(crate) fn status() -> anyhow::Result<Status> {
    match reply(&Request::Status)? {
        Reply::Status(status) => Ok(*status),
        other => Err(refused("", &other, Duration::ZERO)),
    }
}

/// How long it takes to that computer and back.
pub(crate) fn ping(computer: &str, timeout: Duration) -> anyhow::Result<Duration> {
    let mut left = timeout;
    loop {
        // The gateway waits no longer at a time.
        let now = left.min(Duration::from_millis(ANSWER_MAX.into()));
        left -= now;
        let (computer, milliseconds) = (computer.to_owned(), millis(now));
        match reply(&Request::Ping { computer: computer.clone(), milliseconds })? {
            Reply::Here(microseconds) => return Ok(Duration::from_micros(microseconds)),
            Reply::NoAnswer if !left.is_zero() => {}
            other => return Err(refused(&computer, &other, timeout)),
        }
    }
}

/// The slots of that computer that take records from this one; `None`: it is a domain.
pub(crate) fn slots(computer: &str, timeout: Duration) -> anyhow::Result<Option<Vec<String>>> {
    let (computer, milliseconds) = (computer.to_owned(), millis(timeout));
    match reply(&Request::Slots { computer: computer.clone(), milliseconds })? {
        Reply::Slots(paths) => Ok(Some(paths)),
        Reply::Several => Ok(None),
        other => Err(refused(&computer, &other, timeout)),
    }
}

fn millis(timeout: Duration) -> u32 {
    u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX)
}

fn refused(computer: &str, reply: &Reply, timeout: Duration) -> anyhow::Error {
    let (exit, message) = match reply {
        Reply::UnknownComputer => (
            Exit::NoSuchComputer,
            format!(
                "there is no computer {computer} in this computer's domains; `mailslot ls '//*/'` \
                 shows which there are"
            ),
        ),
        Reply::Several => (
            Exit::Usage,
            format!("{computer} is a domain; `mailslot ls '//{computer}/'` shows its computers"),
        ),
        Reply::NoAnswer => (
            Exit::TimedOut,
            format!(
                "{computer} has not answered within {}; its gateway is off or cannot be reached",
                humantime::format_duration(timeout)
            ),
        ),
        other => (Exit::Failure, format!("the gateway's answer makes no sense: {other:?}")),
    };
    Failure::new(exit, message).into()
}
