"""`sts invite` and `sts join`: two machines that trust each other without a typed key."""

import base64
import hashlib
import os
import pathlib
import signal
import struct
import subprocess
import time

from harness import STS, Process, Tap, free_port, publish
from one_shot import OneShotTestCase, Sub

NO_BROKER = "the token names no broker: elsewhere 'sts join' needs -h and -p\n"
BODY = "!B16s32sLL"  # version, secret, key, created, lifetime; then the url


def forge(token, url=None, **changed):
    """The token with other fields and a check that fits."""
    data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))[:-4]
    size = struct.calcsize(BODY)
    fields = dict(zip(("version", "secret", "key", "created", "lifetime"), struct.unpack(BODY, data[:size])))
    body = struct.pack(BODY, *(fields | changed).values()) + (data[size:] if url is None else url)
    check = hashlib.blake2b(b"STS 2 invite check" + body).digest()[:4]
    return base64.urlsafe_b64encode(body + check).rstrip(b"=").decode()


class InviteTestCase(OneShotTestCase):
    def setUp(self):
        super().setUp()
        self.gateway, self.pump = self.home("gateway"), self.home("pump")

    def invite(self, *argv, at=None):
        """(process, token) of one that waits."""
        invite = self.keep(Sub([STS, "invite", *(at or self.at()), *argv], env=self.gateway.env))
        return invite, invite.expect("^([A-Za-z0-9_-]{82,})$")[1]

    def join(self, token, *argv, home=None, at=None):
        return self.run_sts("join", "-", *(self.at() if at is None else at), *argv, stdin=token.encode() + b"\n",
                            home=home or self.pump)

    def assert_refused(self, outcome, reason, wanted=1):
        code, out, err = outcome
        self.assertEqual((code, out), (wanted, b""), err)
        self.assertRegex(err, f"error: {reason}")
        self.assertRegex(err, "(?m)^hint: ")

    def assert_joined(self, outcome, invite, name, other):
        """`name` is what the joiner calls the gateway, `other` the reverse."""
        code, out, err = outcome
        self.assertEqual((code, out.decode()), (0, f"{name}: fingerprint {self.gateway.fingerprint()}\n"), err)
        self.assertEqual(invite.wait(), 0, invite.errors())
        self.assertEqual(invite.errors().splitlines()[-1], f"{other}: fingerprint {self.pump.fingerprint()}")

    def trust(self, home):
        """The trust file, a line each without key and fingerprint."""
        return [" ".join(word for i, word in enumerate(line.split()) if i not in (1, 2))
                for line in home.sts("peer", "list")[1].splitlines()]

    def assert_unpinned(self, *homes):
        for home in homes:
            self.assertEqual(self.trust(home), [])


