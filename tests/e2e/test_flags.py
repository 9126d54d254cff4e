"""Each flag that `sts pub` and mosquitto_pub, or `sts sub` and mosquitto_sub, share does the same in both."""

import os
import re
import subprocess

from harness import PATIENCE, STS, Process, free_port
from one_shot import Sub
from servers import SocksProxy
from test_tls import TlsTestCase

WHOLE = "%t|%q|%r|%x|%C|%R|%D|%F|%E|%P"
KEY = "0123456789abcdef"
HELP = {"--help"}  # their texts differ
UNTOLD = {"--retain-as-published"}  # mosquitto_sub's help doesn't have it
WILL = ["--will-topic", "gone", "--will-payload", "fell", "--will-qos", "1", "--will-retain"]


class CommonFlagsTestCase(TlsTestCase):
    """A row for each flag: what follows "-i ID -V 5" and the way to the broker, to both programs."""

    def setUp(self):
        super().setUp()
        home = self.home("broker")
        passwords = home.file("passwords", "", 0o600)
        subprocess.run(["mosquitto_passwd", "-b", passwords, "alice", "right horse"], check=True,
                       stderr=subprocess.DEVNULL, timeout=PATIENCE)
        self.certificate("stranger", "subjectAltName=DNS:stranger.example")
        (self.pki / "cas").mkdir()
        (self.pki / "cas/ca.pem").write_bytes((self.pki / "ca.crt").read_bytes())
        self.openssl("rehash", "cas")
        self.tls, self.mutual, self.stranger, self.psk = (free_port() for _ in range(4))
        lines = []
        for port, name in ((self.tls, "broker"), (self.mutual, "broker"), (self.stranger, "stranger")):
            lines += [f"listener {port} 127.0.0.1", f"cafile {self.pki}/ca.crt", f"certfile {self.pki}/{name}.crt",
                      f"keyfile {self.pki}/{name}.key"]
            if port == self.mutual:
                lines += ["require_certificate true", "use_identity_as_username true"]
        self.b = self.broker(*lines, f"listener {self.psk} 127.0.0.1", "psk_hint hint",
                             f"psk_file {home.file('psk', f'pump:{KEY}', 0o644)}", "use_identity_as_username true",
                             f"password_file {passwords}")
        self.proxy = self.keep(SocksProxy())
        self.rounds = 0
        self.env = {**self.user.env, "PSK": KEY, "SSL_CERT_FILE": f"{self.pki}/ca.crt"}  # the system's CAs

    def way(self, port, *argv, host="localhost"):
        return ["-h", host, "-p", str(port), *argv]

    def connection_rows(self):
        """Flags of the connection, in place of the way to the broker."""
        plain = self.way(self.b.port, host="127.0.0.1")
        client = ["--cert", f"{self.pki}/client.crt", "--key", f"{self.pki}/client.key"]
        return {
            "-h": plain, "-p": plain, "-V": [*plain, "-V", "mqttv311"], "-k": [*plain, "-k", "17"],
            "-i": [*plain, "-i", "chosen"], "-c": [*plain, "-c"], "-x": [*plain, "-c", "-x", "60"],
            "-A": [*plain, "-A", "127.0.0.2"], "-u": [*plain, "-u", "alice", "-P", "right horse"],
            "-P": [*plain, "-u", "alice", "-P", "wrong battery"],
            "--cafile": self.way(self.tls, *self.ca()), "--capath": self.way(self.tls, "--capath", f"{self.pki}/cas"),
            "--cert": self.way(self.mutual, *self.ca(), *client), "--key": self.way(self.mutual, *self.ca(), *client),
            "--insecure": self.way(self.stranger, *self.ca(), "--insecure"),
            "--tls-use-os-certs": self.way(self.tls, "--tls-use-os-certs"),
            "--tls-alpn": self.way(self.tls, *self.ca(), "--tls-alpn", "mqtt"),
            "--psk-identity": self.way(self.psk, "PSK", "--psk-identity", "pump"),
            "--proxy": self.way(self.b.port, "--proxy", f"socks5h://{self.proxy.address}"),
        }

    def one(self, program, argv, ident):
        """The command line. The pre-shared key is the one thing that STS takes otherwise, as it is a secret."""
        ours = program.startswith("sts")
        start = [STS, program.split()[1], "--plain"] if ours else [program]
        key = ["--psk-from", "env:PSK"] if ours else ["--psk", KEY]
        for flag, value in (("-i", ident), ("-V", "5")):
            start += [] if flag in argv else [flag, value]
        return [*start, *(word for it in argv for word in (key if it == "PSK" else [it]))]

    def known(self, program):
        """The flags in a program's help."""
        if program.startswith("sts"):
            text = self.run_sts(program.split()[1], "--help-all")[1].decode()
            return set(re.findall(r"(?<=[ ,])--?[A-Za-z][a-z-]*", re.sub(r"(?m)^ .{28}.*?$",
                                                                      lambda line: line[0][:29], text)))
        text = subprocess.run([program, "--help"], capture_output=True, check=False, timeout=PATIENCE).stdout.decode()
        return UNTOLD | set(re.findall(r"(?:^ |[\[{|] ?)(--?[A-Za-z][a-z-]*)", text, re.MULTILINE))

    def same(self, observe):
        """What both do, and what the broker says of their connections, whatever the port and the name."""
        seen = []
        for program in self.programs:
            self.rounds += 1
            ident, before = f"id{self.rounds}", len(self.b.log.text)
            outcome = observe(program, ident)
            self.mosquitto_pub("-i", f"after-{ident}", "-t", "after", "-n")
            self.b.log.expect(f"as after-{ident} ")
            seen.append((outcome, re.findall(rf"New client connected from ([\d.]+):\d+ as (?:{ident}|chosen) (\(.*\))|"
                                             rf"Sending CONNACK to (?:{ident}|chosen) (\(.*\))",
                                             self.b.log.text[before:])))
        self.assertEqual(*seen)
        return seen[0][0]

    @staticmethod
    def times(argv):
        """How often: with a session kept at the broker, twice."""
        return 2 if "-c" in argv else 1

    def all_covered(self, *rows):
        ours, theirs = (self.known(program) for program in self.programs)
        covered = set().union(*rows) | HELP | {word for word in WILL if word.startswith("-")}
        self.assertEqual(covered, ours & theirs)

    def run_one(self, program, argv, ident, stdin=b""):
        done = subprocess.run(self.one(program, argv, ident), input=stdin, capture_output=True, timeout=PATIENCE,
                              env={**os.environ, **self.env}, check=False)
        return done.returncode, done.stdout


