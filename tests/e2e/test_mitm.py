"""A hostile broker that knows the protocol: tests/mitm.cc stands between the two sides."""

import os
import pathlib
import re

from harness import ERROR, STS, Process, TestCase

MITM = pathlib.Path(os.environ.get("STS_MITM", pathlib.Path(STS).with_name("mitm")))


class MitmTestCase(TestCase):
    """A master on m/up and m/down, a slave on s/up and s/down, and whatever joins the two."""

    def setUp(self):
        super().setUp()
        self.assertTrue(MITM.exists(), f"{MITM} is missing: ninja mitm builds it; STS_MITM says where it is")
        self.b = self.broker()

    def mitm(self, *mode):
        process = self.keep(Process([str(MITM), str(self.b.port), *map(str, mode)]))
        process.expect("^READY$")
        return process

    @staticmethod
    def key(mitm):
        return re.search("(?m)^KEY (.*)$", mitm.text)[1]

    def ends(self, bound=False, **keys):
        """((home, config), (home, config)), master first. `bound`: as behind a bridge that renames the
        topics, so that frames that were passed on unchanged are good."""
        names = {"bind_pubtop": "b/up", "bind_subtop": "b/down"} if bound else {}
        swapped = {"bind_pubtop": "b/down", "bind_subtop": "b/up"} if bound else {}
        own = {side: dict(keys.pop(side, {})) for side in ("master", "slave")}
        return self.pair(self.b, master={"sub": "m/down", "pub": "m/up", **names, **own["master"]},
                         slave={"sub": "s/up", "pub": "s/down", **swapped, **own["slave"]}, **keys)

    @staticmethod
    def edit(ends, change):
        for _, config in ends:
            path = pathlib.Path(config)
            path.write_text(change(path.read_text()))

    def start_both(self, ends):
        slave = self.start(*ends[1])
        slave.expect("waiting for the peer")
        return self.start(*ends[0]), slave

    def pinned(self, **keys):
        """Ends that know one another's key."""
        ends = self.ends(**keys)
        for (home, config), (other, _) in zip(ends, reversed(ends)):
            path = pathlib.Path(config)
            path.write_text(path.read_text().replace("first-use", other.key()))
            self.assertTrue(home.key())
        return ends

    def nothing_gets_through(self, mitm, shells):
        """The start of each fails, and the one in between has read nothing."""
        for shell in shells:
            shell.expect(ERROR + ".*no session")
            shell.line("sendenc a secret")
            self.assertEqual(shell.finish(), 1)
            self.assertNotIn("session is up", shell.text)
            self.assertEqual(shell.received(), [])
        self.assertNotRegex(mitm.text, "(?m)^(UP|READ) ")
        for shell in shells:
            self.assertEqual(shell.home.sts("peer", "list")[1].strip(), "")


