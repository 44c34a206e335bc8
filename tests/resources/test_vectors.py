"""The second reader, both adapters and the domain hold the published vectors."""

import base64
import hashlib
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from adapters.crypto.identity import Ed25519Identity, new_identity_pem
from adapters.crypto.key_wrap import X25519KeyWrap
from adapters.crypto.signature_check import Ed25519SignatureCheck
from domain.errors import Invalid
from domain.resources.device import Fingerprint
from domain.resources.errors import ManifestForged, SealedBroken
from domain.resources.manifest import Manifest, SignedManifest
from domain.resources.vlr1 import Binding, Header, sealed_size, split_at
from ports.resources.sealing import WrapPurpose
from tests.resources import decoder, make_vectors
from tests.resources.sealed import CIPHERS, seal, sealer, slices, unseal

FOLDER = Path(__file__).parent / "vectors"
SEALED = ["hello", "empty", "block", "chunk", "two", "five"]


def load(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


def contents(vector):
    """Return plaintext and sealed file, made as section 10 says where they are not spelt out."""
    if "sealed" in vector:
        return bytes.fromhex(vector["plaintext"]), bytes.fromhex(vector["sealed"])
    plaintext = make_vectors.pattern(vector["plaintext"]["length"])
    sealed = decoder.seal(
        plaintext,
        bytes.fromhex(vector["data_key"]),
        vector["expected"],
        bytes.fromhex(vector["salt"]),
        make_vectors.iv_of,
    )
    return plaintext, sealed


def binding(vector):
    expected = vector["expected"]
    return Binding(
        UUID(expected["resource_id"]),
        expected["version"],
        expected["key_id"],
        expected["plaintext_length"],
    )


def changed(sealed, change):
    if "xor" in change:
        at = change["at"]
        return sealed[:at] + bytes([sealed[at] ^ int(change["xor"], 16)]) + sealed[at + 1 :]
    if "cut" in change:
        return sealed[: change["cut"]]
    if "append" in change:
        return sealed + bytes.fromhex(change["append"])
    if "insert_copy" in change:
        at, size = change["insert_copy"]
        return sealed[: at + size] + sealed[at : at + size] + sealed[at + size :]
    (first, size), (second, _) = change["swap"]
    other = sealed[second : second + size]
    return (
        sealed[:first]
        + other
        + sealed[first + size : second]
        + sealed[first : first + size]
        + sealed[second + size :]
    )


def test_the_published_files_are_what_the_second_writer_makes(tmp_path, monkeypatch):
    monkeypatch.setattr(make_vectors, "FOLDER", tmp_path)
    make_vectors.main()
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_text() for path in FOLDER.iterdir()}


@pytest.mark.parametrize("name", SEALED)
def test_the_second_reader_opens_each_vector_and_refuses_each_change(name):
    vector = load(name)
    plaintext, sealed = contents(vector)
    key, expected = bytes.fromhex(vector["data_key"]), vector["expected"]
    assert len(sealed) == vector["sealed_size"]
    assert hashlib.sha256(sealed).hexdigest() == vector["sealed_sha256"]
    assert decoder.unseal(sealed, key, expected) == plaintext
    for change in vector["refused"]:
        with pytest.raises(decoder.Refused):
            decoder.unseal(changed(sealed, change), key, expected)


@pytest.mark.parametrize("adapter", CIPHERS)
@pytest.mark.parametrize("name", SEALED)
def test_the_adapters_open_each_vector_and_refuse_each_change(name, adapter):
    vector = load(name)
    plaintext, sealed = contents(vector)
    assert unseal(sealed, binding(vector), by=sealer(adapter)) == plaintext
    for change in vector["refused"]:
        out = []
        with pytest.raises(SealedBroken):
            sealer(adapter).open_stream(
                io.BytesIO(changed(sealed, change)),
                binding(vector),
                bytes.fromhex(vector["data_key"]),
                lambda piece, out=out: out.append(bytes(piece)),
            )
        assert out == [], change["what"]


@pytest.mark.parametrize("adapter", CIPHERS)
@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 65_535, 65_536, 65_537, 700_001])
def test_the_second_reader_opens_what_the_adapters_seal(adapter, length):
    plaintext = make_vectors.pattern(length)
    sealed, header = seal(plaintext, by=sealer(adapter))
    expected = {
        "resource_id": header.resource_id.hex,
        "version": header.version,
        "key_id": header.key_id,
        "plaintext_length": length,
    }
    assert decoder.unseal(sealed, make_vectors.DATA_KEY, expected) == plaintext
    out = io.BytesIO()
    begin, size = length // 3, length // 2 + 1
    args = (slices(sealed), header.binding, make_vectors.DATA_KEY, out.write)
    sealer(adapter).open_range(*args, start=begin, length=size)
    second = decoder.unseal_range(sealed, make_vectors.DATA_KEY, expected, begin, size)
    assert out.getvalue() == second == plaintext[begin : begin + size]


def test_the_header_of_the_vectors_is_the_domain_s():
    vector = load("hello")
    sealed = bytes.fromhex(vector["sealed"])
    header = Header.decode(sealed)
    assert header.encode() == sealed[:80]
    assert header.binding == binding(vector)


