//! The children's side: what each process of a run does.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::job::{Job, Outcome, Part, ready};
use crate::peer::{Address, Peer, Rx, Tx, Visitor};
use crate::record::{Checker, Maker};
use crate::system;

/// Does a job and prints what it measured.
pub(crate) fn run(job: Job) -> Result<()> {
    system::raise_descriptors();
    if let Some(cpu) = job.cpu {
        system::pin(cpu).context("choosing a processor")?;
    }
    let outcome = job.peer.accept(&job)?;
    println!("{}", serde_json::to_string(&outcome)?);
    Ok(())
}

impl Visitor for &Job {
    type Out = Result<Outcome>;

    fn visit<P: Peer>(self) -> Self::Out {
        match self.part {
            Part::Reader => read::<P>(self),
            Part::Writer => write::<P>(self),
            Part::OneShotWriter => write_one_shot::<P>(self),
            Part::Crowd => crowd::<P>(self),
            Part::Asker => ask::<P>(self),
            Part::Answerer => answer::<P>(self),
            Part::BurstWriter => burst_in::<P>(self),
            Part::BurstReader => burst_out::<P>(self),
        }
    }
}

struct Stopwatch {
    start: u64,
    cpu: u64,
}

impl Stopwatch {
    fn start() -> Self {
        Self { start: system::now(), cpu: system::own_cpu() }
    }

    fn stop(&self, count: u64) -> Outcome {
        let end = system::now();
        let cpu = system::own_cpu() - self.cpu;
        Outcome { start: self.start, end, cpu, count, ..Outcome::default() }
    }

    /// Says that all is sent, and counts what threads in the background do until it has arrived:
    /// some peers only queue, and some drop what was sent when the sender leaves.
    fn stop_when_read(self, count: u64) -> Result<Outcome> {
        let outcome = self.stop(count);
        ready()?;
        Ok(Outcome { cpu: system::own_cpu() - self.cpu, ..outcome })
    }
}

fn read<P: Peer>(job: &Job) -> Result<Outcome> {
    let mut rx = P::Rx::listen(&job.at)?;
    let mut buffer = vec![0; job.at.size.max(8192)];
    let mut checker = Checker::new(job.at.writers, job.at.size);
    ready()?;
    // Those who only keep a connection have written two records each.
    for _ in 0..(job.at.writers - job.writers) * 2 {
        let len = rx.recv(&mut buffer)?;
        checker.check(&buffer[..len])?;
    }
    ready()?;
    let mut checker = Checker::new(job.writers, job.at.size);
    let watch = Stopwatch::start();
    let total = job.count * job.writers as u64;
    for _ in 0..total {
        let len = rx.recv(&mut buffer)?;
        checker.check(&buffer[..len])?;
    }
    let outcome = watch.stop(total);
    checker.finish(job.count)?;
    ready()?;
    Ok(outcome)
}

fn write<P: Peer>(job: &Job) -> Result<Outcome> {
    let mut tx = P::Tx::connect(&job.at, job.index)?;
    let mut maker = Maker::new(job.index as u32, job.at.size);
    ready()?;
    let watch = Stopwatch::start();
    for _ in 0..job.count {
        tx.send(maker.next())?;
    }
    watch.stop_when_read(job.count)
}

fn write_one_shot<P: Peer>(job: &Job) -> Result<Outcome> {
    let mut maker = Maker::new(job.index as u32, job.at.size);
    ready()?;
    let watch = Stopwatch::start();
    for _ in 0..job.count {
        P::Tx::connect(&job.at, job.index)?.send(maker.next())?;
    }
    watch.stop_when_read(job.count)
}

fn crowd<P: Peer>(job: &Job) -> Result<Outcome> {
    ready()?;
    let mut kept = Vec::new();
    for index in job.index..job.index + job.count as usize {
        let mut tx = P::Tx::connect(&job.at, index)?;
        let mut maker = Maker::new(index as u32, job.at.size);
        tx.send(maker.next())?;
        tx.send(maker.next())?;
        kept.push(tx);
    }
    ready()?;
    Ok(Outcome::default())
}

fn both<P: Peer>(at: &Address, mine: &str, other: &str) -> Result<(P::Rx, P::Tx)> {
    let named = |name: &str| Address { name: format!("{}-{name}", at.name), ..at.clone() };
    let rx = P::Rx::listen(&named(mine))?;
    ready()?;
    let tx = P::Tx::connect(&named(other), 0)?;
    ready()?;
    Ok((rx, tx))
}

/// Round trips before those that count.
fn warm_up(count: u64) -> u64 {
    count / 10 + 10
}

fn ask<P: Peer>(job: &Job) -> Result<Outcome> {
    let (mut rx, mut tx) = both::<P>(&job.at, "answers", "questions")?;
    let mut buffer = vec![0; job.at.size.max(8192)];
    let mut maker = Maker::new(0, job.at.size);
    let mut checker = Checker::new(1, job.at.size);
    let mut times = Vec::with_capacity(job.count as usize);
    let mut watch = Stopwatch::start();
    for turn in 0..warm_up(job.count) + job.count {
        if turn == warm_up(job.count) {
            watch = Stopwatch::start();
        }
        let start = system::now();
        tx.send(maker.next())?;
        let len = rx.recv(&mut buffer)?;
        let time = system::now() - start;
        checker.check(&buffer[..len])?;
        if turn >= warm_up(job.count) {
            times.push(time);
        }
    }
    let outcome = watch.stop(job.count);
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    ready()?;
    Ok(Outcome { p50: at(0.5), p99: at(0.99), ..outcome })
}

fn answer<P: Peer>(job: &Job) -> Result<Outcome> {
    let (mut rx, mut tx) = both::<P>(&job.at, "questions", "answers")?;
    let mut buffer = vec![0; job.at.size.max(8192)];
    let mut watch = Stopwatch::start();
    for turn in 0..warm_up(job.count) + job.count {
        if turn == warm_up(job.count) {
            watch = Stopwatch::start();
        }
        let len = rx.recv(&mut buffer)?;
        tx.send(&buffer[..len])?;
    }
    let outcome = watch.stop(job.count);
    ready()?;
    Ok(outcome)
}

fn burst_in<P: Peer>(job: &Job) -> Result<Outcome> {
    let mut tx = P::Tx::connect(&job.at, 0)?;
    let mut maker = Maker::new(0, job.at.size);
    ready()?;
    let watch = Stopwatch::start();
    let mut held = 0;
    while held < job.count && tx.try_send(maker.next())? {
        held += 1;
    }
    let outcome = watch.stop(held);
    println!("{held}");
    ready()?;
    let outcome = Outcome { cpu: system::own_cpu() - watch.cpu, ..outcome };
    ready()?;
    Ok(outcome)
}

fn burst_out<P: Peer>(job: &Job) -> Result<Outcome> {
    let mut rx = P::Rx::listen(&job.at)?;
    let mut buffer = vec![0; job.at.size.max(8192)];
    let mut checker = Checker::new(1, job.at.size);
    ready()?;
    let held: u64 = ready()?.trim().parse()?;
    let watch = Stopwatch::start();
    while checker.arrived() < held {
        let len = rx.recv(&mut buffer)?;
        checker.check(&buffer[..len])?;
    }
    let outcome = watch.stop(held);
    ensure!(checker.arrived() == held, "more arrived than was written");
    // What the system does later to give memory back is over by now.
    std::thread::sleep(Duration::from_millis(100));
    ready()?;
    Ok(outcome)
}