class PubFlagsBesideMosquitto(CommonFlagsTestCase):
    programs = ("sts pub", "mosquitto_pub")

    def message_rows(self):
        path = self.user.file("payload", "a\x00file\n")
        one = ["-t", "t", "-m", "a"]
        return {
            "-t": one, "-m": one, "-f": ["-t", "t", "-f", path], "-n": ["-t", "t", "-n"], "-s": ["-t", "t", "-s"],
            "-l": ["-t", "t", "-l"], "-r": [*one, "-r"], "-q": [*one, "-q", "0", "-q", "2"],
            "--property": [*one, "--property", "publish", "content-type", "text/plain"],
            "-D": [*one, "-D", "publish", "content-type", "text/plain", "-D", "publish", "user-property", "k", "v"],
            "--repeat": [*one, "--repeat", "3"], "--repeat-delay": [*one, "--repeat", "3", "--repeat-delay", "0.01"],
        }

    def observe(self, argv, program, ident):
        listener = self.subscribe("mosquitto_sub", "-V", "5", "-q", "2", "-t", "#", "--retain-as-published", "-F", WHOLE)
        outcomes = [self.run_one(program, argv, ident, stdin=b"one\n\ntwo\n") for _ in range(self.times(argv))]
        self.mosquitto_pub("-t", "end", "-m", "end", "-q", "2")  # at QoS 2: less could overtake what goes before
        listener.expect(r"^end\|")
        listener.kill()
        self.mosquitto_pub("-t", "t", "-n", "-r")
        return outcomes, listener.text

    def test_same(self):
        plain = self.way(self.b.port, host="127.0.0.1")
        message = ["-t", "t", "-m", "a", "-q", "1"]
        rows = {flag: [*plain, *argv] for flag, argv in self.message_rows().items()}
        connections = {flag: [*argv, *message] for flag, argv in self.connection_rows().items()}
        connections["-L"] = ["-L", f"mqtt://127.0.0.1:{self.b.port}/t", "-m", "a"]
        self.all_covered(rows, connections)
        for flag, argv in {**rows, **connections}.items():
            with self.subTest(flag=flag):
                outcomes, text = self.same(lambda *to, argv=argv: self.observe(argv, *to))
                refused = flag == "-P"  # with the wrong one
                self.assertEqual((outcomes[0][0] != 0, text.startswith("t|")), (refused, not refused), text)

    def test_will(self):
        def observe(program, ident):
            listener = self.subscribe("mosquitto_sub", "-V", "5", "-q", "2", "-t", "gone", "--retain-as-published", "-F",
                                      WHOLE, count=1)
            argv = self.one(program, [*self.way(self.b.port), "-t", "t", "-l", *WILL], ident)
            pub = self.keep(Process(argv, env=self.user.env, stdin=subprocess.PIPE))
            self.b.log.expect(f"New client connected from .* as {ident}")
            pub.kill()
            text = listener.drain()
            self.mosquitto_pub("-t", "gone", "-n", "-r")
            return text
        self.assertTrue(self.same(observe).startswith("gone|1|1|66656c6c|"))


