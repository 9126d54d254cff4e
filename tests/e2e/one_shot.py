"""`sts pub` and `sts sub`, beside mosquitto_pub and mosquitto_sub."""

import os
import pathlib
import sqlite3
import subprocess
import tempfile

from harness import PATIENCE, STS, Process, TestCase

# Under AddressSanitizer: by default it keeps 256 MB of what was freed.
SMALL_ASAN = "quarantine_size_mb=1"


def peak_resident(pid):
    """In kB, the most it ever was."""
    return int(pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").split("VmHWM:")[1].split()[0])


class Sub(Process):
    """A subscriber whose standard output is collected byte by byte, apart from its errors."""

    def __init__(self, argv, env=None, **popen):
        self._errors = tempfile.TemporaryFile()
        super().__init__(argv, env=env, stderr=self._errors, **popen)

    def output(self):
        """All bytes, at its end."""
        return self.drain().encode("utf-8", "surrogateescape")

    def errors(self):
        self._errors.seek(0)
        return self._errors.read().decode()

    def close(self):
        super().close()
        self._errors.close()


class Inbox:
    """Of test cases with `sts sub --store`."""

    def file(self, name="inbox.db"):
        return os.path.join(self.directory, name)

    def rows(self, what="payload", path=None):
        """Of the messages in the inbox, once it is there."""
        try:
            with sqlite3.connect(f"file:{path or self.file()}?mode=ro", uri=True, timeout=60) as inbox:
                return inbox.execute(f"SELECT {what} FROM messages ORDER BY id").fetchall()
        except sqlite3.OperationalError:
            return []

    def wait_rows(self, count, sub, path=None):
        self.until(lambda: len(self.rows(path=path)) >= count or sub.process.poll() is not None, sub.errors)
        self.assertIsNone(sub.process.poll(), sub.errors())
        return self.rows(path=path)


class OneShotTestCase(TestCase):
    """Runs the commands against one broker, self.b."""

    maxDiff = 2000
    settings = ()

    def setUp(self):
        super().setUp()
        self.b = self.broker(*self.settings)
        self.user = self.home()
        self._ids = 0

    def at(self, port=None):
        return ["-h", "127.0.0.1", "-p", str(port or self.b.port)]

    def run_sts(self, *argv, stdin=b"", home=None, env=None):
        """(exit code, standard output, standard error) of `sts ARGV...`."""
        home = home or self.user
        done = subprocess.run([STS, *argv], input=stdin, capture_output=True, timeout=PATIENCE,
                              env={**os.environ, **home.env, **(env or {})}, check=False)
        return done.returncode, done.stdout, done.stderr.decode()

    def pub(self, *argv, stdin=b"", at=None):
        """`sts pub --plain` that has to succeed without a word."""
        outcome = self.run_sts("pub", "--plain", *(at or self.at()), *argv, stdin=stdin)
        self.assertEqual(outcome, (0, b"", ""), argv)

    def subscribe(self, program, *argv, at=None, count=None):
        """A subscriber that the broker has acknowledged. `program` is sts or mosquitto_sub."""
        self._ids += 1
        name = f"sub{self._ids}"
        if "-i" in argv:
            name = argv[argv.index("-i") + 1]
        else:
            argv = ["-i", name, *argv]
        if count is not None:
            argv = ["-C", str(count), *argv]
        start = [STS, "sub", "--plain"] if program == "sts" else [program]
        sub = self.keep(Sub([*start, *(at or self.at()), *argv], env=self.user.env))
        self.b.log.expect(f"Sending SUBACK to {name}$")
        return sub

    def mosquitto_pub(self, *argv, stdin=b""):
        subprocess.run(["mosquitto_pub", *self.at(), *argv], input=stdin, check=True, timeout=PATIENCE)
