"""Measurements: `python -m bench NAME`, ratios in one run, never a test."""
