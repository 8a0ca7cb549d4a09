//! What the demo shows. Nothing is printed that has not just happened and been checked.

use std::collections::HashMap;
use std::fmt::Display;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, bail, ensure};
use mailslot::{Mailslot, ReadError, Record};

use super::part::{self, BURST_SIZE, LAST_WORDS, SLOT};
use super::processes::Process;
use crate::exit::Exit;
use crate::stdout::Stdout;
use crate::text::{self, Users};

/// Columns of the output, or those of the terminal if it has fewer.
const WIDTH: usize = 100;
const LEAST_WIDTH: usize = 40;
/// Between the steps, for people to follow.
const PAUSE: Duration = Duration::from_millis(450);
/// No record takes nearly that long; a demo that hangs would show nothing.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// What they write, and how often.
const WRITERS: [(&str, &str); 3] = [
    ("Form 1040 is in.", "350ms"),
    ("A question on line 12.", "420ms"),
    ("Please call Mr. Miller back.", "490ms"),
];
const TIMES_EACH: usize = 3;

const BURST_WRITERS: u64 = 4;
const BURST_EACH: u64 = 250_000;

pub(super) fn run() -> anyhow::Result<Exit> {
    let out = Stdout::new()?;
    let width = terminal_width(&out).unwrap_or(WIDTH);
    let mut show = Show { out, width, users: Users::default(), steps: 0 };
    show.say("Mailslots: named queues of records between processes.")?;
    show.all().context("the demo failed")?;
    show.say("\nAll of this was checked as it happened. `mailslot --help` tells how to go on.")?;
    Ok(Exit::Success)
}

/// The columns that may be used of the terminal, if it is one.
fn terminal_width(out: &Stdout) -> Option<usize> {
    let columns = rustix::termios::tcgetwinsize(out).ok()?.ws_col;
    // A terminal that doesn't know its size says 0.
    (columns > 0).then(|| usize::from(columns).clamp(LEAST_WIDTH, WIDTH))
}

pub(super) struct Show {
    out: Stdout,
    width: usize,
    users: Users,
    steps: u32,
}

impl Show {
    fn all(&mut self) -> anyhow::Result<()> {
        let slot = self.create()?;
        self.several_writers(&slot)?;
        self.time_out(&slot)?;
        self.small_buffer(&slot)?;
        self.killed_writer(&slot)?;
        self.burst(&slot)?;
        self.end(slot)?;
        self.two_computers()
    }

    fn create(&mut self) -> anyhow::Result<Mailslot> {
        let slot = Mailslot::create(part::slot())?;
        self.step(format!("This process creates {} and is its only reader.", slot.name()))?;
        let listed = self.command(&["ls"])?.succeed()?;
        ensure!(listed.contains(&slot.name().to_string()), "ls does not list the slot: {listed}");
        self.show(listed)?;
        Ok(slot)
    }

    fn several_writers(&mut self, slot: &Mailslot) -> anyhow::Result<()> {
        self.step("Three other processes write to it. Each record shows as it arrives.")?;
        let times = TIMES_EACH.to_string();
        let mut expected = HashMap::new();
        let mut writers = Vec::new();
        for (words, interval) in WRITERS {
            let args = ["write", SLOT, words, "--repeat", &times, "--interval", interval];
            let writer = self.command(&args)?;
            expected.insert(writer.pid(), (words, TIMES_EACH));
            writers.push(writer);
        }
        self.show(format!("{:<9}{:<12}{:>9}  RECORD", "PROCESS", "USER", "TOOK"))?;
        for _ in 0..WRITERS.len() * TIMES_EACH {
            let record = receive(slot)?;
            let took = SystemTime::now().duration_since(record.written()).unwrap_or_default();
            let sender = record.sender();
            let Some((words, left)) = expected.get_mut(&sender.pid) else {
                bail!("a record came from process {}, which is no writer", sender.pid);
            };
            ensure!(record.bytes() == words.as_bytes(), "a record is not what was written");
            ensure!(*left > 0, "a record came twice");
            *left -= 1;
            let user = self.users.show(sender.uid);
            let took = format!("{} µs", took.as_micros());
            self.show(format!("{:<9}{user:<12}{took:>9}  {words}", sender.pid))?;
        }
        for writer in writers {
            writer.succeed()?;
        }
        Ok(())
    }

    fn time_out(&mut self, slot: &Mailslot) -> anyhow::Result<()> {
        const TIMEOUT: Duration = Duration::from_millis(300);
        self.step("Nobody writes. A read with a time-out of 300 ms says so:")?;
        let started = Instant::now();
        let Err(error @ ReadError::TimedOut { .. }) = slot.receive_timeout(Some(TIMEOUT)) else {
            bail!("a read of the empty slot did not time out");
        };
        let took = started.elapsed();
        ensure!(took >= TIMEOUT, "the read gave up after {took:?}");
        self.show(format!("{error} (after {} ms)", took.as_millis()))
    }

    fn small_buffer(&mut self, slot: &Mailslot) -> anyhow::Result<()> {
        self.step("A record too large for the reader's buffer stays where it is:")?;
        let words = "This record has more than sixteen bytes.";
        self.command(&["write", SLOT, words])?.succeed()?;
        let Err(error @ ReadError::BufferTooSmall { needed, .. }) = slot.try_read(&mut [0; 16])
        else {
            bail!("a record was read into a buffer too small for it");
        };
        self.show(error)?;
        let mut buffer = vec![0; needed];
        let size = slot.try_read(&mut buffer)?;
        ensure!(buffer[..size] == *words.as_bytes(), "the record did not stay as it was");
        self.show(format!("Read with {size} bytes: {words}"))
    }

