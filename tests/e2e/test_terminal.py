"""The shell with a person before it."""

import os
import re
import signal

from harness import TestCase, publish
from terminal import PROMPT, PtyShell, Screen


class ScreenItself(TestCase):
    """The emulator that the tests below trust."""

    def test_draws(self):
        for text, lines in (("ab\r\ncd", ["ab", "cd"]), ("abc\rX", ["Xbc"]), ("abc\r\x1b[K", [""]),
                            ("abcdef", ["abcd", "ef"]), ("abcd\r\nx", ["abcd", "x"]),
                            ("abcdef\r\x1b[A\x1b[Jx", ["x"]), ("äb\bc", ["äc"]), ("界x\r\x1b[2Cy", ["界y"])):
            with self.subTest(text=text):
                self.assertEqual(Screen(4).feed(text).lines(), lines)


class Terminal(TestCase):
    def setUp(self):
        super().setUp()
        self.b = self.broker()

    def pty(self, home, **how):
        shell = self.keep(PtyShell(home, **how))
        shell.expect(PROMPT)
        return shell

    def nosec(self, **how):
        home = self.home()
        config = home.config("plain", url="localhost", port=self.b.port, sts_mode="nosec", sub="t/in",
                             pub="t/out")
        shell = self.pty(home, **how)
        shell.line(f"start {config}")
        shell.expect("connected to localhost")
        return shell

    def half_typed(self, columns, typed):
        """A message comes while `typed` stands there: both are whole afterwards."""
        shell = self.nosec(columns=columns)
        shell.type(typed)

        def rows(text):
            return Screen(columns).feed(text).lines()

        prompt = rows(PROMPT + typed)
        shell.expect_screen(lambda lines: lines[-len(prompt):] == prompt)
        for i in range(5):
            publish(self.b, "t/in", f"message {i}".encode())
            shell.expect_screen(lambda lines, i=i: lines[-len(prompt):] == prompt
                                and f"message {i}" in "".join(lines))
        tail = "".join(line.ljust(columns) for line in shell.screen())
        shown = re.findall(r"\[MQTT_INC\]: (message \d)", tail)
        self.assertEqual(shown, [f"message {i}" for i in range(5)])
        # Once each, with nothing of the half-typed line between them.
        self.assertEqual(tail.count(typed), 1)
        tap = self.tap(self.b)
        shell.type(" end\r")
        self.assertEqual(tap.expect_frame("t/out")[1].decode(), typed.removeprefix("send ") + " end")

    def test_message_while_typing(self):
        self.half_typed(80, "send half typed")

    def test_message_while_typing_utf8(self):
        self.half_typed(80, "send Grüße 世界")

    def test_message_while_typing_over_several_lines(self):
        self.half_typed(40, "send " + " ".join(f"word{i}" for i in range(20)))

    def test_ctrl_c_cancels_the_line(self):
        shell = self.nosec()
        tap = self.tap(self.b)
        shell.type("send never")
        shell.expect("never")
        shell.type("\x03")
        shell.expect(r"\^C[^>]*" + PROMPT)
        shell.line("send this")
        self.assertEqual(tap.expect_frame("t/out")[1], b"this")

    def test_ctrl_c_cancels_a_pending_start(self):
        home, config = self.pair(self.b)[1]
        shell = self.pty(home)
        shell.line(f"start {config}")
        shell.expect("waiting for the peer")
        shell.type("\x03")
        shell.expect("the start was called off")
        shell.line("status")
        shell.expect("OFFLINE")
        shell.line("exit")
        self.assertEqual(shell.wait(), 0, shell.drain())

    def test_ctrl_d_stops_properly(self):
        pair = self.pair(self.b)
        slave = self.start(*pair[1])
        slave.expect("waiting for the peer")
        shell = self.pty(pair[0][0])
        shell.line(f"start {pair[0][1]}")
        shell.expect("session is up")
        shell.line("sendenc by hand")
        slave.expect_message("by hand")
        shell.type("\x04")
        slave.expect("Received KILL from master")
        self.assertEqual(shell.wait(), 0, shell.drain())

    def test_sigterm_and_hangup_stop_properly(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            with self.subTest(signal=number):
                pair = self.pair(self.b)
                slave = self.start(*pair[1])
                slave.expect("waiting for the peer")
                shell = self.pty(pair[0][0])
                shell.line(f"start {pair[0][1]}")
                shell.expect("session is up")
                slave.expect("session is up")
                os.kill(shell.process.pid, number)
                slave.expect("Received KILL from master")
                self.assertEqual(shell.wait(), 128 + number, shell.drain())

    def test_prompt_while_start_waits(self):
        """On a terminal `start` goes on in the background and other commands work."""
        home, config = self.pair(self.b)[1]
        shell = self.pty(home)
        shell.line(f"start {config}")
        shell.expect("waiting for the peer")
        shell.line("!echo still $((20 + 3)) here")
        shell.expect("still 23 here")

    def test_host_command_owns_the_terminal(self):
        shell = self.nosec()
        shell.line("!stty size; read -r answer; echo got:$answer")
        shell.expect("24 80")
        publish(self.b, "t/in", b"meanwhile")
        shell.line("my answer")
        shell.expect("got:my answer")
        shell.expect("meanwhile")
        shell.line("!echo sleep''ing; exec sleep 1000")  # a sh that is just forking can swallow Ctrl-C
        shell.expect("^sleeping")
        shell.type("\x03")
        shell.expect(PROMPT)
        tap = self.tap(self.b)
        shell.line("send alive")
        self.assertEqual(tap.expect_frame("t/out")[1], b"alive")

    def test_completion(self):
        home = self.home()
        home.config("completed-config", url="localhost", port=self.b.port, sts_mode="nosec", sub="t/in",
                    pub="t/out")
        shell = self.pty(home)
        shell.type("stat\t")
        shell.expect_screen(lambda lines: lines[-1].rstrip() == PROMPT + "status")
        shell.type("\x15")
        shell.type(f"start {home.directory}/compl\t")
        shell.expect_screen(lambda lines: "completed-config" in "".join(lines))
        shell.type("\r")
        shell.expect("connected to localhost")

    def test_history_without_secrets(self):
        shell = self.nosec()
        tap = self.tap(self.b)
        shell.line("send first")
        tap.expect_frame("t/out")
        shell.type("\x1b[A\r")
        self.assertEqual(tap.expect_frame("t/out")[1], b"first")
        shell.line("exit")
        self.assertEqual(shell.wait(), 0, shell.drain())
        for path in shell.home.directory.rglob("*"):
            if path.is_file() and path.name != "plain":
                self.assertNotIn(b"first", path.read_bytes(), path)

    def test_colour_on_a_terminal_only(self):
        self.assertIn("\x1b[", re.search(r".*connected to.*", self.nosec().text)[0])
        plain = self.nosec(env={"NO_COLOR": "1"})
        self.assertNotRegex(re.search(r".*connected to.*", plain.text)[0], r"\x1b\[[0-9;]*m")
