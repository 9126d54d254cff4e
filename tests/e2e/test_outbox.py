"""`sts pub --durable`: what was accepted is on the disk and arrives once, whatever is killed in between."""

import json
import os
import pathlib
import random
import signal
import subprocess

from harness import STS, Process
from test_channel import TOPIC, ChannelTestCase

MESSAGES = 2000


class OutboxTestCase(ChannelTestCase):
    def enqueue(self, *lines, topic=TOPIC, home=None, more=()):
        return self.run_sts("pub", "--enqueue-only", "-t", topic, "-l", *more, home=home or self.pump,
                            stdin=b"".join(line.encode() + b"\n" for line in lines))

    def outbox(self, *argv, home=None):
        return self.run_sts("outbox", *argv, home=home or self.pump)

    def stats(self):
        code, out, errors = self.outbox("stats", "--format", "json")
        self.assertEqual((code, errors), (0, ""))
        return json.loads(out)

    def flush(self):
        self.assertEqual(self.outbox("flush", *self.at()), (0, b"", ""))

    def durable(self, *argv, **popen):
        """A sender that is left to itself."""
        return self.keep(Process([STS, "pub", "--durable", *self.at(), "-t", TOPIC, *argv], env=self.pump.env, **popen))

    def feed(self, pub, text):
        pub.process.stdin.write(text)
        pub.process.stdin.flush()


