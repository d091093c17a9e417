"""Workers as Ray actors, one per GPU or per few cores, on this machine or on a cluster. The only module that loads ray.

Each actor opens all parts itself and leases segments from the catalogue as a thread does. Settings travel to it, and
reports travel back, never an image. An actor that dies is replaced; its leases are returned by the process that
started it, or they run out where that process is gone too.
"""

from __future__ import annotations

import logging
import os
import queue
import socket
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from indexer.pipeline.analyzer import Progress
from indexer.pipeline.executors import ThreadExecutor
from indexer.pipeline.threads import StoppedWork
from search.catalog import Catalog
from search.config import Settings
from search.errors import Unavailable, XunrenError
from search.types import Segment, SegmentReport

log = logging.getLogger(__name__)

OpenWorker = Callable[[Settings, str], AbstractContextManager[ThreadExecutor]]
"""Opens all parts in the actor's process, by the settings and the owner of its leases. It is a function of a module, so
that only its name travels."""
MAX_DEATHS = 5
"""An actor that dies so often without one report has a fault that a restart does not cure."""
_NOT_FOR_WORKERS = {"secret_key", "oidc_client_secret"}
_WAIT_S = 0.5
_CONNECT_S = 10.0
_PROGRESS_S = 0.5  # between two messages about the progress of a segment


@dataclass(frozen=True, slots=True)
class SegmentProgress:
    """The progress of a segment. The first message is sent before the file is read."""

    segment: Segment
    offset_ms: int


@dataclass(eq=False, slots=True)
class _ActorState:
    """An actor, its stream of messages, and the segments that it has begun."""

    number: int
    owner: str = ""
    actor: Any = None
    stream: Any = None
    begun: dict[str, str] = field(default_factory=dict)  # segment id -> path
    deaths: int = 0


class RayExecutor:
    """See `indexer.pipeline.executors.Executor`.

    Args:
        settings: those of all workers; their addresses must lead to the same parts from everywhere.
        catalog: open; returns the leases of actors that died.
        open_worker: opens the parts in an actor.

    Raises:
        Unavailable: (on run) ray is not installed, or the cluster does not answer.
    """

    def __init__(self, settings: Settings, catalog: Catalog, open_worker: OpenWorker) -> None:
        self._settings = settings
        self._catalog = catalog
        self._open = open_worker

    def run(
        self, progress: Progress | None = None, *, until: threading.Event | None = None
    ) -> Generator[SegmentReport, None, None]:
        """Index all waiting segments and yield each report; with `until` also later segments, until it is set.

        Closing the generator, and a `progress` that raises `StoppedWork`, end the actors and return their leases.
        """
        with _connection(self._settings) as ray:
            yield from self._run(ray, progress or (lambda *_: None), until)

    def _run(self, ray: Any, progress: Progress, until: threading.Event | None) -> Iterator[SegmentReport]:
        actors = [_ActorState(n) for n in range(_count(ray, self._settings))]
        try:
            for state in actors:
                self._start(ray, state, go_on=until is not None)
            yield from self._reports(ray, actors, progress, until)
        except StoppedWork:
            return
        finally:
            _kill(ray, actors)
            for state in actors:
                self._catalog.segments.release(state.owner)

    def _start(self, ray: Any, state: _ActorState, *, go_on: bool) -> None:
        """Start an actor with leases of its own: one that could not be reached must not renew those of the next."""
        gpus = 1 if _wants_gpu(ray, self._settings) else 0
        options = {"max_concurrency": 2, "num_gpus": gpus, "num_cpus": 0 if gpus else 1}
        threads = self._settings.torch_threads or (0 if gpus else 1)  # a process per core needs no more
        shared = {"data_dir": self._settings.data_dir.absolute(), "torch_threads": threads}
        settings = self._settings.model_dump(exclude_unset=True, exclude=_NOT_FOR_WORKERS) | shared
        state.owner = f"ray:{state.number}:{uuid.uuid4().hex[:8]}"
        state.actor = ray.remote(_Actor).options(**options).remote(settings, self._open, state.owner)
        state.stream = state.actor.work.options(num_returns="streaming").remote(go_on)

    def _reports(
        self, ray: Any, actors: list[_ActorState], progress: Progress, until: threading.Event | None
    ) -> Iterator[SegmentReport]:
        is_ending = False
        while working := {state.stream: state for state in actors if state.stream is not None}:
            if until is not None and until.is_set() and not is_ending:
                is_ending = True
                for state in working.values():
                    state.actor.end.remote()
            ready, _ = ray.wait(list(working), timeout=_WAIT_S)
            for stream in ready:
                yield from self._next(ray, working[stream], progress, until)

    def _next(
        self, ray: Any, state: _ActorState, progress: Progress, until: threading.Event | None
    ) -> Iterator[SegmentReport]:
        """Yield an actor's next report; of one that has died the reports that it wrote but did not send."""
        try:
            message = ray.get(next(state.stream))
        except StopIteration:
            _kill(ray, [state])  # its core or GPU is free for those that wait for one
        except ray.exceptions.RayTaskError as e:
            raise _original(e) from None
        except ray.exceptions.RayError as e:
            _kill(ray, [state])  # one that only could not be reached must not work beside the next
            yield from self._report_death(state, e)
            if until is None or not until.is_set():
                self._start(ray, state, go_on=until is not None)  # one that Ray restarts refuses work until it is up
        else:
            if isinstance(message, SegmentProgress):
                state.begun[message.segment.id] = message.segment.path
                progress(message.segment, message.offset_ms)
            else:
                state.deaths = 0
                state.begun.pop(message.segment.id, None)
                yield message

    def _report_death(self, state: _ActorState, error: Exception) -> Iterator[SegmentReport]:
        state.deaths += 1
        if state.deaths > MAX_DEATHS:
            got, cure = str(error).splitlines()[0], "look at Ray's logs on the node; is there enough memory?"
            raise Unavailable("a worker dies again and again", got=got, cure=cure)
        returned = self._catalog.segments.release(state.owner)
        files = ", ".join(state.begun.values()) or "nothing"
        log.warning("worker %s died; another is started, and %d segments wait again: %s", state.owner, returned, files)
        yield from self._catalog.segments.reports(sorted(state.begun)) if state.begun else ()
        state.begun.clear()


