"""What answers: the engine with its decoding sandbox, behind the few things the service needs of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from PIL import Image, ImageDraw

from service.settings import Settings
from uijepa.runtime import Watch


class Answer(Protocol):
    """What was understood of a clip; see `uijepa.runtime.Answer`."""

    def as_json(self) -> dict[str, Any]:
        """intent, confidence, timings_ms, times_s, tokens and text, as plain values."""


class Predictor(Protocol):
    """Answers clips, from any thread."""

    @property
    def model(self) -> str:
        """Name and version of the model."""

    @property
    def sandbox(self) -> Mapping[str, bool]:
        """Which measures shut the decoding of clips in, by name, and whether they hold on this machine."""

    @property
    def decoders(self) -> tuple[int, int]:
        """Child processes that decode: alive now, and started to replace one that ended."""

    def predict(self, path: Path, watch: Watch = ...) -> Answer:
        """Tells `watch` how far it is. Raises uijepa.errors.ClipError when the clip cannot be used, and whatever
        `watch` raises."""

    def close(self) -> None:
        """Stop whatever runs beside; called once."""


PredictorFactory = Callable[[Settings], Predictor]


def warm_up(predictor: Predictor, path: Path) -> None:
    """Answer a small clip made up on the spot, written to `path`, so that everything is loaded and known to work."""
    size = 320
    frames = []
    for shade in range(0, 240, 60):
        frame = Image.new("RGB", (size, size), (250, 250, 250))
        draw = ImageDraw.Draw(frame)
        for x in range(0, size, 10):
            draw.line((x, 0, (x * 7 + shade) % size, size), fill=(shade, x % 255, 90), width=3)
        draw.text((20, 20 + shade // 2), "Ready", fill=(0, 0, 0), font_size=32)
        frames.append(frame)
    frames[0].save(path, format="GIF", save_all=True, append_images=frames[1:], duration=250)
    predictor.predict(path)
