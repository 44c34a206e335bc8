"""``python -m tests.resources.make_vectors``: write tests/resources/vectors anew.

All of it comes from the second writer, with fixed keys, salts, nonces and IVs, so a run changes
nothing unless the format did.
"""

import hashlib
import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.resources import decoder

FOLDER = Path(__file__).parent / "vectors"
DATA_KEY = bytes(range(32))
SALT = bytes(range(32, 64))
RESOURCE = "0190f3c1a2b37c4d8e5f60718293a4b5"
USER, DEVICE = bytes(range(16)), bytes(range(16, 32))


def pattern(length):
    return bytes((j * 31 + j // 256) % 256 for j in range(length))


def iv_of(index):
    return hashlib.sha256(b"iv" + index.to_bytes(8, "big")).digest()[:16]


def sealed_vector(name, plaintext, *, short):
    expected = {
        "resource_id": RESOURCE,
        "version": 7,
        "key_id": 3,
        "plaintext_length": len(plaintext),
    }
    sealed = decoder.seal(plaintext, DATA_KEY, expected, SALT, iv_of)
    vector = {"name": name, "data_key": DATA_KEY.hex(), "salt": SALT.hex(), "expected": expected}
    if short:
        vector |= {"plaintext": plaintext.hex(), "sealed": sealed.hex()}
    else:
        digest = hashlib.sha256(plaintext).hexdigest()
        vector["plaintext"] = {"length": len(plaintext), "sha256": digest}
    vector["sealed_size"] = len(sealed)
    vector["sealed_sha256"] = hashlib.sha256(sealed).hexdigest()
    vector["refused"] = refused(sealed, expected["plaintext_length"])
    return vector


def refused(sealed, length):
    """Changes that a reader has to refuse."""
    fields = {"magic": 0, "suite": 7, "resource id": 8, "version": 31, "key id": 35}
    fields |= {"chunk size": 38, "plaintext length": 47, "salt": 48, "commitment": 80}
    fields |= {"IV": 112, "ciphertext": 128, "tag": len(sealed) - 1}
    changes = [{"what": what, "at": at, "xor": "01"} for what, at in fields.items()]
    borders = [0, 1, 80, 112, len(sealed) - 1]
    if length > 65536:
        borders += [112 + 65600 - 1, 112 + 65600, 112 + 65600 + 1]
        changes.append({"what": "chunks exchanged", "swap": [[112, 65600], [112 + 65600, None]]})
        changes.append({"what": "first chunk again", "insert_copy": [112, 65600]})
    changes += [{"what": f"cut to {size}", "cut": size} for size in borders]
    return [*changes, {"what": "something follows", "append": "00"}]


def public_half(key):
    return X25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw()


def wrap_vector():
    node, device = bytes(range(64, 96)), bytes(range(96, 128))
    secret = decoder.shared_secret(node, public_half(device))
    nonce = bytes(range(12))
    bound = (
        b"velour/vlr1/wrap" + USER + DEVICE + bytes.fromhex(RESOURCE) + decoder.u(7, 8) + b"read"
    )
    sealed = AESGCM(decoder.hkdf(secret, b"", bound, 32)).encrypt(nonce, DATA_KEY, bound)
    return {
        "node_private": node.hex(),
        "node_public": public_half(node).hex(),
        "device_private": device.hex(),
        "device_public": public_half(device).hex(),
        "shared_secret": secret.hex(),
        "user_id": USER.hex(),
        "device_id": DEVICE.hex(),
        "resource_id": RESOURCE,
        "version": 7,
        "purpose": "read",
        "data_key": DATA_KEY.hex(),
        "wrapped": (b"\x01" + nonce + sealed).hex(),
    }


def manifest_vector():
    expected = {"resource_id": RESOURCE, "version": 7, "key_id": 3, "plaintext_length": 5}
    sealed = decoder.seal(b"hello", DATA_KEY, expected, SALT, iv_of)
    small = decoder.small_part(len(sealed), 256)
    fields = {
        "resource_id": "0190f3c1-a2b3-7c4d-8e5f-60718293a4b5",
        "folder": "Größen",
        "name": "hello 1.0.txt",
        "version": 7,
        "plaintext_size": 5,
        "small_size": small,
        "big_size": len(sealed) - small,
        "small_sha256": hashlib.sha256(sealed[:small]).hexdigest(),
        "big_sha256": hashlib.sha256(sealed[small:]).hexdigest(),
        "chunk_count": 1,
        "key_id": 3,
        "created_at": "2026-01-31T12:00:00Z",
        "expires_at": "2026-03-02T12:00:00Z",
    }
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(128, 160)))
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
    return {
        "public_key": key.public_key().public_bytes_raw().hex(),
        "manifest": fields,
        "signature": key.sign(b"velour-manifest-1\n" + canonical).hex(),
    }


def fingerprint_vector():
    readings = {
        "machine_id": "0123456789abcdef0123456789abcdef\n",
        "cpu": " Intel(R)  Xeon(R) ",
        "memory": "16384",
        "root_disk_serial": "ÄB-1",
        "board_serial": "  ",
    }
    key = bytes(range(32))
    fields = {name: decoder.fingerprint_field(key, name, text) for name, text in readings.items()}
    return {"public_key": key.hex(), "readings": readings, "fingerprint": fields}


def main():
    vectors = {
        "hello": sealed_vector("five bytes", b"hello", short=True),
        "empty": sealed_vector("nothing", b"", short=True),
        "block": sealed_vector("one whole block", pattern(16), short=True),
        "chunk": sealed_vector("one whole chunk", pattern(65536), short=False),
        "two": sealed_vector("a chunk and a byte", pattern(65537), short=False),
        "five": sealed_vector("five chunks", pattern(300_000), short=False),
        "wrap": wrap_vector(),
        "manifest": manifest_vector(),
        "fingerprint": fingerprint_vector(),
    }
    for name, vector in vectors.items():
        text = json.dumps(vector, indent=1, ensure_ascii=False)
        (FOLDER / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
