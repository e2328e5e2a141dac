#!/usr/bin/env python3
"""`skerry repl` at the cloud reaches into a node over its link: reading, tracing, asking, killing, suspending; through cuts of the
line, a new agent and a new cloud."""
import base64
import json
import os
import re
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
import manifests
from harness import Failed, expect, wait_for
from link_proxy import LinkProxy
from repl import Repl, Terminal

AGENT, MESH = "/node/n1/agent", "/node/n1/mesh"
PING = "ask -t %s " + MESH + ' ProbePing {"number": 4711}'


def number_of(traced):
    """The field `number` of a traced ProbePing: the word behind header and root pointer of the flat form."""
    return struct.unpack_from("<Q", traced["raw"], 16)[0]


class Trace:
    """A `trace` that runs; what it shows is read as it comes."""

    def __init__(self, repl, *args):
        self.p = subprocess.Popen(repl.argv(*args), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        repl.w.closers.append(self.p.kill)
        self.lines, self.read = [], 0
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.p.stdout:
            self.lines.append(line.rstrip("\n"))

    def _take(self):
        while self.read < len(self.lines):
            line = self.lines[self.read]
            expect(line.startswith("{"), f"the trace says: {line}")
            self.read += 1
            t = json.loads(line)
            if t["name"] == "ProbePing":
                data = t["bytes"]
                t["raw"] = base64.b64decode(data[7:]) if data.startswith("base64:") else data.encode("latin-1")
                return t
        return None

    def next(self, seconds):
        """The next ProbePing that it shows."""
        return wait_for(self._take, "the trace shows the message", seconds)

    def begin(self, ping):
        """Pings with number 0 until the trace shows one: it has begun. Returns that."""
        def shown():
            ping(0)
            return self._take()
        return wait_for(shown, "the trace begins")

    def next_after(self, number, seconds=10):
        """The next ProbePing that is none of those that went before."""
        while True:
            t = self.next(seconds)
            if number_of(t) > number:
                return t

    def end(self):
        self.p.terminate()
        self.p.wait(10)
        self.reader.join(10)


class NodeRepl(Repl):
    def __init__(self, world):
        super().__init__(world)
        self.line = LinkProxy(self.port)
        world.closers.append(self.line.close)
        self.edge = self.k = None

    def start_cloud(self):
        self.cloud = self.w.cloud(self.data, self.port)
        self.k = self.w.await_api(self.cloud, self.data)

    def start_edge(self, *more):
        self.edge = self.w.edge(self.edge_data, f"https://127.0.0.1:{self.line.port}", "n1", *more)

    def answers(self):
        """The node's mesh actor answers the cloud's REPL."""
        r = harness.run(self.argv("-o", "json", "-c", PING % 2), check=False, seconds=30)
        return r.code == 0 and json.loads(r.out) == {"number": 4711, "island": "/node/n1"}

    def link(self, island="/node/n1", path=""):
        return next((v for v in self.json(f"links {path}")["links"] if v["island"] == island), None)

    def actor(self, path):
        return self.json(f"info {path}")["actor"]

    def fails(self, command, code, *parts, seconds=30):
        """A command that must fail, saying all of `parts`, within `seconds`; returns what it says and how long it took."""
        begun = time.monotonic()
        r = self.run(command, code=code)
        took = time.monotonic() - begun
        for part in parts:
            expect(part in r.err, f"{command}: '{part}' in: {r.err}")
        expect(took < seconds, f"{command} took {took:.1f} s, not {seconds}")
        return f"{r.err.strip()} ({took:.1f} s)"

    # -- looking

    def a_node_joins(self):
        self.start_cloud()
        self.start_edge("--token", harness.run([self.w.skerry, "token", "create", "--data-dir", self.data]).out.strip())
        wait_for(self.answers, "the node's mesh actor answers", 60)
        expect("/node/n1/" in self.run("ls").out, "the node stands in `ls`")
        self.k("apply", "-f", "-", text=manifests.text({**manifests.pod("p", "absent:1"), "spec": {
            **manifests.pod("p", "absent:1")["spec"], "nodeName": "n1"}}))
        uid = wait_for(lambda: self.k.get("pod", "p")["metadata"]["uid"], "the pod has a uid")
        wait_for(lambda: uid in self.run("ls /node/n1/pod").out, "the pod's actor stands at the node")
        self.pod = f"/node/n1/pod/{uid}"
        return self.run("ls /node/n1").out

    def its_tree_is_shown(self):
        tree = self.json("tree /node/n1")["actors"]
        phases = {a["path"]: a["phase"] for a in tree}
        for p in ("/node/n1", AGENT, MESH, "/node/n1/admin", "/node/n1/link", "/node/n1/pod", self.pod):
            expect(phases.get(p) == "running", f"{p} runs: {phases}")
        expect(next(a for a in tree if a["path"] == "/node/n1/pod")["kind"] == "pool", f"{tree}")
        one = self.json("tree /node/n1 -d 1")["actors"]
        level = ["/node/n1"] + [f"/node/n1/{c}" for c in ("admin", "agent", "devices", "link", "mesh", "pod", "samples", "twin")]
        expect(sorted(a["path"] for a in one) == level, f"one level: {one}")
        info = self.json(f"info {AGENT}")
        expect(info["supervisor"] == "/node/n1" and info["actor"]["handled"] > 0 and info["actor"]["lastMessage"], f"{info}")
        expect(self.json(f"info {self.pod}")["supervisor"] == "/node/n1/pod", "the pod's supervisor")
        self.fails("info /node/n1/agnet", 1, "nobody stands at /node/n1/agnet; did you mean 'agent'?")
        self.fails("tree /node/n2", 1, "no link to /node/n2", "did you mean '/node/n1'?")
        return self.run("tree /node/n1").out

    def its_link_is_counted(self):
        before = self.link()
        expect(before["up"] and not before["held"] and before["sessions"] == 1 and before["sinceMs"] > 0, f"{before}")
        for _ in range(3):
            self.run(f"send {self.pod} Probe")
            expect(self.answers(), "the node answers")
        after = self.link()
        expect(after["lettersOut"] >= before["lettersOut"] + 6, f"letters out: {before} {after}")
        for figure in ("bytesIn", "bytesOut"):
            expect(after[figure] > before[figure] + 100, f"{figure}: {before} {after}")
        expect(after["fleeting"] == after["latest"] == after["durable"] == after["lagMs"] == 0, f"nothing waits: {after}")
        drops = self.link("/cloud", "/node/n1")["drops"]
        self.run('send /node/n1/nobody Probe {"number": 1}')
        wait_for(lambda: self.link("/cloud", "/node/n1")["drops"]["noTarget"] == drops["noTarget"] + 1, "a letter to nobody is counted at the node")
        # Nobody there takes a ProbeFact: it is acknowledged all the same, and counted as a dead letter.
        self.run(f'send {MESH} ProbeFact {{"number": 1}}')
        wait_for(lambda: self.link("/cloud", "/node/n1")["drops"]["dead"] == drops["dead"] + 1, "the dead letter is counted")
        acked = wait_for(lambda: (v := self.link()) and v["ackMs"] >= 0 and v["durable"] == 0 and v, "the link is acknowledged")
        expect(acked["ackMs"] < 10_000, f"{acked}")
        return self.run("links").out + self.run("links /node/n1").out

    def messages_are_traced(self):
        """Each of these letters, and no other of that kind, is shown with its fields."""
        trace = Trace(self, "-o", "json", "-c", f"trace {MESH} -t 30")
        try:
            first = trace.begin(self.ping)
            for number in range(1, 4):
                self.ping(number)
                t = trace.next_after(number - 1)
                expect(t["path"] == MESH and t["request"] and not t["answer"], f"{t}")
                expect(re.fullmatch(r"/repl/\d+/client", t["sender"]) and t["sender"] != first["sender"], f"another REPL asked: {t}")
                expect(number_of(t) == number and t["type"] == first["type"] and t["size"] == len(first["raw"]), f"number {number}: {t}")
        finally:
            trace.end()
        shown = Trace(self, "-c", f"trace {MESH} -t 30")
        try:
            wait_for(lambda: self.ping(4711) or any("ProbePing" in line for line in shown.lines), "the trace shows it")
        finally:
            shown.end()
        decoded = [line for line in shown.lines if re.search(r"^[\d:.]+ /node/n1/mesh <- /repl/\d+/client +request ProbePing \{\"number\":4711\}$", line)]
        expect(decoded, f"the message with its fields: {shown.lines}")
        return decoded[0]

    def ping(self, number):
        expect(self.json(f'ask {MESH} ProbePing {{"number": {number}}}') == {"number": number, "island": "/node/n1"}, f"ping {number}")

    # -- acting

    def letters_reach_its_actors(self):
        expect(self.json(PING % 5) == {"number": 4711, "island": "/node/n1"}, "asked")
        self.run('send /node/n1/admin SetLogLevel {"level": "debug"}')
        wait_for(lambda: "it was debug" in self.run("log debug /node/n1").out, "the letter was handled")
        self.run("log info /node/n1")
        return self.fails(f"ask {AGENT} ProbePing", 1, f"{AGENT} does not take ProbePing")

    def a_killed_actor_comes_back(self):
        total = self.json("crashes /node/n1")["total"]
        seen = []
        for path in (AGENT, MESH, self.pod):
            before = self.actor(path)
            self.run(f"kill {path}")
            after = wait_for(lambda: self.back(path, before), f"{path} is back")
            expect(after["restarts"] == before["restarts"] + 1, f"{before} {after}")
            total += 1
            crashes = self.json("crashes /node/n1")
            last = crashes["crashes"][-1]
            expect(crashes["total"] == total and last["path"] == path and "kill" in last["why"], f"{path}: {crashes}")
            expect(last["restarts"] == before["restarts"], f"{last}")
            seen.append(f"{path} {before['actor']} -> {after['actor']}")
        expect(self.json("crashes")["total"] == 0, "the cloud's own are others")
        for path in (AGENT, "/node/n1/link"):
            before = self.actor(path)
            self.run(f"restart {path}")
            wait_for(lambda: self.back(path, before), f"{path} is back")
        expect(self.json("crashes /node/n1")["total"] == total, "a restart is no crash")
        wait_for(self.answers, "the node answers")
        return "\n".join(seen) + "\n" + self.run("crashes /node/n1").out

    def back(self, path, before):
        r = harness.run(self.argv("-o", "json", "-c", f"info {path}"), check=False, seconds=30)
        now = json.loads(r.out)["actor"] if r.code == 0 else None
        return now if now and now["phase"] == "running" and now["actor"] != before["actor"] else None

    def a_suspended_node_holds_letters(self):
        self.run("suspend n1")
        try:
            link = self.link()
            expect(link["held"], f"{link}")
            said = [self.fails(PING % 2, 1, "suspended", "until `resume`", seconds=5),
                    self.fails("tree /node/n1", 1, "suspended", seconds=14)]
            # What is sent waits, and `links` counts it: one that fades, one of which the newest counts, three that must arrive.
            state = subprocess.Popen(self.argv("-c", f'send {MESH} ProbeState {{"number": 1, "key": "k"}}'), stdout=subprocess.DEVNULL)
            self.w.closers.append(state.kill)
            for n in range(3):
                self.run(f'send {MESH} ProbeFact {{"number": {n}}}')
            self.run('send /node/n1/admin SetLogLevel {"level": "debug"}')
            held = wait_for(lambda: (v := self.link()) and v["latest"] == 1 and v, "the state waits")
            expect((held["fleeting"], held["durable"]) == (1, 3), f"what waits, by kind: {held}")
            expect(held["lagMs"] > 0 and held["waitingBytes"] > 0, f"{held}")
            shown = self.run("links").out
            expect(re.search(r"/node/n1 +held ", shown), shown)
            dead = held["drops"]["dead"]
        finally:
            self.run("resume n1")
        expect(self.answers(), "the same question is answered")
        expect("it was debug" in self.run("log info /node/n1").out, "what was sent meanwhile has arrived")
        after = wait_for(lambda: (v := self.link()) and not v["latest"] and not v["durable"] and v, "all that waited has gone")
        expect(state.wait(10) == 0, "its sender is told")
        expect(not after["held"] and after["fleeting"] == 0 and after["sessions"] == link["sessions"], f"the line was never cut: {after}")
        expect(dead == after["drops"]["dead"], f"the cloud gave none up: {after}")
        return "\n".join(said) + "\n" + shown

    def it_is_watched(self):
        top = self.json("top /node/n1 -i 1")
        paths = [a["path"] for a in top["actors"]]
        expect(top["seen"] >= 6 and "/node/n1/admin" in paths and all(p.startswith("/node/n1") for p in paths), f"{top}")
        restarts = self.actor(AGENT)["restarts"]
        r = self.json(f"watch {AGENT}.restarts >= {restarts}")
        expect(r["holds"] and r["value"].startswith(str(restarts)), f"{r}")
        watch = subprocess.Popen(self.argv("-c", f"watch -i 0.2 {AGENT}.restarts > {restarts}"), stdout=subprocess.PIPE, text=True)
        self.w.closers.append(watch.kill)
        watch.stdout.readline()  # the value as it is
        self.run(f"kill {AGENT}")
        out = watch.communicate(timeout=30)[0]
        expect(watch.returncode == 0 and str(restarts + 1) in out, f"{watch.returncode}: {out}")
        r = self.run("watch -n 2 -i 0.2 tree /node/n1 -d 0")
        expect(r.out.count("/node/n1 ") == 2, r.out)
        return self.run("top /node/n1 -i 1").out

    # -- what is cut, and comes back

    def a_cut_line_is_told(self):
        trace = Trace(self, "-o", "json", "-c", f"trace {MESH} -t 60")
        try:
            trace.begin(self.ping)
            self.line.cut()
            try:
                wait_for(lambda: not self.link()["up"], "the link is suspended")
                said = self.fails(PING % 2, 1, "suspended", "its link is cut", seconds=5)
                expect(self.actor("/cloud/store")["phase"] == "running", "the cloud itself is as before")
            finally:
                self.line.heal()
            wait_for(self.answers, "the node answers again", 30)
            expect(self.link()["up"], "the link is up")
            # The trace outlives the cut.
            self.ping(5000)
            t = trace.next_after(4999)
            expect(number_of(t) == 5000 and trace.p.poll() is None, f"{t}")
        finally:
            trace.end()
        return said

    def a_new_agent_is_found(self):
        self.edge.kill9()
        wait_for(lambda: not self.link()["up"], "the link is suspended")
        said = self.fails(PING % 2, 1, "suspended", "its link is cut", seconds=5)
        self.start_edge()
        wait_for(self.answers, "the new agent answers", 60)
        expect(self.actor(AGENT)["restarts"] == 0 and self.json("crashes /node/n1")["total"] == 0, "a new process counts anew")
        wait_for(lambda: self.pod in [a["path"] for a in self.json("tree /node/n1")["actors"]], "its pod's actor is there again")
        guests = [v for v in self.json("links")["links"] if v["island"].startswith("/repl/")]
        expect(len(guests) == 1 and guests[0]["up"], f"of all REPLs that there were this one alone is linked: {guests}")
        return said

    def a_new_cloud_is_joined(self):
        """One REPL, through the end of its cloud: it says what is the matter and goes on where there is somebody again."""
        t = Terminal(self.w)
        t.type(" ".join(self.argv()), "Enter")
        t.await_text("joined /cloud", "skerry /cloud>")
        t.type(PING % 5, "Enter")
        t.await_text('ProbePong {"number":4711,"island":"/node/n1"}')
        t.type("C-l", "watch -i 0.3 links", "Enter")
        t.await_text("q ends it", "ISLAND")
        self.cloud.kill9()
        t.await_text("> watch -i 0.3 links", "links: /cloud ")
        expect(not t.alternate(), "the first screen again")
        t.type("C-l", "ls", "Enter")
        gone = t.await_text("ls: ", "/cloud", "no longer runs, or not yet again")
        self.start_cloud()
        t.type("C-l", "ls /cloud", "Enter")
        again = t.await_text("joined /cloud again", "controllers/")
        wait_for(self.answers, "the node has found the new cloud", 60)
        t.type("C-l", PING % 5, "Enter")
        t.await_text('ProbePong {"number":4711,"island":"/node/n1"}')
        t.type("C-l", "inf")
        t.await_text("> inf")
        self.cloud.kill9()
        told = t.await_text("/cloud went away; the next command joins it again", "> inf")
        self.start_cloud()
        t.type("C-c", "tree /cloud/store", "Enter")
        t.await_text("joined /cloud again", "running")
        t.type("quit", "Enter")
        t.await_text("done:")
        return "\n".join(x.strip() for x in (gone, again, told))


def body(world, report):
    r = NodeRepl(world)
    for name in ("a_node_joins", "its_tree_is_shown", "its_link_is_counted", "messages_are_traced", "letters_reach_its_actors",
                 "a_killed_actor_comes_back", "a_suspended_node_holds_letters", "it_is_watched", "a_cut_line_is_told",
                 "a_new_agent_is_found", "a_new_cloud_is_joined"):
        if not report.step(name.replace("_", " "), getattr(r, name)) and name == "a_node_joins":
            raise SystemExit("nothing more can be tested")


if __name__ == "__main__":
    sys.exit(harness.main(__doc__, "repl_node", body))
