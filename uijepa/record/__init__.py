"""Recordings of real pages in a real browser, with the intent known: training data made on one's own machine.

`python -m uijepa.record` runs the jobs. A *source* (see `source.py`) plays one task on a *stage* (a page under a
virtual clock, see `stage.py`); the frames it shows become an MP4 and one line of a manifest.
"""