class Invites(InviteTestCase):
    def test_both_trust_each_other_and_talk_at_once(self):
        invite, token = self.invite("--name", "pump", "--writes", "plant/7/#", "--reads", "set point/+")
        outcome = self.join(token, "--name", "gateway", "--reads", "plant/#", "--reads", "log")
        self.assert_joined(outcome, invite, "gateway", "pump")
        self.assertEqual((outcome[2], invite.output().decode(), len(invite.errors().splitlines())), ("", token + "\n", 2))
        self.assertEqual(self.trust(self.gateway), ["pump reads=set%20point/+ writes=plant/7/#"])
        self.assertEqual(self.trust(self.pump), ["gateway reads=plant/# reads=log"])
        for home, other in ((self.gateway, self.pump), (self.pump, self.gateway)):
            self.assertIn(other.key(), home.sts("peer", "list")[1])
        sub = self.keep(Sub([STS, "sub", "--peer", "pump", *self.at(), "-t", "plant/7", "-C", "1", "-i", "receiver"],
                            env=self.gateway.env))
        self.b.log.expect("Sending SUBACK to receiver$")
        self.assertEqual(self.run_sts("pub", "--peer", "gateway", *self.at(), "-t", "plant/7", "-m", "21.5",
                                      home=self.pump), (0, b"", ""))
        self.assertEqual(sub.output(), b"21.5\n")

    def test_through_a_pipe(self):
        invite = subprocess.Popen([STS, "invite", *self.at(), "--name", "pump"], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, env={**os.environ, **self.gateway.env})
        self.addCleanup(invite.kill)
        join = self.keep(Process([STS, "join", *self.at(), "--name", "gateway", "-"], stdin=invite.stdout,
                                 env=self.pump.env))
        invite.stdout.close()
        self.assertEqual((join.drain(), join.wait()), (f"gateway: fingerprint {self.gateway.fingerprint()}\n", 0))
        self.assertEqual((invite.communicate(timeout=40)[1].decode(), invite.returncode),
                         (NO_BROKER + f"pump: fingerprint {self.pump.fingerprint()}\n", 0))

    def test_names_made_of_fingerprints(self):
        invite, token = self.invite()
        outcome = self.join(token)
        names = ["peer-" + home.fingerprint()[:9] for home in (self.gateway, self.pump)]
        self.assert_joined(outcome, invite, *names)

    def test_the_joiner_may_come_first_and_the_broker_go(self):
        invite, token = self.invite()
        self.b.kill()
        self.b.start()
        self.b.log.expect("Sending SUBACK to ")
        self.assertEqual(self.join(token)[0], 0)
        self.assertEqual(invite.wait(), 0, invite.errors())

    def test_the_broker_learns_neither_token_nor_keys(self):
        tap = self.keep(Tap(self.b))
        invite, token = self.invite()
        self.assertEqual(self.join(token)[0], 0)
        self.assertEqual(invite.wait(), 0)
        secret = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))[1:17]
        seen = tap.frames()
        self.assertGreater(len(seen), 4)
        key = base64.b64decode(self.pump.key())
        for topic, payload in seen:
            self.assertRegex(topic, "^sts-invite/[0-9a-f]{32}/(join|invite)$")
            self.assertNotIn(secret.hex(), topic)
            self.assertNotIn(secret, payload)
            self.assertNotIn(key, payload)

    def test_the_token_names_the_broker(self):
        invite, token = self.invite(at=["-h", "LOCALHOST", "-p", str(self.b.port)])  # not known as this machine
        self.assertGreater(len(token), 100)
        code, _, err = self.join(token, at=[])
        self.assertEqual((code, invite.wait()), (0, 0), err)
        _, short = self.invite()
        self.assertEqual(len(short), 82)

    def test_qr_code(self):
        invite, token = self.invite("--qr", "--name", "pump")
        invite.expect("▀")
        self.assert_joined(self.join(token, "--name", "gateway"), invite, "gateway", "pump")
        plain, _ = self.invite("--name", "x")
        plain.process.send_signal(signal.SIGINT)
        self.assertNotIn("▀", plain.output().decode())

    def test_a_peer_that_is_known_keeps_its_name(self):
        self.gateway.sts("peer", "add", "old", self.pump.key(), "--reads", "a")
        self.pump.sts("peer", "add", "older", self.gateway.key())
        invite, token = self.invite("--name", "new", "--reads", "b")
        outcome = self.join(token, "--writes", "c")
        self.assert_joined(outcome, invite, "older", "old")
        self.assertEqual((self.trust(self.gateway), self.trust(self.pump)), (["old reads=a reads=b"], ["older writes=c"]))

    def test_the_argument_is_blanked(self):
        _, token = self.invite()
        token = forge(token, secret=bytes(16))  # nobody answers
        join = self.keep(Process([STS, "join", *self.at(), "-i", "joiner", token], env=self.pump.env))
        self.b.log.expect("Sending SUBACK to joiner$")
        line = pathlib.Path(f"/proc/{join.process.pid}/cmdline").read_bytes()
        self.assertIn(b"joiner", line)
        self.assertNotIn(token[:8].encode(), line)