class Outbox(OutboxTestCase):
    def test_one_message(self):
        sub = self.sub(self.gateway, "-C", "1", "--format", "json")
        self.send("--durable", "-m", "21.5", "-D", "publish", "content-type", "text/plain", "-D", "publish", "user-property",
                  "a", "b")
        shown = json.loads(sub.output())
        self.assertEqual((shown["payload"], shown["content_type"], shown["user_properties"], shown["qos"]),
                         ("21.5", "text/plain", [["a", "b"]], 1))
        self.assertEqual(self.stats()["messages"], 0)

    def test_lines(self):
        sub = self.sub(self.gateway, "-C", "1000", "--report")
        lines = b"".join(b"%d\n" % i for i in range(1000))
        self.send("--durable", "-l", "-q", "2", stdin=lines)
        self.assertEqual(sub.output(), lines)
        self.assertIn("1000 received, 0 missing, 0 repeated", sub.errors())
        self.assertEqual(self.stats()["messages"], 0)

    def test_an_older_state_written_over_the_file(self):
        sub = self.sub(self.gateway, "-C", "5")
        self.send("--durable", "-m", "1")
        state = pathlib.Path(self.pump.directory, "sts/state.db")
        if not any(name.startswith("user.sts.") for name in os.listxattr(state)):
            self.skipTest("no extended attributes here")
        backup = state.read_bytes()
        for text in ("2", "3"):
            self.send("--durable", "-m", text)
        state.write_bytes(backup)
        code, _, errors = self.run_sts("pub", *self.at(), "-t", TOPIC, "--durable", "-m", "4", home=self.pump)
        self.assertEqual(code, 0)
        self.assertRegex(errors, r"^warning: .*state\.db is a copy, or not what was written last: .*\n$")
        self.send("--durable", "-m", "5")  # told once
        self.assertEqual(sub.output(), b"1\n2\n3\n4\n5\n")

    def test_a_broker_that_is_away(self):
        self.b.kill()
        pub = self.durable("-l", stdin=subprocess.PIPE)
        self.feed(pub, b"1\n2\n3\n")
        pub.expect("trying again")
        self.until(lambda: self.stats()["messages"] >= 3)
        pub.process.terminate()
        self.assertEqual(pub.wait(), 1)
        pub.expect("3 messages wait in the outbox")
        self.b.start()
        sub = self.sub(self.gateway, "-C", "4")
        self.send("--durable", "-m", "4")
        self.assertEqual(sub.output(), b"1\n2\n3\n4\n")

    def test_a_broker_that_comes_back(self):
        self.b.kill()
        pub = self.durable("-l", stdin=subprocess.PIPE)
        self.feed(pub, b"x\n" * 100)
        pub.process.stdin.close()
        pub.expect("trying again")
        self.b.start()
        self.assertEqual(pub.wait(), 0)
        self.assertEqual(self.stats()["messages"], 0)

    def test_no_broker_in_time(self):
        self.b.kill()
        pub = self.durable("-m", "x", "--timeout", "1")
        self.assertEqual(pub.wait(), 1)
        pub.expect("1 message waits in the outbox")

    def test_flush_and_list(self):
        self.assertEqual(self.enqueue("one", "two"), (0, b"", ""))
        self.assertEqual(self.enqueue("three", topic="plant/8"), (0, b"", ""))
        _, out, _ = self.outbox("list", "--format", "json")
        listed = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([(one["seq"], one["topic"]) for one in listed], [(1, TOPIC), (2, TOPIC), (3, "plant/8")])
        self.assertEqual([one["bytes"] for one in listed], [3, 3, 5])
        self.assertLess(listed[0]["age_ms"], 600_000)
        self.assertRegex(self.outbox("list")[1].decode(), rf"(?m)^ +1 +\d+s +\d+  {TOPIC}$")
        self.assertRegex(self.outbox("stats")[1].decode(), r"^3 messages, \d+ bytes, the oldest \d+s$")
        sub = self.sub(self.gateway, "-C", "3")
        self.flush()
        self.assertEqual(sub.output(), b"one\ntwo\nthree\n")
        self.assertEqual(self.outbox("stats")[1], b"0 messages, 0 bytes\n")
        self.flush()  # nothing to do

    def test_flush_without_a_broker(self):
        self.enqueue("x")
        self.b.kill()
        code, _, errors = self.outbox("flush", *self.at(), "--timeout", "1")
        self.assertEqual(code, 1)
        self.assertIn("1 message waits in the outbox\nhint: deliver them with: sts outbox flush; ", errors)

    def test_purge(self):
        self.enqueue("1", "2")
        code, _, errors = self.outbox("purge")
        self.assertEqual(code, 2)
        self.assertIn("--yes", errors)
        self.assertEqual(self.outbox("purge", "--older-than", "1000", "--yes")[1], b"0 messages removed\n")
        self.assertEqual(self.outbox("purge", "--yes")[1], b"2 messages removed\n")
        self.assertEqual(self.stats()["messages"], 0)

    def policy(self, what):
        path = self.pump.file("full", f"outbox_messages = 2\noutbox_full = {what}\n")
        return self.enqueue("1", "2", "3", more=["--config", path])

    def test_full_drops_the_oldest(self):
        self.assertEqual(self.policy("drop-oldest"), (0, b"", "warning: the outbox dropped 1 message: it was full\n"))
        sub = self.sub(self.gateway, "-C", "2")
        self.flush()
        self.assertEqual(sub.output(), b"2\n3\n")

    def test_full_drops_the_new(self):
        self.assertEqual(self.policy("drop-new"), (0, b"", "warning: the outbox dropped 1 message: it was full\n"))
        sub = self.sub(self.gateway, "-C", "2")
        self.flush()
        self.assertEqual(sub.output(), b"1\n2\n")

    def test_full_blocks(self):
        code, _, errors = self.policy("block")
        self.assertEqual(code, 1)
        self.assertIn("the outbox is full", errors)
        self.assertIn("1 message was not accepted", errors)
        sub = self.sub(self.gateway, "-C", "102")
        path = self.pump.file("full", "outbox_messages = 2\n")
        lines = b"".join(b"%d\n" % i for i in range(3, 103))
        self.send("--durable", "--config", path, "-l", stdin=lines)  # waits for room again and again
        self.assertEqual(sub.output(), b"1\n2\n" + lines)

    def test_what_has_no_readers_any_more_waits(self):
        self.enqueue("kept")
        self.enqueue("sent", topic="plant/8")
        self.sts(self.pump, "peer", "deny", "gateway", "--reads", "plant/#")
        self.sts(self.pump, "peer", "allow", "gateway", "--reads", "plant/8")
        sub = self.sub(self.gateway, "-C", "2")
        code, _, errors = self.outbox("flush", *self.at())
        self.assertEqual(code, 1)
        self.assertIn(f"{TOPIC}: its messages stay in the outbox: nobody may read {TOPIC}", errors)
        self.assertIn("1 message waits", errors)
        self.sts(self.pump, "peer", "allow", "gateway", "--reads", "plant/#")
        self.flush()
        self.assertEqual(sub.output(), b"sent\nkept\n")

    def test_what_is_not_possible(self):
        for argv, why in ((["-q", "0"], "QoS 0"), (["--plain"], "for what is encrypted")):
            code, _, errors = self.run_sts("pub", "--durable", *argv, *self.at(), "-t", TOPIC, "-m", "x", home=self.pump)
            self.assertEqual(code, 2)
            self.assertIn(why, errors)
        code, _, errors = self.enqueue("x", topic="office/door")
        self.assertEqual(code, 1)
        self.assertIn("nobody may read office/door", errors)

    def test_nothing_in_the_clear_on_the_disk(self):
        self.enqueue("a secret payload")
        for file in pathlib.Path(self.pump.env["STS_HOME"]).glob("state.db*"):
            data = file.read_bytes()
            for clear in (b"a secret payload", TOPIC.encode()):
                self.assertNotIn(clear, data, file)

    def test_a_damaged_state_is_moved_aside(self):
        self.enqueue("lost")
        home = pathlib.Path(self.pump.env["STS_HOME"])
        for file in home.glob("state.db-*"):
            file.unlink()
        (home / "state.db").write_bytes(b"x" * 8192)
        code, _, errors = self.enqueue("kept")
        self.assertEqual(code, 0)
        self.assertIn("state.db was damaged and is now", errors)
        sub = self.sub(self.gateway, "-C", "1")
        self.flush()
        self.assertEqual(sub.output(), b"kept\n")

    def test_retained(self):
        self.send("--durable", "-r", "-m", "value")
        sub = self.sub(self.gateway, "-C", "1", "--format", "json")
        self.assertTrue(json.loads(sub.output())["retain"])


