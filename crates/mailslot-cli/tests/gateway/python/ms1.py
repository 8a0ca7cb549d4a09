"""A member of a domain, written from docs/networks.md and docs/gateway-protocol.md alone: it shares
no code with the gateway. Simple rather than fast: it keeps no frame that came too early."""

import base64
import hashlib
import json
import os
import queue
import struct
import time

import zenoh
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

P = b"mailslot ms1 "
ZEROS = bytes(32)
GREETING, SEALED, LIST = 1, 2, 3
OPEN, ACCEPT, DATA, ACK, RESET, ASK, ANSWER = range(1, 8)
DEFINE, RUN, FRAGMENT, CLOSE, RESULT, MISSED = range(1, 7)
CONFIRMED, WIDE = 1, 2
OUTCOMES = [None, "accepted", "no such slot", "full", "denied", "too large", "no answer"]
REPEAT = 0.5


def fold(name):
    return name.lower()  # Simple folding, for the letters that the tests use.


def hkdf(secret, label):
    return HKDF(hashes.SHA256(), 32, P, P + label.encode()).derive(secret)


def mac(key, data):
    h = hmac.HMAC(key, hashes.SHA256())
    h.update(data)
    return h.finalize()


def public(key):
    return key.public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw
    )


class Identity:
    """An invitation, or an identity, as a gateway keeps it."""

    def __init__(self, path):
        with open(path) as file:
            text = json.load(file)
        self.domain, self.computer = fold(text["domain"]), fold(text["computer"])
        self.ca, self.certificate, self.key = (
            text[field] for field in ("authority_certificate", "certificate", "key")
        )
        self.authority_public = bytes.fromhex(text["authority_public"])
        self.exchange = X25519PrivateKey.from_private_bytes(bytes.fromhex(text["exchange"]))
        self.members = text.get("members")

    def keys_of_members(self):
        list = json.loads(self.members.split("\n", 1)[1])
        return {fold(m["computer"]): bytes.fromhex(m["exchange"]) for m in list["members"]}

    def port(self):
        first = hashlib.sha256(self.authority_public).digest()[:2]
        return 7500 + int.from_bytes(first, "big") % 500

    def session(self, connect=(), interface="lo", listen=("127.0.0.1:0",), tls=None):
        pem = lambda text: base64.b64encode(text.encode()).decode()
        own = {
            "root_ca_certificate_base64": pem(self.ca),
            "enable_mtls": True,
            "verify_name_on_connect": False,
        }
        for side in ("listen", "connect"):
            own[side + "_private_key_base64"] = pem(self.key)
            own[side + "_certificate_base64"] = pem(self.certificate)
        config = {
            "mode": "peer",
            "listen": {"endpoints": ["tls/" + address for address in listen]},
            "connect": {"endpoints": ["tls/" + address for address in connect]},
            # One of two connects, as gateways have it: docs/networks.md says what else befalls Zenoh.
            "scouting": {
                "multicast": {
                    "enabled": not connect,
                    "interface": interface,
                    "address": f"224.0.0.224:{self.port()}",
                    "autoconnect_strategy": {"peer": {"to_peer": "greater-zid"}},
                },
                "gossip": {"autoconnect_strategy": {"peer": {"to_peer": "greater-zid"}}},
            },
            "transport": {"link": {"protocols": ["tls"], "tls": tls or own}},
        }
        return zenoh.open(zenoh.Config.from_json5(json.dumps(config)))


