"""Endless real-time RTSP cameras from Annex-B files: a program for the system's python3, which has `gi`.

    /usr/bin/python3 gst_server.py '{"mounts": [{"path": "/a", "file": "a.h264"}]}'

The configuration (JSON, the only argument):
    port: on 127.0.0.1; 0, the default, takes a free one.
    mtu: bytes of an RTP packet at most, 1400.
    user, password: asked for by Basic and Digest when given.
    mounts: each with path, file, codec ("h264", "h265"), fps (25) and phase (seconds into the file at the start, 0).

It prints {"ready": port}, then reads commands from standard input, one JSON object a line, each with `mount` and `do`,
and answers each with {"ok": true} or {"error": text}. It ends with its input.
    jump: RTP time stamps are `seconds` later (or, negative, earlier) from now on. Less than 2**31 ticks, 6.6 hours.
    garbage: for `seconds`, what RTP packets carry is random; their headers stay.
    media: from now on `file` (`codec`, `fps`) is shown. Another codec ends the sessions: its description is another.
    pause, resume: no pictures, while sessions stay up.

A camera's clock runs whether or not somebody watches. A client starts with the next key frame; its DESCRIBE waits for
that. Each has a pipeline of its own, although the server could share one (`set_shared`): in a shared one a client that
stops reading stops the others, and clients that come in the same moment now and then wait for ever (GStreamer 1.22).
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstApp, GstRtsp, GstRtspServer  # noqa: E402

_CLOCK_HZ = 90_000  # of RTP video
_RTP_HEADER = 12  # bytes
_LATE_S = 1.0  # a camera further behind than this was frozen: it goes on with the present
_SEND_BUFFER_S = 2.0  # what a camera keeps for a client that does not read, before it drops pictures
_DELIMITER = {"h264": b"\x00\x00\x01\x09", "h265": b"\x00\x00\x01\x46\x01"}
_START_CODE = re.compile(rb"\x00\x00\x01(.)", re.DOTALL)
_ROLE = "viewer"


class Film:
    """The access units of a file, each a Gst.Buffer, and which of them are key frames."""

    def __init__(self, file: str, codec: str) -> None:
        data = Path(file).read_bytes()
        parts = list(_access_units(data, _DELIMITER[codec]))
        if not parts:
            raise ValueError(f"{file} has no access unit delimiters")
        self.codec = codec
        self.units = [Gst.Buffer.new_wrapped_bytes(GLib.Bytes.new(part)) for part in parts]
        self.keys = [_is_key(part, codec) for part in parts]


@lru_cache(maxsize=64)
def film_of(file: str, codec: str) -> Film:
    """Cameras that show the same file share it."""
    return Film(file, codec)


def _access_units(data: bytes, delimiter: bytes) -> Iterator[bytes]:
    start = data.find(delimiter)
    while start >= 0:
        end = data.find(delimiter, start + 1)
        # The zero byte of a four-byte start code belongs to what follows; in front of the first one it may be missing.
        yield b"\x00" + (data[start:] if end < 0 else data[start : end - (data[end - 1] == 0)])
        start = end


def _is_key(unit: bytes, codec: str) -> bool:
    heads = [found[1][0] for found in _START_CODE.finditer(unit)]
    if codec == "h264":
        return any(head & 31 == 5 for head in heads)
    return any(16 <= (head >> 1 & 63) <= 21 for head in heads)


class Camera:
    """One mount: what it shows now, to everybody who watches."""

    def __init__(self, film: Film, fps: float, phase_s: float) -> None:
        self.lock = threading.Lock()  # the feeder, the reader of commands and the server's threads come here
        self.clients: set[Any] = set()
        self._viewers: list[_Viewer] = []
        self._paused = False
        self._show(film, fps, phase_s)

    def _show(self, film: Film, fps: float, phase_s: float = 0.0) -> None:
        self.film, self._fps = film, fps
        self._origin = time.monotonic() - phase_s  # when the picture of number 0 was due
        self._number = round(phase_s * fps)
        self.due = self._origin + self._number / fps
        self._need_key()

    def _need_key(self) -> None:
        for viewer in self._viewers:
            viewer.need_key = True

    def configure(self, _factory: Any, media: Any) -> None:
        """A pipeline was made, because somebody asked."""
        media.set_rate_control(False)  # the feeder keeps the time, so the sinks need not wait for the clock
        viewer = _Viewer(media.get_element())
        with self.lock:
            self._viewers.append(viewer)
        media.connect("unprepared", self._forget, viewer)

    def _forget(self, _media: Any, viewer: _Viewer) -> None:
        with self.lock:
            if viewer in self._viewers:
                self._viewers.remove(viewer)

    def tick(self, now: float) -> None:
        """Feed the picture that is due."""
        with self.lock:
            if now < self.due:
                return
            if now - self.due > _LATE_S:
                self._number = int((now - self._origin) * self._fps)
                self._need_key()
            number, due = self._number, self._origin + self._number / self._fps
            self._number += 1
            self.due = self._origin + self._number / self._fps
            index = number % len(self.film.units)
            for viewer in () if self._paused else self._viewers:
                viewer.feed(self.film.units[index], self.film.keys[index], due, round(_SEND_BUFFER_S * self._fps))

    def jump(self, seconds: float) -> None:
        """Shift RTP time stamps of those who watch now; who comes later has time stamps of their own anyway."""
        with self.lock:
            for viewer in self._viewers:
                viewer.jump(round(seconds * _CLOCK_HZ))

    def garbage(self, seconds: float) -> None:
        """Damage what packets carry."""
        with self.lock:
            for viewer in self._viewers:
                viewer.garbage(time.monotonic() + seconds)

    def pause(self) -> None:
        """No pictures."""
        self._paused = True

    def resume(self) -> None:
        """Begin anew, with the film's first picture."""
        with self.lock:
            self._paused = False
            self._show(self.film, self._fps)

    def show(self, film: Film, fps: float) -> None:
        """Another film from its beginning."""
        with self.lock:
            if film.codec != self.film.codec:
                self._viewers.clear()  # their descriptions are wrong now
            self._show(film, fps)


