"""docker-compose.yml and the Dockerfile name things that exist here, checked without a Docker engine."""

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from deploy.local.accounts import MAJOR_VERSION, programs, server_account
from deploy.local.home import CHECKOUT, Home
from deploy.local.postgres import PostgresServer

COMPOSE = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OURS = ("migrate", "web", "worker", "beat")
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text()
SETTINGS_SOURCE = (CHECKOUT / "config" / "settings.py").read_text()
NOT_FOR_SETTINGS = {
    "DEMO_PASSWORD",  # read by seed_demo
    "OPA_URL",  # read by plumbline.engines.rego
    "OTEL_EXPORTER_OTLP_ENDPOINT",  # read by common.tracing
}


def given_names():
    """The variables that deploy/compose/example.env sets or shows."""
    text = (CHECKOUT / "deploy" / "compose" / "example.env").read_text()
    return set(re.findall(r"^#?([A-Z_]+)=", text, re.MULTILINE))


def test_the_services_are_the_ones_that_the_product_needs():
    assert set(SERVICES) == {"postgres", "redis", "opa", *OURS}


@pytest.mark.parametrize("name", OURS)
def test_every_variable_given_to_a_service_is_read_by_the_settings(name):
    names = set(SERVICES[name]["environment"]) - NOT_FOR_SETTINGS
    assert {n for n in names if f'"{n}"' not in SETTINGS_SOURCE} == set()


def test_every_variable_that_compose_asks_for_is_in_the_example():
    asked = set(re.findall(r"\$\{([A-Z_]+)", (CHECKOUT / "docker-compose.yml").read_text()))
    assert asked == given_names()


@pytest.mark.parametrize("name", [*OURS, "postgres", "redis", "opa"])
def test_every_service_that_stays_up_has_a_health_check(name):
    check = SERVICES[name].get("healthcheck")
    is_one_shot = SERVICES[name].get("restart") == "no"
    has_own = "test" in check if check else "HEALTHCHECK" in DOCKERFILE and name == "web"
    assert has_own != is_one_shot


@pytest.mark.parametrize("name", OURS)
def test_our_services_run_without_privileges(name):
    assert SERVICES[name]["cap_drop"] == ["ALL"]
    assert SERVICES[name]["read_only"] is True
    assert "privileged" not in SERVICES[name]


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_only_the_migration_is_told_the_owner_role(name):
    assert "DATABASE_OWNER_URL" in SERVICES["migrate"]["environment"]
    assert "DATABASE_OWNER_URL" not in SERVICES[name]["environment"]
    assert "plumbline_app:" in SERVICES[name]["environment"]["DATABASE_URL"]


def test_postgres_is_the_version_that_is_embedded():
    assert SERVICES["postgres"]["image"].startswith(f"postgres:{MAJOR_VERSION}-")


def test_mounted_files_exist():
    mounts = [v.split(":")[0] for s in SERVICES.values() for v in s.get("volumes", [])]
    files = [m for m in mounts if m.startswith("./")]
    assert files
    assert [m for m in files if not (CHECKOUT / m).is_file()] == []


@pytest.mark.parametrize(
    "command",
    [" ".join(SERVICES[name]["command"]) for name in ("migrate", "worker", "beat")]
    + [" ".join(shlex.split(re.search(r"^CMD \[(.*?)\]", DOCKERFILE, re.M | re.S)[1].replace(",", " ")))],
)
def test_every_program_named_is_installed(command):
    programs_named = set(re.findall(r"(?:^|&& |sh -c )(\w+)", command)) - {"sh"}
    assert programs_named
    pinned = (CHECKOUT / "requirements.txt").read_text()
    assert {p for p in programs_named if p != "python" and f"\n{p}==" not in pinned} == set()


def test_management_commands_named_exist():
    from django.core.management import get_commands

    named = set(re.findall(r"manage\.py (\w+)", (CHECKOUT / "docker-compose.yml").read_text() + DOCKERFILE))
    assert named >= {"migrate", "sync_library", "collectstatic", "seed_demo"}
    assert named - set(get_commands()) == set()


def test_the_image_does_not_run_as_root_and_holds_what_it_copies():
    assert re.search(r"^USER 10001$", DOCKERFILE, re.MULTILINE)
    allowed = re.findall(r"^!(.+)$", (CHECKOUT / ".dockerignore").read_text(), re.MULTILINE)
    assert [name for name in allowed if not (CHECKOUT / name).exists()] == []


def test_the_image_holds_every_package_of_the_server():
    packages = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "root_packages"
    ]
    allowed = (CHECKOUT / ".dockerignore").read_text()
    assert [p for p in packages if f"!{p}\n" not in allowed] == []


def test_the_roles_script_creates_roles_that_row_level_security_binds(tmp_path: Path):
    server = PostgresServer(Home(tmp_path / "home"), durable=False)
    server.start(dies_with_parent=True)
    try:
        connection = server.connect()
        with connection.cursor() as cursor:
            cursor.execute("DROP DATABASE plumbline")
            cursor.execute("DROP ROLE plumbline_owner, plumbline_app")
        subprocess.run(
            [str(CHECKOUT / "deploy" / "compose" / "create-roles.sh")],
            env={
                "PATH": f"{programs(server_account())}:/usr/bin:/bin",
                "PGHOST": str(server.socket_directory()),
                "OWNER_PASSWORD": "own'er",
                "APP_PASSWORD": "app",
            },
            check=True,
        )
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT rolname, rolsuper, rolbypassrls, rolcanlogin FROM pg_roles"
                " WHERE rolname LIKE 'plumbline%' ORDER BY rolname"
            )
            assert cursor.fetchall() == [
                ("plumbline_app", False, False, True),
                ("plumbline_owner", False, False, True),
            ]
        connection.close()
    finally:
        server.remove()
