"""The production snapshot and the wallet: `python -m shop.seed --database F --wallet W --secret S`.

The snapshot's content depends on nothing but the secret. The wallet tells the traffic driver who the users are and
which of them hold tokens and cookies from before; those expire a quarter of an hour after they were made.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from . import create_app
from .config import DEFAULT_SECRET, Settings
from .models import Base, User
from .security import access_token
from .seeding import PEOPLE, Seeder

IN_TRAFFIC = range(1, 9)  # ids of the seed users that the traffic plays
LOGGED_IN = (2, 4, 5, 6)  # half of them hold tokens when it starts


def password_for(email: str) -> str:
    """The password of a seed user."""
    return "Seed-" + hashlib.sha256(email.encode()).hexdigest()[:9]


def token_for(kind: str, user_id: int, secret: str) -> str:
    """Tokens that the snapshot knows; as long as the ones the shop makes."""
    size = {"refresh": 43, "web": 32, "csrf": 32}[kind]
    return hashlib.sha256(f"{kind}:{user_id}:{secret}".encode()).hexdigest()[:size]


def seed(database: Path, secret: str) -> dict[str, Any]:
    """Writes the snapshot anew; returns the wallet."""
    database.unlink(missing_ok=True)
    settings = Settings(database, secret)
    app = create_app(settings)
    engine = app.extensions["shop_engine"]
    Base.metadata.create_all(engine)
    with Session(engine, expire_on_commit=False) as session:
        seeder = Seeder(session, password_for)
        foreign = seeder.fill()
        users = session.query(User).where(User.id.in_(IN_TRAFFIC)).order_by(User.id).all()
        for user in users:
            if user.id in LOGGED_IN:
                seeder.log_in(user, token_for("refresh", user.id, secret), token_for("web", user.id, secret))
        session.commit()
        wallet = {
            "users": [_entry(app, settings, user) for user in users],
            "foreign": foreign,
        }
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return wallet


def _entry(app: Any, settings: Settings, user: User) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "password": password_for(user.email),
        "logged_in": user.id in LOGGED_IN,
    }
    if entry["logged_in"]:
        token_id = f"{user.id:016x}"
        serializer = app.session_interface.get_signing_serializer(app)
        session = {
            "key": token_for("web", user.id, settings.secret),
            "csrf": token_for("csrf", user.id, settings.secret),
        }
        entry["access_token"] = access_token(user.id, user.role, settings.signing_key, int(time.time()), token_id)
        entry["refresh_token"] = token_for("refresh", user.id, settings.secret)
        entry["cookies"] = {"session": serializer.dumps(session)}
    return entry


def main() -> None:
    parser = argparse.ArgumentParser(prog="shop.seed", description="Make the production snapshot and the wallet.")
    parser.add_argument("--database", type=Path, required=True, help="the SQLite file to write")
    parser.add_argument("--wallet", type=Path, required=True, help="the JSON file to write, for shop.traffic")
    parser.add_argument(
        "--secret", default=os.environ.get("SHOP_SECRET", DEFAULT_SECRET), help="signs the tokens in the wallet"
    )
    options = parser.parse_args()
    wallet = seed(options.database, options.secret)
    options.wallet.write_text(json.dumps(wallet, indent=1, ensure_ascii=False))
    print(f"{options.database}: {len(PEOPLE)} users; {options.wallet}: {len(wallet['users'])} of them for the traffic")


if __name__ == "__main__":
    main()
