"""Train uijepa on a manifest of recordings: `python -m uijepa.train [pretrain | decoder | all]`."""

from __future__ import annotations

import json
import platform
import time
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.progress import Progress
from tokenizers import Tokenizer

from uijepa import __version__, checkpoint
from uijepa.config import load, plain
from uijepa.data import layouts, manifest
from uijepa.data.batches import with_validation
from uijepa.data.cache import TokenCache, build
from uijepa.data.manifest import Clip
from uijepa.errors import ConfigError, UijepaError
from uijepa.models.convert import Converted, convert
from uijepa.models.decoder import merged, new_tokenizer
from uijepa.models.encoder import Encoder
from uijepa.models.system import System
from uijepa.sequence import screen_text
from uijepa.training.config import TrainConfig
from uijepa.training.device import computes_bf16, pick_device
from uijepa.training.loop import Stage, run
from uijepa.training.pretrain import Collapsed, Pretraining
from uijepa.training.tune import Tuning

console = Console(stderr=True)


class What(StrEnum):
    """The stages to run."""

    pretrain = "pretrain"
    decoder = "decoder"
    all = "all"


@dataclass(frozen=True, kw_only=True)
class Run:
    """A training run: its configuration, its data and its folder."""

    config: TrainConfig
    manifest_path: Path
    clips: list[Clip]
    cache: TokenCache
    device: torch.device
    out: Path
    resume: bool
    start: System | None
    """The checkpoint to go on from, if any."""
    converted: Converted | None
    """The encoder of `config.encoder_from`, if any."""

    def pretrain(self) -> Encoder:
        """Stage 1: the chosen encoder, saved to `out/encoder`; on a collapse the best from before it."""
        torch.manual_seed(self.config.seed)
        encoder = self._first_encoder()
        stage = Pretraining(self.config, encoder, self.cache, self.clips, self.device)
        try:
            self._loop(stage)
        except Collapsed:
            if stage.best is not None and not stage.best.collapsed:
                self._keep(stage)
            raise
        return self._keep(stage)

    def _keep(self, stage: Pretraining) -> Encoder:
        encoder, step, numbers = stage.chosen()
        chosen = {
            "encoder_step": step,
            "health": numbers,
            "last": {"health": stage.numbers, "said": stage.verdict.words},
        }
        config = {"encoder": plain(self.config.encoder)}
        checkpoint.save(self.out / "encoder", encoder.state_dict(), config, self._provenance() | chosen)
        console.print(f"encoder kept (step {step} of {stage.steps}): {self.out / 'encoder'}", markup=False)
        return encoder

    def tune(self, encoder: Encoder | None) -> Path:
        """Stage 2, saved to `out/system`; without an encoder, that of `out/encoder` or of the start."""
        torch.manual_seed(self.config.seed)
        if encoder is None:
            encoder = self._first_encoder()
            if (self.out / "encoder").is_dir():
                checkpoint.restore(encoder, checkpoint.load(self.out / "encoder"), self.out / "encoder")
            elif self.start is None and self.converted is None:
                console.print("[yellow]no pretrained encoder in --out and no --init: the encoder is random[/yellow]")
        if self.start is not None:
            system = self.start
            system.encoder.load_state_dict(encoder.state_dict())
        else:
            torch.manual_seed(self.config.seed)  # the decoder's weights must not depend on how the encoder came
            system = System.new(self.config.system, self._tokenizer(), encoder)
        stage = Tuning(self.config, system, self.cache, self.clips, self.device)
        self._loop(stage)
        system, step = stage.chosen()
        system.decoder = merged(system.decoder)
        system.requires_grad_(True).cpu().save(self.out / "system", self._provenance() | {"decoder_step": step})
        console.print(f"trained system (decoder step {step}): {self.out / 'system'}")
        return self.out / "system"

    def _first_encoder(self) -> Encoder:
        """The encoder before any training of this run."""
        if self.start is not None:
            return self.start.encoder
        return Encoder(self.config.encoder) if self.converted is None else self.converted.encoder

    def _loop(self, stage: Stage) -> None:
        seconds = self.config.checkpoint_seconds
        run(stage, self.out / stage.name, resume=self.resume, checkpoint_seconds=seconds, console=console)

    def _tokenizer(self) -> Tokenizer | None:
        if self.config.decoder.pretrained:
            return None  # it brings its own
        train = [c for c in self.clips if c.split == "train" and c.intent and c.path in self.cache]
        texts = [text for c in train for text in (c.intent, screen_text(self.cache[c.path].text))]
        return new_tokenizer(texts, self.config.decoder.vocabulary)

    def _provenance(self) -> dict[str, Any]:
        config, device = self.config, self.device
        origin = {} if self.converted is None else {"encoder_from": str(self.converted)}
        return origin | {
            "uijepa": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine(),
            "bf16": config.precision == "bf16" or (config.precision == "auto" and computes_bf16(device)),
            "threads": torch.get_num_threads(),
            "manifest": self.manifest_path.name,
            "clips": {split: sum(c.split == split for c in self.clips) for split in manifest.SPLITS},
            "hours_of_screen": round(sum(c.seconds for c in self.clips if c.split == "train") / 3600, 2),
            "sources": sorted({c.source for c in self.clips if c.split == "train"}),
            "finished": time.strftime("%Y-%m-%d", time.gmtime()),
            "config": plain(config),
        }


