"""`sts sub --durable`: what the broker was acknowledged is on the disk, printed or done, whatever is killed in between."""

import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess

from harness import STS, Process, publish
from one_shot import Inbox, Sub
from test_channel import TOPIC, ChannelTestCase

MESSAGES = 2000


class DurableTestCase(Inbox, ChannelTestCase):
    settings = (*ChannelTestCase.settings, "persistent_client_expiration 1d")

    def durable(self, *argv, home=None, topic="plant/#"):
        """One that the broker has acknowledged."""
        home = home or self.gateway
        sub = self.keep(Sub([STS, "sub", "--durable", *self.at(), "-i", "gw", "-t", topic, *argv], env=home.env))
        self.b.log.expect("gw 1 plant/#$")
        return sub

    def end(self, sub, how=signal.SIGTERM):
        sub.process.send_signal(how)
        self.assertEqual(sub.wait(), 0, sub.errors())
        return sub.output()

    def sender(self):
        pub = self.keep(Process([STS, "pub", *self.at(), "-t", TOPIC, "-l"], env=self.pump.env, stdin=subprocess.PIPE))
        return pub

    def feed(self, pub, numbers):
        pub.process.stdin.write(b"".join(b"%d\n" % i for i in numbers))
        pub.process.stdin.flush()


class SubDurable(DurableTestCase):
    def test_what_is_not_possible(self):
        for argv, why in ((["-t", "plant/#"], "needs an id"), (["-t", "plant/#", "-i", "a", "-q", "2"], "QoS 1"),
                          (["-t", "plant/#", "-i", "a", "-q", "0"], "QoS 1"),
                          (["-t", "plant/#", "-i", "a", "--plain"], "--plain"),
                          (["-t", "plant/#", "-i", "a", "--store", "x", "--exec", "true"], "--exec")):
            code, out, errors = self.run_sts("sub", "--durable", *self.at(), *argv, home=self.gateway)
            self.assertEqual((code, out), (2, b""), argv)
            self.assertRegex(errors, f"error: .*{why}.*\nhint: ")
        for flag in ("--store", "--exec"):
            code, _, errors = self.run_sts("sub", *self.at(), "-t", "plant/#", flag, "x", home=self.gateway)
            self.assertEqual(code, 2)
            self.assertIn("--durable", errors)
            code, _, errors = self.run_sts("sub", "--durable", *self.at(), "-i", "a", "-t", "plant/#", flag, "", home=self.gateway)
            self.assertEqual(code, 2)
            self.assertIn(f"{flag}: it is empty", errors)

    def test_nothing_is_lost_while_it_is_away(self):
        self.end(self.durable())
        self.send("-l", stdin=b"1\n2\n3\n")
        sub = self.durable()
        sub.expect("^3$")
        self.assertEqual(self.end(sub), b"1\n2\n3\n")
        sub = self.durable()
        self.send("-m", "4")
        sub.expect("^4$")
        self.assertEqual((self.end(sub), sub.errors()), (b"4\n", ""))

    def test_killed_what_was_not_acknowledged_is_printed_again(self):
        pub = self.sender()
        chance = random.Random(os.environ.get("STS_TEST_SEED", "printed"))
        shown = []
        next_ = sent = kills = 0
        while next_ < MESSAGES:
            sub = self.durable()
            upto = min(MESSAGES, sent + chance.randrange(1, 400))
            self.feed(pub, range(sent, upto))
            sent = upto
            sub.expect(rf"^{chance.randrange(next_, upto)}$")
            sub.kill()
            kills += 1
            lines = [int(line) for line in sub.drain().split("\n")[:-1]]
            for line in lines:  # it goes on below or at what comes next, and leaves nothing out
                self.assertLessEqual(line, next_)
                next_ = max(next_, line + 1)
            self.assertEqual(lines, list(range(lines[0], lines[-1] + 1)))
            shown += lines
        self.assertGreater(kills, 5)
        self.assertLess(len(shown), 2 * MESSAGES)


