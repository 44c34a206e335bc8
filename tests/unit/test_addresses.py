"""Which addresses may be contacted: the whole table, and every way of writing around it."""

import socket
import threading
import time
from ipaddress import ip_address, ip_network
from types import SimpleNamespace

import pytest

from adapters.http.addresses import BY_NAME_ONLY, DENIED_V4, AddressRules, carried
from adapters.http.deadline import Deadline
from adapters.http.dial import Dialer, Origin, origin_of
from ports.federation.peers import AddressForbidden, PeerUnreachable

PUBLIC = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0",
          "191.255.255.255", "192.0.1.0", "192.0.3.0", "192.167.255.255", "192.169.0.0",
          "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111", "2a00::1",
          "2001:200::1", "2003::1", "3ffe::1"]  # fmt: skip
TRANSITIONS = [
    "::ffff:{}",
    "::ffff:0:{}",
    "::{}",
    "64:ff9b::{}",
    "64:ff9b:1::{}",
]


def edges(network):
    net = ip_network(network)
    return [str(net[0]), str(net[-1]), str(net[net.num_addresses // 2])]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address):
    assert AddressRules().permits(address)


@pytest.mark.parametrize("address", [a for net in DENIED_V4 for a in edges(net)])
def test_private_and_special_addresses_are_denied_in_every_form(address):
    rules = AddressRules()
    assert not rules.permits(address)
    assert not any(rules.permits(form.format(address)) for form in TRANSITIONS)
    number = int(ip_address(address))
    assert not rules.permits(str(ip_address((0x2002 << 112) | (number << 80) | 1)))  # 6to4
    teredo = (0x20010000 << 96) | (int(ip_address("8.8.8.8")) << 64) | (number ^ 0xFFFFFFFF)
    assert not rules.permits(str(ip_address(teredo)))


@pytest.mark.parametrize(
    "address",
    ["::", "::1", "::2", "100::1", "2001::1", "2001:1::1", "2001:db8::1", "2001:1ff:ffff::1",
     "2002::1", "3fff::1", "4000::1", "5f00::1", "64:ff9b::808:808", "fc00::1", "fd00::1",
     "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "fd00:ec2::254"],
)  # fmt: skip
def test_special_ipv6_addresses_are_denied(address):
    assert not AddressRules().permits(address)


@pytest.mark.parametrize(
    "text", ["", "localhost", "1.1.1", "01.1.1.1", "0x7f000001", "1.1.1.1/32", "::g"]
)
def test_what_is_no_address_is_denied(text):
    assert not AddressRules(["0.0.0.0/0", "::/0"]).permits(text)


def test_a_setting_lets_a_network_through_and_nothing_beside_it():
    rules = AddressRules(["192.168.7.0/24", "fd00:7::/32"])
    assert rules.permits("192.168.7.9")
    assert rules.permits("::ffff:192.168.7.9")
    assert rules.permits("fd00:7::1")
    for address in ("192.168.8.1", "10.0.0.1", "fd00:8::1", "127.0.0.1"):
        assert not rules.permits(address)


@pytest.mark.parametrize("block", [str(net) for net in BY_NAME_ONLY])
def test_loopback_and_the_like_are_let_through_by_their_own_name_only(block):
    inside = str(ip_network(block)[-1])
    assert not AddressRules(["0.0.0.0/0", "::/0"]).permits(inside)
    assert AddressRules([block]).permits(inside)
    assert AddressRules([inside]).permits(inside)


def test_a_transition_address_needs_both_of_its_addresses_allowed():
    assert not AddressRules(["64:ff9b::/96"]).permits("64:ff9b::10.0.0.1")
    assert AddressRules(["64:ff9b::/96"]).permits("64:ff9b::8.8.8.8")
    assert AddressRules(["64:ff9b::/96", "10.0.0.0/8"]).permits("64:ff9b::10.0.0.1")


def test_teredo_carries_two_addresses():
    assert [str(a) for a in carried(ip_address("2001:0:4136:e378:8000:63bf:3fff:fdd2"))] == [
        "65.54.227.120",
        "192.0.2.45",
    ]


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://a.example/x", Origin("http", "a.example", 80)),
        ("https://A.example:8443", Origin("https", "a.example", 8443)),
        ("http://[::1]:8080/x", Origin("http", "::1", 8080)),
    ],
)
def test_an_origin_is_scheme_host_and_port(url, origin):
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url",
    ["ftp://a.example", "file:///etc/passwd", "gopher://a", "http://", "//a.example", "a", "",
     "http://a:99999", "http://a:x", "http://a.example:22", "http://a.example:25", "https://a:0",
     "http://a.example:6379", "http://a.example:5432", "http://a.example:11211", "http://[::1"],
)  # fmt: skip
def test_other_schemes_and_ports_are_refused(url):
    with pytest.raises(AddressForbidden):
        origin_of(url)


@pytest.mark.parametrize("authority", ["a.example", "a.example:8443", "[::1]", "[::1]:8080"])
def test_the_host_field_is_as_in_the_url(authority):
    assert origin_of(f"https://{authority}/x").authority == authority


def dialer(resolve=None, *, allowed=(), https=False):
    options = {} if resolve is None else {"resolve": resolve}
    return Dialer(AddressRules(allowed), connect_timeout_s=0.5, require_https=https, **options)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.1",
     "0", "0.0.0.0", "localhost", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
     "169.254.169.254", "0xa9fea9fe", "2852039166", "[fe80::1]", "10.1.2.3"],
)  # fmt: skip
def test_no_way_of_writing_a_host_leads_to_this_machine(host, serve_nothing):
    with pytest.raises((AddressForbidden, PeerUnreachable)):
        dialer().dial(origin_of(f"http://{host}:{serve_nothing.port}"), Deadline(2))
    assert not serve_nothing.reached


