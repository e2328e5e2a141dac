#!/usr/bin/env python3
"""The cloud is killed with -9 again and again under load: every object that it answered for with success is there afterwards."""
import http.client
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from api import Api, config_map
from harness import Failed, expect

ROUNDS = 30
WRITERS = 4
MAPS = "/api/v1/namespaces/default/configmaps"


class Writer(threading.Thread):
    """Creates objects, changes and deletes some of them, and remembers what was answered with success."""

    def __init__(self, api, name):
        super().__init__(daemon=True)
        self.api, self.name_, self.running = api, name, True
        self.acked, self.unsure, self.deleted, self.revision, self.error = {}, {}, set(), 0, None

    def run(self):
        n = 0
        while self.running:
            n += 1
            name = f"{self.name_}-{n}"
            try:
                self.write("POST", MAPS, config_map(name, n=str(n)), name, str(n))
                if n % 3 == 0:
                    self.write("PATCH", f"{MAPS}/{name}", {"data": {"n": f"{n}b"}}, name, f"{n}b")
                if n % 10 == 0:
                    self.remove(name)
            except (OSError, http.client.HTTPException):
                return  # the kill
            except Failed as e:
                self.error = e
                return

    def write(self, method, path, body, name, value):
        self.unsure[name] = value
        a = self.api.request(method, path, body, "application/json" if method == "POST" else "application/merge-patch+json")
        if a.status not in (200, 201):
            raise Failed(f"{method} {path}: {a.status} {a.message}")
        self.acked[name] = value
        del self.unsure[name]
        self.revision = max(self.revision, int(a.body["metadata"]["resourceVersion"]))

    def remove(self, name):
        self.unsure[name] = None
        if self.api.request("DELETE", f"{MAPS}/{name}").status == 200:
            self.deleted.add(name)
            del self.acked[name], self.unsure[name]


def everything(api):
    """name -> value of all config maps, read page by page, and the revision of the list."""
    found, more = {}, ""
    while True:
        a = api.request("GET", f"{MAPS}?limit=500{more}")
        expect(a.status == 200, f"list: {a.status} {a.message}")
        for o in a.body["items"]:
            found[o["metadata"]["name"]] = o["data"]["n"] if "n" in o.get("data", {}) else None
        token = a.body["metadata"].get("continue")
        if not token:
            return found, int(a.body["metadata"]["resourceVersion"])
        more = f"&continue={token}"


class Killing:
    def __init__(self, world):
        self.w = world
        self.data, self.port = world.path("cloud"), harness.free_port()
        self.acked, self.deleted, self.revision, self.kills = {}, set(), 0, 0
        self.dice = random.Random(20261123)
        self.api = self.k = None
        self.down_ms = []

    def start(self):
        cloud = self.w.cloud(self.data, self.port)
        begun = time.monotonic()
        self.k = self.w.await_api(cloud, self.data)
        self.down_ms.append((time.monotonic() - begun) * 1000)
        self.api = Api(self.k, self.w.path("certs"), self.port)
        return cloud

    def one_round(self, number):
        cloud = self.start()
        self.verify()
        writers = [Writer(Api(self.k, self.w.path("certs"), self.port), f"r{number}-w{i}") for i in range(WRITERS)]
        for w in writers:
            w.start()
        if number % 5 == 0:
            self.k("create", "configmap", f"r{number}-kubectl", "--from-literal=n=k")
            self.acked[f"r{number}-kubectl"] = "k"
        time.sleep(self.dice.uniform(0.02, 0.5))
        cloud.kill9()
        self.kills += 1
        for w in writers:
            w.running = False
            w.join(30)
            expect(not w.is_alive(), "a request hangs after the kill")
            expect(w.error is None, str(w.error))
            self.revision = max(self.revision, w.revision)
            self.deleted |= w.deleted
            self.acked.update({k: v for k, v in w.acked.items() if k not in w.unsure})
            self.acked.update({k: {w.acked.get(k), v} for k, v in w.unsure.items() if k in w.acked})

    def verify(self):
        found, revision = everything(self.api)
        for name, value in self.acked.items():
            allowed = value if isinstance(value, set) else {value}
            if name not in found and None in allowed:
                continue  # its deletion was under way
            expect(name in found, f"{name} was answered with success and is gone (after {self.kills} kills)")
            expect(found[name] in allowed, f"{name} holds {found[name]}, was answered {value}")
        back = self.deleted & set(found)
        expect(not back, f"deleted objects are back: {sorted(back)[:5]}")
        expect(revision >= self.revision, f"the revision went back: {revision} after {self.revision}")

    def rounds(self):
        for number in range(1, ROUNDS + 1):
            self.one_round(number)
        cloud = self.start()
        self.verify()
        expect(cloud.stop(30) == 0, "it stops with 0")
        expect(len(self.acked) > ROUNDS, f"only {len(self.acked)} writes were answered")
        middle = sorted(self.down_ms)[len(self.down_ms) // 2]
        return f"{self.kills} kills, {len(self.acked)} objects answered for, none lost; up again in {middle:.0f} ms (median, with kubectl)"


def body(world, report):
    report.step(f"{ROUNDS} kills under {WRITERS} writers", Killing(world).rounds)


if __name__ == "__main__":
    sys.exit(harness.main(__doc__, "kill", body, needs_root=False))
