"""What happens when the broker goes, comes back, or says no."""

import subprocess

from harness import ERROR, TestCase, free_port


class BrokerRestart(TestCase):
    def test_messages_sent_while_it_is_gone_arrive_once(self):
        b = self.broker()
        master, slave = self.session(b)
        self.talk(master, slave)
        b.kill()
        for shell in (master, slave):
            shell.expect(rf"connection to localhost:{b.port} lost")
        down = [f"down {i}" for i in range(50)]
        up = [f"up {i}" for i in range(50)]
        for text in down:
            master.line("sendenc " + text)
        for text in up:
            slave.line("sendenc " + text)
        b.start()
        slave.expect_message(down[-1])
        master.expect_message(up[-1])
        self.talk(master, slave, "afterwards")
        self.assertEqual(slave.received(), ["hello from a", *down, "afterwards from a"])
        self.assertEqual(master.received(), ["hello from b", *up, "afterwards from b"])
        self.assertEqual([master.finish(), slave.finish()], [0, 0])

    def test_killed_in_the_middle_of_traffic(self):
        b = self.broker()
        master, slave = self.session(b)
        down, up = [], []
        for turn in range(3):
            for i in range(200):
                down.append(f"down {turn} {i}")
                up.append(f"up {turn} {i}")
                master.line("sendenc " + down[-1])
                slave.line("sendenc " + up[-1])
            slave.expect_message(f"down {turn} 0")
            b.kill()
            b.start()
        slave.expect_message(down[-1])
        master.expect_message(up[-1])
        self.talk(master, slave)
        self.assertEqual(slave.received(), [*down, "hello from a"])
        self.assertEqual(master.received(), [*up, "hello from b"])

    def test_while_waiting_for_the_peer(self):
        b = self.broker()
        (m_home, m_config), (s_home, s_config) = self.pair(b)
        slave = self.start(s_home, s_config)
        slave.expect("waiting for the peer")
        b.kill()
        slave.expect(rf"connection to localhost:{b.port} lost")
        b.start()
        master = self.start(m_home, m_config)
        master.expect("session is up")
        slave.expect("session is up")
        self.talk(master, slave)

    def test_nosec_goes_on(self):
        b = self.broker()
        home = self.home()
        shell = self.start(home, home.config("plain", url="localhost", port=b.port, sts_mode="nosec",
                                             sub="t/in", pub="t/out"))
        tap = self.tap(b)
        shell.line("send hello")
        tap.expect_frame("t/out")
        b.kill()
        shell.expect(rf"connection to localhost:{b.port} lost")
        b.start()
        shell.expect(rf"connected to localhost:{b.port}")
        tap = self.tap(b)
        shell.line("send hello again")
        self.assertEqual(tap.expect_frame("t/out")[1], b"hello again")

    def test_sts1_keeps_its_session_and_refuses_meanwhile(self):
        b = self.broker()
        master, slave = self.session(b, aes="cbc")
        b.kill()
        for shell in (master, slave):
            shell.expect(rf"connection to localhost:{b.port} lost")
            shell.line("sendenc for later")
            shell.expect("error: .*STS 1 can't keep a message for later")
        b.start()
        for shell in (master, slave):
            shell.expect(rf"connected to localhost:{b.port}")
            shell.line("status")
            shell.expect("broker: +connected")
        self.talk(master, slave, "afterwards")
        self.assertEqual(slave.received(), ["afterwards from a"])
        self.assertEqual([master.finish(), slave.finish()], [1, 1])


class BrokerTrouble(TestCase):
    def fails(self, wanted, **keys):
        """A start that has to fail with `wanted` in its output, in a shell that lives on."""
        home = self.home()
        keys = {"url": "localhost", "sts_mode": "master", "sub": "t/in", "pub": "t/out", **keys}
        if keys["sts_mode"] != "nosec":
            keys["peer"] = "first-use"
        shell = self.start(home, home.config("config", **keys))
        shell.expect(wanted)
        shell.line("status")
        shell.expect("OFFLINE")
        self.assertEqual(shell.finish(), 1)
        return shell.text

    def test_no_broker(self):
        port = free_port()
        for mode in ("nosec", "master", "slave"):
            with self.subTest(mode=mode):
                text = self.fails(rf"{ERROR}.*connection refused on localhost:{port}", port=port,
                                  sts_mode=mode)
                self.assertRegex(text, r"hint: .*(mosquitto|broker).*url")

    def test_no_broker_on_another_host(self):
        port = free_port()
        self.fails(rf"{ERROR}.*connection refused on 127.0.0.1:{port}", url="127.0.0.1", port=port)

    def test_wrong_host(self):
        self.fails(ERROR + ".*no-such-host.invalid", url="no-such-host.invalid", port=1883)

    def test_refused_login(self):
        passwords = f"{self.directory}/passwords"
        subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "alice", "right horse"], check=True,
                       stderr=subprocess.DEVNULL)
        b = self.broker("allow_anonymous false", f"password_file {passwords}")
        home = self.home()
        good = self.start(home, home.config("good", url="localhost", port=b.port, username="alice",
                                            password="right horse", sts_mode="nosec", sub="t/in",
                                            pub="t/out"))
        good.expect("connected to")
        self.assertNotIn("right horse", good.text)
        for mode in ("nosec", "slave"):
            for keys in ({}, {"username": "alice", "password": "wrong battery"}):
                with self.subTest(mode=mode, keys=keys):
                    text = self.fails(ERROR + ".*(refused|authori[sz]ed|login|password)", port=b.port,
                                      sts_mode=mode, **keys)
                    self.assertNotIn("battery", text)

    def test_message_over_the_brokers_limit(self):
        b = self.broker("max_packet_size 3000")
        master, slave = self.session(b)
        master.line("sendenc " + "x" * 4000)
        master.expect(ERROR + ".*(large|limit|long|big|size)")
        self.talk(master, slave)
        master.line("sendenc " + "y" * 2500)
        slave.expect_message("y" * 2500)
        self.assertEqual([master.finish(), slave.finish()], [1, 0])
