"""What a reader of channels has seen outlives its process, under the id that it is given."""

import signal

from harness import STS, publish
from one_shot import Sub
from test_channel import TOPIC, ChannelTestCase


class ChannelRestart(ChannelTestCase):
    settings = (*ChannelTestCase.settings, "persistent_client_expiration 1d")

    def reader(self, *argv, name="gw"):
        """One that goes on where the last of that id ended; the broker keeps its session meanwhile."""
        sub = self.keep(Sub([STS, "sub", *self.at(), "-i", name, "-c", "-t", "plant/#", *argv], env=self.gateway.env))
        self.b.log.expect(rf"{name} 1 plant/#$")
        return sub

    def end(self, sub, how=signal.SIGTERM):
        sub.process.send_signal(how)
        self.assertEqual(sub.wait(), 0, sub.errors())
        self.b.log.expect("Client gw (disconnected|closed its connection)")
        return sub.output()

    def test_goes_on_across_epochs(self):
        sub = self.reader()
        self.send("-m", "1")
        sub.expect("^1$")
        self.end(sub)
        self.send("-m", "2")
        for part in (b"3\n4\n", b"5\n6\n"):  # each a process with a stream of its own, begun and ended
            self.send("-l", stdin=part)
        self.send("-m", "7")
        sub = self.reader("--report")
        sub.expect("^7$")
        self.assertEqual(self.end(sub), b"2\n3\n4\n5\n6\n7\n")
        self.assertIn("pump plant/7/temp: 7 received, 0 missing, 0 repeated, 0 reordered", sub.errors())
        sub = self.reader()
        self.send("-m", "8")
        sub.expect("^8$")
        self.assertEqual((self.end(sub), sub.errors()), (b"8\n", ""))

    def test_a_broker_that_has_forgotten_the_keys(self):
        self.send("-m", "1")
        self.b.kill()  # it keeps no file
        self.b.start()
        sub = self.reader()
        self.send("-m", "2")
        self.send("--durable", "-m", "3")
        sub.expect("^3$")
        # The keys come as if the reader had been there when they were made.
        self.assertEqual((self.end(sub), sub.errors()), (b"2\n3\n", "warning: plant/7/temp: 1 message of pump missing\n"))

    def test_repeats_are_refused(self):
        tap = self.tap(self.b)
        sub = self.reader()
        self.send("-m", "open")
        sub.expect("^open$")
        _, frame = tap.expect_frame(TOPIC, "11[0-9a-f]*")
        self.end(sub)
        sub = self.reader()
        publish(self.b, TOPIC, frame)
        self.send("-m", "shut")
        sub.expect("^shut$")
        self.assertEqual(self.end(sub), b"shut\n")
        self.assertIn("plant/7/temp: the broker repeated a message of pump", sub.errors())

    def test_a_gap_is_missing(self):
        sub = self.reader()
        self.send("-m", "1")
        sub.expect("^1$")
        self.end(sub)
        other = self.broker()  # what goes there, the reader's never has
        self.assertEqual(self.run_sts("pub", *self.at(other.port), "-t", TOPIC, "-m", "2", home=self.pump)[0], 0)
        sub = self.reader()
        self.send("-m", "3")
        sub.expect("^3$")
        self.assertEqual(self.end(sub), b"3\n")
        self.assertIn("plant/7/temp: 1 message of pump missing", sub.errors())

    def test_retained(self):
        tap = self.tap(self.b)
        sub = self.reader()
        self.send("-r", "-m", "old")
        sub.expect("^old$")
        _, frame = tap.expect_frame(TOPIC, "11[0-9a-f]*")
        self.send("-r", "-m", "new")
        sub.expect("^new$")
        self.end(sub)
        sub = self.reader()  # subscribes again, so the broker sends it again
        self.send("-m", "live")
        sub.expect("^live$")
        self.assertEqual((self.end(sub), sub.errors()), (b"live\n", ""))
        publish(self.b, TOPIC, frame, retain=True)
        sub = self.reader()
        self.send("-m", "end")
        sub.expect("^end$")
        self.assertEqual(self.end(sub), b"end\n")
        self.assertIn("the broker retains an older message of pump than it did", sub.errors())

    def test_one_process_for_an_id(self):
        sub = self.reader()
        code, out, errors = self.run_sts("sub", *self.at(), "-i", "gw", "-c", "-t", "plant/#", home=self.gateway)
        self.assertEqual((code, out), (1, b""))
        self.assertIn("error: another sts reads channels as gw already\nhint: ", errors)
        sub.kill()
        self.end(self.reader())  # a killed one holds nothing

    def test_a_killed_one_knows_what_it_had_saved(self):
        tap = self.tap(self.b)
        sub = self.reader("--report")
        self.send("-m", "1")
        sub.expect("^1$")
        _, frame = tap.expect_frame(TOPIC, "11[0-9a-f]*")
        self.end(sub)
        sub = self.reader()
        self.send("-m", "2")
        sub.expect("^2$")
        sub.kill()
        sub = self.reader()
        publish(self.b, TOPIC, frame)
        self.send("-m", "3")
        sub.expect("^3$")
        self.assertEqual(self.end(sub), b"3\n")
        self.assertIn("the broker repeated", sub.errors())

    def test_without_c_nothing_is_kept(self):
        self.send("-r", "-m", "value")
        for _ in range(2):
            code, out, errors = self.run_sts("sub", *self.at(), "-i", "gw", "-t", "plant/#", "-C", "1", home=self.gateway)
            self.assertEqual((code, out, errors), (0, b"value\n", ""))

    def test_reset(self):
        """What was seen doesn't count any more, neither to a reader that starts nor to one that runs."""
        tap = self.tap(self.b)
        sub = self.reader()
        self.send("-m", "1")
        sub.expect("^1$")
        _, frame = tap.expect_frame(TOPIC, "11[0-9a-f]*")
        self.end(sub)
        self.assertEqual(self.gateway.sts("peer", "reset", "pump"), (0, "pump: forgotten by 1 reader\n"))
        self.assertEqual(self.gateway.sts("peer", "reset", "pump"), (0, "pump: no reader had kept anything\n"))
        sub = self.reader()
        publish(self.b, TOPIC, frame)
        sub.expect("^1$")
        self.end(sub)
        sub = self.reader()
        self.assertEqual(self.gateway.sts("peer", "reset", "pump"), (0, "pump: forgotten by 1 reader\n"))
        self.send("-m", "2")  # a second later it is saved, which finds the reset
        self.b.log.expect("gw 1 sts/keys/")
        self.b.log.expect("Sending PUBLISH to gw .*sts/keys/")
        publish(self.b, TOPIC, frame)
        sub.expect("^2\n1$")
        self.end(sub)
