import pytest
from django.test import RequestFactory

from common import limits
from common.limits import Limit, forget, take, wait_for
from common.network import client_address, client_network
from common.tokens import AGENT_TOKEN, API_TOKEN, is_token, mint_token, token_digest

TWICE = Limit("twice", "2 per minute")


@pytest.mark.usefixtures("fresh_limits")
def test_a_limit_lets_so_many_through_and_says_how_long_to_wait() -> None:
    assert [take(TWICE, "a"), take(TWICE, "a")] == [0, 0]
    assert 0 < take(TWICE, "a") <= 60
    assert 0 < wait_for(TWICE, "a") <= 60
    assert take(TWICE, "b") == 0


@pytest.mark.usefixtures("fresh_limits")
def test_asking_and_forgetting_cost_nothing() -> None:
    assert [wait_for(TWICE, "a") for _ in range(5)] == [0] * 5
    take(TWICE, "a")
    take(TWICE, "a")
    forget(TWICE, "a")
    assert take(TWICE, "a") == 0


def test_without_redis_nothing_is_limited(settings: object, caplog: pytest.LogCaptureFixture) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    limits._limiter.cache_clear()
    assert [take(TWICE, "a") for _ in range(3)] == [0, 0, 0]
    assert wait_for(TWICE, "a") == 0
    forget(TWICE, "a")
    limits._limiter.cache_clear()
    assert "Redis is away: twice is not limited." in caplog.text


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.7", "127.0.0.1"),
        (1, "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        (2, "198.51.100.1, 203.0.113.7", "198.51.100.1"),
        (2, "203.0.113.7", "127.0.0.1"),
        (1, "", "127.0.0.1"),
    ],
)
def test_only_our_own_proxies_are_believed(
    settings: object, proxies: int, forwarded: str, address: str
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    request = RequestFactory().get("/", HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == address


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("unix-socket", "unix-socket"),
    ],
)
def test_an_ipv6_client_is_its_network(address: str, network: str) -> None:
    assert client_network(RequestFactory().get("/", REMOTE_ADDR=address)) == network


def test_tokens_are_long_distinct_and_of_their_kind() -> None:
    minted = [mint_token(API_TOKEN) for _ in range(100)]
    assert len({token.secret for token in minted}) == 100
    assert all(is_token(token.secret, API_TOKEN) for token in minted)
    assert not any(is_token(token.secret, AGENT_TOKEN) for token in minted)
    assert all(token.digest == token_digest(token.secret) for token in minted)
