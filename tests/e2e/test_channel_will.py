"""Wills and heartbeats on channels, and a sender that lost what it knew."""

import json
import sqlite3
import subprocess

from harness import STS, Process, publish
from test_channel import TOPIC, ChannelTestCase

WILL = "plant/7/will"
LEAVES = ["--will-topic", WILL, "--will-payload", "fell"]
SHOWN = r"^\+pump\(will\) plant/7/will fell$"


class ChannelWillTestCase(ChannelTestCase):
    def long_pub(self, *argv, at=None):
        return self.keep(Process([STS, "pub", *(at or self.at()), "-t", TOPIC, "-l", *argv], env=self.pump.env,
                                 stdin=subprocess.PIPE))

    def line(self, pub, text):
        pub.process.stdin.write(text.encode() + b"\n")
        pub.process.stdin.flush()

    def willing(self, *readers):
        """A sender that has left a will, which `readers` know of."""
        pub = self.long_pub(*LEAVES)
        self.line(pub, "here")
        for reader in readers:
            reader.expect(r"^\+pump\(\d+s\) plant/7/temp here$")
        return pub


class ChannelWill(ChannelWillTestCase):
    def test_killed(self):
        tap = self.tap(self.b)
        sub, shown = self.sub(self.gateway, "-v"), self.sub(self.gateway, "-C", "2", "--format", "json")
        self.willing(sub).kill()
        sub.expect(SHOWN)
        for topic, payload in tap.frames():
            self.assertNotIn(b"fell", payload, topic)
        message, will = (json.loads(line) for line in shown.output().splitlines())
        self.assertEqual([will.get(key) for key in ("topic", "payload", "sender", "encrypted", "will")],
                         [WILL, "fell", "pump", True, True])
        self.assertNotIn("will", message)
        sub.process.terminate()
        sub.wait()
        self.assertIn("the broker says that pump's connection broke", sub.errors())
        self.assertNotIn("missing", sub.errors())

    def test_of_a_reader(self):
        sub, willing = self.sub(self.gateway, "-v"), self.willing_sub()
        willing.kill()
        sub.expect(SHOWN)

    def willing_sub(self):
        """The pump as a reader, whose will the others know of."""
        self.believes(self.pump, "office", self.home("office"), "office/#")
        sub = self.sub(self.pump, "-x", "0", *LEAVES, topic="office/#")
        self.b.log.expect(f"Received PUBLISH from reader2 .*{WILL}")
        return sub

    def test_an_end_in_order_leaves_none(self):
        sub = self.sub(self.gateway, "-v")
        pub = self.willing(sub)
        pub.process.stdin.close()
        self.assertEqual(pub.wait(), 0, pub.text)
        reader = self.willing_sub()
        reader.process.terminate()
        self.assertEqual(reader.wait(), 0)
        self.send("-m", "last")
        sub.expect(r"plant/7/temp last$")
        self.assertNotIn("will", sub.text)

    def test_again_or_forged(self):
        tap = self.tap(self.b)
        sub = self.sub(self.gateway, "-v")
        self.willing(sub).kill()
        sub.expect(SHOWN)
        _, frame = tap.expect_frame(WILL, "12[0-9a-f]*")
        publish(self.b, WILL, frame)
        publish(self.b, WILL, frame[:-1] + bytes([frame[-1] ^ 1]))
        publish(self.b, WILL, frame[:9] + bytes([frame[9] ^ 1]) + frame[10:])  # of another connection
        publish(self.b, TOPIC, frame)
        self.send("-m", "last")
        sub.expect(r"plant/7/temp last$")
        sub.process.terminate()
        sub.wait()
        self.assertEqual(sub.text.count("fell"), 1)
        self.assertIn("plant/7/will: the broker repeated a message of pump", sub.errors())
        self.assertEqual(sub.errors().count("a forged or damaged message as if from pump"), 3)

    def test_of_an_earlier_connection(self):
        """A broker that says of a sender's old connection, when it has a new one, that it broke."""
        other = self.broker()
        tap, sub = self.tap(other), self.sub(self.gateway, "-v")
        wills = []
        for n in range(2):
            pub = self.long_pub(*LEAVES, at=self.at(other.port))
            self.line(pub, str(n))
            tap.expect_frame(TOPIC, "11[0-9a-f]*")
            pub.kill()
            wills.append(tap.expect_frame(WILL, "12[0-9a-f]*")[1])
        for topic, frame in tap.frames():
            if frame[0] != 0x12:
                publish(self.b, topic, frame)
        for will in wills:
            publish(self.b, WILL, will)
        sub.expect(SHOWN)
        self.send("-m", "last")
        sub.expect(r"plant/7/temp last$")
        self.assertEqual(sub.text.count("fell"), 1)

    def test_a_removed_reader(self):
        office = self.home("office")
        self.lets_read(self.pump, "office", office)
        self.believes(office, "pump", self.pump)
        gateway, removed = self.sub(self.gateway, "-v"), self.sub(office, "-v")
        pub = self.willing(gateway, removed)
        self.sts(self.pump, "peer", "remove", "office")
        self.line(pub, "without it")  # with it the change is noticed
        gateway.expect("plant/7/temp without it$")
        self.b.log.expect(f"Received PUBLISH from sts-.*{WILL}")
        self.b.log.expect(f"Received PUBLISH from sts-.*{WILL}")  # of the second connection
        pub.kill()
        gateway.expect(SHOWN)
        removed.process.terminate()
        removed.wait()
        self.assertNotIn("fell", removed.text)
        self.assertIn("plant/7/will: 1 message without a key for us", removed.errors())
        self.assertNotIn("connection broke", removed.errors())

    def test_the_broker_restarts(self):
        sub = self.sub(self.gateway, "-v", "-x", "0")
        pub = self.willing(sub)
        self.b.kill()
        self.b.start()
        self.b.log.expect(f"Received PUBLISH from sts-.*{WILL}")
        sub = self.sub(self.gateway, "-v")
        self.line(pub, "again")
        sub.expect("plant/7/temp again$")
        pub.kill()
        sub.expect(SHOWN)

    def test_wills_that_can_not_be(self):
        for argv, why in ((["--will-topic", "office/door", "--will-payload", "x"], "nobody may read office/door"),
                          ([*LEAVES, "--will-retain"], "a sealed will is not retained")):
            for command in (["pub", "-m", "x"], ["sub"]):
                code, _, errors = self.run_sts(*command, *self.at(), "-t", TOPIC, *argv, home=self.both())
                self.assertEqual((code, why in errors), (1, True), errors)

    def both(self):
        """A side that is believed and believes."""
        home = self.home("both")
        self.sts(home, "peer", "add", "gateway", self.gateway.key(), "--reads", "plant/#", "--writes", "plant/#")
        return home


