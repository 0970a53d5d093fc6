"""Fixtures that tests of several packages use."""

from __future__ import annotations

from .services.postgres import postgres_cluster, postgres_server, postgres_url
from .services.redis import redis_server, redis_url

__all__ = ["postgres_cluster", "postgres_server", "postgres_url", "redis_server", "redis_url"]
