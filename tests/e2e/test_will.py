"""The last will of a session: shown by the peer, sealed for everyone else."""

import subprocess

from harness import STS, Process, TestCase, publish
from one_shot import OneShotTestCase

SHOWN = "the broker says that {} is gone; its will: fell"


class ShellWill(TestCase):
    """A master that leaves a will, and its slave."""

    def setUp(self):
        super().setUp()
        self.b = self.broker()
        self.homes = self.home("master"), self.home("slave")
        self.tap_ = self.tap(self.b)

    def side(self, index, **keys):
        """A shell that was told to start, master or slave; each pins the other's key."""
        home, other = self.homes[index], self.homes[1 - index]
        sub, pub = ("t/down", "t/up") if index == 0 else ("t/up", "t/down")
        keys = {"url": "localhost", "port": self.b.port, "sts_mode": ("master", "slave")[index], "sub": sub,
                "pub": pub, "peer": other.key(), **keys}
        return self.start(home, home.config("config", **keys))

    def pair_up(self, will_of=0, **keys):
        """(owner of the will, the other), in a session that told of it."""
        shells = [self.side(index, **({"will_message": "fell"} if index == will_of else {}), **keys)
                  for index in (1, 0)][::-1]
        for shell in shells:
            shell.expect("session is up")
        owner, reader = shells[will_of], shells[1 - will_of]
        owner.line("sendenc after the announcement")
        reader.expect_message("after the announcement")
        return owner, reader

    def frame(self, direction):
        """The WILL that the broker published."""
        return self.tap_.expect_frame(*(("t/up", "07[0-9a-f]*"), ("t/down", "08[0-9a-f]*"))[direction])[1]

    def test_either_side_is_killed(self):
        for index in (0, 1):
            with self.subTest(will_of=("master", "slave")[index]):
                owner, reader = self.pair_up(will_of=index)
                name = self.homes[index].key()
                owner.kill()
                reader.expect(SHOWN.format(name.replace("+", r"\+")))
                self.frame(index)
                for _, payload in self.tap_.frames():
                    self.assertNotIn(b"fell", payload)
                reader.kill()

    def test_it_is_shown_once(self):
        owner, reader = self.pair_up()
        owner.kill()
        will = self.frame(0)
        reader.expect("its will: fell")
        publish(self.b, "t/up", will)
        reader.expect("it was shown before")
        self.assertEqual(reader.text.count("its will"), 1)

    def test_a_proper_end_leaves_none(self):
        owner, reader = self.pair_up()
        owner.line("stop")
        owner.expect("session stopped")
        reader.expect("session stopped")
        self.assertEqual(owner.finish(), 0)
        self.assertNotIn("its will", reader.text)
        for topic, payload in self.tap_.frames():
            self.assertNotEqual((topic, payload[:1]), ("t/up", b"\x07"))

    def test_after_a_restart_of_the_broker(self):
        owner, reader = self.pair_up()
        self.b.kill()
        self.b.start()
        for shell in (owner, reader):
            shell.expect("connected to")
        self.talk(owner, reader, "again")
        owner.kill()
        reader.expect("is gone; its will: fell")
        self.assertNotIn("unknown connection", reader.text)

    def test_an_old_one_after_a_restart_of_the_owner(self):
        owner, reader = self.pair_up()
        owner.kill()
        old = self.frame(0)
        reader.expect("its will")
        owner = self.side(0, will_message="fell again")
        reader.expect("which was restarted")
        self.talk(owner, reader)
        publish(self.b, "t/up", old)
        reader.expect("it was shown before, or is of an earlier connection")
        owner.kill()
        reader.expect("is gone; its will: fell again")

    def test_to_a_receiver_that_knows_nothing_it_is_of_an_unknown_connection(self):
        owner, reader = self.pair_up()
        owner.kill()
        old = self.frame(0)
        reader.expect("its will")
        reader.kill()
        reader = self.side(1)
        reader.expect("waiting for the peer")
        publish(self.b, "t/up", old)
        reader.expect("an unknown connection of .* ended; its will: fell")

    def test_changed_or_moved_it_is_refused(self):
        owner, reader = self.pair_up()
        owner.kill()
        will = self.frame(0)
        reader.expect("its will")
        fresh = bytearray(will)
        fresh[1] ^= 1  # else it would be known as shown
        publish(self.b, "t/up", bytes(fresh))
        reader.expect("dropped a will on t/up: no trusted key opens it")
        reader.kill()
        moved = self.side(1, sub="t/other")
        moved.expect("waiting for the peer")
        publish(self.b, "t/other", will)
        moved.expect("dropped a will on t/other: no trusted key opens it")

    def test_refused_before_first_use(self):
        shell = self.side(0, peer="first-use", will_message="fell")
        shell.expect("error: a will is sealed for a known peer.*\n.*hint: ")


class OneShotWill(OneShotTestCase):
    def setUp(self):
        super().setUp()
        self.sender, self.receiver = self.home("sender"), self.home("receiver")
        self.sender.sts("peer", "add", "gateway", self.receiver.key())
        self.receiver.sts("peer", "add", "pump", self.sender.key())

    def run_peer(self, command, home, peer, *argv):
        return self.keep(Process([STS, command, "--peer", peer, *self.at(), "-t", "plant/temp", *argv], env=home.env,
                                 stdin=subprocess.PIPE))

    def test_a_killed_publisher(self):
        sub = self.run_peer("sub", self.receiver, "pump", "-i", "receiver")
        self.b.log.expect("Sending SUBACK to receiver$")
        pub = self.run_peer("pub", self.sender, "gateway", "-l", "--will-payload", "fell")
        pub.process.stdin.write(b"21.5\n")
        pub.process.stdin.flush()
        sub.expect("^21.5$")
        pub.kill()
        sub.expect(f"^warning: {SHOWN.format('pump')}$")

    def test_a_killed_subscriber(self):
        sub = self.run_peer("sub", self.receiver, "pump", "-i", "receiver", "--will-payload", "fell")
        self.b.log.expect("Sending SUBACK to receiver$")
        pub = self.run_peer("pub", self.sender, "gateway", "-l")
        pub.process.stdin.write(b"21.5\n")
        pub.process.stdin.flush()
        sub.expect("^21.5$")
        sub.kill()
        pub.expect("^warning: the broker says that .*gateway.*its will: fell$")

    def test_refusals(self):
        for command, argv, wanted in (
                ("pub", ["--peer", "gateway", "--will-topic", "status"], "nobody would open a will on status"),
                ("pub", ["--peer", "gateway", "--will-retain"], "a sealed will is not retained"),
                ("pub", ["--peer", "first-use"], "first use has not met it yet"),
                ("sub", ["--peer", "gateway", "--peer", self.sender.key()], "this side trusts 2")):
            with self.subTest(argv=argv):
                more = ["-m", "a"] if command == "pub" else []
                code, out, err = self.run_sts(command, *self.at(), "-t", "plant/temp", *argv, *more, "--will-payload",
                                              "fell", home=self.sender)
                self.assertEqual((code, out), (1, b""))
                self.assertRegex(err, rf"^error: .*{wanted}.*\nhint: ")