class OutboxHolder(OutboxTestCase):
    """One process at a time delivers, for all."""

    def holder(self):
        """One that has delivered its first message and goes on."""
        pub = self.durable("-l", stdin=subprocess.PIPE)
        sub = self.sub(self.gateway)
        self.feed(pub, b"first\n")
        sub.expect("^first$")
        self.until(lambda: self.stats()["messages"] == 0)  # so that it isn't stopped while it writes
        return pub, sub

    def test_delivers_what_others_accepted(self):
        holder, sub = self.holder()
        self.send("--durable", "-m", "second")
        sub.expect("^second$")
        self.enqueue("third")
        sub.expect("^third$")
        holder.process.stdin.close()
        self.assertEqual(holder.wait(), 0, holder.text)

    def test_what_is_for_a_session_is_none_of_its_business(self):
        holder, sub = self.holder()
        self.assertEqual(self.run_sts("pub", "--peer", "gateway", "--enqueue-only", "-t", "up", "-m", "x", home=self.pump)[0], 0)
        self.feed(holder, b"second\n")
        sub.expect("^second$")
        holder.process.stdin.close()
        self.assertEqual(holder.wait(), 0, holder.text)
        self.assertEqual(self.stats()["messages"], 1)

    def test_its_end_is_noticed(self):
        holder, sub = self.holder()
        holder.process.send_signal(signal.SIGSTOP)
        other = self.durable("-m", "second")
        self.until(lambda: self.stats()["messages"] > 0)
        self.assertIsNone(other.process.poll())
        holder.kill()
        self.assertEqual(other.wait(), 0, other.text)
        sub.expect("^second$")

    def test_an_end_in_peace_is_noticed(self):
        holder, sub = self.holder()
        holder.process.send_signal(signal.SIGSTOP)
        other = self.durable("-l", stdin=subprocess.PIPE)
        self.feed(other, b"second\n")
        self.until(lambda: self.stats()["messages"] > 0)
        holder.process.send_signal(signal.SIGCONT)
        sub.expect("^second$")
        holder.process.stdin.close()
        self.assertEqual(holder.wait(), 0, holder.text)
        self.feed(other, b"third\n")
        sub.expect("^third$")
        other.process.stdin.close()
        self.assertEqual(other.wait(), 0, other.text)


