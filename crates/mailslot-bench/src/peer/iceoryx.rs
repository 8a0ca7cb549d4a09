//! iceoryx2: publish and subscribe without overflow, so that nothing is dropped. The reader copies
//! the record out, as all readers here do. *Polling*: it looks in a loop. *Event*: it sleeps until
//! a writer, after each record, notifies it.

use std::cell::OnceCell;
use std::marker::PhantomData;

use anyhow::{Result, bail};
use iceoryx2::node::Node;
use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;

use super::{Address, Peer, Rx, Tx, pause};

/// Records in the subscriber's buffer for each writer: enough to work ahead, and few enough to stay
/// in the cache.
fn queue(at: &Address) -> usize {
    (QUEUED / at.size).clamp(16, 512)
}

const QUEUED: usize = 1024 * 1024;

pub(crate) struct Polling;
pub(crate) struct Events;

pub(crate) trait Mode {
    const EVENTS: bool;
}

impl Mode for Polling {
    const EVENTS: bool = false;
}

impl Mode for Events {
    const EVENTS: bool = true;
}

impl<M: Mode> Peer for M {
    type Rx = SubscriberRx<M>;
    type Tx = PublisherTx<M>;
}

type DataService =
    iceoryx2::service::port_factory::publish_subscribe::PortFactory<ipc::Service, [u8], ()>;
type EventService = iceoryx2::service::port_factory::event::PortFactory<ipc::Service>;

thread_local! {
    /// One for the process, as its guide says.
    static NODE: OnceCell<Node<ipc::Service>> = const { OnceCell::new() };
}

fn services(at: &Address) -> Result<(DataService, EventService)> {
    NODE.with(|node| {
        if let Some(node) = node.get() {
            return services_of(node, at);
        }
        set_log_level(LogLevel::Error);
        let created = NodeBuilder::new().create::<ipc::Service>()?;
        services_of(node.get_or_init(|| created), at)
    })
}

fn services_of(node: &Node<ipc::Service>, at: &Address) -> Result<(DataService, EventService)> {
    let dir = at.dir.file_name().unwrap_or_default().to_string_lossy();
    let name = format!("{dir}/{}", at.name);
    let data = node
        .service_builder(&name.as_str().try_into()?)
        .publish_subscribe::<[u8]>()
        .enable_safe_overflow(false)
        .subscriber_max_buffer_size(queue(at))
        .max_publishers(at.writers)
        .max_subscribers(1)
        .max_nodes(at.writers + 2)
        .open_or_create()?;
    let event = node
        .service_builder(&format!("{name}/event").as_str().try_into()?)
        .event()
        .max_notifiers(at.writers)
        .max_nodes(at.writers + 2)
        .open_or_create()?;
    Ok((data, event))
}

pub(crate) struct SubscriberRx<M> {
    subscriber: Subscriber<ipc::Service, [u8], ()>,
    listener: Listener<ipc::Service>,
    _services: (DataService, EventService),
    _mode: PhantomData<M>,
}

impl<M: Mode> Rx for SubscriberRx<M> {
    fn listen(at: &Address) -> Result<Self> {
        let services = services(at)?;
        let subscriber = services.0.subscriber_builder().buffer_size(queue(at)).create()?;
        let listener = services.1.listener_builder().create()?;
        Ok(Self { subscriber, listener, _services: services, _mode: PhantomData })
    }

    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> Result<usize> {
        let mut looks = 0;
        loop {
            if let Some(sample) = self.subscriber.receive()? {
                into[..sample.len()].copy_from_slice(&sample);
                return Ok(sample.len());
            }
            if M::EVENTS {
                self.listener.blocking_wait(|_| {})?;
            } else {
                pause(&mut looks);
            }
        }
    }
}

pub(crate) struct PublisherTx<M> {
    publisher: Publisher<ipc::Service, [u8], ()>,
    notifier: Notifier<ipc::Service>,
    _services: (DataService, EventService),
    _mode: PhantomData<M>,
}

impl<M: Mode> Tx for PublisherTx<M> {
    fn connect(at: &Address, _: usize) -> Result<Self> {
        let services = services(at)?;
        let publisher = services
            .0
            .publisher_builder()
            .initial_max_slice_len(at.size)
            .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
            .create()?;
        let notifier = services.1.notifier_builder().create()?;
        Ok(Self { publisher, notifier, _services: services, _mode: PhantomData })
    }

    #[inline]
    fn send(&mut self, record: &[u8]) -> Result<()> {
        // While the reader has not seen this writer yet, a full buffer is not waited for: nobody
        // gets the record, and it is sent again.
        let mut looks = 0;
        loop {
            let sample = self.publisher.loan_slice_uninit(record.len())?;
            if sample.write_from_slice(record).send()? > 0 {
                break;
            }
            pause(&mut looks);
        }
        if M::EVENTS {
            self.notifier.notify()?;
        }
        Ok(())
    }

    fn try_send(&mut self, _: &[u8]) -> Result<bool> {
        bail!("not measured: the buffer's size is fixed")
    }
}
