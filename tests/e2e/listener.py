#!/usr/bin/env python3
"""listener: the listening socket when another process has put it into blocking mode.

O_NONBLOCK belongs to the open file description. systemd clears it, for all processes that share the socket, whenever it
starts a process of a service with StandardInput=socket, as it does for each ExecReload=."""
import errno
import os
import signal
import socket
import struct
import time

import fastcgi
import rig
from pool import SharedPool
from rig import await_true, check, equal, must

WORKERS = 8
ROUNDS, BURST = 60, 6


def bursts(pool, before):
    """Connections that come several at a time, so that more than one worker is woken; each one is answered."""
    for _ in range(ROUNDS):
        before()
        peers = [fastcgi.Peer(pool.socket) for _ in range(BURST)]
        for peer in peers:
            answer = peer.ask("GET", "/oauth/live")
            must(answer and answer.status == 200, "a request on a new connection has no answer")
            peer.sock.close()


def nobody_sleeps_in_accept(pool):
    seen = set(pool.workers())
    for _ in range(20):
        seen &= set(pool.sleeping_in_accept())
        time.sleep(0.02)
    must(not seen, f"workers that stay in accept4(): {seen}")


@check("after the flag was cleared and HUP: it is set again, and no worker waits in accept()")
def cleared_then_hup(pool):
    pool.clear_flag()
    must(not pool.flag_is_set(), "the flag is not cleared")
    pool.reload()
    must(pool.flag_is_set(), "the flag is still cleared after SIGHUP")
    bursts(pool, lambda: None)
    nobody_sleeps_in_accept(pool)


@check("after the flag was cleared without HUP: it is set again within two turns of the master")
def cleared_alone(pool):
    pool.clear_flag()
    await_true(pool.flag_is_set, 10, "the flag is set again")


def accept_is_limited(pool):
    seconds, microseconds = struct.unpack("@ll", pool.shared.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16))
    must(0 < seconds * 1000000 + microseconds <= 10000, f"the limit of accept() is {seconds}.{microseconds:06} s")


@check("while the flag is cleared: accept() returns, and kept connections are answered")
def while_cleared(pool):
    accept_is_limited(pool)
    kept = [fastcgi.Peer(pool.socket, 20) for _ in range(2 * WORKERS)]
    bursts(pool, pool.clear_flag)
    pool.clear_flag()
    nobody_sleeps_in_accept(pool)
    for peer in kept:
        answer = peer.ask("GET", "/oauth/live")
        must(answer and answer.status == 200, "a kept connection is not answered")
        peer.sock.close()


@check("a blocking accept() on the shared socket fails with EAGAIN")
def accept_returns(pool):
    accept_is_limited(pool)
    os.kill(pool.master, signal.SIGSTOP)        # or it sets the flag again
    try:
        pool.clear_flag()
        pool.shared.setblocking(True)
        pool.shared.accept()[0].close()
        raise rig.Failure("there was a connection")
    except BlockingIOError as failure:
        equal(failure.errno, errno.EAGAIN, "errno")
    finally:
        os.kill(pool.master, signal.SIGCONT)


@check("a stop with the flag cleared kills no worker")
def stops(pool):
    pool.clear_flag()
    pool.stop()
    must('"event":"killed"' not in pool.log(), "a worker was killed")


def script(build, scratch):
    database = rig.Database(scratch)
    database.start()
    operator = rig.Operator(scratch, build, database, workers=WORKERS)
    operator.install()
    pool = SharedPool(operator).start("socket")
    rig.run_checks("", pool)
    rig.run_check("no sanitizer report (listener)", pool.no_sanitizer_report)


if __name__ == "__main__":
    rig.main(script)
