//! iceoryx2: publish and subscribe without overflow, so that nothing is dropped. The reader copies
//! the record out, as all readers here do. *Polling*: it looks in a loop. *Event*: it sleeps until
//! a writer, after each record, notifies it.

use std::marker::PhantomData;

use anyhow::{Context, Result, bail};
use iceoryx2::node::Node;
use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;

use super::{Address, Peer, Rx, Tx};

/// Records in the subscriber's buffer.
const QUEUE: usize = 512;

const LOOKS: u32 = 400;

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

fn services(at: &Address) -> Result<(Node<ipc::Service>, DataService, EventService)> {
    set_log_level(LogLevel::Error);
    let node = NodeBuilder::new().create::<ipc::Service>()?;
    let dir = at.dir.file_name().unwrap_or_default().to_string_lossy();
    let name = format!("{dir}/{}", at.name);
    let data = node
        .service_builder(&name.as_str().try_into()?)
        .publish_subscribe::<[u8]>()
        .enable_safe_overflow(false)
        .subscriber_max_buffer_size(QUEUE)
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
    Ok((node, data, event))
}

pub(crate) struct SubscriberRx<M> {
    subscriber: Subscriber<ipc::Service, [u8], ()>,
    listener: Listener<ipc::Service>,
    _services: (Node<ipc::Service>, DataService, EventService),
    _mode: PhantomData<M>,
}

impl<M: Mode> Rx for SubscriberRx<M> {
    fn listen(at: &Address) -> Result<Self> {
        let services = services(at)?;
        let subscriber = services.1.subscriber_builder().buffer_size(QUEUE).create()?;
        let listener = services.2.listener_builder().create()?;
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
            looks += 1;
            if M::EVENTS {
                self.listener.blocking_wait(|_| {})?;
            } else if looks % LOOKS == 0 {
                std::thread::yield_now();
            }
        }
    }
}

pub(crate) struct PublisherTx<M> {
    publisher: Publisher<ipc::Service, [u8], ()>,
    notifier: Notifier<ipc::Service>,
    _services: (Node<ipc::Service>, DataService, EventService),
    _mode: PhantomData<M>,
}

impl<M: Mode> Tx for PublisherTx<M> {
    fn connect(at: &Address, _: usize) -> Result<Self> {
        let services = services(at)?;
        let publisher = services
            .1
            .publisher_builder()
            .initial_max_slice_len(at.size)
            .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
            .create()?;
        let notifier = services.2.notifier_builder().create()?;
        Ok(Self { publisher, notifier, _services: services, _mode: PhantomData })
    }

    #[inline]
    fn send(&mut self, record: &[u8]) -> Result<()> {
        let sample = self.publisher.loan_slice_uninit(record.len())?;
        let delivered = sample.write_from_slice(record).send()?;
        (delivered == 1).then_some(()).context("the record was not delivered")?;
        if M::EVENTS {
            self.notifier.notify()?;
        }
        Ok(())
    }

    fn try_send(&mut self, _: &[u8]) -> Result<bool> {
        bail!("not measured: the buffer's size is fixed")
    }
}
