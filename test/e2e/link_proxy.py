"""A TCP proxy between edge and cloud that can cut the line (connections reset, new ones refused) or stall it (connections stay
open and nothing crosses: what a pulled cable or a dead NAT entry looks like to both ends)."""
import select
import socket
import struct
import threading


class LinkProxy:
    def __init__(self, to_port):
        self.to = ("127.0.0.1", to_port)
        self.lock = threading.Lock()
        self.state = "open"
        self.pairs = []
        self.accepted = 0
        self.listener = self._listen(0)
        self.port = self.listener.getsockname()[1]
        self.closed = False
        self.wake_r, self.wake_w = socket.socketpair()
        self.thread = threading.Thread(target=self._loop, daemon=True)
        self.thread.start()

    @staticmethod
    def _listen(port):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", port))
        s.listen(64)
        return s

    def cut(self):
        """Resets what is open; refuses what comes."""
        with self.lock:
            self.state = "cut"
            self._drop()
        self._wake()

    def stall(self):
        """Nothing crosses any more, nobody is told."""
        with self.lock:
            self.state = "stall"
        self._wake()

    def heal(self):
        """New connections pass; those that stalled stay dead, as they would behind a NAT that forgot them."""
        with self.lock:
            self.dead = list(self.pairs) if self.state == "stall" else []
            for pair in self.dead:
                self.pairs.remove(pair)
            self.state = "open"
        self._wake()

    def close(self):
        self.closed = True
        self._wake()
        self.thread.join(5)
        with self.lock:
            self._drop()
        self.listener.close()

    def _wake(self):
        self.wake_w.send(b"x")

    def _drop(self):
        for pair in self.pairs:
            for s in pair:
                try:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    s.close()
                except OSError:
                    pass
        self.pairs = []

    def _accept(self):
        client, _ = self.listener.accept()
        if self.state == "cut":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            return
        try:
            server = socket.create_connection(self.to, 5)
        except OSError:
            client.close()
            return
        self.accepted += 1
        self.pairs.append((client, server))

    def _pass(self, pair, source):
        other = pair[1] if source is pair[0] else pair[0]
        try:
            data = source.recv(65536)
            if data:
                other.settimeout(10)
                other.sendall(data)
                return
        except OSError:
            pass
        for s in pair:
            s.close()
        if pair in self.pairs:
            self.pairs.remove(pair)

    def _loop(self):
        while not self.closed:
            with self.lock:
                flowing = self.state != "stall"
                sockets = [s for pair in self.pairs for s in pair] if flowing else []
            watched = sockets + [self.wake_r] + ([self.listener] if flowing else [])
            try:
                ready, _, _ = select.select(watched, [], [], 1)
            except (OSError, ValueError):
                continue
            with self.lock:
                if self.wake_r in ready:
                    self.wake_r.recv(4096)
                    continue
                if self.state == "stall":
                    continue
                if self.listener in ready:
                    self._accept()
                for s in ready:
                    pair = next((p for p in self.pairs if s in p), None)
                    if pair:
                        self._pass(pair, s)
