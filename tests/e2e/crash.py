"""Whoever takes part in the crash tests, and the judge of what came.

Messages with numbers go both ways: from the pump to the gateway in a session, whose receiver prints them, and from the
gateway to the pump on a channel, whose receiver has an inbox. What happens in between is drawn from a seed,
STS_CRASH_SEED (1), which a failure names; STS_CRASH_ROUNDS (12) says how often it does.
"""

import os
import pathlib
import random
import re
import signal
import subprocess
import unittest

from harness import PATIENCE, STS, Broker, Home, Process
from one_shot import Inbox, Sub
from servers import Proxy
from test_channel import ChannelTestCase

MANY = os.environ.get("STS_TEST_MESSAGES", "1000000") == "1000000"  # under AddressSanitizer all takes long
ROUNDS = int(os.environ.get("STS_CRASH_ROUNDS", "12" if MANY else "6"))
BATCH = 300  # messages that are accepted at a time
SESSION, CHANNEL = "session/log", "plant/log"
END = 1 << 40  # the last number


class Accepted:
    """What one side handed in: batches that are all in, and those whose process was killed meanwhile, of which the
    first so many are in, or none."""

    def __init__(self):
        self.batches, self.next = [], 0

    def add(self, sure, count):
        self.batches.append((range(self.next, self.next + count), sure))
        self.next += count

    def since(self, number):
        out = Accepted()
        out.batches = [batch for batch in self.batches if batch[0][0] >= number]
        return out

    def whole(self, received):
        """What has to have come, given what has."""
        out = []
        for numbers, sure in self.batches:
            last = max((n for n in received if n in numbers), default=None) if not sure else numbers[-1]
            out += range(numbers[0], last + 1) if last is not None else []
        return out


def once_and_in_order(received, accepted, told_missing=0):
    """What is wrong with what came; empty: nothing. So many as `told_missing` have to be missing."""
    if sorted(set(received)) != list(received):
        at = next(i for i in range(1, len(received)) if received[i] <= received[i - 1])
        return f"{received[at]} came after {received[at - 1]}"
    whole = accepted.whole(set(received))
    if strange := set(received) - set(whole):
        return f"nobody sent {sorted(strange)[:5]}"
    missing = sorted(set(whole) - set(received))
    return "" if len(missing) == told_missing else f"{len(missing)} missing, {told_missing} told: {missing[:5]}"


def without_repeats(lines, starts):
    """Of what receivers printed one after the other, beginning at these lines: a killed one's last lines may come
    again to the next. Nothing else may, and so nothing else is left out."""
    out = []
    for begin, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        part = lines[begin:end]
        if part and part[0] in out:
            again = out.index(part[0])
            if part[:len(out) - again] != out[again:][:len(part)]:
                return None
            part = part[len(out) - again:]
        out += part
    return out


