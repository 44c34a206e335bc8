"""Hashing, sealing, signing, and the files that hold the keys."""

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.crypto.checkpoints import FileCheckpoints
from adapters.crypto.identity import Ed25519Identity, new_identity_pem
from adapters.crypto.keyfiles import KeyFilesBroken, load_or_create
from adapters.crypto.passwords import Argon2Hasher
from adapters.crypto.secret_box import AesGcmSecretBox
from adapters.crypto.secrets import NodeSecrets
from domain.federation.audit import Checkpoint
from ports.crypto import SealBroken

NAMES = ["pepper", "box.key", "sign.key", "session.key", "identity.pem", "instance.id"]


@pytest.fixture
def identity():
    return Ed25519Identity(new_identity_pem(), instance_id="one")


def test_a_password_fits_its_own_hash_only():
    hasher = Argon2Hasher()
    encoded = hasher.hash("correct horse")

    assert encoded.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hasher.verify(encoded, "correct horse")
    assert not hasher.verify(encoded, "correct horsf")
    assert not hasher.needs_rehash(encoded)


@pytest.mark.parametrize("encoded", ["", "plain", "$argon2id$v=19$m=1", "$2b$12$abc"])
def test_an_unreadable_hash_fits_nothing(encoded):
    hasher = Argon2Hasher()

    assert not hasher.verify(encoded, "anything")
    assert hasher.needs_rehash(encoded)


def test_a_lone_surrogate_is_a_wrong_password():
    hasher = Argon2Hasher()
    assert not hasher.verify(hasher.hash("x" * 8), "\ud800")


def test_no_more_hashes_run_at_once_than_allowed():
    hasher, running, peak = Argon2Hasher(at_once=2), 0, 0
    lock = threading.Lock()

    class Counting:
        def hash(self, password):
            nonlocal running, peak
            with lock:
                running += 1
                peak = max(peak, running)
            threading.Event().wait(0.01)
            with lock:
                running -= 1
            return "h"

    hasher._argon2 = Counting()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hasher.hash, ["p"] * 8))

    assert peak == 2


def test_digests_and_signatures_depend_on_their_key_and_purpose():
    one = NodeSecrets(pepper=b"p" * 32, signing_key=b"s" * 32)
    other = NodeSecrets(pepper=b"q" * 32, signing_key=b"t" * 32)

    assert one.key_digest("k") != other.key_digest("k")
    assert one.sign("a", b"m") != one.sign("b", b"m")
    assert one.sign("a", b"m") != other.sign("a", b"m")
    assert one.sign("a", b"m") == one.sign("a", b"m")
    assert len(one.sign("a", b"m")) == len(one.random_bytes(32)) == 32


def test_short_keys_are_refused():
    with pytest.raises(ValueError):
        NodeSecrets(pepper=b"short", signing_key=b"s" * 32)
    with pytest.raises(ValueError):
        AesGcmSecretBox({1: b"short"})


def test_a_sealed_secret_opens_at_its_place_only():
    box = AesGcmSecretBox({1: b"k" * 32})
    sealed = box.seal("secret", place="connection:key:1")

    assert b"secret" not in sealed
    assert box.open(sealed, place="connection:key:1") == "secret"
    with pytest.raises(SealBroken):
        box.open(sealed, place="connection:key:2")


def test_every_changed_byte_of_a_sealed_secret_shows():
    box = AesGcmSecretBox({1: b"k" * 32})
    sealed = box.seal("secret", place="p")

    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(SealBroken):
            box.open(bytes(changed), place="p")
    with pytest.raises(SealBroken):
        box.open(b"", place="p")


def test_an_old_key_still_opens_after_a_new_one_seals():
    sealed = AesGcmSecretBox({1: b"k" * 32}).seal("secret", place="p")
    both = AesGcmSecretBox({1: b"k" * 32, 2: b"n" * 32})

    assert both.open(sealed, place="p") == "secret"
    assert both.seal("secret", place="p")[0] == 2


def test_the_identity_signs_and_names_its_key(identity):
    signature = identity.sign(b"message")

    assert len(signature) == 64
    assert identity.verify(b"message", signature)
    assert not identity.verify(b"messagf", signature)
    assert identity.public_jwk()["crv"] == "Ed25519"
    assert len(identity.public_jwk()["kid"]) == 43


def test_a_fresh_directory_gets_private_key_files(tmp_path):
    made = load_or_create(tmp_path / "new", fresh=True)

    assert load_or_create(tmp_path / "new", fresh=False) == made
    assert made.identity_pem.startswith(b"-----BEGIN PRIVATE KEY-----")
    folder = tmp_path / "new" / "keys"
    assert sorted(path.name for path in folder.iterdir()) == sorted(NAMES)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert "pepper" not in repr(made)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("content", [None, b"", b"abc"])
def test_a_broken_key_file_is_never_replaced(tmp_path, name, content):
    load_or_create(tmp_path, fresh=True)
    path = tmp_path / "keys" / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(KeyFilesBroken, match=name.replace(".", r"\.")):
        load_or_create(tmp_path, fresh=False)
    assert (path.read_bytes() if path.exists() else None) == content


def test_processes_that_start_at_once_end_with_the_same_keys(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: load_or_create(tmp_path, fresh=True), range(8)))

    assert all(one == made[0] for one in made)
    assert len(os.listdir(tmp_path / "keys")) == len(NAMES)


def test_an_identity_that_is_no_ed25519_key_is_refused():
    with pytest.raises(ValueError):
        Ed25519Identity(b"abc", instance_id="one")


def test_checkpoints_only_move_forward(tmp_path, identity):
    checkpoints = FileCheckpoints(tmp_path / "audit" / "checkpoint.json", identity)

    assert checkpoints.read() is None
    checkpoints.write(Checkpoint(5, b"r" * 32))
    checkpoints.write(Checkpoint(4, b"o" * 32))
    assert checkpoints.read() == Checkpoint(5, b"r" * 32)


@pytest.mark.parametrize(
    "change", [(b'"size": 5', b'"size": 4'), (b'"root"', b'"toot"'), (b"{", b"[")]
)
def test_a_changed_checkpoint_shows_and_stays(tmp_path, identity, change):
    path = tmp_path / "checkpoint.json"
    checkpoints = FileCheckpoints(path, identity)
    checkpoints.write(Checkpoint(5, b"r" * 32))
    path.write_bytes(path.read_bytes().replace(*change))

    with pytest.raises(SealBroken):
        checkpoints.read()
    with pytest.raises(SealBroken):
        checkpoints.write(Checkpoint(6, b"n" * 32))


def test_a_checkpoint_of_another_node_is_not_believed(tmp_path, identity):
    path = tmp_path / "checkpoint.json"
    FileCheckpoints(path, Ed25519Identity(new_identity_pem(), instance_id="one")).write(
        Checkpoint(5, b"r" * 32)
    )
    with pytest.raises(SealBroken):
        FileCheckpoints(path, identity).read()