def test_sizes_follow_the_document():
    for length in [0, 1, 15, 16, 65_535, 65_536, 65_537, 10**9]:
        size = 112 + sum(size for _, size in decoder.chunk_sizes(length))
        assert sealed_size(length) == size
        for kb in [0, 1, 256, 10**6]:
            assert split_at(size, kb) == decoder.small_part(size, kb)


def test_both_ends_derive_the_secret_of_the_vector_and_unwrap_its_key():
    vector = load("wrap")
    raw = {k: bytes.fromhex(v) for k, v in vector.items() if k not in {"version", "purpose"}}
    wrap = X25519KeyWrap()
    secret = wrap.agree(raw["node_private"], raw["device_public"])
    assert secret == wrap.agree(raw["device_private"], raw["node_public"]) == raw["shared_secret"]
    assert secret == decoder.shared_secret(raw["device_private"], raw["node_public"])
    ids = {name: UUID(bytes=raw[name]) for name in ("user_id", "device_id", "resource_id")}
    assert (
        wrap.unwrap(raw["wrapped"], shared_secret=secret, version=7, **ids)
        == raw["data_key"]
        == decoder.unwrap(
            raw["wrapped"],
            secret,
            version=7,
            purpose=b"read",
            **{name: value.bytes for name, value in ids.items()},
        )
    )


@pytest.mark.parametrize("purpose", WrapPurpose)
def test_the_second_reader_unwraps_what_the_adapter_wraps(purpose):
    ids = {name: UUID(int=number) for number, name in enumerate(
        ("user_id", "device_id", "resource_id"), start=1)}  # fmt: skip
    wrapped = X25519KeyWrap().wrap(
        b"k" * 32, shared_secret=b"s" * 32, version=2**40, purpose=purpose, **ids
    )
    raw = {name: value.bytes for name, value in ids.items()}
    args = {"version": 2**40, "purpose": purpose.encode(), **raw}
    assert decoder.unwrap(wrapped, b"s" * 32, **args) == b"k" * 32


def test_the_manifest_of_the_vector_is_signed():
    vector = load("manifest")
    key, signature = bytes.fromhex(vector["public_key"]), bytes.fromhex(vector["signature"])
    assert decoder.manifest_is_signed(vector["manifest"], signature, key)
    signed = SignedManifest(Manifest.parse(vector["manifest"]), signature)

    def verify(message, signature):
        return Ed25519SignatureCheck().verify(key, message, signature)

    manifest = signed.verified(verify)
    assert manifest.created_at == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert manifest.fields() == vector["manifest"]


def test_every_change_of_the_manifest_breaks_its_signature():
    vector = load("manifest")
    key, signature = bytes.fromhex(vector["public_key"]), bytes.fromhex(vector["signature"])

    def verify(message, signature):
        return Ed25519SignatureCheck().verify(key, message, signature)

    others = {
        "resource_id": "0190f3c1-a2b3-7c4d-8e5f-60718293a4b6",
        "folder": "Grossen",
        "name": "hello 1.1.txt",
        "version": 8,
        "plaintext_size": 6,
        "small_size": 113,
        "big_size": 63,
        "small_sha256": "0" * 64,
        "big_sha256": "0" * 64,
        "chunk_count": 2,
        "key_id": 4,
        "created_at": "2026-01-31T12:00:01Z",
        "expires_at": "2027-03-02T12:00:00Z",
    }
    assert others.keys() == vector["manifest"].keys()
    for member, value in others.items():
        fields = {**vector["manifest"], member: value}
        assert not decoder.manifest_is_signed(fields, signature, key)
        with pytest.raises((ManifestForged, Invalid)):  # some contradict others
            SignedManifest(Manifest.parse(fields), signature).verified(verify)


def test_another_node_s_signature_does_not_count():
    vector = load("manifest")
    manifest = Manifest.parse(vector["manifest"])
    stranger = Ed25519Identity(new_identity_pem(), instance_id="i")
    signature = stranger.sign(manifest.signed_bytes())
    key = bytes.fromhex(vector["public_key"])
    with pytest.raises(ManifestForged):
        SignedManifest(manifest, signature).verified(
            lambda message, sig: Ed25519SignatureCheck().verify(key, message, sig)
        )
    x = base64.urlsafe_b64decode(stranger.public_jwk()["x"] + "=")
    assert Ed25519SignatureCheck().verify(x, manifest.signed_bytes(), signature)


@pytest.mark.parametrize("key", [b"", b"short", b"x" * 33])
def test_a_key_that_is_none_verifies_nothing(key):
    assert not Ed25519SignatureCheck().verify(key, b"message", bytes(64))


def test_the_fingerprint_of_the_vector_is_the_domain_s():
    vector = load("fingerprint")
    key = bytes.fromhex(vector["public_key"])
    assert Fingerprint.of(vector["readings"], public_key=key).members() == vector["fingerprint"]


def test_the_worked_example_is_the_vector():
    document = (Path(__file__).parents[2] / "docs/formats/vlr1.md").read_text()
    example = document[document.index("header\n   0  ") : document.index("| SHA-256(header)")]
    listed = [line[6:] for line in example.splitlines() if line[:4].strip().isdigit()]
    assert bytes.fromhex("".join(listed)).hex() == load("hello")["sealed"]
    sealed = bytes.fromhex(load("hello")["sealed"])
    for part in (
        hashlib.sha256(sealed[:80]).digest(),
        *decoder.derive(bytes(range(32)), sealed[:80]),
    ):
        assert part.hex() in document
