#!/usr/bin/env python3
"""Devices (Modbus, MQTT) applied with kubectl live as twins on their node: their values move and show, what is desired reaches them, through
restarts of the agent, with the cloud away, and when the device itself goes and comes back."""
import json
import os
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from devices_mqtt import Thermostat
from harness import ROOT, Failed, expect, run, wait_for

NODE = "rock-1"
NAME = "boiler-1"
REQUESTS = 90  # the peer's register that says how many requests came


class Peer:
    """The device, and a look into it past everything that is tested: Modbus TCP by hand."""

    def __init__(self, world):
        self.w, self.port = world, harness.free_port()
        self.process, self.asked = None, 0

    def start(self):
        self.asked = 0
        self.process = self.w.start("peer", [os.path.join(self.w.build, "bin/modbus_peer"), str(self.port)])
        wait_for(lambda: self.register(1) == 1001, "the peer answers", 10)

    def ask(self, function, *words):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as s:
                self.asked += 1
                s.sendall(struct.pack(">HHHBB", 1, 0, 2 + 2 * len(words), 1, function) + struct.pack(f">{len(words)}H", *words))
                answer = s.recv(300)
        except OSError as e:
            raise Failed(f"the peer does not answer: {e}") from e
        expect(len(answer) > 9 and answer[7] == function, f"the peer answers {answer.hex()}")
        return answer[9:]

    def register(self, address):
        return struct.unpack(">H", self.ask(3, address, 1)[:2])[0]

    def coil(self, address):
        return self.ask(1, address, 1)[0] & 1

    def others(self):
        """How many requests others than we have made."""
        return self.register(REQUESTS) - self.asked

    def polled(self, times=20):
        before = self.others()
        wait_for(lambda: self.others() - before > times, "the device is polled")


