#!/usr/bin/env python3
"""replay: a signed proof is accepted once, on each host (replay = host) or on all hosts of one database (replay = cluster).

Two pools with names of their own on a private mariadbd. An operator's session holds the rows that a keeper is about to
write, as the keeper of another host would, for longer than any host does."""
import concurrent.futures
import hashlib
import os
import signal
import subprocess
import threading
import time

import fastcgi
import rig
import tokens
import web
from stack import Stack
from pool import Pool
from rig import await_true, check, equal, must
from signer import TYPE, Signer, add_key

REPLAYS = int(os.environ.get("M2MAUTH_REPLAYS", "2000"))
TIMES, PARALLEL, WORKERS = 16, 32, 8
WAIT_MS, STATEMENT_SECONDS = 2000, 0.9                  # what a worker waits, what the keeper lets a statement take
PURGE_SECONDS = 70
SECRET = web.form({"grant_type": "client_credentials"})


class Hosts:
    """Two pools on one database, and a client that signs."""

    def __init__(self, stack, second):
        self.stack, self.database = stack, stack.database
        other = rig.Operator(second, stack.build, stack.database, **{**stack.operator.settings, "host_id": "other"})
        self.operators, self.pools = [stack.operator, other], [stack.pool, Pool(other)]
        self.credentials = ("HTTP_AUTHORIZATION", web.basic("reader", stack.operator.client("reader"))[1])
        stack.operator.client("prover", reads=False)
        self.signer = Signer(stack.scratch, "prover", "key")
        add_key(stack.database.sql, self.signer)

    def start(self, replay):
        for operator, pool in zip(self.operators, self.pools):
            operator.configure(replay=replay)
            pool.start(workers=WORKERS)

    def stop(self):
        for pool in self.pools:
            pool.stop()

    def ask(self, host, assertion):
        form = {"grant_type": "client_credentials", "client_assertion_type": TYPE, "client_assertion": assertion}
        return fastcgi.ask(self.pools[host].socket, "POST", "/oauth/token", web.form(form))

    def status(self, host, assertion):
        answer = self.ask(host, assertion)
        return answer.status if answer else 0

    def later(self, host, assertion):
        """Asks now; result() is the status."""
        return concurrent.futures.ThreadPoolExecutor(1).submit(self.status, host, assertion)

    def by_secret(self, host):
        return self.pools[host].ask("POST", "/token", SECRET, [self.credentials]).status

    def counted(self, name):
        """The sum of a counter of both hosts."""
        pages = [pool.ask("GET", "/metrics").body.decode() for pool in self.pools]
        return sum(int(line.split()[1]) for page in pages for line in page.splitlines()
                   if line.startswith(f"m2mauth_{name}_total "))

    def number(self, sql):
        return int(self.database.sql(sql)[0][0])


def proof(assertion):
    """The key of the row in used_proof as a SQL literal; implemented a second time here, because all hosts must agree on it."""
    body = tokens.claims(assertion)
    parts = [body["sub"].encode(), body["jti"].encode()]
    return f"X'{hashlib.sha256(b''.join(len(part).to_bytes(8, 'big') + part for part in parts)).hexdigest()}'"


