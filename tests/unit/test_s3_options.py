"""What a location in a bucket is told, and the addresses that follow from it."""

import pytest

from adapters.storage.s3 import S3Options, S3Storage, s3_kind
from domain.library.storage_location import StorageLocation, StorageType
from ports.library.storage import OptionsInvalid, StorageUnreachable

KEYS = {"access_key_id": "AKIA", "secret_access_key": "not-to-be-seen"}


def test_the_bucket_stands_in_front_of_amazons_host_and_in_the_path_of_others():
    def url(**options):
        storage = S3Storage(S3Options(redirect=True, **KEYS, **options), None, None, max_objects=1)
        return storage.redirect_url("a.mp4", expires_s=60).partition("?")[0]

    own = {"endpoint_url": "https://s3.example.org/api/"}
    assert (
        url(bucket="films", region="eu-west-1") == "https://films.s3.eu-west-1.amazonaws.com/a.mp4"
    )
    assert url(bucket="my.films") == "https://s3.us-east-1.amazonaws.com/my.films/a.mp4"
    assert url(bucket="films", region="cn-north-1").startswith(
        "https://films.s3.cn-north-1.amazonaws.com.cn/"
    )
    assert url(bucket="films", **own, prefix="x") == "https://s3.example.org/api/films/x/a.mp4"
    assert (
        url(bucket="films", addressing="virtual", **own) == "https://films.s3.example.org/api/a.mp4"
    )


def kind():
    return s3_kind(None, None, max_objects=1)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({}, "access_key_id"),
        ({"access_key_id": "a"}, "secret_access_key"),
        ({"access_key_id": "a", "secret_access_key": " "}, "secret_access_key"),
        ({"credentials": "environment", **KEYS}, "access_key_id"),
    ],
)
def test_keys_are_given_or_taken_from_the_environment_not_both(options, field):
    with pytest.raises(OptionsInvalid) as caught:
        kind().check(S3Options(bucket="films", **options))
    assert caught.value.field == field
    assert "not-to-be-seen" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"bucket": "a/b"}, {"bucket": ".."}, {"bucket": "arn:aws:s3:x"}, {"bucket": ""},
        {"endpoint_url": "s3.example.org"}, {"endpoint_url": "ftp://a"}, {"endpoint_url": "http://"},
        {"endpoint_url": "https://me:pass@a"}, {"endpoint_url": "https://a?b"},
        {"endpoint_url": "https://[a"}, {"endpoint_url": "https://a:99999"},
        {"prefix": "../x"}, {"prefix": "a\nb"}, {"region": "a.evil.example"}, {"region": ""},
        {"addressing": "none"}, {"credentials": "file"}, {"redirect": "perhaps"}, {"other": "x"},
    ],
)  # fmt: skip
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(ValueError):
        S3Options(**{"bucket": "films", **KEYS, **options})


def test_a_location_whose_secrets_are_lost_is_unreachable(clock, new_id):
    location = StorageLocation(
        id=new_id(), name="Bucket", storage_type=StorageType.S3, library_id=new_id(),
        created_at=clock.now(), options={"bucket": "..", "redirect": "yes"},
    )  # fmt: skip
    with pytest.raises(StorageUnreachable, match="set them anew"):
        kind().make(location, {})
