"""What the tree and the checkpoint cost, against the JSON encoding of the same entries (design section 11: below 25 %).

The encoding is that of the reference, rfc8785.dumps, for which the promise was made; our own is quicker, and beside it.
CPU seconds of this process, interleaved, the median of several rounds; and the same work through PostgreSQL is what
`python -m bench spine` measures.
"""

import json
import os
import time
from statistics import median

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lastday.evidence.checkpoints import signed_checkpoint
from lastday.evidence.keys import Signer
from lastday.evidence.tree import Frontier, leaf_hash
from lastday.model.canonical import JsonValue, canonical_bytes

ROUNDS = 9
BATCHES = 10
BATCH = 1_000


def main() -> None:
    """Prints one JSON object: entries per CPU second for each part, and the ratio that is promised."""
    signer = Signer(Ed25519PrivateKey.generate())
    entries = [_entry(number) for number in range(BATCH)]
    rounds = [_round(signer, entries) for _ in range(ROUNDS)]
    encoding, ours, growing = (median(part) for part in zip(*rounds, strict=True))
    ratios = sorted(grow / encode for encode, _, grow in rounds)
    print(
        json.dumps(
            {
                "schema": "lastday/bench-evidence/1",
                "entries": BATCH * BATCHES,
                "batch": BATCH,
                "bytes_per_entry": len(canonical_bytes(entries[0])),
                "reference_encode_per_cpu_s": round(BATCH * BATCHES / encoding),
                "encode_per_cpu_s": round(BATCH * BATCHES / ours),
                "tree_and_checkpoint_per_cpu_s": round(BATCH * BATCHES / growing),
                "ratio": round(median(ratios), 3),
                "ratio_range": [round(ratios[0], 3), round(ratios[-1], 3)],
                "must": 0.25,
                "load_average": round(os.getloadavg()[0], 2),
            }
        )
    )


def _round(signer: Signer, entries: list[dict[str, JsonValue]]) -> tuple[float, float, float]:
    frontier, encoding, ours, growing = Frontier.empty(), 0.0, 0.0, 0.0
    for _ in range(BATCHES):
        start = time.process_time()
        for entry in entries:
            rfc8785.dumps(entry)
        referred = time.process_time()
        contents = [canonical_bytes(entry) for entry in entries]
        encoded = time.process_time()
        frontier.grow([leaf_hash(content) for content in contents])
        signed_checkpoint(signer, "lastday.local/bench", frontier.size, frontier.root())
        growing += time.process_time() - encoded
        encoding += referred - start
        ours += encoded - referred
    return encoding, ours, growing


def _entry(number: int) -> dict[str, JsonValue]:
    return {
        "id": f"e-{number:020x}",
        "kind": "intent",
        "at": "2026-11-24T06:00:00.000000+00:00",
        "body": {"operation": f"op-{number}", "application": "chat", "verb": "disable", "attempt": 1, "plan": "p-1"},
        "case": f"case-{number // 4}",
        "operation": f"op-{number}",
        "batch": "b-1",
        "plan": "p-1",
        "identity": f"id-{number // 4}",
        "personal": None,
        "spooled": False,
        "stamp": {"tool": "lastday 0.1", "policy": "ab" * 32, "test_clock": False},
    }


if __name__ == "__main__":
    main()
