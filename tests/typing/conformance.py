"""Read by the type checker alone: what keeps rows, rings for jobs and tells the time fits its port.

Storage and media, federation and counters have files of their own beside this one.
"""

from collections.abc import Iterator

from adapters.jobs.huey_queue import HueyJobQueue
from adapters.jobs.inline import InlineJobQueue
from adapters.memory.audit import MemoryAuditReader, MemoryAuditTrail, MemoryCheckpoints
from adapters.memory.catalogue import MemoryCatalogue
from adapters.memory.credentials import MemoryCredentials
from adapters.memory.crypto import MemoryPasswordHasher, MemorySecretBox, MemorySecrets
from adapters.memory.peers import MemoryPeers
from adapters.memory.unit_of_work import MemoryUnitOfWork
from adapters.sql.queries.audit import SqlAuditReader, SqlAuditTrail
from adapters.sql.queries.catalogue import SqlCatalogue
from adapters.sql.queries.credentials import SqlCredentials
from adapters.sql.unit_of_work import SqlReadOnly, SqlUnitOfWork
from adapters.system.clock import SystemClock
from adapters.system.ids import new_uuid7
from adapters.system.processes import ProcessNames
from app.usecases.job_lease import Held
from ports.byte_body import ByteBody, BytesBody, FileBody, SocketBody
from ports.clock import Clock
from ports.crypto import PasswordHasher, SecretBox, Secrets
from ports.federation.audit import AuditReader, AuditTrail, Checkpoints
from ports.federation.credentials import Credentials
from ports.federation.peers import Peers
from ports.ids import IdFactory
from ports.jobs import JobConsumer, JobContext, JobQueue, WorkerNames
from ports.library.catalogue import Catalogue
from ports.unit_of_work import UnitOfWork

new_id: IdFactory = new_uuid7


def units_of_work(
    sql: SqlUnitOfWork, reading: SqlReadOnly, memory: MemoryUnitOfWork
) -> Iterator[UnitOfWork]:
    yield from (sql, reading, memory)


def catalogues(sql: SqlCatalogue, memory: MemoryCatalogue) -> Iterator[Catalogue]:
    yield from (sql, memory)


def credentials(sql: SqlCredentials, memory: MemoryCredentials) -> Iterator[Credentials]:
    yield from (sql, memory)


def trails(sql: SqlAuditTrail, memory: MemoryAuditTrail) -> Iterator[AuditTrail]:
    yield from (sql, memory)


def readers(sql: SqlAuditReader, memory: MemoryAuditReader) -> Iterator[AuditReader]:
    yield from (sql, memory)


def checkpoints(memory: MemoryCheckpoints) -> Checkpoints:
    return memory


def queues(huey: HueyJobQueue, inline: InlineJobQueue) -> Iterator[JobQueue]:
    yield from (huey, inline)


def consumers(huey: HueyJobQueue) -> JobConsumer:
    return huey


def contexts(held: Held) -> JobContext:
    return held


def worker_names(processes: ProcessNames) -> WorkerNames:
    return processes


def clocks(system: SystemClock) -> Clock:
    return system


def hashers(memory: MemoryPasswordHasher) -> PasswordHasher:
    return memory


def secrets(memory: MemorySecrets) -> Secrets:
    return memory


def boxes(memory: MemorySecretBox) -> SecretBox:
    return memory


def peers(memory: MemoryPeers) -> Peers:
    return memory


def bodies(file: FileBody, sock: SocketBody, data: BytesBody) -> Iterator[ByteBody]:
    yield from (file, sock, data)
