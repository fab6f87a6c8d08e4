#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Peers that mean ill, for tests.

    hostile.py subsystem SOCKET SECONDS
	registers as "hostile" with the resource monitor, in good order, and then
	writes nonsense into its region, again and again
    hostile.py peer SOCKET SECONDS
	says nonsense to the resource monitor, on one connection after the other
    hostile.py version SOCKET
	speaks another version to it; prints what it answers
    hostile.py guest SOCKET SECONDS
	says nonsense to a disk's back end, as QEMU or a guest behind it could

Chance is seeded: what is sent is the same each time, but not when.
"""
import array
import fcntl
import mmap
import os
import random
import socket
import struct
import sys
import time

# See resmond/abi.h.
HEAD = 384
SLOT, SLOTS = 448, 258
REGISTER, REGION, LIST, FORMER, WELCOME = 1, 2, 3, 4, 5
VERSION = 1
MSG = struct.Struct("<II64sII200s")
F_ADD_SEALS, SEALS = 1033, 1 | 2 | 4

random.seed(1)


def message(kind, name=b"", version=VERSION):
    return MSG.pack(kind, version, name, 0, 0, b"")


def send_fds(sock, data, fds):
    sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])


def connect(path, kind):
    sock = socket.socket(socket.AF_UNIX, kind)
    sock.settimeout(2)
    sock.connect(path)
    return sock


def chunks(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield


def subsystem(path, seconds):
    size = HEAD + SLOT * SLOTS
    writable = os.memfd_create("hostile", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    os.ftruncate(writable, size)
    os.fchmod(writable, 0o400)
    region = mmap.mmap(writable, size)
    head = struct.pack("<QIIQQQQI12x", magic(), VERSION, 1, size, 42, 0, 0, 1)
    region[:len(head)] = head
    region[64:71] = b"hostile"
    region[128:132] = b"evil"
    fcntl.fcntl(writable, F_ADD_SEALS, SEALS)
    readable = os.open(f"/proc/self/fd/{writable}", os.O_RDONLY)
    sock = connect(path, socket.SOCK_SEQPACKET)
    sock.send(message(REGISTER, b"hostile"))
    kind = struct.unpack_from("<I", sock.recv(4096))[0]
    assert kind == FORMER, kind
    send_fds(sock, message(REGION), [readable])
    answer = sock.recv(4096)
    assert struct.unpack_from("<I", answer)[0] == WELCOME, answer
    print("registered", flush=True)
    for _ in chunks(seconds):
        # Entries at first; the header is the last that it spoils.
        at = random.randrange(HEAD, size - 64)
        region[at:at + 64] = random.randbytes(64)
    region[:] = random.randbytes(size)
    print("spoilt", flush=True)
    time.sleep(seconds)


def magic():
    """RESMON_MAGIC, from the header beside."""
    here = os.path.dirname(os.path.realpath(__file__))
    with open(f"{here}/../../userspace/host/resmond/abi.h", encoding="ascii") as header:
        for line in header:
            if line.startswith("#define RESMON_MAGIC"):
                return int(line.split()[2].rstrip("UL"), 16)
    raise ValueError("no magic")


def peer(path, seconds):
    for _ in chunks(seconds):
        sock = connect(path, socket.SOCK_SEQPACKET)
        try:
            for _ in range(random.randrange(4)):
                kind = random.randrange(10)
                data = message(kind, random.choice([b"cpu", b"disk", b"", random.randbytes(64)]))
                if random.randrange(3) == 0:
                    data = data[:random.randrange(len(data))]
                fds = [random.choice([0, 1, sock.fileno()]) for _ in range(random.randrange(3))]
                send_fds(sock, data or b"x", fds)
            # Or go without reading the answer.
            if random.randrange(2):
                sock.settimeout(0.01)
                sock.recv(4096)
        except OSError:
            pass
        sock.close()


def version(path):
    sock = connect(path, socket.SOCK_SEQPACKET)
    sock.send(message(LIST, version=VERSION + 1))
    print(MSG.unpack(sock.recv(4096))[5].rstrip(b"\0").decode())


def guest(path, seconds):
    for _ in chunks(seconds):
        try:
            sock = connect(path, socket.SOCK_STREAM)
            for _ in range(random.randrange(1, 8)):
                size = random.choice([0, 8, 8, 16, 40, 136, random.randrange(512)])
                claimed = random.choice([size, size, size, random.randrange(1 << 32)])
                data = struct.pack("<III", random.randrange(40), random.choice([1, 1, 9]), claimed)
                memory = os.memfd_create("guest")
                os.ftruncate(memory, random.choice([0, 4096, 1 << 20]))
                fds = [memory] * random.randrange(3)
                send_fds(sock, data + random.randbytes(size), fds)
                os.close(memory)
            sock.settimeout(0.01)
            sock.recv(4096)
        except OSError:
            pass
        finally:
            sock.close()


def main():
    what, path, rest = sys.argv[1], sys.argv[2], [float(arg) for arg in sys.argv[3:]]
    {"subsystem": subsystem, "peer": peer, "version": version, "guest": guest}[what](path, *rest)


main()