class Peer:
    """Another computer: who it is, and the two streams between us."""

    def __init__(self, member, name, key):
        self.member, self.name = member, name
        me, domain = member.id.computer, member.id.domain
        self.shared = member.id.exchange.exchange(X25519PublicKey.from_public_bytes(key))
        label = f"/{domain}/{me}/{name}", f"/{domain}/{name}/{me}"
        self.greet_to, self.greet_from = (hkdf(self.shared, "greet" + l) for l in label)
        self.labels = label
        self.heard, self.made_for = ZEROS, None
        self.to = self.source = None
        # The stream to it.
        self.token, self.connection = os.urandom(8), None
        self.number, self.unacknowledged, self.pending = 0, {}, []
        self.sent_at = 0
        # The stream from it.
        self.given = self.using = None
        self.next, self.channels, self.partial = 0, {}, {}
        self.known = {}

    # Greetings and seals.

    def greet(self):
        done = self.made_for == self.heard != ZEROS
        said = self.member.ephemeral_public + self.heard + bytes([done]) + struct.pack(">Q", 1)
        self.member.put(self.name, bytes([GREETING]) + said + mac(self.greet_to, said))

    def greeted(self, said, proof):
        if mac(self.greet_from, said) != proof:
            return
        key, echo, done = said[:32], said[32:64], said[64] == 1
        self.heard = key
        fresh = echo == self.member.ephemeral_public
        if fresh and self.made_for != key:
            both = self.member.ephemeral.exchange(X25519PublicKey.from_public_bytes(key))
            to, source = (hkdf(both + self.shared, "frame" + l) for l in self.labels)
            self.to, self.source = AESGCM(to), AESGCM(source)
            self.made_for = key
            self.member.event("reaches", self.name)
        if not done or not fresh:
            self.greet()

    def send(self, frame):
        if self.to:
            counter = struct.pack(">Q", self.member.count())
            sealed = self.to.encrypt(bytes(4) + counter, frame + b"\0", None)
            self.member.put(self.name, bytes([SEALED]) + counter + sealed)

    def opened(self, payload):
        try:
            frame = self.source.decrypt(bytes(4) + payload[:8], payload[8:], None)
        except (InvalidTag, AttributeError):
            return
        if frame[-1] == 0:
            self.frame(frame[:-1])

    # Frames.

    def frame(self, frame):
        assert frame[:3] == b"MG\1" and frame[4:8] == bytes(4), frame
        kind, id, body = frame[3], frame[8:16], frame[16:]
        if kind == OPEN:
            if self.given is None or self.given[0] != id:
                self.given = id, os.urandom(8)
            self.send(header(ACCEPT, id) + self.given[1])
        elif kind == ACCEPT and id == self.token and not self.connection:
            self.connection = body
            self.flush()
        elif kind == DATA:
            self.data(id, struct.unpack("<Q", body[:8])[0], body[8:])
        elif kind == ACK and id == self.connection:
            (next,) = struct.unpack("<Q", body[:8])
            for number in [n for n in self.unacknowledged if n < next]:
                del self.unacknowledged[number]
        elif kind == RESET and id == self.connection:
            self.connection, self.token = None, os.urandom(8)
            self.pending = list(self.unacknowledged.values()) + self.pending
            self.number, self.unacknowledged = 0, {}
            self.flush()
        elif kind == ASK:
            answer = b"" if body == b"\1" else "\n".join(self.member.slots).encode()
            self.send(header(ANSWER, id) + struct.pack("<HH", 0, 1) + answer)
        elif kind == ANSWER:
            self.member.event("answer", *body[4:].decode().split("\n"))

    def give(self, items):
        """Sends items in a frame of their own, again until they are acknowledged."""
        self.pending.append(items)
        self.flush()

    def flush(self):
        self.sent_at = time.monotonic()
        if not self.to:
            return
        if not self.connection:
            if self.pending:
                self.send(header(OPEN, self.token))
            return
        while self.pending and len(self.unacknowledged) < 64:
            self.unacknowledged[self.number] = self.pending.pop(0)
            self.send_data(self.number)
            self.number += 1

    def send_data(self, number):
        items = self.unacknowledged[number]
        self.send(header(DATA, self.connection) + struct.pack("<Q", number) + items)

    def tick(self):
        if time.monotonic() - self.sent_at > REPEAT:
            for number in list(self.unacknowledged):
                self.send_data(number)
            self.flush()

    def data(self, connection, number, items):
        if self.given and self.given[1] == connection != self.using:
            self.using, self.next, self.channels, self.partial = connection, 0, {}, {}
        if self.using != connection:
            return self.send(header(RESET, connection))
        if number == self.next:
            self.next += 1
            self.items(items)
        self.send(header(ACK, connection) + struct.pack("<Q", self.next))

    def items(self, rest):
        while rest:
            kind, rest = rest[0], rest[1:]
            if kind == DEFINE:
                channel, flags, pid, writer, length = struct.unpack("<IBI16sB", rest[:26])
                user, rest = rest[26 : 26 + length].decode(), rest[26 + length :]
                (length,) = struct.unpack("<H", rest[:2])
                path, rest = rest[2 : 2 + length].decode(), rest[2 + length :]
                self.channels[channel] = flags, writer, user, path
            elif kind == RUN:
                channel, first, length = struct.unpack("<IQI", rest[:16])
                run, rest = rest[16 : 16 + length], rest[16 + length :]
                while run:
                    (length,) = struct.unpack("<I", run[:4])
                    self.record(channel, first, run[4 : 4 + length])
                    first, run = first + 1, run[4 + length :]
            elif kind == FRAGMENT:
                channel, sequence, total, offset, length = struct.unpack("<IQIII", rest[:24])
                part, rest = rest[24 : 24 + length], rest[24 + length :]
                whole = self.partial.setdefault(channel, bytearray())
                assert len(whole) == offset
                whole += part
                if len(whole) == total:
                    self.record(channel, sequence, bytes(self.partial.pop(channel)))
            elif kind == CLOSE:
                del self.channels[struct.unpack("<I", rest[:4])[0]]
                rest = rest[4:]
            elif kind == RESULT:
                self.member.event("outcome", self.name, OUTCOMES[rest[24]])
                rest = rest[25:]
            elif kind == MISSED:
                self.member.event("missed", self.name, struct.unpack("<Q", rest[16:24])[0])
                rest = rest[24:]
            else:
                raise ValueError(f"item {kind}")

    def record(self, channel, sequence, record):
        flags, writer, user, path = self.channels[channel]
        taken = fold(path) in self.member.slots
        if self.known.get(writer, -1) < sequence:
            self.known[writer] = sequence
            if taken:
                self.member.event("record", self.name, user, path, record)
        outcome = 1 if taken else 2
        if flags & CONFIRMED:
            result = writer + struct.pack("<QB", sequence, outcome)
            self.give(bytes([RESULT]) + result)
        elif not taken and not flags & WIDE:
            self.give(bytes([MISSED]) + writer + struct.pack("<Q", 1))

    def ask(self, what):
        self.send(header(ASK, os.urandom(8)) + bytes([what]))


