"""Where and in which precision training computes."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch

from uijepa.errors import ConfigError


def pick_device(name: str) -> torch.device:
    """The device of a configuration: "auto" takes CUDA where there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"device {name!r} is unknown; use auto, cpu or cuda.") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device 'cuda' is not available here; use device = 'auto' or 'cpu'.")
    return device


def computes_bf16(device: torch.device) -> bool:
    """Whether bf16 is faster than fp32 there: on CPUs with bf16 instructions only, elsewhere it is emulated."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def in_bf16(device: torch.device, precision: str) -> bool:
    """Whether a configuration's `precision` means bf16 there."""
    return precision == "bf16" or (precision == "auto" and computes_bf16(device))


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """The autocast context of a configuration's `precision`."""
    return torch.autocast(device.type, torch.bfloat16, enabled=in_bf16(device, precision))