def _kill(ray: Any, actors: Iterable[_ActorState]) -> None:
    for state in actors:
        state.stream = None
        if state.actor is not None:
            ray.kill(state.actor)
            state.actor = None


class _Actor:
    """The worker's side. It sends a stream of `SegmentProgress` and `SegmentReport`."""

    def __init__(self, settings: dict[str, Any], open_worker: OpenWorker, owner: str) -> None:
        self._settings = Settings(**settings)
        self._open = open_worker
        self._owner = owner
        self._until = threading.Event()

    def work(self, go_on: bool) -> Iterator[SegmentProgress | SegmentReport]:
        """Index the waiting segments; with `go_on` also later ones, until `end`."""
        messages: queue.SimpleQueue[SegmentProgress | SegmentReport | BaseException | None] = queue.SimpleQueue()
        thread = threading.Thread(target=self._work, args=(messages, self._until if go_on else None), daemon=True)
        thread.start()
        while (message := messages.get()) is not None:
            if isinstance(message, BaseException):
                raise message
            yield message
        thread.join()

    def end(self) -> None:
        """Lease no more segments; complete those under way."""
        self._until.set()

    def _work(self, messages: queue.SimpleQueue[Any], until: threading.Event | None) -> None:
        try:
            with (
                self._open(self._settings, self._owner) as executor,
                closing(executor.run(_ThrottledProgress(messages), until=until)) as reports,
            ):
                for report in reports:
                    messages.put(report)
        except BaseException as e:
            messages.put(e)
        messages.put(None)


class _ThrottledProgress:
    """A `Progress` that sends the first message of each segment, and then one every `_PROGRESS_S`."""

    def __init__(self, messages: queue.SimpleQueue[Any]) -> None:
        self._messages = messages
        self._last: dict[str, float] = {}

    def __call__(self, segment: Segment, offset_ms: int) -> None:
        now = time.monotonic()
        if now - self._last.get(segment.id, float("-inf")) >= _PROGRESS_S:
            self._last[segment.id] = now
            self._messages.put(SegmentProgress(segment, offset_ms))


@contextmanager
def _connection(settings: Settings) -> Iterator[Any]:
    """Connect Ray to the cluster of the settings, or to one of this process alone, until the block ends."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise Unavailable("ray is not installed", cure="pip install 'xunren[ray]'") from None
    if ray.is_initialized():
        yield ray
        return
    target: dict[str, Any] = {"address": settings.ray_address} if settings.ray_address else {"include_dashboard": False}
    try:
        _check_reachable(settings.ray_address)  # Ray itself tries for minutes
        ray.init(**target, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError, OSError, ray.exceptions.RayError) as e:
        got, cure = str(e).splitlines()[0], "is the cluster up (`ray status`), and ray_address right?"
        raise Unavailable("the Ray cluster does not answer", got=got, cure=cure) from None
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Raise `OSError` where nobody listens at ``host:port`` or ``ray://host:port``; other addresses are Ray's own."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=_CONNECT_S).close()


def _wants_gpu(ray: Any, settings: Settings) -> bool:
    return settings.device.startswith("cuda") or (settings.device == "auto" and _resource(ray, "GPU") >= 1)


def _count(ray: Any, settings: Settings) -> int:
    """Return the number of workers: that of the settings, or one per GPU, or one per core.

    Raises:
        Unavailable: the cluster has less than that; Ray would wait for ever, without a message.
    """
    kind = "GPU" if _wants_gpu(ray, settings) else "CPU"
    available = _resource(ray, kind)
    workers = settings.ray_workers or max(1, available)
    if workers > available:
        cure = (
            "set ray_workers to that, or device to cpu, or add machines" if kind == "GPU" else "set ray_workers to that"
        )
        raise Unavailable(
            f"the Ray cluster has fewer {kind}s than workers", got=available, expected=f"{workers} or more", cure=cure
        )
    return workers


def _resource(ray: Any, name: str) -> int:
    return int(ray.cluster_resources().get(name, 0))


def _original(error: Any) -> BaseException:
    """Return our own error that an actor raised, or Ray's error about it."""
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, XunrenError) else error
