"""Manifests, splits and training sets."""
