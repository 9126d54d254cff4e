"""The shell as a plain MQTT client, and with several sessions."""

import re

from harness import ERROR, TestCase, publish


class PlainShell(TestCase):
    def setUp(self):
        super().setUp()
        self.b = self.broker()
        self.sts = self.shell(self.home())

    def connect(self, *settings):
        self.sts.line(" ".join(["connect", f"localhost:{self.b.port}", *settings]))
        self.sts.expect(r"\[WARN\]  # in the clear: the broker")
        self.sts.expect(rf"connected to localhost:{self.b.port}")

    def test_subscribe_and_publish(self):
        tap = self.tap(self.b)
        publish(self.b, "t/kept", b"old", retain=True)
        self.connect()
        self.sts.line("sub t/# 2")
        self.sts.expect("subscribed to 't/#' with QoS 2")
        self.sts.expect(r"\[MQTT_INC\] t/kept: old$")
        publish(self.b, "t/a", b"23.5 C")
        self.sts.expect(r"\[MQTT_INC\] t/a: 23.5 C$")
        self.sts.line("pub -r -q 2 t/b  exactly  this ")
        self.sts.expect(r"\[MQTT_INC\] t/b:  exactly  this $")
        tap.expect(r"^TAP 0 \d t/b " + b" exactly  this ".hex() + "$")
        late = self.tap(self.b)
        late.expect(r"^TAP 1 \d t/b ")
        self.sts.line("pub -r t/b")
        self.sts.expect(r"\[MQTT_INC\] t/b: $")
        self.sts.line("topics")
        self.sts.expect("sts: t/#  QoS 2$")
        self.sts.line("unsub t/#")
        self.sts.expect("unsubscribed from 't/#'")
        publish(self.b, "t/a", b"unheard")
        self.sts.line("disconnect")
        self.sts.expect("session stopped")
        self.assertEqual(self.sts.finish(), 0)
        self.assertNotIn("unheard", self.sts.drain())

    def test_a_granted_qos_below_the_one_asked_for(self):
        self.b = self.broker("max_qos 1")
        self.connect()
        self.sts.line("sub t 2")
        self.sts.expect("subscribed to 't' with QoS 1$")
        self.sts.line("topics")
        self.sts.expect(r"sts: t  QoS 1 \(2 asked for\)$")

    def test_subscriptions_outlive_the_connection(self):
        for settings in ([], ["session_expiry=60"]):
            with self.subTest(settings=settings):
                self.connect(f"name={len(settings)}", *settings)
                self.sts.line("sub t/a")
                self.sts.expect("subscribed to 't/a'")
                self.b.kill()
                self.sts.expect("trying again")
                self.b.start()
                self.sts.expect("connected to")
                publish(self.b, "t/a", b"again")
                self.sts.expect(r"# \[MQTT_INC\] t/a: again$")
                self.sts.line("stop")
                self.sts.expect("session stopped")

    def test_control_characters_in_a_topic_do_not_reach_the_terminal(self):
        self.connect()
        self.sts.line("sub #")
        self.sts.expect("subscribed")
        publish(self.b, "t/\u202e\u2028x", b"\x1b[31mred\nforged")
        publish(self.b, "t/after", b"afterwards")
        self.sts.expect("t/after: afterwards")
        self.assertNotRegex(self.sts.text, "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2028]")
        self.assertNotRegex(self.sts.text, "^forged")

    def test_connection_refused(self):
        self.b.kill()
        self.sts.line(f"connect localhost:{self.b.port}")
        self.sts.expect(rf"\[ERROR\] # connection refused on localhost:{self.b.port}\nhint: ")
        self.assertEqual(self.sts.finish(), 1)

    def test_source_set_and_watch(self):
        home = self.sts.home
        path = home.file("go", f"set url localhost\nset port {self.b.port}\nconnect name=lab\n"
                               "sub w/#\nlog warning\nnonsense\n")
        self.sts.line(f"source {path}")
        self.sts.expect(rf"^error: {re.escape(path)}:6: unknown command 'nonsense'$")
        self.sts.line("watch 1 60")
        for _ in range(20):
            publish(self.b, "w/a", b"12345")
        self.sts.expect(r"# +[0-9.]+ msg/s +[0-9.]+ B/s  w/a$")
        self.assertNotIn("MQTT_INC", self.sts.text)


class SeveralSessions(TestCase):
    def test_an_encrypted_one_beside_one_in_the_clear(self):
        b = self.broker()
        tap = self.tap(b)
        master, slave = self.session(b)
        master.line(f"connect localhost:{b.port} name=lab")
        master.expect("connected to")
        slave.line("sendenc to the other")
        master.expect(r"# to-slave: \[MQTT_INC\]: to the other$")
        master.line("sendenc no")
        master.expect(ERROR + "this session is not encrypted")
        master.line("pub t/x clear")
        tap.expect_frame("t/x", b"clear".hex())
        master.line("use to-slave")
        for line in ("pub t/x secret", "sub t/#", "unsub t/down", "send secret"):
            master.line(line)
            master.expect(ERROR)
        master.line("sendenc hello")
        slave.expect_message("hello")
        master.line("use")
        master.expect(r"sts: \* to-slave +master .*ONLINE")
        master.line("exit")
        self.assertEqual(master.wait(), 1)
        slave.expect("Received KILL from master")
        self.assertEqual(master.drain().count("session stopped"), 2)
        self.assertFalse([1 for _, payload in tap.frames() if b"secret" in payload or b"hello" in payload])

    def test_no_other_session_takes_the_place_of_one_that_ended(self):
        b = self.broker()
        master, slave = self.session(b)
        master.line(f"connect localhost:{b.port} name=lab")
        master.expect("connected to")
        master.line("use to-slave")
        slave.line("stop")
        master.expect("Received KILL from slave")
        master.expect("session stopped")
        master.line("send secret")
        master.expect("^error: no session is the current one\nhint: 'use NAME' picks one of lab$")
