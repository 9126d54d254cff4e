"""`sts pub --peer --durable`, and `durable = on` in the shell: the peer's disk has it before ours lets go of it."""

import json
import os
import random
import signal
import subprocess

from harness import STS, Process
from test_pub_peer import TOPIC, PeerTestCase

MESSAGES = 1000


class SessionOutbox(PeerTestCase):
    def enqueue(self, *lines):
        code, out, errors = self.send("--enqueue-only", "-l", stdin="".join(f"{line}\n" for line in lines).encode())
        self.assertEqual((code, out, errors), (0, b"", ""))

    def stats(self, home=None):
        code, out, _ = self.run_sts("outbox", "stats", "--format", "json", home=home or self.sender)
        self.assertEqual(code, 0)
        return json.loads(out)

    def deliver(self):
        """A process that delivers what is in the outbox, and ends when that is done."""
        return self.keep(Process([STS, "pub", "--peer", "gateway", "--durable", *self.at(), "-t", TOPIC, "-l"],
                                 env=self.sender.env, stdin=subprocess.DEVNULL))

    def test_lines(self):
        sub = self.waiting_sub("-C", str(MESSAGES))
        lines = b"".join(b"%d\n" % i for i in range(MESSAGES))
        self.assertEqual(self.send("--durable", "-l", stdin=lines), (0, b"", ""))
        self.assertEqual(sub.output(), lines)
        self.assertEqual(self.stats()["messages"], 0)

    def test_neither_broker_nor_peer(self):
        self.b.kill()
        self.enqueue(1, 2)
        code, out = self.sender.sts("outbox", "list")
        self.assertEqual(code, 0)
        self.assertRegex(out, rf"(?m) {TOPIC} \(for gateway\)$")
        self.b.start()
        with self.subTest("flush without a peer is for channels, and says what it leaves"):
            code, _, errors = self.flush()
            self.assertEqual(code, 1)
            self.assertIn("2 messages wait in the outbox", errors)
            self.assertIn("--peer", errors)
        with self.subTest("it waits for the peer as long as it is told"):
            code, _, errors = self.send("--durable", "-m", "3", "--timeout", "1")
            self.assertEqual(code, 1)
            self.assertRegex(errors, "error: 3 messages wait in the outbox for the peer\nhint: .*\n"
                                     "error: no session after 1 s\nhint: ")
        sub = self.waiting_sub("-C", "4")
        self.assertEqual(self.send("--durable", "-m", "4"), (0, b"", ""))
        self.assertEqual(sub.output(), b"1\n2\n3\n4\n")
        self.assertEqual(self.stats()["messages"], 0)

    def flush(self, *argv):
        return self.run_sts("outbox", "flush", *self.at(), *argv, home=self.sender)

    def test_flush(self):
        to = ("--peer", "gateway", "-t", TOPIC)
        self.assertEqual(self.flush(*to), (0, b"", ""))  # nothing waits: nobody has to be there
        self.enqueue(1, 2)
        code, _, errors = self.flush(*to, "--timeout", "1")
        self.assertEqual(code, 1)
        self.assertIn("no session after 1 s", errors)
        sub = self.waiting_sub("-C", "2")
        self.assertEqual(self.flush(*to), (0, b"", ""))
        self.assertEqual(sub.output(), b"1\n2\n")
        self.assertEqual(self.stats()["messages"], 0)
        for argv in (["-t", TOPIC], ["--peer", "gateway"], ["--plain"]):
            code, _, errors = self.flush(*argv)
            self.assertEqual(code, 2, argv)
            self.assertRegex(errors, "^error: .*\nhint: .*")
            self.assertNotIn("--plain", errors.split("hint: ")[1])

    def test_an_unknown_peer(self):
        for argv in (["--enqueue-only"], ["--durable"]):
            code, out, errors = self.send(*argv, "-m", "a", peer="nobody")
            self.assertEqual((code, out), (2, b""))
            self.assertRegex(errors, "^error: .*nobody.*\nhint: ")
        code, _, errors = self.send("--enqueue-only", "-m", "a", peer="first-use")
        self.assertEqual(code, 2)
        self.assertIn("the peer's key isn't known yet", errors)

    def test_interrupted(self):
        self.enqueue(1)
        pub = self.deliver()
        self.b.log.expect("Sending SUBACK to ")
        pub.process.send_signal(signal.SIGINT)
        self.assertEqual(pub.wait(), 1)
        self.assertIn("1 message waits in the outbox", pub.drain())

    def test_killed_at_random(self):
        """Printed, a message counts as taken once it was written: what a killed receiver had written last may come
        again to the next one, and nothing else does."""
        seed = int(os.environ.get("STS_TEST_SEED", random.randrange(1 << 32)))
        with self.subTest(seed=seed):
            rng = random.Random(seed)
            self.enqueue(*range(MESSAGES))
            seen, at = [], 0
            while at < MESSAGES:
                at = min(at + rng.randrange(1, MESSAGES // 4), MESSAGES)
                sub, pub = self.sub(), self.deliver()
                sub.expect(rf"(?m)^{at - 1}$")
                if at < MESSAGES:
                    for victim in rng.sample([sub, pub], 2)[:rng.randrange(1, 3)]:
                        victim.kill()
                    if rng.random() < 0.3:
                        self.b.kill()
                        self.b.start()
                else:
                    self.assertEqual(pub.wait(), 0, pub.text)
                for process in (pub, sub):
                    process.kill()
                shown = [int(line) for line in sub.output().split(b"\n")[:-1]]
                self.assertEqual(shown, list(range(shown[0], shown[0] + len(shown))))
                self.assertLessEqual(shown[0], len(seen))
                at = max(at, shown[-1] + 1)
                seen = seen[:shown[0]] + shown
            self.assertEqual(seen, list(range(MESSAGES)))
            last, pub = self.sub(), self.deliver()
            self.assertEqual(pub.wait(), 0, pub.text)
            last.kill()
            self.assertEqual(self.stats()["messages"], 0)

    def test_in_the_shell(self):
        conf = self.sender.config("out", url="localhost", port=self.b.port, sts_mode="master", peer="gateway",
                                  sub=TOPIC + "/return", pub=TOPIC, durable="on")
        shell = self.shell(self.sender)
        shell.line(f"start {conf}")
        self.b.log.expect("Sending SUBACK to ")
        sub = self.sub("-C", "2")
        shell.expect("session is up with gateway")
        shell.line("sendenc 1")
        sub.expect("^1$")
        self.until(lambda: self.stats()["messages"] == 0)  # the peer's word of it is on its way
        shell.line("status")
        shell.expect("outbox: +0$")
        sub.process.send_signal(signal.SIGSTOP)
        shell.line("sendenc 2")
        self.until(lambda: self.stats()["messages"] > 0)
        shell.kill()
        sub.process.send_signal(signal.SIGCONT)
        again = self.shell(self.sender)
        again.line(f"start {conf}")
        again.expect("session is up with gateway")
        self.assertEqual(sub.output(), b"1\n2\n")
        self.assertEqual(again.finish(), 0)
        self.assertEqual(self.stats()["messages"], 0)
