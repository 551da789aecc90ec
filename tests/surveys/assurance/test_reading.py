"""Bytes are searched in pieces, nothing across two is lost; a cluster's folder is known by its number."""

import struct

import pytest

from surveys.assurance import reading


@pytest.mark.parametrize("size", [16, 17, 40, 1000])
def test_what_lies_across_two_pieces_is_found_once(monkeypatch, size):
    monkeypatch.setattr(reading, "_PIECE", size)
    needles = [bytes([65 + number]) * 16 for number in range(6)]
    whole = b"." * 5 + b"-".join(needles[:4]) + b"." * 9 + needles[0]
    pieces = [whole[at : at + 7] for at in range(0, len(whole), 7)]
    assert reading.count_found(needles, pieces) == (4, len(whole))
    assert reading.count_found([], pieces) == (0, len(whole))
    assert reading.count_found(needles, []) == (0, 0)


def test_files_are_read_through_links_without_the_templates_and_without_those_that_go(tmp_path):
    elsewhere = tmp_path / "disk"
    (elsewhere / "pg_wal").mkdir(parents=True)
    (elsewhere / "pg_wal/0001").write_bytes(b"log")
    folder = tmp_path / "cluster"
    for name in ("base/1", "base/17"):
        (folder / name).mkdir(parents=True)
        (folder / name / "1259").write_bytes(name.encode())
    (folder / "pg_wal").symlink_to(elsewhere / "pg_wal")
    files = reading.cluster_files(folder)
    assert [str(path.relative_to(folder)) for path in files] == ["base/17/1259", "pg_wal/0001"]
    assert b"".join(reading.contents([*files, folder / "gone"])) == b"base/17log"


def test_a_folder_is_the_servers_only_when_it_bears_the_servers_number(tmp_path):
    assert reading.cluster_identifier(tmp_path) is None
    (tmp_path / "global").mkdir()
    (tmp_path / "global/pg_control").write_bytes(struct.pack("=Q", 7713546995466094544) + b"rest")
    assert reading.cluster_identifier(tmp_path) == 7713546995466094544
    (tmp_path / "global/pg_control").write_bytes(b"short")
    assert reading.cluster_identifier(tmp_path) is None