class InviteRefusals(InviteTestCase):
    def test_garbled(self):
        _, token = self.invite()
        at = next(i for i in range(9, len(token)) if token[i] != token[i + 1])
        for wrong, reason in ((token[:-1], "this .* a typing error"), (token[:20] + token[21:], "this .* a typing error"),
                              (token.swapcase(), "this .* a typing error"),
                              (token[:at] + token[at + 1] + token[at] + token[at + 2:], "this token has a typing error"),
                              ("x", "this is no token"), ("", "this is no token"),
                              (forge(token, version=2), "this token is of another version"),
                              (forge(token, url=b"unix:///run/broker"), "this token says what no token does"),
                              (forge(token, url=b"mqtt://user@broker:1883"), "this token says what no token does")):
            with self.subTest(wrong=wrong):
                self.assert_refused(self.join(wrong), reason)
        self.assert_unpinned(self.gateway, self.pump)

    def test_own_token(self):
        _, token = self.invite()
        self.assert_refused(self.join(token, home=self.gateway), "this side made the token itself", 2)

    def test_rights_that_are_none(self):
        _, token = self.invite()
        self.assert_refused(self.join(token, "--reads", "a#"), "a wildcard where it may not be", 2)
        self.assert_refused(self.run_sts("invite", *self.at(), "--writes", ""), "no topic given", 2)

    def test_names_that_are_taken(self):
        for home in (self.gateway, self.pump):
            home.sts("peer", "add", "taken", self.home("other").key())
        _, token = self.invite()
        self.assert_refused(self.join(token, "--name", "taken"), "the name 'taken' is taken")
        self.assert_refused(self.join(token, "--name", "a b"), "'a b' is not a valid name", 2)
        self.assert_refused(self.run_sts("invite", *self.at(), "--name", "taken", home=self.gateway),
                            "the name 'taken' is taken")

    def test_wrong_arguments(self):
        for argv in (["invite", "--expires", "8d"], ["invite", "--expires", "0"], ["invite", "--expires", "1y"], ["join"]):
            code, out, err = self.run_sts(*argv)
            self.assertEqual((code, out), (2, b""), err)

    def test_expired(self):
        invite, token = self.invite("--expires", "1s")
        self.assertEqual(invite.wait(), 27)
        self.assertRegex(invite.errors(), f"^{NO_BROKER}error: the invite has expired, and nobody has joined\n$")
        self.assert_refused(self.join(token), "the token has expired")
        _, token = self.invite()
        now = int(time.time())
        self.assert_refused(self.join(forge(token, created=now - 601)), "the token has expired")
        self.assert_refused(self.join(forge(token, created=now + 3600)), "the token counts as expired")
        self.assert_unpinned(self.gateway, self.pump)

    def test_interrupted(self):
        invite, token = self.invite()
        invite.process.send_signal(signal.SIGINT)
        self.assertEqual(invite.wait(), 1)
        self.assertEqual(invite.errors(), NO_BROKER + "error: the invite was called off: its token works no more\n")
        outcome = self.join(token, "--timeout", "3")
        self.assert_refused(outcome, "no session after 3 s\nhint: a token works once, and only while the 'sts invite' ")
        self.assertIn("waiting up to 3 s for the 'sts invite' that printed the token\n", outcome[2])
        self.assert_refused(self.join(token, at=["-p", str(free_port())]),
                            "connection refused .*\nhint: this token names no broker: give -h and -p\n")
        self.assert_unpinned(self.gateway, self.pump)

    def test_guesses_burn_nothing(self):
        invite, token = self.invite("--name", "pump")
        guesser = self.home("guesser")
        self.assert_refused(self.join(forge(token, lifetime=601), "--timeout", "2", home=guesser), "no session after 2 s")
        # It knows the topics, as the broker does, and sends what it likes.
        tap = self.keep(Tap(self.b))
        guess = self.keep(Process([STS, "join", *self.at(), forge(token, lifetime=602)], env=guesser.env))
        topic, first = tap.expect_frame(r"\S+/join")
        for payload in (os.urandom(53), os.urandom(8), first, b""):
            publish(self.b, topic, payload)
        guess.kill()
        self.assert_unpinned(self.gateway, guesser)
        self.assert_joined(self.join(token, "--name", "gateway"), invite, "gateway", "pump")
        self.assertIn(f"refused: whoever it was doesn't hold the token: {guesser.key()}", invite.errors())
        self.assertEqual(self.trust(self.gateway), ["pump"])

    def test_a_token_is_for_one_identity_which_may_try_again(self):
        invite, token = self.invite("--name", "pump")
        self.pump.key()
        in_the_way = self.pump.directory / "sts" / "peers.new"
        in_the_way.mkdir()  # so that the trust file cannot be written
        self.assert_refused_store(self.join(token, "--name", "gateway"))
        self.assertEqual((self.trust(self.gateway), self.trust(self.pump)), (["pump"], []))
        other = self.home("other")
        self.assert_refused(self.join(token, "--timeout", "3", home=other), "no session after 3 s")
        self.assert_unpinned(other)
        in_the_way.rmdir()
        self.assert_joined(self.join(token, "--name", "gateway"), invite, "gateway", "pump")
        self.assertIn(f"refused: the token has been used already, and not by {other.key()}", invite.errors())
        self.assertIn("pump ended the session without having stored this side's key", invite.errors())
        self.assertEqual((self.trust(self.gateway), self.trust(self.pump)), (["pump"], ["gateway"]))

    def assert_refused_store(self, outcome):
        code, out, err = outcome
        self.assertEqual((code, out), (1, b""))
        self.assertIn("cannot write", err)

    def test_an_end_between_the_two_pins_is_told(self):
        invite, token = self.invite("--name", "pump", "--expires", "1h")
        self.pump.key()
        (self.pump.directory / "sts" / "peers.new").mkdir()
        self.assert_refused_store(self.join(token))
        invite.process.send_signal(signal.SIGTERM)
        self.assertEqual(invite.wait(), 1)
        self.assertRegex(invite.errors(), "error: pump is trusted here now, but didn't say that it trusts this side.*\n"
                                          "hint: invite it again, or: sts peer remove pump\n$")

    def test_no_broker(self):
        code, out, err = self.run_sts("invite", "-h", "127.0.0.1", "-p", "1", home=self.gateway)
        self.assertEqual((code, out), (1, b""))
        self.assertRegex(err, "^error: connection refused")
        self.assertNotIn("called off", err)

    def test_where_the_token_cannot_be_shown(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([STS, "invite", *self.at()], stdout=full, stderr=subprocess.PIPE, check=False,
                                  env={**os.environ, **self.gateway.env}, timeout=40)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr.decode(), "^error: cannot write the output: .*\n$")
