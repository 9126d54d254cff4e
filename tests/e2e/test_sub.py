"""`sts sub --plain`: what mosquitto_sub shows, byte for byte."""

import hashlib
import json
import os
import pathlib
import signal
import subprocess

from harness import PATIENCE, STS, free_port
from one_shot import SMALL_ASAN, OneShotTestCase, Sub, peak_resident

# Alike in both, whatever the message has or lacks.
FORMATS = ["%t %p", "%t|%q|%r|%l|%x|%X", "%p%%@@", r"a\tb\n%p\\", "[%10t] [%-10t] [%.2t] [%010l] [%-5l]", "%C|%R|%D|%E|%P",
           "[%8p]"]  # not %20x: mosquitto_sub 2.0.11 loses bytes there
MESSAGES = [["-m", "hello"], ["-n"], ["-m", "€ ü\t|"], ["-m", '{"a": [1, 2.50]}'], ["-m", "a", "-q", "1"],
            ["-m", "a", "-D", "publish", "content-type", "text/plain", "-D", "publish", "user-property", "k", "v", "-D",
             "publish", "user-property", "k2", "v 2", "-D", "publish", "response-topic", "answer", "-D", "publish",
             "correlation-data", "id7", "-D", "publish", "message-expiry-interval", "600"]]


class SubFormat(OneShotTestCase):
    def same(self, *argv, messages=MESSAGES, count=None):
        """Both show the very same bytes of the same messages."""
        count = len(messages) if count is None else count
        subs = [self.subscribe(program, *argv, count=count) for program in ("sts", "mosquitto_sub")]
        for message in messages:
            self.mosquitto_pub("-V", "5", "-t", "a/b/c", *message)
        ours, theirs = (sub.output() for sub in subs)
        self.assertEqual(ours, theirs, argv)
        self.assertNotEqual(ours, b"")
        return ours

    def test_formats(self):
        for form in FORMATS:
            with self.subTest(form=form):
                self.same("-V", "5", "-t", "a/#", "-q", "2", "-F", form)

    def test_verbose_and_newline(self):
        for argv in ([], ["-v"], ["-N"], ["-v", "-N"]):
            with self.subTest(argv=argv):
                self.same("-t", "a/#", *argv)

    def test_every_byte(self):
        path = pathlib.Path(self.directory, "bytes")
        path.write_bytes(bytes(range(256)))
        for argv in ([], ["-v"], ["-F", "%p"], ["-F", "%x"]):
            with self.subTest(argv=argv):
                self.same("-t", "#", *argv, messages=[["-f", str(path)]])

    def test_mosquittos_json(self):
        for form, messages in (("%j", MESSAGES), ("%J", [["-m", "[1, 2.50]"], ["-m", '"x"']])):
            subs = [self.subscribe(program, "-V", "5", "-t", "#", "-F", form, count=len(messages))
                    for program in ("sts", "mosquitto_sub")]
            for message in messages:
                self.mosquitto_pub("-V", "5", "-t", "t", *message)
            ours, theirs = ([json.loads(line) for line in sub.output().decode().splitlines()] for sub in subs)
            self.assertEqual(len(ours), len(messages))
            for a, b in zip(ours, theirs):
                self.assertRegex(a.pop("tst"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z[+-]\d{4}$")
                b.pop("tst")
                self.assertEqual(a, b)

    def test_our_own_formats(self):
        for form, wanted in (("text", b"a\xff\n"), ("hex", b"61ff\n"), ("base64", b"Yf8=\n"), ("raw", b"a\xff")):
            sub = self.subscribe("sts", "-t", "t", "--format", form, count=1)
            self.mosquitto_pub("-t", "t", "-s", stdin=b"a\xff")
            self.assertEqual(sub.output(), wanted)
        sub = self.subscribe("sts", "-t", "t", "--format", "json", count=1)
        self.mosquitto_pub("-t", "t", "-m", "hello")
        shown = json.loads(sub.output())
        self.assertEqual((shown["topic"], shown["payload"], shown["encrypted"]), ("t", "hello", False))
        self.assertNotIn("sender", shown)

    def test_output_into_files(self):
        one = pathlib.Path(self.directory, "one")
        sub = self.subscribe("sts", "-t", "#", "--output", str(one), count=2)
        for word in ("first", "second"):
            self.mosquitto_pub("-t", "t", "-m", word)
        self.assertEqual((sub.wait(), one.read_bytes()), (0, b"first\nsecond\n"))

    def test_wrong_format_is_refused(self):
        for argv in (["-F", "%y"], ["-F", "%"], ["--format", "xml"]):
            code, out, err = self.run_sts("sub", "--plain", *self.at(), "-t", "t", *argv)
            self.assertEqual((code, out), (2, b""))
            self.assertRegex(err, "^error: .*\nhint: ")


class SubFlags(OneShotTestCase):
    def shows(self, wanted, *argv, sent):
        """What both programs have to show of `sent`, a list of (topic, payload)."""
        for program in ("sts", "mosquitto_sub"):
            with self.subTest(program=program):
                sub = self.subscribe(program, "-v", *argv, count=len(wanted))
                for topic, payload in sent:
                    self.mosquitto_pub("-t", topic, "-m", payload)
                self.assertEqual((sub.output().decode().splitlines(), sub.wait()), (wanted, 0))

    def test_topics(self):
        sent = [("a", "1"), ("b/c", "2"), ("d", "3"), ("e/f/g", "4"), ("z", "5")]
        self.shows(["a 1", "d 3"], "-t", "a", "-t", "d", sent=sent)
        self.shows(["a 1", "b/c 2", "d 3"], "-t", "#", sent=sent)
        self.shows(["b/c 2", "e/f/g 4"], "-t", "+/c", "-t", "e/#", sent=sent)
        self.shows(["a 1", "d 3", "z 5"], "-t", "#", "-T", "b/#", "-T", "e/+/g",
                   sent=sent)

    def test_shared_subscription(self):
        subs = [self.subscribe("sts", "-t", "$share/group/t", "-q", "1") for _ in range(2)]
        for i in range(20):
            self.mosquitto_pub("-t", "t", "-m", f"message {i}", "-q", "1")
        for i in range(20):
            self.b.log.expect("Received PUBACK from sub")
        shown = []
        for sub in subs:
            sub.process.terminate()
            shown.append(sub.output().decode().splitlines())
        self.assertEqual(sorted(sum(shown, [])), sorted(f"message {i}" for i in range(20)))
        self.assertTrue(all(shown), shown)  # mosquitto deals them out in turn

    def test_count(self):
        sub = self.subscribe("sts", "-t", "t", count=2)
        self.mosquitto_pub("-t", "t", "-l", stdin=b"a\nb\nc\nd\n")
        self.assertEqual((sub.output(), sub.wait()), (b"a\nb\n", 0))
        for count in ("0", "-1", "many"):
            code, _, err = self.run_sts("sub", "--plain", *self.at(), "-t", "t", "-C", count)
            self.assertEqual(code, 2, err)

    def test_flags_without_meaning_are_refused(self):
        for argv, why in ((["--return-topic", "a/#"], "--return-topic is for a session"),
                          (["--rotate-size", "10"], "are for --output"), (["--rotate-keep", "3"], "are for --output")):
            code, _, err = self.run_sts("sub", "--plain", *self.at(), "-t", "t", "-E", *argv)
            self.assertEqual(code, 2, argv)
            self.assertRegex(err, f"^error: .*{why}\nhint: ")

    def test_timeout(self):
        for program in ("sts", "mosquitto_sub"):
            sub = self.subscribe(program, "-t", "t", "-W", "1")
            self.assertEqual((sub.output(), sub.wait()), (b"", 27), program)

    def test_exit_after_suback(self):
        self.assertEqual(self.run_sts("sub", "--plain", *self.at(), "-t", "t", "-E"), (0, b"", ""))
        self.b.log.expect("Sending SUBACK")

    def test_retained(self):
        self.mosquitto_pub("-t", "old", "-m", "kept", "-r")
        for program in ("sts", "mosquitto_sub"):
            for argv, wanted in (([], "1 old kept\n0 new fresh\n"), (["-R"], "0 new fresh\n0 new fresh\n"),
                                 (["--retained-only"], "1 old kept\n")):
                with self.subTest(program=program, argv=argv):
                    sub = self.subscribe(program, "-t", "#", "-F", "%r %t %p", *argv, count=2)
                    for _ in range(2):
                        self.mosquitto_pub("-t", "new", "-m", "fresh")
                    self.assertEqual((sub.output().decode(), sub.wait()), (wanted, 0))

    def test_retain_as_published(self):
        for argv, wanted in (([], b"0\n"), (["--retain-as-published"], b"1\n")):
            sub = self.subscribe("sts", "-V", "5", "-t", "t", "-F", "%r", *argv, count=1)
            self.mosquitto_pub("-V", "5", "-t", "t", "-m", "a", "-r")
            self.assertEqual(sub.output(), wanted)
            self.mosquitto_pub("-t", "t", "-n", "-r")

    def test_qos(self):
        for version in ("311", "5"):
            for asked in range(3):
                sub = self.subscribe("sts", "-V", version, "-t", "t", "-q", str(asked), "-F", "%q", count=3)
                for sent in "012":
                    self.mosquitto_pub("-t", "t", "-m", "a", "-q", sent)
                self.assertEqual(sub.output().decode().split(), [str(min(asked, sent)) for sent in range(3)])

    def test_thousands_at_each_qos(self):
        self.b = self.broker("max_queued_messages 0")
        for version in ("311", "5"):
            for qos in "012":
                with self.subTest(version=version, qos=qos):
                    lines = [f"line {i}" for i in range(5000)]
                    sub = self.subscribe("sts", "-V", version, "-q", qos, "-t", "t", count=5000)
                    self.mosquitto_pub("-t", "t", "-l", "-q", qos, stdin="\n".join(lines).encode())
                    self.assertEqual(sub.output().decode().splitlines(), lines, sub.errors())

    def test_session_kept_at_the_broker(self):
        for version, argv in (("5", ["-x", "300"]), ("311", [])):
            with self.subTest(version=version):
                keep = ["-i", f"kept{version}", "-c", "-q", "1", "-V", version, *argv]
                code, out, err = self.run_sts("sub", "--plain", *self.at(), "-t", "t", "-E", *keep)
                self.assertEqual((code, out, err), (0, b"", ""))
                for word in ("while", "away"):
                    self.mosquitto_pub("-t", "t", "-m", word, "-q", "1")
                code, out, err = self.run_sts("sub", "--plain", *self.at(), "-t", "t", "-C", "2", *keep)
                self.assertEqual((code, out, err), (0, b"while\naway\n", ""))

    def test_keep_alive_and_id(self):
        self.subscribe("sts", "-t", "t", "-i", "my-id", "-k", "17")
        self.assertRegex(self.b.log.text, r"as my-id \(p5, c1, k17\)")

    def test_will(self):
        listener = self.subscribe("mosquitto_sub", "-t", "gone", count=1)
        sub = self.subscribe("sts", "-t", "t", "--will-topic", "gone", "--will-payload", "fell", "-x", "0")
        sub.kill()
        self.assertEqual(listener.output(), b"fell\n")

    def test_url_and_unix_socket(self):
        path = f"{self.directory}/socket"
        self.b = self.broker(f"listener 0 {path}")
        for argv in (["-L", f"mqtt://127.0.0.1:{self.b.port}/a/b"], ["-h", f"unix://{path}", "-t", "a/b"]):
            sub = self.subscribe("sts", *argv, at=["-k", "30"], count=1)
            self.mosquitto_pub("-t", "a/b", "-m", "here")
            self.assertEqual(sub.output(), b"here\n")

    def test_exit_codes(self):
        port = free_port()
        code, out, err = self.run_sts("sub", "--plain", *self.at(port), "-t", "t")
        self.assertEqual((code, out), (1, b""))
        self.assertRegex(err, f"^error: .*refused.*{port}")
        self.b = self.broker("allow_anonymous false")
        for version, wanted in (("311", 5), ("5", 135)):
            code, out, err = self.run_sts("sub", "--plain", *self.at(), "-t", "t", "-V", version)
            self.assertEqual((code, out), (wanted, b""))
            self.assertRegex(err, "^error: .*\nhint: ")

    def test_signals_end_it_in_order(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            sub = self.subscribe("sts", "-t", "t", "-i", "signalled")
            sub.process.send_signal(number)
            self.assertEqual(sub.wait(), 0)
            self.b.log.expect("Received DISCONNECT from signalled")

    def test_a_reader_that_goes(self):
        with subprocess.Popen([STS, "sub", "--plain", *self.at(), "-i", "piped", "-t", "t"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env={**os.environ, **self.user.env}) as sub:
            self.addCleanup(sub.kill)
            self.b.log.expect("Sending SUBACK to piped$")
            sub.stdout.close()
            self.mosquitto_pub("-t", "t", "-m", "a")
            self.assertEqual((sub.wait(PATIENCE), sub.stderr.read()), (128 + signal.SIGPIPE, b""))

    def test_a_full_disk_is_no_success(self):
        """Also where the message that it was to show is there."""
        self.mosquitto_pub("-t", "t", "-m", "kept", "-r")
        with open("/dev/full", "wb") as full:
            done = subprocess.run([STS, "sub", "--plain", *self.at(), "-t", "t", "-C", "1"], stdout=full,
                                  stderr=subprocess.PIPE, check=False, env={**os.environ, **self.user.env}, timeout=PATIENCE)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, b"^error: cannot write the output: No space left on device\n$")

    def test_broker_comes_back(self):
        sub = self.subscribe("sts", "-t", "t", "-q", "1", "-i", "steady")
        self.mosquitto_pub("-t", "t", "-m", "before")
        sub.expect("^before$")  # the broker logs SUBACK before it sends it
        self.b.kill()
        self.b.start()
        self.b.log.expect("Sending SUBACK to steady$")
        self.mosquitto_pub("-t", "t", "-m", "after")
        sub.expect("^after$")
        self.assertRegex(sub.errors(), "^warning: .*; trying again until it is back\n(hint: .*\n)?(warning: .*\n)?"
                                       rf"connected to 127\.0\.0\.1:{self.b.port} \(MQTT 5\)\n$")


READER = """
import hashlib, sys
open(sys.argv[1]).read()  # until somebody says go
print(hashlib.file_digest(sys.stdin.buffer, "sha256").hexdigest())
"""


class SlowReader(OneShotTestCase):
    settings = ("max_queued_messages 0", "max_queued_bytes 0")

    def test_memory_stays_bounded_and_all_arrives(self):
        """Some 60 MB for a reader that doesn't read: the broker has to keep them."""
        gate = f"{self.directory}/gate"
        subprocess.run(["mkfifo", gate], check=True, timeout=PATIENCE)
        count, size = 3000, 20_000
        sub = subprocess.Popen([STS, "sub", "--plain", *self.at(), "-i", "slow", "-t", "t", "-q", "1", "-C", str(count)],
                               stdout=subprocess.PIPE, env={**os.environ, **self.user.env, "ASAN_OPTIONS": SMALL_ASAN})
        self.addCleanup(sub.wait)
        self.addCleanup(sub.kill)
        self.b.log.expect("Sending SUBACK to slow$")
        before = peak_resident(sub.pid)
        reader = self.keep(Sub(["python3", "-c", READER, gate], stdin=sub.stdout))
        sub.stdout.close()
        lines = [f"{i:06} ".encode() + b"x" * size for i in range(count)]
        self.mosquitto_pub("-t", "t", "-l", "-q", "1", stdin=b"\n".join(lines))
        # All are at the broker. Whoever else listens gets through at once: it waits for one reader only.
        other = self.subscribe("mosquitto_sub", "-t", "u", count=1)
        self.mosquitto_pub("-t", "u", "-m", "through")
        self.assertEqual(other.output(), b"through\n")
        self.assertLess(peak_resident(sub.pid) - before, 26_000)
        with open(gate, "w", encoding="ascii") as opened:
            opened.write("go")
        wanted = hashlib.sha256(b"".join(line + b"\n" for line in lines)).hexdigest()
        self.assertEqual(reader.output().decode().strip(), wanted)
        self.assertEqual(sub.wait(PATIENCE), 0)
