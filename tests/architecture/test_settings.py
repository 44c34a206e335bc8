"""Settings: every key documented at its default, later sources win, a misspelt key stops the start."""

import configparser

import pytest

from app.settings import ROOT, Settings, SettingsInvalid, load_settings


def documented():
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "config.ini", encoding="utf-8")
    return {section: dict(parser[section]) for section in parser.sections()}


def test_config_ini_shows_every_key_and_no_other():
    keys = {name: set(dict(section)) for name, section in Settings()}
    assert {name: set(section) for name, section in documented().items()} == keys


def test_config_ini_stands_at_the_defaults():
    assert load_settings({}) == Settings()


def test_later_sources_win(tmp_path):
    ini = tmp_path / "node.ini"
    ini.write_text(f"[node]\nname = ini\ndata_dir = {tmp_path}\n[server]\nport = 1\nthreads = 3\n")
    folder = tmp_path / "settings"
    folder.mkdir()
    (folder / "server.port").write_text("2\n")
    (folder / "server.host").write_text("file\n")
    environ = {"VELOUR_CONFIG": str(ini), "VELOUR__SERVER__HOST": "environment"}

    settings = load_settings(environ, {"server": {"workers": 4}})

    assert settings.node.name == "ini"
    assert settings.server.port == 2
    assert settings.server.host == "environment"
    assert (settings.server.threads, settings.server.workers) == (3, 4)


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("VELOUR__SERVER__PROT", "1", "server.prot"),
        ("VELOUR__SERVRE__PORT", "1", "servre"),
        ("VELOUR_DATADIR", "/x", "VELOUR_DATADIR"),
        ("FEDERATION_ENABELD", "true", "FEDERATION_ENABELD"),
        ("VELOUR__SERVER__PORT", "eighty", "server.port"),
        ("FEDERATION_ALLOWED_NETWORKS", "10.0.0.0/99", "federation.allowed_networks"),
        ("VELOUR_BASE_URL", "films.example.org", "node.base_url"),
        ("VELOUR_DATABASE_URL", "mysql://root@host/films", "database.url"),
        ("VELOUR_DATABASE_URL", "films.db", "database.url"),
        ("VELOUR_CONFIG", "/nowhere/config.ini", "/nowhere/config.ini"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_is_named(name, value, named):
    with pytest.raises(SettingsInvalid) as caught:
        load_settings({name: value})
    assert named in str(caught.value)


def test_short_names_of_the_environment():
    settings = load_settings(
        {
            "VELOUR_DATA_DIR": "/data",
            "VELOUR_DATABASE_URL": "postgresql://u@h/d",
            "VELOUR_BASE_URL": "https://films.example.org/",
            "FEDERATION_ENABLED": "false",
            "FEDERATION_ALLOWED_NETWORKS": "127.0.0.0/8, 10.1.2.3",
            "MAX_FEDERATED_CONNECTIONS": "3",
        }
    )
    assert str(settings.data_dir) == "/data"
    assert settings.database_url == "postgresql+psycopg://u@h/d"
    assert settings.node.base_url == "https://films.example.org"
    assert settings.federation.enabled is False
    assert settings.federation.allowed_networks == ("127.0.0.0/8", "10.1.2.3/32")
    assert settings.federation.max_connections == 3