class OutboxKilled(OutboxTestCase):
    def expect_all(self, sub):
        sub.expect(rf"^{MESSAGES - 1}$")
        sub.process.terminate()
        self.assertEqual(sub.wait(), 0)
        self.assertEqual(sub.text.split(), [str(i) for i in range(MESSAGES)])
        self.assertNotIn("missing of its outbox", sub.errors())

    def test_while_it_accepts_and_delivers(self):
        """Killed at any point, and started again with what it hadn't accepted."""
        sub = self.sub(self.gateway, "--report")
        chance = random.Random(os.environ.get("STS_TEST_SEED", "outbox"))
        accepted = kills = 0
        while accepted < MESSAGES:
            pub = self.durable("-l", stdin=subprocess.PIPE)
            upto = min(MESSAGES, accepted + chance.randrange(1, 400))
            self.feed(pub, b"".join(b"%d\n" % i for i in range(accepted, upto)))
            seen = chance.randrange(accepted, upto)
            if chance.random() < 0.5:
                sub.expect(rf"^{seen}$")
            pub.kill()
            kills += 1
            accepted = self.stats()["accepted"]
        self.flush()
        self.assertGreater(kills, 5)
        self.expect_all(sub)

    def test_while_it_delivers(self):
        self.enqueue(*map(str, range(MESSAGES)))
        sub = self.sub(self.gateway, "--report")
        chance = random.Random(os.environ.get("STS_TEST_SEED", "outbox"))
        seen = 0
        while seen < MESSAGES - 400:
            seen += chance.randrange(1, 400)
            flush = self.keep(Process([STS, "outbox", "flush", *self.at()], env=self.pump.env))
            sub.expect(rf"^{seen}$")
            flush.kill()
        self.flush()
        self.expect_all(sub)

    def test_without_its_state_it_looks_for_what_it_left(self):
        sub = self.sub(self.gateway)
        self.send("--durable", "-m", "1")
        for file in pathlib.Path(self.pump.env["STS_HOME"]).glob("state.db*"):
            file.unlink()
        self.send("--durable", "-m", "2")
        self.b.log.expect(r"sts/keys/[0-9a-f]{16}/# \(QoS 0\)$")
        sub.expect("^1\n2$")


class OutboxFullDisk(OutboxTestCase):
    def setUp(self):
        super().setUp()
        self.disk = self.small_disk("2m")
        self.small = self.home("small")
        self.small.env["STS_HOME"] = self.disk + "/sts"
        self.small.sts("key", "gen")
        self.lets_read(self.small, "gateway", self.gateway)
        self.believes(self.gateway, "small", self.small)

    def test_it_is_told_and_goes_on_later(self):
        filler = pathlib.Path(self.disk) / "filler"
        filler.write_bytes(b"x" * 1_000_000)
        code, _, errors = self.enqueue(*("%05d" % i + "x" * 1000 for i in range(3000)), home=self.small)
        self.assertEqual(code, 1)
        self.assertIn("disk is full", errors)
        self.assertIn("hint: make room on the disk", errors)
        filler.unlink()
        accepted = json.loads(self.outbox("stats", "--format", "json", home=self.small)[1])["messages"]
        self.assertEqual(self.enqueue("last", home=self.small), (0, b"", ""))
        sub = self.sub(self.gateway, "-C", str(accepted + 1))
        self.assertEqual(self.outbox("flush", *self.at(), home=self.small), (0, b"", ""))
        self.assertEqual([line[:5] for line in sub.output().decode().splitlines()],
                         ["%05d" % i for i in range(accepted)] + ["last"])
