"""https peers: verified against the name, whatever the address."""

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.storage.velour import VelourStorage
from ports.federation.peers import PeerAccess, PeerUnreachable
from tests.federation.servers import respond
from tests.federation.test_media import FILM, Film, open_, read

NAME = "node.example"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for NAME, with its key, as one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "node.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def tls_server(serve, certificate):
    """Serve over TLS: a front that unwraps for a plain server."""
    stop, listeners = [], []

    def make(answer):
        plain = serve(answer)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def pump(source, sink):
            try:
                while piece := source.recv(65536):
                    sink.sendall(piece)
                sink.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        def talk(sock):
            try:
                front = context.wrap_socket(sock, server_side=True)
            except OSError:
                sock.close()
                return
            back = socket.create_connection(("127.0.0.1", plain.port))
            with front, back:
                up = threading.Thread(target=pump, args=(front, back), daemon=True)
                up.start()
                pump(back, front)
                back.close()
                up.join(5)

        def accept():
            while not stop:
                try:
                    sock, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=talk, args=[sock], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return listener.getsockname()[1]

    yield make
    stop.append(True)
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.fixture
def trusting(certificate):
    return {
        "https": True,
        "tls": ssl.create_default_context(cafile=certificate),
        "resolve": lambda *_: ["127.0.0.1"],
    }


def test_bytes_come_over_tls_from_the_named_node(tls_server, make_outbound, trusting):
    port = tls_server(Film())
    storage = VelourStorage(
        lambda: PeerAccess(f"https://{NAME}:{port}", "k"), make_outbound(**trusting)
    )
    assert storage.stat("v").size_bytes == len(FILM)
    assert read(open_(storage)) == FILM
    assert read(open_(storage, 7, 100)) == FILM[7:107]


def test_documents_come_over_tls(tls_server, make_peers, trusting):
    port = tls_server(lambda _, sock: respond(sock, b'{"name":"Node"}'))
    assert make_peers(**trusting).connect(f"https://{NAME}:{port}", "k").instance().name == "Node"


def test_another_name_is_not_believed(tls_server, make_peers, trusting):
    port = tls_server(lambda _, sock: respond(sock, b"{}"))
    with pytest.raises(PeerUnreachable, match="certificate"):
        make_peers(**trusting).connect(f"https://other.example:{port}", "k").instance()


def test_an_unknown_signer_is_not_believed(tls_server, make_peers, trusting):
    port = tls_server(lambda _, sock: respond(sock, b"{}"))
    del trusting["tls"]
    with pytest.raises(PeerUnreachable, match="certificate"):
        make_peers(**trusting).connect(f"https://{NAME}:{port}", "k").instance()


def test_a_plain_server_is_not_taken_for_a_secure_one(serve, make_peers, trusting):
    server = serve(lambda _, sock: respond(sock, b"{}"))
    with pytest.raises(PeerUnreachable, match="TLS"):
        make_peers(**trusting).connect(f"https://{NAME}:{server.port}", "k").instance()
