"""Small servers that the tests put between sts and its broker. Each runs in a thread, on loopback."""

import contextlib
import socket
import struct
import threading


class DnsServer:
    """Answers questions for SRV from a table of name: [(priority, port, target)], all else with NXDOMAIN."""

    def __init__(self, table):
        self.table, self.asked = table, []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                query, client = self._socket.recvfrom(512)
                if not query:
                    return
                self._socket.sendto(self._answer(query), client)

    def _answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        question = query[12:at + 5]
        name = ".".join(labels).lower()
        self.asked.append(name)
        records = self.table.get(name, []) if question[-4:-2] == struct.pack("!H", 33) else []
        out = query[:2] + struct.pack("!5H", 0x8180 if records else 0x8183, 1, len(records), 0, 0) + question
        for priority, port, target in records:
            host = b"".join(bytes([len(label)]) + label.encode() for label in target.split(".")) + b"\0"
            out += b"\xc0\x0c" + struct.pack("!HHIH3H", 33, 1, 60, 6 + len(host), priority, 0, port) + host
        return out

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()


class TcpServer:
    """Each of its connections is _one(client), in a thread."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._one, args=(client,), daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class SocksProxy(TcpServer):
    """SOCKS5 (RFC 1928), with a log-in where one is wanted (RFC 1929)."""

    def __init__(self, login=None):
        self.login, self.asked = login, []
        super().__init__()
        self.address = f"127.0.0.1:{self.port}"

    def _one(self, client):
        with client, contextlib.suppress(OSError, EOFError):
            stream = client.makefile("rb")
            methods = stream.read(stream.read(2)[1])
            method = 2 if self.login else 0
            if method not in methods:
                client.sendall(b"\5\xff")
                return
            client.sendall(bytes([5, method]))
            if self.login and not self._logged_in(client, stream):
                return
            host, port = self._target(stream)
            self.asked.append(host)
            with socket.create_connection((host, port)) as server:
                client.sendall(b"\5\0\0\1\0\0\0\0\0\0")
                threading.Thread(target=self._copy, args=(server.recv, client), daemon=True).start()
                self._copy(stream.raw.read, server)

    def _logged_in(self, client, stream):
        stream.read(1)
        user, password = (stream.read(stream.read(1)[0]).decode() for _ in range(2))
        good = f"{user}:{password}" == self.login
        client.sendall(b"\1\0" if good else b"\1\1")
        return good

    @staticmethod
    def _target(stream):
        kind = stream.read(4)[3]
        if kind == 3:
            host = stream.read(stream.read(1)[0]).decode()
        else:
            host = socket.inet_ntop(socket.AF_INET, stream.read(4))
        return host, struct.unpack("!H", stream.read(2))[0]

    @staticmethod
    def _copy(read, to):
        with contextlib.suppress(OSError):
            while chunk := read(65536):
                to.sendall(chunk)
            to.shutdown(socket.SHUT_RDWR)


class Proxy(TcpServer):
    """A way to a broker that can be cut, stalled and slowed."""

    enter = ()  # what a command is run with to go this way: nothing

    def __init__(self, target):
        self._target = target
        self._open, self._lock = set(), threading.Lock()
        self._goes = threading.Event()
        self._goes.set()
        self._chunk = 65536  # bytes at a time
        super().__init__()

    def _one(self, client):
        with client, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._target)) as server:
            with self._lock:
                self._open |= {client, server}
            back = threading.Thread(target=self._copy, args=(server, client), daemon=True)
            back.start()
            self._copy(client, server)
            back.join()
            with self._lock:
                self._open -= {client, server}

    def _copy(self, source, to):
        with contextlib.suppress(OSError):
            while chunk := source.recv(self._chunk):
                self._goes.wait()
                to.sendall(chunk)
        for end in (source, to):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self):
        """All connections, in the middle of whatever they carry."""
        with self._lock:
            for end in self._open:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def stall(self):
        self._goes.clear()

    def go(self):
        self._goes.set()

    def slow(self, slow):
        self._chunk = 16 if slow else 65536

    def close(self):
        self.go()
        super().close()
        self.cut()
