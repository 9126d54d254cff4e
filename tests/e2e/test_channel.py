"""`sts pub` and `sts sub` on channels: one sender, many readers, nobody has to be online."""

import contextlib
import json
import os
import pathlib
import sqlite3
import subprocess

from harness import STS, Process, publish
from one_shot import OneShotTestCase, Sub

TOPIC = "plant/7/temp"
ONE_SHOTS = int(os.environ.get("STS_TEST_MESSAGES", "1000000")) // 1000
SENDERS = 100 if ONE_SHOTS == 1000 else 20  # under AddressSanitizer each of their commands takes long


class ChannelTestCase(OneShotTestCase):
    settings = ("max_queued_messages 0", "max_queued_bytes 0")

    def setUp(self):
        super().setUp()
        self.pump, self.gateway = self.home("pump"), self.home("gateway")
        self.lets_read(self.pump, "gateway", self.gateway)
        self.believes(self.gateway, "pump", self.pump)

    def sts(self, home, *argv):
        self.assertEqual(home.sts(*argv)[0], 0, argv)

    def lets_read(self, sender, name, reader, filters="plant/#"):
        self.sts(sender, "peer", "add", name, reader.key(), "--reads", filters)

    def believes(self, reader, name, sender, filters="plant/#"):
        self.sts(reader, "peer", "add", name, sender.key(), "--writes", filters)

    def sub(self, home, *argv, topic="plant/#"):
        """A reader that the broker has acknowledged, for keys and messages."""
        self._ids += 1
        name = f"reader{self._ids}"
        sub = self.keep(Sub([STS, "sub", *self.at(), "-i", name, "-t", topic, *argv], env=home.env))
        self.b.log.expect(f"{name} 1 {topic.replace('+', '.').replace('$', '.')}$")
        return sub

    def send(self, *argv, home=None, topic=TOPIC, stdin=b""):
        self.assertEqual(self.run_sts("pub", *self.at(), "-t", topic, *argv, home=home or self.pump, stdin=stdin),
                         (0, b"", ""))