class _Viewer:
    """The pipeline of one client. Its packets pass through Python only while they are to be changed."""

    def __init__(self, element: Any) -> None:
        self.need_key = True
        self._source = element.get_by_name("source")
        self._pad = element.get_by_name("pay0").get_static_pad("src")
        self._zero: float | None = None  # the monotonic second at which its time stamps are 0
        self._lock = threading.Lock()  # between commands and the pipeline's thread
        self._probe = 0
        self._jump = 0  # ticks
        self._garbage_until = 0.0
        self._pushing = False  # only the pipeline's thread uses it

    def feed(self, unit: Any, is_key: bool, due: float, limit: int) -> None:
        """Push a picture, unless `limit` of them wait already: then all is dropped up to a key frame."""
        if not (is_key or not self.need_key):
            return
        self.need_key = self._source.get_property("current-level-buffers") >= limit
        if self.need_key:
            return
        if self._zero is None:
            running = self._source.get_current_running_time()
            if running == Gst.CLOCK_TIME_NONE:  # not playing yet
                self.need_key = True
                return
            self._zero = due - running / Gst.SECOND
        # A buffer of its own that shares the bytes; `copy()` gives the same one again, whose time others set, too.
        buffer = unit.copy_region(Gst.BufferCopyFlags.MEMORY, 0, unit.get_size())
        buffer.pts = max(0, round((due - self._zero) * Gst.SECOND))
        self._source.push_buffer(buffer)

    def jump(self, ticks: int) -> None:
        """Shift time stamps by so much more."""
        with self._lock:
            self._jump += ticks
            self._watch_packets()

    def garbage(self, until: float) -> None:
        """Damage packets until that monotonic second."""
        with self._lock:
            self._garbage_until = until
            self._watch_packets()

    def _watch_packets(self) -> None:
        if not self._probe:
            kinds = Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST
            self._probe = self._pad.add_probe(kinds, self._on_packets)

    def _on_packets(self, pad: Any, info: Any) -> Any:
        """Send changed copies in place of the packets, which others may hold and so cannot be written to."""
        if self._pushing:
            return Gst.PadProbeReturn.OK
        with self._lock:
            ticks, garbage = self._jump, time.monotonic() < self._garbage_until
            if not (ticks or garbage):
                self._probe = 0
                return Gst.PadProbeReturn.REMOVE
        fresh = Gst.BufferList.new()
        for buffer in _buffers(info):
            fresh.insert(-1, _damaged(buffer, ticks, garbage))
        self._pushing = True
        try:
            pad.push_list(fresh)
        finally:
            self._pushing = False
        return Gst.PadProbeReturn.DROP


def _buffers(info: Any) -> list[Any]:
    if info.type & Gst.PadProbeType.BUFFER_LIST:
        packets = info.get_buffer_list()
        return [packets.get(index) for index in range(packets.length())]
    return [info.get_buffer()]


def _damaged(buffer: Any, ticks: int, garbage: bool) -> Any:
    """A copy of the RTP packet with another time stamp or other contents."""
    packet = bytearray(buffer.extract_dup(0, buffer.get_size()))
    stamp = (int.from_bytes(packet[4:8], "big") + ticks) % 2**32
    packet[4:8] = stamp.to_bytes(4, "big")
    if garbage:
        packet[_RTP_HEADER:] = os.urandom(len(packet) - _RTP_HEADER)
    copy = Gst.Buffer.new_wrapped(bytes(packet))
    copy.pts, copy.dts, copy.duration = buffer.pts, buffer.dts, buffer.duration
    copy.set_flags(buffer.get_flags())
    return copy


