"""Workers as Ray actors, one per GPU or per few cores, on this machine or on a cluster. The only module that loads ray.

Each actor opens all parts itself and leases segments from the catalogue as a thread does; what travels is settings on
the way there and accounts on the way back, never a picture. In place of an actor that dies another is started; what
it had leased is given back by whoever started it, or runs out where that one is gone too.
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
from search.catalog.catalog import Catalog
from search.config import Settings
from search.errors import Unavailable, XunrenError
from search.types import Segment, SegmentReport

log = logging.getLogger(__name__)

OpenExecutor = Callable[[Settings, str], AbstractContextManager[ThreadExecutor]]
"""Opens all parts in the actor's process: settings and the owner of its leases -> what works there. A function of a
module, so that its name is all that travels."""
MOST_DEATHS = 5
"""An actor that dies so often without one report has a fault that no new start mends."""
_NOT_FOR_WORKERS = {"secret_key", "oidc_client_secret"}
_WAIT_S = 0.5
_CONNECT_S = 10.0
_PROGRESS_S = 0.5  # between two words about how far a segment is


@dataclass(frozen=True, slots=True)
class SegmentProgress:
    """How far a segment is; the first word about it is sent before it is read."""

    segment: Segment
    offset_ms: int


@dataclass(eq=False, slots=True)
class _ActorState:
    """An actor, what it says, and what it has in work."""

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
        catalog: open; for giving back what the dead have leased.
        open_executor: opens the parts in an actor.

    Raises:
        Unavailable: (on run) ray is not installed, or the cluster does not answer.
    """

    def __init__(self, settings: Settings, catalog: Catalog, open_executor: OpenExecutor) -> None:
        self._settings = settings
        self._catalog = catalog
        self._open = open_executor

    def run(
        self, progress: Progress | None = None, *, until: threading.Event | None = None
    ) -> Generator[SegmentReport, None, None]:
        """Index all waiting segments and report each as it is done; with `until` also later ones, until it is set.

        Closing the generator, and a `progress` that raises `StoppedWork`, end the actors and give their leases back.
        """
        with _connected(self._settings) as ray:
            yield from self._run(ray, progress or (lambda *_: None), until)

    def _run(self, ray: Any, progress: Progress, until: threading.Event | None) -> Iterator[SegmentReport]:
        hands = [_ActorState(n) for n in range(_count(ray, self._settings))]
        try:
            for hand in hands:
                self._start(ray, hand, go_on=until is not None)
            yield from self._reports(ray, hands, progress, until)
        except StoppedWork:
            return
        finally:
            _kill(ray, hands)
            for hand in hands:
                self._catalog.segments.release(hand.owner)

    def _start(self, ray: Any, hand: _ActorState, *, go_on: bool) -> None:
        """A new actor. Its leases are its own: one that could not be reached must not renew those of the next."""
        gpus = 1 if _wants_gpu(ray, self._settings) else 0
        options = {"max_concurrency": 2, "num_gpus": gpus, "num_cpus": 0 if gpus else 1}
        threads = self._settings.torch_threads or (0 if gpus else 1)  # a process per core needs no more
        shared = {"data_dir": self._settings.data_dir.absolute(), "torch_threads": threads}
        settings = self._settings.model_dump(exclude_unset=True, exclude=_NOT_FOR_WORKERS) | shared
        hand.owner = f"ray:{hand.number}:{uuid.uuid4().hex[:8]}"
        hand.actor = ray.remote(_Actor).options(**options).remote(settings, self._open, hand.owner)
        hand.stream = hand.actor.work.options(num_returns="streaming").remote(go_on)

    def _reports(
        self, ray: Any, hands: list[_ActorState], progress: Progress, until: threading.Event | None
    ) -> Iterator[SegmentReport]:
        told = False
        while working := {hand.stream: hand for hand in hands if hand.stream is not None}:
            if until is not None and until.is_set() and not told:
                told = True
                for hand in working.values():
                    hand.actor.end.remote()
            ready, _ = ray.wait(list(working), timeout=_WAIT_S)
            for stream in ready:
                yield from self._next(ray, working[stream], progress, until)

    def _next(
        self, ray: Any, hand: _ActorState, progress: Progress, until: threading.Event | None
    ) -> Iterator[SegmentReport]:
        """What an actor says next; of one that has died what it did without saying so."""
        try:
            said = ray.get(next(hand.stream))
        except StopIteration:
            _kill(ray, [hand])  # its core or GPU is free for those that wait for one
        except ray.exceptions.RayTaskError as e:
            raise _ours(e) from None
        except ray.exceptions.RayError as e:
            _kill(ray, [hand])  # one that only could not be reached must not work beside the next
            yield from self._bury(hand, e)
            if until is None or not until.is_set():
                self._start(ray, hand, go_on=until is not None)  # one that Ray restarts refuses work until it is up
        else:
            if isinstance(said, SegmentProgress):
                hand.begun[said.segment.id] = said.segment.path
                progress(said.segment, said.offset_ms)
            else:
                hand.deaths = 0
                hand.begun.pop(said.segment.id, None)
                yield said

    def _bury(self, hand: _ActorState, error: Exception) -> Iterator[SegmentReport]:
        hand.deaths += 1
        if hand.deaths > MOST_DEATHS:
            got, cure = str(error).splitlines()[0], "look at Ray's logs on the node; is there enough memory?"
            raise Unavailable("a worker dies again and again", got=got, cure=cure)
        given = self._catalog.segments.release(hand.owner)
        files = ", ".join(hand.begun.values()) or "nothing"
        log.warning("worker %s died; another is started, and %d segments wait again: %s", hand.owner, given, files)
        yield from self._catalog.segments.reports(sorted(hand.begun)) if hand.begun else ()
        hand.begun.clear()