class Channel(ChannelTestCase):
    def test_from_one_to_another(self):
        sub = self.sub(self.gateway, "-v", "-C", "2")
        self.send("-m", "21.5")
        self.send("-s", stdin=b"a\xff", topic="plant/8")
        out = sub.output()
        self.assertRegex(out, rb"^\+pump\(\d+s\) plant/7/temp 21.5\n\+pump\(\d+s\) plant/8 a\xff\n$")
        self.assertEqual((sub.wait(), sub.errors()), (0, ""))

    def test_the_broker_sees_none_of_it(self):
        tap = self.tap(self.b)
        sub = self.sub(self.gateway, "-C", "1", "--format", "json")
        self.send("-m", "a secret", "-D", "publish", "content-type", "text/secret", "-D", "publish", "user-property", "unit",
                  "secret")
        shown = json.loads(sub.output())
        self.assertEqual((shown["payload"], shown["sender"], shown["encrypted"], shown["content_type"]),
                         ("a secret", "pump", True, "text/secret"))
        self.assertEqual(shown["user_properties"], [["unit", "secret"]])
        self.assertLess(shown["age_ms"], 60_000)
        frames = tap.frames()
        self.assertIn(TOPIC, [topic for topic, _ in frames])
        for _, payload in frames:
            self.assertNotIn(b"secret", payload)

    def test_nobody_may_read(self):
        code, out, errors = self.run_sts("pub", *self.at(), "-t", "office/door", "-m", "x", home=self.pump)
        self.assertEqual((code, out), (1, b""))
        self.assertIn("nobody may read office/door", errors)
        self.assertIn("hint: sts peer add NAME KEY --reads office/door", errors)

    def test_no_topic_to_publish_to(self):
        code, _, errors = self.run_sts("pub", *self.at(), "-t", "plant/#", "-m", "x", home=self.pump)
        self.assertEqual(code, 2)
        self.assertNotIn("nobody may read", errors)
        self.assertIn("plant/#", errors)

    def test_nobody_is_believed(self):
        code, _, errors = self.run_sts("sub", *self.at(), "-t", "#", home=self.pump)
        self.assertEqual(code, 1)
        self.assertIn("hint: sts peer add NAME KEY --writes FILTER", errors)

    def test_in_the_clear_is_not_authentic(self):
        sub = self.sub(self.gateway, "-C", "1")
        publish(self.b, TOPIC, b"a lie")
        self.send("-m", "true")
        self.assertEqual(sub.output(), b"true\n")
        self.assertIn("something that isn't STS", sub.errors())

    def test_who_is_not_believed_there(self):
        self.lets_read(self.pump, "gateway", self.gateway, "office/#")
        sub = self.sub(self.gateway, "-C", "1", topic="#")
        self.send("-m", "x", topic="office/door")
        self.send("-m", "y")
        self.assertEqual(sub.output(), b"y\n")
        self.assertIn("pump isn't believed there", sub.errors())

    def test_retained(self):
        self.send("-r", "-m", "value")
        sub = self.sub(self.gateway, "-C", "1", "--format", "json")
        shown = json.loads(sub.output())
        self.assertEqual((shown["payload"], shown["retain"]), ("value", True))
        self.send("-r", "-n")  # takes it away
        sub = self.sub(self.gateway, "-C", "1")
        self.send("-m", "live")
        self.assertEqual(sub.output(), b"live\n")

    def test_without_a_key(self):
        stranger = self.home("stranger")
        self.believes(stranger, "pump", self.pump)
        sub = self.sub(stranger)
        self.send("-m", "not for all")
        self.b.log.expect("Sending PUBLISH to reader1 .*plant/7/temp")
        sub.process.terminate()
        self.assertEqual((sub.wait(), sub.output()), (0, b""))
        self.assertRegex(sub.errors(), "plant/7/temp: 1 message without a key for us\n"
                                       "hint: the sender's trust file says who may read: .*the broker lost the key")

    def test_a_broker_that_lost_the_keys(self):
        pub = self.keep(Process([STS, "pub", *self.at(), "-t", TOPIC, "-l"], env=self.pump.env, stdin=subprocess.PIPE))
        sub = self.sub(self.gateway)
        pub.process.stdin.write(b"before\n")
        pub.process.stdin.flush()
        sub.expect("^before$")
        sub.process.terminate()
        self.b.kill()
        self.b.start()
        sub = self.sub(self.gateway)  # QoS 1: "before" comes again if its PUBACK was lost with the broker
        pub.process.stdin.write(b"after\n")
        pub.process.stdin.close()
        sub.expect("^after$")
        self.assertEqual(pub.wait(), 0, pub.text)

    def test_a_session_on_the_same_topic(self):
        sub = self.sub(self.gateway)
        other = self.keep(Process([STS, "pub", "--peer", "gateway", *self.at(), "-t", TOPIC, "-m", "x"], env=self.pump.env))
        self.b.log.expect("Received PUBLISH from .*plant/7/temp")
        other.kill()
        self.send("-m", "on the channel")
        sub.expect("^on the channel$")
        sub.process.terminate()
        sub.wait()
        self.assertEqual(sub.errors(), "")

    def test_lines(self):
        lines = b"".join(b"line %d\n" % i for i in range(1000))
        sub = self.sub(self.gateway, "-C", "1000", "--report")
        self.send("-l", stdin=lines)
        self.assertEqual(sub.output(), lines)
        self.assertIn("pump plant/7/temp: 1000 received, 0 missing", sub.errors())

    def test_workers(self):
        """Each with an identity of its own; what one got isn't missing to the other."""
        office = self.home("office")
        self.lets_read(self.pump, "office", office)
        self.believes(office, "pump", self.pump)
        subs = [self.sub(home, "--report", topic="$share/workers/plant/#") for home in (self.gateway, office)]
        self.send("-l", stdin=b"".join(b"%d\n" % i for i in range(100)))
        self.send("-m", "end", topic="plant/end")
        self.send("-m", "end", topic="plant/end")  # in turn
        for sub in subs:
            sub.expect("^end$")
            sub.process.terminate()
            self.assertEqual(sub.wait(), 0)
            self.assertNotIn("missing\n", sub.errors())
            self.assertNotRegex(sub.errors(), "[1-9] missing")
        shown = [line for sub in subs for line in sub.text.splitlines() if line != "end"]
        self.assertEqual(sorted(shown, key=int), [str(i) for i in range(100)])

    def test_signed(self):
        tap = self.tap(self.b)
        sub = self.sub(self.gateway, "-C", "3")
        for argv in ([], ["--sign"], []):
            self.send(*argv, "-m", "x")
        self.assertEqual(sub.output(), b"x\nx\nx\n")
        plain, signed, still = (len(payload) for topic, payload in tap.frames() if topic == TOPIC)
        self.assertEqual((signed, still), (plain + 64, plain + 64))  # once and for all

    def test_a_profile_without_a_mode_is_not_in_the_clear(self):
        profile = self.pump.file("profile", f"url = 127.0.0.1\nport = {self.b.port}\nsubtop = a\npubtop = {TOPIC}\n")
        tap = self.tap(self.b)
        sub = self.sub(self.gateway, "-C", "1")
        self.assertEqual(self.run_sts("pub", "--config", profile, "-m", "a secret", home=self.pump), (0, b"", ""))
        self.assertEqual(sub.output(), b"a secret\n")
        self.assertNotIn(b"a secret", [payload for _, payload in tap.frames()])

    def test_an_interrupted_sender_leaves_no_keys_behind(self):
        pub = self.keep(Process([STS, "pub", *self.at(), "-t", TOPIC, "-l"], env=self.pump.env, stdin=subprocess.PIPE))
        sub = self.sub(self.gateway, "--report")
        pub.process.stdin.write(b"1\n")
        pub.process.stdin.flush()
        sub.expect("^1$")
        pub.process.terminate()  # while it waits for a line
        self.assertEqual(pub.wait(), 1)
        late = self.subscribe("mosquitto_sub", "-t", "sts/keys/#", "-t", "end", count=1)
        publish(self.b, "end", b"nothing retained")
        self.assertEqual(late.output(), b"nothing retained\n")


