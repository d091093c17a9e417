"""S3-compatible storage for tests: moto's server over HTTP, a process of its own that can be killed and comes back.

It is the most real one that the package registries have; MinIO and Amazon's own were not tried.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import boto3

BUCKET = "city"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


class S3Server:
    """On a free port of the loopback, with an empty bucket after each start."""

    url = f"s3://{BUCKET}/district-7"

    def __init__(self) -> None:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self._port = one.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def environ(self) -> dict[str, str]:
        """Settings and credentials of a process that keeps its media there."""
        return CREDENTIALS | {"XUNREN_MEDIA_URL": self.url, "XUNREN_MEDIA_ENDPOINT": self.endpoint}

    def start(self) -> None:
        """Answer, from the same address as before."""
        command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self._port)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(["setpriv", "--pdeathsig=KILL", *command], **quiet)  # type: ignore[call-overload]
        until = time.monotonic() + 60
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self._port), timeout=1):
                    break
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
        boto3.client("s3", endpoint_url=self.endpoint).create_bucket(Bucket=BUCKET)

    def kill(self) -> None:
        """Be gone at once, with everything."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def empty(self) -> None:
        """Remove all objects."""
        client = boto3.client("s3", endpoint_url=self.endpoint)
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
            for one in page.get("Contents", ()):
                client.delete_object(Bucket=BUCKET, Key=one["Key"])


@contextmanager
def running_s3() -> Iterator[S3Server]:
    """A server, which is gone afterwards."""
    os.environ.update(CREDENTIALS)
    server = S3Server()
    try:
        yield server
    finally:
        server.kill()
