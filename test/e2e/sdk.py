#!/usr/bin/env python3
"""The SDK as its users meet it: Skerry is installed to a prefix, the examples are copied out of the tree, built with
find_package(skerry) and run against a real cloud; what they did is read with kubectl."""
import json
import os
import shutil

import harness
import manifests
from harness import expect, run, wait_for
from link_proxy import LinkProxy

BUILD_SECONDS = 900


class Sdk:
    def __init__(self, world):
        self.w = world
        self.prefix = world.path("prefix")
        self.data = world.path("cloud")
        self.port = harness.free_port()
        self.server = f"https://127.0.0.1:{self.port}"
        self.replicas = {}

    def install(self):
        run(["cmake", "--install", self.w.build, "--prefix", self.prefix], seconds=120)
        version = run([os.path.join(self.prefix, "bin", "skerry"), "version"]).out.strip()
        return f"installed: {version}"

    def build(self, example):
        """Copies an example out of the tree and builds it there."""
        source, out = self.w.path(example), self.w.path(example, "build")
        shutil.copytree(os.path.join(harness.ROOT, "examples", example), source)
        run(["cmake", "-S", source, "-B", out, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_PREFIX_PATH={self.prefix}"], seconds=120)
        run(["ninja", "-C", out, "-j", str(os.cpu_count())], seconds=BUILD_SECONDS)
        return f"built outside the tree: {example}"

    def token(self, *more):
        return run([self.w.skerry, "token", "create", "--data-dir", self.data, *more]).out.strip()

    def in_a_fleet(self):
        """The same operator in simulated fleets: faults, a seed; the same seed is the same run."""
        fleet = self.w.path("operator", "build", "site-fleet")
        first = run([fleet, "20", "1"]).out
        expect(first.endswith("ok\n") and run([fleet, "20", "1"]).out == first, f"the same seed is the same run: {first}")
        for seed in range(2, 12):
            out = run([fleet, "20", str(seed)], check=False)
            expect(out.code == 0 and out.out.endswith("ok\n"), f"seed {seed}: {out.out}")
        return first.splitlines()[0] + "; and 10 more seeds"

    # ---- the operator ------------------------------------------------------------------------------------------------

    def start_cloud(self):
        self.cloud = self.w.cloud(self.data, self.port)
        self.k = self.w.await_api(self.cloud, self.data)

    def start_replica(self, name, *more):
        binary = self.w.path("operator", "build", "site-operator")
        self.replicas[name] = self.w.start(name, [binary, "--name", name, "--data-dir", self.w.path(name), "--server", self.server, *more])

    def holder(self):
        r = self.k("get", "lease", "site-operator", "-o", "json", check=False)
        return json.loads(r.out)["spec"].get("holderIdentity") if r.code == 0 else None

    def names(self, kind):
        return sorted(o["metadata"]["name"] for o in self.k.items(kind, "-l", "app.kubernetes.io/managed-by=site-operator"))

    def rights(self):
        """Without RBAC objects a controller may do nothing; a token for one controller lets no other join."""
        self.start_replica("site-a", "--token", self.token("--controller", "site-a"))
        a = self.replicas["site-a"]
        wait_for(lambda: "cannot list" in a.tail(200), "the operator is told that it may not list")
        expect(self.holder() is None, "no lease without rights")
        wrong = run([self.w.path("operator", "build", "site-operator"), "--name", "site-x", "--data-dir", self.w.path("site-x"),
                     "--server", self.server, "--token", self.token("--controller", "site-a")], check=False)
        expect(wrong.code == 1 and "is for the controller site-a" in wrong.err, f"a foreign token: {wrong.code} {wrong.err}")
        return "forbidden until RBAC says otherwise"

    def keeps_sites(self):
        self.k("apply", "-f", self.w.path("operator", "rbac.yaml"))
        self.k("apply", "-f", self.w.path("operator", "site.yaml"))
        wait_for(lambda: self.names("deployments") == ["hello"] and self.names("services") == ["hello"], "deployment and service", 60)
        d, m = self.k.get("deployment", "hello"), self.k.get("configmap", "hello")
        expect(d["metadata"]["ownerReferences"][0]["uid"] == m["metadata"]["uid"], "the ConfigMap owns the Deployment")
        expect(d["spec"]["replicas"] == 2 and d["spec"]["template"]["spec"]["containers"][0]["image"] == "hello:1", "as the ConfigMap says")
        wait_for(lambda: self.k.get("configmap", "hello")["metadata"].get("annotations", {}).get("site.example/status") == "0/2 ready", "status")
        wait_for(lambda: any(e["reason"] == "Created" for e in self.k.items("events")), "an event")
        return "Deployment, Service, owner, status, event"

    def follows(self):
        """What people change comes back; what the site changes is followed; what is no site any more is cleared away."""
        self.k("scale", "deployment", "hello", "--replicas=5")
        wait_for(lambda: self.k.get("deployment", "hello")["spec"]["replicas"] == 2, "the replicas come back")
        self.k("patch", "configmap", "hello", "--type=merge", "-p", '{"data":{"image":"hello:2"}}')
        wait_for(lambda: self.k.get("deployment", "hello")["spec"]["template"]["spec"]["containers"][0]["image"] == "hello:2", "the new image")
        self.k("delete", "service", "hello")
        wait_for(lambda: self.names("services") == ["hello"], "the service comes back")
        self.k("create", "configmap", "second", "--from-literal=replicas=1")
        self.k("label", "configmap", "second", "site.example/managed=true")
        wait_for(lambda: "data.image is missing" in str(self.k.get("configmap", "second")["metadata"].get("annotations")), "the error is told")
        self.k("patch", "configmap", "second", "--type=merge", "-p", '{"data":{"image":"s:1"}}')
        wait_for(lambda: self.names("deployments") == ["hello", "second"], "two sites")
        self.k("label", "configmap", "second", "site.example/managed-")
        wait_for(lambda: self.names("deployments") == ["hello"] and self.names("services") == ["hello"], "the unlabelled one is cleared away")
        return "drift, change, error, unlabel"

    def hands_over(self):
        """Two replicas: one works; when it dies the other takes over, and misses nothing."""
        self.start_replica("site-b", "--token", self.token("--controller", "site-b"))
        wait_for(lambda: self.holder() == "site-a", "a leads")
        transitions = self.k.get("lease", "site-operator")["spec"]["leaseTransitions"]
        self.replicas["site-a"].kill9()
        self.k("patch", "configmap", "hello", "--type=merge", "-p", '{"data":{"replicas":"3"}}')
        wait_for(lambda: self.holder() == "site-b", "b leads", 40)
        wait_for(lambda: self.k.get("deployment", "hello")["spec"]["replicas"] == 3, "b works")
        expect(self.k.get("lease", "site-operator")["spec"]["leaseTransitions"] == transitions + 1, "one transition")
        return "lease handed over after kill -9"

    def survives_the_cloud(self):
        """The cloud dies and comes back: the operator goes on without a restart of its own."""
        self.cloud.kill9()
        self.start_cloud()
        self.k("patch", "configmap", "hello", "--type=merge", "-p", '{"data":{"replicas":"1"}}')
        wait_for(lambda: self.k.get("deployment", "hello")["spec"]["replicas"] == 1, "b follows the new cloud", 60)
        expect(self.replicas["site-b"].running(), "b never ended")
        self.k("delete", "configmap", "hello")
        wait_for(lambda: not self.names("deployments") and not self.names("services"), "all is cleared away", 60)
        return "kill -9 of the cloud"

    def stop_operator(self):
        for r in self.replicas.values():
            expect(not r.running() or r.stop() == 0, f"{r.name} ends with 0")
        expect(self.cloud.stop() == 0, "the cloud ends with 0")

    # ---- an actor on every node, an aggregate in the cloud ------------------------------------------------------------

    def start_nodes(self):
        binary = self.w.path("node-aggregate", "build", "node-aggregate")
        self.w.skerry = binary  # all of skerry, and more
        self.data, self.port = self.w.path("cloud-2"), harness.free_port()
        self.start_cloud()
        self.line = LinkProxy(self.port)
        self.w.closers.append(self.line.close)
        self.edge_args = (self.w.path("edge"), f"https://127.0.0.1:{self.line.port}", "rock-1")
        self.edge = self.w.edge(*self.edge_args, "--token", self.token())
        wait_for(lambda: self.total()["tallies"] >= 2, "the aggregate counts", 60)
        return str(self.total())

    def asks_pods(self):
        """The aggregate asks a pod's actor by its path on the node; who is there no more is asked no more."""
        sample = manifests.pod("sample", "absent:1")
        sample["metadata"]["labels"] = {"sample": "yes"}
        other = manifests.pod("other", "absent:1")
        for p in (sample, other):
            p["spec"]["nodeName"] = "rock-1"
        self.k("apply", "-f", "-", text=manifests.text(sample, other))
        wait_for(lambda: self.published().get("pod.default.sample") == "Pending", "the pod's actor answers", 60)
        expect("pod.default.other" not in self.published(), "the other is not asked")
        return "pod.default.sample: Pending"

    def asks_over_links(self):
        """A controller in a process of its own asks the same actor, over its link to the cloud and the cloud's to the node."""
        self.k("apply", "-f", self.w.path("node-aggregate", "asker-rbac.yaml"))
        binary = self.w.path("node-aggregate", "build", "pod-asker")
        self.asker = self.w.start("asker", [binary, "--name", "asker", "--data-dir", self.w.path("asker"),
                                            "--server", f"https://127.0.0.1:{self.port}", "--token", self.token("--controller", "asker")])
        wait_for(lambda: self.answers() == ["Pending"], "the pod's actor answers over two links", 60)
        expect("default.other" not in self.asker.tail(1000), "the other is not asked")
        return "pod default.sample says Pending"

    def answers(self):
        """What the asker was told so far, each change once."""
        return [line.split()[-1] for line in self.asker.tail(1000).splitlines() if "pod default.sample says" in line]

    def published(self):
        r = self.k("get", "configmap", "node-aggregate", "-o", "json", check=False)
        return json.loads(r.out).get("data", {}) if r.code == 0 else {}

    def total(self):
        text = self.published().get("rock-1", "")
        pairs = dict(p.split("=") for p in text.split())
        return {k: int(pairs.get(k, 0)) for k in ("tallies", "sent", "gaps", "repeats", "reading", "readings")}

    def through_a_partition(self):
        """The line is cut: letters pile up by their rules. It is back: each tally is there once, of the readings the last."""
        self.line.cut()
        before = wait_for(lambda: self.total() if self.settled() else None, "nothing comes any more")
        wait_for(lambda: self.spent(before, 20), "twenty tallies' time passes at the node", 60)
        cut = self.total()
        expect(cut["tallies"] == before["tallies"], f"nothing crosses a cut line: {before} {cut}")
        expect(self.published().get("pod.default.sample") == "suspended", f"the pod's actor is not reached: {self.published()}")
        wait_for(lambda: self.answers() == ["Pending", "suspended"], "the asker's request ends, and does not hang")
        self.line.heal()
        wait_for(lambda: self.published().get("pod.default.sample") == "Pending", "the pod's actor answers again")
        wait_for(lambda: self.answers() == ["Pending", "suspended", "Pending"], "it answers the asker again")
        after = wait_for(lambda: self.caught_up(before["tallies"] + 20), "the aggregate catches up", 60)
        self.exact(after)
        missed = after["reading"] - before["reading"] - (after["readings"] - before["readings"])
        expect(missed >= 80, f"readings of the cut were folded into the last one: {missed} were")
        return f"before {before}\nafter  {after}\n{missed} readings folded"

    def settled(self):
        first = self.total()["reading"]
        passed = harness.time.monotonic() + 2.5
        wait_for(lambda: harness.time.monotonic() > passed, "two publications")
        return self.total()["reading"] == first

    def spent(self, before, tallies):
        """The node takes five readings a second and counts each fifth: so many seconds of its own clock."""
        self.mark = getattr(self, "mark", harness.time.monotonic())
        return harness.time.monotonic() - self.mark > tallies * 1.1

    def caught_up(self, at_least):
        t = self.total()
        return t if t["tallies"] >= at_least and t["tallies"] + 1 >= t["sent"] else None

    @staticmethod
    def exact(t):
        expect(t["gaps"] == 0, f"no tally is lost: {t}")
        expect(t["repeats"] == 0, f"no tally counts twice: {t}")

    def through_crashes(self):
        """kill -9 of cloud and agent, one after the other: nothing is lost, nothing counts twice."""
        before = self.total()
        self.cloud.kill9()
        self.start_cloud()
        wait_for(lambda: self.caught_up(before["tallies"] + 3), "the new cloud counts on", 60)
        self.exact(self.total())
        before = self.total()
        self.edge.kill9()
        self.edge = self.w.edge(*self.edge_args)
        after = wait_for(lambda: self.caught_up(before["tallies"] + 3), "the new agent counts on", 60)
        expect(after["gaps"] == 0, f"no tally is lost: {after}")
        expect(self.asker.running() and self.asker.stop() == 0, "the asker lived through it, and ends with 0")
        return str(after)


def body(world, report):
    s = Sdk(world)
    if not report.step("install to a prefix", s.install):
        return
    if report.step("build the operator outside the tree", lambda: s.build("operator")):
        report.step("the operator in a simulated fleet", s.in_a_fleet)
        s.start_cloud()
        for name, action in [("rights are least", s.rights), ("a Deployment and a Service for each site", s.keeps_sites),
                             ("changes are followed", s.follows), ("a second replica takes over", s.hands_over),
                             ("the cloud is killed", s.survives_the_cloud), ("all end well", s.stop_operator)]:
            if not report.step(name, action):
                break
    if report.step("build the aggregate outside the tree", lambda: s.build("node-aggregate")):
        for name, action in [("samplers on nodes, an aggregate in the cloud", s.start_nodes), ("the aggregate asks pods", s.asks_pods),
                             ("a controller asks pods over links", s.asks_over_links), ("through a partition", s.through_a_partition),
                             ("through kill -9 of both", s.through_crashes)]:
            if not report.step(name, action):
                break


if __name__ == "__main__":
    harness.sys.exit(harness.main(__doc__, "sdk", body))