class ChannelMembers(ChannelTestCase):
    def setUp(self):
        super().setUp()
        self.office = self.home("office")
        self.believes(self.office, "pump", self.pump)

    def test_one_more_reader(self):
        gateway, office = self.sub(self.gateway, "-C", "3"), self.sub(self.office, "-C", "2")
        self.send("-r", "-m", "before", topic="plant/state")
        self.lets_read(self.pump, "office", self.office)
        self.send("-m", "after")
        # What is retained is sealed anew for the new reader, and comes to the old one no second time.
        self.assertEqual(office.output(), b"before\nafter\n")
        self.send("-m", "last")
        self.assertEqual(gateway.output(), b"before\nafter\nlast\n")
        late = self.sub(self.office, "-C", "1")
        self.assertEqual(late.output(), b"before\n")

    def test_one_reader_less(self):
        self.lets_read(self.pump, "office", self.office)
        gateway, office = self.sub(self.gateway, "-C", "3"), self.sub(self.office)
        self.send("-m", "before")
        office.expect("^before$")
        self.sts(self.pump, "peer", "remove", "office")
        self.send("-m", "after")
        self.sts(self.pump, "peer", "add", "office", self.office.key(), "--reads", "plant/#")
        self.send("-m", "again")
        self.assertEqual(gateway.output(), b"before\nafter\nagain\n")
        office.expect("^again$")
        self.assertNotIn("after", office.text)

    def test_a_running_sender_notices(self):
        pub = self.keep(Process([STS, "pub", *self.at(), "-t", TOPIC, "-l"], env=self.pump.env, stdin=subprocess.PIPE))
        gateway, office = self.sub(self.gateway, "-C", "2"), self.sub(self.office, "-C", "1")
        pub.process.stdin.write(b"before\n")
        pub.process.stdin.flush()
        gateway.expect("^before$")
        self.lets_read(self.pump, "office", self.office)
        pub.process.stdin.write(b"after\n")
        pub.process.stdin.close()
        self.assertEqual(office.output(), b"after\n")
        self.assertEqual(gateway.output(), b"before\nafter\n")
        self.assertEqual(pub.wait(), 0, pub.text)

    def test_a_running_reader_notices(self):
        valve = self.home("valve")
        self.lets_read(valve, "gateway", self.gateway)
        gateway = self.sub(self.gateway, "-C", "3")
        self.believes(self.gateway, "valve", valve)
        self.send("-m", "from pump")  # with it the change is noticed
        gateway.expect("^from pump$")
        self.send("-m", "from valve", home=valve)
        self.send("-m", "from valve, too", home=valve)
        self.assertEqual(gateway.output(), b"from pump\nfrom valve\nfrom valve, too\n")


