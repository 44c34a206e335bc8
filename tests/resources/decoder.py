"""A second reader and writer of VLR1, from docs/formats/vlr1.md alone.

It imports nothing of Velour, and is plain rather than fast: whole files as ``bytes``, HKDF by hand.
Section numbers are those of the document.
"""

import hashlib
import hmac
import json

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MANIFEST_MEMBERS = {
    "resource_id", "folder", "name", "version", "key_id", "plaintext_size", "small_size", "big_size",
    "chunk_count", "small_sha256", "big_sha256", "created_at", "expires_at",
}  # fmt: skip


class Refused(Exception):
    """The one error of 4.3."""


def u(number, size):
    return number.to_bytes(size, "big")


def hkdf(key, salt, info, length):
    """RFC 5869 with SHA-256; no salt is a hash length of zeros."""
    extracted = hmac.new(salt or bytes(32), key, hashlib.sha256).digest()
    blocks, previous = b"", b""
    for counter in range(1, -(-length // 32) + 1):
        previous = hmac.new(extracted, previous + info + bytes([counter]), hashlib.sha256).digest()
        blocks += previous
    return blocks[:length]


# 4.1


def read_header(data):
    if len(data) < 80 or data[0:4] != b"VLR1":
        raise Refused

    def number(start, end):
        return int.from_bytes(data[start:end], "big")

    header = {
        "resource_id": data[8:24].hex(),
        "version": number(24, 32),
        "key_id": number(32, 36),
        "plaintext_length": number(40, 48),
    }
    if number(4, 8) != 1 or number(36, 40) != 65536:
        raise Refused
    if not 1 <= header["version"] < 2**63 or header["plaintext_length"] > 2**40:
        raise Refused
    return header


def write_header(expected, salt):
    return (
        b"VLR1"
        + u(1, 4)
        + bytes.fromhex(expected["resource_id"])
        + u(expected["version"], 8)
        + u(expected["key_id"], 4)
        + u(65536, 4)
        + u(expected["plaintext_length"], 8)
        + salt
    )


# 4.2


def derive(data_key, header):
    info = b"velour/vlr1/keys" + hashlib.sha256(header).digest()
    derived = hkdf(data_key, header[48:80], info, 96)
    return derived[0:32], derived[32:64], derived[64:96]


# 4.3


def chunk_sizes(length):
    count = max(1, -(-length // 65536))
    plain = [65536] * (count - 1) + [length - 65536 * (count - 1)]
    return [(p, 16 + 16 * (p // 16 + 1) + 32) for p in plain]


def tag_of(mac_key, header, index, final, body):
    associated = hashlib.sha256(header).digest() + u(index, 8) + u(final, 1)
    return hmac.new(mac_key, associated + body + u(len(associated) * 8, 8), hashlib.sha256).digest()


def open_chunk(keys, header, index, final, plain, chunk):
    mac_key, encryption_key = keys
    body, tag = chunk[:-32], chunk[-32:]
    if not hmac.compare_digest(tag, tag_of(mac_key, header, index, final, body)):
        raise Refused
    decryptor = Cipher(algorithms.AES(encryption_key), modes.CBC(body[:16])).decryptor()
    padded = decryptor.update(body[16:]) + decryptor.finalize()
    pad = 16 - plain % 16
    if len(padded) != plain + pad or padded[plain:] != bytes([pad]) * pad:
        raise Refused
    return padded[:plain]


def start(sealed, data_key, expected):
    if read_header(sealed) != expected:
        raise Refused
    header = sealed[:80]
    mac_key, encryption_key, commitment = derive(data_key, header)
    if not hmac.compare_digest(commitment, sealed[80:112]):
        raise Refused
    return header, (mac_key, encryption_key)


def unseal(sealed, data_key, expected):
    header, keys = start(sealed, data_key, expected)
    sizes = chunk_sizes(expected["plaintext_length"])
    if len(sealed) != 112 + sum(size for _, size in sizes):
        raise Refused
    plaintext, at = [], 112
    for index, (plain, size) in enumerate(sizes):
        chunk = sealed[at : at + size]
        final = index == len(sizes) - 1
        plaintext.append(open_chunk(keys, header, index, final, plain, chunk))
        at += size
    return b"".join(plaintext)


def unseal_range(sealed, data_key, expected, begin, length):
    header, keys = start(sealed, data_key, expected)
    sizes = chunk_sizes(expected["plaintext_length"])
    first = begin // 65536
    opened = []
    for index in range(first, min((begin + length - 1) // 65536, len(sizes) - 1) + 1):
        plain, size = sizes[index]
        at = 112 + 65600 * index
        final = index == len(sizes) - 1
        opened.append(open_chunk(keys, header, index, final, plain, sealed[at : at + size]))
    return b"".join(opened)[begin - 65536 * first :][:length]


def seal(plaintext, data_key, expected, salt, iv_of):
    header = write_header(expected, salt)
    mac_key, encryption_key, commitment = derive(data_key, header)
    sealed, at = [header, commitment], 0
    sizes = chunk_sizes(len(plaintext))
    for index, (plain, _) in enumerate(sizes):
        pad = 16 - plain % 16
        iv = iv_of(index)
        encryptor = Cipher(algorithms.AES(encryption_key), modes.CBC(iv)).encryptor()
        body = iv + encryptor.update(plaintext[at : at + plain] + bytes([pad]) * pad)
        sealed += [body, tag_of(mac_key, header, index, index == len(sizes) - 1, body)]
        at += plain
    return b"".join(sealed)


# 4.4


def small_part(sealed_size, small_size_kb):
    return max(112, min(small_size_kb * 1024, sealed_size * 3 // 10))


# 5


def manifest_is_signed(fields, signature, public_key):
    if set(fields) != MANIFEST_MEMBERS:
        raise Refused
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    message = b"velour-manifest-1\n" + canonical.encode("ascii")
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


# 6


def shared_secret(own_private, other_public):
    own = X25519PrivateKey.from_private_bytes(own_private)
    agreed = own.exchange(X25519PublicKey.from_public_bytes(other_public))
    own_public = own.public_key().public_bytes_raw()
    lesser, greater = min(own_public, other_public), max(own_public, other_public)
    return hashlib.sha256(b"velour/vlr1/agree" + lesser + greater + agreed).digest()


def unwrap(wrapped, secret, *, user_id, device_id, resource_id, version, purpose):
    bound = b"velour/vlr1/wrap" + user_id + device_id + resource_id + u(version, 8) + purpose
    if len(wrapped) != 61 or wrapped[0] != 1:
        raise Refused
    try:
        return AESGCM(hkdf(secret, b"", bound, 32)).decrypt(wrapped[1:13], wrapped[13:], bound)
    except InvalidTag as exc:
        raise Refused from exc


# 7


def fingerprint_field(public_key, name, reading):
    text = " ".join(reading.casefold().split())
    if not text:
        return None
    message = f"velour-device-1:{name}:{text}".encode()
    return hmac.new(public_key, message, hashlib.sha256).hexdigest()
