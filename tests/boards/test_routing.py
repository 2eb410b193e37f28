"""The watch over a router."""

import pytest

from boards.routing import PATIENCE, RoutingWatch
from boards.tools import ToolError, run_tool

LINE = "Info:     iter={} wires=5000 overused={} overuse=7 archfail=NA\n"


def write(log, *lines):
    with log.open("a") as file:
        file.writelines(lines)


def test_a_router_that_gains_is_left_alone(tmp_path):
    watch = RoutingWatch(tmp_path / "log")
    watch()
    write(tmp_path / "log", "Info: Running router2...\n")
    for number in range(1, 10 * PATIENCE, PATIENCE - 1):
        write(tmp_path / "log", LINE.format(number, 10_000 - number))
        watch()


def test_a_router_that_drifts_away_is_stopped(tmp_path):
    watch = RoutingWatch(tmp_path / "log")
    write(tmp_path / "log", LINE.format(1, 500), LINE.format(2, 300))
    for number in range(3, 2 + PATIENCE):
        line = LINE.format(number, 300 + number)
        # The log may end within a line.
        write(tmp_path / "log", line[:30])
        watch()
        write(tmp_path / "log", line[30:])
        watch()
    write(tmp_path / "log", LINE.format(2 + PATIENCE, 700))
    with pytest.raises(ToolError, match=f"700 wires .* after {2 + PATIENCE} .* 300 were after 2;"):
        watch()


def test_a_log_from_before_does_not_count(tmp_path):
    write(tmp_path / "log", LINE.format(1, 5), LINE.format(1 + PATIENCE, 6))
    RoutingWatch(tmp_path / "log")()


def test_a_tool_is_stopped_by_its_watch(tmp_path):
    for number in range(1, 2 + PATIENCE):
        write(tmp_path / "lines", LINE.format(number, 9))
    script = "cat lines > log; sleep 60; touch ended"
    with pytest.raises(ToolError, match="gets no further"):
        run_tool("sh", ["-c", script], tmp_path, watch=RoutingWatch(tmp_path / "log"))
    assert not (tmp_path / "ended").exists()
