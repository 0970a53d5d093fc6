"""`conftest.py` of the recorded tests: the application, its database, clients, and who is logged in."""

from __future__ import annotations

import ast
import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from .literals import Made, literal, wrapped
from .setting import Setting, is_factory


def conftest(setting: Setting, users: Mapping[str, str], folder: Path) -> str:
    """The text of the file, without its first line."""
    imports = ["import pytest", "from werkzeug.test import Client"]
    standard: list[str] = []
    own: list[str] = []
    parts = [_environ(setting), _database(setting, folder, standard), _app(setting, own), _CLIENTS]
    parts.append(_logins(setting, users, standard, imports, own))
    parts.append(_EXPLAINED)
    ours = ["from .checks import KnownUser, explained" if setting.mint else "from .checks import explained"]
    head = _DOCSTRING + "\n"
    blocks = ["\n".join(sorted(standard, key=_import_order)), "\n".join(sorted(imports, key=_import_order))]
    blocks += ["\n".join(sorted(own, key=_import_order)), ours[0]]
    constants = [part for part in (_constants(setting, users, folder),) if part]
    top = head + "\n" + "\n\n".join(block for block in blocks if block) + "\n"
    if constants:
        top += "\n" + "\n".join(constants) + "\n"
    return top + "".join(f"\n\n{part.strip()}\n" for part in parts if part)


def _import_order(line: str) -> tuple[bool, str]:
    """As isort has it: `import x` before `from x import y`."""
    return line.startswith("from "), line


_DOCSTRING = '''"""How the recorded tests reach the application.

Each test has an application and a database of its own, so that it may run alone and in any order.
Change what does not fit: a file that was edited is not written again.
"""'''

_CLIENTS = '''
@pytest.fixture
def make_client(app):
    """Clients of the application; each keeps cookies of its own."""
    return lambda: Client(app)


@pytest.fixture
def client(make_client):
    return make_client()
'''

_EXPLAINED = '''
def pytest_assertrepr_compare(op, left, right):
    """Shows where an answer is another one, and nothing else of it."""
    return explained(left, right) if op == "==" else None
'''


def _constants(setting: Setting, users: Mapping[str, str], folder: Path) -> str:
    lines: list[str] = []
    if setting.environ:
        lines.append(wrapped("ENVIRON = ", dict(setting.environ)))
    if setting.snapshot is not None and not setting.seed:
        where = os.path.relpath(Path(setting.snapshot.path).resolve(), folder.resolve())
        lines.append(wrapped("SNAPSHOT = ", Made("Path(__file__).parent.joinpath", (where,))))
    if setting.mint:
        lines.append("# by the id that the application knows them by")
        lines.append(wrapped("USERS = ", dict(users)))
    return "\n".join(lines)


def _environ(setting: Setting) -> str:
    if not setting.environ:
        return ""
    return '''
@pytest.fixture
def environ(monkeypatch):
    """The variables that the application reads when it starts."""
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
'''


def _database(setting: Setting, folder: Path, standard: list[str]) -> str:
    if setting.snapshot is None:
        return '''
@pytest.fixture
def database():
    """Nothing is restored: make a fresh copy of a snapshot here, or roll back, so that no test sees another's."""
'''
    name, prefix = setting.snapshot.variable, setting.snapshot.prefix
    standard += ["import shutil", "from pathlib import Path"] if not setting.seed else ["import shutil"]
    wants = "snapshot, " if setting.seed else ""
    source = "snapshot" if setting.seed else "SNAPSHOT"
    value = f'f"{prefix}{{copy}}"' if prefix else "str(copy)"
    body = f'''
@pytest.fixture
def database({wants}tmp_path, monkeypatch):
    """A copy of the snapshot; the application finds it by {name}."""
    copy = tmp_path / "database.sqlite"
    shutil.copyfile({source}, copy)
    monkeypatch.setenv("{name}", {value})
    return copy
'''
    if not setting.seed:
        return body
    standard += ["import os", "import subprocess"]
    words = literal(shlex.split(setting.seed))
    seeded = f'f"{prefix}{{path}}"' if prefix else "str(path)"
    return f'''
@pytest.fixture(scope="session")
def snapshot(tmp_path_factory):
    """The database as the application's own command fills it, once for all tests."""
    path = tmp_path_factory.mktemp("snapshot") / "database.sqlite"
    command = {words}
    subprocess.run(command, env={{**os.environ, "{name}": {seeded}}}, check=True)
    return path

{body}'''


def _app(setting: Setting, own: list[str]) -> str:
    wants = "database, environ" if setting.environ else "database"
    if not setting.app:
        return f'''
@pytest.fixture
def app({wants}):
    """Import your application here, and return it."""
    pytest.skip("conftest.py does not say yet where the application is")
'''
    module, _, attribute = setting.app.partition(":")
    factory = attribute.rstrip("()")
    called = is_factory(setting)
    expression = f"{factory}({', '.join(map(_argument, setting.factory_arguments))})" if called else factory
    root = factory.partition(".")[0]
    if called:
        own.append(f"from {module} import {root}")
        return f"""
@pytest.fixture
def app({wants}):
    return {expression}
"""
    return f"""
@pytest.fixture
def app({wants}):
    from {module} import {root}  # here, since it reads its settings when it is imported

    return {expression}
"""


def _argument(text: str) -> str:
    name, equals, value = text.partition("=")
    if equals and name.isidentifier():
        return f"{name}={_constant(value)}"
    return _constant(text)


def _constant(text: str) -> str:
    try:
        return literal(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return literal(text)


def _logins(setting: Setting, users: Mapping[str, str], standard: list[str], imports: list[str], own: list[str]) -> str:
    if not setting.mint:
        return '''
@pytest.fixture
def credentials():
    """What a recorded user needs: a mapping with `headers`, `cookies` and `body`."""

    def of(user):
        pytest.skip(f"conftest.py does not say yet how {user} logs in")

    return of


@pytest.fixture
def auth_headers(credentials):
    """The headers that show who a user is."""
    return lambda user: dict(credentials(user)["headers"])


@pytest.fixture
def log_in(credentials):
    """Gives a client the cookies of a user who is logged in."""

    def give(client, user):
        for name, value in dict(credentials(user)["cookies"]).items():
            client.set_cookie(name, value)

    return give
'''
    module, _, function = setting.mint.partition(":")
    standard += ["import threading", "from functools import cache"]
    own.append(f"from {module} import {function} as mint")
    imports.append("from werkzeug.serving import make_server")
    return '''
@pytest.fixture
def address(app):
    """A server of the same application: the function that logs users in asks it over HTTP."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def credentials(address):
    """What a user needs: a mapping with `headers`, `cookies` and `body`."""
    return cache(lambda user: mint(KnownUser(USERS[user]), address))


@pytest.fixture
def auth_headers(credentials):
    """The headers that show who a user is."""
    return lambda user: dict(credentials(user)["headers"])


@pytest.fixture
def log_in(credentials):
    """Gives a client the cookies of a user who is logged in."""

    def give(client, user):
        for name, value in dict(credentials(user)["cookies"]).items():
            client.set_cookie(name, value)

    return give
'''
