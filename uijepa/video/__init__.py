"""From a clip file to tokens, with numpy, PyAV and decord only."""

from uijepa.video.clip import Prepared, prepare
from uijepa.video.probe import Facts, Limits, probe
from uijepa.video.reader import frames
from uijepa.video.tokens import normalise

__all__ = ["Facts", "Limits", "Prepared", "frames", "normalise", "prepare", "probe"]
