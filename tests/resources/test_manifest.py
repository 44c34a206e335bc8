"""What a manifest has to be, and what a reader holds against it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from domain.errors import Invalid
from domain.resources.errors import (
    ManifestForged,
    PartDamaged,
    Rollback,
    SealedBroken,
    Stale,
    VersionMismatch,
)
from domain.resources.manifest import Manifest, SignedManifest
from domain.resources.vlr1 import Header, chunk_count, sealed_size
from tests.resources.sealed import header_for

T = datetime(2026, 1, 31, 12, tzinfo=UTC)
SIZE = 300_000


def manifest(**changes):
    fields = {
        "resource_id": UUID(int=1),
        "folder": "models",
        "name": "net 1.0.bin",
        "version": 7,
        "plaintext_size": SIZE,
        "small_size": 90_000,
        "big_size": sealed_size(SIZE) - 90_000,
        "small_sha256": b"s" * 32,
        "big_sha256": b"b" * 32,
        "chunk_count": chunk_count(SIZE),
        "key_id": 3,
        "created_at": T,
        "expires_at": T + timedelta(days=30),
    }
    return Manifest(**{**fields, **changes})


def test_a_manifest_survives_its_json():
    assert Manifest.parse(manifest().fields()) == manifest()


def test_what_is_signed_does_not_depend_on_the_order_of_members():
    fields = manifest().fields()
    turned = dict(reversed(fields.items()))
    assert Manifest.parse(turned).signed_bytes() == manifest().signed_bytes()
    assert manifest().signed_bytes().startswith(b'velour-manifest-1\n{"big_sha256":"62')


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("folder", "../etc"),
        ("folder", ""),
        ("name", "a/b"),
        ("name", "Cafe\u0301"),
        ("version", 0),
        ("version", -1),
        ("version", 2**63),
        ("plaintext_size", -1),
        ("plaintext_size", 2**40 + 1),
        ("plaintext_size", SIZE - 100_000),
        ("small_size", 111),
        ("small_size", 90_001),
        ("small_size", sealed_size(SIZE)),
        ("big_size", 0),
        ("big_size", sealed_size(SIZE) - 90_001),
        ("chunk_count", 4),
        ("chunk_count", 2**63),
        ("key_id", -1),
        ("key_id", 2**32),
        ("small_sha256", b"s" * 31),
        ("big_sha256", b""),
        ("expires_at", T),
        ("created_at", T.replace(tzinfo=None)),
        ("created_at", T.astimezone(timezone(timedelta(hours=1)))),
        ("created_at", T.replace(microsecond=1)),
    ],
)
def test_absurd_or_contradictory_fields_are_refused_by_name(field, value):
    with pytest.raises(Invalid) as refused:
        manifest(**{field: value})
    assert refused.value.field


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("resource_id", "1"),
        ("resource_id", "0" * 32),
        ("resource_id", "{00000000-0000-0000-0000-000000000001}"),
        ("resource_id", None),
        ("folder", 5),
        ("folder", ["models"]),
        ("version", "7"),
        ("version", 7.0),
        ("version", True),
        ("version", None),
        ("version", 10**400),
        ("plaintext_size", float("nan")),
        ("small_sha256", "S" * 64),
        ("small_sha256", "0" * 63),
        ("small_sha256", "A" * 64),
        ("big_sha256", "0" * 64 + "\n"),
        ("created_at", "2026-01-31T12:00:00+00:00"),
        ("created_at", "2026-01-31T12:00:00.5Z"),
        ("created_at", "2026-02-30T12:00:00Z"),
        ("created_at", "٢٠٢٦-01-31T12:00:00Z"),
        ("expires_at", 1769860800),
    ],
)
def test_members_of_another_form_are_refused_by_name(member, value):
    with pytest.raises(Invalid) as refused:
        Manifest.parse({**manifest().fields(), member: value})
    assert refused.value.field == member


def test_missing_and_unknown_members_are_refused_by_name():
    for member in manifest().fields():
        fields = manifest().fields()
        del fields[member]
        with pytest.raises(Invalid) as refused:
            Manifest.parse(fields)
        assert refused.value.field == member
    with pytest.raises(Invalid) as refused:
        Manifest.parse({**manifest().fields(), "extra": 1})
    assert refused.value.field == "extra"


@pytest.mark.parametrize("value", [None, [], "text", 5, [["version", 1]]])
def test_only_an_object_is_a_manifest(value):
    with pytest.raises(Invalid):
        Manifest.parse(value)


def test_an_older_version_than_the_highest_seen_is_a_rollback():
    for seen in (0, 6, 7):
        manifest().require_newer(seen)
    with pytest.raises(Rollback, match=r"rollback: version 7 was offered, and version 8"):
        manifest().require_newer(8)


def test_an_expired_manifest_is_stale_except_within_the_grace():
    end = manifest().expires_at
    manifest().require_fresh(end - timedelta(seconds=1))
    with pytest.raises(Stale, match="stale"):
        manifest().require_fresh(end)
    manifest().require_fresh(end + timedelta(hours=23), grace=timedelta(days=1))
    with pytest.raises(Stale):
        manifest().require_fresh(end + timedelta(days=1), grace=timedelta(days=1))


def test_a_clock_that_is_behind_does_not_make_a_manifest_fresh():
    manifest().require_fresh(T - timedelta(minutes=5))
    with pytest.raises(Stale, match="clock"):
        manifest().require_fresh(T - timedelta(minutes=5, seconds=1))


def test_a_manifest_of_something_else_than_was_asked_for_is_refused():
    manifest().require_named(folder="models", name="net 1.0.bin")
    for folder, name in (("models", "net 1.1.bin"), ("other", "net 1.0.bin")):
        with pytest.raises(VersionMismatch):
            manifest().require_named(folder=folder, name=name)


def test_parts_have_to_be_those_of_the_manifest():
    one = manifest()
    one.require_small(one.small_size, b"s" * 32)
    one.require_big(one.big_size, b"b" * 32)
    for size, digest in ((one.small_size, b"b" * 32), (one.small_size - 1, b"s" * 32)):
        with pytest.raises(PartDamaged, match="small"):
            one.require_small(size, digest)
    for size, digest in ((one.big_size, b"s" * 32), (one.big_size - 1, b"b" * 32)):
        with pytest.raises(PartDamaged, match="big"):
            one.require_big(size, digest)


def test_the_big_part_of_another_known_version_is_called_by_its_name():
    old = {b"o" * 32: 6}
    with pytest.raises(VersionMismatch, match="version_mismatch: the big part is of version 6"):
        manifest().require_big(manifest().big_size, b"o" * 32, others=old)
    with pytest.raises(PartDamaged):
        manifest().require_big(manifest().big_size, b"x" * 32, others=old)


@pytest.mark.parametrize(
    "change",
    [{"version": 6}, {"key_id": 4}, {"resource_id": UUID(int=2)}, {"plaintext_length": SIZE - 1}],
    ids=str,
)
def test_a_small_part_of_another_version_is_a_mismatch(change):
    good = header_for(SIZE, resource_id=UUID(int=1))
    manifest().binding.require(Header.decode(good.encode()))
    with pytest.raises(VersionMismatch, match="version_mismatch"):
        manifest().binding.require(replace(good, **change))


@pytest.mark.parametrize("signature", [b"", b"x" * 63, b"x" * 65])
def test_a_signature_of_another_length_is_not_even_tried(signature):
    with pytest.raises(ManifestForged):
        SignedManifest(manifest(), signature).verified(lambda message, signature: True)


@pytest.mark.parametrize("data", [b"", b"VLR1", b"VLR1" + bytes(75), b"vlr1" + bytes(76)])
def test_bytes_that_are_no_header_are_broken(data):
    with pytest.raises(SealedBroken):
        Header.decode(data)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("suite", 2),
        ("chunk_size", 4096),
        ("version", 0),
        ("version", 2**63),
        ("key_id", -1),
        ("plaintext_length", 2**40 + 1),
        ("salt", b"x" * 31),
    ],
)
def test_a_header_out_of_range_is_refused_by_name(field, value):
    with pytest.raises(Invalid) as refused:
        replace(header_for(5), **{field: value})
    assert refused.value.field == field
