#!/usr/bin/env python3
"""A Bluetooth LE device applied with kubectl lives as a twin: its value shows, what is desired reaches it, and when the connection is lost it is
offline and comes back. Run by test/guest/bluetooth in its guest, which has the peripheral."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
import harness
from harness import expect, run, wait_for

NODE = "rock-1"
NAME = "tag-1"
MANIFEST = """
apiVersion: devices.kubeedge.io/v1beta1
kind: DeviceModel
metadata: {{name: tag, namespace: default}}
spec:
  protocol: bluetooth
  properties:
  - {{name: temperature, type: FLOAT, accessMode: ReadWrite, maximum: "100"}}
  - {{name: label, type: STRING, accessMode: ReadOnly}}
---
apiVersion: devices.kubeedge.io/v1beta1
kind: Device
metadata: {{name: tag-1, namespace: default}}
spec:
  deviceModelRef: {{name: tag}}
  nodeName: rock-1
  protocol: {{protocolName: bluetooth, configData: {{macAddress: "{peer}", adapter: hci1}}}}
  properties:
  - name: temperature
    visitors:
      protocolName: bluetooth
      configData: {{characteristicUUID: 12345678-1234-5678-1234-56789abc0001, dataType: string}}
  - name: label
    collectCycle: 5000
    visitors:
      protocolName: bluetooth
      configData: {{characteristicUUID: 2a00, serviceUUID: 1800}}
"""


class Story:
    def __init__(self, world):
        self.w = world
        self.data = world.path("cloud")
        self.k = None

    def status(self):
        return self.k.get("device", NAME).get("status", {})

    def state(self):
        return self.status().get("state")

    def value(self, name):
        for t in self.status().get("twins", []):
            if t["propertyName"] == name and t["reported"]["metadata"]["quality"] == "good":
                return t["reported"]["value"]
        return None

    def set_up(self):
        port = harness.free_port()
        cloud = self.w.cloud(self.data, port)
        self.k = self.w.await_api(cloud, self.data, 60)
        token = run([self.w.skerry, "token", "create", "--data-dir", self.data]).out.strip()
        self.w.edge(self.w.path("node"), f"https://127.0.0.1:{port}", NODE, "--token", token)
        self.k("apply", "-f", "-", text=MANIFEST.format(peer=os.environ["SKERRY_BLE_PEER"]))

    def lives(self):
        wait_for(lambda: self.state() == "online", "the device is online", 60)
        wait_for(lambda: self.value("temperature"), "its value shows")
        wait_for(lambda: "edge-peer" in (self.value("label") or ""), "so does its name")
        said = [e["message"] for e in self.k.items("events") if e["involvedObject"]["name"] == NAME]
        return "\n".join([self.k("get", "devices").out, *said])

    def desired(self):
        self.k("patch", "device", NAME, "-p", '{"spec":{"properties":[{"name":"temperature","desired":{"value":"27.5"}}]}}')
        wait_for(lambda: self.value("temperature") == "27.5", "what is desired is written and told back")

    def lost(self):
        begun = time.monotonic()
        with open(os.environ["SKERRY_BLE_CONTROL"], "a", encoding="utf-8") as f:
            f.write(f"disconnect {os.environ['SKERRY_BLE_LOCAL']}\n")
        def offline():
            return any(e["reason"] == "DeviceOffline" and e["involvedObject"]["name"] == NAME for e in self.k.items("events"))
        wait_for(offline, "an event says that it is offline")
        took = time.monotonic() - begun
        wait_for(lambda: self.state() == "online", "it comes back by itself", 60)
        wait_for(lambda: self.value("temperature") == "27.5", "and holds what was written")
        return f"told after {took:.1f} s"


def body(world, report):
    s = Story(world)
    for name, action in [("cloud and node start", s.set_up), ("a Bluetooth device lives as a twin", s.lives),
                         ("what is desired reaches it", s.desired), ("the connection is lost and comes back", s.lost)]:
        if not report.step(name, action):
            return


if __name__ == "__main__":
    sys.exit(harness.main(__doc__, "bluetooth", body))
