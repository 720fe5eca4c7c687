"""Two services behind nginx, and whether what deploys them agrees with what they are."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from processes import address, process
from serving import FakePredictor, Running, check_problem, serving, until

from service.settings import Settings

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "service" / "deploy"
MIB = 2**20

MAIN = """daemon off; worker_processes 1; pid {folder}/pid;
events {{ worker_connections 128; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  include {folder}/uijepa.conf;
}}
"""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def balancer(folder: Path, *urls: str) -> Iterator[httpx.Client]:
    """The shipped nginx.conf before services at `urls`, and a client of it."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"])
    program = shutil.which("nginx", path=places)
    assert program, "nginx is missing: .ci/nginx .venv/bin/nginx"
    port = free_port()
    shipped = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    for old, url in zip(("127.0.0.1:8001", "127.0.0.1:8002"), urls, strict=True):
        assert shipped.count(f"server {old}") == 1
        shipped = shipped.replace(f"server {old}", f"server {url.removeprefix('http://')}")
    folder.mkdir()
    (folder / "uijepa.conf").write_text(shipped.replace("listen 8000", f"listen 127.0.0.1:{port}"), encoding="utf-8")
    user = f"user {os.environ.get('USER', 'root')};\n" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(user + MAIN.format(folder=folder), encoding="utf-8")
    command = [program, "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as made:
        try:
            until(lambda: listens(port) or made.poll() is not None, "nginx listens")
            assert made.poll() is None, made.communicate()[1]
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                yield client
        finally:
            made.send_signal(signal.SIGTERM)
            made.communicate(timeout=20)


def listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def post(client: httpx.Client, clip: bytes) -> httpx.Response:
    return client.post("/v1/intent", files={"file": ("clip.mp4", clip)})


class Named(FakePredictor):
    def __init__(self, model: str, act: Callable[[Path], None] = lambda _: None) -> None:
        super().__init__(act)
        self.model = model


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Running, Running]]:
    """Two services with one place each, whose answers tell them apart."""
    with ExitStack() as stack:
        made = [
            stack.enter_context(serving(tmp_path / name, lambda _, name=name: Named(name), queue=0, decoders=1))
            for name in ("one", "two")
        ]
        yield made[0], made[1]


def test_a_busy_service_passes_its_clip_to_the_other(two: tuple[Running, Running], tmp_path: Path) -> None:
    one, other = two
    clip = os.urandom(3 * MIB)  # more than nginx keeps in memory
    with balancer(tmp_path / "nginx", one.url, other.url) as client:
        assert {post(client, clip).json()["model"] for _ in range(4)} <= {"one", "two"}
        for busy, free in ((one, "two"), (other, "one")):
            with busy.service.gate.place():
                # Least connections alone would try the busy one half of the time.
                answers = [post(client, clip) for _ in range(4)]
            assert [answer.status_code for answer in answers] == [200] * 4
            assert {answer.json()["model"] for answer in answers} == {free}
        with one.service.gate.place(), other.service.gate.place():
            refused = post(client, clip)
            check_problem(refused, 429, "busy")
            assert int(refused.headers["retry-after"]) >= 1
        assert post(client, clip).status_code == 200
        assert one.uploads() == other.uploads() == []


def test_events_pass_as_they_come(tmp_path: Path) -> None:
    go = threading.Event()
    slow = Named("slow", lambda _: go.wait(20) and None)
    with (
        serving(tmp_path / "u", lambda _: slow) as running,
        balancer(tmp_path / "nginx", running.url, "http://127.0.0.1:9") as client,
        client.stream("POST", "/v1/intent?stream=true", files={"file": b"clip"}) as response,
    ):
        names = (line.removeprefix("event: ") for line in response.iter_lines() if line.startswith("event: "))
        assert [next(names), next(names)] == ["intent.queued", "intent.stage"]
        go.set()  # only now can it be answered: what came before was not held back
        assert list(names)[-1] == "intent.done"


def test_a_stopped_service_loses_no_answer(tiny_bundle: Path, sample_clip: Path, tmp_path: Path) -> None:
    clip = sample_clip.read_bytes()
    answers: list[int | str] = []
    stop = threading.Event()

    def keep_posting(client: httpx.Client) -> None:
        while not stop.is_set():
            try:
                answers.append(post(client, clip).status_code)
            except httpx.HTTPError as error:
                answers.append(repr(error))

    common = ("--bundle", str(tiny_bundle), "--threads", "1", "--decoders", "1")
    with (
        process(*common, "--upload-dir", str(tmp_path / "one")) as first,
        process(*common, "--upload-dir", str(tmp_path / "two")) as second,
    ):
        urls = address(first), address(second)
        with balancer(tmp_path / "nginx", *urls) as client:
            posters = [threading.Thread(target=keep_posting, args=(client,)) for _ in range(3)]
            for poster in posters:
                poster.start()
            try:
                until(lambda: all(answered(url) >= 2 for url in urls), "both answer", 60)
                first.send_signal(signal.SIGTERM)
                said = first.communicate(timeout=30)[1]
                seen = len(answers)
                until(lambda: len(answers) > seen + 5, "the other one goes on", 60)
            finally:
                stop.set()
                for poster in posters:
                    poster.join(30)
        assert first.returncode == 0, said
        assert set(answers) == {200}


