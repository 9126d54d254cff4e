"""`sts pub --plain`: what mosquitto_pub does, flag by flag."""

import pathlib
import subprocess

from harness import PATIENCE, STS, Process, free_port
from one_shot import OneShotTestCase
from terminal import PtyShell

WHOLE = "%t|%q|%r|%l|%x"
PROPERTIES = "%x|%C|%R|%D|%F|%E|%P"


class PubTestCase(OneShotTestCase):
    settings = ("max_queued_messages 0",)  # a listener as slow as mosquitto_sub loses none

    def listen(self, count, form=WHOLE, *argv):
        """mosquitto_sub that shows flags as they were sent, and ends after `count` messages."""
        return self.subscribe("mosquitto_sub", "-V", "5", "-q", "2", "-t", "#", "--retain-as-published", "-F", form,
                              *argv, count=count)

    def arrives(self, wanted, *argv, stdin=b"", form=WHOLE):
        """`sts pub ARGV...` has to bring the lines `wanted`, and nothing before them."""
        listener = self.listen(len(wanted), form)
        self.pub(*argv, stdin=stdin)
        self.assertEqual(listener.output().decode().splitlines(), wanted, argv)
        self.pub("-t", "t", "-n", "-r")  # what it left behind
        return listener


class PubPayload(PubTestCase):
    def test_message(self):
        self.arrives(["a/b|0|0|5|68656c6c6f"], "-t", "a/b", "-m", "hello")
        self.arrives(["a/b|0|0|0|"], "-t", "a/b", "-m", "")
        self.arrives(["a/b|0|0|3|e282ac"], "--topic", "a/b", "--message", "€")

    def test_file(self):
        everything = bytes(range(256)) * 3
        path = pathlib.Path(self.directory, "payload")
        path.write_bytes(everything)
        self.arrives([f"t|0|0|768|{everything.hex()}"], "-t", "t", "-f", str(path))
        empty = pathlib.Path(self.directory, "empty")
        empty.touch()
        self.arrives(["t|0|0|0|"], "-t", "t", "-f", str(empty))

    def test_null_message(self):
        self.arrives(["t|0|0|0|"], "-t", "t", "-n")

    def test_standard_input_as_one_message(self):
        everything = bytes(range(256)) * 3
        self.arrives([f"t|0|0|768|{everything.hex()}"], "-t", "t", "-s", stdin=everything)
        self.arrives(["t|0|0|2|610a"], "-t", "t", "-s", stdin=b"a\n")

    def test_a_large_one(self):
        whole = bytes(range(256)) * 8192  # 2 MiB
        self.arrives([f"t|1|0|{len(whole)}|{whole.hex()}"], "-t", "t", "-s", "-q", "1", stdin=whole)

    def test_lines(self):
        wanted = [f"t|0|0|{len(line)}|{line.hex()}" for line in (b"one", b"", b" two ", b"\xff\x00", b"last")]
        for stdin in (b"one\n\n two \n\xff\x00\nlast", b"one\n\n two \n\xff\x00\nlast\n"):
            self.arrives(wanted, "-t", "t", "-l", stdin=stdin)

    def test_thousands_of_lines_at_each_qos(self):
        for qos in "012":
            lines = [f"line {i} at {qos}" for i in range(5000)]
            # With -V 5 mosquitto_sub 2.0.11 ends by itself in such a flood of QoS 2.
            listener = self.subscribe("mosquitto_sub", "-V", "311", "-q", "2", "-t", "t", "-F", "%q %p", count=5000)
            self.pub("-t", "t", "-l", "-q", qos, stdin="\n".join(lines).encode())
            self.assertEqual(listener.output().decode().splitlines(), [f"{qos} {line}" for line in lines])

    def test_lines_go_as_they_come(self):
        listener = self.listen(2)
        pub = self.keep(Process([STS, "pub", "--plain", *self.at(), "-t", "t", "-l"], env=self.user.env,
                                stdin=subprocess.PIPE))
        for word in (b"first", b"second"):
            pub.process.stdin.write(word + b"\n")
            pub.process.stdin.flush()
            listener.expect(word.hex())
        pub.process.stdin.close()
        self.assertEqual(pub.wait(), 0)

    def test_no_input_no_message(self):
        listener = self.listen(1)
        self.pub("-t", "t", "-l", stdin=b"")
        self.pub("-t", "t", "-m", "after")
        self.assertIn(b"after".hex(), listener.output().decode())

    def test_misuse_is_refused_before_anything_is_sent(self):
        for argv, wanted in ((["-t", "t"], "what is to be sent"),
                             (["-t", "t", "-m", "a", "-n"], "more than one message"),
                             (["-m", "a"], "no topic"), (["-t", "a/#", "-m", "a"], "error: "),
                             (["-t", "t", "-f", "/no/such/file"], "/no/such/file"),
                             (["-t", "t", "-m", "a", "-q", "3"], "error: ")):
            with self.subTest(argv=argv):
                code, out, err = self.run_sts("pub", "--plain", *self.at(), *argv)
                self.assertEqual((code, out), (2, b""), err)
                self.assertIn(wanted, err)
                self.assertNotIn("PUBLISH", self.b.log.text)

    def test_nothing_in_the_clear_unless_told(self):
        code, _, err = self.run_sts("pub", *self.at(), "-t", "t", "-m", "a")
        self.assertEqual(code, 1)
        self.assertRegex(err, "^error: nobody may read t\nhint: sts peer add NAME KEY --reads t, .*sts peer allow NAME "
                              "--reads t; --plain sends it in the clear\n$")
        code, _, err = self.run_sts("pub", *self.at(), "-t", "t", "-n", "-r")
        self.assertEqual(code, 1)
        self.assertIn("--plain takes a retained message away", err)

    def test_wrong_arguments(self):
        """What a person wrote wrong has the exit code of an unknown flag."""
        for argv in (["pub", "-m", "x"], ["pub", "-t", "t"], ["pub", "-t", "t", "-m", "x", "-f", "y"],
                     ["pub", "-t", "a/+", "-m", "x"], ["pub", "-t", "t", "-m", "x", "-p", "99999"],
                     ["pub", "-t", "t", "-m", "x", "-k", "1"], ["pub", "-t", "t", "-m", "x", "-V", "foo"],
                     ["pub", "-t", "t", "-m", "x", "-h", "http://x"], ["sub", "-t", "t", "--durable"],
                     ["sub", "-t", "t", "--format", "foo"], ["sub", "-t", "t", "--store", "x"],
                     ["sub", "-t", "t", "--plain", "--report"], ["sub", "-t", "t", "--peer", "nobody"],
                     ["pub", "-t", "t", "-m", "x", "--peer", "nobody"], ["rr", "-t", "t", "-m", "x"],
                     ["peer", "allow", "r2"], ["peer", "add", "pump", "notakey"], ["outbox", "purge"],
                     ["invite", "-p", "0"], ["ping", "-p", "0"], ["bench", "-p", "0"],
                     ["pub", "--unknown"]):
            with self.subTest(argv=argv):
                code, out, err = self.run_sts(*argv)
                self.assertEqual((code, out), (2, b""), err)
                self.assertRegex(err, "^error: .*\n")

    def test_flags_of_mosquitto_that_are_others_here(self):
        for command, flag, hint in (("pub", "--psk", "--psk-from"), ("pub", "--unix", "-h unix://PATH"),
                                    ("pub", "-d", "leave it out"), ("sub", "--pretty", "--format json"),
                                    ("sub", "-o", "--config FILE"), ("sub", "--remove-retained", "sts pub --plain")):
            code, _, err = self.run_sts(command, flag, "x", "-t", "t")
            self.assertEqual(code, 2)
            self.assertRegex(err, f"^error: sts {command}: '{flag}' is not expected here\nhint: .*{hint}")


