"""Holds docker-compose.yml and the Dockerfile to what no schema knows: secrets, rights, networks, commands."""

from __future__ import annotations

import importlib
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer
import yaml

from replayer.cli.main import GROUPS
from replayer.settings import load_settings
from tests.test_docs import DOCUMENTS, headings

ROOT = Path(__file__).resolve().parent.parent
SHOP = ROOT / "examples" / "shop"
SOURCE = (ROOT / "docker-compose.yml").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(SOURCE)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
EXAMPLE = (ROOT / ".env.example").read_text("utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")

REFERENCE = re.compile(r"\$\{([^}]*)\}")
REQUIRED = re.compile(r"\$\{[A-Z][A-Z_]*:\?[^}]{10,}\}")
SECRET = re.compile(r"(PASSWORD|SECRET|TOKEN|_KEY|^REDISCLI_AUTH)$")
DROPS_ROOT = {"postgres": "postgres", "redis": "redis"}
"""Official images, and the user that each has for what it runs."""

every_service = pytest.mark.parametrize("name", SERVICES)
long_running = pytest.mark.parametrize("name", [n for n, s in SERVICES.items() if s.get("restart") == "unless-stopped"])


# ---------------------------------------------------------------- secrets


def test_every_secret_comes_from_the_environment_and_has_no_default() -> None:
    for match in REFERENCE.finditer(re.sub(r"(?m)^\s*#.*", "", SOURCE)):
        assert REQUIRED.fullmatch(match[0]), match[0]


@every_service
def test_no_secret_is_written_down(name: str) -> None:
    service = SERVICES[name]
    for variable, value in service.get("environment", {}).items():
        if SECRET.search(variable):
            assert REQUIRED.fullmatch(value), variable
        password = urlsplit(REFERENCE.sub("REFERENCE", str(value))).password
        assert password in (None, "REFERENCE"), variable
    words = service.get("command", [])
    if "--requirepass" in words:
        assert REQUIRED.fullmatch(words[words.index("--requirepass") + 1])


def test_the_example_names_every_secret_and_how_to_make_it_and_no_value() -> None:
    used = {text.partition(":")[0] for text in REFERENCE.findall(SOURCE)}
    lines = [line for line in EXAMPLE.splitlines() if line and not line.startswith("#")]
    assert {line.partition("=")[0] for line in lines} == used
    assert all(line.endswith("=") for line in lines)
    for block in EXAMPLE.strip().split("\n\n")[1:]:
        assert re.search(r"openssl rand -hex (24|32)\n[A-Z_]+=", block), block


def test_what_is_filled_in_is_not_committed() -> None:
    assert ".env" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


# ---------------------------------------------------------------- rights


@every_service
def test_no_service_is_root_or_may_become_it(name: str) -> None:
    service = SERVICES[name]
    own = service.get("build") is not None
    expected = "10001:10001" if own else DROPS_ROOT[service["image"].partition(":")[0]]
    assert service["user"] == expected
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert not service.keys() & {"privileged", "cap_add", "pid", "devices", "userns_mode"}
    assert service.get("network_mode") in (None, "none")
    assert all(not str(mount).startswith((".", "/", "~")) for mount in service.get("volumes", ()))


@every_service
def test_ports_are_bound_to_the_loopback(name: str) -> None:
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in SERVICES[name].get("ports", ()))


def test_images_of_others_are_pinned() -> None:
    images = [service["image"] for service in SERVICES.values() if "build" not in service]
    images += re.findall(r"^FROM (\S+:\S+)", DOCKERFILE, re.M)
    assert len(images) == 5
    assert all(re.search(r":\d+(\.\d+)?-", image) for image in images), images


# ---------------------------------------------------------------- networks


def members(network: str) -> set[str]:
    return {name for name, service in SERVICES.items() if network in service.get("networks", ())}


def test_production_staging_and_the_tool_are_told_apart() -> None:
    assert members("production") == {"shop", "provider", "traffic"}
    assert members("staging") == {"stable", "staging", "worker", "gate"}
    assert members("recording") == {"shop", "stream", "ingest"}
    assert not members("tool") & (members("production") | {"stream", "stable", "staging"})
    assert all(len(SERVICES[name]["networks"]) == 1 for name in ("stable", "staging", "postgres", "broker", "stream"))


def test_only_what_publishes_a_port_has_a_way_out() -> None:
    internal = {name for name, network in COMPOSE["networks"].items() if (network or {}).get("internal")}
    assert internal == {"recording", "tool", "staging"}
    assert set(COMPOSE["networks"]) - internal == {"production", "edge"}
    assert members("edge") == {"dashboard"}


# ---------------------------------------------------------------- health, order