class ManInTheMiddle(MitmTestCase):
    def test_pinned_keys_keep_it_out(self):
        ends = self.pinned(timeout=6)
        mitm = self.mitm("identity")
        key = re.escape(self.key(mitm))
        master, slave = self.start_both(ends)
        for shell, (home, _) in ((master, ends[1]), (slave, ends[0])):
            shell.expect(ERROR + f".*{key} is not the pinned peer of config to-.*expected "
                         + re.escape(home.fingerprint()))
            shell.expect(f"^hint: .*sts key show.* set peer = KEY in the config file$")
        self.nothing_gets_through(mitm, (master, slave))

    def test_a_psk_keeps_it_out_at_first_use(self):
        mitm = self.mitm("identity")
        master, slave = self.start_both(self.ends(timeout=6,
                                                  psk="cHJlLXNoYXJlZCBrZXkgb2YgdGhpcnR5LXR3byBieXQ="))
        slave.expect(ERROR + ".*another psk")
        self.nothing_gets_through(mitm, (master, slave))

    def test_at_first_use_only_the_fingerprints_give_it_away(self):
        """What the docs say of first use: whoever is first is pinned, and both sides are told whom to
        compare with the peer's key."""
        mitm = self.mitm("identity")
        key = self.key(mitm)
        ends = self.ends()
        master, slave = self.start_both(ends)
        for shell in (master, slave):
            shell.expect(f"pinned .*{re.escape(key)}.*compare")
            shell.expect("session is up")
        master.line("sendenc for your eyes only")
        mitm.expect("^READ master for your eyes only$")
        slave.expect_message("for your eyes only")
        self.assertEqual([master.finish(), slave.finish()], [0, 0])
        # From here on the pin works for it, and against the right peer: never silently.
        self.assertIn(key, ends[0][0].sts("peer", "list")[1])
        mitm.kill()
        other = self.mitm("identity")
        self.edit(ends, lambda text: text + "timeout = 6\n")
        master, slave = self.start_both(ends)
        master.expect(ERROR + ".*not the pinned peer")
        slave.expect(ERROR + ".*not the pinned peer")
        slave.expect("^hint: most likely a stranger.*sts peer remove to-master, then sts peer add to-master KEY$")
        self.assertNotRegex(other.text, "(?m)^(UP|READ) ")

    def test_the_pin_of_an_earlier_session_keeps_it_out(self):
        ends = self.ends(bound=True)
        relay = self.mitm("relay")
        master, slave = self.start_both(ends)
        for shell in (master, slave):
            shell.expect("session is up")
        self.talk(master, slave)
        self.assertEqual([master.finish(), slave.finish()], [0, 0])
        relay.kill()
        mitm = self.mitm("identity")
        self.edit(ends, lambda text: re.sub("bind.*\n", "", text) + "timeout = 6\n")
        master, slave = self.start_both(ends)
        for shell in (master, slave):
            shell.expect(ERROR + ".*not the pinned peer")
            shell.line("sendenc a secret")
        for shell in (master, slave):
            self.assertEqual(shell.finish(), 1)
        self.assertNotRegex(mitm.text, "(?m)^(UP|READ) ")

    def test_knowing_the_public_keys_is_not_enough(self):
        ends = self.pinned(timeout=6)
        mitm = self.mitm("public", ends[0][0].key(), ends[1][0].key())
        master, slave = self.start_both(ends)
        master.expect("doesn't verify")
        slave.expect("forged")
        self.nothing_gets_through(mitm, (master, slave))

    def test_frames_passed_on_to_other_topics_are_refused(self):
        mitm = self.mitm("relay")
        master, slave = self.start_both(self.pinned(timeout=6))
        slave.expect(r"doesn't verify.*\nhint: .*bind_subtop")
        self.nothing_gets_through(mitm, (master, slave))


class HostileRelay(MitmTestCase):
    """It passes everything on, and more: the session works all the same, and nothing comes twice."""

    def check(self, *mode, turns=5):
        self.mitm(*mode)
        master, slave = self.start_both(self.ends(bound=True))
        for shell in (master, slave):
            shell.expect("session is up")
        for turn in range(turns):
            self.talk(master, slave, f"turn {turn}")
        for shell, end in ((slave, "a"), (master, "b")):
            self.assertEqual(shell.received(), [f"turn {turn} from {end}" for turn in range(turns)])
        return master, slave

    def test_honest(self):
        master, slave = self.check("relay")
        master.line("stop")
        slave.expect("Received KILL from master")
        self.assertEqual([master.finish(), slave.finish()], [0, 0])

    def test_reflected_frames(self):
        master, slave = self.check("reflect")
        for shell in (master, slave):
            self.assertNotIn("forged", shell.text, "dropped unread")

    def test_replayed_frames(self):
        self.check("replay")

    def test_flipped_bits(self):
        master, slave = self.check("flip", 5, turns=10)
        self.assertRegex(master.text + slave.text, "forged|garbage")

    def test_a_stop_through_flipped_bits(self):
        master, slave = self.check("flip", 5, turns=2)
        master.line("sendenc last words")
        self.assertEqual(master.finish(), 0)
        slave.expect_message("last words")
