//! A network of datagram sockets in one directory. Who sends is known by his socket's name.

use std::collections::HashSet;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mailslot_gateway::transport::{
    Domain, EventSink, Membership, PeerId, SendError, Traffic, Transport, Way,
};

pub(crate) struct SocketTransport {
    socket: UnixDatagram,
    dir: PathBuf,
    /// Peers that were busy.
    busy: Arc<Mutex<HashSet<PeerId>>>,
}

pub(crate) fn connect(
    dir: &Path,
    own: &str,
    computers: &[&str],
    sink: EventSink,
) -> SocketTransport {
    let path = dir.join(own.to_lowercase());
    let _ = std::fs::remove_file(&path);
    let socket = UnixDatagram::bind(&path).unwrap();
    sink.membership(Membership {
        domains: vec![Domain {
            name: "WORKGROUP".into(),
            own: own.into(),
            computers: computers.iter().map(|name| name.to_string()).collect(),
            invited: Vec::new(),
        }],
    });
    let reading = socket.try_clone().unwrap();
    let frames = sink.clone();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 17];
        while let Ok((len, from)) = reading.recv_from(&mut buffer) {
            let name = from.as_pathname().and_then(Path::file_name).and_then(|name| name.to_str());
            if let Some(name) = name {
                frames.frame(PeerId::new("WORKGROUP", name), buffer[..len].to_vec());
            }
        }
    });
    let busy = Arc::new(Mutex::new(HashSet::<PeerId>::new()));
    let (theirs, network) = (busy.clone(), dir.to_owned());
    let others: Vec<String> =
        computers.iter().filter(|name| **name != own).map(|name| name.to_string()).collect();
    // Looks who is there.
    std::thread::spawn(move || {
        let probe = UnixDatagram::unbound().unwrap();
        let mut up = HashSet::new();
        loop {
            for name in &others {
                let id = PeerId::new("WORKGROUP", name);
                let there = probe.connect(network.join(id.computer())).is_ok();
                if there && up.insert(id.clone()) {
                    sink.up(id);
                } else if !there && up.remove(&id) {
                    sink.down(id);
                }
            }
            for id in theirs.lock().unwrap().drain() {
                sink.ready(id);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    SocketTransport { socket, dir: dir.to_owned(), busy }
}

impl Transport for SocketTransport {
    fn send(&self, to: &PeerId, frame: Vec<u8>) -> Result<(), SendError> {
        use rustix::net::{SendFlags, SocketAddrUnix, sendto};
        let address = SocketAddrUnix::new(self.dir.join(to.computer())).unwrap();
        match sendto(&self.socket, &frame, SendFlags::DONTWAIT, &address) {
            Ok(_) => Ok(()),
            Err(rustix::io::Errno::AGAIN) => {
                self.busy.lock().unwrap().insert(to.clone());
                Err(SendError::Busy)
            }
            Err(_) => Err(SendError::Unreachable),
        }
    }

    fn largest_frame(&self) -> usize {
        64 * 1024
    }

    fn way(&self, to: &PeerId) -> Option<Way> {
        self.dir.join(to.computer()).exists().then_some(Way::Direct)
    }

    fn traffic(&self) -> Traffic {
        Traffic::default()
    }
}
