"""`sts pub --peer` and `sts sub --peer`: end to end, encrypted, whatever the broker does."""

import json
import os
import signal
import subprocess

from harness import STS, Process, Tap, publish
from one_shot import OneShotTestCase, Sub

TOPIC = "plant/temp"


class PeerTestCase(OneShotTestCase):
    def setUp(self):
        super().setUp()
        self.sender, self.receiver = self.home("sender"), self.home("receiver")
        self.trust(self.sender, "gateway", self.receiver)
        self.trust(self.receiver, "pump", self.sender)

    def trust(self, home, name, other):
        self.assertEqual(home.sts("peer", "add", name, other.key())[0], 0)

    def sub(self, *argv, home=None, peer="pump"):
        home = home or self.receiver
        return self.keep(Sub([STS, "sub", "--peer", peer, *self.at(), "-t", TOPIC, *argv], env=home.env))

    def waiting_sub(self, *argv, **keys):
        sub = self.sub("-i", "receiver", *argv, **keys)
        self.b.log.expect("Sending SUBACK to receiver$")
        return sub

    def pub_lines(self, *argv, home=None, peer="gateway"):
        """A publisher that takes lines from a pipe."""
        home = home or self.sender
        return self.keep(Process([STS, "pub", "--peer", peer, *self.at(), "-t", TOPIC, "-l", *argv], env=home.env,
                                 stdin=subprocess.PIPE))

    def send(self, *argv, stdin=b"", home=None, peer="gateway"):
        return self.run_sts("pub", "--peer", peer, *self.at(), "-t", TOPIC, *argv, stdin=stdin,
                            home=home or self.sender)


class PeerPubSub(PeerTestCase):
    def test_either_may_start_first(self):
        sub = self.waiting_sub("-C", "1")
        self.assertEqual(self.send("-m", "21.5"), (0, b"", ""))
        self.assertEqual((sub.output(), sub.wait(), sub.errors()), (b"21.5\n", 0, ""))
        pub = self.pub_lines("-i", "sender")
        pub.process.stdin.write(b"22.5\n")
        pub.process.stdin.close()
        self.b.log.expect("Sending SUBACK to sender$")
        sub = self.sub("-C", "1")
        self.assertEqual((sub.output(), sub.wait(), pub.wait()), (b"22.5\n", 0, 0), pub.text)

    def test_payloads(self):
        everything = bytes(range(256)) * 40
        for argv, stdin, wanted in ((["-m", "a b"], b"", b"a b"), (["-n"], b"", b""), (["-s"], everything, everything)):
            sub = self.waiting_sub("-C", "1", "-N")
            self.assertEqual(self.send(*argv, stdin=stdin), (0, b"", ""))
            self.assertEqual((sub.output(), sub.wait()), (wanted, 0))
        sub = self.waiting_sub("-C", "3")
        self.assertEqual(self.send("-m", "again", "--repeat", "3"), (0, b"", ""))
        self.assertEqual(sub.output(), b"again\n" * 3)

    def test_thousands_of_lines_in_order_once(self):
        lines = [f"line {i}" for i in range(10_000)]
        sub = self.waiting_sub()
        self.assertEqual(self.send("-l", stdin="\n".join(lines).encode()), (0, b"", ""))
        sub.expect("^line 9999$")
        sub.process.send_signal(signal.SIGTERM)
        self.assertEqual((sub.output().decode().splitlines(), sub.wait()), (lines, 0))

    def test_the_broker_dies_in_the_middle(self):
        sub = self.waiting_sub()
        pub = self.pub_lines()
        lines = []
        for turn in range(3):
            more = [f"turn {turn} line {i}" for i in range(500)]
            lines += more
            pub.process.stdin.write("".join(line + "\n" for line in more).encode())
            pub.process.stdin.flush()
            sub.expect(f"^turn {turn} line 0$")
            self.b.kill()
            self.b.start()
        pub.process.stdin.close()
        self.assertEqual(pub.wait(), 0, pub.text)
        sub.expect("^turn 2 line 499$")
        sub.process.send_signal(signal.SIGTERM)
        self.assertEqual(sub.output().decode().splitlines(), lines)

    def test_one_receiver_many_senders_in_turn(self):
        sub = self.waiting_sub("-v")
        for i in range(3):
            self.assertEqual(self.send("-m", f"life {i}"), (0, b"", ""))
        sub.expect("life 2$")
        self.assertEqual(sub.text, "".join(f"+pump {TOPIC} life {i}\n" for i in range(3)))

    def test_nothing_readable_on_the_wire(self):
        tap = self.keep(Tap(self.b))
        sub = self.waiting_sub("-C", "1")
        self.assertEqual(self.send("-m", "a secret word"), (0, b"", ""))
        self.assertEqual(sub.output(), b"a secret word\n")
        frames = tap.frames()
        self.assertEqual({topic for topic, _ in frames}, {TOPIC, TOPIC + "/return"})
        for _, payload in frames:
            self.assertNotIn(b"secret", payload)

    def test_cleartext_is_never_shown(self):
        sub = self.waiting_sub()
        for word in (b"forged", b"\x01forged", os.urandom(60)):
            publish(self.b, TOPIC, word)
        self.assertEqual(self.send("-m", "true"), (0, b"", ""))
        publish(self.b, TOPIC, b"forged again")
        self.assertEqual(self.send("-m", "the end"), (0, b"", ""))
        sub.expect("^the end$")
        self.assertEqual(sub.text, "true\nthe end\n")

    def test_json_names_the_sender(self):
        sub = self.waiting_sub("-C", "1", "--format", "json")
        self.assertEqual(self.send("-m", "21.5"), (0, b"", ""))
        shown = json.loads(sub.output())
        self.assertEqual((shown["topic"], shown["payload"], shown["encrypted"], shown["sender"], shown["fingerprint"]),
                         (TOPIC, "21.5", True, "pump", self.sender.fingerprint()))

    def test_request_and_response(self):
        config = self.receiver.config("answers", url="127.0.0.1", port=self.b.port, sts_mode="slave", peer="pump",
                                      sub=TOPIC, pub=TOPIC + "/return")

        def ask(*argv):
            return Sub([STS, "rr", "--peer", "gateway", *self.at(), "-t", TOPIC, "-m", "temp?", *argv],
                       env=self.sender.env)

        with self.subTest("answered"):
            slave = self.start(self.receiver, config)
            slave.expect("waiting for the peer")
            asked = self.keep(ask("-v"))
            slave.expect_message("temp?")
            publish(self.b, TOPIC + "/return", b"forged")
            slave.line("sendenc 21.5")
            self.assertEqual((asked.output(), asked.wait()), (b"+gateway plant/temp/return 21.5\n", 0))
            self.assertRegex(asked.errors(), "^warning: dropped garbage")  # what was forged
            slave.expect("session stopped")
        slave.line(f"start {config}")
        slave.expect("waiting for the peer")
        for error, code in (("no answer in time", 27), ("no session after 1 s", 27)):  # a slave that is silent; none
            with self.subTest(error):
                asked = self.keep(ask("-W", "1"))
                self.assertEqual((asked.output(), asked.wait()), (b"", code))
                self.assertRegex(asked.errors(), f"error: {error}\nhint: ")
            slave.kill()

    def test_timeout(self):
        sub = self.sub("-W", "1")
        self.assertEqual((sub.output(), sub.wait()), (b"", 27))
        code, out, err = self.send("-m", "a", "--timeout", "1")
        self.assertEqual((code, out), (1, b""))
        self.assertRegex(err, "^error: no session after 1 s\nhint: .*'sts sub --peer ME -t plant/temp'")


