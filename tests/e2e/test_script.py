"""The program as scripts use it: commands, configs, keys, exit codes."""

import os
import pathlib
import re
import stat
import subprocess

from harness import ERROR, PATIENCE, STS, TestCase

KEY = "rMJWw0QhNbBNVZ3UVEvA2TbvDWTRLmSjCAFgUBDRQx8="


class Configs(TestCase):
    GOOD = {"url": "localhost", "sts_mode": "master", "sub": "t/in", "pub": "t/out", "peer": "first-use"}

    def refused(self, wanted, text=None, mode=0o600, **keys):
        """A config that doesn't load: one line with file and line number, a hint, nothing started."""
        home = self.home()
        if text is None:
            path = home.config("bad", mode=mode, **{**self.GOOD, **keys})
        else:
            path = home.file("bad", text, mode)
        code, out = home.sts(stdin=f"start {path}\nstatus\n")
        self.assertEqual(code, 1, out)
        self.assertRegex(out, rf"error: .*{re.escape(path)}{wanted}")
        self.assertRegex(out, "(?m)^.*hint: .+")
        self.assertNotRegex(out, "connect(ed|ion)? (to|refused)")
        return out

    def test_unknown_key(self):
        self.refused(":6: .*colour", colour="blue")

    def test_bad_values(self):
        for key, value in (("port", "0"), ("port", "65536"), ("port", "many"), ("sts_mode", "maestro"),
                           ("aes", "gcm"), ("timeout", "-1"), ("peer", "no such key="), ("psk", "short"),
                           ("rekey_after_messages", "x"), ("pub", "t/#"), ("pub", "a/+/b")):
            with self.subTest(key=key, value=value):
                number = [*self.GOOD].index(key) + 1 if key in self.GOOD else 6
                self.refused(rf":{number}: ", **{key: value})

    def test_missing_topics(self):
        self.refused(r"(:\d+)?: .*subtop", text="url = localhost\nsts_mode = nosec\npubtop = t/out\n")
        self.refused(r"(:\d+)?: .*pubtop", text="url = localhost\nsts_mode = nosec\nsubtop = t/out\n")

    def test_no_equals_sign(self):
        self.refused(":2: ", text="url = localhost\nport 1883\n")

    def test_no_such_file(self):
        code, out = self.home().sts(stdin="start /no/such/file\n")
        self.assertEqual(code, 1)
        self.assertIn("/no/such/file", out)

    def test_directory(self):
        code, out = self.home().sts(stdin=f"start {self.directory}\n")
        self.assertEqual(code, 1)
        self.assertIn(self.directory, out)

    def test_readable_psk_is_refused(self):
        out = self.refused(r"(:\d+)?: ", mode=0o644, psk=KEY)
        self.assertIn("chmod 600", out)
        self.assertNotIn(KEY, out)

    def test_readable_password_warns(self):
        b = self.broker()
        home = self.home()
        path = home.config("plain", mode=0o644, url="localhost", port=b.port, sts_mode="nosec", sub="a",
                           pub="b", username="u", password="do not show")
        code, out = home.sts(stdin=f"start {path}\nstatus\n")
        self.assertEqual(code, 0, out)
        self.assertRegex(out, "(?i)warn.*password")
        self.assertIn("connected to", out)
        self.assertNotIn("do not show", out)

    def test_the_references_form_loads(self):
        b = self.broker()
        home = self.home()
        topic = "topic/" + "x" * 200
        path = home.file("old", f"url  = localhost\nport   = {b.port}\n\nusername = \npassword = \n"
                                f"subtop\t=  {topic}  \npubtop = t/out\r\nclientid   = me\n"
                                "sts_mode = nosec\naes      = null\n")
        code, out = home.sts(stdin=f"start {path}\nstatus\n")
        self.assertEqual(code, 0, out)
        self.assertIn("connected to", out)
        self.assertIn(topic, out)