class SubFlagsBesideMosquitto(CommonFlagsTestCase):
    programs = ("sts sub", "mosquitto_sub")

    def message_rows(self):
        """How many messages it shows, and the flags."""
        return {
            "-t": (2, ["-t", "t", "-t", "a/+"]), "-T": (1, ["-t", "#", "-T", "a/b"]), "-C": (1, ["-t", "#", "-C", "1"]),
            "-v": (2, ["-t", "#", "-v"]), "-N": (2, ["-t", "#", "-N"]), "-F": (2, ["-t", "#", "-F", "%t|%q|%r|%p"]),
            "-q": (2, ["-t", "#", "-q", "1", "-F", "%q %p"]), "-R": (2, ["-t", "#", "-t", "kept", "-R"]),
            "--retained-only": (1, ["-t", "#", "--retained-only"]), "-E": (0, ["-t", "t", "-E"]),
            "--retain-as-published": (2, ["-t", "t", "-t", "a/+", "--retain-as-published", "-F", "%r %p"]),
            "-W": (0, ["-t", "nothing", "-W", "1"]),
        }

    def observe(self, count, argv, program, ident):
        outcomes = []
        for _ in range(self.times(argv)):
            more = ["-C", str(count)] if count and "-C" not in argv else []
            sub = self.keep(Sub(self.one(program, [*argv, *more], ident), env=self.env))
            if count:
                last = argv[len(argv) - argv[::-1].index("-t")] if "-t" in argv else "t"
                self.b.log.expect(rf" (?:{ident}|chosen) \d {re.escape(last)}$")
                for topic in ("t", "a/b"):
                    self.mosquitto_pub("-V", "5", "-t", topic, "-m", f"to {topic}", "-q", "2", "-r")
            outcomes.append((sub.wait(), sub.output()))
            for topic in ("t", "a/b"):
                self.mosquitto_pub("-t", topic, "-n", "-r")
        return outcomes

    def test_same(self):
        self.mosquitto_pub("-t", "kept", "-m", "old", "-r")
        plain = self.way(self.b.port, host="127.0.0.1")
        rows = {flag: (count, [*plain, *argv]) for flag, (count, argv) in self.message_rows().items()}
        connections = {flag: (1 if flag != "-P" else 0, [*argv, "-t", "t", "-q", "1"])
                       for flag, argv in self.connection_rows().items()}
        connections["-L"] = (1, ["-L", f"mqtt://127.0.0.1:{self.b.port}/t"])
        self.all_covered(rows, connections)
        for flag, (count, argv) in {**rows, **connections}.items():
            with self.subTest(flag=flag):
                outcomes = self.same(lambda *to, argv=argv, count=count: self.observe(count, argv, *to))
                self.assertEqual(outcomes[0][1] != b"", count > 0, outcomes)

    def test_will(self):
        def observe(program, ident):
            listener = self.subscribe("mosquitto_sub", "-V", "5", "-q", "2", "-t", "gone", "--retain-as-published", "-F",
                                      WHOLE, count=1)
            sub = self.keep(Sub(self.one(program, [*self.way(self.b.port), "-t", "t", *WILL, "-x", "0"], ident),
                                env=self.user.env))
            self.b.log.expect(f"Sending SUBACK to {ident}$")
            sub.kill()
            text = listener.drain()
            self.mosquitto_pub("-t", "gone", "-n", "-r")
            return text
        self.assertTrue(self.same(observe).startswith("gone|1|1|66656c6c|"))
