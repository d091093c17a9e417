"""Webhooks through a real HTTP server: signed, tried again, given up, stopped, bounded in time, and nowhere else."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from api.alerts.deliveries import LEASE_MS, REST_MS, RETRY_S, Deliverer, Delivery, DeliveryQueue, DeliveryState
from api.alerts.thresholds import DAY_MS, AlertRule
from api.alerts.types import SavedSearch
from api.alerts.webhook import Sent, _is_near, check_webhook, open_webhook, send, sign, verify_signature
from search.errors import BadInput
from tests.support.alerts import NOW, Post, receiver, row

HOUR_S = 3600


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    with closing(Post(tmp_path)) as made:
        yield made


def deliverer(post: Post, send: object = send) -> Deliverer:
    """As another process would have it."""
    return Deliverer(post.catalog, post.vault, post.view.payload, send, lambda: post.now)  # type: ignore[arg-type]


def work_off(post: Post, seconds: float, step_s: float = 1.0) -> None:
    """Let time pass, with one process that delivers."""
    works = deliverer(post)
    for _ in range(round(seconds / step_s)):
        while works.step():
            pass
        post.now += round(1000 * step_s)


def hooked(post: Post, url: str, alerts: int = 1) -> SavedSearch:
    """A saved search with a webhook, and alerts on their way."""
    standing = post.add(webhook=url, rule=AlertRule(0, 100))
    post.see(*((row(NOW + n, track=n), 6.0) for n in range(1, alerts + 1)))
    return standing


def told(post: Post, standing: SavedSearch) -> dict[str, object]:
    found = post.view.one(post.store.get(standing.id))["webhook"]
    assert isinstance(found, dict)
    return found


# delivery ------------------------------------------------------------------------------------------------------


def test_an_alert_arrives_signed_with_all_that_is_to_be_known(post: Post) -> None:
    with receiver() as there:
        standing = hooked(post, there.url)
        work_off(post, 2)
    ((headers, body),) = there.got
    _, secret = open_webhook(post.vault, standing.webhook)  # type: ignore[arg-type]
    timestamp, signature = headers["x-xunren-timestamp"], headers["x-xunren-signature"]
    assert verify_signature(secret, timestamp, body, signature, time.time())
    assert not verify_signature(secret, timestamp, body + b" ", signature, time.time())
    message = json.loads(body)
    assert message["event"] == "alert"
    assert message["delivery"] == headers["x-xunren-delivery"]
    assert message["saved_search"] == {"number": standing.id, "name": "her", "query": "a woman", "case": ""}
    assert message["alert"]["camera"] == "gate"
    assert headers["content-type"] == "application/json"
    assert told(post, standing)["delivered"] == 1


def test_a_receiver_that_fails_hangs_and_then_works_gets_it_once_more_each_time(
    post: Post,
) -> None:
    with receiver(500, "hang", 503) as there:
        standing = hooked(post, there.url)
        works = Deliverer(
            post.catalog,
            post.vault,
            post.view.payload,
            lambda url, secret, delivery, body: send(url, secret, delivery, body, timeout_s=0.5),
            lambda: post.now,
        )
        began = post.now
        faults = []
        for _ in range(200):
            while works.step():
                faults.append((round((post.now - began) / 1000), told(post, standing)["last_fault"]))
            post.now += 1000
    assert [fault for _, fault in faults] == ["HTTP 500", "no answer in time", "HTTP 503", ""]
    waits = [later[0] - sooner[0] for sooner, later in pairwise(faults)]
    for wait, planned in zip(waits, RETRY_S, strict=False):
        assert 0.9 * planned - 1 <= wait <= 1.2 * planned + 2
    assert len({headers["x-xunren-delivery"] for headers, _ in there.got}) == 1
    assert len({body for _, body in there.got}) == 1
    assert told(post, standing)["delivered"] == 1


def test_after_the_last_try_it_is_given_up_and_said(post: Post) -> None:
    with receiver(*[500] * 20) as there:
        standing = hooked(post, there.url)
        work_off(post, 10 * HOUR_S, step_s=20)
        assert len(there.got) == len(RETRY_S) + 1
    found = told(post, standing)
    assert (found["failed"], found["waiting"], found["last_fault"]) == (1, 0, "HTTP 500")


def test_a_receiver_that_is_gone_is_left_alone(post: Post) -> None:
    with receiver(410) as there:
        standing = hooked(post, there.url, alerts=3)
        work_off(post, 20)
        assert len(there.got) == 1
        post.see((row(NOW + 50), 6.0))
        work_off(post, 20)
        assert len(there.got) == 1
        found = told(post, standing)
        assert "410" in str(found["stopped"])
        assert (found["dropped"], found["waiting"]) == (3, 0)
        post.service.set_webhook(standing.id, there.url)
        post.see((row(NOW + 60), 6.0))
        work_off(post, 5)
        assert len(there.got) == 2


def test_redirects_are_not_followed(post: Post) -> None:
    with receiver() as other, receiver(other.url) as there:
        standing = hooked(post, there.url)
        work_off(post, 2)
        assert other.got == []
    assert told(post, standing)["last_fault"] == "HTTP 302"


def test_a_restart_loses_nothing(post: Post) -> None:
    with receiver(500) as there:
        hooked(post, there.url, alerts=2)
        deliverer(post).step()
        post.now += 10_000
        works = deliverer(post)
        while works.step():
            pass
        assert len(there.got) == 3


def test_who_is_killed_in_the_middle_leaves_it_to_another_after_a_while(post: Post) -> None:
    with receiver() as there:
        hooked(post, there.url)
        queue = DeliveryQueue(post.catalog)
        assert isinstance(queue.lease("dead", post.now), Delivery)
        assert not deliverer(post).step()  # one process at a time
        post.now += LEASE_MS + 1
        assert deliverer(post).step()
        assert len(there.got) == 1


def test_who_was_too_slow_does_not_overwrite_what_another_has_noted(post: Post) -> None:
    with receiver() as there:
        standing = hooked(post, there.url)
        queue = DeliveryQueue(post.catalog)
        slow = queue.lease("slow", post.now)
        assert slow is not None
        post.now += LEASE_MS + 1
        deliverer(post).step()
        queue.settle(slow, "slow", DeliveryState.FAILED, "too late")
        assert told(post, standing)["delivered"] == 1


def test_one_receiver_that_fails_does_not_keep_others_waiting(post: Post) -> None:
    with receiver(*[500] * 50) as bad, receiver() as good:
        hooked(post, bad.url, alerts=5)
        post.add(webhook=good.url, sentence="the other", rule=AlertRule(0, 100))
        post.see((row(NOW + 99), 6.0), axis=1)
        works = deliverer(post)
        while works.step():
            pass
        assert (len(bad.got), len(good.got)) == (1, 1)
        post.now += REST_MS + 1
        while works.step():
            pass
        assert len(bad.got) == 2


def test_what_waits_for_a_webhook_that_is_removed_is_dropped(post: Post) -> None:
    with receiver() as there:
        standing = hooked(post, there.url)
        post.service.set_webhook(standing.id, None)
        work_off(post, 2)
        assert there.got == []
    assert DeliveryQueue(post.catalog).post()[standing.id].counts == {"dropped": 1}


def test_what_was_settled_long_ago_is_forgotten(post: Post) -> None:
    with receiver() as there:
        standing = hooked(post, there.url)
        work_off(post, 2)
        assert told(post, standing)["delivered"] == 1
        post.now += 8 * DAY_MS
        work_off(post, 1)
        assert told(post, standing)["delivered"] == 0


# one try -------------------------------------------------------------------------------------------------------


def test_a_receiver_that_drips_is_cut_off_in_time() -> None:
    with receiver("drip") as there:
        sent = send(there.url, "s", "d", b"{}", timeout_s=0.6)  # the receiver itself never ends
    assert sent == Sent(None, "no answer in time")


def test_what_the_receiver_says_is_never_kept(post: Post) -> None:
    with receiver(500) as there:
        standing = hooked(post, there.url)
        work_off(post, 2)
    assert "secret words" not in str(told(post, standing))


def test_nobody_there_is_a_fault_and_no_error() -> None:
    assert send("http://127.0.0.1:9/x", "s", "d", b"{}") == Sent(None, "Connection refused")


def test_a_plain_address_that_turns_out_to_be_public_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.alerts.webhook._is_near", lambda _: False)
    with receiver() as there:
        assert send(there.url, "s", "d", b"{}").fault == "plain HTTP to a public address is refused"
        assert there.got == []


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert urllib.request.getproxies()["http"]
    with receiver() as there:
        assert send(there.url, "s", "d", b"{}").delivered


# addresses and signatures --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["https://example.org/hook?token=x", "http://127.0.0.1:9000/x", "http://localhost/x", "http://10.1.2.3/x",
     "http://192.168.0.9:8080/x", "http://[::1]:8000/x", "https://8.8.8.8/x"],
)  # fmt: skip
def test_where_alerts_may_go(url: str) -> None:
    assert check_webhook(url) == url


@pytest.mark.parametrize(
    "url",
    ["", "hush", "rtsp://127.0.0.1/hush", "ftp://127.0.0.1/hush", "file:///hush", "http://8.8.8.8/hush",
     "http://169.254.169.254/hush", "http://0.0.0.0/hush", "https://user:hush@host/x", "https://host/x#hush",
     "https:///hush", "http://[2001:4860:4860::8888]/hush", "https://host:99999/hush", "https://ho st/hush"],
)  # fmt: skip
def test_where_they_may_not_go_without_repeating_what_may_be_secret(url: str) -> None:
    with pytest.raises(BadInput) as refused:
        check_webhook(url)
    assert "?" not in str(refused.value)
    assert "user" not in refused.value.got


@pytest.mark.parametrize(
    ("ip", "near"),
    [("127.0.0.1", True), ("10.0.0.1", True), ("172.16.5.4", True), ("fd00::1", True), ("::1", True),
     ("::ffff:10.0.0.1", True), ("::ffff:8.8.8.8", False), ("8.8.8.8", False), ("169.254.1.1", False),
     ("0.0.0.0", False), ("224.0.0.1", False), ("240.0.0.1", False), ("fe80::1", False)],
)  # fmt: skip
def test_which_addresses_are_near(ip: str, near: bool) -> None:
    assert _is_near(ip) is near


def test_a_signature_is_the_one_that_other_programs_compute() -> None:
    body = b'{"event":"test"}'
    # printf '%s' '1700000000.{"event":"test"}' | openssl dgst -sha256 -hmac secret
    expected = "e6a22eb66e93669c75e7a035a110d9a2ccfa7cdef62d0ecb361671b92718ee9f"
    assert sign("secret", "1700000000", body) == f"sha256={expected}"


def test_only_what_is_fresh_and_whole_and_ours_is_believed() -> None:
    body, then = b"{}", 1_700_000_000
    good = sign("secret", str(then), body)
    assert verify_signature("secret", str(then), body, good, then + 299.0)
    assert not verify_signature("secret", str(then), body, good, then + 301.0)  # recorded and sent again
    assert not verify_signature("secret", str(then), body, good, then - 301.0)
    assert not verify_signature("secret", str(then + 400), body, good, then + 400.0)  # made younger
    assert not verify_signature("other", str(then), body, good, then)
    assert not verify_signature("secret", str(then), body, "", then)
    assert not verify_signature("secret", str(then), body, "sha256=é", then)
    for timestamp in ("", "now", "-1", "1e9", "١٧٠٠٠٠٠٠٠٠"):
        assert not verify_signature("secret", timestamp, body, sign("secret", timestamp, body), then)
