"""A stamp holds for the same sources only."""

from boards.stamp import Stamp


def test_a_stamp_holds_for_its_sources(tmp_path):
    path, result = tmp_path / "stamp", tmp_path / "result"
    stamp = Stamp(path, "a", "b")
    result.write_text("made")
    assert not stamp.holds(result)
    stamp.set()
    assert stamp.holds(result)
    assert not Stamp(path, "ab").holds(result)
    # The other attempt may have changed the result.
    assert not stamp.holds(result)


def test_without_the_result_it_does_not_hold(tmp_path):
    stamp = Stamp(tmp_path / "stamp", "a")
    stamp.set()
    assert not stamp.holds(tmp_path / "result")
