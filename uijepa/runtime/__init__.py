"""The model on the device: a verified bundle, ONNX Runtime, an answer. Never imports torch."""

from uijepa.runtime.bundle import DEFAULT_BUNDLE, Bundle, Manifest
from uijepa.runtime.engine import Answer, Engine
from uijepa.runtime.generate import Step
from uijepa.runtime.progress import Delta, Stage, Watch

__all__ = ["DEFAULT_BUNDLE", "Answer", "Bundle", "Delta", "Engine", "Manifest", "Stage", "Step", "Watch"]