def train(
    manifest_path: Path,
    out: Path,
    config: TrainConfig,
    what: What = What.all,
    *,
    resume: bool = False,
    init: Path | None = None,
) -> Path:
    """Run the stages; returns the folder of what was trained, `out/system` or `out/encoder`.

    `init`: a checkpoint to go on from, its weights and tokenizer instead of new ones. A folder that holds a run is
    only written to with `resume`, and only with the same configuration.
    """
    recordings = layouts.read(manifest_path)
    clips = with_validation([clip for clip in recordings.clips if not clip.measuring_only])
    converted = None
    if config.encoder_from:
        if init:
            raise ConfigError(f"encoder_from and --init {init} each bring an encoder: give one of them.")
        converted = convert(config.encoder_from, config.encoder)
        console.print(str(converted))
        config = replace(config, encoder=converted.encoder.config)
    start = System.load(init) if init else None
    if start is not None and start.config != config.system:
        raise ConfigError(f"{init} was trained as {start.config}; the configuration asks for {config.system}.")
    device = pick_device(config.device)
    _claim(out, config, resume)
    with Progress(console=console) as progress:
        used = [c for c in clips if c.split in ("train", "val")]
        read_text = what is not What.pretrain and config.decoder.text_tokens > 0
        cache = build(recordings.root, used, config.preprocess, read_text=read_text, progress=progress)
    for message in cache.errors.values():
        console.print(f"left out: {message}")
    job = Run(
        config=config,
        manifest_path=manifest_path,
        clips=clips,
        cache=cache,
        device=device,
        out=out,
        resume=resume,
        start=start,
        converted=converted,
    )
    if what is What.decoder:
        return job.tune(None)
    encoder = job.pretrain()
    return out / "encoder" if what is What.pretrain else job.tune(encoder)


def _claim(out: Path, config: TrainConfig, resume: bool) -> None:
    """Make `out` this run's folder, or refuse to mix two runs in one."""
    path = out / "config.json"
    resolved = json.dumps(plain(config), indent=1) + "\n"
    if path.is_file():
        if not resume:
            raise ConfigError(f"{out} holds a run; go on with --resume, or give another --out.")
        if path.read_text(encoding="utf-8") != resolved:
            raise ConfigError(f"{out} was started with another configuration ({path}); resume with that one.")
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(resolved, encoding="utf-8")


def main(  # noqa: PLR0917 (typer's options)
    what: Annotated[What, typer.Argument(help="Which stages to run.")] = What.all,
    manifest_path: Annotated[
        Path, typer.Option("--manifest", help="manifest.jsonl, CSV or folder of recordings.")
    ] = Path("recordings/manifest.jsonl"),
    out: Annotated[Path, typer.Option(help="Folder for checkpoints and logs.")] = Path("runs/default"),
    config_path: Annotated[
        Path | None, typer.Option("--config", help="TOML file; see uijepa/training/config.py.")
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="key.subkey=value, on top of the file.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in --out.")] = False,
    init: Annotated[Path | None, typer.Option(help="Checkpoint folder to start from.")] = None,
) -> None:
    """Train on a manifest: JEPA pretraining of the encoder, then tuning of the decoder."""
    try:
        config = load(TrainConfig, config_path, overrides or [])
        console.print_json(json.dumps(plain(config)))
        print(train(manifest_path, out, config, what, resume=resume, init=init))
    except UijepaError as error:
        console.print(f"[red]{error.code}[/red]: {error}", soft_wrap=True)
        raise typer.Exit(130 if error.code == "interrupted" else 1) from None


if __name__ == "__main__":
    typer.run(main)
