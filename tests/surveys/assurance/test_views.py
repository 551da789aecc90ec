"""The published digests are those of what is handed out."""

import hashlib

import pytest


@pytest.mark.parametrize("address", ["/static/token.js", "/s/assets/player.js", "/s/assets/token.js"])
def test_digests_are_of_what_is_sent(client, address):
    lines = client.get("/digests.txt").text.splitlines()
    published = dict(reversed(line.split("  ")) for line in lines)
    with client.get(address, headers={"Accept-Encoding": "identity"}) as sent:
        assert published[address] == hashlib.sha256(sent.data).hexdigest()
