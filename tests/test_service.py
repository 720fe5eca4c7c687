"""The API over real HTTP, with a real (tiny, random) model and the real sandbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from serving import Running, check_problem, serving

from service.problem import KINDS
from service.settings import Settings


@pytest.fixture(scope="module")
def running(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    uploads = tmp_path_factory.mktemp("service") / "uploads"
    with serving(uploads, bundle=tiny_bundle, max_bytes=200_000, max_seconds=30, threads=1) as made:
        yield made


def test_a_clip_is_answered_and_not_kept(running: Running, sample_clip: Path) -> None:
    response = running.post(sample_clip.read_bytes())
    assert response.status_code == 200, response.text
    answer = response.json()
    assert set(answer) == {"intent", "confidence", "timings_ms", "times_s", "tokens", "text", "model"}
    assert 0 <= answer["confidence"] <= 1
    assert answer["tokens"] > 0
    assert answer["times_s"] == sorted(answer["times_s"])
    assert answer["model"].startswith("tiny ")
    timings = answer["timings_ms"]
    assert {"upload", "queue", "probe", "decode", "tokens", "encoder", "decoder"} < set(timings)
    stages = sum(ms for stage, ms in timings.items() if stage != "total")
    assert 0 < stages <= timings["total"] + 1
    assert running.uploads() == []


def test_the_answer_is_the_engines(running: Running, sample_clip: Path, tiny_bundle: Path) -> None:
    from uijepa.runtime import Engine

    expected = Engine.load(tiny_bundle, threads=1).predict(sample_clip).as_json()
    answer = running.post(sample_clip.read_bytes()).json()
    for key in ("intent", "confidence", "times_s", "tokens", "text"):
        assert answer[key] == expected[key]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 415, "not-a-video"),
        (b"just some text", 415, "not-a-video"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", 415, "not-a-video"),
        (b"PK\x03\x04" + bytes(500), 415, "not-a-video"),
        (b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + bytes(64), 422, "undecodable"),
    ],
)
def test_what_is_no_clip_is_named(running: Running, content: bytes, status: int, code: str) -> None:
    problem = check_problem(running.post(content), status, code)
    assert problem["remedy"]
    assert str(running.service.settings.upload_dir) not in str(problem)
    assert running.uploads() == []


def test_a_clip_cut_short_costs_itself_only(running: Running, sample_clip: Path) -> None:
    content = sample_clip.read_bytes()
    response = running.post(content[: len(content) // 2])
    assert response.status_code in (415, 422)
    assert response.json()["code"] in KINDS
    assert running.post(content).status_code == 200


def test_a_clip_too_long(tiny_bundle: Path, sample_clip: Path, tmp_path: Path) -> None:
    with serving(tmp_path / "uploads", bundle=tiny_bundle, max_seconds=1, threads=1, ready=False) as running:
        # The limit holds for strangers' clips; what the service made up itself is shorter than any useful limit.
        while running.client.get("/readyz").status_code != 200:
            pass
        problem = check_problem(running.post(sample_clip.read_bytes()), 422, "clip-too-long")
    assert problem["remedy"] == "Cut the recording to the part that matters."


def test_an_upload_too_large_is_refused_by_its_declared_length(running: Running) -> None:
    problem = check_problem(running.post(bytes(400_000)), 413, "upload-too-large")
    assert problem["detail"] == "The upload is larger than 195 KiB."


def test_an_upload_too_large_is_counted_when_it_declares_nothing(running: Running) -> None:
    def body() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'
        for _ in range(40):
            yield bytes(10_000)
        yield b"\r\n--x--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    response = running.client.post("/v1/intent", content=body(), headers=headers)
    assert "content-length" not in response.request.headers
    check_problem(response, 413, "upload-too-large")
    assert running.uploads() == []


PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc\r\n'


@pytest.mark.parametrize(
    ("content_type", "body", "status", "code"),
    [
        ("application/json", b"{}", 415, "not-multipart"),
        ("", b"", 415, "not-multipart"),
        ("multipart/form-data", PART, 400, "malformed"),
        ("multipart/form-data; boundary=x", b"no boundary in here", 400, "malformed"),
        ("multipart/form-data; boundary=x", PART, 400, "malformed"),
        ("multipart/form-data; boundary=x", PART + PART + b"--x--\r\n", 400, "malformed"),
        ("multipart/form-data; boundary=x", b"", 400, "malformed"),
        ("multipart/form-data; boundary=x", PART.replace(b'"file"', b'"clip"') + b"--x--\r\n", 422, "missing-file"),
        ("multipart/form-data; boundary=x", PART.replace(b"abc", b"a" * 70_000) + PART, 400, "malformed"),
        ("multipart/form-data; boundary=" + "y" * 500, PART, 400, "malformed"),
    ],
)
def test_forms_that_are_none(running: Running, content_type: str, body: bytes, status: int, code: str) -> None:
    response = running.client.post("/v1/intent", content=body, headers={"Content-Type": content_type})
    check_problem(response, status, code)
    assert running.uploads() == []


def test_addresses_and_methods_that_are_not_there(running: Running) -> None:
    check_problem(running.client.get("/nothing"), 404, "not-found")
    check_problem(running.client.get("/page/../../settings.py"), 404, "not-found")
    response = running.client.get("/v1/intent")
    check_problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "POST"


def test_foreign_hosts_and_origins_are_refused(running: Running) -> None:
    check_problem(running.client.get("/", headers={"Host": "evil.example"}), 400, "host-not-allowed")
    check_problem(running.client.get("/", headers={"Host": "[::1"}), 400, "host-not-allowed")
    origin = {"Origin": "https://evil.example"}
    check_problem(running.client.post("/v1/intent", files={"file": b"x"}, headers=origin), 403, "cross-origin")
    for host in ("localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000"):
        assert running.client.get("/version", headers={"Host": host}).status_code == 200
    # An orchestrator asks by address.
    assert running.client.get("/livez", headers={"Host": "10.1.2.3:8000"}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/docs", "/page/app.js", "/livez", "/version", "/openapi.json", "/nothing"])
def test_every_answer_protects_the_page(running: Running, path: str) -> None:
    headers = running.client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] in ("no-cache", "no-store")
    assert "server" not in headers
    assert "access-control-allow-origin" not in headers


def test_health_and_version(running: Running) -> None:
    import uijepa

    assert running.client.get("/livez").json() == {"status": "alive"}
    ready = running.client.get("/readyz").json()
    assert (ready["status"], ready["in_progress"], ready["reason"]) == ("ready", 0, None)
    measures = ready["sandbox"]["measures"]
    assert measures["memory"] is True
    assert ready["sandbox"]["level"] == ("full" if all(measures.values()) else "partial")
    version = running.client.get("/version").json()
    assert version["uijepa"] == uijepa.__version__
    assert version["model"].startswith("tiny ")
    assert version["limits"] == {"max_bytes": 200_000, "max_seconds": 30.0}


def test_openapi_tells_the_form_and_the_problems(running: Running) -> None:
    schema = running.client.get("/openapi.json").json()
    openai = {"/v1/chat/completions", "/v1/models", "/v1/models/{name}"}
    assert set(schema["paths"]) == {"/v1/intent", "/livez", "/readyz", "/version", "/metrics"} | openai
    known = set(schema["components"]["schemas"])
    assert set(re.findall(r"#/components/schemas/(\w+)", str(schema))) <= known
    post = schema["paths"]["/v1/intent"]["post"]
    form = post["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["required"] == ["file"]
    assert set(post["responses"]) >= {"200", "400", "408", "413", "415", "422", "429", "500", "503", "504"}
    assert "Retry-After" in post["responses"]["429"]["headers"]
    assert schema["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] == list(KINDS)
    example = schema["components"]["schemas"]["Intent"]["examples"][0]
    assert set(example) == set(schema["components"]["schemas"]["Intent"]["required"])


def test_pages_load_nothing_from_elsewhere(running: Running) -> None:
    page = Path(__file__).parent.parent / "service" / "page"
    for path in sorted(path for path in page.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.suffix in (".html", ".css", ".js", ".svg"):
            found = set(re.findall(rb"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", content))
            assert found <= {b"http://www.w3.org"}, path.name
        assert running.client.get(f"/page/{path.relative_to(page).as_posix()}").content == content


def test_flags_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UIJEPA_PORT", "9001")
    monkeypatch.setenv("UIJEPA_QUEUE", "3")
    monkeypatch.setenv("UIJEPA_ALLOWED_HOSTS", "a.example, b.example")
    settings = Settings.from_command_line(["--port", "9002", "--max-bytes", "1000"])
    assert (settings.port, settings.queue, settings.max_bytes) == (9002, 3, 1000)
    assert settings.hosts[-2:] == ("a.example", "b.example")
    assert settings.limits.max_bytes == 1000


def test_configured_hosts_are_answered(tmp_path: Path) -> None:
    from serving import FakePredictor

    with serving(tmp_path / "u", lambda _: FakePredictor(), allowed_hosts="clips.example") as running:
        assert running.client.get("/", headers={"Host": "clips.example"}).status_code == 200
        origin = {"Host": "clips.example", "Origin": "https://clips.example"}
        assert httpx.post(f"{running.url}/v1/intent", files={"file": b"x"}, headers=origin).status_code == 200
        check_problem(running.client.get("/", headers={"Host": "other.example"}), 400, "host-not-allowed")
