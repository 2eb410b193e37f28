"""Places of block RAMs and multipliers."""

import copy
import json

import pytest

from boards.catalogue import BOARDS
from boards.floorplan import (
    FLOORPLANS,
    FloorplanError,
    fix_places,
    read_floorplan,
    usual_floorplan,
    write_floorplan,
)


def module() -> dict:
    """Two block RAMs, a multiplier and a LUT, with attributes and without."""
    return {
        "attributes": {"top": "1"},
        "cells": {
            "b": {"type": "DP16KD", "attributes": {"NEXTPNR_BEL": "X4/Y70/EBR0"}},
            "a": {"type": "DP16KD", "attributes": {"NEXTPNR_BEL": "X2/Y70/EBR0"}},
            "sum": {"type": "MULT18X18D", "attributes": {"NEXTPNR_BEL": "X9/Y10/MULT18_0"}},
            "lut": {"type": "LUT4", "attributes": {"NEXTPNR_BEL": "X9/Y11/SLICEA.LUT0"}},
        },
    }


def test_places_are_written_and_given_again(tmp_path):
    placed, path = tmp_path / "placed.json", tmp_path / "plans" / "board.json"
    other = {"attributes": {}, "cells": {}}
    placed.write_text(json.dumps({"modules": {"other": other, "top": module()}}))
    assert write_floorplan(placed, path) == 3
    places = read_floorplan(path)
    assert places == {"a": "X2/Y70/EBR0", "b": "X4/Y70/EBR0", "sum": "X9/Y10/MULT18_0"}
    netlist = module()
    del netlist["cells"]["b"]["attributes"]
    before = copy.deepcopy(netlist["cells"])
    # A cell that is not there any more, and one that is no RAM.
    assert fix_places(netlist, places | {"gone": "X1/Y1/EBR0", "lut": "X1/Y2/SLICEA.LUT0"}) == 3
    for name, place in places.items():
        assert netlist["cells"][name]["attributes"]["BEL"] == place
    assert netlist["cells"]["lut"] == before["lut"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "no floorplan can be read from .*plan.json: .*No such file"),
        ("{", "plan.json is not a floorplan, but has to be JSON: "),
        ("[1]", "plan.json is not a floorplan: it has to map names of cells to places"),
        ('{"a": 1}', "plan.json is not a floorplan: it has to map"),
    ],
)
def test_what_is_no_floorplan_is_told(tmp_path, text, told):
    path = tmp_path / "plan.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(FloorplanError, match=told):
        read_floorplan(path)


def test_boards_have_their_own():
    assert {path.stem for path in FLOORPLANS.glob("*.json")} <= BOARDS.keys()
    assert usual_floorplan("ecpix5") == {}
    assert len(usual_floorplan("ulx3s")) > 200