class PubFlags(PubTestCase):
    def test_qos(self):
        for qos in "012":
            for version in ("311", "5"):
                self.arrives([f"t|{qos}|0|1|61"], "-t", "t", "-m", "a", "-q", qos, "-V", version)

    def test_retain(self):
        self.arrives(["t|0|1|1|61"], "-t", "t", "-m", "a", "-r")
        self.pub("-t", "kept", "-m", "for later", "--retain")
        later = self.subscribe("mosquitto_sub", "-t", "#", count=1)
        self.assertEqual(later.output(), b"for later\n")
        self.pub("-t", "kept", "-n", "-r")
        cleared = self.listen(1)
        self.pub("-t", "new", "-m", "b")
        self.assertEqual(cleared.output(), b"new|0|0|1|62\n")

    def test_repeat(self):
        self.arrives(["t|1|0|1|61"] * 7, "-t", "t", "-m", "a", "--repeat", "7", "-q", "1")
        self.arrives(["t|0|0|1|61"] * 3, "-t", "t", "-m", "a", "--repeat", "3", "--repeat-delay", "0.01")

    def test_properties(self):
        self.arrives(["61|text/plain|answer/here|id7|1|600|k:v k:w"], "-t", "t", "-m", "a", "--content-type",
                     "text/plain", "--response-topic", "answer/here", "--correlation-data", "id7", "--utf8",
                     "--expiry", "600", "--user-property", "k=v", "--user-property", "k=w", form=PROPERTIES)

    def test_properties_as_mosquitto_pub_has_them(self):
        argv = ["-D", "publish", "content-type", "text/plain", "-D", "publish", "response-topic", "answer/here",
                "-D", "publish", "correlation-data", "id7", "-D", "publish", "payload-format-indicator", "1",
                "-D", "publish", "message-expiry-interval", "600", "-D", "publish", "user-property", "k", "v",
                "-D", "publish", "user-property", "k", "w"]
        theirs = self.listen(1, PROPERTIES)
        self.mosquitto_pub("-V", "5", "-t", "t", "-m", "a", *argv)
        self.arrives([theirs.output().decode().rstrip("\n")], "-t", "t", "-m", "a", *argv, form=PROPERTIES)

    def test_url(self):
        listener = self.listen(1)
        self.pub("-L", f"mqtt://127.0.0.1:{self.b.port}/a/b/c", "-m", "a", at=["-i", "url"])
        self.assertEqual(listener.output(), b"a/b/c|0|0|1|61\n")

    def test_unix_socket(self):
        path = f"{self.directory}/socket"
        self.b = self.broker(f"listener 0 {path}")
        listener = self.listen(1)
        self.pub("-t", "t", "-m", "a", at=["-h", f"unix://{path}"])
        self.assertEqual(listener.output(), b"t|0|0|1|61\n")

    def test_what_the_broker_logs_of_the_connection(self):
        for argv, wanted in ((["-i", "my-id", "-k", "17", "-V", "5"], r"as my-id \(p5, c1, k17\)"),
                             (["-i", "my-id", "-k", "17", "-V", "311"], r"as my-id \(p2, c[01], k17\)"),
                             (["-i", "my-id", "-c"], r"as my-id \(p5, c0, k60\)"),
                             (["-i", "my-id", "-c", "-V", "mqttv311"], r"as my-id \(p2, c0, k60\)")):
            with self.subTest(argv=argv):
                self.pub("-t", "t", "-m", "a", *argv)
                self.b.log.expect("New client connected from .* " + wanted)

    def test_will(self):
        for argv, wanted in (([], "gone|0|0|4|66656c6c"),
                             (["--will-qos", "1", "--will-retain"], "gone|1|1|4|66656c6c")):
            listener = self.listen(1)
            pub = self.keep(Process([STS, "pub", "--plain", *self.at(), "-i", "willing", "-t", "t", "-l",
                                     "--will-topic", "gone", "--will-payload", "fell", *argv],
                                    env=self.user.env, stdin=subprocess.PIPE))
            self.b.log.expect("New client connected from .* as willing")
            pub.kill()
            self.assertEqual(listener.output().decode().strip(), wanted)
        self.pub("-t", "gone", "-n", "-r")
        listener = self.listen(1)
        self.pub("-t", "t", "-m", "a", "--will-topic", "gone", "--will-payload", "fell")
        self.assertEqual(listener.output(), b"t|0|0|1|61\n")  # an end in order has no will

    def test_config_file(self):
        config = self.user.config("config", url="127.0.0.1", port=self.b.port, sts_mode="nosec", sub="c/in",
                                  pub="c/out")
        listener = self.listen(2)
        self.assertEqual(self.run_sts("pub", "--config", config, "-m", "a"), (0, b"", ""))
        self.assertEqual(self.run_sts("pub", "--config", config, "-m", "a", "-t", "other"), (0, b"", ""))
        self.assertEqual(listener.output(), b"c/out|0|0|1|61\nother|0|0|1|61\n")
        config = self.user.config("with-qos", url="127.0.0.1", port=self.b.port, qos=1)
        for argv, qos in (([], 1), (["-q", "2"], 2)):
            self.arrives([f"t|{qos}|0|1|61"], "--config", config, "-t", "t", "-m", "a", *argv)


