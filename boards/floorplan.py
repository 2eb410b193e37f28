"""Where the block RAMs and multipliers of a board lie.

There are a few hundred of them, and they are what logic gathers around. A placer that begins with
them where a good placement had them comes to as good a one, whatever its seed, and also when the
logic has changed since.
"""

import json
from pathlib import Path

from golden.errors import UserError
from golden.files import replacing

FLOORPLANS = Path(__file__).parent / "floorplans"
"""Folder of the floorplans that boards have, as NAME.json."""

KINDS = ("DP16KD", "MULT18X18D")
"""Cells that a floorplan gives a place: block RAMs and multipliers of an ECP5."""


class FloorplanError(UserError):
    """A floorplan is not there or not one; the message names the file."""


def read_floorplan(path: Path) -> dict[str, str]:
    """Places by the names of cells, in the words of nextpnr: "X4/Y70/EBR0".

    Raises
    ------
    FloorplanError : the file cannot be read, or does not hold such places.
    """
    try:
        places = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as failure:
        raise FloorplanError(f"no floorplan can be read from {path}: {failure}") from failure
    except json.JSONDecodeError as failure:
        raise FloorplanError(
            f"{path} is not a floorplan, but has to be JSON: {failure}"
        ) from failure
    if not isinstance(places, dict) or not all(isinstance(place, str) for place in places.values()):
        raise FloorplanError(f"{path} is not a floorplan: it has to map names of cells to places")
    return places


def usual_floorplan(board: str) -> dict[str, str]:
    """The places that come with a board; none if it has no floorplan.

    Raises
    ------
    FloorplanError : as above.
    """
    path = FLOORPLANS / f"{board}.json"
    return read_floorplan(path) if path.exists() else {}


def fix_places(module: dict, places: dict[str, str]) -> int:
    """Tell the placer where cells have to lie; `module` is changed.

    Names that `module` does not have are passed over: its logic may have changed.

    Parameters
    ----------
    module : of the synthesis tool's JSON, cells mapped to ECP5.

    Returns
    -------
    Cells that have their place.
    """
    fixed = 0
    for name, cell in module["cells"].items():
        if name in places and cell["type"] in KINDS:
            cell.setdefault("attributes", {})["BEL"] = places[name]
            fixed += 1
    return fixed


def write_floorplan(placed: Path, path: Path) -> int:
    """Write where cells lie in a placed design, as nextpnr's --write gives it; returns how many."""
    (module,) = [
        module
        for module in json.loads(placed.read_text())["modules"].values()
        if module["attributes"].get("top")
    ]
    places = {
        name: cell["attributes"]["NEXTPNR_BEL"]
        for name, cell in sorted(module["cells"].items())
        if cell["type"] in KINDS
    }
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(places, indent=1) + "\n", encoding="utf-8")
    return len(places)
