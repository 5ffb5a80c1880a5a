"""Load generators: wrk for rates and latencies, h2load for "is every single request answered?"."""
import re
import subprocess
import tempfile
from dataclasses import dataclass


@dataclass
class Shot:
    rate: float             # answers per second
    p50: float              # milliseconds
    p99: float
    answer_bytes: float     # mean size of an answer, head included
    requests: int
    used_up: int            # requests for which there was no line left that may be sent once
    errors: int             # sockets that failed or timed out, and answers that were no 2xx or 3xx
    app_us: float = 0.0     # CPU per request of the FastCGI processes
    web_us: float = 0.0     # and of the front server


def wrk(script, url, requests_file, connections, seconds, once=False):
    command = ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--timeout", "5s", "-s", script, url,
               "--", requests_file, *(["once"] if once else [])]
    run = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    found = re.search(r"^RESULT (.*)$", run.stdout, re.M)
    if run.returncode != 0 or not found:
        raise RuntimeError(f"wrk failed: {run.stdout}{run.stderr}")
    requests, duration, size, p50, p99, used_up, *errors = map(int, found.group(1).split())
    return Shot(rate=requests / duration * 1e6, p50=p50 / 1000, p99=p99 / 1000, answer_bytes=size / max(1, requests),
                requests=requests, used_up=used_up, errors=sum(errors))


def h2load(url, request, connections, each):
    """A fixed count on each of the connections, one at a time. How many requests were not answered by a 2xx."""
    total = connections * each
    authorization, form = request
    with tempfile.NamedTemporaryFile("w") as body:
        body.write(form)
        body.flush()
        posted = ["-d", body.name, "-H", "content-type: application/x-www-form-urlencoded"] if form else []
        command = ["h2load", "--h1", "-n", str(total), "-c", str(connections), "-m", "1", "-N", "10s", *posted,
                   "-H", f"authorization: {authorization}", url]
        run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    found = re.search(r"^status codes: (\d+) 2xx", run.stdout, re.M)
    if run.returncode != 0 or not found:
        raise RuntimeError(f"h2load failed: {run.stdout}{run.stderr}")
    return total - int(found.group(1))
