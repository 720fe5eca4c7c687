"""What several test modules share: a tiny random model as a checkpoint and as a bundle, and a small clip."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import settings

# The same examples every time, however slow the machine.
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")

TINY_WORDS = ["Set an alarm for 7:30 AM labelled Gym.", "Call Ada.", "Turn Wi-Fi off."]


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint folder of a random system that a laptop runs in milliseconds; it reads no text on the screen."""
    return write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "checkpoint")


@pytest.fixture(scope="session")
def tiny_bundle(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of `tiny_checkpoint`. Tests must not change it: copy it first."""
    from export.package import export

    folder = tmp_path_factory.mktemp("tiny") / "bundle"
    export(tiny_checkpoint, folder, name="tiny")
    return folder


def write_tiny_checkpoint(folder: Path) -> Path:
    """The checkpoint of `tiny_checkpoint`, in `folder`."""
    import torch

    from uijepa.config import Preprocess
    from uijepa.models.decoder import DecoderConfig, new_tokenizer
    from uijepa.models.encoder import EncoderConfig
    from uijepa.models.system import System, SystemConfig

    config = SystemConfig(
        preprocess=Preprocess(frames=4, patches=24, max_tokens=40, text_side=256),
        encoder=EncoderConfig(width=24, depth=2, heads=2, places=4),
        decoder=DecoderConfig(vocabulary=300, width=32, depth=2, heads=2, pointer=8, text_tokens=0, max_new_tokens=8),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        system = System.new(config, new_tokenizer(TINY_WORDS, config.decoder.vocabulary))
        # Freshly drawn weights make every id about as probable; these make the model decided, as a trained one is.
        for parameter in system.parameters():
            if parameter.ndim == 2:
                parameter.data.mul_(4)
    system.save(folder, {"made_by": "tests"})
    return folder


@pytest.fixture(scope="session")
def sample_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An mp4 of 1.9 s, 160x240 px, with a variable frame rate: a chequered square walks down a plain screen."""
    path = tmp_path_factory.mktemp("clips") / "sample.mp4"
    write_walk(path, [0, 80, 400, 480, 560, 1000, 1080, 1500, 1900])
    return path


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifest of `tests.tiny_training.write_recordings`. Tests must not change its clips."""
    from tests.tiny_training import write_recordings

    return write_recordings(tmp_path_factory.mktemp("recordings"))


def write_walk(path: Path, moments_ms: Sequence[int], height: int = 240) -> None:
    """A recording, 160 px wide, of a chequered square that walks down a plain screen."""
    square = (np.indices((48, 48)).sum(0) // 6 % 2 * 255).astype(np.uint8)
    pictures = []
    for step in range(len(moments_ms)):
        picture = np.full((height, 160, 3), 200, np.uint8)
        top = step * (height - 48) // (len(moments_ms) - 1)
        picture[top : top + 48, 40:88] = square[..., None]
        pictures.append(picture)
    write_clip(path, pictures, moments_ms)


def write_clip(path: Path, pictures: Sequence[np.ndarray], moments_ms: Sequence[int]) -> None:
    """An H.264 recording of RGB pictures [H, W, 3], one at each moment."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "18"})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for picture, moment in zip(pictures, moments_ms, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = moment, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
