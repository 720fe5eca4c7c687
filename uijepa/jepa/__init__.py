"""Joint-embedding predictive pretraining: masks, loss, health."""
