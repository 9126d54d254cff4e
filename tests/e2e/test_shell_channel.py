"""Channels in the shell: one sender, many readers, beside `sts pub` and `sts sub`."""

import json
import re
import signal

from harness import ERROR, STS, publish
from one_shot import Sub
from terminal import PROMPT, PtyShell
from test_channel import TOPIC, ChannelTestCase


class ChannelShellTestCase(ChannelTestCase):
    def conf(self, home, name, **keys):
        return home.config(name, url="localhost", port=self.b.port, sts_mode="channel", **keys)

    def started(self, home, **keys):
        shell = self.start(home, self.conf(home, "plant", **keys))
        shell.expect("connected to localhost")
        return shell

    def reader(self, home=None, filters="plant/#"):
        shell = self.started(home or self.gateway, channel=filters)
        shell.line("channels")
        shell.expect(rf"sts: {re.escape(filters)}  QoS 1$")
        return shell


class ChannelShell(ChannelShellTestCase):
    def test_from_shell_to_shell(self):
        tap = self.tap(self.b)
        gateway, pump = self.reader(), self.started(self.pump, pubtop=TOPIC)
        pump.line("sendenc  21.5 °C ")
        gateway.expect(r"# \[MQTT_INC\] pump plant/7/temp:  21.5 °C $")
        pump.line("pub -r -q 2 plant/state on")
        gateway.expect(r"# \[MQTT_INC\] pump plant/state: on$")
        pump.line("status")
        pump.expect("sts_mode: +channel$")
        pump.expect(r"protocol: +STS 2 \(channels\)$")
        pump.expect("cipher: +ChaCha20-Poly1305")
        gateway.line("channels")
        gateway.expect("sts: pump plant/7/temp: 1 received, 0 missing, 0 repeated")
        gateway.line("readers plant/7")
        gateway.expect(rf"sts: may write: pump +{self.pump.fingerprint()}$")
        pump.line("send in the clear")
        pump.expect(ERROR + "channels are encrypted")
        self.assertEqual(pump.finish(), 1)
        self.assertEqual(gateway.finish(), 0)
        for _, payload in tap.frames():
            self.assertNotIn(b"21.5", payload)
            self.assertNotIn(b"in the clear", payload)
        late = self.started(self.gateway, channel="plant/#")
        late.expect(r"\[MQTT_INC\] pump\(retained\) plant/state: on$")

    def test_from_and_to_the_commands(self):
        sub = self.sub(self.gateway, "-C", "1")
        pump = self.started(self.pump)
        pump.line(f"pub {TOPIC} from the shell")
        self.assertEqual(sub.output(), b"from the shell\n")
        gateway = self.reader()
        self.send("-m", "from the command")
        gateway.expect(r"\[MQTT_INC\] pump plant/7/temp: from the command$")

    def test_wills(self):
        sub, gateway = self.sub(self.gateway, "-v"), self.reader()
        with self.subTest("nobody may read it"):
            conf = self.conf(self.pump, "loud", will_topic="office/1", will_message="fell")
            shell = self.shell(self.pump)
            shell.line(f"start {conf}")
            shell.expect(ERROR + "nobody may read office/1")
            shell.expect("hint: sts peer add")
        pump = self.started(self.pump, will_topic="plant/7/will", will_message="fell", pubtop=TOPIC)
        pump.line("sendenc here")
        gateway.expect(r"\[MQTT_INC\] pump plant/7/temp: here$")
        sub.expect(r"plant/7/temp here$")
        pump.kill()
        gateway.expect(r"\[MQTT_INC\] pump\(will\) plant/7/will: fell$")
        sub.expect(r"^\+pump\(will\) plant/7/will fell$")

    def test_no_readers(self):
        pump = self.started(self.pump)
        pump.line("pub office/door x")
        pump.expect("^error: nobody may read office/door\nhint: sts peer add NAME KEY --reads office/door, or .*$")
        pump.line("readers office/door")
        pump.expect("sts: nobody may read ")
        pump.line("sendenc x")
        pump.expect("^error: the config has no pubtop$")
        self.lets_read(self.pump, "gateway", self.gateway, "office/#")
        self.believes(self.gateway, "pump", self.pump, "office/#")
        gateway = self.reader(filters="office/+")
        pump.line("pub office/door now")
        gateway.expect(r"\[MQTT_INC\] pump office/door: now$")

    def test_one_more_reader(self):
        office = self.home("office")
        self.believes(office, "pump", self.pump)
        shells = [self.reader(), self.reader(office)]
        pump = self.started(self.pump, pubtop=TOPIC)
        pump.line("sendenc before")
        shells[0].expect("temp: before$")
        self.lets_read(self.pump, "office", office)
        pump.line("sendenc after")
        for shell in shells:
            shell.expect("temp: after$")
        self.assertNotIn("temp: before", shells[1].text)

    def test_rights_of_the_config(self):
        office = self.home("office")
        self.sts(self.pump, "peer", "add", "office", office.key())
        self.sts(office, "peer", "add", "pump", self.pump.key())
        pump = self.started(self.pump, pubtop="office/door", reads="office office/#")
        shell = self.started(office, channel="office/#", writes="pump office/#", key_prefix="sts/keys")
        pump.line("sendenc open")
        shell.expect(r"pump office/door: open$")

    def test_another_key_prefix(self):
        tap = self.tap(self.b)
        config = self.conf(self.gateway, "keys", channel="plant/#", key_prefix="k/x")
        gateway = self.start(self.gateway, config)
        gateway.expect("connected to")
        pump = self.started(self.pump, pubtop=TOPIC, key_prefix="k/x", sign="on")
        pump.line("sendenc x")
        gateway.expect("temp: x$")
        sub = self.sub_by(config, "-C", "1")
        profile = self.conf(self.pump, "p", pubtop=TOPIC, key_prefix="k/x")
        self.assertEqual(self.run_sts("pub", "--config", profile, "-m", "y", home=self.pump), (0, b"", ""))
        self.assertEqual(sub.output(), b"y\n")
        self.assertFalse([topic for topic, _ in tap.frames() if topic.startswith("sts/keys")])

    def sub_by(self, config, *argv):
        """`sts sub` on the channels of a config."""
        sub = self.keep(Sub([STS, "sub", "--config", config, "-i", "by-config", *argv], env=self.gateway.env))
        self.b.log.expect("by-config 1 plant/#$")
        return sub

    def test_filters_come_and_go(self):
        pump, gateway = self.started(self.pump), self.started(self.gateway)
        for _ in range(2):
            gateway.line("sub plant/+ 1")
            gateway.expect(r"subscribed to 'plant/\+' with QoS 1")
            pump.line("pub plant/8 heard")
            gateway.expect("plant/8: heard$")
            gateway.line("unsub plant/+")
            gateway.expect(r"unsubscribed from 'plant/\+'")
            self.b.log.expect("Received PUBLISH .*plant/8")
            pump.line("pub plant/8 unheard")
            self.b.log.expect("Received PUBLISH .*plant/8")
        gateway.line("channels")
        gateway.expect("no channels are read")
        gateway.line("stop")
        gateway.expect("session stopped")
        self.assertNotIn("unheard", gateway.text)
        self.assertNotIn("missing:", gateway.text)
        self.assertNotRegex(gateway.text, "message of pump missing")

    def test_what_the_broker_did(self):
        tap = self.tap(self.b)
        gateway, pump = self.reader(), self.started(self.pump, pubtop=TOPIC)
        pump.line("sendenc 1")
        _, frame = tap.expect_frame(TOPIC, "11[0-9a-f]*")
        gateway.expect("temp: 1$")
        publish(self.b, TOPIC, frame)
        gateway.expect("the broker repeated a message of pump")
        publish(self.b, TOPIC, frame[:9] + bytes([frame[9] ^ 2]) + frame[10:])
        gateway.expect("a forged or damaged message as if from pump")
        gateway.line("status")
        gateway.expect("channels: +1 received, 0 missing, 1 repeated, 0 reordered, 0 late, 1 forged")

    def test_what_never_came_is_missing(self):
        gateway = self.reader(filters=TOPIC)
        self.send("-m", "1")
        gateway.expect("temp: 1$")
        other = self.broker()  # the reader isn't there
        self.assertEqual(self.run_sts("pub", *self.at(other.port), "-t", TOPIC, "-m", "2", home=self.pump)[0], 0)
        self.send("-m", "3")
        gateway.expect(r"\[WARN\]  # plant/7/temp: 1 message of pump missing$")
        gateway.line("channels")
        gateway.expect("sts: pump plant/7/temp: 2 received, 1 missing")
        gateway.line("status")
        gateway.expect("channels: +2 received, 1 missing")

    def test_the_end_leaves_no_keys_behind(self):
        pump = self.started(self.pump, pubtop=TOPIC)
        pump.line("sendenc x")
        pump.expect(r"\[MQTT_OUT\]")
        self.assertEqual(pump.finish(), 0)
        late = self.subscribe("mosquitto_sub", "-t", "sts/keys/#", "-t", "end", count=1)
        publish(self.b, "end", b"nothing retained")
        self.assertEqual(late.output(), b"nothing retained\n")

    def test_on_a_terminal(self):
        gateway = self.keep(PtyShell(self.gateway))
        gateway.expect(PROMPT)
        gateway.line(f"start {self.conf(self.gateway, 'plant', channel='plant/#')}")
        gateway.expect("connected to localhost")
        gateway.type("unsub pl\t")
        gateway.expect_screen(lambda lines: lines[-1].startswith(PROMPT + "unsub plant/#"))
        self.send("-m", "meanwhile")
        gateway.expect(r"pump plant/7/temp: meanwhile")
        gateway.type("\n")
        gateway.expect("unsubscribed from 'plant/#'")


