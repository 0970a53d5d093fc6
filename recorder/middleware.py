"""The WSGI middleware: calls the application, wires the capture, decides nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from . import observe
from .capture import Capture, InputTee, Tally
from .client import client_address
from .config import RecorderConfig
from .exchange import Outcome
from .filebody import file_body
from .guard import Guard, logger, raising
from .hooks import Hooks
from .layout import HEADERS, METHOD, PROTOCOL, SCRIPT, layout_of
from .observation import begin, current
from .observed import answer_observed
from .pipeline import Pipeline
from .route import FLASK_REQUEST, principal_of, route_of
from .route_map import ROUTES_PATH, routes_answer
from .sampling import Sampler
from .sinks import OnLost, check_sink
from .unread import fetch_unread

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from .keys import Key
    from .ship import Shipper

_FIXED_WEIGHT = 2_048  # bytes that the objects of one exchange take beside its strings and bodies
_PIECE_WEIGHT = 48  # bytes that a piece of a body takes beside its content


class RecorderMiddleware:
    """Wraps any WSGI callable. Without a config it reads the environment; with no sink it records nothing."""

    def __init__(self, app: WSGIApplication, config: RecorderConfig | None = None) -> None:
        self._app = app
        self._config = config if config is not None else RecorderConfig.from_env()
        self._guard = Guard()
        self._key: Key | None = None
        self._pipeline: Pipeline | None = None
        self._observing = False
        self._sampler: Sampler | None = None
        self._hooks = Hooks(self._config, self._guard)
        try:
            self._set_up()
        except ValueError as error:  # ConfigError, or a key that cannot be used
            logger.error("understudy: recording is off: %s", error)
        except Exception as error:
            if raising():
                raise
            logger.error("understudy: recording is off: %s", error, exc_info=error)

    def _set_up(self) -> None:
        config = self._config
        if config.sink:
            check_sink(config.sink)
        else:
            logger.info("understudy: no sink is configured (UNDERSTUDY_SINK): nothing is recorded")
            if not config.observe:
                return
        self._key = key = _load_key(config)
        self._observing = config.observe
        self._hooks.install(key)
        if not config.sink:
            return
        if config.sample < 1.0:
            from .identity import client_hash

            self._sampler = Sampler(config.sample, lambda addr, agent: client_hash(addr, agent, key))
        self._pipeline = Pipeline(self._open_shipper, config.queue_count, config.queue_bytes, self._guard)

    def _open_shipper(self, producer: str, on_lost: OnLost) -> Shipper:
        from .ship import Shipper

        assert self._key is not None  # loaded before the pipeline was made
        return Shipper(self._config, self._key, producer, on_lost)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if self._observing and observe.ENVIRON_HEADER in environ:
            run_id = self._replaying(environ)
            if run_id is not None:
                environ[observe.ENVIRON_RUN] = run_id
                if environ.get("PATH_INFO", "").endswith(ROUTES_PATH):
                    return routes_answer(self._app, start_response)
                observation = self._hooks.observation(run_id, environ.pop(observe.ENVIRON_TAPE, ""))
                return answer_observed(self._app, environ, start_response, observation, self._guard)
        pipeline = self._pipeline
        if pipeline is None:
            return self._app(environ, start_response)
        try:
            capture = self._begin(environ, start_response)
        except Exception as error:
            pipeline.count_dropped(str(environ.get("REQUEST_METHOD")), "", "capture")
            self._guard.failed("capturing the request", error)
            return self._app(environ, start_response)
        if capture is None:
            return self._pass_sampled_out(environ, start_response)
        try:
            result = self._app(environ, capture.start_response)
        except BaseException:
            capture.finish(Outcome.RAISED)
            raise
        return self._wrap(result, capture)

    def flush(self, timeout: float = 5.0) -> bool:
        """Ships what this process has queued; False when that took longer than `timeout` seconds."""
        return self._pipeline is None or self._pipeline.flush(timeout)

    def close(self) -> None:
        """Ships what is queued and closes the sink; what comes later is counted and not recorded."""
        if self._pipeline is not None:
            self._pipeline.close()

    def _replaying(self, environ: WSGIEnvironment) -> str | None:
        """The run's id when a replay that was signed with our key asks for observations."""
        try:
            assert self._key is not None  # loaded whenever observing
            return observe.verify(self._key, str(environ[observe.ENVIRON_HEADER]), time.time())
        except Exception as error:
            self._guard.failed("verifying a replay", error)
            return None

    def _begin(self, environ: WSGIEnvironment, start_response: StartResponse) -> Capture | None:
        """Notes the request and puts the tee before its body; None when its client is not recorded."""
        config = self._config
        if self._sampler is not None:
            address = client_address(environ, config.trusted_proxies)
            if not self._sampler.keeps(address, environ.get("HTTP_USER_AGENT", "")):
                return None
        layout = layout_of(environ)
        values = layout.take(environ)
        capture = Capture(environ, layout.names, values, start_response, config.max_body, self._finish, self._guard)
        if self._hooks.active:
            capture.observation = self._hooks.observation()
            begin(capture.observation)
        if layout.tells_length or values[PROTOCOL][:6] == "HTTP/2":
            self._tee_input(environ, capture)
        if layout.wraps_files:
            wrapper = environ["wsgi.file_wrapper"]
            if wrapper is not None and not isinstance(wrapper, type):
                environ["wsgi.file_wrapper"] = capture.noting(wrapper)
        return capture

    def _tee_input(self, environ: WSGIEnvironment, capture: Capture) -> None:
        length = environ.get("CONTENT_LENGTH")
        if (
            (length and length != "0")
            or "HTTP_TRANSFER_ENCODING" in environ
            or capture.values[PROTOCOL][:6] == "HTTP/2"
        ):
            stream = environ.get("wsgi.input")
            if stream is not None:
                environ["wsgi.input"] = capture.input = InputTee(stream, Tally(capture.cap))

    def _pass_sampled_out(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Calls the application with nothing in between but a look at the route when its response starts."""
        script = environ.get("SCRIPT_NAME", "")
        request = None

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any, **kwargs: Any) -> Any:
            nonlocal request
            request = environ.get(FLASK_REQUEST)
            return start_response(status, headers, *exc_info, **kwargs)

        try:
            return self._app(environ, start)
        finally:
            try:
                assert self._pipeline is not None
                route, _ = route_of(environ, script, request)
                self._pipeline.count_sampled_out(environ.get("REQUEST_METHOD", "GET"), route)
            except Exception as error:
                self._guard.failed("counting", error)

    def _wrap(self, result: Any, capture: Capture) -> Iterable[bytes]:
        """The application's result, teed; a file wrapper goes to the server as it is, so that it can use sendfile."""
        try:
            wrapper = capture.environ.get("wsgi.file_wrapper")
            is_file = isinstance(result, wrapper) if isinstance(wrapper, type) else result is capture.file_result
            if is_file and result is not None:
                self._read_file(result, capture)
                return result  # type: ignore[no-any-return]  # what the application returned
        except Exception as error:
            self._guard.failed("reading a file response", error)
        return capture.over(result)

    def _read_file(self, result: Any, capture: Capture) -> None:
        if not capture.bodiless:
            data, size = file_body(result, capture.content_length, capture.cap)
            capture.add(data)
            capture.size = size
        try:
            capture.finish_on_close(result)
        except (AttributeError, TypeError):  # a type that takes no attributes: the rest is the server's alone
            capture.finish(Outcome.COMPLETE)

    def _finish(self, capture: Capture) -> None:
        """Hands the exchange to the pipeline. Called once, when the server is done with it."""
        pipeline = self._pipeline
        assert pipeline is not None
        observation = capture.observation
        if observation is not None and current() is observation:
            begin(None)
        try:
            _complete(capture)
        except Exception as error:
            pipeline.count_dropped(str(capture.values[METHOD]), "", "capture")
            self._guard.failed("finishing an exchange", error)
            return
        try:
            pipeline.submit(capture)
        except Exception as error:
            self._guard.failed("queueing", error)


def _complete(capture: Capture) -> None:
    """Notes what is known at the end only, and lets go of everything else."""
    environ, values, tee = capture.environ, capture.values, capture.input
    capture.ended = capture.ended or time.time()
    capture.route, capture.endpoint = route_of(environ, values[SCRIPT], capture.request)
    capture.principal = principal_of(environ)
    weight = _FIXED_WEIGHT + capture.kept + _PIECE_WEIGHT * len(capture.chunks) + sum(map(len, values[HEADERS:]))
    observation = capture.observation
    if observation is not None and (observation.calls is not None or observation.statements is not None):
        weight += observation.weight
    if tee is None:
        capture.request_body = None
    else:
        if not tee.ended:
            fetch_unread(tee, environ, capture.declared_length)
        tally = tee.tally
        capture.request_body = tally, tee.ended, tee.gap
        weight += tally.kept + _PIECE_WEIGHT * len(tally.chunks)
    capture.weight = weight
    capture.let_go()


def _load_key(config: RecorderConfig) -> Key:
    from .keys import load_key

    return load_key(config.key, config.key_file)
