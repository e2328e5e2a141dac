#!/usr/bin/env python3
"""`skerry repl`: in a real terminal (tmux) as people use it, and by -c, standard input and -o json as scripts do."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from harness import expect, wait_for


class Terminal:
    """A tmux server of its own, with one pane of 110 by 30."""

    def __init__(self, world):
        self.socket = world.path("tmux.sock")
        self.env = {**os.environ, "XDG_STATE_HOME": world.path("state"), "TERM": "xterm", "NO_COLOR": "1"}
        self.env.pop("TMUX", None)
        world.closers.append(lambda: self.tmux("kill-server", check=False))
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "110", "-y", "30", "/bin/sh")
        self.type("PS1='done: '", "Enter")

    def tmux(self, *args, check=True):
        return harness.run(["tmux", "-S", self.socket, *args], env=self.env, check=check, seconds=10)

    def type(self, *keys):
        self.tmux("send-keys", *keys)

    def screen(self):
        return self.tmux("capture-pane", "-p").out

    def await_text(self, *parts, gone=(), seconds=15):
        def there():
            text = self.screen()
            missing = [p for p in parts if p not in text]
            extra = [p for p in gone if p in text]
            if missing or extra:
                raise harness.Failed(f"screen without {missing}, with {extra}:\n{text}")
            return text
        return wait_for(there, f"the screen shows {parts}", seconds)

    def alternate(self):
        return self.tmux("display-message", "-p", "#{alternate_on}").out.strip() == "1"


class Repl:
    def __init__(self, world):
        self.w, self.data, self.edge_data, self.port = world, world.path("cloud"), world.path("edge"), harness.free_port()
        self.cloud = self.t = None

    def argv(self, *args, data=None):
        return [self.w.skerry, "repl", "--data-dir", data or self.data, *args]

    def run(self, *commands, data=None, text=None, code=0, more=()):
        """Runs commands by -c (or `text` on standard input); returns the result, whose code is checked."""
        args = [a for c in commands for a in ("-c", c)]
        r = harness.run(self.argv(*args, *more, data=data), text=text, check=False, seconds=30)
        expect(r.code == code, f"code {r.code}, not {code}, of {commands or text!r}: {r.all}")
        return r

    def json(self, command, data=None):
        return json.loads(self.run(command, data=data, more=("-o", "json")).out)

    def traced(self, path, data):
        """Traces the mesh actor at `path` while it is asked; what the trace shows, decoded."""
        trace = subprocess.Popen(self.argv("-c", f"trace {path} -n 1 -t 15", data=data), stdout=subprocess.PIPE, text=True)
        while trace.poll() is None:
            self.run('ask %s ProbePing {"number": 4711}' % path, data=data)
        out = trace.communicate(timeout=10)[0]
        expect(trace.returncode == 0 and path in out, f"a traced message: {out}")
        return out

    # -- scripts

    def it_starts(self):
        self.cloud = self.w.cloud(self.data, self.port)
        self.w.await_api(self.cloud, self.data)
        token = harness.run([self.w.skerry, "token", "create", "--data-dir", self.data]).out.strip()
        edge = self.w.edge(self.edge_data, f"https://127.0.0.1:{self.port}", "n1", "--token", token)
        wait_for(lambda: edge.running() and harness.run(self.argv("-c", "ls", data=self.edge_data), check=False).code == 0,
                 "the edge can be looked into", 60)
        return self.run("ls").out

    def scripts_get_tables_and_json(self):
        tree = self.json("tree")
        paths = [a["path"] for a in tree["actors"]]
        for p in ("/cloud", "/cloud/store", "/cloud/controllers/scheduler", "/cloud/admin"):
            expect(p in paths, f"{p} in {paths}")
        expect(all(a["phase"] == "running" for a in tree["actors"]), f"all run: {tree}")
        shown = self.run("tree /cloud/api").out
        expect("├─ watches" in shown and "running" in shown, shown)
        info = self.json("info /cloud/store")
        expect(info["supervisor"] == "/cloud" and info["actor"]["kind"] == "worker", f"{info}")
        pong = self.json('ask /cloud/mesh ProbePing {"number": 7}')
        expect(pong == {"number": 7, "island": "/cloud"}, f"{pong}")
        r = self.run(text="# a comment\nls /cloud\n\nlog debug\nlog info\n")
        expect("controllers/" in r.out and "it was debug" in r.out, r.out)
        return shown

    def what_is_wrong_is_said(self):
        seen = []
        for command, code, part in (("tre", 2, "did you mean 'tree'?"), ("info", 2, "PATH is missing"),
                                    ("info /cloud/stroe", 1, "did you mean 'store'?"),
                                    ("tree /node/n9", 1, "no link to /node/n9"),
                                    ("ask /cloud/mesh ProbePnig", 2, "did you mean 'ProbePing'"),
                                    ('ask /cloud/mesh ProbePing {"nubmer": 1}', 2, "did you mean 'number'?"),
                                    ('ask /cloud/mesh ProbePing {"number": "x"}', 2, "takes a whole number"),
                                    ("watch /cloud/store.deph", 2, "did you mean 'depth'?")):
            r = self.run(command, code=code)
            expect(part in r.err, f"{command}: '{part}' in: {r.err}")
            seen.append(r.err.strip().splitlines()[0])
        r = self.run(text="ls /cloud\nfoo\nlog debug\n", code=2)
        expect("unknown command 'foo'" in r.err and "logs" not in r.out, f"a script stops where it is wrong: {r.all}")
        r = self.run("tree", data=self.w.path("nobody"), code=1)
        expect("no cloud and no edge" in r.err, r.err)
        return "\n".join(seen)

    def an_actor_is_killed_and_restarted(self):
        before = self.json("info /cloud/controllers/scheduler")["actor"]
        self.run("kill /cloud/controllers/scheduler")
        after = wait_for(lambda: self.json("info /cloud/controllers/scheduler")["actor"], "it is back")
        expect(after["restarts"] == before["restarts"] + 1 and after["actor"] != before["actor"], f"{before} {after}")
        crashes = self.json("crashes /cloud/controllers")
        expect(crashes["crashes"][-1]["path"] == "/cloud/controllers/scheduler", f"{crashes}")
        self.traced("/cloud/mesh", self.data)
        self.run("restart /cloud/controllers/deployment")
        expect(self.json("crashes")["total"] == crashes["total"], "a restart is no crash")
        return self.run("crashes").out

    def the_edge_is_looked_into(self):
        tree = self.json("tree", data=self.edge_data)
        paths = [a["path"] for a in tree["actors"]]
        expect("/node/n1/agent" in paths and "/node/n1/pod" in paths, f"{paths}")
        shown = self.traced("/node/n1/mesh", self.edge_data)
        images = harness.run([self.w.skerry, "image", "list", "--data-dir", self.edge_data]).out
        expect("NAME" in images, f"`skerry image` uses the same socket: {images}")
        return shown

    # -- a terminal

    def a_terminal_completes(self):
        self.t = t = Terminal(self.w)
        t.type(" ".join(self.argv()), "Enter")
        t.await_text("joined /cloud", "skerry /cloud>")
        t.type("inf", "Tab")
        t.await_text("skerry /cloud> info")
        t.type("/cl", "Tab")
        t.await_text("skerry /cloud> info /cloud/")
        t.type("co", "Tab")
        t.await_text("info /cloud/controllers/")
        t.type("Tab")
        t.await_text("scheduler", "replicaset", "node-sync")
        t.type("sch", "Tab", "Enter")
        return t.await_text("path        /cloud/controllers/scheduler", "kind        worker")

    def history_comes_back(self):
        t = self.t
        t.type("C-l")
        t.type("messages ProbeP", "Enter")
        t.await_text("ProbePing")
        t.type("nonsense", "C-c")
        t.type("ls /cloud/api", "Enter")
        t.await_text("watches", gone=["unknown command"])
        t.type("C-l", "Up", "Up", "Enter")
        t.await_text("> messages ProbeP", "ProbePong")
        t.type("quit", "Enter")
        t.await_text("done:")
        t.type("clear", "Enter")
        t.type(" ".join(self.argv()), "Enter")
        t.await_text("joined /cloud")
        t.type("C-r", "messages", "C-e")
        t.await_text("> messages ProbeP")
        t.type("C-c")
        history = self.w.path("state", "skerry", "repl_history")
        expect(os.stat(history).st_mode & 0o077 == 0, "nobody else may read the history")
        return "Up, Ctrl-R, over a restart; Ctrl-C drops a line"

    def top_leaves_the_screen_as_it_was(self):
        t = self.t
        t.type("C-l", "info /cloud/store", "Enter")
        before = t.await_text("path        /cloud/store")
        t.type("top -i 0.5", "Enter")
        shown = t.await_text("q ends it", "BUSY", "/cloud/")
        expect(t.alternate(), "another screen")
        t.type("q")
        t.await_text("path        /cloud/store", "> top -i 0.5")
        expect(not t.alternate(), "the first screen again")
        expect(before.splitlines()[1:5] == t.screen().splitlines()[1:5], f"as it was:\n{before}\n{t.screen()}")
        t.type("top", "Enter")
        t.await_text("q ends it")
        t.type("C-c")
        t.await_text("> top")
        expect(not t.alternate(), "Ctrl-C ends it, too")
        t.type("watch -i 0.3 links", "Enter")
        t.await_text("q ends it", "ISLAND")
        return shown

    def a_signal_leaves_the_terminal_whole(self):
        t = self.t
        pid = [p for p, (_, c) in harness.process_table().items() if c.startswith(self.w.skerry) and " repl " in c]
        expect(len(pid) == 1 and t.alternate(), f"one REPL, on its screen: {pid}")
        subprocess.run(["kill", "-TERM", str(pid[0])], check=True)
        t.await_text("done:")
        expect(not t.alternate(), "the first screen again")
        t.type("C-u", "stty -a | grep -c ' echo '", "Enter")
        t.await_text("\n1\n")
        return "SIGTERM in `watch`: screen, echo and cursor are back"


def body(world, report):
    r = Repl(world)
    for name in ("it_starts", "scripts_get_tables_and_json", "what_is_wrong_is_said", "an_actor_is_killed_and_restarted",
                 "the_edge_is_looked_into", "a_terminal_completes", "history_comes_back", "top_leaves_the_screen_as_it_was",
                 "a_signal_leaves_the_terminal_whole"):
        if not report.step(name.replace("_", " "), getattr(r, name)) and name == "it_starts":
            raise SystemExit("nothing more can be tested")


if __name__ == "__main__":
    sys.exit(harness.main(__doc__, "repl", body))
