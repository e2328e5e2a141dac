#!/usr/bin/env python3
"""OPC UA: a device on a real server (node-opcua) is applied with kubectl; values move, what is desired is written with the variable's
type, signed and encrypted sessions, users, what is not trusted, and a server that dies, hangs and comes back."""
import json
import os
import shutil
import signal
import sys
import time
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from harness import ROOT, Failed, expect, run, wait_for

NODE = "rock-1"
NAME = "pump-1"
PEER = "node-opcua@2.182.2"
# Debian 12's Node 18 cannot require() the later ones of this dependency, which are modules.
OLDER = {"hexy": "0.3.5"}


class Server:
    """node-opcua, by its version from npm, and a look into it past everything that is tested."""

    def __init__(self, world):
        self.w, self.port, self.control = world, harness.free_port(), harness.free_port()
        self.modules = os.path.join(world.build, "peers", PEER.replace("@", "-"))
        self.pki, self.process = world.path("pki"), None
        self.url = f"opc.tcp://127.0.0.1:{self.port}"

    def install(self):
        for program in ("node", "npm"):
            expect(shutil.which(program), f"{program} is missing: tools/install test")
        if not os.path.exists(os.path.join(self.modules, "complete")):
            os.makedirs(self.modules, exist_ok=True)
            name, version = PEER.split("@")
            with open(os.path.join(self.modules, "package.json"), "w", encoding="utf-8") as f:
                json.dump({"private": True, "dependencies": {name: version}, "overrides": OLDER}, f)
            run(["npm", "install", "--prefix", self.modules, "--no-audit", "--no-fund", "--ignore-scripts"], seconds=300)
            with open(os.path.join(self.modules, "complete"), "w", encoding="utf-8"):
                pass
        return run(["node", "--version"]).out.strip()

    def start(self):
        peer = os.path.join(ROOT, "test", "peers", "opcua_peer.js")
        self.process = self.w.start("server", ["node", peer, self.modules, str(self.port), str(self.control), self.pki])

        def ready():
            expect(self.process.running(), f"the server ended: {self.process.tail()}")
            return self.get("Label")["value"]
        wait_for(ready, "the server answers", 60)

    def get(self, name, value=None):
        change = "" if value is None else "?" + urllib.parse.quote(value)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.control}/{name}{change}", timeout=10) as answer:
                return json.load(answer)
        except OSError as e:
            raise Failed(f"the server's control does not answer: {e}") from e


class Certificates:
    """Those of clients: made by openssl, with the URI that OPC UA wants."""

    def __init__(self, world):
        self.w = world

    def make(self, name):
        key, cert, der = (self.w.path(f"{name}.{end}") for end in ("key", "pem", "der"))
        run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={name}", "-keyout", key, "-out", cert,
             "-addext", f"subjectAltName=URI:urn:skerry:{name},DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE",
             "-addext", "keyUsage=digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment",
             "-addext", "extendedKeyUsage=clientAuth,serverAuth"])
        run(["openssl", "x509", "-in", cert, "-outform", "DER", "-out", der])
        return {"certificate": der, "privateKey": key}