@every_service
def test_what_is_waited_for_can_be_waited_for(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        if how["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        else:
            assert how["condition"] == "service_completed_successfully"
            assert SERVICES[other].get("restart", "no") == "no"


def test_who_uses_the_database_waits_for_its_migration() -> None:
    for name, service in SERVICES.items():
        if "UNDERSTUDY_DATABASE_URL" in service.get("environment", {}) and name != "migrate":
            assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}, name


@pytest.mark.parametrize("name", ["stream", "broker"])
def test_a_redis_that_is_full_evicts_nothing(name: str) -> None:
    words = SERVICES[name]["command"]
    options = dict(zip(words[1::2], words[2::2], strict=True))
    assert options["--maxmemory-policy"] == "noeviction"
    assert options["--maxmemory"]
    assert options["--appendonly"] == ("yes" if name == "stream" else "no")


# ---------------------------------------------------------------- variables and commands


@every_service
def test_every_variable_of_ours_is_described(name: str) -> None:
    described = {title.strip("`") for path in DOCUMENTS for _, title in headings(path.read_text("utf-8"))}
    ours = {variable for variable in SERVICES[name].get("environment", {}) if variable.startswith("UNDERSTUDY_")}
    assert ours <= described


def entry_point(service: dict[str, Any]) -> list[str]:
    """What the image puts before the command."""
    given: list[str] | None = service.get("entrypoint")
    return given if given is not None else (["understudy"] if service.get("image") == "understudy" else [])


@every_service
def test_commands_of_ours_are_accepted(name: str) -> None:
    service = SERVICES[name]
    words = entry_point(service) + list(service.get("command", []))
    if words[:1] != ["understudy"]:
        return
    if name == "gate":
        words += ["shop-1", "--baseline", "stable", "--candidate", "staging", "--executor", "celery"]
    group, *rest = words[1:]
    assert group in GROUPS
    command = typer.main.get_command(importlib.import_module(f"replayer.cli.{group}").app)
    inner = getattr(command, "commands", None)
    if inner is not None:
        command, rest = inner[rest[0]], rest[1:]
    command.make_context(group, rest)  # raises for an option or a value that there is not


@every_service
def test_commands_of_the_example_have_their_options(name: str) -> None:
    text = " ".join(str(word) for word in SERVICES[name].get("command", ()))
    for module, options in re.findall(r"python -m shop\.(\w+)([^&}]*)", text):
        assert set(re.findall(r"--[a-z-]+", options)) <= options_of(module), module


@cache
def options_of(module: str) -> set[str]:
    path = SHOP / "shop" / f"{module}.py"
    source = (path if path.exists() else path.with_suffix("") / "__main__.py").read_text("utf-8")
    found = set(re.findall(r'"(--[a-z-]+)"', source))
    return found | (options_of("serve") if module == "staging" else set())


@every_service
def test_a_service_listens_where_others_look_for_it(name: str) -> None:
    words = [str(word) for word in SERVICES[name].get("command", ())]
    listening = {words[i + 1] for i, word in enumerate(words) if word.endswith("-port") or word == "--port"}
    listening |= {"postgres": {"5432"}, "stream": {"6379"}, "broker": {"6379"}}.get(name, set())
    sought = set(re.findall(rf"[@/]{name}:(\d+)", SOURCE + (SHOP / "understudy.compose.toml").read_text("utf-8")))
    sought |= set(re.findall(r"127\.0\.0\.1:(\d+)/", str(SERVICES[name].get("healthcheck", ""))))
    sought |= {port.rpartition(":")[2] for port in SERVICES[name].get("ports", ())}
    assert sought <= listening
    if "healthcheck" in SERVICES[name] and "build" in SERVICES[name]:
        assert {words[i + 1] for i, word in enumerate(words) if word.endswith("-host")} == {"0.0.0.0"}


@long_running
def test_what_runs_for_long_has_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


def test_the_settings_of_the_network_name_its_deploys() -> None:
    settings = load_settings(SHOP / "understudy.compose.toml", environ={})
    assert {urlsplit(target.url).hostname for target in settings.targets} == {"stable", "staging"}
    for target in settings.targets:
        assert target.disposable
        assert urlsplit(target.url).hostname == target.name == urlsplit(target.reset[-1]).hostname


def test_the_key_is_with_those_who_need_it_and_nobody_else() -> None:
    having = {name for name, service in SERVICES.items() if "UNDERSTUDY_KEY" in service.get("environment", {})}
    assert having == {"shop", "stable", "staging", "worker", "gate"}


# ---------------------------------------------------------------- the images


def test_the_wheel_is_built_of_all_packages_and_nothing_else_is_copied() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    packages = {*wheel["packages"], *(path.partition("/")[0] for path in wheel["shared-scripts"])}
    copied = {word for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.M) for word in line.split()}
    files = {"pyproject.toml", "constraints.txt", "README.md", "LICENSE"}
    assert copied == packages | files | {"examples/shop"}
    allowed = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert "*" in allowed
    assert {line.removeprefix("!") for line in allowed if line.startswith("!")} == copied
    extras = set(re.findall(r"\[([a-z,]+)\]\"", DOCKERFILE))
    assert extras == {"server,fast,redis", "server,fast,redis,demo"}
    assert {name for group in extras for name in group.split(",")} <= project["project"]["optional-dependencies"].keys()


def test_images_end_as_a_user_of_their_own() -> None:
    for stage in re.split(r"(?m)^FROM ", DOCKERFILE):
        if re.match(r"base AS (shop|understudy)\n", stage):
            assert re.findall(r"^USER (.+)$", stage, re.M) == ["10001:10001"]
    assert {service["build"]["target"] for service in SERVICES.values() if "build" in service} == {"shop", "understudy"}