class ChannelHeartbeat(ChannelWillTestCase):
    def test_a_withheld_tail(self):
        """Between the sender's broker and the reader's, the second message is left out."""
        other = self.broker()
        tap, sub = self.tap(other), self.sub(self.gateway, topic=TOPIC)
        pub = self.long_pub("--heartbeat", "1", at=self.at(other.port))
        self.line(pub, "1")
        frames = [tap.expect_frame("sts/keys/.*", "10[0-9a-f]*")]
        frames.append(tap.expect_frame(TOPIC, "11[0-9a-f]*"))
        self.line(pub, "22")  # another size than that of a heartbeat
        size = 2 * (len(frames[1][1]) + 1)
        tap.expect_frame(TOPIC, f"11[0-9a-f]{{{size - 2}}}")
        frames.append(tap.expect_frame(TOPIC, "11[0-9a-f]*"))
        for topic, frame in frames:
            publish(self.b, topic, frame)
        sub.expect("^1$")
        self.send("-m", "by the honest broker")
        sub.expect("^by the honest broker$")
        sub.process.terminate()
        sub.wait()
        self.assertRegex(sub.errors(), r"plant/7/temp: \d+ messages? of pump missing")
        self.assertEqual(sub.text, "1\nby the honest broker\n")

    def test_where_it_has_no_meaning(self):
        for argv in (["-m", "x"], ["--plain", "-l"]):
            code, _, errors = self.run_sts("pub", *self.at(), "-t", TOPIC, "--heartbeat", "5", *argv, home=self.pump)
            self.assertEqual(code, 2)
            self.assertIn("--heartbeat", errors)


class ChannelLostState(ChannelWillTestCase):
    def state(self):
        return self.pump.directory / "sts/state.db"

    def test_it_goes_on_above_what_it_left(self):
        self.send("-m", "before")
        with sqlite3.connect(self.state()) as database:  # so that its clock lags behind its numbers
            database.execute("UPDATE identity SET epoch = 1 << 50")
            database.execute("DELETE FROM sender")
        database.close()
        sub = self.sub(self.gateway)
        # So many keys that the reader has forgotten the first, and takes none so low any more.
        for _ in range(70):
            self.send("-l", stdin=b"x\n")
        self.send("-m", "ahead of the clock")
        sub.expect("^ahead of the clock$")
        for path in self.state().parent.glob("state.db*"):
            path.unlink()
        self.send("-m", "after")
        sub.expect("^after$")
        sub.process.terminate()
        sub.wait()
        self.assertNotIn("an old key", sub.errors())

    def test_and_has_a_will(self):
        self.send("-m", "before")
        for path in self.state().parent.glob("state.db*"):
            path.unlink()
        sub = self.sub(self.gateway, "-v")
        self.willing(sub).kill()
        sub.expect(SHOWN)
