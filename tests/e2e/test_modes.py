"""Each mode, from shell to shell."""

import itertools
import pathlib
import re

from harness import ERROR, TestCase, publish

CONFIGS = pathlib.Path(__file__).parents[2] / "configs"


class Nosec(TestCase):
    def setUp(self):
        super().setUp()
        self.b = self.broker()
        self.me = self.home()
        self.sts = self.start(self.me, self.me.config("plain", url="localhost", port=self.b.port,
                                                      sts_mode="nosec", sub="t/in", pub="t/out"))
        self.sts.expect(rf"connected to localhost:{self.b.port}")

    def test_sends_in_clear(self):
        tap = self.tap(self.b)
        self.sts.line("send hello from  the field ")
        self.assertEqual(tap.expect_frame("t/out")[1], b"hello from  the field ")
        self.assertEqual(self.sts.finish(), 0)

    def test_shows_what_comes(self):
        publish(self.b, "t/in", b"23.5 C")
        self.sts.expect_message("23.5 C")
        publish(self.b, "t/in", "Grüße aus Köln ✓".encode())
        self.sts.expect_message("Grüße aus Köln ✓")

    def test_control_characters_do_not_reach_the_terminal(self):
        publish(self.b, "t/in", b"\x1b]0;owned\x07\x1b[31mred\r\nforged: line\x00\xff\xc2\x9b2J")
        publish(self.b, "t/in", b"afterwards")
        self.sts.expect_message("afterwards")
        shown = self.sts.text
        self.assertNotRegex(shown, "[\x00-\x08\x0b-\x1f\x7f-\x9f]")
        self.assertNotRegex(shown, "^forged")

    def test_sendenc_is_refused(self):
        tap = self.tap(self.b)
        self.sts.line("sendenc secret")
        self.sts.expect(ERROR)
        self.sts.line("send marker")
        self.assertEqual(tap.expect_frame("t/out")[1], b"marker")
        self.assertEqual(self.sts.finish(), 1)


class Sts1(TestCase):
    """The reference protocol: insecure, but it has to work."""

    SETUP = ["INITREQ:request", "INITACK:", "KEYREQ:X[0-9A-F]+Y{}", "KEYACK:", "KEYREQ:X[0-9A-F]+Y{}",
             "KEYACK:"]

    def check(self, aes, curve):
        b = self.broker()
        tap = self.tap(b)
        master, slave = self.session(b, aes=aes, curve=curve)
        for shell in (master, slave):
            self.assertRegex(shell.text, "(?i)warn.*insecure")
        self.talk(master, slave)
        self.talk(slave, master, "again and longer than one block")
        master.line("stop")
        slave.expect("Received KILL from master")
        self.assertEqual([master.finish(), slave.finish()], [0, 0])

        frames = tap.frames()
        y = "" if curve == "x25519" else "[0-9A-F]+"
        for (topic, payload), expected, sender in zip(frames, self.SETUP, "msmssm"):
            self.assertRegex(payload.decode(), f"^{expected.format(y)}$")
            self.assertEqual(topic, {"m": "t/up", "s": "t/down"}[sender])
        self.assertEqual(len(frames), 6 + 4 + 1)
        for _, payload in frames[6:]:
            self.assertEqual(len(payload) % 16, 0)

    def test_ecb_secp256k1(self):
        self.check("ecb", "secp256k1")

    def test_ecb_x25519(self):
        self.check("ecb", "x25519")

    def test_cbc_secp256k1(self):
        self.check("cbc", "secp256k1")

    def test_cbc_x25519(self):
        self.check("cbc", "x25519")

    def test_slave_follows_the_masters_curve(self):
        b = self.broker()
        (m_home, m_config), (s_home, s_config) = self.pair(b, aes="cbc", master={"curve": "x25519"})
        slave = self.start(s_home, s_config)
        slave.expect("waiting for the peer")
        master = self.start(m_home, m_config)
        master.expect("session is up")
        slave.expect("session is up")
        self.talk(master, slave)

    def test_kill_from_slave(self):
        master, slave = self.session(self.broker(), aes="cbc")
        slave.line("stop")
        master.expect("Received KILL from slave")
        self.assertEqual([master.finish(), slave.finish()], [0, 0])

    def test_longer_than_1024_bytes_is_refused(self):
        master, slave = self.session(self.broker(), aes="ecb")
        longest = "x" * (1024 - len("ENC:"))
        master.line("sendenc " + longest + "x")
        master.expect(ERROR + ".*1020 at most")
        master.line("sendenc " + longest)
        slave.expect_message(longest)
        self.talk(master, slave)

    def test_send_in_clear_is_refused(self):
        master, slave = self.session(self.broker(), aes="ecb")
        master.line("send in clear")
        master.expect(ERROR)
        self.talk(master, slave)
        self.assertEqual(slave.received(), ["hello from a"])


