"""router.py CONFIG: a router with that configuration, as `zenohd -c CONFIG` is one."""

import sys
import threading

import zenoh

router = zenoh.open(zenoh.Config.from_file(sys.argv[1]))
print("ready", flush=True)
threading.Event().wait()
