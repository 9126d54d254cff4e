"""Real brokers, shells and wiretaps for the end-to-end tests and the demo.

Everything listens on 127.0.0.1 on a free port, writes below a temporary directory, and dies with the
process that started it, however that one ends.
"""

import codecs
import contextlib
import ctypes
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

STS = os.environ.get("STS_BIN", str(pathlib.Path(__file__).parents[2] / "bin/sts"))
# How long anything may take before a test counts as failed; never how long it should take.
PATIENCE = float(os.environ.get("STS_TEST_PATIENCE", "40"))
# How an error begins: a command's, or one that comes later and is logged.
ERROR = r"(?:error: |\[ERROR\] # )"

os.environ["PATH"] += ":/usr/sbin"  # where Debian puts mosquitto
_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port():
    """A port nobody listens on, and that no other test process picks while this one lives, so that a
    broker can be killed and started again on it. Below the range of outgoing connections."""
    while True:
        port = random.randrange(20000, 32000)
        mark = socket.socket(socket.AF_UNIX)
        try:
            mark.bind(f"\0sts-test-port-{port}")
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            mark.close()
            continue
        mark.detach()  # stays open, and the port ours, until this process ends
        return port


def excerpt(text):
    """What fits into a report."""
    lines = [line[:300] for line in text.splitlines()]
    return "\n".join(lines if len(lines) <= 80 else [*lines[:30], f"[{len(lines) - 80} lines]", *lines[-50:]])


class Process:
    """A child whose output is collected as it comes."""

    def __init__(self, argv, env=None, **popen):
        self.argv = argv
        self._text = ""
        self._ended = False
        self._change = threading.Condition()
        self._seen = 0
        popen.setdefault("stdout", subprocess.PIPE)
        popen.setdefault("stderr", subprocess.STDOUT)
        popen.setdefault("stdin", subprocess.DEVNULL)
        self.process = subprocess.Popen(argv, env=env and {**os.environ, **env}, start_new_session=True,
                                        preexec_fn=_die_with_parent, **popen)
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()

    def _read(self):
        return os.read(self.process.stdout.fileno(), 65536)

    def _collect(self):
        decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        while True:
            try:
                chunk = self._read()
            except OSError:
                chunk = b""
            with self._change:
                self._text += decoder.decode(chunk, final=not chunk)
                self._ended = not chunk
                self._change.notify_all()
            if not chunk:
                if self.process.stdout:
                    self.process.stdout.close()
                return

    @property
    def text(self):
        """All output so far."""
        with self._change:
            return self._text

    def expect(self, pattern, patience=None):
        """Waits until `pattern` (multi-line regex) comes up behind what was expected last, and returns
        the match."""
        regex = re.compile(pattern, re.MULTILINE)
        deadline = time.monotonic() + (patience or PATIENCE)
        with self._change:
            while True:
                match = regex.search(self._text, self._seen)
                if match:
                    self._seen = match.end()
                    return match
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    why = "ended" if self._ended else "did not come in time"
                    raise AssertionError(f"{why}: /{pattern}/ in the output of {self}:\n"
                                         f"{excerpt(self._text[:self._seen])}\n--- from here:\n"
                                         f"{excerpt(self._text[self._seen:])}")
                self._change.wait(left)

    def drain(self):
        """Waits for the end of the output, and returns all of it."""
        self.wait()
        with self._change:
            if not self._change.wait_for(lambda: self._ended, PATIENCE):
                raise AssertionError(f"output of {self} goes on after its end:\n{self._text}")
            return self._text

    def wait(self):
        """Waits until it ends by itself; its exit code."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self} did not end:\n{self.text}") from None

    def kill(self):
        """SIGKILL, as if the power had failed."""
        self.process.kill()
        self.process.wait()
        if self.process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()

    close = kill

    def __str__(self):
        return " ".join(map(str, self.argv))


class Broker:
    """A mosquitto of our own, which can be killed and started again on the same port."""

    def __init__(self, directory, *settings, enter=()):
        """`enter`: what it is run with."""
        self.port = free_port()
        self._enter = enter
        self._directory = pathlib.Path(tempfile.mkdtemp(prefix="broker-", dir=directory))
        self._config = self._directory / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", *settings]
        if not any(line.startswith("allow_anonymous") for line in lines):
            lines.append("allow_anonymous true")
        if os.geteuid() == 0:
            lines.insert(0, "user root")  # else it can't read our directory
        self._config.write_text("\n".join(lines) + "\n")
        self._verbose = [] if any(line.startswith("log_type") for line in lines) else ["-v"]  # it would win
        self.start()

    def start(self):
        self.log = Process([*self._enter, "mosquitto", *self._verbose, "-c", str(self._config)])
        self.log.expect(r"mosquitto version \S+ running")

    def kill(self):
        """SIGKILL: what it has not sent is gone."""
        self.log.kill()

    close = kill


class Tap(Process):
    """What the broker sees: every message on every topic."""

    def __init__(self, broker):
        # Without stdbuf it would keep the SUBACK line to itself.
        super().__init__(["stdbuf", "-oL", "mosquitto_sub", "-d", "-V", "5", "-h", "127.0.0.1", "-p", str(broker.port),
                          "-t", "#", "-F", "TAP %r %q %t %x"])
        self.broker = broker
        self.expect("received SUBACK")

    def frames(self):
        """(topic, payload) of all that the broker has taken so far."""
        mark = os.urandom(8)
        publish(self.broker, "tap/mark", mark)  # the broker hands out messages in its order
        self.expect(rf"^TAP \d \d tap/mark {mark.hex()}$")
        return [(topic, bytes.fromhex(payload))
                for topic, payload in re.findall(r"^TAP \d \d (\S+) ([0-9a-f]*)$", self.text, re.MULTILINE)
                if topic != "tap/mark"]

    def expect_frame(self, topic=r"\S+", payload="[0-9a-f]*"):
        """Waits for a message; returns (topic, payload)."""
        match = self.expect(rf"^TAP \d \d ({topic}) ({payload})$")
        return match[1], bytes.fromhex(match[2])


def publish(broker, topic, payload, retain=False):
    """mosquitto_pub: whoever can reach the broker can do this."""
    subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.port), "-t", topic,
                    "-s" if payload else "-n", *(["-r"] if retain else [])],
                   input=payload, check=True, timeout=PATIENCE)


class Home:
    """An STS_HOME and the configs of one user."""

    def __init__(self, directory, name):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=name + "-", dir=directory))
        self.env = {"STS_HOME": str(self.directory / "sts"), "HOME": str(self.directory)}

    def config(self, filename, mode=0o600, **keys):
        """Writes a config file; its path. `sub` and `pub` are short for subtop and pubtop."""
        keys = {{"sub": "subtop", "pub": "pubtop"}.get(key, key): value for key, value in keys.items()}
        return self.file(filename, "".join(f"{key} = {value}\n" for key, value in keys.items()), mode)

    def file(self, name, text, mode=0o600):
        path = self.directory / name
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    def sts(self, *argv, stdin=""):
        """Runs `sts ARGV...` to its end: (exit code, output with errors in it)."""
        done = subprocess.run([STS, *argv], input=stdin.encode("utf-8", "surrogateescape"),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={**os.environ, **self.env}, timeout=PATIENCE, check=False)
        return done.returncode, done.stdout.decode("utf-8", "surrogateescape")

    def key(self):
        """This user's public key; makes the identity where there is none."""
        if not (self.directory / "sts" / "identity").exists():
            self.sts("key", "gen")
        return self.sts("key", "show")[1].splitlines()[0]


    def fingerprint(self):
        """Of key(), as `sts key show` prints it."""
        return re.search(r"fingerprint:? (\S+)", self.sts("key", "show")[1])[1]