class Sts2(TestCase):
    def test_slave_first(self):
        b = self.broker()
        tap = self.tap(b)
        master, slave = self.session(b)
        self.talk(master, slave)
        self.assertEqual([master.finish(), slave.finish()], [0, 0])
        for _, payload in tap.frames():
            self.assertNotIn(b"hello", payload)

    def test_master_first(self):
        (m_home, m_config), (s_home, s_config) = self.pair(self.broker())
        master = self.start(m_home, m_config)
        master.expect("waiting for the peer")
        slave = self.start(s_home, s_config)
        master.expect("session is up")
        slave.expect("session is up")
        self.talk(master, slave)

    def test_both_at_once(self):
        shells = [self.start(*one) for one in self.pair(self.broker())]
        for shell in shells:
            shell.expect("session is up")
        self.talk(*shells)

    def test_other_words_for_the_roles(self):
        master, slave = self.session(self.broker(), master={"sts_mode": "initiator"},
                                     slave={"sts_mode": "responder", "aes": "null"})
        self.talk(master, slave)

    def test_pinned_keys_and_psk(self):
        b = self.broker()
        psk = "cHJlLXNoYXJlZCBrZXkgb2YgdGhpcnR5LXR3byBieXQ="
        (m_home, m_config), (s_home, s_config) = self.pair(b, psk=psk)
        m_config = pathlib.Path(m_config)
        s_config = pathlib.Path(s_config)
        m_config.write_text(m_config.read_text().replace("first-use", s_home.key()))
        s_home.sts("peer", "add", "boss", m_home.key())
        s_config.write_text(s_config.read_text().replace("first-use", "boss"))
        slave = self.start(s_home, s_config)
        slave.expect("waiting for the peer")
        master = self.start(m_home, m_config)
        master.expect("session is up")
        slave.expect("session is up with boss")
        self.talk(master, slave)
        self.assertNotIn("pinned", master.text + slave.text)

    def test_every_message_arrives_exactly(self):
        b = self.broker()
        tap = self.tap(b)
        master, slave = self.session(b)
        texts = ["x", " leading and trailing ", "tab\there", "quotes \" ' ` $HOME \\n", "# no comment",
                 "Grüße, 世界, 🦀", "é decomposed e\u0301", "long " + "0123456789" * 5000, "last"]
        for sender, receiver in ((master, slave), (slave, master)):
            for text in texts:
                sender.line("sendenc " + text)
            receiver.expect_message("last")
            self.assertEqual(receiver.received(), [text.replace("\t", r"\t") for text in texts])
        for sender, topic in ((master, "t/up"), (slave, "t/down")):
            shown = re.findall(r"\[MQTT_OUT\]: ([0-9a-f]+)$", sender.text, re.MULTILINE)
            self.assertTrue(1 <= len(shown) <= len(texts))  # messages may share a frame
            seen = [payload.hex() for name, payload in tap.frames() if name == topic]
            for frame in shown:
                self.assertIn(frame, seen)

    def test_send_in_clear_is_refused(self):
        b = self.broker()
        tap = self.tap(b)
        master, slave = self.session(b)
        master.line("send in the clear")
        master.expect(ERROR)
        self.talk(master, slave)
        self.assertEqual(slave.received(), ["hello from a"])
        self.assertFalse([1 for _, payload in tap.frames() if b"clear" in payload])


class Kill(TestCase):
    def test_master_stops(self):
        master, slave = self.session(self.broker())
        master.line("stop")
        master.expect("session stopped")
        slave.expect("Received KILL from master")
        slave.expect("session stopped")
        self.assertEqual([master.finish(), slave.finish()], [0, 0])

    def test_slave_stops(self):
        master, slave = self.session(self.broker())
        slave.line("stop")
        slave.expect("session stopped")
        master.expect("Received KILL from slave")
        master.expect("session stopped")
        self.assertEqual([master.finish(), slave.finish()], [0, 0])

    def test_exit_and_end_of_input_stop_properly(self):
        for end in ("exit", "end of input"):
            with self.subTest(end=end):
                master, slave = self.session(self.broker())
                master.line("sendenc last words")
                if end == "exit":
                    master.line("exit")
                    self.assertEqual(master.wait(), 0)
                else:
                    self.assertEqual(master.finish(), 0)
                slave.expect_message("last words")
                slave.expect("Received KILL from master")

    def test_another_session_in_the_same_shells(self):
        (m_home, m_config), (s_home, s_config) = self.pair(self.broker())
        master, slave = self.shell(m_home), self.shell(s_home)
        for _ in range(3):
            slave.line(f"start {s_config}")
            slave.expect("waiting for the peer")
            master.line(f"start {m_config}")
            master.expect("session is up")
            slave.expect("session is up")
            self.talk(master, slave)
            master.line("stop")
            slave.expect("Received KILL from master")
            slave.expect("session stopped")
            master.expect("session stopped")
        self.assertEqual([master.finish(), slave.finish()], [0, 0])


class ShippedConfigs(TestCase):
    def ours(self, home, broker, name):
        """A shipped config with nothing changed but the port."""
        text = (CONFIGS / name).read_text()
        self.assertIn("localhost", text)
        text = re.sub(r"(?m)^\s*port\s*=.*\n", "", text)
        return home.file(name, text + f"\nport = {broker.port}\n")

    def test_each_is_used_here(self):
        names = {path.name for path in CONFIGS.iterdir()}
        self.assertTrue({"nosec", "secslave", "secmaster"} <= names)
        self.assertTrue(any(name.startswith("legacy-") for name in names))

    def test_pairs(self):
        b = self.broker()
        names = sorted(path.name for path in CONFIGS.iterdir())
        pairs = [(name, name.replace("master", "slave")) for name in names if "master" in name]
        self.assertGreaterEqual(len(pairs), 2)
        # A channel's is used in test_shell_channel.
        self.assertEqual(sorted(itertools.chain(["channel", "nosec"], *pairs)), names)
        for m_name, s_name in pairs:
            with self.subTest(pair=(m_name, s_name)):
                m_home, s_home = self.home("m"), self.home("s")
                slave = self.start(s_home, self.ours(s_home, b, s_name))
                slave.expect("waiting for the peer")
                master = self.start(m_home, self.ours(m_home, b, m_name))
                master.expect("session is up")
                slave.expect("session is up")
                self.talk(master, slave)

    def test_nosec(self):
        b = self.broker()
        home = self.home()
        shell = self.start(home, self.ours(home, b, "nosec"))
        shell.expect(rf"connected to localhost:{b.port}")
        tap = self.tap(b)
        shell.line("send hello")
        self.assertEqual(tap.expect_frame()[1], b"hello")
