"""client.py INVITATION SLOT... [--on INTERFACE]: a computer with these slots. Reads commands from standard input, and
says what happens on standard output, one line each.

write COMPUTER PATH TEXT | confirm COMPUTER PATH TEXT | large COMPUTER PATH BYTES | ping COMPUTER |
slots COMPUTER
"""

import hashlib
import os
import sys
import threading

import ms1


def say(*words):
    print(*words, flush=True)


def short(record):
    if len(record) > 100:
        return f"{len(record)} bytes {hashlib.sha256(record).hexdigest()}"
    return record.decode()


def event(what, *words):
    if what == "record":
        words = *words[:3], short(words[3])
    say(what, *words)


class Client:
    def __init__(self):
        path, *slots = sys.argv[1:]
        where = {}
        if "--on" in slots:
            *slots, _, interface = slots
            where = {"interface": interface, "listen": ["0.0.0.0:0"]}
        self.member = ms1.Member(ms1.Identity(path), slots, event, **where)
        self.writers = {}

    def listen(self):
        for line in sys.stdin:
            command = line.rstrip("\n").split(" ", 3)
            self.member.queue.put((None, lambda command=command: self.obey(*command)))

    def obey(self, command, computer, path=None, text=None):
        peer = self.member.peers[computer]
        if command in ("ping", "slots"):
            return peer.ask(1 if command == "ping" else 2)
        # A writer of its own for each slot and kind of record.
        place = computer, path, command == "confirm"
        channel, writer, sequence = self.writers.get(place, (len(self.writers), os.urandom(16), 0))
        self.writers[place] = channel, writer, sequence + 1
        flags = ms1.CONFIRMED if command == "confirm" else 0
        # Again each time: another connection would not know it.
        define = ms1.define(channel, writer, path, flags)
        if command == "large":
            record = bytes(i * 7 % 251 for i in range(int(text)))
            say("wrote", short(record))
            for part in ms1.fragments(channel, sequence, record):
                peer.give(define + part)
        else:
            peer.give(define + ms1.run(channel, sequence, [text.encode()]))


client = Client()
threading.Thread(target=client.listen, daemon=True).start()
say("ready")
while True:
    client.member.work(0.1)