class Keys(TestCase):
    def test_generate_and_show(self):
        home = self.home()
        code, out = home.sts("key", "gen")
        self.assertEqual(code, 0, out)
        code, shown = home.sts("key", "show")
        self.assertEqual(code, 0, shown)
        self.assertRegex(shown.splitlines()[0], "^[A-Za-z0-9+/]{43}=$")
        self.assertIn(shown.splitlines()[0], out)
        files = list((home.directory / "sts").iterdir())
        self.assertTrue(files)
        for path in files:
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600, path)
        self.assertEqual(stat.S_IMODE((home.directory / "sts").stat().st_mode), 0o700)

    def test_an_identity_is_never_overwritten(self):
        home = self.home()
        key = home.key()
        self.assertEqual(home.sts("key", "gen")[0], 1)
        self.assertEqual(home.key(), key)

    def test_none_yet(self):
        code, out = self.home().sts("key", "show")
        self.assertEqual(code, 1)
        self.assertIn("sts key gen", out)

    def test_readable_identity_is_refused(self):
        home = self.home()
        home.key()
        path = home.directory / "sts" / "identity"
        path.chmod(0o640)
        for argv in (["key", "show"],):
            code, out = home.sts(*argv)
            self.assertEqual(code, 1)
            self.assertIn(f"chmod 600 {path}", out)

    def test_private_key_is_never_shown(self):
        home = self.home()
        out = home.sts("key", "gen")[1] + home.sts("key", "show")[1]
        private = re.search("[A-Za-z0-9+/]{43}=", (home.directory / "sts" / "identity").read_text())[0]
        self.assertNotIn(private, out)

    def test_peers(self):
        home = self.home()
        self.assertEqual(home.sts("peer", "list"), (0, ""))
        self.assertEqual(home.sts("peer", "add", "pump", KEY)[0], 0)
        code, out = home.sts("peer", "list")
        self.assertEqual(code, 0)
        self.assertRegex(out, rf"(?m)^pump\s+{re.escape(KEY)}")
        other = self.home("other").key()
        for bad in (["add", "pump", other], ["add", "other", KEY[:-2]], ["add", "a b", other],
                    ["add", "first-use", other], ["remove", "nobody"]):
            with self.subTest(bad=bad):
                code, text = home.sts("peer", *bad)
                self.assertEqual(code, 1 if bad[1] == "pump" else 2)  # what is taken isn't wrong by itself
                self.assertIn("error: ", text)
        self.assertEqual(home.sts("peer", "remove", "pump")[0], 0)
        self.assertEqual(home.sts("peer", "list"), (0, ""))

    def test_start_makes_an_identity_and_says_so(self):
        b = self.broker()
        home = self.home()
        path = home.config("c", url="localhost", port=b.port, sts_mode="slave", sub="a", pub="b",
                           peer="first-use")
        shell = self.start(home, path)
        shell.expect("waiting for the peer")
        self.assertIn(home.key(), shell.text)


class ScriptMode(TestCase):
    def test_commands_and_exit_codes(self):
        home = self.home()
        for stdin, code in (("", 0), ("help\n", 0), ("status\n", 0), ("nonsense\n", 1),
                            ("nonsense\nhelp\n", 1), ("send x\n", 1), ("sendenc x\n", 1),
                            ("\n\n  \n", 0), ("exit\n", 0), ("exit\nnonsense\n", 0), ("start\n", 1),
                            ("help start\n", 0), ("help nonsense\n", 1), ("!true\n", 0),
                            ("!false\n", 1), ("help", 0)):
            with self.subTest(stdin=stdin):
                self.assertEqual(home.sts(stdin=stdin)[0], code, home.sts(stdin=stdin)[1])

    def test_help_names_each_command(self):
        out = self.home().sts(stdin="help\n")[1]
        for command in ("start", "stop", "status", "sendenc", "send", "help", "exit", "!"):
            self.assertIn(command, out)

    def test_host_command(self):
        code, out = self.home().sts(stdin="!echo from the $((40 + 2)) host\n")
        self.assertEqual((code, out), (0, "from the 42 host\n"))

    def test_no_prompt_and_no_colour_in_a_pipe(self):
        out = self.home().sts(stdin="status\nnonsense\n")[1]
        self.assertNotIn("\x1b", out)
        self.assertNotRegex(out, "(?m)^> ")

    def test_start_gives_up(self):
        for mode in ("master", "slave"):
            with self.subTest(mode=mode):
                home, config = self.pair(self.broker(), timeout=1)[mode == "slave"]
                code, out = home.sts(stdin=f"start {config}\nstatus\n")
                self.assertEqual(code, 1)
                self.assertRegex(out, ERROR + "no session after 1 s")

    def test_end_of_input_ends_a_pending_start(self):
        home, config = self.pair(self.broker())[1]
        shell = self.start(home, config)
        shell.expect("waiting for the peer")
        self.assertEqual(shell.finish(), 1)
        self.assertRegex(shell.drain(), "error: the start was given up.*\nhint: ")
        self.assertNotIn("session is up", shell.text)
        self.assertNotIn("session stopped", shell.text)

    def test_output_is_flushed_per_line(self):
        shell = self.shell(self.home())
        shell.line("help")
        shell.expect("sendenc")  # while it goes on

    def test_a_whole_session_as_a_script(self):
        pair = self.pair(self.broker())
        slave = self.start(*pair[1])
        slave.expect("waiting for the peer")
        code, out = pair[0][0].sts(stdin=f"start {pair[0][1]}\nsendenc one\nsendenc two\n")
        self.assertEqual(code, 0, out)
        slave.expect("Received KILL from master")
        self.assertEqual(slave.finish(), 0)
        self.assertEqual(slave.received(), ["one", "two"])

    def test_second_start_is_refused(self):
        master, slave = self.session(self.broker())
        config = self.pair(self.broker())[0][1]
        master.line(f"start {config}")
        master.expect("error: ")
        self.talk(master, slave)

    def test_reader_gone(self):
        """`sts | head -1` ends, though its input goes on."""
        read, write = os.pipe()
        shell = subprocess.Popen([STS], stdin=subprocess.PIPE, stdout=write, stderr=subprocess.DEVNULL,
                                 env={**os.environ, **self.home().env})
        self.addCleanup(shell.wait)
        self.addCleanup(shell.kill)
        os.close(write)
        os.close(read)
        with shell.stdin as stdin:
            stdin.write(b"help\n")
            stdin.flush()
            shell.wait(PATIENCE)

    def test_version_and_usage(self):
        home = self.home()
        code, out = home.sts("--version")
        self.assertEqual(code, 0)
        self.assertRegex(out, r"\d+\.\d+\.\d+")
        code, out = home.sts("--help")
        self.assertEqual(code, 0)
        for word in ("key", "peer"):
            self.assertIn(word, out)
        self.assertEqual(home.sts("help"), (0, out))
        self.assertEqual(home.sts("help", "peer", "add"), home.sts("peer", "add", "--help"))
        code, out = home.sts("pub", "-t", "t", "-m", "a", "-m", "b")
        self.assertEqual(code, 2)
        self.assertRegex(out, "^error: sts pub: .*-m")
        self.assertNotEqual(home.sts("nonsense")[0], 0)


