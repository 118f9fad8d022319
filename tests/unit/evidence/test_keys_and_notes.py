"""Keys on disk, signed notes, and checkpoints copied to a file."""

import base64
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastday.evidence.checkpoints import FileCopies, checked_origin, origin_of, signed_checkpoint
from lastday.evidence.keys import KeyRing, keys_directory
from lastday.evidence.verify import key_id, read_checkpoint, signed_by, verify_signature
from lastday.model.errors import EvidenceError

ORIGIN = "lastday.local/db-1"


@pytest.fixture
def ring(tmp_path):
    return KeyRing(tmp_path / "keys")


def test_a_key_is_made_once_and_nobody_else_may_read_it(ring):
    """Design section 9: 0600."""
    first, again = ring.current(), ring.current()
    assert first.fingerprint == again.fingerprint
    assert stat.S_IMODE((ring.directory / "evidence.key").stat().st_mode) == 0o600
    assert [path.name for path in ring.directory.iterdir()] == ["evidence.key"]
    assert base64.b64encode(first.sign(b"")).decode() not in repr(first)


def test_a_key_that_others_may_read_is_not_used(ring):
    ring.current()
    (ring.directory / "evidence.key").chmod(0o640)
    with pytest.raises(EvidenceError, match="others may read"):
        ring.current()


def test_what_is_no_key_is_refused(ring):
    ring.current()
    (ring.directory / "evidence.key").write_text("-----BEGIN NOTHING-----")
    with pytest.raises(EvidenceError, match="cannot be read"):
        ring.current()


def test_a_log_never_changes_its_key_in_silence(ring, tmp_path):
    """A new disk would otherwise go on with a new key under the old log."""
    other = KeyRing(tmp_path / "other").current()
    with pytest.raises(EvidenceError, match="the log is signed by"):
        ring.in_force(other.fingerprint)


def test_a_change_of_keys_cut_off_after_its_entry_is_finished(ring):
    ring.current()
    new = ring.prepare()
    assert ring.in_force(new.fingerprint).fingerprint == new.fingerprint
    assert ring.current().fingerprint == new.fingerprint


def test_the_directory_can_be_named(tmp_path):
    assert keys_directory(tmp_path, {}) == tmp_path / "keys"
    assert keys_directory(tmp_path, {"LASTDAY_KEYS": "/elsewhere"}).as_posix() == "/elsewhere"


def test_a_checkpoint_is_a_note_that_others_can_read(ring):
    """C2SP tlog-checkpoint and signed-note: three lines, a blank one, em dash, name, key id and signature."""
    signer = ring.current()
    note = signed_checkpoint(signer, ORIGIN, 12, bytes(32))
    text, signature = note.split("\n\n")
    assert text.split("\n") == [ORIGIN, "12", base64.b64encode(bytes(32)).decode()]
    dash, name, encoded = signature.rstrip("\n").split(" ")
    raw = base64.b64decode(encoded)
    assert (dash, name, raw[:4]) == ("—", ORIGIN, key_id(ORIGIN, signer.public))
    assert verify_signature(signer.public, (text + "\n").encode(), raw[4:])
    assert signed_by(read_checkpoint(note), signer.public)


def test_the_published_key_id_comes_out():
    """golang.org/x/mod/sumdb/note documents this key of PeterNeumann with id c74f20a3."""
    key = base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    assert key_id("PeterNeumann", key[1:]).hex() == "c74f20a3"


def test_one_wrong_signature_in_the_logs_own_name_spoils_the_note(ring):
    """C2SP signed-note: a failing signature of a known key rejects the note; unknown keys are passed over."""
    signer = ring.current()
    note = signed_checkpoint(signer, ORIGIN, 3, bytes(32))
    forged = base64.b64encode(key_id(ORIGIN, signer.public) + bytes(64)).decode()
    assert not signed_by(read_checkpoint(note + f"— {ORIGIN} {forged}\n"), signer.public)
    stranger = base64.b64encode(b"abcd" + bytes(64)).decode()
    assert signed_by(read_checkpoint(note + f"— witness.example/w {stranger}\n"), signer.public)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "a\n1\n",
        "a\n1\nAAAA\n\n",
        "a\n01\n" + base64.b64encode(bytes(32)).decode() + "\n\n— a AAAAAAAA\n",
        "a\n-1\n" + base64.b64encode(bytes(32)).decode() + "\n\n— a AAAAAAAA\n",
        "a\n1\n" + base64.b64encode(bytes(31)).decode() + "\n\n— a AAAAAAAA\n",
        "a\n1\n" + base64.b64encode(bytes(32)).decode() + "\n\n- a AAAAAAAA\n",
        "a\n1\n" + base64.b64encode(bytes(32)).decode() + "\n\n— a+b AAAAAAAA\n",
        "a\n1\n" + base64.b64encode(bytes(32)).decode() + "\n\n— a AAAA\n",
        "a\n1\n" + base64.b64encode(bytes(32)).decode() + "\n\n— a AAAAAAAA",
        "a\r\n1\n" + base64.b64encode(bytes(32)).decode() + "\n\n— a AAAAAAAA\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(note):
    """C2SP tlog-checkpoint: no leading zeroes, 32 bytes of root, at least one well-formed signature."""
    with pytest.raises(ValueError, match=r"not a signed note|well formed|control characters|invalid literal"):
        read_checkpoint(note)


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "a\nb", "/a", "a//b"])
def test_what_cannot_name_a_log_is_refused(origin):
    with pytest.raises(EvidenceError):
        checked_origin(origin)
    assert checked_origin(origin_of("db-12ab")) == "lastday.local/db-12ab"


def test_copies_only_grow_and_skip_what_is_there(ring, tmp_path):
    copies = FileCopies.of(tmp_path / "checkpoints", ORIGIN)
    notes = [signed_checkpoint(ring.current(), ORIGIN, size, bytes(32)) for size in (1, 5, 9)]
    assert copies.last() is None
    assert copies.all() == []
    copies.keep(notes[:2])
    copies.keep(notes)
    assert [copy.size for copy in copies.all()] == [1, 5, 9]
    assert copies.last() == read_checkpoint(notes[2])
    assert stat.S_IMODE(copies.path.stat().st_mode) == 0o600


@given(cut=st.integers(1, 200))
def test_a_copy_torn_by_a_crash_is_written_again(tmp_path_factory, cut):
    directory = tmp_path_factory.mktemp("torn")
    signer = KeyRing(directory / "keys").current()
    copies = FileCopies.of(directory, ORIGIN)
    notes = [signed_checkpoint(signer, ORIGIN, size, bytes(32)) for size in (1, 2)]
    copies.keep(notes)
    whole = copies.path.read_bytes()
    copies.path.write_bytes(whole[: -min(cut, len(notes[1]))])
    assert copies.last() == read_checkpoint(notes[0])
    copies.keep(notes)
    assert copies.path.read_bytes() == whole


def test_a_copy_that_somebody_edited_is_named(tmp_path):
    copies = FileCopies.of(tmp_path, ORIGIN)
    copies.path.write_text("something else entirely\n")
    with pytest.raises(EvidenceError, match="cannot be read"):
        copies.last()
    with pytest.raises(EvidenceError, match="cannot be read"):
        copies.all()
