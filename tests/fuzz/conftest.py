"""The target runs in the fuzzer's environment only."""

collect_ignore = ["target.py"]
