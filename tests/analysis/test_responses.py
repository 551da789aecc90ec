import numpy as np
import pytest

from analysis.columns import Column
from analysis.errors import DataError
from analysis.responses import columns_of, domains, row_name
from tests.analysis.samples import sample


def test_variables_by_name_list_mapping_column_and_array() -> None:
    design = sample(1)
    column = Column("own", "number", np.ones(240))
    names = [[c.name for c in columns_of(design, v)] for v in ("y", ["y", "x"], {"z": np.ones(240)}, column)]
    assert names == [["y"], ["y", "x"], ["z"], ["own"]]
    assert columns_of(design, np.ones(240))[0].name == "value"
    with pytest.raises(DataError) as caught:
        columns_of(design, np.ones(3))
    assert caught.value.code == "length"


def test_groups_without_cases_are_left_out() -> None:
    design = sample(1).subset(sample(1).data["group"].values != 1)
    made = domains(design, ["group", "sex"])
    assert made.names == ("old.f", "new.f", "old.m", "new.m")
    assert made.rows[3] == {"group": "new", "sex": "m"}
    assert domains(design, None).names == ("",)


def test_names_of_rows() -> None:
    assert [row_name("", "y", True), row_name("a", "y", True), row_name("a", "y", False)] == ["y", "a", "a:y"]
