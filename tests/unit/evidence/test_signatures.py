"""The verifier's own Ed25519 against the published vectors and against `cryptography` (acceptance 8)."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from lastday.evidence.verify import verify_signature
from tests.unit.evidence.rfc8032_vectors import VECTORS

ORDER = 2**252 + 27742317777372353535851937790883648493
FIELD = 2**255 - 19
keys = st.binary(min_size=32, max_size=32).map(Ed25519PrivateKey.from_private_bytes)


def accepted_by_library(public, message, signature):
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize(("secret", "public", "message", "signature"), VECTORS)
def test_every_published_vector_verifies_and_no_other_message_does(secret, public, message, signature):
    """RFC 8032 section 7.1."""
    key, said, signed = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
    assert Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret)).sign(said) == signed
    assert verify_signature(key, said, signed)
    assert not verify_signature(key, said + b"\0", signed)


@given(keys, st.binary(max_size=300))
@settings(max_examples=60)
def test_what_the_library_signs_verifies(key, message):
    """RFC 8032 section 5.1.7."""
    assert verify_signature(key.public_key().public_bytes_raw(), message, key.sign(message))


@given(
    keys, st.binary(min_size=1, max_size=60), st.integers(0, 511), st.sampled_from(["signature", "message", "public"])
)
@settings(max_examples=150)
def test_after_any_flipped_bit_it_says_what_the_library_says(key, message, bit, where):
    """RFC 8032 section 5.1.7: the same answer from two implementations, almost always a refusal."""
    parts = {"signature": key.sign(message), "message": message, "public": key.public_key().public_bytes_raw()}
    changed = bytearray(parts[where])
    changed[bit // 8 % len(changed)] ^= 1 << bit % 8
    parts[where] = bytes(changed)
    ours = verify_signature(parts["public"], parts["message"], parts["signature"])
    assert not ours
    assert not accepted_by_library(parts["public"], parts["message"], parts["signature"])


@given(keys, st.binary(max_size=60))
@settings(max_examples=30)
def test_the_other_s_of_the_same_signature_is_refused(key, message):
    """RFC 8032 section 5.1.7: S must lie below the group order, or every signature had a twin."""
    signature = key.sign(message)
    twin = int.from_bytes(signature[32:], "little") + ORDER
    forged = signature[:32] + twin.to_bytes(32, "little")
    assert not verify_signature(key.public_key().public_bytes_raw(), message, forged)
    assert not accepted_by_library(key.public_key().public_bytes_raw(), message, forged)


@pytest.mark.parametrize("y", [FIELD, FIELD + 1, FIELD + 18, 2**255 - 1])
@pytest.mark.parametrize("sign", [0, 1])
def test_a_point_that_is_not_canonical_is_refused(y, sign):
    """RFC 8032 section 5.1.3 step 1: y >= p does not decode."""
    encoded = (y | sign << 255).to_bytes(32, "little")
    good = Ed25519PrivateKey.from_private_bytes(bytes(32))
    assert not verify_signature(encoded, b"m", good.sign(b"m"))
    assert not verify_signature(good.public_key().public_bytes_raw(), b"m", encoded + good.sign(b"m")[32:])


@pytest.mark.parametrize("encoded", [1, FIELD - 1, 0, 1 << 255, 1 | 1 << 255])
def test_a_public_key_of_small_order_is_refused(encoded):
    """With such a key one signature fits many messages: S = 0 and R = the key's multiple."""
    public = encoded.to_bytes(32, "little")
    assert not verify_signature(public, b"anything", (1).to_bytes(32, "little") + bytes(32))


@pytest.mark.parametrize("length", [0, 31, 33, 63, 65])
def test_wrong_lengths_are_refused(length):
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public, signature = key.public_key().public_bytes_raw(), key.sign(b"m")
    assert not verify_signature(public, b"m", signature.ljust(length, b"\0")[:length])
    if length != 32:
        assert not verify_signature(public.ljust(length, b"\0")[:length], b"m", signature)
