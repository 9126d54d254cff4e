"""Nothing that was accepted is lost, comes twice or in another order, whatever happens to whom in between: see crash.py."""

import contextlib
import pathlib
import re
import signal

from crash import BATCH, CHANNEL, ROUNDS, SESSION, Accepted, CrashTestCase, once_and_in_order, without_repeats
from harness import Home, TestCase
from network import Network, NoNetwork


class CrashJudge(TestCase):
    """That it can say no."""

    def test_once_and_in_order(self):
        accepted = Accepted()
        accepted.add(True, 3)
        accepted.add(False, 3)
        accepted.add(True, 2)
        for received in ([0, 1, 2, 6, 7], [0, 1, 2, 3, 4, 6, 7]):
            self.assertEqual(once_and_in_order(received, accepted), "")
        for received, why in (([0, 1, 2, 2, 6, 7], "came after"), ([0, 2, 1, 6, 7], "came after"), ([0, 1, 6, 7], "1 missing"),
                              ([0, 1, 2, 4, 6, 7], "1 missing"), ([0, 1, 2, 6], "1 missing"), ([0, 1, 2, 6, 7, 9], "nobody")):
            self.assertIn(why, once_and_in_order(received, accepted), received)
        self.assertEqual(once_and_in_order([0, 2, 6, 7], accepted, 1), "")
        self.assertNotEqual(once_and_in_order([0, 1, 2, 6, 7], accepted, 1), "")

    def test_without_repeats(self):
        self.assertEqual(without_repeats([0, 1, 2, 1, 2, 3], [0, 3]), [0, 1, 2, 3])
        self.assertEqual(without_repeats([0, 1, 2, 1], [0, 3]), [0, 1, 2])
        self.assertEqual(without_repeats([0, 1, 1, 2], [0]), [0, 1, 1, 2])  # of one process: left for the other judge
        self.assertIsNone(without_repeats([0, 1, 2, 1, 3], [0, 3]))


class Crash(CrashTestCase):
    """Over a proxy that fails."""

    def test_nothing_is_lost(self):
        with self.subTest(seed=self.seed):
            for _ in range(ROUNDS):
                for topic in (SESSION, CHANNEL):
                    self.accept(topic, killed=self.chance.random() < 0.3)
                self.run_all()
                some = self.chance.randrange(BATCH)
                before = len(set(self.lines()))
                self.await_lines(lambda lines, to=before + some: len(set(lines)) >= min(to, self.least()))
                self.happen()
            self.finish()
            self.judge()

    def happen(self):
        happenings = [*[self.kill] * 3, self.term, self.restart, self.crash, self.forget, self.cut, self.stall, self.slow, self.fill]
        self.chance.choice(happenings)()

    def kill(self):
        for actor in self.chance.sample(sorted(self.actors), self.chance.randrange(1, 4)):
            self.end(actor)

    def term(self):
        self.end(self.chance.choice(sorted(self.actors)), signal.SIGTERM)

    def broker_again(self, how, forgets=False):
        self.b.log.process.send_signal(how)
        self.b.log.wait()
        if forgets:
            pathlib.Path(self.directory, "mosquitto.db").unlink(missing_ok=True)
        self.b.start()

    def restart(self):
        self.broker_again(signal.SIGTERM)

    def crash(self):
        self.broker_again(signal.SIGKILL)

    def forget(self):
        self.broker_again(signal.SIGKILL, forgets=True)

    def cut(self):
        self.way.cut()

    def stall(self):
        self.way.stall()
        for actor in ("sends", "stores"):
            self.end(actor)
        self.way.go()

    def slow(self):
        self.way.slow(self.chance.random() < 0.5)

    def fill(self):
        """The disk of one of them, for a while."""
        self.full = self.chance.choice([self.pump, self.gateway])
        if not self.full.directory.parent.is_mount():
            return  # it would be everybody's
        filler = self.full.directory / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        for topic in (SESSION, CHANNEL):
            self.accept(topic, killed=False)
        self.run_all()
        filler.unlink()
        self.full = None


class CrashInNetwork(Crash, CrashTestCase):
    """The same over TCP whose cable is pulled, whose connections are reset, and which loses packets."""

    def setUp(self):
        try:
            self.network = self.keep(Network())
        except NoNetwork as why:
            self.skipTest(f"a network of its own isn't allowed: {why}")
        super().setUp()

    def broker(self, *settings):
        return super().broker(*settings, enter=self.network.enter)

    def way_to_broker(self):
        self.network.port = self.b.port
        return self.network


class CrashDamaged(CrashTestCase):
    """The end of a state's log is torn off or overwritten, as by a disk that lies about what it has written. What was
    accepted may be lost, or come twice, once that is told; whatever is accepted later may not."""

    def home(self, name="home"):
        return Home(self.directory, name)  # a disk in memory may not take the file's mark

    def test_what_is_lost_is_told(self):
        with self.subTest(seed=self.seed):
            for _ in range(ROUNDS):
                self.accept_and_await(self.chance.randrange(BATCH))
                self.damage()
            self.accept_and_await(BATCH - 1)
            self.finish()
            self.judge()

    def accept_and_await(self, some):
        target = self.accepted[SESSION].next + some
        for topic in (SESSION, CHANNEL):
            self.accept(topic, killed=False)
        self.run_all()
        self.await_lines(lambda lines: max(lines, default=0) >= target or self.sure_from[SESSION] > target)

    def damage(self):
        home = self.chance.choice([self.pump, self.gateway])
        for actor in ("sends", "stores") if home is self.pump else ("prints", "publishes"):
            self.end(actor)
        log = pathlib.Path(home.env["STS_HOME"], "state.db-wal")
        if not log.exists() or log.stat().st_size == 0:
            return  # it was merged into the database
        size = log.stat().st_size
        keeps = size - min(size, self.chance.randrange(1, 3 * 4096))
        with log.open("r+b") as out:
            out.truncate(keeps)
            if self.chance.random() < 0.5:
                out.seek(keeps)
                out.write(self.chance.randbytes(size - keeps))

    def told(self, text):
        """Whether somebody said that something is lost."""
        if not re.search("damaged|malformed|not a database|a copy", text):
            return False
        for topic in (SESSION, CHANNEL):
            self.sure_from[topic] = self.accepted[topic].next
        return True
