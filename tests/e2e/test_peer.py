"""What happens when the peer restarts, is another one, or is many."""

import re
import shutil

from harness import ERROR, TestCase

PSK_A = "QSBwcmUtc2hhcmVkIGtleSBvZiAzMiBieXRlcyBoZXI="
PSK_B = "QiBwcmUtc2hhcmVkIGtleSBvZiAzMiBieXRlcyBoZXI="


class PeerRestart(TestCase):
    def check(self, survivor, victim, restart):
        """`victim` loses power; what the survivor says meanwhile reaches its next life."""
        self.talk(survivor, victim)
        victim.kill()
        texts = [f"while you were away {i}" for i in range(20)]
        for text in texts:
            survivor.line("sendenc " + text)
        second = self.start(*restart)
        survivor.expect("session is up")
        second.expect_message(texts[-1])
        self.talk(survivor, second, "again")
        self.assertEqual(second.received(), [*texts, "again from a"])
        self.assertEqual(survivor.received(), ["hello from b", "again from b"])

    def both(self):
        pair = self.pair(self.broker())
        slave = self.start(*pair[1])
        slave.expect("waiting for the peer")
        master = self.start(*pair[0])
        for shell in (master, slave):
            shell.expect("session is up")
        return master, slave, pair

    def test_slave_killed(self):
        master, slave, pair = self.both()
        self.check(master, slave, pair[1])

    def test_master_killed(self):
        master, slave, pair = self.both()
        self.check(slave, master, pair[0])

    def test_both_killed(self):
        master, slave, pair = self.both()
        master.kill()
        slave.kill()
        master, slave = (self.start(*one) for one in pair)
        for shell in (master, slave):
            shell.expect("session is up")
        self.talk(master, slave)

    def test_many_times(self):
        master, slave, pair = self.both()
        for turn in range(4):
            slave.kill()
            master.line(f"sendenc turn {turn}")
            slave = self.start(*pair[1])
            slave.expect_message(f"turn {turn}")
            master.expect("session is up")
            slave.line(f"sendenc answer {turn}")
            master.expect_message(f"answer {turn}")
        self.assertEqual(master.received(), [f"answer {turn}" for turn in range(4)])


class WrongPeer(TestCase):
    """Whoever isn't the one meant gets no session, and each side says so in one line."""

    def refused(self, pair, reasons, text="secret"):
        shells = [self.start(*one) for one in reversed(pair)]
        for shell, reason in zip(shells, reversed(reasons)):
            if reason:
                shell.expect(f"(?i:{reason})")
        for shell in shells:
            shell.expect(ERROR)
            shell.line(f"sendenc {text}")
            self.assertEqual(shell.finish(), 1)
            self.assertNotIn("session is up", shell.text)
            self.assertEqual(shell.received(), [])
        return shells

    def test_wrong_pinned_key_at_the_master(self):
        other = self.home("other").key()
        self.refused(self.pair(self.broker(), timeout=5, master={"peer": other}),
                     [r"(key|peer)", None])

    def test_wrong_pinned_key_at_the_slave(self):
        other = self.home("other").key()
        self.refused(self.pair(self.broker(), timeout=5, slave={"peer": other}), [None, r"(key|peer)"])

    def test_wrong_psk(self):
        self.refused(self.pair(self.broker(), timeout=5, master={"psk": PSK_A}, slave={"psk": PSK_B}),
                     [None, r"psk"])

    def test_psk_on_one_side_only(self):
        self.refused(self.pair(self.broker(), timeout=5, master={"psk": PSK_A}), [None, r"psk"])

    def test_a_failed_handshake_pins_nobody(self):
        pair = self.pair(self.broker(), timeout=5, master={"psk": PSK_A}, slave={"psk": PSK_B})
        self.refused(pair, [None, None])
        for home, _ in pair:
            self.assertEqual(home.sts("peer", "list")[1].strip(), "")

    def test_both_masters(self):
        pair = self.pair(self.broker(), timeout=5, slave={"sts_mode": "master"})
        for shell in self.refused(pair, [ERROR + ".*is master as well"] * 2):
            hints = re.findall("(?m)^hint: (.*)$", shell.text)
            self.assertEqual(hints[:2], ["set sts_mode = slave on one side"] * 2)

    def test_both_slaves(self):
        pair = self.pair(self.broker(), timeout=5, master={"sts_mode": "slave"})
        for shell in self.refused(pair, [None, None]):
            self.assertRegex(shell.text, "no session after 5 s\nhint: .*sts_mode = master")

    def test_topics_not_crossed_over(self):
        pair = self.pair(self.broker(), timeout=5, slave={"sub": "t/down", "pub": "t/up"})
        for shell in self.refused(pair, [None, None]):
            self.assertRegex(shell.text, "no session after 5 s\nhint: .*subtop = t/up and pubtop = t/down")

    def test_unknown_name(self):
        home, config = self.pair(self.broker(), master={"peer": "nobody-here"})[0]
        shell = self.start(home, config)
        shell.expect(ERROR + ".*nobody-here")
        shell.expect("hint: .*sts peer add")
        self.assertEqual(shell.finish(), 1)


