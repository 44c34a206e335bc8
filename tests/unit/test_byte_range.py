"""Ranges and preconditions against a slow oracle that works byte by byte."""

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.library.byte_range import (
    Conditions,
    Refusal,
    Window,
    byte_window,
    check_preconditions,
    select,
)

positions = st.integers(0, 60).map(str) | st.sampled_from(["00", "007", "9" * 30, "1" + "0" * 5000])


def oracle(first: str, last: str, size: int) -> Window | Refusal | None:
    """Pick the selected bytes one by one, after the words of RFC 9110, section 14.1.2."""
    numbers = [
        int(text[-40:]) + (10**50 if len(text) > 40 else 0) if text else None
        for text in (first, last)
    ]
    low, high = numbers
    if low is None:
        if not high:
            return Refusal.NOT_SATISFIABLE
        chosen = [at for at in range(size) if at >= size - high]
        return Window(chosen[0], len(chosen)) if chosen else None
    if high is not None and high < low:
        return None
    chosen = [at for at in range(size) if at >= low and (high is None or at <= high)]
    return Window(chosen[0], len(chosen)) if chosen else Refusal.NOT_SATISFIABLE


@given(positions, st.just("") | positions, st.integers(0, 50))
@example("0", "0", 1)
@example("0", "", 0)
def test_a_range_with_a_start_selects_what_the_oracle_selects(first, last, size):
    assert byte_window(f"bytes={first}-{last}", size) == oracle(first, last, size)


@given(positions, st.integers(0, 50))
def test_a_suffix_selects_what_the_oracle_selects(count, size):
    assert byte_window(f"bytes=-{count}", size) == oracle("", count, size)


@given(st.text(alphabet=string.printable + "١²", max_size=30), st.integers(0, 100))
def test_no_text_breaks_the_parser_and_a_window_lies_inside(text, size):
    for header in (text, f"bytes={text}"):
        found = byte_window(header, size)
        if isinstance(found, Window):
            assert 0 <= found.start < found.start + found.length <= size


@pytest.mark.parametrize(
    "header",
    ["", "bytes", "bytes=", "bytes=-", "bytes=,", "bytes=a-b", "bytes=1-0", "bytes=0 -5", "bytes=--5", "bytes=+1-2",
     "bytes=0-1-2", "bytes:0-1", "items=0-1", "bytes=0x0-1", "bytes=١-٢", "bytes=0-1,3-4", "bytes=0-,-1", "bytes=0-1,x"],
)  # fmt: skip
def test_what_is_not_one_well_formed_byte_range_is_ignored(header):
    assert byte_window(header, 10) is None


@pytest.mark.parametrize(
    "header",
    ["bytes=2-4", "Bytes=2-4", " bytes=2-4\t", "bytes= 2-4 ", "bytes=,2-4,", "bytes=002-4"],
)
def test_unit_case_blanks_and_empty_list_elements_do_not_matter(header):
    assert byte_window(header, 10) == Window(2, 3)


def test_a_suffix_longer_than_the_object_is_the_whole_of_it():
    assert byte_window("bytes=-11", 10) == Window(0, 10)


def test_thousands_of_digits_are_just_a_large_number():
    huge = "9" * 8000
    assert byte_window(f"bytes=0-{huge}", 10) == Window(0, 10)
    assert byte_window(f"bytes=-{huge}", 10) == Window(0, 10)
    assert byte_window(f"bytes={huge}-", 10) is Refusal.NOT_SATISFIABLE
    assert byte_window(f"bytes={huge}9-{huge}", 10) is None


@pytest.mark.parametrize(
    ("field", "same"),
    [('"a"', True), (' "a" ', True), ('W/"a"', False), ("a", False), ('"b"', False), ('"a", "b"', False), ("*", False),
     ("Wed, 21 Oct 2015 07:28:00 GMT", False)],
)  # fmt: skip
def test_a_range_counts_only_while_if_range_names_the_same_strong_tag(field, same):
    asked = Conditions(range="bytes=1-2", if_range=field)
    assert select(asked, size_bytes=10, etag="a") == (Window(1, 2) if same else None)
    assert select(asked, size_bytes=10, etag=None) is None


@pytest.mark.parametrize(
    ("field", "strongly", "weakly"),
    [("*", True, True), ('"a"', True, True), ('W/"a"', False, True), ('"b"', False, False), ('"b", W/"x,y" ,"a"', True, True),
     (',, "a" ,', True, True), ("a", False, False), ('"a" "b"', False, False), ('"a', False, False), ("", False, False)],
)  # fmt: skip
def test_tags_are_compared_strongly_by_if_match_and_weakly_by_if_none_match(
    field, strongly, weakly
):
    match = check_preconditions(Conditions(if_match=field), etag="a")
    none_match = check_preconditions(Conditions(if_none_match=field), etag="a")
    assert match is (None if strongly else Refusal.PRECONDITION_FAILED)
    assert none_match is (Refusal.NOT_MODIFIED if weakly else None)


def test_an_object_without_a_tag_is_matched_by_the_star_alone():
    assert check_preconditions(Conditions(if_match='"a"'), etag=None) is Refusal.PRECONDITION_FAILED
    assert check_preconditions(Conditions(if_match="*"), etag=None) is None
    assert check_preconditions(Conditions(if_none_match='"a"'), etag=None) is None


def test_preconditions_come_before_ranges_and_if_match_before_if_none_match():
    both = Conditions(range="bytes=99-", if_match='"b"', if_none_match='"a"')
    assert select(both, size_bytes=10, etag="a") is Refusal.PRECONDITION_FAILED
    assert (
        select(Conditions(range="bytes=99-", if_none_match='"a"'), size_bytes=10, etag="a")
        is Refusal.NOT_MODIFIED
    )
    assert select(Conditions(range="bytes=99-"), size_bytes=10, etag="a") is Refusal.NOT_SATISFIABLE
    assert select(Conditions(if_range='"a"'), size_bytes=10, etag="a") is None
