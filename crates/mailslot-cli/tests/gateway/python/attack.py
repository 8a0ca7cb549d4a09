"""attack.py MODE IDENTITY ADDRESS: somebody who has no business at the gateway there.

MODE: `nobody` has no certificate, `stranger` the one in IDENTITY, which the others shouldn't take, and
`member` one that they take. Listens to everything, sends everything it can think of to SUE in the names of
others, and what it has heard once more. Then, as a member, it sends too much, and too large. `flood` is a
member that gives JOE so much to look at that he misses what others tell him, until it is killed. `ports`
knows no Zenoh: it sends garbage to ADDRESS and to the port for scouting. `direct` sends what a direct
connection might begin with, and garbage, to ADDRESS.

Says `heard N`, `leaked` if a secret was among it, and `done`."""

import os
import random
import socket
import sys
import time

import zenoh

import ms1

SECRET = b"the secret of the record"
SECONDS = 5
CONNECTIONS = 1000
FROM = ["joe", "sue", "ann", "nobody"]


def say(*words):
    print(*words, flush=True)


def put(session, source, payload):
    session.put(f"ms1/workgroup/sue/{source}", payload)


def session_attack(mode, identity, address):
    tls = None
    if mode == "nobody":
        pem = ms1.base64.b64encode(identity.ca.encode()).decode()
        tls = {"root_ca_certificate_base64": pem, "verify_name_on_connect": False}
    heard = []
    listen = () if mode == "nobody" else ("0.0.0.0:0",)
    session = identity.session(connect=[address], listen=listen, tls=tls)
    subscriber = session.declare_subscriber(
        "**",
        lambda s: heard.append(s.payload.to_bytes()),
        allowed_origin=zenoh.Locality.REMOTE,  # Not what it says itself.
    )
    end = time.monotonic() + SECONDS
    say("begins")
    while time.monotonic() < end:
        for kind in range(256):
            for source in FROM:
                put(session, source, bytes([kind]) + random.randbytes(200))
        for source in FROM:
            put(session, source, b"")
            for payload in heard[:50]:
                put(session, source, payload)
        time.sleep(0.05)
    if mode == "member":
        for size in (64_000, 200_000, 1_900_000, 50_000_000):
            for kind in (ms1.GREETING, ms1.SEALED, ms1.LIST):
                put(session, "joe", bytes([kind]) + bytes(size))
        for _ in range(3000):
            put(session, "joe", bytes([ms1.SEALED]) + bytes(60_000))
        for _ in range(30_000):
            put(session, "joe", bytes([ms1.GREETING]) + bytes(105))
        for size in [1000] * 3000 + [1_000_000] * 100:
            put(session, "joe", bytes([ms1.LIST]) + b"\xff" * 8 + bytes(size))
    say("heard", len(heard))
    if any(SECRET in payload for payload in heard):
        say("leaked")
    say("done")


def flood(identity):
    session = identity.session(interface="eth0", listen=("0.0.0.0:0",))
    # A list that is the newest, with a signature that takes a while to be found false.
    signature = b"30440220" + b"11" * 32 + b"0220" + b"22" * 32
    forged = bytes([ms1.LIST]) + b"\xff" * 8 + signature + b"\n" + bytes(1_000_000)
    key = "ms1/workgroup/joe/bob"
    publisher = session.declare_publisher(key, congestion_control=zenoh.CongestionControl.BLOCK)
    while not publisher.matching_status.matching:
        time.sleep(0.05)
    say("begins")
    while True:
        publisher.put(forged)


def ports(identity, address):
    host, port = address.rsplit(":", 1)
    idle = []
    end = time.monotonic() + SECONDS
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    say("begins")
    while time.monotonic() < end:
        for to in (host, "224.0.0.224"):
            for size in (0, 1, 9, 60, 1400):
                try:
                    udp.sendto(random.randbytes(size), (to, identity.port()))
                except OSError:
                    pass  # Nobody listens there, as the system says later.
        if len(idle) == CONNECTIONS:
            continue
        tcp = socket.socket()
        tcp.settimeout(0.2)
        try:
            tcp.connect((host, int(port)))
            tcp.sendall(random.choice([b"GET / HTTP/1.1\r\n\r\n", random.randbytes(5000), b"\x16\3\1"]))
        except OSError:
            pass
        idle.append(tcp)
    say("done")


def direct(address):
    host, port = address.rsplit(":", 1)
    kept, heard = [], 0
    end = time.monotonic() + SECONDS
    call = b"MSd1" + random.randbytes(32)
    say("begins")
    while time.monotonic() < end:
        tcp = socket.socket()
        tcp.settimeout(0.2)
        try:
            tcp.connect((host, int(port)))
            size = random.choice([0, 9, 25, 64_025, 64_026, 2**32 - 1])
            hello = call + size.to_bytes(4, "big") + random.randbytes(200)
            tcp.sendall(
                random.choice(
                    [b"GET / HTTP/1.1\r\n\r\n", random.randbytes(50_000), b"", call, hello, b"MSd2", hello[:50]]
                )
            )
            heard += len(kept[-CONNECTIONS].recv(100)) if len(kept) > CONNECTIONS else 0
        except OSError:
            pass
        kept.append(tcp)
        if len(kept) > 2 * CONNECTIONS:
            kept.pop(0).close()
    say("heard", heard)
    say("done")


def main():
    mode, identity, address = sys.argv[1:]
    identity = ms1.Identity(identity)
    if mode == "ports":
        ports(identity, address)
    elif mode == "direct":
        direct(address)
    elif mode == "flood":
        flood(identity)
    else:
        session_attack(mode, identity, address)
    os._exit(0)  # Without waiting for what nobody takes.


main()
