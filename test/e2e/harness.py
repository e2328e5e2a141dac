"""What the end-to-end tests share: commands with deadlines, conditions with deadlines, processes by pid, kubectl, and a
report of steps. Everything a test starts is stopped by `World.close`, whatever happened."""
import argparse
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


class Failed(Exception):
    """A step did not see what it must see."""


def expect(holds, what):
    if not holds:
        raise Failed(what)


def wait_for(condition, what, seconds=30, every=0.1):
    """Returns the first true value of `condition()`; one that raises Failed counts as not yet."""
    deadline = time.monotonic() + seconds
    last = ""
    while True:
        try:
            value = condition()
            if value:
                return value
        except Failed as e:
            last = f"; last: {e}"
        if time.monotonic() > deadline:
            raise Failed(f"{seconds} s passed until {what}{last}")
        time.sleep(every)


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def all(self):
        return self.out + self.err


def run(argv, text=None, seconds=60, env=None, check=True):
    """Runs a command to its end. With `check`, a code other than 0 is a failure that shows what it said."""
    try:
        p = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=seconds, env=env, errors="replace")
    except subprocess.TimeoutExpired as e:
        raise Failed(f"{' '.join(argv)}: hung for {seconds} s") from e
    if check and p.returncode != 0:
        raise Failed(f"{' '.join(argv)}: code {p.returncode}: {(p.stderr or p.stdout).strip()[-1500:]}")
    return Result(p.returncode, p.stdout, p.stderr)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


class Process:
    """A program of ours that runs until stopped; what it says goes to a log file."""

    def __init__(self, name, argv, log, env=None):
        self.name, self.log = name, log
        with open(log, "ab") as out:
            self.p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, start_new_session=True)

    @property
    def pid(self):
        return self.p.pid

    def running(self):
        return self.p.poll() is None

    def kill9(self):
        if self.running():
            self.p.kill()
        self.p.wait(10)

    def stop(self, seconds=30):
        """SIGTERM; returns the exit code. Failing to end in time is a failure (and it is killed)."""
        if self.running():
            self.p.terminate()
        try:
            return self.p.wait(seconds)
        except subprocess.TimeoutExpired as e:
            self.kill9()
            raise Failed(f"{self.name} did not end within {seconds} s of SIGTERM; its last words:\n{self.tail()}") from e

    def tail(self, lines=15):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as f:
                return "".join(f.readlines()[-lines:])
        except OSError:
            return ""


class Kubectl:
    """kubectl with one kubeconfig; `binary` may be any version."""

    def __init__(self, binary, config, cache):
        self.binary, self.config, self.cache = binary, config, cache

    def argv(self, *args):
        return [self.binary, "--kubeconfig", self.config, "--cache-dir", self.cache, *args]

    def __call__(self, *args, text=None, seconds=60, check=True):
        return run(self.argv(*args), text=text, seconds=seconds, check=check)

    def get(self, *args, seconds=30):
        return json.loads(self("get", *args, "-o", "json", seconds=seconds).out)

    def items(self, *args):
        return self.get(*args)["items"]


class World:
    """A temporary directory, and all that runs in it."""

    def __init__(self, options, name):
        self.options = options
        self.skerry = os.path.abspath(options.skerry)
        self.build = os.path.dirname(os.path.dirname(self.skerry))
        self.dir = tempfile.mkdtemp(prefix=f"skerry-{name}-", dir=options.dir)
        self.processes, self.closers, self.edges = [], [], set()
        self.number = os.getpid() % 200
        self.bridge = f"sk{os.getpid() % 100000}"
        self.pod_cidr = f"10.{100 + self.number % 100}.{self.number}.0/24"

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def start(self, name, argv, env=None):
        number = sum(p.name == name for p in self.processes) + 1
        p = Process(name, argv, self.path(f"{name}-{number}.log"), env)
        self.processes.append(p)
        return p

    def runs_edge(self, data):
        """Notes that an edge works in `data`: what it makes outside of it goes in the end."""
        self.edges.add(data)

    def cloud(self, data, port, *more):
        return self.start("cloud", [self.skerry, "cloud", "--data-dir", data, "--listen", f"127.0.0.1:{port}", *more])

    def edge(self, data, server, node, *more):
        self.runs_edge(data)
        return self.start("edge", [self.skerry, "edge", "--data-dir", data, "--server", server, "--node", node,
                                   "--bridge", self.bridge, "--pod-cidr", self.pod_cidr, *more])

    def kubectl(self, data, binary="kubectl"):
        return Kubectl(binary, os.path.join(data, "admin.kubeconfig"), self.path("kubectl-cache"))

    def await_api(self, cloud, data, seconds=30):
        """Waits until the API answers, or says at once why the cloud ended."""
        k = self.kubectl(data)

        def ready():
            if not cloud.running():
                raise SystemExit(f"the cloud ended with code {cloud.p.returncode}:\n{cloud.tail()}")
            return os.path.exists(k.config) and k("get", "--raw", "/readyz", check=False, seconds=10).out.strip() == "ok"

        wait_for(ready, "the API is ready", seconds)
        return k

    def logs(self):
        for log in sorted(glob.glob(self.path("*.log"))):
            with open(log, encoding="utf-8", errors="replace") as f:
                tail = f.readlines()[-25:]
            print(f"--- last lines of {os.path.basename(log)}\n" + "".join(tail), flush=True)

    def close(self):
        for p in reversed(self.processes):
            try:
                p.stop(20)
            except Failed as e:
                print(e)
        for c in reversed(self.closers):
            c()
        power_cut(self)
        if self.options.keep:
            print(f"kept: {self.dir}")
        else:
            shutil.rmtree(self.dir, ignore_errors=True)