class Cameras:
    """The server and its mounts."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._mtu = int(config.get("mtu", 1400))
        self._server = GstRtspServer.RTSPServer()
        self._server.set_address("127.0.0.1")
        self._server.set_service(str(config.get("port", 0)))
        self._server.set_backlog(256)
        # A DESCRIBE may wait for a key frame; clients that share its thread would wait with it.
        self._server.get_thread_pool().set_max_threads(-1)
        self._locked = bool(config.get("user"))
        if self._locked:
            self._server.set_auth(_auth(config["user"], config["password"]))
        self._server.connect("client-connected", self._on_client)
        self.by_path: dict[str, Camera] = {}
        for mount in config["mounts"]:
            film = film_of(mount["file"], mount.get("codec", "h264"))
            camera = Camera(film, float(mount.get("fps", 25)), float(mount.get("phase", 0)))
            self.by_path[mount["path"]] = camera
            self._mount(mount["path"], camera)

    def start(self) -> int:
        """Listen; gives the port."""
        if not self._server.attach(None):
            raise OSError("the port is taken")
        GLib.timeout_add_seconds(5, self._end_dead_sessions)
        threading.Thread(target=self._feed, daemon=True).start()
        return int(self._server.get_bound_port())

    def _end_dead_sessions(self) -> bool:
        self._server.get_session_pool().cleanup()
        return True

    def _mount(self, path: str, camera: Camera) -> None:
        codec = camera.film.codec
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(
            f"( appsrc name=source is-live=true format=time max-bytes=0 max-buffers=250 leaky-type=downstream "
            f"caps=video/x-{codec},stream-format=byte-stream,alignment=au "
            f"! rtp{codec}pay name=pay0 pt=96 mtu={self._mtu} )"
        )
        if self._locked:
            permissions = GstRtspServer.RTSPPermissions()
            for permission in ("media.factory.access", "media.factory.construct"):
                permissions.add_permission_for_role(_ROLE, permission, True)
            factory.set_permissions(permissions)
        factory.connect("media-configure", camera.configure)
        self._server.get_mount_points().add_factory(path, factory)

    def _on_client(self, _server: Any, client: Any) -> None:
        client.connect("play-request", self._on_play)
        client.connect("closed", self._on_closed)

    def _on_play(self, client: Any, context: Any) -> None:
        camera = self.by_path.get(context.uri.abspath.rstrip("/"))
        if camera is not None:
            camera.clients.add(client)

    def _on_closed(self, client: Any) -> None:
        for camera in self.by_path.values():
            camera.clients.discard(client)

    def _feed(self) -> None:
        """For ever: every camera's pictures, each when it is due."""
        while True:
            now = time.monotonic()
            for camera in self.by_path.values():
                camera.tick(now)
            due = min(camera.due for camera in self.by_path.values())
            time.sleep(max(0.0005, due - time.monotonic()))

    def obey(self, command: dict[str, Any]) -> None:
        """Do what a command says.

        Raises:
            KeyError, ValueError, OSError: it cannot be done.
        """
        path, do = command["mount"], command["do"]
        camera = self.by_path[path]
        if do in ("jump", "garbage"):
            getattr(camera, do)(float(command["seconds"]))
        elif do in ("pause", "resume"):
            getattr(camera, do)()
        elif do == "media":
            self._change(path, camera, command)
        else:
            raise ValueError(f"unknown command {do!r}; known: jump, garbage, media, pause, resume")

    def _change(self, path: str, camera: Camera, command: dict[str, Any]) -> None:
        before = camera.film.codec
        film = film_of(command["file"], command.get("codec", "h264"))
        camera.show(film, float(command.get("fps", 25)))
        if film.codec != before:
            self._mount(path, camera)  # its description is another
            for client in list(camera.clients):
                client.close()


def _auth(user: str, password: str) -> Any:
    auth = GstRtspServer.RTSPAuth()
    # The bindings take one value of what is a set of flags in C; a client that knows no Digest is not to be found.
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", _ROLE)
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    auth.add_digest(user, password, token)
    return auth


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def _read_commands(cameras: Cameras) -> None:
    for line in sys.stdin:
        try:
            cameras.obey(json.loads(line))
            _say({"ok": True})
        except (KeyError, ValueError, TypeError, OSError) as e:
            _say({"error": f"{type(e).__name__}: {e}"})
    os._exit(0)  # pipelines in flight need no farewell, and taking them down one by one takes seconds


def main() -> None:
    Gst.init(None)
    assert GstApp  # noqa: S101  # gives appsrc its methods
    try:
        cameras = Cameras(json.loads(sys.argv[1]))
        _say({"ready": cameras.start()})
    except (KeyError, ValueError, OSError, GLib.Error) as e:
        _say({"error": f"{type(e).__name__}: {e}"})
        sys.exit(1)
    threading.Thread(target=_read_commands, args=(cameras,), daemon=True).start()
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
