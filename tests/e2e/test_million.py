"""A million messages through `sts pub -l | broker | sts sub -C`."""

import os
import subprocess
import threading

from harness import PATIENCE, STS
from one_shot import SMALL_ASAN, OneShotTestCase, peak_resident

# Enough for message ids, of which there are 65 535, to come round several times.
COUNT = int(os.environ.get("STS_TEST_MESSAGES", "1000000"))
# kB that the peak may grow by from a tenth of the messages to nine tenths. AddressSanitizer has memory of its own.
FLAT = 2000 if COUNT == 1_000_000 else 26_000


class Million(OneShotTestCase):
    settings = ("max_queued_messages 0", "max_queued_bytes 0", "log_type information", "log_type subscribe")

    def start(self, *argv, **popen):
        process = subprocess.Popen([STS, *argv[:1], "--plain", *self.at(), "-q", "1", "-t", "t", *argv[1:]],
                                   env={**os.environ, **self.user.env, "ASAN_OPTIONS": SMALL_ASAN}, **popen)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def measured(self, process, peaks):
        """The numbers of the messages; on the way it notes the peak memory of `process` twice."""
        for i in range(COUNT):
            if i in (COUNT // 10, COUNT // 10 * 9):
                peaks.append(peak_resident(process.pid))
            yield i

    def test_none_is_missing_none_double_and_memory_is_flat(self):
        sub = self.start("sub", "-C", str(COUNT), "-i", "sub", stdout=subprocess.PIPE)
        self.b.log.expect("sub 1 t$")
        pub = self.start("pub", "-l", stdin=subprocess.PIPE)
        sent, received = [], []

        def feed():
            with pub.stdin:
                for i in self.measured(pub, sent):
                    pub.stdin.write(b"message %d\n" % i)

        feeder = threading.Thread(target=feed, daemon=True)
        feeder.start()
        with sub.stdout:
            for i in self.measured(sub, received):
                self.assertEqual(sub.stdout.readline(), b"message %d\n" % i)
            self.assertEqual(sub.stdout.read(), b"")
        feeder.join(PATIENCE)
        self.assertEqual((pub.wait(PATIENCE), sub.wait(PATIENCE)), (0, 0))
        for name, (early, late) in (("pub", sent), ("sub", received)):
            print(f"sts {name}: peak resident memory {late} kB after {COUNT} messages")
            self.assertLess(late - early, FLAT, name)
