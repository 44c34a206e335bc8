"""Devices: bound at their first call, held against that at each later one, reset by an admin."""

from dataclasses import dataclass

from app.usecases.resources.accounts import ResourceCaller
from domain.federation.audit import Actor
from domain.ids import DeviceId
from domain.resources.device import Device, Fingerprint
from domain.resources.errors import DeviceMismatch, DeviceNotFound
from ports.clock import Clock
from ports.ids import IdFactory
from ports.resources.exchange import ExchangeKeys
from ports.unit_of_work import ReadOnlyFactory, UnitOfWork, UnitOfWorkFactory


@dataclass(frozen=True, slots=True)
class CheckedDevice:
    """A device that may be used, and the node's public key (X25519) to agree with."""

    device: Device
    server_public_key: bytes


@dataclass(frozen=True, slots=True)
class CheckDevice:
    """Bind a person's first device; let no other one pass until an admin resets it."""

    unit_of_work: UnitOfWorkFactory
    read_only: ReadOnlyFactory
    exchange: ExchangeKeys
    clock: Clock
    new_id: IdFactory

    def __call__(
        self, caller: ResourceCaller, *, public_key: bytes, fingerprint: Fingerprint
    ) -> CheckedDevice:
        """Return the device as it is bound.

        Raises:
            Invalid: an unusable key, or too little of the machine could be read.
            DeviceMismatch: the person has another device.
        """
        fingerprint.require_enough()
        newest = self.exchange.newest
        self.exchange.agree(newest, public_key)  # a key that agrees with nobody is refused here
        with self.read_only() as tx:
            bound = tx.devices.find_of(caller.user.id)
            is_told = bound is not None and tx.devices.exchange(bound.id) == newest
        if bound is not None:
            self._require_same(caller, bound, public_key, fingerprint)
        if bound is None or not is_told:
            bound = self._bind(caller, public_key, fingerprint)
        return CheckedDevice(bound, self.exchange.public_key(newest))

    def _bind(self, caller: ResourceCaller, public_key: bytes, fingerprint: Fingerprint) -> Device:
        now = self.clock.now()
        device = Device(
            id=DeviceId(self.new_id()),
            user_id=caller.user.id,
            public_key=public_key,
            fingerprint=fingerprint,
            bound_at=now,
        )
        with self.unit_of_work() as tx:
            target, detail = f"user:{caller.user.id}", f"device:{device.id}"
            tx.audit.append([caller.actor.did("device.bind", target, at=now, detail=detail)])
            other = tx.devices.find_of(caller.user.id)
            if other is not None:  # bound in between, or the node has a new exchange key
                other.require_same(public_key, fingerprint)
                device = other
            tx.devices.put(device, exchange=self.exchange.newest)
            tx.commit()
        return device

    def _require_same(
        self, caller: ResourceCaller, bound: Device, public_key: bytes, fingerprint: Fingerprint
    ) -> None:
        try:
            bound.require_same(public_key, fingerprint)
        except DeviceMismatch as refusal:
            target, now = f"user:{caller.user.id}", self.clock.now()
            entry = caller.actor.did("device.check", target, at=now, result=refusal.code)
            with self.unit_of_work() as tx:
                tx.audit.append([entry])
                tx.commit()
            raise


@dataclass(frozen=True, slots=True)
class ResetDevice:
    """Forget a person's device: the next one that calls is bound."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, *, device_id: DeviceId, actor: Actor) -> Device:
        """Forget a device; raises DeviceNotFound."""
        now = self.clock.now()
        with self.unit_of_work() as tx:
            device = tx.devices.get(device_id)
            target, detail = f"user:{device.user_id}", f"device:{device.id}"
            tx.audit.append([actor.did("device.reset", target, at=now, detail=detail)])
            tx.devices.remove(device_id)
            tx.commit()
        return device


def own_device(
    tx: UnitOfWork, caller: ResourceCaller, device_id: DeviceId | None = None
) -> tuple[Device, int]:
    """Return the person's device, and which exchange key it was told.

    Raises:
        DeviceNotFound: there is none, or the id is of another one.
    """
    device = tx.devices.find_of(caller.user.id)
    if device is None or device_id not in {None, device.id}:
        raise DeviceNotFound
    return device, tx.devices.exchange(device.id)
