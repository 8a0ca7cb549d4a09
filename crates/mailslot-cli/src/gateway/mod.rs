//! `mailslot gateway`.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow};
use mailslot::gateway::GatewayOptions;
use mailslot_gateway::config::Config;
use mailslot_gateway::identity::{Identity, Store, name};
use mailslot_gateway::service::{MAX_RECORD_SIZE, Service};
use mailslot_gateway::transport::events;
use mailslot_gateway::transport::zenoh::{Log, Zenoh, environment, refusals};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

use crate::exit::Exit;
use crate::flags::{GatewayArgs, GatewayCommand};
use crate::stdout::Stdout;
use crate::text;

mod activation;
pub(crate) mod client;
mod metrics;
mod notify;
mod status;

/// How often to see whether the service still runs.
const LOOK: Duration = Duration::from_secs(5);

pub(crate) fn run(args: &GatewayArgs) -> anyhow::Result<Exit> {
    match &args.command {
        Some(GatewayCommand::Status(args)) => status::run(args),
        None if args.check_config => check(),
        None => serve(),
    }
}

fn check() -> anyhow::Result<Exit> {
    let store = Store::of_this_user()?;
    let config = Config::read(store.dir())?;
    let identities = store.identities()?;
    for identity in &identities {
        store.members(identity)?;
        store.authority(identity)?;
    }
    check_domains(&config, &identities)?;
    let mut out = format!("{:?} can be used", store.dir().join("config.toml"));
    let is_member = |wanted: &str| identities.iter().any(|i| name::is_same(&i.domain, wanted));
    for unused in config.domains().chain(config.primary.as_deref()).filter(|name| !is_member(name))
    {
        out += &format!("\nit names domain {unused}, which this computer does not belong to");
    }
    Stdout::new()?.line(out)?;
    Ok(Exit::Success)
}

fn check_domains(config: &Config, identities: &[Identity]) -> anyhow::Result<()> {
    let domains: Vec<_> = identities.iter().map(|i| i.domain.as_str()).collect();
    config.check(&domains).map_err(|why| anyhow!("config.toml: {why}"))
}

fn serve() -> anyhow::Result<Exit> {
    if !environment::is_set() {
        return Err(begin_anew());
    }
    // First of all: a number that nobody has handed over may be anything later.
    let listener = activation::listener()?;
    let signals = Signals::new()?;
    let store = Store::of_this_user()?;
    let config = Config::read(store.dir())?;
    let mut identities = store.identities()?;
    config.primary_first(&mut identities);
    let computer = match identities.first() {
        Some(identity) => identity.computer.clone(),
        None => name::of_this_computer().unwrap_or_else(|_| "localhost".to_owned()),
    };
    let mut options = GatewayOptions::new(computer.clone());
    options.max_record_size(MAX_RECORD_SIZE);
    let slot = match listener {
        Some(listener) => options.create_on(listener),
        None => options.create(),
    };
    let slot = slot.context("cannot start the gateway")?;
    let (sink, source) = events().context("cannot start the gateway")?;
    let log: Log = Arc::new(say);
    refusals::tell(log.clone());
    let zenoh = Zenoh::start(store.clone(), config.clone(), sink, log.clone())?;
    let zenoh = Arc::new(zenoh);
    let service = Service::new(slot, zenoh.clone(), source, log);
    let service = service.context("cannot start the gateway")?;
    let stopper = service.stopper();
    let service = thread::Builder::new().name("gateway".into()).spawn(|| service.run());
    let service = service.context("cannot start the gateway's thread")?;
    if let Some(metrics) = &config.metrics {
        metrics::serve(metrics).with_context(|| format!("cannot serve metrics at {metrics}"))?;
    }
    let domains: Vec<_> = identities.iter().map(|i| i.domain.as_str()).collect();
    say(&match domains.is_empty() {
        true => "ready; this computer belongs to no domain yet (`mailslot domain --help`)".into(),
        false => format!("ready; this computer is {computer} in {}", domains.join(", ")),
    });
    notify::tell("READY=1");
    loop {
        match signals.wait()? {
            Some(SIGHUP) => reload(&store, &zenoh),
            Some(_) => break,
            None if service.is_finished() => break,
            None => {}
        }
    }
    notify::tell("STOPPING=1");
    stopper.stop();
    let ended = service.join().map_err(|_| anyhow!("the gateway's thread has panicked"))?;
    ended.context("the gateway has failed")?;
    drop(zenoh);
    say("stopped");
    Ok(Exit::Success)
}

/// Runs the same command in this process with the environment that it needs. Returns if that fails.
fn begin_anew() -> anyhow::Error {
    let again = |program: &Path| {
        let mut args = std::env::args_os();
        let mut command = Command::new(program);
        command.arg0(args.next().unwrap_or_default()).args(args);
        command.envs(environment::MEMORY);
        command.env(environment::VARIABLE, environment::SETTING).exec()
    };
    let failed = std::env::current_exe().map_or_else(|e| e, |program| again(&program));
    anyhow::Error::from(failed).context("cannot start the gateway")
}

fn reload(store: &Store, zenoh: &Zenoh) {
    notify::reloading();
    match Config::read(store.dir()) {
        Ok(config) => {
            zenoh.reload(config);
            say("config.toml is read again (a change of metrics needs a restart)");
        }
        Err(e) => say(&format!("{e}; the gateway goes on as before")),
    }
    notify::tell("READY=1");
}

/// A line for the log, which is standard error.
fn say(line: &str) {
    crate::complain(&text::harmless(line));
}

/// What is asked of the process while it runs.
struct Signals {
    last: Arc<AtomicUsize>,
    wake: UnixStream,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let failed = "cannot prepare for signals";
        let (wake, ring) = UnixStream::pair().context(failed)?;
        wake.set_read_timeout(Some(LOOK)).context(failed)?;
        let last = Arc::new(AtomicUsize::new(0));
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            let number = usize::try_from(signal).expect("signals have positive numbers");
            // In this order: who is woken finds the number set.
            flag::register_usize(signal, last.clone(), number)
                .and_then(|_| low_level::pipe::register(signal, ring.try_clone()?))
                .context(failed)?;
        }
        Ok(Self { last, wake })
    }

    /// The next signal, or `None` after a while.
    fn wait(&self) -> anyhow::Result<Option<i32>> {
        match (&self.wake).read(&mut [0; 64]) {
            Ok(_) => {}
            Err(e)
                if matches!(
                    e.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::Interrupted
                ) => {}
            Err(e) => return Err(e).context("cannot wait for signals"),
        }
        Ok(i32::try_from(self.last.swap(0, Ordering::AcqRel)).ok().filter(|&number| number != 0))
    }
}
