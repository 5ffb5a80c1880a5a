"""load: clients in a continuous loop, each on a kept connection, and a record of every answer."""
import collections
import threading
import time

import web
from rig import must

PAUSE_AFTER_FAILURE = 0.02
DETAIL = ": body "
LIMIT = 120             # seconds that the wait for the least number of requests may take


def refusal(answer):
    """The front server's own answer is HTML, ours is JSON that says why."""
    return None if answer.status == 200 else f"status {answer.status}{DETAIL}{answer.body[:120].decode(errors='replace')}"


class Job:
    """One kind of request: its bytes, and what is wrong with an answer (None: nothing)."""

    def __init__(self, name, data, wrong=None):
        self.name = name
        self.data = data
        self.wrong = wrong or refusal


def token_job(client, name="token", **pairs):
    data = web.encode("POST", client.prefix + "/token", web.form({"grant_type": "client_credentials", **pairs}),
                      [web.basic(client.id, client.secret)])
    return Job(name, data)


def validate_job(client, token, wanted=True, name="validate"):
    def wrong(answer):
        if answer.status != 200:
            return refusal(answer)
        return None if answer.json()["active"] is wanted else f"active is not {wanted}"
    data = web.encode("POST", client.prefix + "/validate", web.form({"token": token}),
                      [web.basic(client.id, client.secret)])
    return Job(name, data, wrong)


class Load:
    """with Load(port, jobs) as load: ...   Each thread repeats the jobs until the end of the block."""

    def __init__(self, port, jobs, threads=8, pause=0.0, least=0):
        """least: requests that are answered before the block ends, however long that takes."""
        self.port, self.jobs, self.pause, self.least = port, jobs, pause, least
        self.good = collections.Counter()
        self.failures = []                              # (time, job, why)
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(number,), daemon=True) for number in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, failure, *unused):
        start = time.monotonic()
        while not failure and self.total() < self.least and time.monotonic() - start < LIMIT:
            time.sleep(0.02)
        self.over.set()
        for thread in self.threads:
            thread.join(web.SECONDS + 5)

    def work(self, number):
        connection = None
        while not self.over.is_set():
            job = self.jobs[number % len(self.jobs)]
            number += 1
            try:
                connection = connection or web.Connection(self.port)
                answer = connection.raw(job.data)
                why = job.wrong(answer)
                if (answer.header("Connection") or "").lower() == "close":
                    connection.close()
                    connection = None
            except (OSError, ValueError, KeyError) as failure:
                connection = connection and connection.close()
                why = f"{type(failure).__name__}: {failure}"
            self.account(job, why)
            if why or self.pause:
                time.sleep(self.pause or PAUSE_AFTER_FAILURE)
        if connection:
            connection.close()

    def account(self, job, why):
        with self.lock:
            if why:
                self.failures.append((time.monotonic(), job.name, why))
            else:
                self.good[job.name] += 1

    def total(self):
        with self.lock:
            return sum(self.good.values())

    def failed(self, since=0.0, name=None):
        """The whys, of one job or of all, since a moment (time.monotonic()), without bodies."""
        return [why.partition(DETAIL)[0] for why in self.details(since, name)]

    def details(self, since=0.0, name=None):
        with self.lock:
            return [why for at, job, why in self.failures if at >= since and name in (None, job)]

    def none_failed(self, least, since=0.0, name=None):
        whys = self.details(since, name)
        must(not whys, f"{len(whys)} of {self.total() + len(whys)} failed: {collections.Counter(whys).most_common(4)}")
        must(self.total() >= least, f"only {self.total()} requests in all")
