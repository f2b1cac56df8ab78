"""Making and repairing `.venv`, on a checkout in miniature that needs nothing from the network."""

import shutil
import subprocess
import sys

import pytest

from deploy.local.home import CHECKOUT

PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "miniature"
version = "1"
"""
# The least that pip takes for an editable install.
BACKEND = """\
import pathlib
import zipfile


def build_editable(directory, config_settings=None, metadata_directory=None):
    name = "miniature-1-py3-none-any.whl"
    info = "miniature-1.dist-info"
    with zipfile.ZipFile(pathlib.Path(directory) / name, "w") as wheel:
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: miniature\\nVersion: 1\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return name
"""


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "deploy" / "local").mkdir(parents=True)
    shutil.copy(CHECKOUT / "deploy" / "local" / "environment.py", tmp_path / "deploy" / "local")
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "backend.py").write_text(BACKEND)
    (tmp_path / "requirements.txt").write_text("")
    return tmp_path


def make(checkout):
    return subprocess.run(
        [sys.executable, str(checkout / "deploy" / "local" / "environment.py")],
        capture_output=True,
        text=True,
        cwd="/",
    )


def has_miniature(checkout):
    command = [str(checkout / ".venv" / "bin" / "python"), "-m", "pip", "show", "-q", "miniature"]
    return subprocess.run(command, capture_output=True).returncode == 0


def test_an_environment_is_made_once(checkout):
    first = make(checkout)
    assert (first.returncode, first.stderr) == (0, "")
    assert "creating .venv" in first.stdout
    assert has_miniature(checkout)

    second = make(checkout)
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")


def test_a_half_made_environment_is_made_anew(checkout):
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").symlink_to("/nowhere")
    done = make(checkout)
    assert done.returncode == 0
    assert ".venv is incomplete" in done.stdout
    assert has_miniature(checkout)


def test_packages_whose_installation_was_interrupted_are_installed(checkout):
    make(checkout)
    (checkout / ".venv" / ".installed-requirements.txt").unlink()
    done = make(checkout)
    assert done.returncode == 0
    assert "requirements.txt: 0 packages in place" in done.stdout


def test_a_package_that_is_not_what_was_pinned_stops_with_its_reason(checkout):
    package = checkout / "plumb-1-py3-none-any.whl"
    package.write_bytes(b"not what was pinned")
    (checkout / "requirements.txt").write_text(f"plumb @ {package.as_uri()} --hash=sha256:{'0' * 64}\n")
    done = make(checkout)
    assert done.returncode == 1
    assert "could not be installed" in done.stderr
    assert "HASHES" in done.stderr.upper()
    assert not (checkout / ".venv" / ".installed-requirements.txt").exists()
