"""One house for all tests of this folder: starting five processes is dear."""

from collections.abc import Iterator

import pytest

from tests import databases
from tests.processes import house as houses


@pytest.fixture(scope="session")
def house(postgres: databases.Clusters, tmp_path_factory: pytest.TempPathFactory) -> Iterator[houses.House]:
    """Five processes over two clusters, each connected as its own role with exactly its rights."""
    with postgres.databases() as urls:
        databases.grant(urls)
        with houses.running(tmp_path_factory.mktemp("house"), urls) as running:
            yield running
