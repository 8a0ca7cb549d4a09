"""activate.py PATH NAME COMMAND...: what a service manager does with a socket unit. It listens at PATH,
starts the command when somebody connects, hands it the socket by this name, and begins anew when the
command has ended."""

import ctypes
import os
import select
import signal
import socket
import sys

PR_SET_PDEATHSIG = 1

path, name, *command = sys.argv[1:]
os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
me = os.getpid()
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(path)
os.chmod(path, 0o666)
listener.listen(4096)
print("listening", flush=True)
while True:
    select.select([listener], [], [])
    child = os.fork()
    if child == 0:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != me:
            os._exit(0)  # The end came before that.
        os.dup2(listener.fileno(), 3)
        os.set_inheritable(3, True)
        handed = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": name}
        os.execvpe(command[0], command, {**os.environ, **handed})
    print("started", child, flush=True)
    print("ended", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
