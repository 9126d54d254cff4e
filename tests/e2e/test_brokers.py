"""The same suite against each broker; docs/brokers.md says what passes.

A broker is started once for a class. What it can't do is in the table FEATURES, and then a test proves
that too, so that the table stays true.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import brokers
from harness import PATIENCE, STS, Broker, Home, Process, Shell
from one_shot import Sub

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs/brokers.md"

# One column for each class below.
FEATURES = {
    "MQTT 5, properties": ("yes", "no", "no"),
    "falls back to 3.1.1": ("not needed", "yes", "yes"),
    "QoS 0": ("yes", "yes", "yes"),
    "QoS 1": ("yes", "yes", "yes"),
    "QoS 2": ("yes", "only to subscribe, as QoS 1", "yes"),
    "retained message": ("yes", "yes", "yes"),
    "retained message, subscribed with a wildcard": ("yes", "no", "yes"),
    "will": ("yes", "yes", "yes"),
    "kept session": ("yes", "yes", "yes"),
    "wildcards": ("yes", "yes", "yes"),
    "shared subscription": ("yes", "no", "no"),
    "message of 1 MiB": ("yes", "yes", "yes"),
    "shell: `connect`, `sub`, `pub`, `unsub`": ("yes", "yes", "yes"),
    "`sts ping`": ("yes", "yes", "yes"),
    "`sts bench`, encrypted": ("yes", "yes", "yes"),
    "STS 2 session, 1000 messages": ("yes", "yes", "yes"),
}
FALLBACK = re.compile("warning: .* refuses MQTT 5: going on with 3.1.1, .*\nhint: .*-V 3.1.1.*\n")
NAMES = ("mosquitto", "RabbitMQ", "aedes")


class AnyBroker:
    """The suite. A broker's class adds `name`, `missing` and `launch`."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        why = cls.missing()
        if why:
            raise unittest.SkipTest(f"{cls.name}: {why}")
        directory = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="sts-test-", ignore_cleanup_errors=True))
        cls.directory = directory
        cls.broker = cls.launch(directory)
        cls.addClassCleanup(cls.broker.close)
        cls.serial = 0

    def setUp(self):
        type(self).serial += 1
        self.topic = f"suite/{self.serial}"
        self.user = Home(self.directory, "user")
        self.at = ["-h", "127.0.0.1", "-p", str(self.broker.port)]

    def can(self, feature):
        return FEATURES[feature][NAMES.index(self.name)]

    def run_sts(self, *argv, home=None, stdin=b""):
        done = subprocess.run([STS, *argv], input=stdin, capture_output=True, timeout=PATIENCE, check=False,
                              env={**os.environ, **(home or self.user).env})
        err = done.stderr.decode()
        return done.returncode, done.stdout, FALLBACK.sub("", err) if self.can("falls back to 3.1.1") == "yes" else err

    def pub(self, *argv):
        self.assertEqual(self.run_sts("pub", "--plain", *self.at, *argv), (0, b"", ""), argv)

    def sub(self, *argv, home=None):
        sub = Sub([STS, "sub", *self.at, *argv], env=(home or self.user).env)
        self.addCleanup(sub.close)
        return sub

    def subscribed(self, *argv):
        """A subscriber that has shown that it hears. Not each broker tells who subscribed."""
        ready = f"{self.topic}/ready"
        sub = self.sub("--plain", *argv, "-t", ready, "-F", "%t %q %r %p|")
        while True:
            self.pub("-t", ready, "-m", "ready")
            try:
                sub.expect("ready", patience=0.3)
                return sub
            except AssertionError:
                if sub.process.poll() is not None:
                    raise AssertionError(sub.errors()) from None

    def shows(self, sub, wanted):
        """`wanted` lines come, and none of the topic before them."""
        sub.expect("^" + re.escape(wanted[-1]) + "$")
        lines = [line for line in sub.text.splitlines() if "/ready " not in line]
        self.assertEqual(lines, wanted)

    def test_version(self):
        code, _, err = self.run_sts("pub", "--plain", *self.at, "-t", self.topic, "-m", "a", "-V", "5")
        self.assertEqual(code == 0, self.can("MQTT 5, properties") == "yes", err)
        if code:
            self.assertRegex(err, "^error: .* MQTT 5\nhint: leave out mqtt_version")
        argv = ["pub", "--plain", *self.at, "-t", self.topic, "-m", "a", "-q", "1"]
        self.assertEqual(self.run_sts(*argv), (0, b"", ""))  # whatever it speaks
        told = subprocess.run([STS, *argv], capture_output=True, timeout=PATIENCE, check=True, text=True,
                              env={**os.environ, **self.user.env}).stderr
        self.assertEqual(bool(FALLBACK.fullmatch(told)), self.can("falls back to 3.1.1") == "yes", told)
        self.pub("-t", self.topic, "-m", "a", "-q", "1", "-V", "311")

    def test_properties(self):
        sub = self.sub("--plain", "-t", self.topic, "-F", "%C %R %P %p", "-C", "1", "-q", "1")
        self.pub("-t", self.topic, "-m", "a", "-r", "-q", "1", "--content-type", "text/plain", "--response-topic", "back",
                 "--user-property", "k=v")
        wanted = b"text/plain back k:v a\n" if self.can("MQTT 5, properties") == "yes" else b"   a\n"
        self.assertEqual(sub.output(), wanted)  # it was kept, so whoever came first, it comes

    def test_qos(self):
        for qos in range(3):
            with self.subTest(qos=qos):
                topic = f"{self.topic}/{qos}"
                sub = self.subscribed("-t", topic, "-q", str(qos))
                send = qos if qos < 2 or self.can("QoS 2") == "yes" else 1
                self.pub("-t", topic, "-q", str(send), "-m", "first")
                self.pub("-t", topic, "-q", str(send), "-m", "second")
                self.shows(sub, [f"{topic} {send} 0 first|", f"{topic} {send} 0 second|"])
                if send < qos:  # it breaks the protocol then, and sts says so, and ends
                    code, _, err = self.run_sts("pub", "--plain", *self.at, "-t", topic, "-q", "2", "-m", "third",
                                                "--timeout", "2")
                    self.assertEqual(code, 1)
                    self.assertRegex(err, "^warning: .*broke the MQTT protocol")
                    self.assertRegex(err, "error: .*in time\nhint: .*--timeout")

    def test_retained(self):
        self.pub("-t", self.topic, "-m", "kept", "-r", "-q", "1")
        sub = self.sub("--plain", "-t", self.topic, "-F", "%t %r %p", "-C", "1")
        self.assertEqual(sub.output().decode(), f"{self.topic} 1 kept\n")
        wild = self.subscribed("-t", f"{self.topic}/#", "-q", "1")
        self.pub("-t", f"{self.topic}/end", "-m", "new")
        kept = [f"{self.topic} 1 1 kept|"] if self.can("retained message, subscribed with a wildcard") == "yes" else []
        self.shows(wild, [*kept, f"{self.topic}/end 0 0 new|"])
        self.pub("-t", self.topic, "-n", "-r", "-q", "1")
        sub = self.subscribed("-t", self.topic)
        self.pub("-t", self.topic, "-m", "new")
        self.shows(sub, [f"{self.topic} 0 0 new|"])

    def test_will(self):
        sub = self.subscribed("-t", self.topic, "-q", "1")
        willing = Process([STS, "sub", "--plain", *self.at, "-t", f"{self.topic}/x", "-v", "-x", "0", "--will-topic",
                           self.topic, "--will-payload", "fell", "--will-qos", "1"], env=self.user.env)
        self.addCleanup(willing.close)
        while True:  # until it is there to fall
            self.pub("-t", f"{self.topic}/x", "-m", "there?")
            try:
                willing.expect("there", patience=0.3)
                break
            except AssertionError:
                self.assertIsNone(willing.process.poll(), willing.text)
        willing.kill()
        self.shows(sub, [f"{self.topic} 1 0 fell|"])

    def test_kept_session(self):
        keep = ["--plain", "-i", f"kept{self.serial}", "-c", "-x", "300", "-q", "1", "-t", self.topic]
        self.assertEqual(self.run_sts("sub", *self.at, *keep, "-E"), (0, b"", ""))
        for word in ("while", "away"):
            self.pub("-t", self.topic, "-m", word, "-q", "1")
        self.assertEqual(self.run_sts("sub", *self.at, *keep, "-C", "2"), (0, b"while\naway\n", ""))

    def test_wildcards(self):
        sub = self.subscribed("-t", f"{self.topic}/+/c", "-t", f"{self.topic}/d/#")
        for topic in ("a/c", "a/b", "d", "d/e/f", "end/c"):
            self.pub("-t", f"{self.topic}/{topic}", "-m", "m")
        self.shows(sub, [f"{self.topic}/{topic} 0 0 m|" for topic in ("a/c", "d", "d/e/f", "end/c")])

    def test_shared_subscription(self):
        subs = [self.subscribed("-t", f"$share/group/{self.topic}") for _ in range(2)]
        for i in range(10):
            self.pub("-t", self.topic, "-m", str(i), "-q", "1")
        self.pub("-t", f"{self.topic}/ready", "-m", "end", "-q", "1")
        shown = []
        for sub in subs:
            sub.expect(r"^\S+ready \d \d end\|$")
            shown += re.findall(r"^\S+ \d \d (\d)\|$", sub.text, re.MULTILINE)
        self.assertEqual(sorted(shown), list("0123456789") if self.can("shared subscription") == "yes" else [])

    def test_large_message(self):
        whole = bytes(range(256)) * 4096
        sub = self.sub("--plain", "-t", self.topic, "-q", "1", "-C", "1")
        outcome = self.run_sts("pub", "--plain", *self.at, "-t", self.topic, "-q", "1", "-r", "-s", stdin=whole)
        self.assertEqual(outcome, (0, b"", ""))
        self.assertEqual(sub.output(), whole + b"\n")  # it was kept, so whoever came first, it comes

    def test_shell(self):
        shell = Shell(self.user)
        self.addCleanup(shell.close)
        for line, wanted in ((f"connect 127.0.0.1:{self.broker.port}", "connected to 127.0.0.1"),
                             (f"sub {self.topic}/#", f"subscribed to '{self.topic}/#' with QoS 1$"),
                             (f"pub -q 1 {self.topic}/a hello", rf"\[MQTT_INC\] {self.topic}/a: hello$"),
                             (f"unsub {self.topic}/#", "unsubscribed from"), ("disconnect", "session stopped")):
            shell.line(line)
            shell.expect(wanted)
        self.assertEqual(shell.finish(), 0)

    def test_ping_and_bench(self):
        for argv in (["ping"], ["bench", "-C", "20"]):
            code, out, err = self.run_sts(*argv, *self.at, "--format", "json")
            self.assertEqual((code, err), (0, ""))
            found = json.loads(out)
            self.assertEqual(found["lost"], 0)
            if argv == ["ping"]:
                self.assertEqual((found["round_trips"], found["measured"]), (4, "PUBLISH"))
                self.assertEqual(found["mqtt_version"] == "5", self.can("MQTT 5, properties") == "yes")
            else:
                self.assertEqual((found["received"], found["encrypted"]), (20, True))

    def test_session(self):
        sender, receiver = (Home(self.directory, name) for name in ("sender", "receiver"))
        sender.sts("peer", "add", "gateway", receiver.key())
        receiver.sts("peer", "add", "pump", sender.key())
        lines = [f"line {i}" for i in range(1000)]
        for _ in range(2):
            sub = self.sub("--peer", "pump", "-t", self.topic, "-C", "1000", home=receiver)
            outcome = self.run_sts("pub", "--peer", "gateway", *self.at, "-t", self.topic, "-l", home=sender,
                                   stdin="\n".join(lines).encode())
            self.assertEqual(outcome, (0, b"", ""))
            self.assertEqual((sub.output().decode().splitlines(), sub.wait()), (lines, 0), sub.errors())


class Mosquitto(AnyBroker, unittest.TestCase):
    name = "mosquitto"
    launch = staticmethod(Broker)

    @staticmethod
    def missing():
        return None if shutil.which("mosquitto") else "mosquitto is not installed"


class RabbitMq(AnyBroker, unittest.TestCase):
    name = "RabbitMQ"
    launch, missing = brokers.RabbitMq, brokers.RabbitMq.missing


class Aedes(AnyBroker, unittest.TestCase):
    name = "aedes"
    launch, missing = brokers.Aedes, brokers.Aedes.missing


class BrokersDocument(unittest.TestCase):
    def test_table_is_what_the_suite_proves(self):
        rows = ["| | " + " | ".join(NAMES) + " |", "|---" * (len(NAMES) + 1) + "|",
                *(f"| {feature} | " + " | ".join(row) + " |" for feature, row in FEATURES.items())]
        self.assertIn("\n".join(rows) + "\n", DOCUMENT.read_text(encoding="utf-8"))