@pytest.fixture
def serve_nothing():
    """A port of this machine that remembers whether anybody came."""
    listener = socket.create_server(("", 0))
    listener.settimeout(0.05)
    state = SimpleNamespace(port=listener.getsockname()[1], reached=False)
    stop = threading.Event()

    def accept():
        while not stop.is_set():
            try:
                listener.accept()[0].close()
            except TimeoutError:
                continue
            state.reached = True

    thread = threading.Thread(target=accept)
    thread.start()
    yield state
    stop.set()
    thread.join()
    listener.close()


def test_a_name_is_resolved_once_and_the_checked_address_is_used(serve_nothing):
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    asked = []

    def rebinding(host, port):
        asked.append(host)
        return next(answers)

    dial = dialer(rebinding, allowed=["127.0.0.0/8"]).dial
    sock = dial(Origin("http", "evil.example", serve_nothing.port), Deadline(2))
    assert sock.getpeername()[0] == "127.0.0.1"
    assert asked == ["evil.example"]
    sock.close()
    with pytest.raises(AddressForbidden):
        dial(Origin("http", "evil.example", serve_nothing.port), Deadline(2))


def test_of_several_addresses_only_allowed_ones_are_tried(serve_nothing):
    mixed = dialer(lambda *_: ["10.0.0.1", "169.254.169.254", "127.0.0.1"], allowed=["127.0.0.1"])
    sock = mixed.dial(Origin("http", "a.example", serve_nothing.port), Deadline(2))
    assert sock.getpeername()[0] == "127.0.0.1"
    sock.close()


def test_a_resolver_that_hangs_is_not_waited_for():
    began = time.monotonic()
    with pytest.raises(PeerUnreachable, match="resolved in time"):
        dialer(lambda *_: time.sleep(1.5) or []).dial(
            Origin("http", "slow.example", 80), Deadline(5)
        )
    assert time.monotonic() - began < 1.2


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 64 + ".example", "xn--\u0000"])
def test_a_name_that_does_not_resolve_is_unreachable(host):
    def resolve(host, port):
        host.encode("idna")
        raise OSError

    with pytest.raises(PeerUnreachable, match="resolved"):
        dialer(resolve).dial(Origin("http", host, 80), Deadline(2))


def test_plain_http_is_refused_where_https_is_required():
    with pytest.raises(AddressForbidden, match="https"):
        dialer(https=True).dial(Origin("http", "a.example", 80), Deadline(2))


def test_a_deadline_that_passed_says_so():
    with pytest.raises(PeerUnreachable, match="longer than 0 s"):
        Deadline(0).left()
