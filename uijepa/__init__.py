"""uijepa: what did the user want? Said by a video JEPA encoder and a small language model, on the device."""

__version__ = "0.1.0"
