"""A shell on a pseudo-terminal, and what its user sees there."""

import fcntl
import os
import re
import struct
import termios
import time
import unicodedata

from harness import PATIENCE, STS, Process

PROMPT = "> "


class Screen:
    """As much of a terminal as libedit uses: it draws what comes and knows where each character stands."""

    _TOKEN = re.compile(r"\x1b\[([?0-9;]*)([@-~])|\x1b([^\[])|(.)", re.DOTALL)

    def __init__(self, columns):
        self.columns = columns
        self.rows = [[]]
        self.row = self.column = 0

    def feed(self, text):
        for parameters, final, _, character in self._TOKEN.findall(text):
            if final:
                self._control(final, parameters)
            elif character:
                self._put(character)
        return self

    def _put(self, c):
        if c == "\r":
            self.column = 0
        elif c == "\n":
            self.row += 1
        elif c == "\b":
            self.column = max(0, min(self.column, self.columns - 1) - 1)
        elif c >= " ":
            width = 2 if unicodedata.east_asian_width(c) in "WF" else 1
            if self.column + width > self.columns:  # a full line breaks when the next character comes
                self.row, self.column = self.row + 1, 0
            self._line()[self.column:self.column + width] = [c] + [""] * (width - 1)
            self.column += width
        self._line()

    def _line(self):
        while self.row >= len(self.rows):
            self.rows.append([])
        line = self.rows[self.row]
        line.extend(" " * (self.column - len(line)))
        return line

    def _control(self, final, parameters):
        count = int(parameters) if parameters.isdigit() else 0
        line = self._line()
        column = min(self.column, self.columns - 1)
        if final == "K":
            assert count == 0, f"CSI {count} K is not known here"
            del line[column:]
        elif final == "J":
            if count == 0:
                del line[column:]
                del self.rows[self.row + 1:]
            else:
                self.rows, self.row, self.column = [[]], 0, 0
        elif final == "A":
            self.row = max(0, self.row - max(1, count))
        elif final == "B":
            self.row += max(1, count)
        elif final == "C":
            self.column = min(self.columns - 1, column + max(1, count))
        elif final == "D":
            self.column = max(0, column - max(1, count))
        elif final == "G":
            self.column = max(1, count) - 1
        elif final == "H":
            self.row = self.column = 0
        elif final == "P":
            del line[column:column + max(1, count)]
        elif final == "@":
            line[column:column] = [" "] * max(1, count)
        else:
            assert final in "mhl", f"CSI {parameters} {final} is not known here"
        self._line()

    def lines(self):
        return ["".join(row).rstrip() for row in self.rows]


class PtyShell(Process):
    """`sts ARGV...` with a user before it."""

    def __init__(self, home, *argv, columns=80, env=None):
        self._master, slave = os.openpty()
        self.columns = columns
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        # setsid, which Popen does for us, then the first terminal opened is the controlling one.
        super().__init__(["sh", "-c", 'tty=$1; shift; exec "$@" <"$tty" >"$tty" 2>&1', "sh", os.ttyname(slave), STS, *argv],
                         env={**home.env, "TERM": "xterm", "LC_ALL": "C.UTF-8", **(env or {})},
                         stdout=slave)
        os.close(slave)
        self.home = home

    def _read(self):
        return os.read(self._master, 65536)

    def type(self, text):
        os.write(self._master, text.encode())

    def line(self, text):
        self.type(text + "\r")

    def screen(self):
        """The lines that stand there now."""
        return Screen(self.columns).feed(self.text).lines()

    def expect_screen(self, predicate):
        """Waits until the lines on the screen are as `predicate` wants them."""
        deadline = time.monotonic() + PATIENCE
        with self._change:
            while not predicate(Screen(self.columns).feed(self._text).lines()):
                left = deadline - time.monotonic()
                if left <= 0 or self._ended:
                    shown = "\n".join(Screen(self.columns).feed(self._text).lines())
                    raise AssertionError(f"the screen never came to be as expected:\n{shown}\n"
                                         f"--- raw: {self._text[-2000:]!r}")
                self._change.wait(left)

    def close(self):
        super().close()
        self._reader.join(PATIENCE)
        os.close(self._master)
