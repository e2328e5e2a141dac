"""Test images, made from Debian's busybox-static: docker archives as `docker save` writes them."""
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile

from harness import Failed

EPOCH = 1_700_000_000


def busybox():
    """The static busybox of this machine."""
    for path in ("/bin/busybox", "/usr/bin/busybox"):
        if os.path.exists(path):
            return path
    raise Failed("busybox is missing: tools/install test (Debian package busybox-static)")


def _entry(tar, name, data=None, mode=0o644, kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.mode, info.mtime, info.type, info.linkname = mode, EPOCH, kind, link
    if data is not None:
        info.size = len(data)
    tar.addfile(info, io.BytesIO(data) if data is not None else None)


def _layer(fill):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        fill(tar)
    return out.getvalue()


def _base(tar):
    with open(busybox(), "rb") as f:
        program = f.read()
    for folder, mode in (("bin", 0o755), ("etc", 0o755), ("tmp", 0o1777), ("dev", 0o755), ("proc", 0o755), ("sys", 0o755), ("var", 0o755)):
        _entry(tar, folder, mode=mode, kind=tarfile.DIRTYPE)
    _entry(tar, "bin/busybox", program, 0o755)
    applets = subprocess.run([busybox(), "--list"], capture_output=True, text=True, check=True).stdout.split()
    for a in sorted(set(applets) - {"busybox"}):
        _entry(tar, f"bin/{a}", kind=tarfile.SYMTYPE, link="busybox", mode=0o777)
    _entry(tar, "etc/passwd", b"root:x:0:0:root:/:/bin/sh\nweb:x:1000:1000:web:/:/bin/sh\n")
    _entry(tar, "etc/group", b"root:x:0:\nweb:x:1000:\n")


def make_archive(path, reference, version, more_layers=()):
    """Writes a docker archive at `path`: a base layer with busybox, and one with /version. The base is the same bytes for every
    version, so that a runtime unpacks it once."""
    layers = [_layer(_base), _layer(lambda t: _entry(t, "version", version.encode()))]
    layers += [_layer(fill) for fill in more_layers]
    digests = [hashlib.sha256(x).hexdigest() for x in layers]
    config = json.dumps({
        "architecture": "amd64" if os.uname().machine == "x86_64" else "arm64",
        "os": "linux",
        "created": "2023-11-14T22:13:20Z",
        "config": {"Env": ["PATH=/bin"], "Cmd": ["/bin/sh"], "WorkingDir": "/", "Labels": {"version": version}},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{d}" for d in digests]},
        "history": [{"created": "2023-11-14T22:13:20Z", "created_by": "test/e2e/images.py"} for _ in layers],
    }).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps([{"Config": name, "RepoTags": [reference], "Layers": [f"{d}/layer.tar" for d in digests]}]).encode()
    with tarfile.open(path, "w") as tar:
        for digest, data in zip(digests, layers):
            _entry(tar, f"{digest}/layer.tar", data)
        _entry(tar, name, config)
        _entry(tar, "manifest.json", manifest)
    return path


def old_kubectl(cache):
    """Debian's kubectl 1.20, unpacked below `cache` without installing it; or the one on the PATH if that is it."""
    there = shutil.which("kubectl")
    if there:
        said = subprocess.run([there, "version", "--client", "-o", "json"], capture_output=True, text=True, check=False).stdout
        try:
            if json.loads(said)["clientVersion"]["minor"].startswith("20"):
                return there
        except (ValueError, KeyError):
            pass
    found = os.path.join(cache, "kubernetes-client", "usr/bin/kubectl")
    if os.path.exists(found):
        return found
    os.makedirs(cache, exist_ok=True)
    for argv in (["apt-get", "download", "kubernetes-client"], ["apt-get", "update"], ["apt-get", "download", "kubernetes-client"]):
        p = subprocess.run(argv, cwd=cache, capture_output=True, text=True, timeout=300, check=False)
        if p.returncode == 0 and argv[1] == "download":
            break
    debs = [f for f in os.listdir(cache) if f.startswith("kubernetes-client_") and f.endswith(".deb")]
    if not debs:
        raise Failed(f"Debian's kubernetes-client could not be had: {p.stderr.strip()}; apt-get must work, or install it")
    unpacked = found[:-len("/usr/bin/kubectl")]
    subprocess.run(["dpkg", "-x", os.path.join(cache, debs[0]), unpacked], check=True, timeout=120)
    return found
