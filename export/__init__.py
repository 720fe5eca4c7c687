"""From a training checkpoint to the bundle a device runs: `python -m export CHECKPOINT OUT`."""
