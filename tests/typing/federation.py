"""Read by the type checker only: adapters of federation against their ports."""

from adapters.crypto.checkpoints import FileCheckpoints
from adapters.crypto.identity import Ed25519Identity
from adapters.crypto.passwords import Argon2Hasher
from adapters.crypto.secret_box import AesGcmSecretBox
from adapters.crypto.secrets import NodeSecrets
from adapters.http.outbound import Outbound
from adapters.http.peers import HttpPeer, HttpPeers
from adapters.storage.velour import VelourStorage
from ports.crypto import Identity, PasswordHasher, SecretBox, Secrets
from ports.federation.audit import Checkpoints
from ports.federation.peers import Peer, Peers
from ports.library.storage import ReadableStorage
from ports.outbound import Origins


def conform(
    one: tuple[Argon2Hasher, NodeSecrets, AesGcmSecretBox, Ed25519Identity, FileCheckpoints],
    other: tuple[Outbound, HttpPeers, HttpPeer, VelourStorage],
) -> tuple[
    tuple[PasswordHasher, Secrets, SecretBox, Identity, Checkpoints],
    tuple[Origins, Peers, Peer, ReadableStorage],
]:
    """Each adapter passes for its port."""
    return one, other