class Report:
    """Numbered steps, each passed or failed, with what it saw."""

    def __init__(self):
        self.passed, self.failed, self.begun = 0, 0, time.monotonic()

    def step(self, name, action):
        """Runs one step; returns whether it passed. What it returns is printed as what it saw."""
        begun = time.monotonic()
        try:
            saw = action()
        except (Failed, OSError, KeyError, IndexError, ValueError, subprocess.SubprocessError) as e:
            self.failed += 1
            where = traceback.extract_tb(e.__traceback__)
            place = next((f for f in reversed(where) if "harness" not in f.filename and "test/e2e" in f.filename), where[-1])
            print(f"FAIL {name} ({time.monotonic() - begun:.1f} s)\n     {type(e).__name__} at {os.path.basename(place.filename)}:"
                  f"{place.lineno}: {e}", flush=True)
            return False
        self.passed += 1
        print(f"ok   {name} ({time.monotonic() - begun:.1f} s)", flush=True)
        for line in (saw or "").strip().splitlines():
            print(f"       {line}", flush=True)
        return True

    def finish(self):
        print(f"\n{time.monotonic() - self.begun:.0f} s\n{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed or not self.passed else 0


def options(description):
    p = argparse.ArgumentParser(description=description)
    p.add_argument("--skerry", default=os.path.join(ROOT, "build/bin/skerry"), help="the binary under test")
    p.add_argument("--dir", default=None, help="where the temporary directory is made (not on an overlay)")
    p.add_argument("--keep", action="store_true", help="keep the temporary directory")
    p.add_argument("--only", default="", help="only steps or cases whose name contains this")
    o = p.parse_args()
    if not os.access(o.skerry, os.X_OK):
        p.error(f"{o.skerry} is not there: build it first (tools/quickstart --build-only), or give --skerry")
    return o


def main(description, name, body, needs_root=True):
    """Runs `body(world, report)` and always cleans up; the last line is "N passed, N failed"."""
    o = options(description)
    if needs_root and os.geteuid() != 0:
        print(f"{name}: real containers need root; run it as root", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    world, report = World(o, name), Report()
    try:
        body(world, report)
    except SystemExit as e:
        report.failed += 1
        print(f"FAIL {e}", flush=True)
    finally:
        if report.failed:
            world.logs()
        world.close()
    return report.finish()


# ---- what may be left on the machine ------------------------------------------------------------------------------------

def mountinfo(pid="self"):
    try:
        with open(f"/proc/{pid}/mountinfo", encoding="utf-8", errors="replace") as f:
            return [line.split() for line in f]
    except OSError:
        return []


def run_dir(data):
    """Where an edge keeps what ends with the machine: as tools/skerry names it, by the FNV-1a hash of its data directory."""
    h = 2166136261
    for byte in data.encode():
        h = (h ^ byte) * 16777619 & 0xffffffff
    return f"/run/skerry-{h:08x}"


def mounts_of(*directories):
    """Mount points at or below these directories (a network namespace is held by a mount, too)."""
    return [m[4] for m in mountinfo() if len(m) > 4 and any(m[4] == d or m[4].startswith(d + "/") for d in directories)]


def process_table():
    """pid -> (parent's pid, command line) of all that runs."""
    table = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                command = f.read().replace(b"\0", b" ").decode(errors="replace").strip()
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
                state, parent = f.read().rsplit(")", 1)[1].split()[:2]
        except OSError:
            continue
        if state not in "ZX" and int(pid) != os.getpid():
            table[int(pid)] = (int(parent), command)
    return table


def _in_container(pid, directory, table):
    """True if its root is an overlay below `directory`, or an ancestor is a conmon that works for `directory`."""
    if any(m[4] == "/" and directory in " ".join(m) for m in mountinfo(pid)):
        return True
    parent = table[pid][0]
    while parent in table:
        command = table[parent][1]
        if directory in command and "conmon" in command.split(" ", 1)[0]:
            return True
        parent = table[parent][0]
    return False


def containers_of(directory):
    """pid -> command line of what runs inside containers that live below `directory`."""
    table = process_table()
    return {pid: command for pid, (_, command) in table.items() if directory not in command and _in_container(pid, directory, table)}


def processes_of(directory):
    """pid -> command line of what runs for `directory`: named in the command line (skerry, conmon), or in a container of it."""
    found = {pid: command for pid, (_, command) in process_table().items() if directory in command}
    return {**found, **containers_of(directory)}


def power_cut(world):
    """What a machine forgets without power: processes, mounts, network, cgroups, /run. Its disk stays."""
    for pid in processes_of(world.dir):
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    deadline = time.monotonic() + 5
    while processes_of(world.dir) and time.monotonic() < deadline:
        time.sleep(0.05)
    runs = [run_dir(d) for d in world.edges]
    for mount in sorted(mounts_of(world.dir, *runs), reverse=True):
        subprocess.run(["umount", "-l", mount], capture_output=True, check=False)
    for folder in runs:
        shutil.rmtree(folder, ignore_errors=True)
        for group in glob.glob(f"/sys/fs/cgroup/{folder[5:]}") + glob.glob(f"/sys/fs/cgroup/*/{folder[5:]}"):
            for inner, _, _ in os.walk(group, topdown=False):
                try:
                    os.rmdir(inner)
                except OSError:
                    pass
    if world.edges:
        subprocess.run(["ip", "link", "delete", world.bridge], capture_output=True, check=False)
        subprocess.run(["iptables", "-w", "-t", "nat", "-D", "POSTROUTING", "-s", world.pod_cidr, "!", "-d", world.pod_cidr, "-m", "comment",
                        "--comment", f"skerry {world.bridge}", "-j", "MASQUERADE"], capture_output=True, check=False)
