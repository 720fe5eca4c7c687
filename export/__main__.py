"""python -m export CHECKPOINT OUT: the ONNX bundle of a training checkpoint, proven equal to it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from uijepa.errors import UijepaError

app = typer.Typer(add_completion=False)


@app.command()
def main(
    checkpoint: Annotated[Path, typer.Argument(help="Folder that training wrote.")],
    out: Annotated[Path, typer.Argument(help="Folder of the bundle to write.")],
    int8: Annotated[bool, typer.Option("--int8", help="Weights of the wide products in int8.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a bundle that is there.")] = False,
    name: Annotated[str, typer.Option(help="Name of the model in its manifest.")] = "uijepa",
) -> None:
    """Export a checkpoint to ONNX, prove that the graphs say what the network says, and write the bundle."""
    console, errors = Console(), Console(stderr=True)
    try:
        with errors.status("Exporting…"):
            from export.package import export

            manifest, parity = export(checkpoint, out, name=name, int8=int8, replaces=replace)
    except ImportError as error:
        errors.print(f"The exporter needs {error.name}. Install it with: pip install 'uijepa[train]'", markup=False)
        raise typer.Exit(2) from error
    except UijepaError as error:
        errors.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error
    console.print(parity.table(manifest.precision))
    size = sum(item.size for item in manifest.files.values())
    console.print(f"{out}: {len(manifest.files)} files, {size / 1e6:.1f} MB", markup=False, soft_wrap=True)


if __name__ == "__main__":
    app()
