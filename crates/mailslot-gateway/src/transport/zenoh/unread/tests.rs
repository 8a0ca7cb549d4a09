use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use super::*;

/// A connection: what is said at the one end, and the other.
fn connection(listener: &TcpListener) -> (TcpStream, OwnedFd) {
    let far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (far, listener.accept().unwrap().0.into())
}

fn arrives(near: &OwnedFd) {
    let mut bytes = [0; 40];
    let (_, n) = recv(near, &mut bytes, RecvFlags::PEEK | RecvFlags::WAITALL).unwrap();
    assert_eq!(n, bytes.len());
}

#[test]
fn what_nobody_reads_is_ended_and_nothing_else() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (mut unread, mut read, mut quiet, mut short) = {
        let one = || connection(&listener);
        (one(), one(), one(), one())
    };
    let address = unread.0.local_addr().unwrap();
    quiet.0.write_all(b"").unwrap();
    short.0.write_all(&[7; 31]).unwrap();
    let sockets = [&unread, &read, &quiet, &short].map(|(_, near)| near.try_clone().unwrap());
    let mut looks = Unread::default();
    let mut ended = Vec::new();
    for look in 0..2 * LOOKS as u8 {
        // Each time more comes to both.
        for (far, near) in [&mut unread, &mut read] {
            // The one that has been ended takes no more.
            let _ = far.write_all(&[look; 40]);
            if ended.is_empty() {
                arrives(near);
            }
        }
        ended.extend(looks.end(&sockets));
        assert_eq!(ended.len(), usize::from(look + 1 >= LOOKS as u8), "at look {look}");
        let mut near = TcpStream::from(read.1.try_clone().unwrap());
        near.read_exact(&mut [0; 40]).unwrap();
    }
    assert_eq!(ended, [address]);
}
