"""Lastday: people who leave are out, and it can be proved."""

__version__ = "0.1.0"