class ChannelShellRestart(ChannelShellTestCase):
    def test_a_broker_that_restarts_loses_nothing(self):
        gateway, pump = self.reader(), self.started(self.pump, pubtop=TOPIC)
        pump.line("sendenc 0")
        gateway.expect("temp: 0$")
        self.b.kill()
        for shell in (pump, gateway):
            shell.expect("trying again")
        for i in range(1, 50):
            pump.line(f"sendenc {i}")
        # The broker has forgotten who is subscribed: the reader has to be there first.
        pump.process.send_signal(signal.SIGSTOP)
        self.b.start()
        self.b.log.expect("1 plant/#$")
        pump.process.send_signal(signal.SIGCONT)
        pump.line("sendenc end")
        gateway.expect("temp: end$")
        shown = re.findall(r"\[MQTT_INC\] .*plant/7/temp: (.*)$", gateway.text, re.MULTILINE)
        self.assertEqual(shown, [*map(str, range(50)), "end"])
        gateway.line("channels")
        gateway.expect("sts: pump plant/7/temp: 51 received, 0 missing")
        self.assertEqual(pump.finish(), 0)

    def test_keys_that_the_broker_lost_are_told_again(self):
        pump = self.started(self.pump, pubtop=TOPIC)
        pump.line("sendenc before")
        self.b.log.expect("Sending PUBACK to .*")
        self.b.kill()
        pump.expect("trying again")
        self.b.start()
        pump.expect("connected to")
        gateway = self.reader()
        pump.line("sendenc after")
        gateway.expect("temp: after$")


