"""Measuring: Intent Similarity, baselines, leakage, latency, and the tables made from them.

`python -m uijepa.bench --manifest M` scores the bundle on held-out clips, `python -m uijepa.bench wild DIR` shows
what it says about any folder of clips, `python -m uijepa.bench report` prints the results and writes the pages'
tables from them. `probe` compares encoders by few labelled clips, `look` and `curves` draw what one sees and how its
training went.
"""