class CrashTestCase(Inbox, ChannelTestCase):
    settings = (*ChannelTestCase.settings, "persistent_client_expiration 1d", "persistence true", "autosave_on_changes true",
                "autosave_interval 100")

    def setUp(self):
        self.seed = int(os.environ.get("STS_CRASH_SEED", "1"))
        self.chance = random.Random(self.seed)
        super().setUp()
        self.way = self.way_to_broker()
        # The pump's rights are those of a reader here, the gateway's those of a sender.
        self.sts(self.gateway, "peer", "allow", "pump", "--reads", "plant/#")
        self.sts(self.pump, "peer", "allow", "gateway", "--writes", "plant/#")
        self.printed = pathlib.Path(self.directory, "printed")
        self.printed.touch()
        self.inbox = str(self.pump.directory / "inbox.db")
        self.accepted = {SESSION: Accepted(), CHANNEL: Accepted()}
        self.starts, self.actors, self.errors, self.full = [], {}, [], None
        self.sure_from = {SESSION: 0, CHANNEL: 0}  # the first number of which nobody said that it may be lost
        # What a reader of a channel has never heard of it can't miss: the first comes before the first accident.
        self.actors["stores"] = self.keep(self.begin("stores"))
        self.b.log.expect(f"in 1 {CHANNEL}$")
        self.accept(CHANNEL, killed=False)
        self.run_all()
        self.await_lines(lambda _: len(self.numbers()) == BATCH)

    def broker(self, *settings, enter=()):
        kept = ("persistence_location", self.directory + "/")
        return self.keep(Broker(self.directory, *settings, " ".join(kept), enter=enter))

    def home(self, name="home"):
        """On a disk of its own, where that is allowed, which can be full."""
        try:
            return Home(self.small_disk("32m"), name)
        except unittest.SkipTest:
            return super().home(name)

    def way_to_broker(self):
        return self.keep(Proxy(self.b.port))

    # --- Who takes part

    def command(self, *argv, home, to="/dev/null"):
        into = [*self.way.enter, "sh", "-c", 'exec "$@" >> "$0"', str(to)]
        return Sub([*into, STS, *argv, "-h", "127.0.0.1", "-p", str(self.way.port)], env=home.env)

    def begin(self, actor):
        if actor == "prints":
            self.starts.append(len(self.lines()))
            return self.command("sub", "--peer", "pump", "-t", SESSION, "--retry", home=self.gateway, to=self.printed)
        if actor == "stores":
            return self.command("sub", "--durable", "-i", "in", "-t", CHANNEL, "--store", self.inbox, "--report", home=self.pump)
        if actor == "sends":
            return self.command("pub", "--peer", "gateway", "--durable", "-t", SESSION, "-l", "--retry", home=self.pump)
        return self.command("outbox", "flush", "--retry", home=self.gateway)  # publishes

    def run_all(self):
        """Starts who isn't running: killed, or done with what there was."""
        for actor in ("prints", "stores", "sends", "publishes"):
            running = self.actors.get(actor)
            if running is None or running.process.poll() is not None:
                self.end(actor)
                self.actors[actor] = self.keep(self.begin(actor))

    def end(self, actor, how=signal.SIGKILL):
        process = self.actors.pop(actor, None)
        if process is None:
            return
        process.process.send_signal(how)
        process.wait()
        self.errors.append((actor, process.errors()))
        self.told(process.errors())

    def accept(self, topic, killed):
        """One batch, which may be killed, or find no room, before it is in."""
        peer = ("--peer", "gateway") if topic == SESSION else ()
        home = self.pump if topic == SESSION else self.gateway
        numbers = range(self.accepted[topic].next, self.accepted[topic].next + BATCH)
        command = ["pub", *peer, "--enqueue-only", "-t", topic, "-l"]
        lines = "".join(f"{n}\n" for n in numbers)
        if killed:
            process = self.keep(Process([STS, *command], env=home.env, stdin=subprocess.PIPE))
            process.process.stdin.write(lines.encode())
            process.process.stdin.flush()
            process.kill()
        else:
            code, out = home.sts(*command, stdin=lines)
            killed = code != 0
            told = self.told(out)
            self.assertTrue(not killed or told or (home is self.full and "disk" in out), f"exit code {code}: {out}")
        self.accepted[topic].add(not killed, BATCH)

    def told(self, text):
        """Whether that is a reason for what was accepted to be lost: `text` is what somebody said."""
        return False

    # --- What came

    def lines(self):
        return [int(line) for line in self.printed.read_bytes().split(b"\n")[:-1]]

    def numbers(self):
        return [int(payload) for payload, in self.rows(path=self.inbox)]

    def await_lines(self, enough):
        """Whoever ends meanwhile, as a sender does whose peer was ended in order, is started again."""
        self.until(lambda: self.run_all() or enough(self.lines()), self.state, 3 * PATIENCE)

    def state(self):
        return f"seed {self.seed}: {len(self.lines())} lines, {len(self.numbers())} rows\n" + "\n".join(
            f"{actor}: {errors}" for actor, errors in self.errors[-8:] if errors)

    # --- The end

    def least(self):
        """So many are sure to come in the session."""
        return sum(len(numbers) for numbers, sure in self.accepted[SESSION].batches if sure)

    def finish(self):
        """Each side has all that will come."""
        self.way.slow(False)
        # A broker that was killed may not know its reader, who may wait with the next try.
        self.end("stores")
        self.run_all()
        self.b.log.expect(f"in 1 {CHANNEL}$")
        for topic in (SESSION, CHANNEL):
            self.accept_end(topic)
        self.await_lines(lambda lines: lines and lines[-1] == END)
        self.await_lines(lambda _: END in self.numbers())
        for actor in ("sends", "publishes"):
            self.assertEqual(self.actors[actor].wait(), 0, self.state())
        for home in (self.pump, self.gateway):
            code, out = home.sts("outbox", "stats")
            self.assertEqual((code, out.split(",")[0]), (0, "0 messages"))

    def accept_end(self, topic):
        home, peer = (self.pump, ("--peer", "gateway")) if topic == SESSION else (self.gateway, ())
        code, out = home.sts("pub", *peer, "--enqueue-only", "-t", topic, "-m", str(END))
        if code != 0 and self.told(out):
            return self.accept_end(topic)
        self.assertEqual((code, out), (0, ""))
        self.accepted[topic].next = END
        self.accepted[topic].add(True, 1)

    def judge(self):
        # What a killed broker had acknowledged on a channel is gone with it, and told.
        self.end("stores", signal.SIGTERM)
        told = re.search(rf"{CHANNEL}: (\d+) received.*?(?:(\d+) missing of its outbox)?$", self.errors[-1][1], re.MULTILINE)
        self.assertTrue(told, self.state())
        told_missing = int(told[2] or 0)

        lines, sure = self.lines(), self.sure_from[SESSION]
        starts = [sum(n >= sure for n in lines[:start]) for start in self.starts]
        printed = without_repeats([n for n in lines if n >= sure], starts)
        self.assertIsNotNone(printed, self.state())
        self.assertEqual(once_and_in_order(printed, self.accepted[SESSION].since(sure)), "", self.state())

        sure = self.sure_from[CHANNEL]
        rows, accepted = [n for n in self.numbers() if n >= sure], self.accepted[CHANNEL].since(sure)
        if sure > 0:  # what was lost before is told, too
            told_missing = min(told_missing, len(set(accepted.whole(set(rows))) - set(rows)))
        self.assertEqual(once_and_in_order(rows, accepted, told_missing), "", self.state())
