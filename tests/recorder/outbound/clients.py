"""The HTTP clients that are hooked, each as one function: POST a JSON document, return the answer's."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import httpx
import requests
import urllib3

Post = Callable[[str, Any, Mapping[str, str]], Any]


def by_requests(url: str, data: Any, headers: Mapping[str, str]) -> Any:
    return requests.post(url, json=data, headers=headers, timeout=5).json()


def by_urllib3(url: str, data: Any, headers: Mapping[str, str]) -> Any:
    with urllib3.PoolManager() as pool:
        return pool.request("POST", url, json=data, headers=headers).json()


def by_urllib(url: str, data: Any, headers: Mapping[str, str]) -> Any:
    more = {"Content-Type": "application/json", **headers}
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(data).encode(), more), timeout=5) as response:
        return json.load(response)


def by_httpx(url: str, data: Any, headers: Mapping[str, str]) -> Any:
    with httpx.Client() as client:
        return client.post(url, json=data, headers=headers).json()


def by_async_httpx(url: str, data: Any, headers: Mapping[str, str]) -> Any:
    async def post() -> Any:
        async with httpx.AsyncClient() as client:
            return (await client.post(url, json=data, headers=headers)).json()

    return asyncio.run(post())


def by_aiohttp(url: str, data: Any, headers: Mapping[str, str]) -> Any:
    async def post() -> Any:
        async with aiohttp.ClientSession() as session, session.post(url, json=data, headers=headers) as response:
            return await response.json()

    return asyncio.run(post())


CLIENTS: dict[str, Post] = {
    "requests": by_requests,
    "urllib3": by_urllib3,
    "urllib": by_urllib,
    "httpx": by_httpx,
    "async httpx": by_async_httpx,
    "aiohttp": by_aiohttp,
}
