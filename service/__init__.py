"""The service: post a clip, read the intent. `python -m service` starts it."""
