"""The vendor's rates as limits in the shared budget."""

from collections.abc import Sequence

from lastday.connectors.scim.vendor_profile import Bucket, VendorProfile
from lastday.connectors.sdk.http import Call, Shares, encoded
from lastday.connectors.sdk.manifest import Limit

OUR_PART = 0.5
"""How much of a limit that counts all clients of the customer together is taken at most."""


def limits_of(vendor: VendorProfile) -> tuple[Limit, ...]:
    """One limit for each bucket that counts requests; how many may be under way at once is a matter of lanes."""
    return tuple(_limit(bucket) for bucket in vendor.rates.buckets if bucket.requests is not None)


def limits_of_calls(vendor: VendorProfile | None) -> Shares | None:
    """Which limits a call counts in; None where there are none."""
    if vendor is None or not limits_of(vendor):
        return None
    rates = vendor.rates
    sizes_count = any(bucket.larger_than_bytes is not None for bucket in rates.buckets)

    def shares(call: Call) -> Sequence[str]:
        size = len(encoded(call.body) or b"") if sizes_count else 0
        found = rates.buckets_of(call.method, "/" + "/".join(call.path), size)
        return [bucket.name for bucket in found if bucket.requests is not None]

    return shares


def _limit(bucket: Bucket) -> Limit:
    """A bucket that refills evenly. Without a stated burst, no window ever has more than its requests."""
    part = OUR_PART if bucket.shared else 1.0
    requests, window = (bucket.requests or 1) * part, bucket.window_s or 1
    if bucket.burst is not None:
        return Limit(name=bucket.name, per_second=requests / window, burst=max(1.0, bucket.burst * part))
    burst = max(1.0, requests / 2)
    return Limit(name=bucket.name, per_second=max(requests - burst, requests / 2) / window, burst=burst)
