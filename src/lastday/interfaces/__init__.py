"""Thin faces: they say what people ask for, and show what is true. No decision is made here."""
