"""Slack, by its Web API with a bot's token, or by an incoming webhook. What is said of failures holds no secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .http import Poster, Reply
from .messenger import Letter, Outcome, Receipt
from .slack_blocks import rendered

API = "https://slack.com/api"

_OF_THE_MESSAGE = frozenset(
    "msg_too_long msg_blocks_too_long invalid_blocks invalid_blocks_format no_text invalid_arguments"
    " too_many_attachments invalid_payload".split()
)
"""Errors that the same message would meet again."""
_OF_THE_CHANNEL = frozenset(
    "channel_not_found not_in_channel is_archived restricted_action channel_is_archived action_prohibited"
    " posting_to_general_channel_denied".split()
)
"""Errors that other channels do not have. All others (a revoked token, a missing scope) concern every message."""
GONE = "the message that was to be edited is not there"
_GONE = frozenset("message_not_found edit_window_closed cant_update_message".split())
_HINTS = {
    "channel_not_found": "there is no such channel, or the app is not in it",
    "not_in_channel": "invite the app to the channel",
    "is_archived": "the channel is archived",
    "invalid_auth": "the token is not valid",
    "token_revoked": "the token was revoked",
    "account_inactive": "the token's owner is gone",
    "missing_scope": "the app needs the scope chat:write",
    "not_authed": "no token was sent",
    "no_service": "the webhook was revoked",
    "no_team": "the webhook's workspace is gone",
}


class SlackBot:
    """`chat.postMessage` and `chat.update`: messages are edited and answered in threads. Needs the scope chat:write."""

    def __init__(self, token: str, api: str = API, timeout: float | None = None) -> None:
        self._token = token
        self._api = api.rstrip("/")
        self._poster = Poster(timeout)

    def send(self, letter: Letter) -> Receipt:
        text, blocks = rendered(letter.message)
        content = {"text": text, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}
        if letter.edits:
            channel, _, ts = letter.edits.partition(":")
            receipt = self._call("chat.update", {"channel": channel, "ts": ts, "text": text, "blocks": blocks})
            if receipt.said != GONE:
                return receipt
        channel, _, ts = letter.thread.partition(":")
        place = {"channel": channel, "thread_ts": ts} if letter.thread else {"channel": letter.destination}
        return self._call("chat.postMessage", {**place, **content})

    def close(self) -> None:
        self._poster.close()

    def _call(self, method: str, arguments: Mapping[str, Any]) -> Receipt:
        headers = {"Content-Type": "application/json; charset=utf-8", "Authorization": f"Bearer {self._token}"}
        reply = self._poster.post(f"{self._api}/{method}", json.dumps(arguments).encode(), headers)
        if reply.status != 200:
            return _unanswered(reply)
        try:
            answer = json.loads(reply.body)
            if answer["ok"]:
                return Receipt(Outcome.DELIVERED, ref=f"{answer['channel']}:{answer['ts']}")
            error = str(answer["error"])[:80]
        except (ValueError, KeyError, TypeError):
            return Receipt(Outcome.LATER, "the answer is none of Slack's", way_is_shut=True)
        if error in _GONE:
            return Receipt(Outcome.LATER, GONE)
        if error in ("ratelimited", "rate_limited"):
            return Receipt(Outcome.LATER, "Slack asks for patience", after=reply.after or 30.0, way_is_shut=True)
        return _refusal(error)


class SlackHook:
    """An incoming webhook: one channel, the hook's own; nothing can be edited, and there are no threads."""

    def __init__(self, url: str, timeout: float | None = None) -> None:
        self._url = url
        self._poster = Poster(timeout)

    def send(self, letter: Letter) -> Receipt:
        text, blocks = rendered(letter.message)
        body = json.dumps({"text": text, "blocks": blocks, "unfurl_links": False}).encode()
        reply = self._poster.post(self._url, body, {"Content-Type": "application/json; charset=utf-8"})
        if reply.status == 200:
            return Receipt(Outcome.DELIVERED)
        if reply.status in (400, 403, 404, 410):
            return _refusal(reply.body[:80].decode("ascii", "replace").strip())
        return _unanswered(reply)

    def close(self) -> None:
        self._poster.close()


def _unanswered(reply: Reply) -> Receipt:
    """An answer that says nothing of the message."""
    if reply.status == 429:
        return Receipt(Outcome.LATER, "Slack asks for patience", after=reply.after, way_is_shut=True)
    said = reply.failure or f"Slack answered {reply.status}"
    return Receipt(Outcome.LATER, said, after=reply.after, way_is_shut=True)


def _refusal(error: str) -> Receipt:
    """Slack's own word for what is wrong, and ours where it helps."""
    word = error if error.replace("_", "").isalnum() else "an error without a name"
    said = f"Slack refused: {word}" + (f" ({_HINTS[word]})" if word in _HINTS else "")
    if word in _OF_THE_MESSAGE:
        return Receipt(Outcome.REFUSED, said)
    return Receipt(Outcome.LATER, said, way_is_shut=word not in _OF_THE_CHANNEL)