class ChannelShellOutbox(ChannelShellTestCase):
    def durable(self):
        return self.start(self.pump, self.conf(self.pump, "kept", pubtop=TOPIC, durable="on"))

    def stats(self):
        code, out, errors = self.run_sts("outbox", "stats", "--format", "json", home=self.pump)
        self.assertEqual((code, errors), (0, ""))
        return json.loads(out)

    def test_whatever_is_killed_it_arrives_once(self):
        gateway, pump = self.reader(), self.durable()
        pump.expect("connected to localhost")
        pump.line("sendenc 1")
        gateway.expect("temp: 1$")
        self.b.kill()
        for shell in (pump, gateway):
            shell.expect("trying again")
        for i in (2, 3):
            pump.line(f"sendenc {i}")
        self.until(lambda: self.stats()["messages"] >= 2)
        pump.kill()
        self.b.start()
        self.b.log.expect("1 plant/#$")
        again = self.durable()
        again.line("sendenc 4")
        gateway.expect("temp: 4$")
        self.assertEqual(re.findall("plant/7/temp: (.*)$", gateway.text, re.MULTILINE), ["1", "2", "3", "4"])
        self.until(lambda: self.stats()["messages"] == 0)  # the broker's answer is on its way
        again.line("status")
        again.expect("outbox: +0$")
        self.assertEqual(again.finish(), 0)

    def test_another_process_delivers(self):
        gateway, pump = self.reader(), self.durable()
        pump.expect("connected to localhost")
        self.assertEqual(self.run_sts("pub", "--enqueue-only", "-t", TOPIC, "-m", "1", home=self.pump), (0, b"", ""))
        gateway.expect("temp: 1$")
        self.assertEqual(pump.finish(), 0)

    def test_without_a_broker(self):
        self.b.kill()
        pump = self.durable()
        pump.line("sendenc 1")
        pump.line("stop")
        pump.expect("connection refused")
        pump.expect("1 message waits in the outbox")
        self.assertEqual(pump.finish(), 1)
        self.b.start()
        gateway = self.reader()
        self.assertEqual(self.run_sts("outbox", "flush", *self.at(), home=self.pump), (0, b"", ""))
        gateway.expect("temp: 1$")