class Streams(TestCase):
    """What stands on the standard output is not an error, and each error has its hint behind it."""

    def run_apart(self, home, stdin):
        done = subprocess.run([STS], input=stdin, text=True, capture_output=True, timeout=PATIENCE,
                              env={**os.environ, **home.env}, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertNotRegex(done.stdout, r"(?m)^error: |\[ERROR\]")
        return done.stdout, done.stderr.splitlines()

    def test_errors_of_commands(self):
        out, err = self.run_apart(self.home(), "nonsense\nhelp\nquit\nstart\n")
        self.assertIn("sendenc", out)
        self.assertEqual([line.split(":")[0] for line in err], ["error", "hint"] * 3)
        self.assertIn("exit", err[3])

    def test_errors_that_come_later(self):
        home, config = self.pair(self.broker(), timeout=1)[0]
        out, err = self.run_apart(home, f"start {config}\nsendenc a\nsendenc b\n")
        self.assertIn("waiting for the peer", out)
        self.assertNotIn("session stopped", out)
        self.assertRegex(err[0], r"\[ERROR\] # no session after 1 s$")
        self.assertRegex(err[1], "^hint: check that the peer runs .*sts_mode = slave, subtop = t/up")
        self.assertEqual(err[2:], ["error: no session", "hint: 'start CONFIG' or 'connect' opens one", "error: no session"])


class Secrets(TestCase):
    def test_nothing_secret_in_output_or_arguments(self):
        b = self.broker()
        psk = KEY
        master, slave = self.session(b, psk=psk, username="someone", password="open sesame")
        self.talk(master, slave)
        for shell in (master, slave):
            shell.line("status")
            shell.expect("someone")
            arguments = pathlib.Path(f"/proc/{shell.process.pid}/cmdline").read_bytes()
            self.assertNotIn(b"sesame", arguments)
        for shell in (master, slave):
            self.assertEqual(shell.finish(), 0)
            private = re.search("[A-Za-z0-9+/]{43}=",
                                (shell.home.directory / "sts" / "identity").read_text())[0]
            shown = shell.drain()
            for secret in (psk, "open sesame", private):
                self.assertNotIn(secret, shown)

    def test_status_tells_the_truth(self):
        master, slave = self.session(self.broker())
        self.talk(master, slave)
        master.line("status")
        master.line("send no")  # an error line behind the status
        shown = master.expect(r"(?s)status: +ONLINE$.*?^error: ")[0]
        for row, value in (("broker", "connected"), ("sts_mode", "master"), ("protocol", "STS 2"),
                           ("cipher", "ChaCha20-Poly1305 .*"), ("pub_topic", "t/up"),
                           ("sub_topic", "t/down"), ("msg sent", "1"), ("msg recv", "1"),
                           ("peer", "to-slave"), ("  public key", re.escape(slave.home.key())),
                           ("  fingerprint", re.escape(slave.home.fingerprint())),
                           ("  session", "up for .*"), ("  frames sealed", "[1-9][0-9]*"),
                           ("  frames opened", "[1-9][0-9]*")):
            self.assertRegex(shown, rf"(?m)sts: {row}: +{value}$")