class PeerTrust(PeerTestCase):
    def test_a_stranger_is_not_heard(self):
        stranger = self.home("stranger")
        self.trust(stranger, "gateway", self.receiver)
        sub = self.waiting_sub()
        code, _, err = self.send("-m", "let me in", "--timeout", "2", home=stranger)
        self.assertEqual(code, 1)
        self.assertRegex(err, "error: ")
        self.assertEqual(self.send("-m", "mine"), (0, b"", ""))
        sub.expect("^mine$")
        self.assertEqual(sub.text, "mine\n")

    def test_the_wrong_receiver_learns_nothing(self):
        stranger = self.home("stranger")
        self.trust(stranger, "pump", self.sender)
        sub = self.waiting_sub(home=stranger)
        code, _, err = self.send("-m", "for the gateway", "--timeout", "2")
        self.assertEqual((code, sub.text), (1, ""), err)

    def test_unknown_name(self):
        code, out, err = self.send("-m", "a", peer="nobody")
        self.assertEqual((code, out), (2, b""))
        self.assertRegex(err, "^error: .*nobody.*\nhint: ")

    def test_a_key_instead_of_a_name(self):
        sub = self.waiting_sub("-C", "1", peer=self.sender.key())
        self.assertEqual(self.send("-m", "a", peer=self.receiver.key()), (0, b"", ""))
        self.assertEqual(sub.output(), b"a\n")

    def test_first_use(self):
        new, old = self.home("new"), self.home("old")
        for turn in range(2):
            sub = self.waiting_sub("-C", "1", home=old, peer="first-use")
            code, _, err = self.send("-m", f"turn {turn}", home=new, peer="first-use")
            self.assertEqual((code, sub.output().decode()), (0, f"turn {turn}\n"), err)
        self.assertIn(new.key(), old.sts("peer", "list")[1])
        self.assertIn(old.key(), new.sts("peer", "list")[1])
        sub = self.waiting_sub(home=old, peer="first-use")
        code, _, err = self.send("-m", "not the first", "--timeout", "2", peer="first-use", home=self.sender)
        self.assertEqual((code, sub.text), (1, ""), err)

    def test_refusals(self):
        for argv, wanted in ((["-m", "a", "-r"], "not for a session"), (["-m", "a", "--utf8"], "not for a session"),
                             (["-m", "a", "--plain"], "error: ")):
            with self.subTest(argv=argv):
                code, out, err = self.send(*argv)
                self.assertEqual((code, out), (2, b""))
                self.assertIn(wanted, err)
        code, _, err = self.run_sts("sub", "--peer", "pump", *self.at(), "-t", "a/#", home=self.receiver)
        self.assertEqual(code, 2)
        self.assertRegex(err, "^error: a session needs one topic.*\nhint: ")
