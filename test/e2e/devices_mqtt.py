"""The part of the devices' story that speaks MQTT: a real broker, and a device played by its clients."""
import json
import os
import time

import harness
from harness import ROOT, expect, run, wait_for

NAME = "thermostat-1"
TOPIC = f"plant/{NAME}"


class Broker:
    """mosquitto on a port of its own, and what a device says and hears there."""

    def __init__(self, world):
        self.w, self.port = world, harness.free_port()
        self.conf = world.path("mosquitto.conf")
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write(f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
        os.chmod(world.dir, 0o755)  # it gives up root
        self.process = None

    def start(self):
        program = next((p for p in ("/usr/sbin/mosquitto", "/usr/bin/mosquitto") if os.access(p, os.X_OK)), "mosquitto")
        self.process = self.w.start("mosquitto", [program, "-c", self.conf])
        wait_for(lambda: run(self.client("pub", "-t", "any", "-m", "1"), check=False).code == 0, "the broker answers", 10)

    def client(self, kind, *args):
        return [f"mosquitto_{kind}", "-h", "127.0.0.1", "-p", str(self.port), *args]

    def say(self, topic, text, retain=True):
        run(self.client("pub", "-t", topic, "-m", text, "-q", "1", *(["-r"] if retain else [])))


class Thermostat:
    def __init__(self, devices):
        self.d, self.broker = devices, Broker(devices.w)
        self.life = None

    @property
    def k(self):
        return self.d.k

    def status(self):
        return self.k.get("device", NAME).get("status", {})

    def value(self, name):
        t = self.d.twin(name, of=self.status())["reported"]
        expect(t["metadata"]["quality"] == "good", f"{name} is {t}")
        return t["value"]

    def begin_to_live(self):
        """The device's own connection: its last will is what the broker says of it when it dies."""
        self.life = self.d.w.start("thermostat", self.broker.client(
            "sub", "-t", f"{TOPIC}/setpoint/set", "-q", "1", "--will-topic", f"{TOPIC}/online", "--will-payload", "offline",
            "--will-retain", "--will-qos", "1"))
        self.broker.say(f"{TOPIC}/online", "online")

    def applied(self):
        self.broker.start()
        self.begin_to_live()
        with open(os.path.join(ROOT, "examples/devices/thermostat.yaml"), encoding="utf-8") as f:
            text = f.read().replace("1883", str(self.broker.port))
        self.k("apply", "-f", "-", text=text)
        self.broker.say(f"{TOPIC}/state", json.dumps({"climate": {"temperature": 21.5}, "heating": True}))
        self.broker.say(f"{TOPIC}/setpoint", "20")
        wait_for(lambda: self.status().get("state") == "online", "the thermostat is online")
        wait_for(lambda: (self.value("temperature"), self.value("heating"), self.value("setpoint")) == ("21.5", "true", "20"),
                 "its values show")
        time.sleep(0.6)
        begun = time.monotonic()
        self.broker.say(f"{TOPIC}/state", json.dumps({"climate": {"temperature": 22}, "heating": False}))
        wait_for(lambda: self.value("temperature") == "22", "a new value shows", every=0.01)
        took = time.monotonic() - begun
        return f"a message shows in kubectl after {took * 1000:.0f} ms, two commands included\n{self.k('get', 'device', NAME).out}"

    def desired(self):
        patch = '{"spec":{"properties":[{"name":"setpoint","desired":{"value":"23.5"}}]}}'
        self.k("patch", "device", NAME, "-p", patch)
        wait_for(lambda: "23.5" in self.life.tail(), "the thermostat hears what is desired")
        refused = self.k("patch", "device", NAME, "-p", patch.replace("23.5", "50"), check=False)
        expect("at most the model's maximum" in refused.err, refused.all)
        self.broker.say(f"{TOPIC}/state", "no JSON")
        wait_for(lambda: "no JSON" in self.d.twin("temperature", of=self.status())["reported"]["metadata"].get("why", ""),
                 "what is no JSON is bad, and says why")
        self.broker.say(f"{TOPIC}/state", json.dumps({"climate": {"temperature": 22}, "heating": False}))
        wait_for(lambda: self.value("temperature") == "22", "and good again")

    def dies(self):
        self.life.kill9()
        wait_for(lambda: self.status().get("state") == "offline", "its last will says that it is offline")
        said = self.status()["extensions"]["reason"]
        self.begin_to_live()
        wait_for(lambda: self.status().get("state") == "online", "it is back")
        self.broker.process.kill9()
        wait_for(lambda: self.status().get("state") == "offline", "without the broker it is offline")
        self.life.kill9()
        self.broker.start()
        self.begin_to_live()
        self.broker.say(f"{TOPIC}/state", json.dumps({"climate": {"temperature": 19}, "heating": True}))
        wait_for(lambda: self.status().get("state") == "online" and self.value("temperature") == "19", "it comes back by itself", 40)
        return said