def _kill(ray: Any, hands: Iterable[_ActorState]) -> None:
    for hand in hands:
        hand.stream = None
        if hand.actor is not None:
            ray.kill(hand.actor)
            hand.actor = None


class _Actor:
    """The side that works. It says what it does as a stream of `SegmentProgress` and `SegmentReport`."""

    def __init__(self, settings: dict[str, Any], open_executor: OpenExecutor, owner: str) -> None:
        self._settings = Settings(**settings)
        self._open = open_executor
        self._owner = owner
        self._until = threading.Event()

    def work(self, go_on: bool) -> Iterator[SegmentProgress | SegmentReport]:
        """Index what waits; with `go_on` also what comes, until `end`."""
        said: queue.SimpleQueue[SegmentProgress | SegmentReport | BaseException | None] = queue.SimpleQueue()
        thread = threading.Thread(target=self._work, args=(said, self._until if go_on else None), daemon=True)
        thread.start()
        while (one := said.get()) is not None:
            if isinstance(one, BaseException):
                raise one
            yield one
        thread.join()

    def end(self) -> None:
        """Let what is under way be the last."""
        self._until.set()

    def _work(self, said: queue.SimpleQueue[Any], until: threading.Event | None) -> None:
        try:
            with (
                self._open(self._settings, self._owner) as executor,
                closing(executor.run(_ThrottledProgress(said), until=until)) as reports,
            ):
                for report in reports:
                    said.put(report)
        except BaseException as e:
            said.put(e)
        said.put(None)


class _ThrottledProgress:
    """A `Progress` that says the first word of each segment, and then not more than needed."""

    def __init__(self, said: queue.SimpleQueue[Any]) -> None:
        self._said = said
        self._last: dict[str, float] = {}

    def __call__(self, segment: Segment, offset_ms: int) -> None:
        now = time.monotonic()
        if now - self._last.get(segment.id, float("-inf")) >= _PROGRESS_S:
            self._last[segment.id] = now
            self._said.put(SegmentProgress(segment, offset_ms))


@contextmanager
def _connected(settings: Settings) -> Iterator[Any]:
    """Ray, connected to the cluster, or to one of this process alone; as it was before, afterwards."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise Unavailable("ray is not installed", cure="pip install 'xunren[ray]'") from None
    if ray.is_initialized():
        yield ray
        return
    where: dict[str, Any] = {"address": settings.ray_address} if settings.ray_address else {"include_dashboard": False}
    try:
        _check_reachable(settings.ray_address)  # Ray itself tries for minutes
        ray.init(**where, log_to_driver=False, logging_level=logging.ERROR)
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
    """How many workers: as many as the settings say, or one per GPU, or one per core.

    Raises:
        Unavailable: the cluster has less than that; Ray would wait for ever, without a word.
    """
    kind = "GPU" if _wants_gpu(ray, settings) else "CPU"
    there = _resource(ray, kind)
    wanted = settings.ray_workers or max(1, there)
    if wanted > there:
        cure = (
            "set ray_workers to that, or device to cpu, or add machines" if kind == "GPU" else "set ray_workers to that"
        )
        raise Unavailable(
            f"the Ray cluster has fewer {kind}s than workers", got=there, expected=f"{wanted} or more", cure=cure
        )
    return wanted


def _resource(ray: Any, name: str) -> int:
    return int(ray.cluster_resources().get(name, 0))


def _ours(error: Any) -> BaseException:
    """Our own error that an actor raised, as it was."""
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, XunrenError) else error
