"""A network of its own, of which only the loopback interface is there: its cable can be pulled, its connections reset,
and it can be slow, as real ones are. For root on Linux; the same face as the proxy's."""

import subprocess

from harness import Process


class NoNetwork(Exception):
    """This machine doesn't allow one."""


class Network:
    def __init__(self):
        # It lasts as long as whoever is in it, and so as the test.
        self._holder = Process(["unshare", "--net", "sh", "-c", "ip link set lo mtu 1500 up && echo up && exec cat"], stdin=subprocess.PIPE)
        self.enter = ["nsenter", "--net", "--target", str(self._holder.process.pid)]
        self.port = None  # the broker's
        try:
            self._holder.expect("^up$")
            self.slow(True)
            self.slow(False)
        except (AssertionError, subprocess.CalledProcessError) as why:
            self.close()
            raise NoNetwork(str(why)) from None

    def _run(self, *argv):
        subprocess.run([*self.enter, *argv], check=True, capture_output=True)

    def cut(self):
        """All connections to the broker, in the middle of whatever they carry: both ends see a reset."""
        self._run("ss", "--kill", "dst", "127.0.0.1", "dport", "=", str(self.port))

    def stall(self):
        """Nothing gets through, and nobody is told."""
        self._run("ip", "link", "set", "lo", "down")

    def go(self):
        self._run("ip", "link", "set", "lo", "up")

    def slow(self, slow):
        """1 Mbit/s, beyond which packets are lost."""
        if slow:
            self._run("tc", "qdisc", "replace", "dev", "lo", "root", "tbf", "rate", "1mbit", "burst", "16k", "latency", "100ms")
        else:
            self._run("tc", "qdisc", "replace", "dev", "lo", "root", "noqueue")

    def close(self):
        self._holder.close()