def header(kind, id):
    return b"MG\1" + bytes([kind]) + bytes(4) + id


def define(channel, writer, path, flags=0, user="snake"):
    user, path = user.encode(), path.encode()
    fixed = struct.pack("<BIBI16sB", DEFINE, channel, flags, os.getpid(), writer, len(user))
    return fixed + user + struct.pack("<H", len(path)) + path


def run(channel, first, records):
    records = b"".join(struct.pack("<I", len(record)) + record for record in records)
    return struct.pack("<BIQI", RUN, channel, first, len(records)) + records


def fragments(channel, sequence, record, size=50_000):
    for offset in range(0, len(record), size):
        part = record[offset : offset + size]
        place = struct.pack("<BIQIII", FRAGMENT, channel, sequence, len(record), offset, len(part))
        yield place + part


class Member:
    """A computer of a domain. Zenoh's threads only put into a queue; `work` does the rest."""

    def __init__(self, identity, slots, event, **session):
        self.id, self.slots, self.event = identity, slots, event
        self.ephemeral = X25519PrivateKey.generate()
        self.ephemeral_public = public(self.ephemeral)
        self.counter, self.queue = 0, queue.Queue()
        keys = self.id.keys_of_members()
        self.peers = {
            name: Peer(self, name, key) for name, key in keys.items() if name != identity.computer
        }
        self.session = identity.session(**session)
        me, domain = identity.computer, identity.domain
        self.subscriber = self.session.declare_subscriber(
            f"ms1/{domain}/{me}/*",
            lambda s: self.queue.put((str(s.key_expr).split("/")[3], s.payload.to_bytes())),
        )
        liveliness = self.session.liveliness()
        self.watch = liveliness.declare_subscriber(
            f"ms1/{domain}/*/alive/*",
            lambda s: self.queue.put((str(s.key_expr).split("/")[2], s.kind)),
            history=True,
        )
        self.token = liveliness.declare_token(
            f"ms1/{domain}/{me}/alive/{self.ephemeral_public[:8].hex()}"
        )

    def count(self):
        self.counter += 1
        return self.counter

    def put(self, to, payload):
        self.session.put(
            f"ms1/{self.id.domain}/{to}/{self.id.computer}",
            payload,
            congestion_control=zenoh.CongestionControl.DROP,
        )

    def work(self, seconds):
        """Does what is to be done, and waits a while for something."""
        try:
            self.heed(*self.queue.get(timeout=seconds))
        except queue.Empty:
            pass
        for peer in self.peers.values():
            peer.tick()

    def heed(self, name, what):
        peer = self.peers.get(name)
        if callable(what):
            what()
        elif peer and what == zenoh.SampleKind.PUT:
            peer.greet()
        elif peer and isinstance(what, bytes) and what[0] == GREETING:
            peer.greeted(what[1:74], what[74:])
        elif peer and isinstance(what, bytes) and what[0] == SEALED:
            peer.opened(what[1:])
        elif peer and isinstance(what, bytes) and what[0] == LIST:
            self.event("list", struct.unpack(">Q", what[1:9])[0])