    fn killed_writer(&mut self, slot: &Mailslot) -> anyhow::Result<()> {
        self.step("A writer is killed right after its write returned. Its record is safe:")?;
        let writer = Process::start_part("write-and-wait")?;
        let pid = writer.pid();
        writer.kill()?;
        self.show(format!("Process {pid} is dead (kill -9)."))?;
        let record = slot.try_receive().context("the record of the killed writer is lost")?;
        ensure!(record.sender().pid == pid, "the record is from another process");
        ensure!(record.bytes() == LAST_WORDS.as_bytes(), "the record is not what was written");
        self.show(format!("Its record: {LAST_WORDS}"))
    }

    fn burst(&mut self, slot: &Mailslot) -> anyhow::Result<()> {
        let total = BURST_WRITERS * BURST_EACH;
        self.step(format!(
            "{BURST_WRITERS} processes write {} records of {BURST_SIZE} bytes, as fast as they can:",
            text::with_commas(total),
        ))?;
        let mut writers = Vec::new();
        for number in 0..BURST_WRITERS {
            writers.push(Process::start_part(&format!("burst {number} {BURST_EACH}"))?);
        }
        let started = Instant::now();
        for writer in &mut writers {
            writer.say("go")?;
        }
        let mut next = [0; BURST_WRITERS as usize];
        // Room for one byte more, so that a record that grew would show.
        let mut buffer = [0; BURST_SIZE + 1];
        for _ in 0..total {
            let size =
                slot.read_timeout(&mut buffer, Some(PATIENCE)).context("records are lost")?;
            check_burst_record(&buffer[..size], &mut next)?;
        }
        let took = started.elapsed();
        for writer in writers {
            writer.succeed()?;
        }
        ensure!(next == [BURST_EACH; BURST_WRITERS as usize], "records are lost");
        let Err(ReadError::TimedOut { .. }) = slot.try_receive() else {
            bail!("more records came than were written");
        };
        self.show(format!(
            "All read after {:.2} s: {:.1} million records a second.",
            took.as_secs_f64(),
            total as f64 / took.as_secs_f64() / 1e6,
        ))?;
        self.show("None lost, none twice, each writer's in the order written.")
    }

    fn end(&mut self, slot: Mailslot) -> anyhow::Result<()> {
        self.step("The reader closes the slot, and with it goes the name. Writers learn why:")?;
        let mut writer = Process::start_with_input(&["write", "--lines", SLOT])?;
        writer.say("Are you there?")?;
        let record = receive(&slot)?;
        ensure!(record.bytes() == b"Are you there?", "the record is not what was written");
        drop(slot);
        thread::sleep(Duration::from_millis(10));
        writer.say("Are you still there?")?;
        let said = writer.fail(Exit::ReaderGone.code())?;
        self.show("The writer that had it open says:")?;
        self.show(said)?;
        let said = self.command(&["write", SLOT, "Anybody?"])?.fail(Exit::NoSuchSlot.code())?;
        self.show(said)?;
        let left = mailslot::list()?;
        ensure!(left.is_empty(), "the slot is still listed");
        Ok(())
    }

    #[cfg(not(feature = "gateway"))]
    fn two_computers(&mut self) -> anyhow::Result<()> {
        self.say(
            "\nThis program was built without networks; with them, it shows two computers here.",
        )
    }

    /// Starts a command and shows it as one would type it.
    fn command(&mut self, args: &[&str]) -> anyhow::Result<Process> {
        self.show_command("$", args)?;
        Process::start(args)
    }

    pub(super) fn show_command(&mut self, prompt: &str, args: &[&str]) -> anyhow::Result<()> {
        let quoted =
            |arg: &&str| if arg.contains([' ', '*']) { format!("'{arg}'") } else { (*arg).into() };
        let typed: Vec<String> = args.iter().map(quoted).collect();
        self.show(format!("{prompt} mailslot {}", typed.join(" ")))
    }

    pub(super) fn step(&mut self, what: impl Display) -> anyhow::Result<()> {
        if self.steps > 0 {
            thread::sleep(PAUSE);
        }
        self.steps += 1;
        let step = format!("{}. {what}", self.steps);
        self.say("")?;
        text::wrapped(&step, self.width).iter().try_for_each(|line| self.say(line))
    }

    pub(super) fn show(&mut self, what: impl Display) -> anyhow::Result<()> {
        for line in what.to_string().lines() {
            for part in text::wrapped(line, self.width - 3) {
                self.say(format!("   {part}"))?;
            }
        }
        Ok(())
    }

    fn say(&mut self, what: impl Display) -> anyhow::Result<()> {
        Ok(self.out.line(what)?)
    }
}

fn receive(slot: &Mailslot) -> anyhow::Result<Record> {
    slot.receive_timeout(Some(PATIENCE)).context("a record is lost")
}

/// Checks that a record is the next of its writer, bit by bit.
fn check_burst_record(record: &[u8], next: &mut [u64]) -> anyhow::Result<()> {
    let writer = part::burst_writer(record).context("a record was cut")?;
    let number = usize::try_from(writer).ok().and_then(|writer| next.get_mut(writer));
    let number = number.context("a record came that nobody wrote")?;
    ensure!(
        *record == part::burst_record(writer, *number),
        "record {number} of writer {writer} is lost, out of order, or not what was written"
    );
    *number += 1;
    Ok(())
}
