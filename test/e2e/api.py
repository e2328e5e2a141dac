"""The API as a program without kubectl sees it: HTTPS with the administrator's client certificate."""
import base64
import http.client
import json
import os
import ssl

from harness import expect


class Answer:
    def __init__(self, status, headers, raw):
        self.status, self.headers, self.raw = status, headers, raw
        try:
            self.body = json.loads(raw)
        except ValueError:
            self.body = {}

    @property
    def message(self):
        return self.body.get("message", self.raw.decode(errors="replace")[:300])

    def refuses(self, status, reason, *parts):
        """Expects a Status error with this code and reason, whose message and causes hold all `parts`."""
        said = self.message + json.dumps(self.body.get("details", {}))
        expect(self.status == status, f"HTTP {self.status}, not {status}: {said}")
        expect(self.body.get("kind") == "Status" and self.body.get("code") == status, f"a Status object: {self.raw[:200]}")
        expect(self.body.get("reason") == reason, f"reason {self.body.get('reason')}, not {reason}: {said}")
        for part in parts:
            expect(part in said, f"'{part}' in: {said}")
        return f"{status} {reason}: {self.message}"


class Api:
    """One keep-alive connection; connects anew when it broke."""

    def __init__(self, kubectl, folder, port, certificate=True):
        config = json.loads(kubectl("config", "view", "--raw", "-o", "json").out)
        user, cluster = config["users"][0]["user"], config["clusters"][0]["cluster"]
        os.makedirs(folder, exist_ok=True)
        self.files = {}
        for name, data in (("ca", cluster["certificate-authority-data"]), ("cert", user["client-certificate-data"]),
                           ("key", user["client-key-data"])):
            self.files[name] = os.path.join(folder, name + ".pem")
            with open(self.files[name], "wb") as f:
                f.write(base64.b64decode(data))
        self.context = ssl.create_default_context(cafile=self.files["ca"])
        if certificate:
            self.context.load_cert_chain(self.files["cert"], self.files["key"])
        self.port = port
        self.connection = None

    def request(self, method, path, body=None, content="application/json", seconds=30, headers=None):
        """One exchange; `body` may be bytes or something to be made JSON. Raises OSError or HTTPException if it breaks off."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if self.connection is None:
            self.connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context, timeout=seconds)
        try:
            self.connection.request(method, path, body, {**({"Content-Type": content} if body is not None else {}), **(headers or {})})
            r = self.connection.getresponse()
            answer = Answer(r.status, r.headers, r.read())
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        if answer.headers.get("Connection", "").lower() == "close":
            self.close()
        return answer

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def config_map(name, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
