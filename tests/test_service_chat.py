"""The OpenAI-shaped routes, asked by the official client."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from serving import FakePredictor, Running, serving


@pytest.fixture(scope="module")
def running(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    uploads = tmp_path_factory.mktemp("chat") / "uploads"
    with serving(uploads, bundle=tiny_bundle, max_inline_bytes=100_000, threads=1, api_key="sesame-open") as made:
        yield made


@pytest.fixture(scope="module")
def client(running: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{running.url}/v1", api_key="sesame-open", max_retries=0, timeout=20) as made:
        yield made


def url(content: bytes, kind: str = "video/mp4") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def asking(*urls: str, kind: str = "video_url") -> Any:
    clips = [{"type": kind, kind: {"file_data" if kind == "file" else "url": one}} for one in urls]
    return [{"role": "user", "content": [*clips, {"type": "text", "text": "What did the user want?"}]}]


@pytest.mark.parametrize("kind", ["video_url", "image_url", "file"])
def test_a_completion_is_the_answer(running: Running, client: openai.OpenAI, sample_clip: Path, kind: str) -> None:
    content = sample_clip.read_bytes()
    headers = {"Authorization": "Bearer sesame-open"}
    plain = running.client.post("/v1/intent", files={"file": content}, headers=headers).json()
    done = client.chat.completions.create(model="uijepa", messages=asking(url(content), kind=kind), temperature=0)
    assert done.choices[0].message.content == plain["intent"]
    assert (done.choices[0].finish_reason, done.object) == ("stop", "chat.completion")
    assert done.model == client.models.list().data[0].id
    assert done.usage is not None
    assert done.usage.prompt_tokens == plain["tokens"]
    assert 0 < done.usage.completion_tokens <= 8
    extra = (done.model_extra or {})["uijepa"]
    assert {key: extra[key] for key in extra if key != "timings_ms"} == {
        key: plain[key] for key in plain if key != "timings_ms"
    }
    assert running.uploads() == []


def test_a_streamed_completion_is_the_same(client: openai.OpenAI, sample_clip: Path) -> None:
    messages = asking(url(sample_clip.read_bytes(), 'video/mp4;codecs="avc1.42E01E"'.replace('"', "")))
    whole = client.chat.completions.create(model="uijepa", messages=messages)
    chunks = list(
        client.chat.completions.create(
            model="uijepa", messages=messages, stream=True, stream_options={"include_usage": True}
        )
    )
    said = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert said == whole.choices[0].message.content
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage == whole.usage


def test_models(client: openai.OpenAI) -> None:
    (model,) = client.models.list().data
    assert model.id.startswith("tiny-")
    assert " " not in model.id
    assert client.models.retrieve(model.id) == model == client.models.retrieve("uijepa")
    with pytest.raises(openai.NotFoundError) as error:
        client.models.retrieve("gpt-9")
    assert error.value.code == "model_not_found"


CLIP = url(b"no clip")


@pytest.mark.parametrize(
    ("messages", "kind", "code"),
    [
        (asking(CLIP), openai.APIStatusError, "not_a_video"),
        (asking(url(bytes(100_001))), openai.APIStatusError, "upload_too_large"),
        (asking(url(bytes(300_000))), openai.APIStatusError, "upload_too_large"),
        (asking(), openai.UnprocessableEntityError, "invalid_request"),
        (asking(CLIP, CLIP), openai.UnprocessableEntityError, "invalid_request"),
        (asking("http://127.0.0.1/clip.mp4"), openai.UnprocessableEntityError, "invalid_request"),
        (asking("file:///etc/passwd"), openai.UnprocessableEntityError, "invalid_request"),
        (asking("data:video/mp4,plain"), openai.UnprocessableEntityError, "invalid_request"),
        (asking("data:video/mp4;base64,AAA"), openai.UnprocessableEntityError, "invalid_request"),
        (asking("data:video/mp4;base64,é€!*"), openai.UnprocessableEntityError, "invalid_request"),
        ([{"role": "user", "content": "Hello"}], openai.UnprocessableEntityError, "invalid_request"),
        ([], openai.UnprocessableEntityError, "invalid_request"),
    ],
)
def test_errors_have_the_shape_that_clients_know(
    running: Running, client: openai.OpenAI, messages: Any, kind: type[openai.APIStatusError], code: str
) -> None:
    with pytest.raises(kind) as error:
        client.chat.completions.create(model="uijepa", messages=messages)
    assert error.value.code == code
    assert isinstance(error.value.body, dict)
    assert set(error.value.body) == {"message", "type", "param", "code"}
    assert error.value.type == "invalid_request_error"
    assert running.uploads() == []


def test_an_error_within_a_stream_is_raised_by_the_client(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(model="uijepa", messages=asking(CLIP), stream=True)
    with pytest.raises(openai.APIError) as error:
        list(stream)
    assert error.value.code == "not_a_video"


def test_what_is_no_chat_and_who_has_no_key(running: Running, client: openai.OpenAI) -> None:
    path, headers = "/v1/chat/completions", {"Authorization": "Bearer sesame-open"}
    for body in (b"", b"{", b"[]", b'{"model": "uijepa"}', b'{"model": 7, "messages": [{"role": "user"}]}'):
        response = running.client.post(path, content=body, headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (422, "invalid_request")
    with pytest.raises(openai.NotFoundError, match="no such model"):
        client.chat.completions.create(model="gpt-9", messages=asking(CLIP))
    for wrong in ("Bearer sesame", "Basic sesame-open", "Bearer", "", "Bearer sesame-open sesame-open"):
        response = running.client.post(path, content=b"{", headers={"Authorization": wrong} if wrong else {})
        assert (response.status_code, response.json()["error"]["code"]) == (401, "unauthorised")
        assert response.headers["www-authenticate"] == "Bearer"
    for path in ("/v1/models", "/metrics"):
        assert running.client.get(path).status_code == 401
    for path in ("/", "/livez", "/readyz", "/version", "/docs", "/openapi.json"):
        assert running.client.get(path).status_code == 200
    assert running.client.get("/version").json()["api_key"] is True


def test_a_full_queue_and_a_closing_service_are_told_in_that_shape(tmp_path: Path) -> None:
    with serving(tmp_path / "u", lambda _: FakePredictor(), queue=0, decoders=1) as running:
        body = json.dumps({"model": "uijepa", "messages": asking(CLIP)})
        with running.service.gate.place():
            response = running.client.post("/v1/chat/completions", content=body)
            assert (response.status_code, response.json()["error"]["code"]) == (429, "busy")
            assert int(response.headers["retry-after"]) >= 1
        answer = running.client.post("/v1/chat/completions", content=body).json()
        assert answer["choices"][0]["message"]["content"] == "Call Ada."
        assert answer["usage"] == {"prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6}
        running.service.drain()
        response = running.client.post("/v1/chat/completions", content=body)
        assert (response.status_code, response.json()["error"]["type"]) == (503, "server_error")
        assert response.headers["connection"] == "close"
