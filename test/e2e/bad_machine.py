"""Cases of bad_input: what the machine, the command line, tokens and images do wrong."""
import os
import socket
import subprocess
import tarfile

import harness
import images
import manifests
from api import Api, config_map
from harness import expect, wait_for

MAPS = "/api/v1/namespaces/default/configmaps"


class Bench:
    """One cloud and one edge for the cases that need them."""

    def __init__(self, world):
        self.w = world
        self.data, self.port = world.path("cloud2"), harness.free_port()
        self.cloud = world.cloud(self.data, self.port)
        self.k = world.await_api(self.cloud, self.data)
        world.runs_edge(world.path("nowhere"))
        self.edge_data = world.path("edge2")
        self.edge = None

    def close(self):
        if self.edge:
            self.k("delete", "pods", "--all", "--timeout=60s", check=False)
            self.edge.stop()
        self.cloud.stop()

    def token(self):
        return harness.run([self.w.skerry, "token", "create", "--data-dir", self.data]).out.strip()

    def need_edge(self):
        if self.edge is None:
            self.edge = self.w.edge(self.edge_data, f"https://127.0.0.1:{self.port}", "bad-rock", "--token", self.token())
            wait_for(lambda: " Ready" in self.k("get", "nodes", check=False).out, "the node is Ready", 40)

    def fails(self, argv, *parts, code=1, seconds=30):
        """Runs skerry; it must end by itself with `code` and say all `parts` on standard error."""
        r = harness.run([self.w.skerry, *argv], seconds=seconds, check=False)
        said = r.err.lower()
        expect(r.code == code, f"skerry {' '.join(argv)}: code {r.code}, not {code}: {r.all[-500:]}")
        for part in parts:
            expect(part.lower() in said, f"skerry {' '.join(argv)}: '{part}' in: {r.err[-500:]}")
        return r.err.strip().splitlines()[-1][:300]

    def refused_edge(self, token, part, *more):
        """An edge with a bad token must say so and never become a node; it may end, or go on trying."""
        data = self.w.path(f"edge-{part}")
        p = self.w.edge(data, f"https://127.0.0.1:{self.port}", f"node-{part}", "--token", token, *more)
        wait_for(lambda: "token" in p.tail(50).lower() or "certificate" in p.tail(50).lower(), "it says what is wrong with the token", 30)
        said = next(line for line in reversed(p.tail(50).splitlines()) if "token" in line.lower() or "certificate" in line.lower())
        expect(token.split(".")[-1] not in p.tail(200), "the secret part of the token is not in the log")
        expect(f"node-{part}" not in self.k("get", "nodes", check=False).out, "it is no node")
        p.stop()
        return said

    # ---- the command line ------------------------------------------------------------------------------------------------

    def case_wrong_usage(self):
        said = self.fails(["fly"], "unknown command", code=2)
        self.fails(["cloud", "--no-such-flag"], "no-such-flag", code=2)
        self.fails(["edge", "--data-dir", self.w.path("nowhere")], "--server", "--token", code=2)
        self.fails(["token", "forge", "--data-dir", self.data], "forge", code=2)
        self.fails(["cloud", "--listen", "everywhere", "--data-dir", self.w.path("nowhere")], "everywhere", code=2)
        self.fails(["edge", "--server", "ftp://x", "--token", "K10" + "0" * 64 + "::abcdef.0123456789abcdef", "--data-dir", self.w.path("nowhere")],
                   "https", code=2)
        return said

    def case_bad_configuration_file(self):
        config = self.w.path("config.yaml")
        with open(config, "w", encoding="utf-8") as f:
            f.write("data-dir: /x\nlissten: 1\n")
        said = self.fails(["cloud", "--config", config], config, "lissten", code=2)
        with open(config, "w", encoding="utf-8") as f:
            f.write("a: [\n")
        self.fails(["cloud", "--config", config], config, code=2)
        self.fails(["cloud", "--config", self.w.path("none.yaml")], "none.yaml", code=2)
        return said

    def case_commands_without_their_daemon(self):
        nowhere = self.w.path("not-there")
        said = self.fails(["token", "create", "--data-dir", nowhere], nowhere)
        self.fails(["image", "list", "--data-dir", nowhere], nowhere)
        self.fails(["kubeconfig", "--data-dir", nowhere], nowhere)
        return said

    # ---- the machine -----------------------------------------------------------------------------------------------------

    def case_port_in_use(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            port = s.getsockname()[1]
            return self.fails(["cloud", "--data-dir", self.w.path("cloud-port"), "--listen", f"127.0.0.1:{port}"], str(port), "in use")

    def case_locked_data_directory(self):
        said = self.fails(["cloud", "--data-dir", self.data, "--listen", f"127.0.0.1:{harness.free_port()}"], self.data)
        expect(self.k("get", "--raw", "/readyz").out.strip() == "ok", "the first cloud goes on")
        return said

    def case_unwritable_data_directory(self):
        folder = self.w.path("readonly")
        os.mkdir(folder)
        harness.run(["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", folder])
        try:
            said = self.fails(["cloud", "--data-dir", folder, "--listen", f"127.0.0.1:{harness.free_port()}"], folder)
            self.fails(["edge", "--data-dir", folder, "--server", f"https://127.0.0.1:{self.port}", "--token", self.token()], folder)
        finally:
            harness.run(["umount", folder])
        a_file = self.w.path("file")
        with open(a_file, "w", encoding="utf-8") as f:
            f.write("x")
        self.fails(["cloud", "--data-dir", a_file, "--listen", f"127.0.0.1:{harness.free_port()}"], a_file)
        return said

    def case_full_disk(self):
        """Writes fail with an error that says so, reads go on; with more space all that was answered for is there, and writes go on."""
        folder, port = self.w.path("small"), harness.free_port()
        os.mkdir(folder)
        harness.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder])
        try:
            cloud = self.w.cloud(folder, port)
            k = self.w.await_api(cloud, folder)
            api = Api(k, self.w.path("certs-small"), port)
            stored, refused = [], None
            for n in range(200):
                a = api.request("POST", MAPS, config_map(f"fill-{n}", x=os.urandom(200_000).hex()))
                if a.status != 201:
                    refused = a
                    break
                stored.append(f"fill-{n}")
            expect(refused is not None, "the disk never filled")
            expect(refused.status in (500, 503, 507), f"{refused.status} {refused.message}")
            expect("space" in refused.message.lower(), f"it says that there is no space: {refused.message}")
            expect(api.request("GET", f"{MAPS}/{stored[0]}").status == 200, "reads go on")
            harness.run(["mount", "-o", "remount,size=200m", folder])
            cloud.stop()
            cloud = self.w.cloud(folder, port)
            k = self.w.await_api(cloud, folder)
            api = Api(k, self.w.path("certs-small"), port)
            for name in stored:
                expect(api.request("GET", f"{MAPS}/{name}").status == 200, f"{name} was answered with success and is gone")
            expect(api.request("POST", MAPS, config_map("after", a="b")).status == 201, "writes go on")
            cloud.stop()
            return f"{len(stored)} stored, then: {refused.status} {refused.message}"
        finally:
            subprocess.run(["umount", "-l", folder], check=False)

    # ---- tokens and certificates -----------------------------------------------------------------------------------------

    def case_wrong_join_token(self):
        pin = self.token().rsplit("::", 1)[0]
        return self.refused_edge(f"{pin}::abcdef.0123456789abcdef", "wrong")

    def case_join_token_of_another_cloud(self):
        """The pinned authority is not this cloud's: it must not even say the token's secret."""
        secret = self.token().rsplit("::", 1)[1]
        return self.refused_edge(f"K10{'0' * 64}::{secret}", "pin")

    def case_malformed_join_token(self):
        return self.fails(["edge", "--data-dir", self.w.path("edge-malformed"), "--server", f"https://127.0.0.1:{self.port}",
                           "--token", "nonsense"], "token", code=2)

    def case_expired_join_token(self):
        token = self.token()
        name = f"bootstrap-token-{token.rsplit('::', 1)[1].split('.')[0]}"
        self.k("patch", "secret", name, "-n", "kube-system", "-p", '{"stringData":{"expiration":"2020-01-01T00:00:00Z"}}')
        return self.refused_edge(token, "expired")

    def case_foreign_cloud(self):
        """A node of one cloud that is sent to another says that its certificate authority is not this one's."""
        self.need_edge()
        other, port = self.w.path("cloud-other"), harness.free_port()
        cloud = self.w.cloud(other, port)
        k = self.w.await_api(cloud, other)
        self.edge.stop()
        p = self.w.edge(self.edge_data, f"https://127.0.0.1:{port}", "bad-rock")
        wait_for(lambda: "certificate" in p.tail(50).lower(), "it says that the certificate does not fit", 40)
        expect("bad-rock" not in k("get", "nodes", check=False).out, "it is no node of the other cloud")
        said = next(line for line in reversed(p.tail(50).splitlines()) if "certificate" in line.lower())
        p.stop()
        cloud.stop()
        self.edge = self.w.edge(self.edge_data, f"https://127.0.0.1:{self.port}", "bad-rock")
        return said

    # ---- images ----------------------------------------------------------------------------------------------------------

    def case_images_that_do_not_unpack(self):
        self.need_edge()
        good = images.make_archive(self.w.path("good.tar"), "good:1", "1")
        broken = {"no-such-file.tar": None, "empty.tar": b"", "text.tar": b"not an archive\n" * 100}
        with open(good, "rb") as f:
            data = f.read()
        broken["cut.tar"] = data[:len(data) // 2]
        broken["flipped.tar"] = data[:700_000] + bytes(b ^ 0xff for b in data[700_000:700_064]) + data[700_064:]
        said = ""
        for name, content in broken.items():
            if content is not None:
                with open(self.w.path(name), "wb") as f:
                    f.write(content)
            said += self.fails(["image", "import", self.w.path(name), "--name", "broken:1", "--data-dir", self.edge_data], name) + "\n"
        listed = harness.run([self.w.skerry, "image", "list", "--data-dir", self.edge_data]).out
        expect("broken" not in listed, f"nothing half-made is listed: {listed}")
        harness.run([self.w.skerry, "image", "import", good, "--name", "good:1", "--data-dir", self.edge_data])
        return said + "a good one is imported after them"

    def case_layer_that_is_no_archive(self):
        self.need_edge()
        path = self.w.path("layer.tar")
        images.make_archive(path, "odd:1", "1")
        original = images._layer
        try:
            images._layer = lambda fill: b"this is no tar archive " * 100
            images.make_archive(path, "odd:1", "1")
        finally:
            images._layer = original
        expect(tarfile.is_tarfile(path), "the outer archive is well-formed")
        return self.fails(["image", "import", path, "--name", "odd:1", "--data-dir", self.edge_data])

    def case_missing_image(self):
        """The pod waits, says why, and runs when the image is there."""
        self.need_edge()
        p = manifests.pod("no-image", image="late:1")
        p["spec"]["containers"][0]["imagePullPolicy"] = "Never"
        self.k("apply", "-f", "-", text=manifests.text(p))

        def waiting():
            status = self.k.get("pod", "no-image")["status"].get("containerStatuses") or [{}]
            return status[0].get("state", {}).get("waiting", {}).get("reason", "") in ("ErrImageNeverPull", "ErrImagePull", "ImagePullBackOff")

        wait_for(waiting, "the pod says that its image is missing", 40)
        said = self.k.get("pod", "no-image")["status"]["containerStatuses"][0]["state"]["waiting"]
        archive = images.make_archive(self.w.path("late.tar"), "late:1", "1")
        harness.run([self.w.skerry, "image", "import", archive, "--name", "late:1", "--data-dir", self.edge_data])
        wait_for(lambda: "Running" in self.k("get", "pod", "no-image").out, "it runs once the image is there", 90)
        return f"{said}; runs after the import"

    def case_pods_that_cannot_run(self):
        """A command that is not there, a registry that is not there: the reason is in the status, the agent goes on."""
        self.need_edge()
        images.make_archive(self.w.path("good.tar"), "good:1", "1")
        harness.run([self.w.skerry, "image", "import", self.w.path("good.tar"), "--name", "good:1", "--data-dir", self.edge_data])
        bad = manifests.pod("no-command", image="good:1", command=("/no/such/program",))
        away = manifests.pod("no-registry", image=f"127.0.0.1:{harness.free_port()}/a/b:1")
        self.k("apply", "-f", "-", text=manifests.text(bad, away, manifests.pod("fine", image="good:1")))

        def reasons():
            found = {}
            for p in self.k.items("pods"):
                for c in p["status"].get("containerStatuses", []):
                    for state in (c.get("state", {}), c.get("lastState", {})):
                        for detail in state.values():
                            found.setdefault(p["metadata"]["name"], set()).add(detail.get("reason", ""))
            return found

        wait_for(lambda: reasons().get("no-registry", set()) & {"ErrImagePull", "ImagePullBackOff"}, "no-registry says why", 60)
        wait_for(lambda: reasons().get("no-command", set()) & {"RunContainerError", "CreateContainerError", "CrashLoopBackOff", "StartError"},
                 "no-command says why", 60)
        wait_for(lambda: "1/1" in self.k("get", "pod", "fine").out, "the pod beside them runs", 60)
        return str(reasons())
