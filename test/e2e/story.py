#!/usr/bin/env python3
"""The story: cloud and edge as two processes, kubectl, real containers; cut links, killed processes; nothing lost, nothing left."""
import json
import os
import signal
import sys
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
import images
import manifests
from harness import Failed, expect, wait_for
from link_proxy import LinkProxy

# A node is NotReady when its lease of 40 s has run out; a half-open connection is found within 30 s.
NOT_READY_S = 90
NODE = "rock-1"


def fetch(ip):
    """What the pod at `ip` answers, split at the bars."""
    try:
        with urllib.request.urlopen(f"http://{ip}:8080/index.html", timeout=3) as r:
            return r.read().decode().split("|")
    except (urllib.error.URLError, OSError, ValueError) as e:
        raise Failed(f"http://{ip}:8080: {e}") from e


class Story:
    def __init__(self, world):
        self.w = world
        self.cloud_dir, self.edge_dir = world.path("cloud"), world.path("edge")
        self.port = harness.free_port()
        self.proxy = LinkProxy(self.port)
        world.closers.append(self.proxy.close)
        self.cloud = self.edge = self.k = None
        self.run_dir = harness.run_dir(self.edge_dir)
        self.addresses = []
        self.watch = None

    # ---- what is seen ----------------------------------------------------------------------------------------------------

    def pods(self):
        return [p for p in self.k.items("pods", "-l", "app=web") if "deletionTimestamp" not in p["metadata"]]

    def ready_pods(self, count, version=None):
        """Waits for `count` ready pods, and no others, that answer with `version`; returns them by name."""
        def look():
            pods = self.k.items("pods", "-l", "app=web")
            good = [p for p in pods if "deletionTimestamp" not in p["metadata"] and any(
                c["type"] == "Ready" and c["status"] == "True" for c in p["status"].get("conditions", []))]
            expect(len(pods) == count and len(good) == count, f"{len(good)} of {len(pods)} pods are ready")
            for p in good:
                answer = fetch(p["status"]["podIP"])
                expect(version is None or answer[1] == version, f"{p['metadata']['name']} answers {answer}")
            return {p["metadata"]["name"]: p for p in good}
        return wait_for(look, f"{count} pods are ready and answer", 90, 0.3)

    def servers(self):
        """pid -> command line of the web servers, on the host."""
        return {pid: c for pid, c in harness.containers_of(self.edge_dir).items() if c.startswith("httpd -f -p 8080")}

    def identity(self):
        """What must not change while nothing needs to: container ids and restart counts of each pod."""
        return {p["metadata"]["name"]: [(c["name"], c["containerID"], c["restartCount"]) for c in p["status"]["containerStatuses"]]
                for p in self.pods()}

    def node_ready(self):
        conditions = self.k.get("node", NODE)["status"]["conditions"]
        return next(c["status"] for c in conditions if c["type"] == "Ready")

    def await_node(self, *status, seconds=NOT_READY_S):
        return wait_for(lambda: self.node_ready() in status, f"the node's Ready is {' or '.join(status)}", seconds, 0.3)

    def answers(self, addresses):
        return [fetch(ip) for ip in addresses]

    # ---- what runs -------------------------------------------------------------------------------------------------------

    def start_cloud(self):
        self.cloud = self.w.cloud(self.cloud_dir, self.port)
        self.k = self.w.await_api(self.cloud, self.cloud_dir)

    def start_edge(self, *more):
        self.edge = self.w.edge(self.edge_dir, f"https://127.0.0.1:{self.proxy.port}", NODE, *more)

    def await_servers(self, count, seconds=60):
        def look():
            expect(self.edge.running(), f"the agent ended with code {self.edge.p.returncode}: {self.edge.tail(5)}")
            found = self.servers()
            expect(len(found) == count, f"{len(found)} web servers run")
            return found
        return wait_for(look, f"{count} web servers run", seconds)

    # ---- the steps -------------------------------------------------------------------------------------------------------

    def cloud_starts(self):
        self.start_cloud()
        return f"admin.kubeconfig is there, /readyz says ok\n{self.k('version').out}"

    def edge_joins(self):
        token = harness.run([self.w.skerry, "token", "create", "--data-dir", self.cloud_dir]).out.strip()
        expect(token and "\n" not in token, f"token create prints the token alone, not {token!r}")
        self.start_edge("--token", token)
        wait_for(lambda: self.k("get", "node", NODE, check=False).code == 0, "the node is there", 30)
        self.await_node("True", seconds=30)
        wide = self.k("get", "nodes", "-o", "wide").out
        for column in ("VERSION", "INTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION", "CONTAINER-RUNTIME"):
            expect(column in wide, f"get nodes -o wide has no column {column}")
        expect(os.uname().release in wide and "<unknown>" not in wide, f"get nodes -o wide is not complete:\n{wide}")
        return wide

    def node_is_described(self):
        said = self.k("describe", "node", NODE).out
        for part in ("Capacity:", "Allocatable:", "Conditions:", "MemoryPressure", "Non-terminated Pods:", "cpu:", "memory:", "pods:"):
            expect(part in said, f"describe node has no {part}")
        return "capacity, allocatable, conditions, pods"

    def images_are_imported(self):
        for version in ("1", "2"):
            archive = images.make_archive(self.w.path(f"web-{version}.tar"), f"web:{version}", version)
            harness.run([self.w.skerry, "image", "import", archive, "--name", f"web:{version}", "--data-dir", self.edge_dir])
        said = harness.run([self.w.skerry, "image", "list", "--data-dir", self.edge_dir]).out
        expect(said.count("web") >= 2, f"image list: {said}")
        return said

    def deployment_runs(self):
        out = self.w.path("watch.txt")
        self.watch = self.w.start("watch", self.k.argv("get", "pods", "-o", "wide", "-w", "-v=6"))
        wait_for(lambda: "watch=true" in self.watch.tail(100), "kubectl watches, before there is anything to see")
        self.k("apply", "-f", "-", text=manifests.text(manifests.CONFIG, manifests.SECRET, manifests.web()))
        said = self.k("rollout", "status", "deployment/web", "--timeout=90s", seconds=100).out
        self.addresses = sorted(p["status"]["podIP"] for p in self.ready_pods(2, "v1").values())
        wait_for(lambda: self.watch.tail(100).count("2/2") >= 2, "kubectl's watch shows both pods at 2/2")
        self.watch.stop()
        seen = self.watch.tail(100)
        for phase in ("Pending", "Init:0/1", "PodInitializing", "Running"):
            expect(phase in seen, f"the watch shows {phase}:\n{seen}")
        os.replace(self.watch.log, out)
        return said + seen

    def containers_have_what_they_ask_for(self):
        pods = self.ready_pods(2, "v1")
        for name, p in pods.items():
            greeting, _, secret, prepared, me = fetch(p["status"]["podIP"])
            expect(greeting == manifests.CONFIG["data"]["GREETING"], f"environment from the ConfigMap: {greeting}")
            expect(secret == manifests.SECRET["stringData"]["password"], f"the mounted Secret: {secret}")
            expect(prepared == "prepared", f"what the init container left in the emptyDir: {prepared}")
            expect(me == name, f"environment from a field: {me}")
        found = self.await_servers(2)
        for pid in found:
            seen = f"/proc/{pid}/root/data/seen"
            wait_for(lambda: os.path.exists(seen), "the second container reaches the first on 127.0.0.1", 15)
        return "\n".join(f"pid {pid} on the host: {c}" for pid, c in found.items()) + f"\nanswers: {self.answers(self.addresses)}"

    def mounted_secret_follows(self):
        """A changed Secret appears in the running containers: by the kubelet's rule, without a restart."""
        pids = self.await_servers(2)
        self.k("patch", "secret", "web-secret", "-p", '{"stringData":{"password":"neap"}}')

        def seen(pid):
            with open(f"/proc/{pid}/root/secret/password", encoding="utf-8") as f:
                return f.read()
        wait_for(lambda: all(seen(pid) == "neap" for pid in pids), "the containers see the new password", 90)
        self.k("patch", "secret", "web-secret", "-p", '{"stringData":{"password":"tide-table"}}')
        wait_for(lambda: all(seen(pid) == "tide-table" for pid in pids), "the containers see the old password again", 90)
        expect(self.servers() == pids, "no container was restarted for it")
        return "updated in place, no restart"

    def short_lived_states_are_shown(self):
        """ContainerCreating of a pod without an init container, and a pod whose image is not there."""
        w = self.w.start("watch-pod", self.k.argv("get", "pods", "-w"))
        self.k("apply", "-f", "-", text=manifests.text(manifests.pod("plain")))
        wait_for(lambda: "Running" in w.tail(100), "the pod runs", 30)
        w.stop()
        seen = w.tail(100)
        expect("Pending" in seen or "ContainerCreating" in seen, f"states before Running:\n{seen}")
        self.k("delete", "pod", "plain", "--timeout=30s")
        return seen

    def scale_and_roll(self):
        k = self.k
        k("scale", "deployment/web", "--replicas=3")
        self.ready_pods(3, "v1")
        k("set", "image", "deployment/web", "web=web:2", "side=web:2", "prepare=web:2")
        said = k("rollout", "status", "deployment/web", "--timeout=120s", seconds=130).out
        self.ready_pods(3, "v2")
        history = k("rollout", "history", "deployment/web").out
        expect("1" in history and "2" in history, f"rollout history:\n{history}")
        k("rollout", "undo", "deployment/web")
        k("rollout", "status", "deployment/web", "--timeout=120s", seconds=130)
        self.ready_pods(3, "v1")
        k("scale", "deployment/web", "--replicas=2")
        self.addresses = sorted(p["status"]["podIP"] for p in self.ready_pods(2, "v1").values())
        self.await_servers(2)
        return said + "after undo: v1 again; after scale: two pods"

    def old_kubectl_works(self):
        old = self.w.kubectl(self.cloud_dir, images.old_kubectl(os.path.join(self.w.build, "e2e")))
        client = json.loads(old("version", "--client", "-o", "json").out)["clientVersion"]["gitVersion"]
        expect("Ready" in old("get", "nodes", "-o", "wide").out, "get nodes")
        table = old("get", "pods", "-o", "wide").out
        expect(table.count("2/2") == 2, f"get pods -o wide:\n{table}")
        old("apply", "-f", "-", text=manifests.text(manifests.web(replicas=3)))
        old("rollout", "status", "deployment/web", "--timeout=90s", seconds=100)
        old("scale", "deployment/web", "--replicas=2")
        self.ready_pods(2, "v1")
        expect("Containers:" in old("describe", "pods", "-l", "app=web").out, "describe pods")
        old("create", "configmap", "old", "--from-literal=a=b")
        old("patch", "configmap", "old", "-p", '{"data":{"a":"c"}}')
        expect(old("get", "configmap", "old", "-o", "jsonpath={.data.a}").out == "c", "patch")
        old("delete", "configmap", "old")
        self.addresses = sorted(p["status"]["podIP"] for p in self.pods())
        return f"kubectl {client}:\n{table}"

    def cut_link_evicts_nobody(self):
        before, pids = self.identity(), self.await_servers(2)
        self.proxy.cut()
        self.await_node("Unknown", "False")
        table = self.k("get", "nodes").out
        expect("NotReady" in table, f"get nodes:\n{table}")
        expect(self.identity() == before and len(self.pods()) == 2, "no pod was evicted or replaced")
        expect(self.servers() == pids, "the same processes run")
        self.answers(self.addresses)
        return table + f"the same processes {sorted(pids)} answer"

    def killed_agent_is_not_missed(self):
        pids = self.servers()
        self.edge.kill9()
        expect(self.servers() == pids, "containers outlive the agent")
        self.answers(self.addresses)
        self.start_edge()
        victim = min(pids)
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: victim not in self.servers() and len(self.servers()) == 2, "the killed container is started again", 60)
        survivor = max(pids)
        expect(survivor in self.servers(), "the other one was adopted, not restarted")
        wait_for(lambda: self.answers(self.addresses), "both answer", 30)
        return f"with no cloud: {survivor} adopted, {victim} killed and replaced: {sorted(self.servers())}"

    def probing_goes_on(self):
        victim = max(self.servers())
        os.unlink(f"/proc/{victim}/root/data/alive")
        wait_for(lambda: victim not in self.servers() and len(self.servers()) == 2, "the liveness probe has it restarted", 90)
        wait_for(lambda: self.answers(self.addresses), "both answer", 30)
        return f"{victim} failed its liveness probe and was restarted, with no cloud"

    def stopped_edge_comes_back_alone(self):
        self.edge.kill9()
        for pid in sorted(harness.processes_of(self.edge_dir)):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        wait_for(lambda: not harness.processes_of(self.edge_dir), "all is dead", 10)
        return "agent and containers were killed; with no cloud they are back: " + self.edge_comes_back()

    def edge_comes_back(self):
        self.start_edge()
        found = self.await_servers(2, 90)

        def look():
            ips = sorted(self.edge_addresses())
            expect(len(ips) == 2, f"{len(ips)} pods answer")
            return ips
        ips = wait_for(look, "both pods answer", 60)
        return f"{sorted(found)} at {ips}"

    def edge_survives_a_power_cut(self):
        """The machine forgets all but its disk: network namespaces, mounts, cgroups, bridge. The cloud, which runs here too, is killed
        along with it and comes back later."""
        harness.power_cut(self.w)
        expect(not harness.mounts_of(self.edge_dir, self.run_dir), "no mount is left")
        return "only the disk was left; with no cloud they are back: " + self.edge_comes_back()

    def edge_addresses(self):
        """Addresses of the web servers as their own network namespaces have them: the cloud cannot be asked."""
        ips = []
        for pid in self.servers():
            said = harness.run(["nsenter", "-t", str(pid), "-n", "ip", "-4", "-o", "addr", "show", "scope", "global"], check=False).out
            ip = said.split()[3].split("/")[0] if len(said.split()) > 3 else ""
            if ip and fetch(ip)[1] == "v1":
                ips.append(ip)
        return ips

    def killed_cloud_has_everything(self):
        if not self.cloud.running():
            self.start_cloud()
        self.k("scale", "deployment/web", "--replicas=4")
        self.k("create", "configmap", "last-word", "--from-literal=said=just before the end")
        kinds = "nodes,pods,configmaps,secrets,deployments,replicasets,serviceaccounts,namespaces"
        before = {o["metadata"]["uid"]: o.get("spec") for o in self.k.items(kinds, "-A")}
        self.cloud.kill9()
        self.start_cloud()
        after = {o["metadata"]["uid"]: o.get("spec") for o in self.k.items(kinds, "-A")}
        lost = set(before) - set(after)
        expect(not lost, f"objects lost: {lost}")
        expect(self.k.get("configmap", "last-word")["data"]["said"] == "just before the end", "the last write is there")
        expect(self.k.get("deployment", "web")["spec"]["replicas"] == 4, "the last scale is there")
        return f"{len(after)} objects, none lost"

    def healed_link_catches_up(self):
        pids = self.await_servers(2)
        self.proxy.heal()
        self.await_node("True")
        pods = self.ready_pods(4, "v1")
        expect(set(pids) <= set(self.servers()), f"no container restarted that did not need to: {sorted(pids)} before")
        restarts = sum(c["restartCount"] for p in pods.values() for c in p["status"]["containerStatuses"])
        expect(restarts >= 2, f"restarts that happened while cut are reported: {restarts}")
        return self.k("get", "pods", "-o", "wide").out

    def half_open_link_is_found(self):
        pids = self.servers()
        accepted = self.proxy.accepted
        self.proxy.stall()
        self.await_node("Unknown", "False")
        self.proxy.heal()
        self.await_node("True")
        expect(self.proxy.accepted > accepted, "it connected anew")
        expect(self.servers() == pids, "the same containers run")
        return "nothing crossed and nobody was told: both sides found out, and connected anew"

    def deleted_is_gone(self):
        self.k("delete", "deployment", "web", "--timeout=60s")
        self.k("delete", "configmap/web-config", "configmap/last-word", "secret/web-secret")
        wait_for(lambda: not self.k.items("pods"), "no pods are listed", 60)
        wait_for(lambda: not harness.containers_of(self.edge_dir), "no container process is left", 30)
        wait_for(lambda: not [p for p in harness.processes_of(self.edge_dir).values() if "conmon" in p], "no monitor is left", 30)
        held = harness.mounts_of(self.run_dir)
        wait_for(lambda: not harness.mounts_of(self.edge_dir, self.run_dir), f"no mount (nor namespace, which one holds) is left of {held}", 30)
        return "no process, mount or network namespace is left"

    def all_stops(self):
        codes = [self.edge.stop(30), self.cloud.stop(30)]
        expect(codes == [0, 0], f"exit codes of agent and cloud: {codes}")
        left = harness.processes_of(self.w.dir)
        expect(not left, f"processes left: {left}")
        return "agent and cloud ended with 0"


STEPS = ["cloud_starts", "edge_joins", "node_is_described", "images_are_imported", "deployment_runs",
         "containers_have_what_they_ask_for", "mounted_secret_follows", "short_lived_states_are_shown", "scale_and_roll", "old_kubectl_works",
         "cut_link_evicts_nobody", "killed_agent_is_not_missed", "probing_goes_on", "stopped_edge_comes_back_alone",
         "edge_survives_a_power_cut",
         "killed_cloud_has_everything", "healed_link_catches_up", "half_open_link_is_found", "deleted_is_gone", "all_stops"]


def body(world, report):
    story = Story(world)
    for number, name in enumerate(STEPS, 1):
        if not report.step(f"{number:2}/{len(STEPS)} {name.replace('_', ' ')}", getattr(story, name)) and number <= 5:
            raise SystemExit("the story cannot go on without this")


if __name__ == "__main__":
    sys.exit(harness.main(__doc__, "story", body))