class FirstUse(TestCase):
    def test_pin_is_kept_and_listed(self):
        pair = self.pair(self.broker())
        slave = self.start(*pair[1])
        slave.expect("waiting for the peer")
        master = self.start(*pair[0])
        master.expect("pinned to-slave")
        slave.expect("pinned to-master")
        for shell in (master, slave):
            shell.expect("session is up with")
        for (home, _), (other, _) in zip(pair, reversed(pair)):
            self.assertIn(other.key(), home.sts("peer", "list")[1])
        self.assertIn("to-slave", pair[0][0].sts("peer", "list")[1])

        # The second time nobody is pinned any more.
        self.assertEqual([master.finish(), slave.finish()], [0, 0])
        slave = self.start(*pair[1])
        slave.expect("waiting for the peer")
        master = self.start(*pair[0])
        master.expect("session is up with to-slave")
        slave.expect("session is up with to-master")
        self.assertNotIn("pinned", master.text + slave.text)

    def test_the_name_key_names_the_pin(self):
        master, slave = self.session(self.broker(), master={"name": "pump-7"})
        self.assertIn("pinned pump-7", master.text)
        self.assertRegex(master.home.sts("peer", "list")[1], r"(?m)^pump-7\b")

    def changed(self, who):
        """One of the two comes back with another key."""
        pair = self.pair(self.broker(), timeout=5)
        first = self.start(*pair[1])
        first.expect("waiting for the peer")
        second = self.start(*pair[0])
        for shell in (first, second):
            shell.expect("session is up")
        self.assertEqual([second.finish(), first.finish()], [0, 0])
        old = pair[who][0].key()
        shutil.rmtree(pair[who][0].directory / "sts")
        self.assertNotEqual(pair[who][0].key(), old)
        before = pair[1 - who][0].sts("peer", "list")

        shells = [self.start(*one) for one in pair]
        told = shells[1 - who]
        told.expect(ERROR + ".*(changed|another key|other key|not the pinned)")
        for shell in shells:
            shell.line("sendenc secret")
            self.assertEqual(shell.finish(), 1)
        self.assertNotIn("session is up", told.text)
        self.assertEqual(told.received(), [])
        self.assertEqual(pair[1 - who][0].sts("peer", "list"), before)

    def test_changed_key_of_the_slave(self):
        self.changed(1)

    def test_changed_key_of_the_master(self):
        self.changed(0)

    def test_a_responder_pins_exactly_one(self):
        b = self.broker()
        master, slave = self.session(b)
        intruder = self.home("intruder")
        config = intruder.config("to-slave", url="localhost", port=b.port, sts_mode="master",
                                 subtop="t/down", pubtop="t/up", peer="first-use", timeout=5)
        third = self.start(intruder, config)
        third.expect(ERROR)
        third.line("sendenc let me in")
        self.assertEqual(third.finish(), 1)
        self.talk(master, slave)
        self.assertEqual(slave.received(), ["hello from a"])


class ManyPeers(TestCase):
    def masters(self, broker, count):
        for i in range(count):
            home = self.home(f"master{i}")
            yield home, {"url": "localhost", "port": broker.port, "sts_mode": "master", "sub": "t/down",
                         "pub": "t/up"}

    def check(self, listing):
        b = self.broker()
        slave_home = self.home("slave")
        masters = []
        for i, (home, keys) in enumerate(self.masters(b, 4)):
            code, text = slave_home.sts("peer", "add", f"m{i}", home.key())
            self.assertEqual(code, 0, text)
            masters.append((home, home.config("to-slave", peer=slave_home.key(), **keys)))
        slave = self.start(slave_home, slave_home.config(
            "many", url="localhost", port=b.port, sts_mode="slave", sub="t/up", pub="t/down",
            peer=listing))
        slave.expect("waiting for the peer")
        shells = [self.start(*master) for master in masters]
        for shell in shells:
            shell.expect("session is up")
        for i, shell in enumerate(shells):
            for turn in range(5):
                shell.line(f"sendenc from {i} turn {turn}")
        for i, shell in enumerate(shells):
            self.assertEqual(shell.finish(), 0)
        self.assertEqual(slave.finish(), 0)
        shown = slave.drain()
        for i in range(4):
            self.assertIn(f"session is up with m{i}", shown)
            self.assertEqual(re.findall(rf"from {i} turn (\d)$", shown, re.MULTILINE), list("01234"))

    def test_by_name(self):
        self.check("m0, m1, m2, m3")

    def test_all_trusted(self):
        self.check("trusted")

    def test_whoever_is_not_listed_stays_out(self):
        b = self.broker()
        slave_home = self.home("slave")
        (home, keys), (stranger, other_keys) = self.masters(b, 2)
        slave_home.sts("peer", "add", "friend", home.key())
        slave_home.sts("peer", "add", "stranger", stranger.key())
        slave = self.start(slave_home, slave_home.config(
            "many", url="localhost", port=b.port, sts_mode="slave", sub="t/up", pub="t/down",
            peer="friend"))
        slave.expect("waiting for the peer")
        bad = self.start(stranger, stranger.config("to-slave", peer=slave_home.key(), timeout=5,
                                                   **other_keys))
        good = self.start(home, home.config("to-slave", peer=slave_home.key(), **keys))
        good.expect("session is up")
        good.line("sendenc hello")
        slave.expect_message("hello")
        bad.expect(ERROR)
        self.assertEqual(bad.finish(), 1)
        self.assertNotIn("session is up with stranger", slave.text)