class Session:
    """A SQL session that stays open between two statements."""

    def __init__(self, database):
        self.process = subprocess.Popen(["mariadb", "--no-defaults", f"--socket={database.socket}", "--user=root",
                                         "--batch", "--skip-column-names", "--unbuffered", "m2mauth"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.stdin.close()
        self.process.wait(10)

    def say(self, sql):
        self.process.stdin.write(f"{sql}; SELECT 'done';\n".encode())
        self.process.stdin.flush()
        must(self.process.stdout.readline() == b"done\n", f"SQL failed: {sql[:100]}")

    def hold(self, *assertions):
        self.say("START TRANSACTION")
        for assertion in assertions:
            self.take(assertion)

    def take(self, assertion, insert="INSERT"):
        self.say(f"{insert} INTO used_proof (proof, expires_at) VALUES ({proof(assertion)}, NOW() + INTERVAL 1 MINUTE)")


def keeper_waits(hosts):
    """Waits until a keeper waits for a locked row."""
    waiting = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
    await_true(lambda: hosts.number(waiting) > 0, 2, "a keeper waits")


# --- each host for itself -------------------------------------------------------------------------------------------

@check("replay = host: each host accepts an assertion once, without the database")
def each_host(hosts):
    hosts.start("host")
    assertion = hosts.signer.sign()
    equal([hosts.status(host, assertion) for host in (0, 1, 0, 1)], [200, 200, 401, 401], "host, other, host, other")
    equal(hosts.number("SELECT COUNT(*) FROM used_proof WHERE expires_at > NOW()"), 0, "rows")
    hosts.database.stop()
    equal([hosts.status(host, hosts.signer.sign()) for host in (0, 1)], [200, 200], "without a database")
    hosts.database.start()
    hosts.stop()


# --- all hosts together ---------------------------------------------------------------------------------------------

def replay(hosts, replays):
    """For each assertion the statuses of TIMES copies, sent to all workers of both hosts at once."""
    assertions = [hosts.signer.sign() for _ in range(max(1, replays // TIMES))]
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as crowd:
        statuses = list(crowd.map(lambda job: hosts.status(job[1] % 2, job[0]),
                                  [(one, copy) for one in assertions for copy in range(TIMES)]))
    return [statuses[start:start + TIMES] for start in range(0, len(statuses), TIMES)]


@check(f"F6 T15 replay = cluster: {REPLAYS} replays at all workers of two hosts at once: each accepted exactly once")
def once(hosts):
    hosts.start("cluster")
    feed = hosts.number("SELECT SUM(seq) FROM feed_stream")
    deadlocks = hosts.database.status("Innodb_deadlocks")
    answers = replay(hosts, REPLAYS)
    wins = [statuses.count(200) for statuses in answers]
    equal(sorted({status for statuses in answers for status in statuses}), [200, 401], "answers")
    equal((min(wins), max(wins)), (1, 1), "accepted at least, at most")
    equal(hosts.number("SELECT COUNT(*) FROM used_proof WHERE expires_at > NOW() - INTERVAL 5 MINUTE"), len(wins), "rows")
    equal(hosts.counted("proofs_new"), len(wins), "m2mauth_proofs_new_total")
    must(hosts.counted("proofs_used") > 0, "the database has never been the one to say no")
    equal(hosts.number("SELECT SUM(seq) FROM feed_stream"), feed, "the feed")
    equal(hosts.database.status("Innodb_deadlocks"), deadlocks, "deadlocks, although both keepers write in one order")


@check("F6 replay = cluster: keepers killed in between: never accepted twice, and nothing but 200, 401 and 503")
def keepers_die(hosts):
    over = threading.Event()

    def kill():
        while not over.wait(0.8):
            for pool in hosts.pools:
                rig.send_signal(pool.keeper() or 0x7fffffff, signal.SIGKILL)
    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    try:
        answers = replay(hosts, REPLAYS)
    finally:
        over.set()
        killer.join()
    equal(sorted({status for statuses in answers for status in statuses} - {200, 401, 503}), [], "other answers")
    wins = [statuses.count(200) for statuses in answers]
    equal(max(wins), 1, "accepted at most")
    must(sum(wins) > len(wins) // 4, f"only {sum(wins)} of {len(wins)} were accepted at all")
    for host, pool in enumerate(hosts.pools):
        pool.await_ready()
        await_true(lambda host=host: hosts.status(host, hosts.signer.sign()) == 200, 10, "all is well afterwards")


@check("F6 another host is about to commit the same proof: its end is waited for, and decides")
def contested(hosts):
    for word, wanted in (("COMMIT", 401), ("ROLLBACK", 200)):
        assertion = hosts.signer.sign()
        with Session(hosts.database) as other:
            other.hold(assertion)
            answer = hosts.later(0, assertion)
            keeper_waits(hosts)
            must(not answer.done(), "answered before the other has ended")
            other.say(word)
            equal(answer.result(), wanted, f"after its {word}")


@check("F6 another host holds the same proof for too long: 503, used up on the host that asked, free on another")
def held(hosts):
    assertion = hosts.signer.sign()
    with Session(hosts.database) as other:
        other.hold(assertion)
        start = time.monotonic()
        answer = hosts.ask(0, assertion)
        took = time.monotonic() - start
        equal(answer.status, 503, "status")
        must(answer.headers.get("retry-after"), "503 without Retry-After")
        must(took < rig.PATIENCE * STATEMENT_SECONDS, f"answered after {took:.1f} s")
        equal(hosts.status(0, hosts.signer.sign()), 200, "another proof meanwhile")
        other.say("ROLLBACK")
    equal([hosts.status(host, assertion) for host in (0, 1, 1)], [401, 200, 401], "host, other, other")


def in_a_circle(hosts, word):
    """Two jobs in one transaction of a keeper that deadlocks with another session, which then runs word. Returns the
    statuses, or None if the jobs were not in one transaction."""
    first, *both = (hosts.signer.sign() for _ in range(3))
    low, high = sorted(both, key=proof)
    deadlocks = hosts.database.status("Innodb_deadlocks")
    with Session(hosts.database) as gate, Session(hosts.database) as other:
        other.hold(high)
        # With so many rows the server rolls back the keeper.
        other.say("INSERT INTO revoked_token (jti) SELECT CONCAT(UUID(), '.', seq) FROM seq_1_to_500")
        gate.hold(first)
        answers = [hosts.later(0, first)]
        keeper_waits(hosts)
        for one in (low, high):                         # while the keeper waits; one after the other, for two workers
            answers.append(hosts.later(0, one))
            time.sleep(0.15)
        gate.say("ROLLBACK")
        must(answers[0].result() in (200, 503), "the job before them")
        keeper_waits(hosts)
        other.take(low, "INSERT IGNORE")
        other.say(word)
        statuses = [answer.result() for answer in answers[1:]]
    return statuses if hosts.database.status("Innodb_deadlocks") > deadlocks else None


@check("F6 a transaction that fails (1213) is tried again, and finds what the other has committed")
def deadlock(hosts):
    for word, wanted in (("COMMIT", 401), ("ROLLBACK", 200)):
        statuses = next(filter(None, (in_a_circle(hosts, word) for _ in range(5))), None)
        equal(statuses, [wanted, wanted], f"after the other's {word}")


@check("F6 replay = cluster without a database: 503 with Retry-After, never 401; then the host remembers, the others do not")
def no_database(hosts):
    lost = hosts.signer.sign()
    hosts.database.stop()
    for host, assertion in ((0, lost), (0, hosts.signer.sign()), (1, hosts.signer.sign())):
        start = time.monotonic()
        answer = hosts.ask(host, assertion)
        equal(answer.status, 503, "status")
        must(answer.headers.get("retry-after"), "503 without Retry-After")
        must(time.monotonic() - start < rig.PATIENCE, "answered too late")
        equal(hosts.by_secret(host), 200, "a client with a secret")
    must(hosts.counted("proofs_failed") >= 3, "m2mauth_proofs_failed_total")
    hosts.database.start()
    for host in (0, 1):
        await_true(lambda host=host: hosts.status(host, hosts.signer.sign()) == 200, 10, "it works again")
    equal([hosts.status(host, lost) for host in (0, 1)], [401, 200], "the proof that could not be checked: on this host, on the other")


@check("F6 replay = cluster: after m2mauth is restarted on both hosts, used proofs are still refused")
def restart(hosts):
    assertion = hosts.signer.sign()
    equal(hosts.status(0, assertion), 200, "before")
    hosts.stop()
    hosts.start("cluster")
    equal([hosts.status(host, assertion) for host in (0, 1)], [401, 401], "afterwards")


@check("rows are purged ten minutes after their proofs have ended")
def purged(hosts):
    old, all_of = "proof = UNHEX(REPEAT('00', 32))", "SELECT COUNT(*) FROM used_proof WHERE "
    await_true(lambda: hosts.number(all_of + old) == 0, PURGE_SECONDS, "the old row is gone", interval=0.5)
    equal(hosts.number(all_of + "proof = UNHEX(REPEAT('01', 32))"), 1, "the row that is not so old")


@check("no sanitizer report (replay)")
def quiet(hosts):
    for pool in hosts.pools:
        pool.no_sanitizer_report()
        failed = [line for line in pool.log().splitlines() if '"commit_failed"' in line and "(error 1969)" not in line]
        must(not failed, f"a commit failed for another reason than that it took too long: {failed[:3]}")


def script(build, scratch):
    stack = Stack(build, scratch, kinds=(), log_requests="none", failures_per_minute=10000, revoke_wait_ms=WAIT_MS)
    stack.database.sql("INSERT INTO used_proof (proof, expires_at) VALUES "
                       "(UNHEX(REPEAT('00', 32)), NOW() - INTERVAL 11 MINUTE), "
                       "(UNHEX(REPEAT('01', 32)), NOW() - INTERVAL 6 MINUTE)")
    with rig.Scratch() as second:
        hosts = Hosts(stack, second)
        rig.run_checks("", hosts)
        hosts.stop()
        stack.database.stop()


if __name__ == "__main__":
    rig.main(script)