def answered(url: str) -> float:
    """Clips a service has answered, as it tells Prometheus."""
    found = re.search(r'^uijepa_clips_total\{outcome="answered"\} (\S+)$', httpx.get(f"{url}/metrics").text, re.M)
    return float(found[1]) if found else 0.0


# ---------------------------------------------------------------- what the files say


@pytest.fixture(scope="module")
def manifest() -> dict[str, dict[str, Any]]:
    """The Kubernetes objects by kind."""
    return {one["kind"]: one for one in yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8"))}


@pytest.fixture(scope="module")
def container(manifest: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return manifest["Deployment"]["spec"]["template"]["spec"]["containers"][0]  # type: ignore[no-any-return]


@pytest.fixture
def deployed(container: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings a pod runs with."""
    return of_environment({one["name"]: one["value"] for one in container["env"] if "value" in one}, monkeypatch)


def of_environment(values: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in values.items():
        assert name.removeprefix("UIJEPA_").lower() in Settings.model_fields, name
        monkeypatch.setenv(name, value)
    return Settings()


def bytes_of(quantity: str) -> int:
    return int(quantity[:-2]) * {"Mi": MIB, "Gi": 1024 * MIB}[quantity[-2:]]


def test_a_pod_has_room_for_every_upload(
    manifest: dict[str, dict[str, Any]], container: dict[str, Any], deployed: Settings
) -> None:
    pod = manifest["Deployment"]["spec"]["template"]["spec"]
    room = bytes_of(pod["volumes"][0]["emptyDir"]["sizeLimit"])
    assert room >= (deployed.queue + deployed.decoders) * deployed.max_bytes
    # The folder and the processes share the limit; the service with the shipped model peaks at 0.5 GiB.
    assert bytes_of(container["resources"]["limits"]["memory"]) >= room + 2048 * MIB
    # Nothing else can be written to, and the folder for uploads is a temporary one unless it is named.
    assert [one["mountPath"] for one in container["volumeMounts"]] == ["/tmp"]
    assert "upload_dir" not in deployed.model_fields_set
    assert container["securityContext"]["readOnlyRootFilesystem"]


def test_kubernetes_waits_for_the_drain(
    manifest: dict[str, dict[str, Any]], container: dict[str, Any], deployed: Settings
) -> None:
    pod = manifest["Deployment"]["spec"]["template"]["spec"]
    before = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] >= before + deployed.drain_seconds + 5
    probe = container["readinessProbe"]
    # The balancer hears of a draining pod before the pod stops taking clips.
    assert before > probe["periodSeconds"] * probe["failureThreshold"]


def test_kubernetes_asks_what_the_service_answers(
    manifest: dict[str, dict[str, Any]], container: dict[str, Any], two: tuple[Running, Running]
) -> None:
    client = two[0].client
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        # Under an address, as the kubelet asks.
        assert client.get(container[name]["httpGet"]["path"], headers={"host": "10.1.2.3:8000"}).status_code == 200
    metric = manifest["HorizontalPodAutoscaler"]["spec"]["metrics"][0]["pods"]["metric"]["name"]
    assert re.search(rf"^{metric} 0\.0$", client.get("/metrics").text, re.M)
    labels = manifest["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    for selector in (
        manifest["Deployment"]["spec"]["selector"]["matchLabels"],
        manifest["Service"]["spec"]["selector"],
        manifest["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        manifest["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ):
        assert selector.items() <= labels


def test_systemd_waits_for_the_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = (DEPLOY / "uijepa.service").read_text(encoding="utf-8")
    words = " ".join(re.findall(r"^Environment=(.*)$", unit, re.M)).split()
    settings = of_environment(dict(word.split("=", 1) for word in words if word.startswith("UIJEPA_")), monkeypatch)
    stop = re.search(r"^TimeoutStopSec=(\d+)$", unit, re.M)
    assert stop is not None
    assert int(stop[1]) >= settings.drain_seconds + 5


def test_nginx_lets_the_largest_upload_pass() -> None:
    found = re.search(r"client_max_body_size (\d+)m;", (DEPLOY / "nginx.conf").read_text(encoding="utf-8"))
    assert found is not None
    assert int(found[1]) * MIB >= Settings().max_bytes + MIB


def test_the_image_needs_neither_root_nor_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    image = text.rpartition("\nFROM ")[2].splitlines()
    said = {line.split(" ")[0]: line.split(" ", 1)[1] for line in image if line[:1].isalpha() and " " in line}
    assert said["USER"].isdecimal()
    assert int(said["USER"]) > 0
    assert said["CMD"].startswith('["python", ')
    assert re.search(r'CMD \["python", .*/livez', said["HEALTHCHECK"])
    settings = of_environment(dict(re.findall(r"(UIJEPA_\w+)=(\S+)", said["ENV"])), monkeypatch)
    assert said["EXPOSE"] == str(settings.port)
    assert settings.host == "0.0.0.0"