class ChannelHostile(ChannelTestCase):
    def test_what_the_broker_does_is_told(self):
        tap = self.tap(self.b)
        sub = self.sub(self.gateway, "-C", "2", "--report")
        self.send("-m", "open")
        _, frame = tap.expect_frame(TOPIC, "11[0-9a-f]*")
        publish(self.b, TOPIC, frame)
        publish(self.b, "plant/8", frame)
        publish(self.b, TOPIC, frame[:-1] + bytes([frame[-1] ^ 1]))
        publish(self.b, TOPIC, frame[:9] + bytes([frame[9] ^ 2]) + frame[10:])  # another counter
        self.send("-m", "shut")
        self.assertEqual(sub.output(), b"open\nshut\n")
        errors = sub.errors()
        self.assertIn("plant/7/temp: the broker repeated a message of pump", errors)
        self.assertIn("plant/8: a forged or damaged message as if from pump", errors)
        self.assertRegex(errors, "pump plant/7/temp: 2 received, 0 missing, 1 repeated, 0 reordered, 0 late, 2 forged")

    def test_what_never_came_is_missing(self):
        sub = self.sub(self.gateway, "-C", "2", topic=TOPIC)
        self.send("-m", "1")
        other = self.broker()  # stands for one that withholds
        self.assertEqual(self.run_sts("pub", *self.at(other.port), "-t", TOPIC, "-m", "2", home=self.pump)[0], 0)
        self.send("-m", "3")
        self.assertEqual(sub.output(), b"1\n3\n")
        self.assertIn("plant/7/temp: 1 message of pump missing", sub.errors())


class ChannelCrowd(ChannelTestCase):
    def test_twenty_readers(self):
        subs = []
        for i in range(20):
            reader = self.home(f"reader{i}")
            self.lets_read(self.pump, f"reader{i}", reader)
            self.believes(reader, "pump", self.pump)
            subs.append(self.sub(reader, "-C", "3"))
        for word in ("1", "2", "3"):
            self.send("-m", word)
        for sub in subs:
            self.assertEqual(sub.output(), b"1\n2\n3\n")


class ChannelSenders(ChannelTestCase):
    def test_many_senders(self):
        senders = [self.home(f"sender{i}") for i in range(SENDERS)]
        for i, sender in enumerate(senders):
            self.lets_read(sender, "gateway", self.gateway)
            self.believes(self.gateway, f"sender{i}", sender)
        sub = self.sub(self.gateway, "-C", str(SENDERS), "-v")
        for i, sender in enumerate(senders):
            self.send("-m", str(i), home=sender, topic=f"plant/{i}")
        shown = sorted(line.split() for line in sub.output().decode().splitlines())
        self.assertEqual(len(shown), SENDERS)
        for who, topic, payload in shown:
            self.assertRegex(who, rf"^\+sender{payload}\(\d+s\)$")
            self.assertEqual(topic, f"plant/{payload}")


class ChannelCommands(ChannelTestCase):
    def test_many_commands_in_a_row(self):
        sub = self.sub(self.gateway, "-c", "-C", str(ONE_SHOTS), "--report")
        for i in range(ONE_SHOTS):
            self.send("-m", str(i))
        self.assertEqual(sub.output(), b"".join(b"%d\n" % i for i in range(ONE_SHOTS)))
        self.assertIn(f"{ONE_SHOTS} received, 0 missing, 0 repeated, 0 reordered, 0 late", sub.errors())
        with contextlib.closing(sqlite3.connect(pathlib.Path(self.gateway.env["STS_HOME"], "state.db"))) as state:
            [(size,)] = state.execute("SELECT length(saved) FROM reader").fetchall()
        self.assertLess(size, 1000, "one epoch, not one for each command")

    def test_a_service_and_a_command(self):
        service = self.keep(Process([STS, "pub", *self.at(), "-t", TOPIC, "-l"], env=self.pump.env,
                                    stdin=subprocess.PIPE))
        sub = self.sub(self.gateway, "-C", "40", "--report")
        for i in range(20):
            service.process.stdin.write(b"service %d\n" % i)
            service.process.stdin.flush()
            self.send("-m", f"command {i}")
        service.process.stdin.close()
        shown = sub.output().decode().splitlines()
        for who in ("service", "command"):
            self.assertEqual([line for line in shown if line.startswith(who)], [f"{who} {i}" for i in range(20)])
        self.assertIn("40 received, 0 missing, 0 repeated", sub.errors())
