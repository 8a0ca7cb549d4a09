"""A bad line: two Ethernet devices, of which each gets what is sent through the other, late, and not
all of it. Kernels without netem have no other.

While FILE exists, nothing of TCP gets through from or to PORT, as with a firewall.

relay.py NEAR FAR DELAY_MILLIS LOSS_PERCENT BITS_PER_SECOND PORT FILE"""

import fcntl, heapq, os, random, select, struct, sys, time

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
# What waits at a limit longer than this is dropped, as a modem does.
QUEUE_SECONDS = 0.5


def tap(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return fd


def is_of_port(frame, port):
    if frame[12:14] != b"\x08\0" or frame[23] != 6:
        return False
    at = 14 + (frame[14] & 15) * 4
    return port in struct.unpack_from(">HH", frame, at)


def main():
    near, far = tap(sys.argv[1]), tap(sys.argv[2])
    delay, loss, rate = (int(word) for word in sys.argv[3:6])
    port, file = int(sys.argv[6]), sys.argv[7]
    print("ready", flush=True)
    dice = random.Random(1)
    other = {near: far, far: near}
    free = {near: 0.0, far: 0.0}
    waiting, number = [], 0
    while True:
        wait = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        for fd in select.select([near, far], [], [], wait)[0]:
            try:
                frame = os.read(fd, 65536)
            except OSError:
                continue
            now = time.monotonic()
            if port and os.path.exists(file) and is_of_port(frame, port):
                continue
            if dice.random() * 100 < loss or free[fd] - now > QUEUE_SECONDS:
                continue
            if rate:
                free[fd] = max(free[fd], now) + len(frame) * 8 / rate
            number += 1
            heapq.heappush(waiting, (max(free[fd], now) + delay / 1000, number, other[fd], frame))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, to, frame = heapq.heappop(waiting)
            try:
                os.write(to, frame)
            except OSError:
                pass  # Down.


main()
