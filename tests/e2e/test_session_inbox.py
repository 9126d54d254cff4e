"""`sts sub --peer --durable --store`: messages of a session in a SQLite file, each once, whatever is killed."""

import os
import random
import sqlite3
import subprocess

from harness import STS, Process
from one_shot import Inbox
from test_pub_peer import TOPIC, PeerTestCase

MESSAGES = 1000


class SessionInbox(Inbox, PeerTestCase):
    def store(self, path=None):
        return self.sub("--durable", "--store", path or self.file())

    def deliver(self, lines=b""):
        pub = self.keep(Process([STS, "pub", "--peer", "gateway", "--durable", *self.at(), "-t", TOPIC, "-l"],
                                env=self.sender.env, stdin=subprocess.PIPE))
        pub.process.stdin.write(lines)
        pub.process.stdin.close()
        return pub

    def test_what_is_stored(self):
        sub = self.sub("--durable", "--store", self.file(), "-C", "2")
        self.assertEqual(self.send("--durable", "-s", stdin=b"a\x00\xff"), (0, b"", ""))
        self.assertEqual(self.send("-m", "not durable"), (0, b"", ""))
        self.assertEqual((sub.output(), sub.wait(), sub.errors()), (b"", 0, ""))
        with sqlite3.connect(self.file()) as inbox:
            inbox.row_factory = sqlite3.Row
            first, second = inbox.execute("SELECT * FROM messages ORDER BY id").fetchall()
        self.assertEqual((first["sender"], first["sender_key"], first["topic"], first["payload"], first["epoch"],
                          first["counter"], len(first["durable_stream"]), first["durable_number"]),
                         ("pump", self.sender.key(), TOPIC, b"a\x00\xff", None, None, 8, 0))
        self.assertEqual((second["payload"], second["durable_stream"]), (b"not durable", None))

    def test_a_bad_file_is_told_before_anything_else(self):
        with open(self.file("text"), "w", encoding="utf-8") as text:
            text.write("not a database, and longer than the header of one would be" * 9)
        os.chmod(self.file("text"), 0o600)
        sub = self.store(self.file("text"))
        self.assertEqual(sub.wait(), 1)
        self.assertRegex(sub.errors(), "^error: .*not a database.*\nhint: ")

    def test_killed_each_is_there_once(self):
        seed = int(os.environ.get("STS_TEST_SEED", random.randrange(1 << 32)))
        with self.subTest(seed=seed):
            chance = random.Random(seed)
            lines = b"".join(b"%d\n" % i for i in range(MESSAGES))
            self.assertEqual(self.send("--enqueue-only", "-l", stdin=lines), (0, b"", ""))
            pub = self.deliver()
            at = kills = 0
            while at < MESSAGES:
                at = min(at + chance.randrange(1, MESSAGES // 4), MESSAGES)
                sub = self.store()
                self.wait_rows(at, sub)
                sub.kill()
                kills += 1
                if at < MESSAGES and chance.random() < 0.5:
                    pub.kill()
                    pub = self.deliver()
            self.assertGreater(kills, 3)
            sub = self.store()
            self.assertEqual(pub.wait(), 0, pub.text)  # it was told that all is taken
            self.assertEqual([int(payload) for payload, in self.rows()], list(range(MESSAGES)))

    def test_a_full_disk_holds_the_sender_up(self):
        disk = self.small_disk("1m")
        sub = self.keep(Process([STS, "sub", "--peer", "pump", "--durable", "--store", disk + "/inbox.db", *self.at(),
                                 "-t", TOPIC], env=self.receiver.env))
        pub = self.deliver(b"".join(b"%05d" % i + b"x" * 1000 + b"\n" for i in range(2000)))
        sub.expect("disk is full")
        self.assertLess(len(self.rows(path=disk + "/inbox.db")), 2000)
        self.assertIsNone(pub.process.poll())
        self.enlarge(disk, "20m")
        self.assertEqual(pub.wait(), 0, pub.text)
        self.assertEqual([int(payload[:5]) for payload, in self.rows(path=disk + "/inbox.db")], list(range(2000)))