class SubStore(DurableTestCase):
    def test_what_is_stored(self):
        sub = self.durable("--store", self.file())
        self.send("-r", "-m", "21.5", "-D", "publish", "content-type", "text/plain", "-D", "publish", "user-property", "a", "b")
        self.send("--durable", "-s", stdin=b"a\x00\xff", topic="plant/8")
        self.send("-n", topic="plant/9")
        self.wait_rows(3, sub)
        self.assertEqual((self.end(sub), sub.errors()), (b"", ""))
        self.assertEqual(os.stat(self.file()).st_mode & 0o777, 0o600)
        with sqlite3.connect(self.file()) as inbox:
            inbox.row_factory = sqlite3.Row
            first, second, third = inbox.execute("SELECT * FROM messages ORDER BY id").fetchall()
        self.assertEqual((first["id"], first["sender"], first["sender_key"], first["topic"], first["payload"],
                          first["content_type"], json.loads(first["properties"])),
                         (1, "pump", self.pump.key(), TOPIC, b"21.5", "text/plain", {"user_properties": [["a", "b"]]}))
        self.assertLess(abs(first["received_ms"] - first["sent_ms"]), 60_000)
        self.assertEqual((first["counter"], first["late"], first["will"], first["durable_number"]), (0, 0, 0, None))
        self.assertEqual((second["payload"], second["content_type"], second["properties"], len(second["durable_stream"]),
                          second["durable_number"]), (b"a\x00\xff", None, None, 8, 0))
        self.assertGreaterEqual(second["epoch"], first["epoch"])
        self.assertEqual(third["payload"], b"")

    def test_numbers_go_on_when_rows_are_deleted(self):
        sub = self.durable("--store", self.file())
        self.send("-m", "1")
        self.wait_rows(1, sub)
        with sqlite3.connect(self.file(), timeout=60) as inbox:
            inbox.execute("DELETE FROM messages")
        self.send("-m", "2")
        self.wait_rows(1, sub)
        self.end(sub)
        self.assertEqual(self.rows("id, payload"), [(2, b"2")])

    def test_repeats_are_refused_across_restarts(self):
        tap = self.tap(self.b)
        sub = self.durable("--store", self.file())
        self.send("-m", "open")
        _, frame = tap.expect_frame(TOPIC, "11[0-9a-f]*")
        self.wait_rows(1, sub)
        self.end(sub)
        sub = self.durable("--store", self.file())
        publish(self.b, TOPIC, frame)
        self.send("-m", "shut")
        self.wait_rows(2, sub)
        self.end(sub)
        self.assertEqual(self.rows(), [(b"open",), (b"shut",)])
        self.assertIn("the broker repeated", sub.errors())

    def test_a_reset_reader_begins_anew(self):
        tap = self.tap(self.b)
        sub = self.durable("--store", self.file())
        self.send("-m", "1")
        _, frame = tap.expect_frame(TOPIC, "11[0-9a-f]*")
        self.wait_rows(1, sub)
        self.end(sub)
        self.assertEqual(self.gateway.sts("peer", "reset", "pump", "--store", self.file()),
                         (0, "pump: forgotten by 1 reader\n"))
        sub = self.durable("--store", self.file())
        publish(self.b, TOPIC, frame)
        self.assertEqual(self.wait_rows(2, sub), [(b"1",), (b"1",)])

    def test_another_database_is_left_alone(self):
        other = self.file("other.db")
        with sqlite3.connect(other) as database:
            database.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY)")
        os.chmod(other, 0o600)
        text = self.file("text")
        pathlib.Path(text).write_text("not a database, and longer than the header of one would be" * 9)
        os.chmod(text, 0o600)
        for path, why, wanted in ((other, "something else", 2), (text, "not a database", 1)):
            before = pathlib.Path(path).read_bytes()
            code, _, errors = self.run_sts("sub", "--durable", *self.at(), "-i", "gw", "-t", "plant/#", "--store", path,
                                           home=self.gateway)
            self.assertEqual(code, wanted)
            self.assertRegex(errors, f"^error: .*{why}.*\nhint: .*\n$")
            self.assertEqual(pathlib.Path(path).read_bytes(), before)
            self.assertEqual([name for name in os.listdir(self.directory) if name.startswith(os.path.basename(path))],
                             [os.path.basename(path)])

    def test_a_later_version_is_left_alone(self):
        self.end(self.durable("--store", self.file()))
        with sqlite3.connect(self.file()) as inbox:
            inbox.execute("PRAGMA user_version = 99")
        code, _, errors = self.run_sts("sub", "--durable", *self.at(), "-i", "gw", "-t", "plant/#", "--store", self.file(),
                                       home=self.gateway)
        self.assertEqual(code, 2)
        self.assertIn("is of a later version of sts\nhint: ", errors)

    def test_a_damaged_one_is_left_alone(self):
        self.end(self.durable("--store", self.file()))
        with open(self.file(), "r+b") as file:
            file.seek(100)
            file.write(b"x" * 4000)
        code, _, errors = self.run_sts("sub", "--durable", *self.at(), "-i", "gw", "-t", "plant/#", "--store", self.file(),
                                       home=self.gateway)
        self.assertEqual(code, 1)
        self.assertRegex(errors, "^error: .*inbox.db: .*malformed.*\nhint: move it away: a new one is made\n$")

    def test_killed_each_is_there_once(self):
        pub = self.sender()
        chance = random.Random(os.environ.get("STS_TEST_SEED", "stored"))
        sent = kills = 0
        while sent < MESSAGES:
            sub = self.durable("--store", self.file())
            upto = min(MESSAGES, sent + chance.randrange(1, 400))
            self.feed(pub, range(sent, upto))
            sent = upto
            self.wait_rows(chance.randrange(0, upto), sub)
            sub.kill()
            kills += 1
        sub = self.durable("--store", self.file())
        self.wait_rows(MESSAGES, sub)
        self.end(sub)
        self.assertGreater(kills, 5)
        self.assertEqual([int(payload) for payload, in self.rows()], list(range(MESSAGES)))


