"""stack: a complete installation: database, operator, pool, and both front servers connected to the same pool."""
import fronts
import rig
import web
from pool import Pool


class Stack:
    def __init__(self, build, scratch, kinds=fronts.KINDS, authority=None, **settings):
        """authority: the fronts also have a TLS port, where they request certificates of it."""
        self.build, self.scratch, self.authority = build, scratch, authority
        self.database = rig.Database(scratch)
        self.database.start()
        settings = {"log_requests": "all", "log_requests_per_second": 1000000, **settings}
        self.operator = rig.Operator(scratch, build, self.database, **settings)
        self.operator.install()
        self.pool = Pool(self.operator)
        self.fronts = {kind: fronts.Front(scratch, kind, self.pool.socket, authority=authority) for kind in kinds}

    def start(self, launcher="spawn", workers=None, start_fronts=True):
        self.pool.start(launcher, workers=workers)
        if start_fronts:
            for front in self.fronts.values():
                front.start()
        return self

    def port(self, kind="nginx"):
        return self.fronts[kind].port

    def tls_port(self, kind="nginx", certificate=None):
        return web.TlsPort(self.fronts[kind].tls_port, self.authority.context(certificate))

    def client(self, client_id, kind="nginx"):
        return web.Client(self.port(kind), client_id, self.operator.secrets[client_id])

    def soon(self, condition, what, seconds=3):
        """Waits until an operator's change takes effect; its time limit is measured in the test of that promise."""
        return rig.await_true(condition, seconds, what)

    def stop(self):
        for front in self.fronts.values():
            if front.process:
                front.stop()
        self.pool.stop()
        self.database.stop()
