#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""As much of a service manager as resmond needs.

    keeper.py NOTIFY_SOCKET PROGRAM [ARGUMENT...]

Keeps the file descriptors that the program stores, and starts it again with
them whenever it was killed (see sd_notify(3), sd_listen_fds(3)).  Ends with it
when it ends in another way.  At first there is something that is of no use.

On SIGUSR1, the next message that removes one is lost, as if the program had been
killed before it could send it.
"""
import array
import os
import select
import signal
import socket
import sys

stored = [("rubbish", os.open("/dev/null", os.O_RDONLY))]
lost = 0


def lose(*_):
    global lost
    lost += 1


def take(notify):
    global lost
    data, ancillary, _, _ = notify.recvmsg(4096, 256)
    fields = dict(line.split("=", 1) for line in data.decode().splitlines())
    name = fields.get("FDNAME", "")
    if "FDSTOREREMOVE" in fields and lost:
        lost -= 1
    elif "FDSTOREREMOVE" in fields:
        for fd in [fd for n, fd in stored if n == name]:
            os.close(fd)
        stored[:] = [(n, fd) for n, fd in stored if n != name]
    for _, _, payload in ancillary:
        for fd in array.array("i", payload):
            stored.append((name, fd))


def start(arguments):
    pid = os.fork()
    if pid:
        return pid
    # Above all descriptors there are, before they get the low numbers.
    high = [os.dup2(fd, 200 + i) for i, (_, fd) in enumerate(stored)]
    for i, fd in enumerate(high):
        os.dup2(fd, 3 + i)
        os.close(fd)
    os.closerange(3 + len(high), 200)
    os.environ["LISTEN_PID"] = str(os.getpid())
    os.environ["LISTEN_FDS"] = str(len(high))
    os.environ["LISTEN_FDNAMES"] = ":".join(name for name, _ in stored)
    os.execv(arguments[0], arguments)


def main():
    path, arguments = sys.argv[1], sys.argv[2:]
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(path)
    os.environ["NOTIFY_SOCKET"] = path
    pid = start(arguments)
    signal.signal(signal.SIGUSR1, lose)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
    while True:
        # What is in the queue comes first, also what a dead one sent.
        if select.select([notify], [], [], 0.05)[0]:
            take(notify)
            continue
        done, status = os.waitpid(pid, os.WNOHANG)
        if not done:
            continue
        if not os.WIFSIGNALED(status):
            sys.exit(os.WEXITSTATUS(status))
        if not select.select([notify], [], [], 0)[0]:
            pid = start(arguments)


main()
