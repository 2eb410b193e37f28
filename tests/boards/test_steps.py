"""Steps are kept as long as what they are made from stays the same."""

from boards.steps import Steps
from boards.tools import Usage

TAKEN = Usage(seconds=12.5, peak_bytes=1 << 30)


def do(folder, *sources, usage=TAKEN):
    """Do a step; whether it was kept, and what it took."""
    told = []

    def work():
        (folder / "out").write_text("".join(sources))
        return usage

    steps = Steps(folder, told.append)
    steps.do("make", work, result="out", sources=sources)
    (report,) = steps.reports
    assert told == ([] if report.kept else ["make"])
    assert (folder / "out").read_text() == "".join(sources)
    return report.kept, report.usage


def test_a_step_is_kept_with_what_it_took(tmp_path):
    assert do(tmp_path, "a", "b") == (False, TAKEN)
    assert do(tmp_path, "a", "b", usage=None) == (True, TAKEN)


def test_a_step_is_done_again_from_other_sources(tmp_path):
    do(tmp_path, "a", "b")
    assert do(tmp_path, "a", "c") == (False, TAKEN)
    assert do(tmp_path, "ac") == (False, TAKEN)


def test_a_step_without_its_result_is_done_again(tmp_path):
    do(tmp_path, "a")
    (tmp_path / "out").unlink()
    assert do(tmp_path, "a") == (False, TAKEN)


def test_a_step_of_this_process_is_measured(tmp_path):
    kept, usage = do(tmp_path, "a", usage=None)
    assert not kept
    assert 0 <= usage.seconds < 60
    assert usage.peak_bytes > 1 << 20
