#!/usr/bin/env python3
"""`skerry up`: cloud and edge in one process on one machine; killed with -9 and started again, the pod does not notice."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
import images
import manifests
from harness import expect, wait_for


class Up:
    def __init__(self, world):
        self.w, self.data, self.port = world, world.path("data"), harness.free_port()
        self.p = self.k = None
        self.pid = 0

    def start(self):
        self.w.runs_edge(self.data)
        self.p = self.w.start("up", [self.w.skerry, "up", "--data-dir", self.data, "--listen", f"127.0.0.1:{self.port}", "--node", "alone",
                                     "--bridge", self.w.bridge, "--pod-cidr", self.w.pod_cidr])
        self.k = self.w.await_api(self.p, self.data)
        wait_for(lambda: " Ready" in self.k("get", "nodes").out, "the node is Ready", 60)

    def it_starts(self):
        self.start()
        return self.k("get", "nodes", "-o", "wide").out

    def commands_answer(self):
        version = json.loads(harness.run([self.w.skerry, "version", "-o", "json"]).out)
        expect(version.get("version"), f"version -o json: {version}")
        printed = harness.run([self.w.skerry, "kubeconfig", "--data-dir", self.data]).out
        with open(self.k.config, encoding="utf-8") as f:
            expect(printed == f.read(), "kubeconfig prints the administrator's kubeconfig")
        expect(os.stat(self.k.config).st_mode & 0o077 == 0, "which nobody else may read")
        token = harness.run([self.w.skerry, "token", "create", "--data-dir", self.data]).out.strip()
        listed = harness.run([self.w.skerry, "token", "list", "--data-dir", self.data]).out
        name, secret = token.rsplit("::", 1)[1].split(".")
        expect(name in listed and secret not in listed, f"token list shows ids and no secrets: {listed}")
        harness.run([self.w.skerry, "token", "delete", name, "--data-dir", self.data])
        expect(name not in harness.run([self.w.skerry, "token", "list", "--data-dir", self.data]).out, "token delete")
        return f"version {version['version']}; kubeconfig; token create, list, delete"

    def a_pod_runs(self):
        archive = images.make_archive(self.w.path("web.tar"), "web:1", "1")
        harness.run([self.w.skerry, "image", "import", archive, "--name", "web:1", "--data-dir", self.data])
        self.k("apply", "-f", "-", text=manifests.text(manifests.pod("one")))
        wait_for(lambda: "Running" in self.k("get", "pod", "one").out, "the pod runs", 60)
        found = [pid for pid, c in harness.containers_of(self.data).items() if c.startswith("sleep 100000")]
        expect(len(found) == 1, f"one process on the host: {found}")
        self.pid = found[0]
        return self.k("get", "pods", "-o", "wide").out

    def it_is_killed_and_started_again(self):
        self.p.kill9()
        expect(harness.alive(self.pid), "the container lives on")
        self.start()
        pod = wait_for(lambda: self.k.get("pod", "one"), "the pod is there")
        status = pod["status"]["containerStatuses"][0]
        expect(harness.alive(self.pid) and status["restartCount"] == 0, f"adopted, not restarted: {status}")
        return f"pid {self.pid} did not notice"

    def it_stops(self):
        self.k("delete", "pod", "one", "--timeout=30s")
        wait_for(lambda: not harness.containers_of(self.data), "the container is gone", 20)
        wait_for(lambda: not harness.mounts_of(self.data, harness.run_dir(self.data)), "its mounts are gone", 20)
        expect(self.p.stop(30) == 0, "it ends with 0")
        expect(not harness.processes_of(self.data), "nothing is left")
        return "ended with 0, nothing left"


def body(world, report):
    up = Up(world)
    for name in ("it_starts", "commands_answer", "a_pod_runs", "it_is_killed_and_started_again", "it_stops"):
        if not report.step(name.replace("_", " "), getattr(up, name)) and name == "it_starts":
            raise SystemExit("nothing more can be tested")


if __name__ == "__main__":
    sys.exit(harness.main(__doc__, "up", body))
