#!/usr/bin/env python3
"""browser: a page of another origin in a real browser (Chromium) reads the public documents through each front, with
headers of its own, so that the browser sends OPTIONS first; and can read no other resource of m2mauth."""
import http.server
import json
import queue
import threading

import rig
import web
from stack import Stack
from rig import equal, must

SECONDS = 90                    # a busy machine starts a browser in twenty
DOCUMENTS = ("/oauth/jwks.json", "/.well-known/oauth-authorization-server/oauth",
             "/oauth/.well-known/oauth-authorization-server")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--disable-default-apps")

PAGE = """<!DOCTYPE html><title>a page of another origin</title><script>
const tries = TRIES;
async function read([url, options]) {
    try {
        const answer = await fetch(url, options);
        return [answer.status, await answer.text()];
    } catch (error) {
        return [0, String(error)];
    }
}
(async () => {
    const results = [];
    for (const one of tries) results.push(await read(one));
    await fetch("/results", {method: "POST", body: JSON.stringify(results)});
})();
</script>"""


class Origin(http.server.ThreadingHTTPServer):
    """Serves the page and receives what it has read."""
    daemon_threads = True

    def __init__(self, tries):
        super().__init__(("127.0.0.1", 0), Handler)
        self.page = PAGE.replace("TRIES", json.dumps(tries)).encode()
        self.results = queue.Queue()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def reply(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.reply(self.server.page if self.path == "/" else b"")

    def do_POST(self):
        self.server.results.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.reply(b"")

    def log_message(self, *unused):
        pass


def visit(scratch, tries):
    """What the page has read: (status, text) of each try; status 0: refused by the browser."""
    origin = Origin(tries)
    browser = scratch.start(["chromium", *FLAGS, f"--user-data-dir={scratch.path('profile')}",
                             f"http://127.0.0.1:{origin.server_address[1]}/"], "chromium.log",
                            env={"HOME": scratch.folder, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
    try:
        return origin.results.get(timeout=SECONDS)
    except queue.Empty:
        raise rig.Failure(f"no word from the browser: {scratch.log('chromium.log')[-400:]}") from None
    finally:
        scratch.stop(browser)
        origin.shutdown()


def documents(stack, read):
    for kind in stack.fronts:
        for path in DOCUMENTS:
            status, text = read[kind, path]
            own = web.request(stack.port(kind), "GET", path).body.decode()
            equal((status, text), (200, own), f"{path} under {kind}")
            found = json.loads(text)
            print(f"# the page read under {kind}: {path}: {found.get('issuer') or [key['kid'] for key in found['keys']]}")


def nothing_else(stack, read):
    for kind in stack.fronts:
        for path in ("/oauth/token", "/oauth/live"):
            equal(read[kind, path][0], 0, f"{path} under {kind}")


def alike(stack):
    """The preflight request of the browser, byte for byte, and the same answer from each front."""
    asked = [("Origin", "https://page.example"), ("Access-Control-Request-Method", "GET"),
             ("Access-Control-Request-Headers", "x-own, authorization")]
    names = ("Allow", "Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers",
             "Access-Control-Max-Age", "Cache-Control", "Content-Type")
    for path in DOCUMENTS:
        answers = []
        for kind in stack.fronts:
            answer = web.request(stack.port(kind), "OPTIONS", path, headers=asked)
            equal((answer.status, answer.body), (204, b""), f"OPTIONS {path} under {kind}")
            answers.append([(name, answer.header(name)) for name in names])
        equal(answers[0], answers[-1], f"OPTIONS {path} under both")
        equal(dict(answers[0])["Access-Control-Allow-Origin"], "*", f"OPTIONS {path}")
    for kind in stack.fronts:
        answer = web.request(stack.port(kind), "OPTIONS", "/oauth/token", headers=asked)
        allowed = answer.header("Access-Control-Allow-Origin")
        equal((answer.status, allowed), (405, None), f"OPTIONS /token under {kind}")


def script(build, scratch):
    stack = Stack(build, scratch).start(workers=2)
    rig.run_check("E13 OPTIONS for a public document is answered alike by both fronts", alike, stack)
    own = {"X-Own": "1", "Authorization": "Bearer x", "Content-Type": "application/json"}
    names = [(kind, path) for kind in stack.fronts for path in (*DOCUMENTS, "/oauth/token", "/oauth/live")]
    tries = [(f"http://127.0.0.1:{stack.port(kind)}{path}",
              {"headers": own, "method": "POST" if path == "/oauth/token" else "GET"}) for kind, path in names]
    read = {}
    rig.run_check("a page of another origin runs in Chromium", lambda: read.update(zip(names, visit(scratch, tries))))
    rig.run_check("E13 the page reads metadata and keys with headers of its own", documents, stack, read)
    rig.run_check("E13 the page reads no other resource of m2mauth", nothing_else, stack, read)
    rig.run_check("no sanitizer report (browser)", stack.pool.no_sanitizer_report)
    stack.stop()


if __name__ == "__main__":
    rig.main(script)
