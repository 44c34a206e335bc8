"""The admin pages of resources: plain forms, no script needed."""

import re
from html import unescape

import pytest

from tests.web.admin.conftest import Visitor, words
from tests.web.resources.conftest import PASSWORD


@pytest.fixture
def admin(node):
    return Visitor(node.app).sign_in("root")


@pytest.fixture
def folder(node):
    with node.container.read_only() as tx:
        return tx.folders.find_by_name("Models")


def grants(node, folder):
    with node.container.read_only() as tx:
        return [one.user_id for one in tx.folders.grants(folder.id)]


def role(node, name):
    with node.container.read_only() as tx:
        return tx.resource_accounts.find(tx.users.find(name).id).role.label


def test_the_frame_links_them_where_resources_are_on(node, admin, make_node):
    assert 'href="/admin/resources"' in admin.get("/admin/").text
    off = Visitor(make_node(RESOURCES_ENABLED="false").app).sign_in("root")

    assert "/admin/resources" not in off.get("/admin/").text
    assert off.get("/admin/resources").status_code == 404


def test_a_folder_is_made(node, admin):
    answer = admin.post("/admin/resources/folders/new", folder="Masters 2026")

    assert answer.status_code == 303
    assert "Masters 2026" in admin.get("/admin/resources").text
    assert node.actions(1) == ["folder.create"]


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "a%2fb", "check", "Models", "CON"])
def test_a_folder_that_cannot_be_is_told_beside_its_field(node, admin, name):
    answer = admin.post("/admin/resources/folders/new", folder=name)

    assert answer.status_code in {409, 422}
    assert f'value="{name}"' in unescape(answer.text)
    with node.container.read_only() as tx:
        assert [one.name for one in tx.folders.all()] == ["Models"]


def test_somebody_is_let_in_and_out(node, admin, folder):
    node.make_user("olaf")
    page = f"/admin/resources/folders/{folder.id}"

    assert admin.post(page, user="olaf@example.org", role="").status_code == 303
    assert role(node, "olaf") == "Operator"
    assert grants(node, folder) == [node.person("olaf").id]
    assert "Operator: loads files" in admin.get(page).text
    admin.post(page, user="olaf", role="ResourceUploader")
    assert role(node, "olaf") == "ResourceUploader"

    out = f"{page}/withdraw/{node.person('olaf').id}"
    assert admin.post(out, at=page).status_code == 303
    assert grants(node, folder) == []
    assert {"folder.grant", "folder.withdraw"} <= set(node.actions(5))


def test_an_unknown_person_is_told_and_nothing_is_granted(node, admin, folder):
    answer = admin.post(f"/admin/resources/folders/{folder.id}", user="nobody", role="")

    assert answer.status_code == 404
    assert "No such user" in words(answer.text)
    assert grants(node, folder) == []


def test_a_changed_role_ends_the_tokens(node, admin):
    olaf = node.signed_in("olaf", "Operator")
    assert olaf.ask("GET", "/users/current").status_code == 200

    page = f"/admin/resources/people/{node.person('olaf').id}"
    assert admin.post(page, role="Validator").status_code == 303

    assert olaf.ask("GET", "/users/current").status_code == 401
    olaf.login()
    assert olaf.ask("GET", "/users/current").get_json()["role"] == "Validator"


def test_a_role_that_does_not_exist_is_refused(node, admin):
    node.signed_in("olaf", "Operator")
    page = f"/admin/resources/people/{node.person('olaf').id}"

    assert admin.post(page, role="Emperor").status_code == 422
    assert role(node, "olaf") == "Operator"


def test_a_reset_device_makes_room_for_another(node, admin):
    olaf = node.signed_in("olaf", "Operator")
    other = node.signed_in("olaf", seed="another machine", check=False)
    assert other.check().status_code == 403

    page = f"/admin/resources/devices/{olaf.device_id}/reset"
    assert "is bound instead" in admin.get(page).text
    assert admin.post(page).status_code == 303

    assert other.check().status_code == 200
    assert olaf.check().status_code == 403
    assert "device.reset" in node.actions(5)
    assert admin.get(page).status_code == 404


def test_pages_show_files_devices_and_the_way_to_the_trail(node, admin, folder):
    uma = node.signed_in("uma", "ResourceUploader")
    uma.upload("Models", "engine.bin", b"x" * 3000)

    page = admin.get(f"/admin/resources/folders/{folder.id}").text
    assert "engine.bin" in page
    assert "version 1" in page
    person = admin.get(f"/admin/resources/people/{node.person('uma').id}").text
    assert "told by 5 of 5 marks" in person
    link = unescape(re.search(r'href="(/admin/audit\?[^"]+)"', person)[1])
    assert "resource.publish" in admin.get(link).text
    assert "device bound" in admin.get("/admin/resources").text


def test_only_admins_see_them(node, folder):
    node.make_user("olaf")
    viewer = Visitor(node.app).sign_in("olaf")
    pages = ("", f"/folders/{folder.id}", "/folders/new", f"/people/{node.person('olaf').id}")
    for page in pages:
        assert viewer.get(f"/admin/resources{page}").status_code == 403
        assert Visitor(node.app).get(f"/admin/resources{page}").status_code == 302


def test_the_settings_page_shows_no_secret_of_the_cdn(make_node):
    node = make_node(
        VELOUR__RESOURCES__CDN="s3", VELOUR__RESOURCES__S3_BUCKET="parts",
        VELOUR__RESOURCES__S3_READER_KEY_ID="rk", VELOUR__RESOURCES__S3_READER_SECRET="opensesame1",
        VELOUR__RESOURCES__S3_WRITER_KEY_ID="wk", VELOUR__RESOURCES__S3_WRITER_SECRET="opensesame2",
    )  # fmt: skip
    page = Visitor(node.app).sign_in("root").get("/admin/settings").text

    assert "opensesame" not in page
    assert page.count("set, and not shown") == 2
    assert PASSWORD not in page
