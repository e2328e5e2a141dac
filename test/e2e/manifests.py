"""The objects of the story."""
import json

CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web-config"}, "data": {"GREETING": "hello from the rock"}}

SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web-secret"}, "stringData": {"password": "tide-table"}}

SERVE = ('printf "%s|v%s|%s|%s|%s" "$GREETING" "$(cat /version)" "$(cat /secret/password)" "$(cat /data/prepared)" "$POD_NAME"'
         " > /data/index.html; touch /data/alive; exec httpd -f -p 8080 -h /data")

SIDE = "while true; do wget -q -O /data/seen.tmp http://127.0.0.1:8080/index.html && mv /data/seen.tmp /data/seen; sleep 1; done"


def web(image="web:1", replicas=2):
    """A Deployment with all that the story names: environment of a ConfigMap, a mounted Secret, an emptyDir, an init container, two
    containers that share the pod's network, a readiness and a liveness probe."""
    data = {"name": "data", "mountPath": "/data"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "terminationGracePeriodSeconds": 2,
                    "initContainers": [{
                        "name": "prepare", "image": image, "imagePullPolicy": "IfNotPresent",
                        "command": ["sh", "-c", "echo -n prepared > /data/prepared"], "volumeMounts": [data]}],
                    "containers": [
                        {"name": "web", "image": image, "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", SERVE],
                         "env": [
                             {"name": "GREETING", "valueFrom": {"configMapKeyRef": {"name": "web-config", "key": "GREETING"}}},
                             {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                         "ports": [{"containerPort": 8080}],
                         "resources": {"requests": {"cpu": "10m", "memory": "8Mi"}, "limits": {"memory": "64Mi"}},
                         "readinessProbe": {"httpGet": {"path": "/index.html", "port": 8080}, "periodSeconds": 1},
                         "livenessProbe": {"exec": {"command": ["cat", "/data/alive"]}, "periodSeconds": 1, "failureThreshold": 2},
                         "volumeMounts": [data, {"name": "secret", "mountPath": "/secret", "readOnly": True}]},
                        {"name": "side", "image": image, "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", SIDE],
                         "volumeMounts": [data]}],
                    "volumes": [{"name": "data", "emptyDir": {}}, {"name": "secret", "secret": {"secretName": "web-secret"}}],
                },
            },
        },
    }


def pod(name, image="web:1", command=("sleep", "100000")):
    """One pod with one container."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"terminationGracePeriodSeconds": 1,
                     "containers": [{"name": "main", "image": image, "imagePullPolicy": "IfNotPresent", "command": list(command)}]}}


def text(*objects):
    """The objects as one List that `kubectl apply -f -` takes."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
