#!/usr/bin/env python3
"""A simulated fleet looked at with real kubectl: nodes, a Deployment of the user's own, a watch, a clean end."""
import os
import signal
import subprocess

import harness
from harness import expect, wait_for

NODES = 200


class Serve:
    def __init__(self, world):
        self.w, self.data = world, world.path("serve")
        self.listen = f"127.0.0.1:{harness.free_port()}"
        self.sim = os.path.join(os.path.dirname(world.skerry), "skerry-sim")

    def start(self):
        self.p = self.w.start("sim", [self.sim, "run", "steady", "--nodes", str(NODES), "--pods-per-node", "1", "--serve", self.listen,
                                      "--serve-dir", self.data, "--speed", "20"])
        self.k = self.w.await_api(self.p, self.data)
        wait_for(lambda: "all Running after" in open(self.p.log).read(), "all pods run", seconds=60)
        return f"{NODES} nodes answer at {self.listen}"

    def nodes(self):
        lines = self.k("get", "nodes", "--no-headers").out.splitlines()
        expect(len(lines) == NODES and all(l.split()[1] == "Ready" for l in lines), f"{NODES} nodes are Ready: {lines[:3]}")
        expect(not any("<invalid>" in l for l in lines), f"ages are told by the cloud's clock: {lines[:3]}")
        return lines[0]

    def deployment(self):
        watch = subprocess.Popen(self.k.argv("get", "pods", "-l", "app=mine", "--watch", "-o", "name"), stdout=subprocess.PIPE, text=True)
        try:
            self.k("create", "deployment", "mine", "--image", "registry.example/any:1", "--replicas", "7")
            self.k("rollout", "status", "deployment/mine", "--timeout", "60s")
            name = watch.stdout.readline().strip()
        finally:
            watch.kill()
            watch.wait()
        expect(name.startswith("pod/mine-"), f"the watch told of a pod: {name}")
        self.k("apply", "-f", "-", text="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: b}\n")
        self.k("scale", "deployment/mine", "--replicas", "2")
        wait_for(lambda: len(self.k.items("pods", "-l", "app=mine")) == 2, "two pods are left", seconds=30)
        return "created, rolled out, scaled, watched: " + name

    def strangers(self):
        """Nobody without the folder's certificate gets in."""
        out = self.k("--client-certificate", "/dev/null", "--client-key", "/dev/null", "get", "nodes", check=False)
        expect(out.code != 0, f"no certificate, no answer: {out.all}")
        bare = harness.run(["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", f"https://{self.listen}/api/v1/nodes"], check=False)
        expect(bare.out == "401", f"without a certificate: {bare.all}")
        return bare.out

    def logs(self):
        pod = self.k.items("pods", "-l", "app=mine")[0]["metadata"]["name"]
        out = self.k("logs", pod, check=False)
        expect(out.code != 0 and out.err.strip(), f"logs are refused: {out.all}")
        return out.err.strip().splitlines()[0]

    def end(self):
        """It ends at once, though somebody watches."""
        watch = subprocess.Popen(self.k.argv("get", "nodes", "--watch", "-o", "name"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            watch.stdout.readline()
            os.kill(self.p.pid, signal.SIGTERM)
            wait_for(lambda: not self.p.running(), "it ends", seconds=20)
        finally:
            watch.kill()
            watch.wait()
        expect(self.p.p.returncode == 0, f"a clean end: {self.p.p.returncode}\n{self.p.tail()}")
        return self.p.tail(1).strip()


def body(world, report):
    s = Serve(world)
    for name, step in (("start", s.start), ("nodes", s.nodes), ("deployment", s.deployment), ("logs", s.logs),
                       ("strangers", s.strangers), ("end", s.end)):
        report.step(name, step)


if __name__ == "__main__":
    raise SystemExit(harness.main(__doc__, "serve", body, needs_root=False))