class PubIpv6(PubTestCase):
    def test_ipv6(self):
        port = free_port()
        with open("/proc/net/if_inet6", encoding="ascii") as interfaces:
            if not any(line.split()[-1] == "lo" for line in interfaces):
                self.skipTest("this machine has no IPv6")
        self.b = self.broker(f"listener {port} ::1")
        for where in (["-h", "::1", "-p", str(port)], ["-L", f"mqtt://[::1]:{port}/t"]):
            listener = self.listen(1)
            self.pub("-t", "t", "-m", "a", at=where)
            self.assertEqual(listener.output(), b"t|0|0|1|61\n")


class PubLogin(OneShotTestCase):
    def setUp(self):
        super().setUp()
        passwords = f"{self.directory}/passwords"
        subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "alice", "right horse"], check=True,
                       stderr=subprocess.DEVNULL, timeout=PATIENCE)
        self.b = self.broker("allow_anonymous false", f"password_file {passwords}")

    def login(self, *argv, env=None):
        return self.run_sts("pub", "--plain", *self.at(), "-t", "t", "-m", "a", *argv, env=env)

    def test_each_source_of_a_password(self):
        path = self.user.file("password", "right horse\n")
        for argv in (["--password-from", f"file:{path}"], ["--password-from", "env:STS_TEST_PASSWORD"]):
            with self.subTest(argv=argv):
                self.assertEqual(self.login("-u", "alice", *argv, env={"STS_TEST_PASSWORD": "right horse"}),
                                 (0, b"", ""))

    def test_a_password_is_asked_for_without_echo(self):
        pub = self.keep(PtyShell(self.user, "pub", "--plain", *self.at(), "-t", "t", "-m", "a", "-u", "alice",
                                 "--password-from", "prompt"))
        pub.expect("password: ")
        pub.line("right horse")
        self.assertEqual((pub.wait(), pub.drain().split()), (0, ["password:"]))

    def test_literal_password_warns_and_is_blanked(self):
        code, out, err = self.login("-u", "alice", "-P", "right horse")
        self.assertEqual((code, out), (0, b""))
        self.assertRegex(err, "^warning: -P: .*--password-from")
        for flags in (["-P", "right horse"], ["-Pright horse"], ["--pw", "right horse"], ["--pw=right horse"]):
            with self.subTest(flags=flags):
                pub = self.keep(Process([STS, "pub", "--plain", *self.at(), "-u", "alice", *flags, "-i", "shy", "-t",
                                         "t", "-l"], env=self.user.env, stdin=subprocess.PIPE))
                self.b.log.expect("New client connected from .* as shy")
                line = pathlib.Path(f"/proc/{pub.process.pid}/cmdline").read_bytes()
                self.assertIn(b"shy", line)
                self.assertNotIn(b"horse", line)
                pub.process.stdin.close()
                self.assertEqual(pub.wait(), 0)

    def test_exit_code_of_a_refused_login(self):
        for version, wanted in (("311", 5), ("5", 135)):
            for argv in ([], ["-u", "alice", "--password-from", "env:WRONG"]):
                with self.subTest(version=version, argv=argv):
                    code, out, err = self.login("-V", version, *argv, env={"WRONG": "wrong battery"})
                    theirs = subprocess.run(["mosquitto_pub", *self.at(), "-V", version, "-t", "t", "-m", "a"],
                                            capture_output=True, check=False, timeout=PATIENCE).returncode
                    self.assertEqual((code, out, theirs), (wanted, b"", wanted), err)
                    self.assertRegex(err, "^error: .*\nhint: ")
                    self.assertNotIn("battery", err)

    def test_no_broker(self):
        port = free_port()
        code, out, err = self.run_sts("pub", "--plain", *self.at(port), "-t", "t", "-m", "a")
        self.assertEqual((code, out), (1, b""))
        self.assertRegex(err, f"^error: .*refused.*{port}")

    def test_retry_waits_for_a_broker(self):
        port = self.b.port
        self.b.kill()
        pub = self.keep(Process([STS, "pub", "--plain", *self.at(port), "--retry", "-u", "alice", "--password-from",
                                 "env:PW", "-t", "t", "-m", "a", "-q", "1"],
                                env={**self.user.env, "PW": "right horse"}))
        pub.expect("warning: .*")
        self.b.start()
        self.assertEqual(pub.wait(), 0, pub.text)

    def test_the_broker_goes_in_the_middle(self):
        pub = self.keep(Process([STS, "pub", "--plain", *self.at(), "-u", "alice", "--password-from", "env:PW", "-t",
                                 "t", "-l", "-q", "1", "-i", "steady"],
                                env={**self.user.env, "PW": "right horse"}, stdin=subprocess.PIPE))
        pub.process.stdin.write(b"first\n")
        pub.process.stdin.flush()
        self.b.log.expect("Received PUBLISH from steady")  # so it knows that it is connected
        self.b.kill()
        pub.expect("warning: .*lost")
        pub.process.stdin.write(b"".join(b"line %d\n" % i for i in range(300)))
        pub.process.stdin.close()
        self.b.start()
        self.assertEqual(pub.wait(), 0, pub.text)
        for i in range(300):
            self.b.log.expect(r"Received PUBLISH from steady \(d[01], q1")
