"""How often a client may ask."""

from hypothesis import given
from hypothesis import strategies as st

from lastday.interfaces.scim.rates import BURST_S, ClientRates
from lastday.model.ids import SourceName, TokenId
from lastday.model.scim import PushClient, TokenScope

RATES = st.floats(min_value=0.01, max_value=1_000)
PAUSES = st.lists(st.floats(min_value=0, max_value=30), max_size=60)


def client(rate, identifier="tok-1"):
    return PushClient(
        token=TokenId(identifier),
        name="entra",
        source=SourceName("idp"),
        profile="entra",
        scopes=frozenset(TokenScope),
        requests_per_s=rate,
    )


class Time:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@given(RATES, PAUSES)
def test_in_no_stretch_of_time_passes_more_than_the_burst_and_what_the_rate_allows(rate, pauses):
    time, asking = Time(), client(rate)
    rates, passed = ClientRates(time), []
    for pause in pauses:
        time.now += pause
        if rates.seconds_to_wait(asking) == 0.0:
            passed.append(time.now)
    burst = max(rate * BURST_S, 1.0)
    for first, begin in enumerate(passed):
        for last in range(first, len(passed)):
            assert last - first + 1 <= burst + (passed[last] - begin) * rate + 1e-6


@given(RATES, PAUSES)
def test_whoever_waits_as_long_as_it_was_told_may_send(rate, pauses):
    """RFC 6585 section 4: Retry-After is a promise."""
    time, asking = Time(), client(rate)
    rates = ClientRates(time)
    for pause in pauses:
        time.now += pause
        wait = rates.seconds_to_wait(asking)
        if wait > 0.0:
            time.now += wait + 1e-6
            assert rates.seconds_to_wait(asking) == 0.0


@given(RATES)
def test_a_client_that_rested_may_send_its_whole_burst_at_once(rate):
    time, asking = Time(), client(rate)
    rates = ClientRates(time)
    sent = 0
    while rates.seconds_to_wait(asking) == 0.0:
        sent += 1
    assert abs(sent - max(rate * BURST_S, 1.0)) <= 1.0


def test_tokens_count_for_themselves():
    rates = ClientRates(Time())
    one, other = client(0.05, "tok-1"), client(0.05, "tok-2")
    assert rates.seconds_to_wait(one) == 0.0
    assert rates.seconds_to_wait(one) > 0.0
    assert rates.seconds_to_wait(other) == 0.0


def test_what_is_kept_of_many_clients_that_rested_is_forgotten():
    time = Time()
    rates = ClientRates(time)
    for number in range(20_000):
        time.now += 1.0
        assert rates.seconds_to_wait(client(1.0, f"tok-{number}")) == 0.0
    assert len(rates._full_at) < 5_000
