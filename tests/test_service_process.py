"""`python -m service` as a process: start, signals, exit codes."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx
import pytest
from processes import address, process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_and_ends_cleanly(
    number: signal.Signals, tiny_bundle: Path, sample_clip: Path, tmp_path: Path
) -> None:
    uploads = tmp_path / "uploads"
    with process("--bundle", str(tiny_bundle), "--upload-dir", str(uploads)) as made:
        url = address(made)
        with sample_clip.open("rb") as clip:
            response = httpx.post(f"{url}/v1/intent", files={"file": clip}, timeout=30)
        assert response.status_code == 200, response.text
        made.send_signal(number)
        said = made.communicate(timeout=20)[1]
        assert made.returncode == 0
        assert "Traceback" not in said
    assert [left.name for left in uploads.iterdir()] == ["lock"]


def test_a_missing_bundle_is_named_and_ends_it(tmp_path: Path) -> None:
    with process("--bundle", str(tmp_path / "none"), "--upload-dir", str(tmp_path / "uploads")) as made:
        said = made.communicate(timeout=30)[1]
        assert made.returncode == 1
        assert f"{tmp_path / 'none'}: no such bundle." in said
        assert "Traceback" not in said


def test_a_wrong_setting_is_named() -> None:
    with process("--queue", "-1") as made:
        said = made.communicate(timeout=30)[1]
        assert made.returncode == 2
        assert said == "--queue: Input should be greater than or equal to 0.\n"


def test_a_port_in_use_is_named(tiny_bundle: Path, tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with process("--bundle", str(tiny_bundle), "--upload-dir", str(tmp_path / "u"), "--port", port) as made:
            said = made.communicate(timeout=40)[1]
            assert made.returncode not in (0, None)
            assert "address already in use" in said
            assert "Traceback" not in said