class Pumps:
    def __init__(self, world):
        self.w, self.port = world, harness.free_port()
        self.data, self.node_data = world.path("cloud"), world.path("node")
        self.address = f"https://127.0.0.1:{self.port}"
        self.server = Server(world)
        self.cloud = self.edge = self.k = None

    # -- looks ----------------------------------------------------------------------------------------------------------
    def status(self, name=NAME):
        return self.k.get("device", name).get("status", {})

    def reported(self, name, of=NAME):
        for t in self.status(of).get("twins", []):
            if t["propertyName"] == name:
                return t["reported"]
        raise Failed(f"no twin of {name}: {self.status(of)}")

    def value(self, name, of=NAME):
        r = self.reported(name, of)
        expect(r["metadata"]["quality"] == "good", f"{name} is {r}")
        return r["value"]

    def reason(self, name):
        return self.status(name).get("extensions", {}).get("reason", "")

    def online(self, name=NAME):
        expect(self.status(name).get("state") == "online", f"{name}: {self.reason(name)}")
        return True

    def refused(self, name, *words):
        """The device is offline, and says why."""
        def says():
            expect(self.status(name).get("state") == "offline" and all(w in self.reason(name) for w in words), self.reason(name))
            return self.reason(name)
        return wait_for(says, f"{name} says {words}")

    def apply(self, name, config=None, properties=None):
        """Another pump on the server, with other keys or other properties ({name: nodeID})."""
        device = json.loads(json.dumps(self.device))
        device["metadata"]["name"] = name
        device["spec"]["protocol"]["configData"] = {"url": self.server.url, **(config or {})}
        if properties is not None:
            device["spec"]["properties"] = [{"name": n, "visitors": {"protocolName": "opcua", "configData": {"nodeID": node}}}
                                            for n, node in properties.items()]
        return self.k("apply", "-f", "-", text=json.dumps(device), check=False)

    def desire(self, name, value, of=NAME, check=True):
        patch = {"spec": {"properties": [{"name": name, "desired": {"value": value}}]}}
        return self.k("patch", "device", of, "-p", json.dumps(patch), check=check)

    def loaded(self):
        with open(f"/proc/{self.edge.pid}/maps", encoding="utf-8") as f:
            return "libopen62541" in f.read()

    # -- steps ----------------------------------------------------------------------------------------------------------
    def set_up(self):
        version = self.server.install()
        self.server.start()
        self.cloud = self.w.cloud(self.data, self.port)
        self.k = self.w.await_api(self.cloud, self.data)
        token = run([self.w.skerry, "token", "create", "--data-dir", self.data]).out.strip()
        self.edge = self.w.edge(self.node_data, self.address, NODE, "--token", token)
        wait_for(lambda: [n for n in self.k.items("nodes") if n["metadata"]["name"] == NODE], "the node joins")
        expect(not self.loaded(), "an agent without such a device has not loaded the library")
        return f"{PEER} on node {version}"

    def applied(self):
        with open(os.path.join(ROOT, "examples/devices/opcua.yaml"), encoding="utf-8") as f:
            self.k("apply", "-f", "-", text=f.read().replace("opc.tcp://127.0.0.1:4840", self.server.url))
        self.device = self.k.get("device", NAME)
        for key in ("uid", "resourceVersion", "creationTimestamp", "annotations", "generation", "managedFields"):
            self.device["metadata"].pop(key, None)
        self.device.pop("status", None)
        wait_for(self.online, "the device is online")
        wait_for(lambda: (self.value("enabled"), self.value("label")) == ("false", "pump-1"), "its values show")
        expect(self.loaded(), "now the library is loaded")
        return self.k("get", "device", NAME).out

    def values_move(self):
        first = int(self.value("count"))
        wait_for(lambda: int(self.value("count")) > first + 5, "the count moves")
        begun = time.monotonic()
        self.server.get("Label", "pump-2")  # which is looked at once a minute, but for the server's word
        wait_for(lambda: self.value("label") == "pump-2", "a change is told by the server", 10, every=0.02)
        return f"a change shows in kubectl after {(time.monotonic() - begun) * 1000:.0f} ms, the command included"

    def desired(self):
        wait_for(lambda: self.server.get("Setpoint") == {"type": "Double", "value": 30}, "the manifest's value is at the device")
        self.desire("setpoint", "42.5")
        wait_for(lambda: self.server.get("Setpoint")["value"] == 42.5, "the patched one too")
        self.desire("enabled", "true")
        self.desire("label", "a label of our own")
        wait_for(lambda: self.server.get("Enabled")["value"] is True and self.server.get("Label")["value"] == "a label of our own",
                 "booleans and texts are written")
        wait_for(lambda: self.value("setpoint") == "42.5", "and read back")
        expect("at most the model's maximum" in self.desire("setpoint", "101", check=False).err, "bounds hold")

    def variables_of_all_kinds(self):
        self.apply("odd", properties={"temperature": "ns=1;s=Nothing", "count": "ns=1;s=Level", "label": "ns=1;s=Many",
                                      "setpoint": "ns=1;s=Locked", "enabled": "ns=1;s=Doubtful"})
        wait_for(lambda: self.online("odd"), "the device is online")
        wait_for(lambda: self.value("count", "odd") == "7", "UInt16 is an INT")

        def why(name, quality, word):
            r = self.reported(name, "odd")["metadata"]
            return r["quality"] == quality and word in r.get("why", "")
        wait_for(lambda: why("temperature", "bad", "BadNodeIdUnknown"), "a node that is not there is bad")
        wait_for(lambda: why("label", "bad", "an array"), "an array is no value")
        self.desire("setpoint", "6", "odd")
        said = wait_for(lambda: self.reported("setpoint", "odd")["metadata"].get("desiredError"), "what is read-only says so")
        expect("BadNotWritable" in said or "BadUserAccessDenied" in said, said)
        expect(self.server.get("Locked")["value"] == 5, "and is not written")
        self.apply("doubtful", properties={"temperature": "ns=1;s=Doubtful"})

        def doubtful():
            r = self.reported("temperature", "doubtful")
            return (r["value"], r["metadata"]["quality"], r["metadata"].get("why")) == ("2.5", "uncertain", "UncertainSensorNotAccurate")
        wait_for(doubtful, "an uncertain value is shown as that, with its reason")
        return said

    def what_is_wrong_is_refused(self):
        for config, key in (({"url": "http://x"}, "url"), ({"securityMode": "Sign"}, "securityMode"), ({"timeout": 5}, "timeout"),
                            ({"securityPolicy": "Basic128"}, "securityPolicy"), ({"securityPolicy": "Basic256Sha256"}, "certificate")):
            said = self.apply("wrong", config)
            expect(said.code != 0 and f"spec.protocol.configData.{key}" in said.err, f"{config}: {said.all}")
        said = self.apply("wrong", properties={"label": "Label"})
        expect(said.code != 0 and "configData.nodeID" in said.err, said.all)

    def secured(self):
        """Signed and encrypted sessions, users, and what is not trusted on either side."""
        make = Certificates(self.w).make
        ours, strange, own = make("node"), make("stranger"), os.path.join(self.server.pki, "own", "certs", "certificate.pem")
        os.makedirs(os.path.join(self.server.pki, "trusted", "certs"), exist_ok=True)
        shutil.copy(self.w.path("node.pem"), os.path.join(self.server.pki, "trusted", "certs", "node.pem"))
        self.server.process.stop()
        self.server.start()
        user = {"userName": "edge", "password": "s3cret"}
        sign = {"securityMode": "Sign", "securityPolicy": "Basic256Sha256", **ours, "remoteCertificate": own}
        both = {**sign, "securityMode": "SignAndEncrypt"}
        for name, config in (("signed", sign), ("encrypted", both), ("encrypted-user", {**both, **user}), ("plain-user", user),
                             ("folder", {**both, "remoteCertificate": os.path.dirname(own)})):
            self.apply(name, config)
            wait_for(lambda n=name: self.online(n), f"{name} is online", 40)
            wait_for(lambda n=name: float(self.value("temperature", n)) > 0, f"{name} has values")
        said = []
        for name, config, words in (
                ("wrong-password", {**both, **user, "password": "no"}, ("userName and password",)),
                ("wrong-password-plain", {**user, "password": "no"}, ("userName and password",)),
                ("untrusted-server", {**both, "remoteCertificate": strange["certificate"]}, ("remoteCertificate",)),
                ("untrusted-client", {**both, **strange}, ("does not trust the certificate",)),
                ("no-file", {**both, "certificate": "/nowhere.der"}, ("/nowhere.der",)),
                ("other-key", {**both, "privateKey": strange["privateKey"]}, ("is not the key of",))):
            self.apply(name, config)
            said.append(f"{name}: {self.refused(name, *words)}")
        wait_for(self.online, "the first device goes on")
        return "\n".join(said)

    def the_server_dies_and_comes_back(self):
        begun = time.monotonic()
        self.server.process.kill9()
        wait_for(lambda: self.status().get("state") == "offline", "the device is offline", 15)
        took = time.monotonic() - begun
        wait_for(lambda: self.reported("count")["metadata"]["quality"] != "good", "its values are not good")
        self.desire("setpoint", "60")
        self.server.start()
        wait_for(self.online, "it is online again", 40)
        wait_for(lambda: self.server.get("Setpoint")["value"] == 60, "what was desired meanwhile is written")
        self.server.get("Label", "pump-3")
        wait_for(lambda: self.value("label") == "pump-3", "changes are told anew")
        return f"offline at the cloud after {took:.1f} s: {self.reason(NAME) or 'online again'}"

    def the_server_hangs(self):
        """The connection stays, and nobody answers."""
        begun = time.monotonic()
        os.kill(self.server.process.pid, signal.SIGSTOP)
        wait_for(lambda: self.status().get("state") == "offline", "the device is offline", 20)
        took, why = time.monotonic() - begun, self.reason(NAME)
        os.kill(self.server.process.pid, signal.SIGCONT)
        wait_for(self.online, "it is online again", 40)
        count = self.server.get("Counter")["value"]
        wait_for(lambda: int(self.value("count")) >= count, "its values move again")
        return f"offline at the cloud after {took:.1f} s: {why}"

    def discovered(self):
        """What is found on the server is printed as manifests that apply as they are."""
        found = run([self.w.skerry, "discover", "opcua", f"url={self.server.url}", "--node", NODE]).out
        self.k("apply", "-f", "-", text=found)
        wait_for(lambda: self.online("opcua-pump"), "the found device is online")
        wait_for(lambda: (self.value("Level", "opcua-pump"), self.value("Locked", "opcua-pump")) == ("7", "5"), "its values show")
        kinds = {p["name"]: (p["type"], p["accessMode"]) for p in self.k.get("devicemodel", "opcua-pump")["spec"]["properties"]}
        expect(kinds["Temperature"] == ("DOUBLE", "ReadOnly") and kinds["Setpoint"] == ("DOUBLE", "ReadWrite") and
               kinds["Counter"] == ("INT", "ReadOnly") and "Many" not in kinds, str(kinds))
        nobody = run([self.w.skerry, "discover", "opcua", f"url=opc.tcp://127.0.0.1:{harness.free_port()}"], check=False)
        expect(nobody.code == 1 and "no session with" in nobody.err, nobody.all)
        return f"{len(kinds)} properties"

    def ends(self):
        for name in [o["metadata"]["name"] for o in self.k.items("devices")]:
            self.k("delete", "device", name, "--wait=false")
        wait_for(lambda: not self.k.items("devices"), "all devices are gone")

        def threads():
            return len(os.listdir(f"/proc/{self.edge.pid}/task"))
        before = threads()
        wait_for(lambda: threads() <= before and not self.sessions(), "no session is left")
        expect(self.edge.stop() == 0, "the agent ends with 0")

    def sessions(self):
        out = run(["ss", "-Htn", "state", "established", f"( dport = :{self.server.port} )"]).out
        return out.strip()


def body(world, report):
    p = Pumps(world)
    for name, action in [("server, cloud and node start", p.set_up), ("a manifest of KubeEdge's keys applies", p.applied),
                         ("values move", p.values_move), ("what is desired is written", p.desired),
                         ("variables of all kinds", p.variables_of_all_kinds), ("what is wrong is refused", p.what_is_wrong_is_refused),
                         ("signed, encrypted, users, trust", p.secured), ("the server dies and comes back", p.the_server_dies_and_comes_back),
                         ("the server hangs", p.the_server_hangs), ("what is there is found", p.discovered), ("the devices go", p.ends)]:
        if not report.step(name, action):
            return


if __name__ == "__main__":
    sys.exit(harness.main(__doc__, "opcua", body))
