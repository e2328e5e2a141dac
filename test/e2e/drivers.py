#!/usr/bin/env python3
"""Drivers of others: one is built outside the tree against an installed Skerry, by a C header alone, and put beside the program;
devices ask for it by name. What is no driver harms only the devices that ask for it."""
import os
import shutil
import stat
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from harness import ROOT, Failed, expect, run, wait_for

NODE = "rock-1"
EXAMPLE = os.path.join(ROOT, "examples", "file-sensor")


class Drivers:
    def __init__(self, world):
        self.w, self.port = world, harness.free_port()
        self.data, self.node_data = world.path("cloud"), world.path("node")
        self.server = f"https://127.0.0.1:{self.port}"
        self.prefix, self.zone = world.path("prefix"), world.path("zone")
        self.drivers = os.path.join(self.prefix, "lib", "skerry", "drivers")
        self.cloud = self.edge = self.k = None

    # -- looks ----------------------------------------------------------------------------------------------------------
    def status(self, name="zone-0"):
        return self.k.get("device", name).get("status", {})

    def reported(self, name):
        for t in self.status().get("twins", []):
            if t["propertyName"] == name:
                return t["reported"]
        raise Failed(f"no twin of {name}: {self.status()}")

    def value(self, name):
        r = self.reported(name)
        expect(r["metadata"]["quality"] == "good", f"{name} is {r}")
        return r["value"]

    def says(self, why, name="zone-0"):
        said = self.status(name).get("extensions", {}).get("reason", "")
        expect(why in said, f"{name} says '{said}'")
        return said

    def put(self, file, text):
        """As a kernel's file: it is never seen half written."""
        with open(os.path.join(self.zone, file + ".new"), "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(os.path.join(self.zone, file + ".new"), os.path.join(self.zone, file))

    def at_device(self, file):
        with open(os.path.join(self.zone, file), encoding="utf-8") as f:
            return f.read()

    # -- steps ----------------------------------------------------------------------------------------------------------
    def build(self):
        run(["cmake", "--install", self.w.build, "--prefix", self.prefix], seconds=120)
        source, out = self.w.path("file-sensor"), self.w.path("file-sensor", "build")
        shutil.copytree(EXAMPLE, source)
        run(["cmake", "-S", source, "-B", out, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_PREFIX_PATH={self.prefix}"])
        run(["ninja", "-C", out], seconds=60)
        return f"file.so has {os.path.getsize(os.path.join(out, 'file.so'))} bytes"

    def start_edge(self, *more):
        self.edge = self.w.edge(self.node_data, self.server, NODE, *more)

    def without_it(self):
        """The device asks for a driver that is not there: it says so, and where it would be looked for."""
        os.mkdir(self.zone)
        self.put("temp", "47200\n")
        self.put("policy", "step_wise\n")
        self.w.skerry = os.path.join(self.prefix, "bin", "skerry")
        self.cloud = self.w.cloud(self.data, self.port)
        self.k = self.w.await_api(self.cloud, self.data)
        self.start_edge("--token", run([self.w.skerry, "token", "create", "--data-dir", self.data]).out.strip())
        wait_for(lambda: [n for n in self.k.items("nodes") if n["metadata"]["name"] == NODE], "the node joins")
        with open(os.path.join(EXAMPLE, "thermal.yaml"), encoding="utf-8") as f:
            self.manifest = f.read().replace("/sys/class/thermal/thermal_zone0", self.zone)
        self.k("apply", "-f", "-", text=self.manifest)
        wait_for(lambda: self.status().get("state") == "offline", "the device cannot be driven")
        wait_for(lambda: any(e["reason"] == "DeviceUnusable" for e in self.k.items("events")), "an event says so")
        with open(f"/proc/{self.edge.pid}/maps", encoding="utf-8") as f:
            expect(self.drivers not in f.read(), "nothing of the folder is loaded")
        return self.says(f"there is no {self.drivers}/file.so")

    def with_it(self):
        self.edge.stop()
        shutil.copy(self.w.path("file-sensor", "build", "file.so"), self.drivers)
        self.start_edge()
        wait_for(lambda: self.status().get("state") == "online", "the device is online")
        wait_for(lambda: (self.value("temperature"), self.value("policy")) == ("47.2", "step_wise"), "its values show")
        self.put("temp", "51000\n")
        wait_for(lambda: self.value("temperature") == "51", "a new value shows")
        return self.k("get", "device", "zone-0").out

    def desired(self):
        self.k("patch", "device", "zone-0", "-p", '{"spec":{"properties":[{"name":"policy","desired":{"value":"user_space"}}]}}')
        wait_for(lambda: self.at_device("policy") == "user_space", "what is desired is in the file")
        wait_for(lambda: self.value("policy") == "user_space", "and read back", 40)

    def goes_and_comes_back(self):
        os.remove(os.path.join(self.zone, "temp"))
        wait_for(lambda: "No such file" in self.reported("temperature")["metadata"].get("why", ""), "a file that is gone is bad, and says why")
        os.rename(self.zone, self.zone + "-away")
        wait_for(lambda: self.status().get("state") == "offline", "without its directory the device is offline")
        os.rename(self.zone + "-away", self.zone)
        self.put("temp", "20000\n")
        wait_for(lambda: self.status().get("state") == "online" and self.value("temperature") == "20", "it comes back by itself")

    def what_is_no_driver(self):
        """Files that are no drivers, or that everybody may write to, are refused; the good one goes on."""
        with open(os.path.join(self.drivers, "text.so"), "w", encoding="utf-8") as f:
            f.write("this is no shared object\n")
        everybodys = os.path.join(self.drivers, "open.so")
        shutil.copy(os.path.join(self.drivers, "file.so"), everybodys)
        os.chmod(everybodys, os.stat(everybodys).st_mode | stat.S_IWOTH)
        shutil.copy(os.path.join(self.drivers, "file.so"), os.path.join(self.drivers, "other.so"))
        said = []
        for protocol, why in (("text", "cannot be loaded"), ("open", "written to by everybody"), ("other", "is for protocol 'file'"),
                              ("..", "no driver for protocol '..'")):
            name = f"bad-{len(said)}"
            self.k("apply", "-f", "-", text=self.manifest.replace("zone-0", name).replace("protocolName: file", f"protocolName: '{protocol}'"))
            said.append(wait_for(lambda n=name, w=why: self.says(w, n), f"{protocol} is refused"))
        self.put("temp", "21000\n")
        wait_for(lambda: self.value("temperature") == "21", "the good one goes on")
        return "\n".join(said)

    def a_configuration_it_does_not_take(self):
        self.k("apply", "-f", "-", text=self.manifest.replace("zone-0", "nowhere").replace("directory: /", "directory: nowhere/"))
        return wait_for(lambda: self.says("configData.directory must be a path", "nowhere"), "its driver's reason shows")


def body(world, report):
    d = Drivers(world)
    for name, action in [("a driver is built outside the tree", d.build), ("a device without its driver", d.without_it),
                         ("a device with its driver", d.with_it), ("what is desired is written", d.desired),
                         ("the device goes and comes back", d.goes_and_comes_back), ("what is no driver is refused", d.what_is_no_driver),
                         ("a configuration that the driver refuses", d.a_configuration_it_does_not_take)]:
        if not report.step(name, action):
            return


if __name__ == "__main__":
    sys.exit(harness.main(__doc__, "drivers", body))
