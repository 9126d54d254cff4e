"""A hostile wire: garbage, forgeries, repeats; and rekeying under traffic."""

import base64
import os
import random
import re

from harness import TestCase, publish

HELLO, INIT_REQ, INIT_ACK, KEY_ACK = 1, 2, 3, 4  # first byte of a frame, docs/protocol.md


class Garbage(TestCase):
    def test_running_session_survives(self):
        b = self.broker()
        master, slave = self.session(b)
        rng = random.Random(7)
        sizes = [0, 1, 4, 5, 24, 25, 52, 53, 54, 68, 69, 70, 105, 106, 200]
        for topic in ("t/up", "t/down"):
            for kind in range(8):
                for size in rng.sample(sizes, 5):
                    publish(b, topic, (bytes([kind]) + rng.randbytes(size))[:max(size, 1)])
            publish(b, topic, b"")
            publish(b, topic, os.urandom(100_000))
        self.talk(master, slave)
        self.assertEqual((slave.received(), master.received()), (["hello from a"], ["hello from b"]))
        self.assertEqual([master.finish(), slave.finish()], [0, 0])

    def test_handshake_survives(self):
        b = self.broker()
        (m_home, m_config), (s_home, s_config) = self.pair(b)
        slave = self.start(s_home, s_config)
        slave.expect("waiting for the peer")
        for size in (0, 1, 52, 53, 100):
            publish(b, "t/up", bytes([INIT_REQ]) + os.urandom(size))
            publish(b, "t/up", bytes([KEY_ACK]) + os.urandom(size))
        master = self.start(m_home, m_config)
        for _ in range(3):
            publish(b, "t/down", bytes([INIT_ACK]) + os.urandom(104))
            publish(b, "t/down", bytes([HELLO]) + os.urandom(4))
        master.expect("session is up")
        slave.expect("session is up")
        self.talk(master, slave)

    def test_retained_garbage(self):
        b = self.broker()
        for topic in ("t/up", "t/down"):
            publish(b, topic, bytes([INIT_REQ]) + os.urandom(52), retain=True)
        master, slave = self.session(b)
        self.talk(master, slave)


class Replay(TestCase):
    def test_every_frame_again(self):
        """All that was ever sent, replayed in order, backwards, and on the other topic."""
        b = self.broker()
        tap = self.tap(b)
        master, slave = self.session(b)
        for turn in range(3):
            self.talk(master, slave, f"turn {turn}")
        frames = tap.frames()
        other = {"t/up": "t/down", "t/down": "t/up"}
        for topic, payload in frames + frames[::-1]:
            publish(b, topic, payload)
        for topic, payload in frames:
            publish(b, other[topic], payload)
        self.talk(master, slave, "after")
        for shell, end in ((slave, "a"), (master, "b")):
            self.assertEqual(shell.received(),
                             [*(f"turn {turn} from {end}" for turn in range(3)), f"after from {end}"])
        self.assertEqual([master.finish(), slave.finish()], [0, 0])

    def test_an_old_session_into_a_new_one(self):
        b = self.broker()
        tap = self.tap(b)
        pair = self.pair(b)
        for turn in range(2):
            slave = self.start(*pair[1])
            slave.expect("waiting for the peer")
            if turn:
                for topic, payload in tap.frames():
                    publish(b, topic, payload)
            master = self.start(*pair[0])
            for shell in (master, slave):
                shell.expect("session is up")
            if turn:
                for topic, payload in tap.frames():
                    publish(b, topic, payload)
            self.talk(master, slave, f"life {turn}")
            self.assertEqual(slave.received(), [f"life {turn} from a"])
            self.assertEqual(master.received(), [f"life {turn} from b"])
            self.assertEqual([master.finish(), slave.finish()], [0, 0])

    def test_flipped_bits(self):
        b = self.broker()
        tap = self.tap(b)
        master, slave = self.session(b)
        self.talk(master, slave)
        for topic, payload in tap.frames():
            for at in {0, 1, len(payload) // 2, len(payload) - 1}:
                bad = bytearray(payload)
                bad[at] ^= 1 << at % 8
                publish(b, topic, bytes(bad))
        self.talk(master, slave, "after")
        self.assertEqual(slave.received(), ["hello from a", "after from a"])
        self.assertEqual(master.received(), ["hello from b", "after from b"])


class Rekey(TestCase):
    def test_no_loss_under_traffic(self):
        b = self.broker()
        tap = self.tap(b)
        master, slave = self.session(b, rekey_after_messages=8)
        down = [f"down {i}" for i in range(300)]
        up = [f"up {i}" for i in range(300)]
        for i in range(300):
            master.line("sendenc " + down[i])
            slave.line("sendenc " + up[i])
            if i % 10 == 0:  # else they would share frames, and few keys do for all
                slave.expect_message(down[i])
                master.expect_message(up[i])
        slave.expect_message(down[-1])
        master.expect_message(up[-1])
        self.talk(master, slave)
        self.assertEqual(slave.received(), [*down, "hello from a"])
        self.assertEqual(master.received(), [*up, "hello from b"])
        handshakes = {payload for topic, payload in tap.frames() if payload[:1] == bytes([INIT_REQ])}
        self.assertGreater(len(handshakes), 2)

    def test_broker_restart_while_rekeying(self):
        b = self.broker()
        master, slave = self.session(b, rekey_after_messages=4)
        texts = [f"message {i}" for i in range(120)]
        for i, text in enumerate(texts):
            master.line("sendenc " + text)
            if i % 40 == 39:
                slave.expect_message(f"message {i - 39}")
                b.kill()
                b.start()
        slave.expect_message(texts[-1])
        self.talk(master, slave)
        self.assertEqual(slave.received(), [*texts, "hello from a"])


class Confidential(TestCase):
    def test_the_broker_learns_nothing_it_should_not(self):
        b = self.broker()
        tap = self.tap(b)
        master, slave = self.session(b)
        self.talk(master, slave, "a secret word")
        keys = [shell.home.key() for shell in (master, slave)]
        self.assertEqual([master.finish(), slave.finish()], [0, 0])
        wire = b"".join(payload for _, payload in tap.frames())
        self.assertNotIn(b"secret word", wire)
        for key in keys:
            self.assertNotIn(base64.b64decode(key), wire)
        # Two runs of the same plaintext have no frame in common.
        self.assertEqual(len(tap.frames()), len({payload for _, payload in tap.frames()}))

    def test_kill_looks_like_data(self):
        b = self.broker()
        tap = self.tap(b)
        master, slave = self.session(b)
        self.talk(master, slave)
        data = {payload[0] for topic, payload in tap.frames() if topic == "t/up"} - {INIT_REQ, KEY_ACK}
        master.line("stop")
        slave.expect("Received KILL")
        self.assertEqual({payload[0] for topic, payload in tap.frames() if topic == "t/up"}
                         - {INIT_REQ, KEY_ACK}, data)
        self.assertFalse(re.search(rb"KILL|END", b"".join(payload for _, payload in tap.frames())))
