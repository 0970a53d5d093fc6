"""docker-compose.yml without Docker: its commands and its environment, as plain processes on one machine.

The tool runs from a wheel that is installed outside of the tree. What another network would give is given by other
ports of the loopback: `shop:8000` becomes an address of its own, in variables, commands and the settings file alike.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import metadata
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement

from tests.processes import end_with_parent
from tests.services.redis import RedisServer, free_port

ROOT = Path(__file__).parents[2]
REFERENCE = re.compile(r"\$\{([A-Z_]+):\?[^}]*\}")
START_SECONDS = 60.0
END_SECONDS = 40.0


def installed_wheel(folder: Path) -> Path:
    """An environment that has the project as a wheel, as the images have it, and beside it what that asks for, no more.

    These libraries are those of the tests. Gives the folder of its programs.
    """
    source, wheels, environment = folder / "build", folder / "wheels", folder / "environment"
    source.mkdir()
    for name in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        path = ROOT / name.removeprefix("!")
        if name.startswith("!") and path.is_dir():
            shutil.copytree(path, source / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif name.startswith("!"):
            shutil.copy(path, source)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    _run([*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), str(source)])
    _run([sys.executable, "-m", "venv", "--without-pip", str(environment)])
    python = environment / "bin" / "python"
    _run([*pip, "--python", str(python), "install", "--no-deps", *map(str, wheels.glob("*.whl"))])
    own = Path(_run([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip())
    for distribution in _asked_for("understudy", _extras()):
        for name in {path.parts[0] for path in distribution.files or () if path.parts[0] not in ("..", "__pycache__")}:
            if not (own / name).exists():
                (own / name).symlink_to(distribution.locate_file(name))
    return environment / "bin"


def _extras() -> set[str]:
    """Of the larger image: the example is run from this environment, too."""
    given = re.findall(r"\.whl\)\[([a-z,]+)\]", (ROOT / "Dockerfile").read_text("utf-8"))
    return set(max(given, key=len).split(","))


def _asked_for(name: str, extras: set[str]) -> Iterator[Distribution]:
    """What a distribution asks for with these extras, directly or not, without itself."""
    seen: set[tuple[str, str]] = set()
    waiting = [(name, extra) for extra in ("", *extras)]
    while waiting:
        asking, extra = waiting.pop()
        if (asking, extra) in seen:
            continue
        seen.add((asking, extra))
        found = metadata.distribution(asking)
        if asking != name and not extra:
            yield found
        for text in found.requires or ():
            wanted = Requirement(text)
            if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
                waiting += [(wanted.name, each) for each in ("", *wanted.extras)]


def _run(argv: list[str]) -> str:
    done = subprocess.run(argv, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Composition:
    """The services of the compose file on this machine. A context manager: at its end all of them are gone."""

    def __init__(self, folder: Path, programs: Path, database_url: str) -> None:
        self._services: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())[
            "services"
        ]
        self._folder = folder
        self._programs = programs
        self._database_url = database_url
        self._ports: dict[tuple[str, str], int] = {}
        self._secrets: dict[str, str] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._servers: dict[str, RedisServer] = {}
        for name in ("stream", "broker"):
            words = [self._filled(str(word)) for word in self._services[name]["command"]]
            options = {k.removeprefix("--").replace("-", "_"): v for k, v in zip(words[1::2], words[2::2], strict=True)}
            self._servers[name] = RedisServer(**options)
            self._ports[name, "6379"] = self._servers[name].port
        (folder / "snapshots").mkdir()
        (folder / "tmp").mkdir()
        shutil.copytree(ROOT / "examples" / "shop", folder / "srv" / "shop", ignore=shutil.ignore_patterns("*.pyc"))
        settings = folder / "srv" / "shop" / "understudy.compose.toml"
        settings.write_text(self._mapped(settings.read_text()))

    def stream(self) -> RedisServer:
        return self._servers["stream"]

    def url(self, service: str, port: str) -> str:
        """Where something outside of the network reaches a published port."""
        assert any(each.endswith(f":{port}") for each in self._services[service]["ports"])
        return f"http://127.0.0.1:{self.port(service, port)}"

    def run(self, service: str, *more: str) -> tuple[int, str]:
        """`docker compose run --rm SERVICE …`: the exit code, and what was printed."""
        done = subprocess.run(
            [*self._argv(service), *more],
            **self._place(service),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=400,
        )
        return done.returncode, done.stdout

    def understudy(self, service: str, *words: str) -> str:
        """What another command of ours prints in a service's place."""
        argv = [str(self._programs / "understudy"), *words]
        return subprocess.run(argv, **self._place(service), capture_output=True, text=True, check=True).stdout

    def up(self, *services: str) -> None:
        """Start services, and return when their health checks succeed."""
        for name in services:
            with self._log(name).open("ab") as log:
                self._running[name] = subprocess.Popen(
                    self._argv(name),
                    **self._place(name),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=end_with_parent,
                )
        deadline = time.monotonic() + START_SECONDS
        for name in services:
            while not self.healthy(name):
                assert self._running[name].poll() is None, self.log(name)
                assert time.monotonic() < deadline, self.log(name)
                time.sleep(0.1)

    def healthy(self, service: str) -> bool:
        """What the service's own health check says."""
        kind, *words = self._services[service]["healthcheck"]["test"]
        assert kind == "CMD"
        argv = [re.sub(r"127\.0\.0\.1:(\d+)", lambda m: f"127.0.0.1:{self.port(service, m[1])}", w) for w in words]
        return subprocess.run(argv, **self._place(service), capture_output=True, check=False).returncode == 0

    def stop(self, service: str) -> int:
        """SIGTERM, and the exit code."""
        process = self._running.pop(service)
        process.terminate()
        return process.wait(END_SECONDS)

    def log(self, service: str) -> str:
        return self._log(service).read_text()

    def _log(self, service: str) -> Path:
        return self._folder / f"{service}.log"

    def _argv(self, service: str) -> list[str]:
        given = self._services[service]
        target = given["build"]["target"]
        words = given.get("entrypoint") or (["understudy"] if target == "understudy" else [])
        argv = [self._mapped(str(word)) for word in (*words, *given.get("command", ()))]
        for i, word in enumerate(argv[:-1]):
            if word == "--port" or word.endswith("-port"):
                argv[i + 1] = str(self.port(service, argv[i + 1]))
            elif word == "--host" or word.endswith("-host"):
                argv[i + 1] = "127.0.0.1"
        found = shutil.which(argv[0], path=self._path())
        assert found is not None
        return [found, *argv[1:]]

    def _place(self, service: str) -> dict[str, Any]:
        given: Mapping[str, str] = self._services[service].get("environment", {})
        environ = {name: self._mapped(self._filled(str(value))) for name, value in given.items()}
        environ |= {"PATH": self._path(), "HOME": "/nonexistent", "TMPDIR": str(self._folder / "tmp")}
        shop = self._services[service]["build"]["target"] == "shop"
        return {"env": environ, "cwd": self._folder / "srv" / "shop" if shop else self._folder / "srv"}

    def _path(self) -> str:
        return os.pathsep.join([str(self._programs), "/usr/bin", "/bin"])

    def _filled(self, text: str) -> str:
        return REFERENCE.sub(lambda match: self._secrets.setdefault(match[1], secrets.token_hex(32)), text)

    def _mapped(self, text: str) -> str:
        """Names of hosts and folders as they are here."""
        text = text.replace("@postgres:5432/understudy", "@" + self._database_url.partition("@")[2])
        for name in self._services:
            text = re.sub(rf"(?<=[@/]){name}:(\d+)", lambda m, n=name: f"127.0.0.1:{self.port(n, m[1])}", text)
        return text.replace("/snapshots/", f"{self._folder}/snapshots/").replace("/srv/", f"{self._folder}/srv/")

    def port(self, service: str, port: str) -> int:
        """What a port of a service is here."""
        if (service, port) not in self._ports:
            self._ports[service, port] = free_port()
        return self._ports[service, port]

    def close(self) -> None:
        for process in self._running.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # and what it has started
            process.wait()
        for server in self._servers.values():
            server.close()


@contextmanager
def composition(folder: Path, programs: Path, database_url: str) -> Iterator[Composition]:
    composed = Composition(folder, programs, database_url)
    try:
        yield composed
    finally:
        composed.close()