class Devices:
    def __init__(self, world):
        self.w, self.port = world, harness.free_port()
        self.data, self.node_data = world.path("cloud"), world.path("node")
        self.server = f"https://127.0.0.1:{self.port}"
        self.peer = Peer(world)
        self.cloud = self.edge = self.k = None

    # -- looks ----------------------------------------------------------------------------------------------------------
    def device(self):
        return self.k.get("device", NAME)

    def state(self):
        return self.device().get("status", {}).get("state")

    def twin(self, name, of=None):
        status = of or self.device().get("status", {})
        for t in status.get("twins", []):
            if t["propertyName"] == name:
                return t
        raise Failed(f"no twin of {name}: {status}")

    def value(self, name):
        t = self.twin(name)["reported"]
        expect(t["metadata"]["quality"] == "good", f"{name} is {t}")
        return t["value"]

    def desire(self, name, value, check=True):
        patch = f'{{"spec":{{"properties":[{{"name":"{name}","desired":{{"value":"{value}"}}}}]}}}}'
        return self.k("patch", "device", NAME, "-p", patch, check=check)

    # -- steps ----------------------------------------------------------------------------------------------------------
    def start_cloud(self):
        self.cloud = self.w.cloud(self.data, self.port)
        self.k = self.w.await_api(self.cloud, self.data)

    def start_edge(self, *more):
        self.edge = self.w.edge(self.node_data, self.server, NODE, *more)

    def set_up(self):
        self.peer.start()
        self.start_cloud()
        token = run([self.w.skerry, "token", "create", "--data-dir", self.data]).out.strip()
        self.start_edge("--token", token)
        wait_for(lambda: [n for n in self.k.items("nodes") if n["metadata"]["name"] == NODE], "the node joins")

    def apply(self):
        with open(os.path.join(ROOT, "examples/devices/boiler.yaml"), encoding="utf-8") as f:
            self.manifest = f.read().replace('"1502"', f'"{self.peer.port}"')
        self.k("apply", "-f", "-", text=self.manifest)
        wait_for(lambda: self.state() == "online", "the device is online")
        wait_for(lambda: self.value("temperature") == "21.5", "its values show")
        expect(self.k("apply", "-f", "-", text=self.manifest).out.count("unchanged") == 2, "a second apply changes nothing")
        return self.k("get", "devices").out

    def values_move(self):
        first = int(self.value("count"))
        wait_for(lambda: int(self.value("count")) > first + 5, "the count moves")
        status = self.k.get("devicestatus", NAME)
        expect(int(self.twin("count", status["status"])["reported"]["value"]) > first, "the DeviceStatus moves too")
        expect(status["metadata"]["ownerReferences"][0]["kind"] == "Device", "and is owned by the device")
        try:
            watched = subprocess.run(self.k.argv("get", "devices", "-w", "--request-timeout=4s"), capture_output=True, text=True,
                                     timeout=30, check=False).stdout
        except subprocess.TimeoutExpired as e:
            raise Failed("the watch does not end") from e
        lines = [line for line in watched.splitlines() if "count=" in line]
        expect(len(set(lines)) >= 3, f"a watch shows the values move: {watched}")
        return "\n".join(lines[:3])

    def desired_reaches_the_device(self):
        wait_for(lambda: self.peer.register(2) == 30, "the desired value of the manifest is at the device")
        self.desire("setpoint", 42)
        wait_for(lambda: self.peer.register(2) == 42, "the patched value is at the device")
        self.desire("pump", "true")
        wait_for(lambda: self.peer.coil(0) == 1, "the pump is on")
        wait_for(lambda: self.twin("setpoint").get("observedDesired", {}).get("value") == "42", "it is said that it was taken")
        wait_for(lambda: self.value("setpoint") == "42", "and read back")

    def what_is_wrong_is_refused(self):
        said = self.desire("setpoint", 101, check=False)
        expect(said.code != 0 and "spec.properties[2].desired.value" in said.err and "maximum" in said.err, said.all)
        bad = self.manifest.replace("name: pump\n      collectCycle", "name: fan\n      collectCycle")
        said = self.k("apply", "-f", "-", text=bad, check=False)
        expect("unknown property" in said.err and "spec.properties[3].name" in said.err, said.all)
        bad = self.manifest.replace("offset: 2", "offset: 0")
        said = self.k("apply", "-f", "-", text=bad, check=False)
        expect("two visitors for one register" in said.err, said.all)
        return said.err.strip()[:200]

    def cloud_away(self):
        self.samples_since = int(time.time() * 1000) - 2000
        self.count_before = self.peer.register(0)
        self.cloud.kill9()
        self.peer.polled()
        self.edge.kill9()
        time.sleep(0.3)  # the peer counts each 100 ms
        stopped = self.peer.others()
        self.start_edge()
        wait_for(lambda: self.peer.others() - stopped > 20, "the new agent polls, without a cloud")
        expect(self.peer.register(2) == 42, "what the device holds stays")
        self.count_after = self.peer.register(0)
        self.start_cloud()
        count = self.peer.register(0)
        wait_for(lambda: int(self.value("count")) >= count, "the cloud hears of what is now")
        wait_for(lambda: self.state() == "online", "the device is online")

    def samples_of_the_outage(self):
        """What was read while the cloud was away, and by two agents, is there once and in order."""
        since = self.samples_since

        def samples(property_name):
            path = f"/apis/telemetry.skerry.io/v1/namespaces/default/devices/{NAME}/samples?property={property_name}&from={since}"
            return json.loads(self.k("get", "--raw", path).out)["items"]
        newest = int(self.value("count"))
        wait_for(lambda: samples("count") and samples("count")[-1]["value"] >= newest, "the samples are up to now")
        items = samples("count")
        values, times = [i["value"] for i in items], [i["time"] for i in items]
        expect(times == sorted(set(times)), f"each sample is there once: {times}")
        expect(values == sorted(values), f"and in order: {values}")
        # It is read each 200 ms, and counts each 100 ms; nobody reads while one agent is dead and the next one starts.
        gaps = [(a, b) for a, b in zip(values, values[1:]) if b - a > 10]
        expect(len(gaps) <= 1, f"no sample is missing but where there was no agent: {gaps}")
        expect(values[0] <= self.count_before and values[-1] > self.count_after, f"the outage lies between {values[0]} and {values[-1]}")
        during = [v for v in values if self.count_before < v < self.count_after]
        expect(len(during) >= 5, f"what was read without a cloud is there: {during}")
        path = f"/apis/telemetry.skerry.io/v1/namespaces/default/devices/{NAME}/samples?property=count&step=1s&agg=max&format=csv"
        table = self.k("get", "--raw", path).out
        expect(table.startswith("time,property,value,count\n") and ",count," in table, f"as CSV: {table[:200]}")
        said = self.k("get", "--raw", path.replace("agg=max", "agg=median"), check=False)
        expect(said.code != 0 and "agg" in said.err, f"what is wrong is named: {said.all}")
        said = self.k("get", "--raw", path.replace(NAME, "nobody"), check=False)
        expect(said.code != 0 and "not found" in said.err.lower(), f"no such device: {said.all}")
        return f"{len(values)} samples, {len(during)} of them while the cloud was away"

    def desired_while_the_agent_is_away(self):
        self.edge.kill9()
        self.desire("setpoint", 55)
        expect(self.peer.register(2) == 42, "nobody is there to write it")
        self.start_edge()
        wait_for(lambda: self.peer.register(2) == 55, "it is written when the agent is back")
        wait_for(lambda: self.value("setpoint") == "55", "and read back")

    def the_device_dies_and_comes_back(self):
        begun = time.monotonic()
        self.peer.process.kill9()
        wait_for(lambda: self.state() == "offline", "the device is offline", 15)
        took = time.monotonic() - begun
        wait_for(lambda: self.twin("temperature")["reported"]["metadata"]["quality"] == "bad", "its values are bad", 15)
        t = self.twin("temperature")["reported"]
        expect(t["value"] == "21.5" and t["metadata"]["why"], f"the last value and the reason stay: {t}")
        wait_for(lambda: any(e["reason"] == "DeviceOffline" and e["involvedObject"]["kind"] == "Device"
                             for e in self.k.items("events")), "an event says so")
        shown = self.k("get", "devices", "-o", "wide").out
        self.desire("setpoint", 60)
        self.peer.start()
        wait_for(lambda: self.state() == "online", "it is online again", 30)
        wait_for(lambda: self.value("temperature") == "21.5", "its values are good")
        wait_for(lambda: self.peer.register(2) == 60, "what was desired meanwhile is written")
        return f"offline at the cloud after {took:.1f} s\n{shown}"

    def the_twin_answers(self):
        asked = run([self.w.skerry, "repl", "--data-dir", self.data, "-c", f"ask /node/{NODE}/twin/default/{NAME} AskTwin"])
        expect("online" in asked.out and "21.5" in asked.out, f"the twin answers by its path: {asked.all}")
        return asked.out.strip()[:200]

    def out_of_reach(self):
        """A Bluetooth device that nobody hears, on a machine that may have no Bluetooth at all (test/guest/bluetooth has one)."""
        with open(os.path.join(ROOT, "examples/devices/thermometer.yaml"), encoding="utf-8") as f:
            self.k("apply", "-f", "-", text=f.read())

        def status():
            return self.k.get("device", "thermometer-1").get("status", {})
        wait_for(lambda: status().get("state") == "offline", "it is offline", 40)
        wait_for(lambda: self.twin("temperature", status())["reported"]["metadata"]["quality"] == "bad", "its values are bad", 15)
        why = self.twin("temperature", status())["reported"]["metadata"]["why"]
        expect("Bluetooth" in why or "connection" in why, f"and say why: {why}")
        wait_for(lambda: self.value("temperature") == "21.5", "others are as they were")
        self.k("delete", "device", "thermometer-1", "--wait=false")
        return why

    def delete(self):
        def names(resource):
            return [o["metadata"]["name"] for o in self.k.items(resource)]
        self.k("delete", "device", NAME, "--wait=false")
        wait_for(lambda: NAME not in names("devices"), "the device is gone")
        wait_for(lambda: NAME not in names("devicestatuses"), "its status goes with it")

        def quiet():
            time.sleep(0.3)
            before = self.peer.others()
            time.sleep(1)
            return self.peer.others() <= before
        wait_for(quiet, "nobody polls it any more")


def body(world, report):
    d = Devices(world)
    t = Thermostat(d)
    steps = [("cloud, node and device start", d.set_up), ("manifests of KubeEdge apply", d.apply), ("values move", d.values_move),
             ("desired values reach the device", d.desired_reaches_the_device),
             ("what is wrong is refused by name", d.what_is_wrong_is_refused),
             ("the cloud is away, the agent is killed", d.cloud_away),
             ("samples of the outage are there once, in order", d.samples_of_the_outage),
             ("desired while the agent is away", d.desired_while_the_agent_is_away),
             ("the device dies and comes back", d.the_device_dies_and_comes_back), ("the twin answers by its path", d.the_twin_answers),
             ("a device that speaks MQTT", t.applied),
             ("what is desired is published", t.desired), ("the MQTT device and its broker die and come back", t.dies),
             ("a Bluetooth device out of reach", d.out_of_reach), ("the device is deleted", d.delete)]
    for name, action in steps:
        if not report.step(name, action):
            return


if __name__ == "__main__":
    sys.exit(harness.main(__doc__, "devices", body))
