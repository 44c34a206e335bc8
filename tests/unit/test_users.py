import threading

import pytest

from app.usecases.people.users import (
    ChangePassword,
    CreateUser,
    Deactivate,
    LastAdmin,
    SetRole,
    SignIn,
    find_user,
)
from domain.errors import AlreadyExists, Invalid
from domain.federation.audit import CLI
from domain.people import Role, Session, SignInRefused, UserNotFound


@pytest.fixture
def create(unit_of_work, password_hasher, clock, new_id):
    create_user = CreateUser(unit_of_work, password_hasher, clock, new_id)

    def run(username="ann", *, admin=False, password="correct horse"):
        return create_user(
            username=username, email=f"{username}@example.org", password=password, admin=admin, actor=CLI
        )  # fmt: skip

    return run


@pytest.fixture
def sign_in(unit_of_work, read_only, password_hasher, clock):
    check = SignIn(unit_of_work, read_only, password_hasher, clock)
    return lambda name, password="correct horse": check(
        name=name, password=password, address="192.0.2.1"
    )


def actions(audit_reader):
    return [row.entry.action for row in audit_reader.iter_chain()]


def begin_session(unit_of_work, clock, user):
    with unit_of_work() as tx:
        now = clock.now()
        tx.sessions.put(
            Session(id_digest=b"d" * 32, user_id=user.id, values="{}", created_at=now, seen_at=now)
        )
        tx.commit()


def test_the_first_account_is_an_admin_whatever_was_asked(create):
    assert create("ann").role is Role.ADMIN
    assert create("bob").role is Role.USER
    assert create("cid", admin=True).role is Role.ADMIN


def test_two_first_sign_ups_at_once_make_one_admin(create):
    made = []
    threads = [
        threading.Thread(target=lambda name=f"user{n}": made.append(create(name))) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(user.role for user in made) == [Role.ADMIN] + [Role.USER] * 7


def test_a_name_is_taken_once(create, database):
    create("ann")

    with pytest.raises(AlreadyExists):
        create("ANN")
    assert len(database.tables.users) == 1


@pytest.mark.parametrize("name", ["a", "u1", "x" * 50])
def test_a_name_may_be_one_character_to_fifty(create, name):
    assert create(name).username == name


@pytest.mark.parametrize("name", ["", ".ann", "a b", "a@b", "é", "a\n", "x" * 51])
def test_a_name_is_plain_letters_and_digits(create, name):
    with pytest.raises(Invalid):
        create(name)


@pytest.mark.parametrize("password", ["", "short", "x" * 4097])
def test_a_password_has_a_length(create, password):
    with pytest.raises(Invalid):
        create(password=password)


def test_people_sign_in_by_name_or_e_mail(create, sign_in, audit_reader):
    user = create("ann")

    assert sign_in("ann").id == sign_in("ANN@example.org").id == user.id
    assert actions(audit_reader) == ["user.create", "user.sign-in", "user.sign-in"]


def test_unknown_wrong_and_shut_out_look_alike(create, sign_in, unit_of_work, clock, audit_reader):
    create("ann")
    shut_out = create("bob")
    Deactivate(unit_of_work, clock)(user_id=shut_out.id, actor=CLI)

    refusals = []
    for name, password in (
        ("nobody", "correct horse"),
        ("ann", "wrong horse"),
        ("bob", "correct horse"),
    ):
        with pytest.raises(SignInRefused) as refusal:
            sign_in(name, password)
        refusals.append(str(refusal.value))

    assert len(set(refusals)) == 1
    assert [row.entry.result for row in audit_reader.iter_chain()][-3:] == ["sign-in.refused"] * 3


def test_an_endless_password_fits_nothing(create, sign_in):
    create("ann", password="x" * 4096)

    with pytest.raises(SignInRefused):
        sign_in("ann", "x" * 5000)
    assert sign_in("ann", "x" * 4096)


def test_an_old_hash_is_renewed_on_the_way_in(
    create, sign_in, unit_of_work, password_hasher, monkeypatch
):
    user = create("ann")
    monkeypatch.setattr(password_hasher, "needs_rehash", lambda _encoded: True)
    monkeypatch.setattr(password_hasher, "hash", lambda _password: "memory$newer")
    monkeypatch.setattr(password_hasher, "verify", lambda _encoded, _password: True)

    sign_in("ann")

    with unit_of_work() as tx:
        assert tx.users.get(user.id).password_hash == "memory$newer"


def test_a_new_password_ends_every_session(
    create, sign_in, unit_of_work, password_hasher, clock, database
):
    user = create("ann")
    begin_session(unit_of_work, clock, user)

    ChangePassword(unit_of_work, password_hasher, clock)(
        user_id=user.id, password="another horse", actor=CLI
    )

    assert database.tables.sessions == {}
    assert sign_in("ann", "another horse")
    with pytest.raises(SignInRefused):
        sign_in("ann")


def test_a_new_role_and_shutting_out_end_every_session(create, unit_of_work, clock, database):
    create("ann")
    user = create("bob")
    for change in (
        lambda: SetRole(unit_of_work, clock)(user_id=user.id, role="admin", actor=CLI),
        lambda: Deactivate(unit_of_work, clock)(user_id=user.id, actor=CLI),
    ):
        begin_session(unit_of_work, clock, user)
        change()
        assert database.tables.sessions == {}


def test_the_last_admin_stays(create, unit_of_work, clock, database):
    user = create("ann")
    create("bob")

    with pytest.raises(LastAdmin):
        SetRole(unit_of_work, clock)(user_id=user.id, role="user", actor=CLI)
    with pytest.raises(LastAdmin):
        Deactivate(unit_of_work, clock)(user_id=user.id, actor=CLI)
    assert database.tables.users[user.id].is_admin


def test_somebody_shut_out_can_be_let_in_again(create, sign_in, unit_of_work, clock):
    create("ann")
    user = create("bob")
    Deactivate(unit_of_work, clock)(user_id=user.id, actor=CLI)
    Deactivate(unit_of_work, clock)(user_id=user.id, active=True, actor=CLI)

    assert sign_in("bob")


def test_an_unknown_role_is_refused(create, unit_of_work, clock):
    user = create("ann")

    with pytest.raises(Invalid):
        SetRole(unit_of_work, clock)(user_id=user.id, role="owner", actor=CLI)


def test_people_are_found_by_name_e_mail_and_id(create, read_only):
    user = create("ann")

    with read_only() as tx:
        assert {find_user(tx, n).id for n in ("ann", "ANN@example.org", str(user.id))} == {user.id}
        with pytest.raises(UserNotFound):
            find_user(tx, "nobody")