class SubStoreFullDisk(DurableTestCase):
    def test_it_waits_for_room(self):
        disk = self.small_disk("1m")
        store = disk + "/inbox.db"
        sub = self.durable("--store", store)
        self.send("-l", stdin=b"".join(b"%05d" % i + b"x" * 1000 + b"\n" for i in range(1000)))
        self.b.log.expect("Client gw (disconnected|closed its connection)")
        self.assertRegex(sub.errors(), r"^error: .*disk is full; the broker keeps what comes until that works\nhint: make room on the disk")
        self.assertEqual(sub.errors().count("error:"), 1)
        some = len(self.rows(path=store))
        self.assertLess(some, 1000)
        self.enlarge(disk, "20m")
        self.wait_rows(1000, sub, store)
        self.end(sub)
        self.assertEqual([int(payload[:5]) for payload, in self.rows(path=store)], list(range(1000)))


class SubExec(DurableTestCase):
    def script(self, text):
        path = self.file("script")
        pathlib.Path(path).write_text(text)
        return f"exec sh {path}"

    def done(self):
        try:
            return pathlib.Path(self.file("done")).read_text(encoding="utf-8").split("\n")[:-1]
        except FileNotFoundError:
            return []

    def wait_done(self, count, sub):
        self.until(lambda: len(self.done()) >= count or sub.process.poll() is not None, sub.errors)
        self.assertIsNone(sub.process.poll(), sub.errors())
        return self.done()

    def test_a_command_for_each(self):
        command = self.script(f'echo "$STS_SENDER $STS_TOPIC $(cat) ${{STS_SENT_MS:+sent}}" >> {self.file("done")}')
        sub = self.durable("--exec", command)
        self.send("-l", stdin=b"1\n2\n3\n")
        self.assertEqual(self.wait_done(3, sub), [f"pump {TOPIC} {i} sent" for i in (1, 2, 3)])
        self.assertEqual((self.end(sub), sub.errors()), (b"", ""))

    def test_one_that_fails_is_tried_again(self):
        ok = self.file("ok")
        command = self.script(f'read x; [ "$x" != 2 ] || [ -e {ok} ] || exit 3; echo "$x" >> {self.file("done")}')
        sub = self.durable("--exec", command)
        self.send("-l", stdin=b"1\n2\n3\n")
        self.b.log.expect("Client gw (disconnected|closed its connection)")
        self.assertEqual(sub.errors(), f"error: --exec failed for a message on {TOPIC}: it ended with exit code 3\n"
                                       "hint: it is tried again until it ends with exit code 0; the messages wait\n")
        self.assertEqual(self.done(), ["1"])
        pathlib.Path(ok).touch()
        self.assertEqual(self.wait_done(3, sub), ["1", "2", "3"])
        self.end(sub)

    def test_what_failed_is_the_next_ones(self):
        failed = self.durable("--exec", "exit 1")
        self.send("-l", stdin=b"1\n2\n")
        self.b.log.expect("Client gw (disconnected|closed its connection)")
        self.end(failed)
        sub = self.durable("--exec", self.script(f'cat >> {self.file("done")}; echo >> {self.file("done")}'))
        self.assertEqual(self.wait_done(2, sub), ["1", "2"])
        self.end(sub)

    def test_a_signal_ends_the_command_first(self):
        command = self.script(f'trap "echo ended >> {self.file("done")}; exit 1" TERM; echo began >> {self.file("done")}\n'
                              "while :; do sleep 0.05; done")
        sub = self.durable("--exec", command)
        self.send("-m", "x")
        self.wait_done(1, sub)
        self.end(sub)
        self.assertEqual(self.done(), ["began", "ended"])

    def test_killed_it_is_done_again(self):
        pub = self.sender()
        chance = random.Random(os.environ.get("STS_TEST_SEED", "done"))
        command = self.script(f'cat >> {self.file("done")}; echo >> {self.file("done")}')
        sent = 0
        while sent < 100:
            sub = self.durable("--exec", command)
            upto = min(100, sent + chance.randrange(1, 40))
            self.feed(pub, range(sent, upto))
            sent = upto
            self.until(lambda sent=sent: str(chance.randrange(sent)) in self.done(), sub.errors)
            sub.kill()
        sub = self.durable("--exec", command)
        self.until(lambda: "99" in self.done(), sub.errors)
        self.end(sub)
        next_ = 0
        for line in self.done():
            self.assertIn(int(line), (next_ - 1, next_))  # the last one again, or the next
            next_ = int(line) + 1
        self.assertEqual(next_, 100)
