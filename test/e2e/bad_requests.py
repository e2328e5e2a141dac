"""Cases of bad_input: what reaches the API."""
import json
import socket
import ssl

import harness
import manifests
from api import Api, config_map
from harness import expect

MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


def deployment(name):
    d = manifests.web()
    d["metadata"]["name"] = name
    return d


class Bench:
    """One cloud for all cases; each checks in the end that it still answers."""

    def __init__(self, world):
        self.w, self.data, self.port = world, world.path("cloud"), harness.free_port()
        self.cloud = world.cloud(self.data, self.port)
        self.k = world.await_api(self.cloud, self.data)
        self.api = Api(self.k, world.path("certs"), self.port)
        self.api.request("POST", MAPS, config_map("keep", a="b"))

    def close(self):
        self.cloud.stop()

    def kubectl(self, *args, text=None):
        """Runs kubectl that must fail; returns what it said."""
        r = self.k(*args, text=text, check=False, seconds=60)
        expect(r.code != 0, f"kubectl {' '.join(args)} succeeded: {r.out}")
        return r.err

    # ---- bodies ----------------------------------------------------------------------------------------------------------

    def case_malformed_json(self):
        return self.api.request("POST", MAPS, b'{"kind": "ConfigMap",\n "metadata": }').refuses(400, "BadRequest", "line 2")

    def case_malformed_yaml(self):
        return self.api.request("POST", MAPS, b"kind: ConfigMap\nmetadata:\n  name: a\n bad: [", "application/yaml").refuses(
            400, "BadRequest", "line")

    def case_yaml_is_taken(self):
        a = self.api.request("POST", MAPS, b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-yaml}\ndata:\n  a: 'yes'\n",
                             "application/yaml")
        expect(a.status == 201 and a.body["data"]["a"] == "yes", f"{a.status} {a.message}")
        return "201"

    def case_malformed_yaml_by_kubectl(self):
        return self.kubectl("apply", "-f", "-", text="kind: ConfigMap\nmetadata:\n  name: a\n bad: [")

    def case_empty_body(self):
        return self.api.request("POST", MAPS, b"").refuses(400, "BadRequest")

    def case_not_an_object(self):
        return self.api.request("POST", MAPS, b"[1,2]").refuses(400, "BadRequest")

    def case_wrong_kind_for_the_path(self):
        return self.api.request("POST", MAPS, deployment("x")).refuses(400, "BadRequest", "apps/v1")

    def case_deep_nesting(self):
        deep = b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"deep"},"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
        return self.api.request("POST", MAPS, deep).refuses(400, "BadRequest")

    def case_bytes_that_are_not_utf8(self):
        return self.api.request("POST", MAPS, b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"\xff\xfe"}}').refuses(
            400, "BadRequest")

    def case_body_over_the_limit(self):
        a = Api(self.k, self.w.path("certs"), self.port)
        try:
            said = a.request("POST", MAPS, config_map("big", x="a" * (4 << 20))).refuses(413, "RequestEntityTooLarge", "3145728")
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError) as e:
            said = f"the connection was closed while the body was still being sent ({e})"
        self.alive()
        return said

    def case_object_over_the_limit(self):
        a = self.api.request("POST", MAPS, config_map("big", x="a" * (2 << 20)))
        expect(a.status in (413, 422, 400), f"{a.status} {a.message}")
        return f"{a.status} {a.message[:200]}"

    def case_wrong_content_type(self):
        return self.api.request("POST", MAPS, b"x=y", "application/x-www-form-urlencoded").refuses(415, "UnsupportedMediaType")

    # ---- fields ----------------------------------------------------------------------------------------------------------

    def case_unknown_field_strict(self):
        d = deployment("strict")
        d["spec"]["replicaz"] = 3
        said = self.api.request("POST", DEPLOYMENTS + "?fieldValidation=Strict", d).refuses(400, "BadRequest", "spec.replicaz")
        d["spec"]["template"]["spec"]["containers"][1]["imagee"] = "x"
        again = self.api.request("POST", DEPLOYMENTS + "?fieldValidation=Strict", d)
        expect("containers[1].imagee" in again.message, f"names the index: {again.message}")
        return said

    def case_unknown_field_warn(self):
        d = deployment("warn")
        d["spec"]["replicaz"] = 3
        a = self.api.request("POST", DEPLOYMENTS + "?fieldValidation=Warn&dryRun=All", d)
        expect(a.status == 201, f"{a.status} {a.message}")
        warning = a.headers.get("Warning", "")
        expect(warning.startswith("299 ") and "spec.replicaz" in warning, f"Warning header: {warning!r}")
        return warning

    def case_unknown_field_ignored(self):
        d = deployment("ignore")
        d["spec"]["replicaz"] = 3
        a = self.api.request("POST", DEPLOYMENTS + "?fieldValidation=Ignore&dryRun=All", d)
        expect(a.status == 201 and "Warning" not in a.headers, f"{a.status} {a.message} {a.headers}")
        return "201, no warning"

    def case_unknown_field_by_kubectl(self):
        d = deployment("typo")
        d["spec"]["replicaz"] = 3
        r = self.k("apply", "-f", "-", text=json.dumps(d), check=False)
        # kubectl before 1.25 does not ask for strictness: the object is made, and the user warned.
        expect("replicaz" in r.err and (r.code != 0 or "Warning" in r.err), f"code {r.code}: {r.all}")
        return r.err

    def case_wrong_types(self):
        d = deployment("types")
        d["spec"]["replicas"] = "three"
        said = self.api.request("POST", DEPLOYMENTS, d).refuses(400, "BadRequest", "spec.replicas")
        c = config_map("types")
        c["data"] = {"a": 1}
        self.api.request("POST", MAPS, c).refuses(400, "BadRequest", "data")
        c = config_map("types")
        c["metadata"]["labels"] = ["a"]
        self.api.request("POST", MAPS, c).refuses(400, "BadRequest", "metadata.labels")
        return said

    def case_bad_names(self):
        said = ""
        for name in ("Web_1", "-web", "a" * 300, "a b", "a/b", "..", "é"):
            a = self.api.request("POST", MAPS, config_map(name))
            said = a.refuses(422, "Invalid", "metadata.name")
        return said

    def case_bad_labels(self):
        c = config_map("labels")
        c["metadata"]["labels"] = {"ok": "not ok!"}
        return self.api.request("POST", MAPS, c).refuses(422, "Invalid", "metadata.labels")

    def case_missing_fields(self):
        d = deployment("missing")
        del d["spec"]["selector"]
        said = self.api.request("POST", DEPLOYMENTS, d).refuses(422, "Invalid", "spec.selector")
        d = deployment("missing")
        del d["spec"]["template"]["spec"]["containers"][0]["name"]
        self.api.request("POST", DEPLOYMENTS, d).refuses(422, "Invalid", "containers[0].name")
        self.api.request("POST", MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}).refuses(422, "Invalid", "name")
        return said

    def case_selector_that_does_not_match(self):
        d = deployment("mismatch")
        d["spec"]["selector"]["matchLabels"] = {"app": "other"}
        return self.api.request("POST", DEPLOYMENTS, d).refuses(422, "Invalid", "selector")

    # ---- what is there and what is not -----------------------------------------------------------------------------------

    def case_stale_resource_version(self):
        old = self.api.request("GET", f"{MAPS}/keep").body
        fresh = dict(old, data={"a": "c"})
        expect(self.api.request("PUT", f"{MAPS}/keep", fresh).status == 200, "the first update")
        said = self.api.request("PUT", f"{MAPS}/keep", dict(old, data={"a": "d"})).refuses(409, "Conflict", "keep")
        expect(self.api.request("GET", f"{MAPS}/keep").body["data"] == {"a": "c"}, "what is stored is untouched")
        return said

    def case_name_that_is_taken(self):
        return self.api.request("POST", MAPS, config_map("keep")).refuses(409, "AlreadyExists", "keep")

    def case_name_that_is_not_there(self):
        return self.api.request("GET", f"{MAPS}/nobody").refuses(404, "NotFound", "nobody")

    def case_namespace_that_is_not_there(self):
        return self.api.request("POST", MAPS.replace("default", "nowhere"), config_map("a")).refuses(404, "NotFound", "nowhere")

    def case_name_of_body_and_path_differ(self):
        return self.api.request("PUT", f"{MAPS}/keep", config_map("other")).refuses(400, "BadRequest", "name")

    def case_unknown_paths(self):
        for path in ("/api/v9/pods", "/apis/nope.io/v1/things", "/nowhere", "/api/v1/things"):
            a = self.api.request("GET", path)
            expect(a.status == 404, f"{path}: {a.status}")
        return a.message

    def case_method_that_is_not_allowed(self):
        a = self.api.request("POST", f"{MAPS}/keep", config_map("keep"))
        expect(a.status == 405 and a.body.get("reason") == "MethodNotAllowed", f"{a.status} {a.message}")
        return a.message

    def case_bad_queries(self):
        said = ""
        for query in ("limit=many", "continue=garbage", "resourceVersion=yesterday&watch=1", "labelSelector=a%20in", "timeoutSeconds=x",
                      "fieldSelector=spec.nothing%3Da"):
            a = self.api.request("GET", f"{MAPS}?{query}")
            expect(a.status in (400, 410), f"{query}: {a.status} {a.message[:100]}")
            said += f"{query}: {a.message}\n"
        return said

    def case_bad_patches(self):
        path = f"{MAPS}/keep"
        self.api.request("PATCH", path, b"{}", "application/json").refuses(415, "UnsupportedMediaType")
        a = self.api.request("PATCH", path, b'[{"op":"replace","path":"/nothing/here","value":1}]', "application/json-patch+json")
        expect(a.status in (400, 422), f"{a.status} {a.message}")
        b = self.api.request("PATCH", path, b'[{"op":"test","path":"/data/a","value":"zzz"}]', "application/json-patch+json")
        expect(b.status in (400, 422), f"{b.status} {b.message}")
        c = self.api.request("PATCH", path, b'{"data": ', "application/merge-patch+json")
        expect(c.status == 400, f"{c.status} {c.message}")
        return f"{a.message}\n{b.message}\n{c.message}"

    # ---- who asks, and how -----------------------------------------------------------------------------------------------

    def case_no_credentials(self):
        a = Api(self.k, self.w.path("certs"), self.port, certificate=False).request("GET", MAPS)
        expect(a.status in (401, 403), f"{a.status} {a.message}")
        return a.message

    def case_wrong_bearer_token(self):
        return Api(self.k, self.w.path("certs"), self.port, certificate=False).request(
            "GET", MAPS, headers={"Authorization": "Bearer abcdef.0123456789abcdef"}).refuses(401, "Unauthorized")

    def case_foreign_certificate(self):
        key, cert = self.w.path("foreign.key"), self.w.path("foreign.pem")
        harness.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert,
                     "-subj", "/O=system:masters/CN=intruder", "-days", "2"])
        a = Api(self.k, self.w.path("certs"), self.port, certificate=False)
        a.context.load_cert_chain(cert, key)
        try:
            answer = a.request("GET", MAPS)
        except (ssl.SSLError, ConnectionResetError) as e:
            return f"refused in the handshake: {e}"
        expect(answer.status == 401, f"{answer.status} {answer.message}")
        return answer.message

    def case_not_http_at_all(self):
        with socket.create_connection(("127.0.0.1", self.port), 5) as s:
            s.sendall(b"\x00" * 4096)
        raw = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        raw.load_verify_locations(self.api.files["ca"])
        with raw.wrap_socket(socket.create_connection(("127.0.0.1", self.port), 5), server_hostname="127.0.0.1") as s:
            s.sendall(b"\x01\x02 nonsense\r\n\r\n")
            said = s.recv(200)
        self.alive()
        return f"answered {said[:40]!r} and closed; others are served"

    def case_slow_clients_hold_nobody_up(self):
        held = []
        for _ in range(50):
            s = self.api.context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), 5), server_hostname="127.0.0.1")
            s.sendall(b"GET /api/v1/pods HTTP/1.1\r\nHost: a\r\nX-Slow: ")
            held.append(s)
        self.alive()
        for s in held:
            s.close()
        return "50 requests that never end; others are served"

    def case_nothing_stored_was_lost(self):
        expect(self.k.get("configmap", "keep")["data"] == {"a": "c"}, "the object is as it was")
        return "still there"

    def alive(self):
        expect(Api(self.k, self.w.path("certs"), self.port).request("GET", f"{MAPS}/keep", seconds=10).status == 200, "it answers others")