class Shell(Process):
    """`sts` driven through pipes, as by a script."""

    def __init__(self, home, *argv):
        super().__init__([STS, *argv], env=home.env, stdin=subprocess.PIPE)
        self.home = home

    def line(self, text):
        """Sends one command."""
        self.process.stdin.write(text.encode("utf-8", "surrogateescape") + b"\n")
        self.process.stdin.flush()

    def received(self):
        """The messages shown so far, in order."""
        return re.findall(r"\[MQTT_INC\](?: [^ :]+)?: (.*)$", self.text, re.MULTILINE)

    def expect_message(self, text):
        self.expect(rf"\[MQTT_INC\](?: [^ :]+)?: {re.escape(text)}$")

    def end_of_input(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()

    def finish(self):
        """End of input, then the proper end; the exit code."""
        self.end_of_input()
        return self.wait()


@unittest.skipUnless(shutil.which("mosquitto"), "mosquitto is not installed")
class TestCase(unittest.TestCase):
    """A directory, and processes that end with the test."""

    maxDiff = None

    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory(prefix="sts-test-"))

    def keep(self, thing):
        self.addCleanup(thing.close)
        return thing

    def until(self, condition, told=str, patience=PATIENCE):
        """Waits for what no event tells, as what another process has written to its files; returns it."""
        end = time.monotonic() + patience
        while not (found := condition()):
            self.assertLess(time.monotonic(), end, f"it did not come in time\n{told()}")
            time.sleep(0.01)
        return found

    def small_disk(self, size):
        """A directory on a disk of its own, as large as SIZE says for mount(8)."""
        disk = tempfile.mkdtemp(prefix="disk-", dir=self.directory)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk], capture_output=True,
                                 check=False)
        if mounted.returncode != 0:
            self.skipTest("mounting a small disk isn't allowed")
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=False)
        return disk

    @staticmethod
    def enlarge(disk, size):
        subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)

    def broker(self, *settings):
        return self.keep(Broker(self.directory, *settings))

    def tap(self, broker):
        return self.keep(Tap(broker))

    def home(self, name="home"):
        return Home(self.directory, name)

    def shell(self, home, *argv):
        return self.keep(Shell(home, *argv))

    def pair(self, broker, master=None, slave=None, **both):
        """Homes and configs of two users on one broker, each pinning the other on first use unless told
        otherwise: ((home, config), (home, config)), master first."""
        out = []
        for name, sub, pub, own in (("master", "t/down", "t/up", master), ("slave", "t/up", "t/down", slave)):
            home = self.home(name)
            keys = {"url": "localhost", "port": broker.port, "sts_mode": name, "sub": sub, "pub": pub}
            if "aes" not in both:
                keys["peer"] = "first-use"
            keys.update(both)
            keys.update(own or {})
            other = "slave" if name == "master" else "master"
            out.append((home, home.config(f"to-{other}", **keys)))
        return out

    def start(self, home, config):
        """A shell that was told to start, and perhaps has not got its session yet."""
        shell = self.shell(home)
        shell.line(f"start {config}")
        return shell

    def session(self, broker, **keys):
        """(master, slave), in a session with one another."""
        (m_home, m_config), (s_home, s_config) = self.pair(broker, **keys)
        slave = self.start(s_home, s_config)
        slave.expect("waiting for the peer")
        master = self.start(m_home, m_config)
        for shell in (master, slave):
            shell.expect("session is up")
        return master, slave

    def talk(self, a, b, word="hello"):
        """One message each way, shown as it was sent."""
        a.line(f"sendenc {word} from a")
        b.expect_message(f"{word} from a")
        b.line(f"sendenc {word} from b")
        a.expect_message(f"{word} from b")
