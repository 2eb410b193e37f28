"""`zeroshift compare`: figures are those of the compiler, and all outputs name their weights."""

import csv
import dataclasses
import json

import numpy as np
import pytest

from boards.report import BoardReport
from cli.designs import DENSE_DESIGNS, array_of_bits, float32_array, int8_array, report_name
from cli.network_weights import DESCRIPTIONS, Table, network_weights
from compiler import compile_layer
from compiler.cycles import count_cycles
from compiler.figures import layer_figures
from golden.quantize import quantize
from golden.synthetic import TABLE_3_2, TABLE_3_3
from params import preset
from rfcn.layers import layer_table
from tests.boards.test_report import REPORT
from tests.cli.networks import SHAPES, small_table
from tests.cli.runner import fault, run
from tests.compiler.layers import make_layer

NETS = ("rfcn-resnet50", "rfcn-resnet101")


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr("cli.compare.layer_table", small_table)


def compared(tmp_path, *arguments: object) -> tuple[dict, str]:
    """The report of a comparison, and what it printed."""
    path = tmp_path / "c.json"
    outcome = run("compare", "--preset", "tiny", *arguments, "--json", path)
    assert outcome.status == 0, outcome.errors
    return json.loads(path.read_text()), outcome.output


def write_reports(folder) -> dict[str, BoardReport]:
    found = {}
    for name, clock in (("ulx3s-float32", 50.0), ("ulx3s-int8", 100.0), ("tiny", 125.0)):
        config = preset(name)
        found[name] = dataclasses.replace(
            REPORT,
            design=report_name(config),
            processing_elements=config.processing_elements,
            clock_mhz=clock,
        )
        found[name].write(folder)
    return found


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("method", ["lbw", "exact"])
def test_figures_are_those_of_compiled_layers(tmp_path, method):
    report, _ = compared(tmp_path, "--bits", "3,4", "--method", method, "--seed", 5)
    rows = {(row["bits"], row["layer"]): row for row in report["rows"]}
    assert len(rows) == len(report["rows"]) == 2 * (len(SHAPES) + 1)
    for bits in (3, 4):
        config = array_of_bits(bits, "tiny")
        for number, (name, shape) in enumerate(SHAPES.items()):
            table = TABLE_3_3 if name == "rpn_conv/3x3" else TABLE_3_2
            floats = table.weights(shape.weight_shape, seed=5 + number)
            weights = quantize(floats, bits=bits, method=method)
            program = compile_layer(make_layer(shape, weights.integers()[None]), config)
            row = rows[bits, name]
            assert row["cycles"] == count_cycles(program).cycles
            assert row["load_cycles"] == count_cycles(program).load_cycles
            assert row["nonzeros"] == weights.nonzeros
            assert row["density"] == weights.density
            assert row["lower_bound_cycles"] == program.lower_bound_cycles
            assert row["utilisation"] == row["lower_bound_cycles"] / row["cycles"]
            assert row["weight_bytes"] * row["tiles"] == program.weight_bytes
            assert row["float_weight_bytes"] == floats.nbytes
            assert row["memory_cycles"]["2"] == round(row["traffic_bytes"] / 2)
            assert (row["falls_short_by"] is None) == (row["utilisation"] >= 0.75)
        total = rows[bits, "total"]
        for field in ("cycles", "nonzeros", "lower_bound_cycles", "weight_bytes", "weights"):
            assert total[field] == sum(rows[bits, name][field] for name in SHAPES)
        assert total["utilisation"] == total["lower_bound_cycles"] / total["cycles"]


@pytest.mark.usefixtures("small")
def test_dense_arrays_take_a_step_for_every_weight(tmp_path):
    report, _ = compared(tmp_path, "--bits", "4")
    own = preset("tiny")
    for row in report["rows"][:-1]:
        shape = SHAPES[row["layer"]]
        for design in DENSE_DESIGNS:
            dense, array = row["dense"][design.name], design.array(own)
            assert dense["processing_elements"] == array.processing_elements
            assert dense["cycles"] * array.processing_elements >= shape.macs
            ratio = dense["cycles"] * array.processing_elements
            ratio /= row["cycles"] * own.processing_elements
            assert dense["speedup_same_elements"] == pytest.approx(ratio)
            assert dense["speedup_same_fpga"] is None


@pytest.mark.parametrize("bits", [2, 4, 6])
def test_dense_arrays_have_as_many_processing_elements(bits):
    config = array_of_bits(bits, None)
    assert config.name == ("ulx3s" if bits <= 4 else "ulx3s-dense")
    for array in (float32_array(config), int8_array(config)):
        assert array.dense
        assert array.processing_elements == config.processing_elements
        assert (array.lanes, array.depth) == (config.lanes, config.depth)


@pytest.mark.usefixtures("small")
def test_the_same_fpga(tmp_path):
    reports = write_reports(tmp_path / "reports")
    report, output = compared(
        tmp_path, "--bits", "3,4,5", "--reports", tmp_path / "reports", "--plots", tmp_path
    )
    for row in report["rows"]:
        for design in DENSE_DESIGNS:
            dense = row["dense"][design.name]
            if row["bits"] == 5:
                # There is no report on an array of as many levels.
                assert dense["speedup_same_fpga"] is None
                continue
            seconds = (
                dense["fpga"]["cycles"] / reports[design.preset].clock_mhz,
                row["fpga"]["cycles"] / reports["tiny"].clock_mhz,
            )
            assert row["fpga"]["milliseconds"] == pytest.approx(seconds[1] / 1e3)
            assert row["fpga"]["cycles"] == row["cycles"]
            assert dense["speedup_same_fpga"] == pytest.approx(seconds[0] / seconds[1])
            if row["layer"] != "total":
                everywhere = np.ones((1, *SHAPES[row["layer"]].weight_shape), dtype=bool)
                figures = layer_figures(SHAPES[row["layer"]], everywhere, preset(design.preset))
                assert dense["fpga"]["cycles"] == figures.cycles
    assert report["boards"]["ulx3s-int8"]["clock_mhz"] == 100
    assert "FPGA x" in output
    # More levels make another array, which has no report.
    assert "no board reports" in output
    assert "on tiny-8: nothing is said" in " ".join(output.split())
    # A picture of two panels is wider.
    assert (tmp_path / "speedup.png").stat().st_size > 0


@pytest.mark.usefixtures("small")
def test_every_output_says_where_the_weights_come_from(tmp_path):
    outcome = run(
        "compare", "--preset", "tiny", "--bits", "2,6", "--net", ",".join(NETS),
        "--json", tmp_path / "c.json", "--csv", tmp_path / "c.csv", "--plots", tmp_path / "plots",
        "--reports", tmp_path / "none",
    )  # fmt: skip
    assert outcome.status == 0, outcome.errors
    source = DESCRIPTIONS[Table.BOTH]
    flat = " ".join(outcome.output.split())
    # A table of layers for each network and number of bits, and one of the networks.
    assert flat.count("synthetic, no checkpoint") == 5
    assert "no board reports" in flat
    report = json.loads((tmp_path / "c.json").read_text())
    assert report["weights"] == source
    with (tmp_path / "c.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(report["rows"]) == 2 * 2 * (len(SHAPES) + 1)
    assert all(row["weights_from"] == source for row in rows)
    for row, expected in zip(rows, report["rows"], strict=True):
        assert int(row["dense.int8.cycles"]) == expected["dense"]["int8"]["cycles"]
    names = {"speedup", *(f"{net}-{kind}" for net in NETS
                          for kind in ("layers", "utilisation", "roofline"))}  # fmt: skip
    pictures = {path.name for path in (tmp_path / "plots").iterdir()}
    assert pictures == {f"{name}.{kind}" for name in names for kind in ("png", "svg")}
    assert (tmp_path / "plots" / "speedup.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (tmp_path / "plots" / "speedup.svg").read_bytes()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("suffix", ["", ".weight"])
def test_weights_from_a_checkpoint(tmp_path, suffix):
    rng = np.random.default_rng(4)
    arrays = {name: rng.normal(size=shape.weight_shape) for name, shape in SHAPES.items()}
    path = tmp_path / "weights.npz"
    # A zip file cannot tell the slash of a name from that of a folder, and need not.
    np.savez(path, **{name + suffix: array for name, array in arrays.items()})
    report, output = compared(tmp_path, "--bits", "4", "--checkpoint", path, "--no-layers")
    assert report["weights"] == str(path)
    assert "synthetic" not in output
    for row in report["rows"][:-1]:
        assert row["nonzeros"] == quantize(arrays[row["layer"]], bits=4).nonzeros


@pytest.mark.usefixtures("small")
def test_weights_that_are_all_zero(tmp_path):
    path = tmp_path / "weights.npz"
    np.savez(path, **{name: np.zeros(shape.weight_shape) for name, shape in SHAPES.items()})
    report, _ = compared(tmp_path, "--bits", "4", "--checkpoint", path, "--plots", tmp_path / "p")
    assert report["rows"][-1]["utilisation"] == 0


@pytest.mark.parametrize("table", Table)
def test_synthetic_weights_are_like_a_table(table):
    weights = network_weights(None, table=table, seed=3)
    assert weights.description == DESCRIPTIONS[table]
    layers = small_table("rfcn-resnet50")
    for number, layer in enumerate(layers):
        rpn = {Table.RESIDUAL: False, Table.RPN: True}.get(table, layer.name == "rpn_conv/3x3")
        expected = (TABLE_3_3 if rpn else TABLE_3_2).weights(
            layer.shape.weight_shape, seed=3 + number
        )
        assert (weights.of(layer, number) == expected).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--net", "vgg16"), ("vgg16", "rfcn-resnet50")),
        (("--net", "rfcn-resnet50,,"), ("--net",)),
        (("--bits", "4,x"), ("--bits", "'x'")),
        (("--bits", "9"), ("bits", "9")),
        (("--bits", ""), ("--bits",)),
        (("--image", "600"), ("--image", "HEIGHTxWIDTH")),
        (("--method", "round"), ("round", "lbw")),
        (("--preset", "huge"), ("huge", "tiny")),
        (("--bandwidth", "0"), ("--bandwidth", "'0'")),
        (("--bandwidth", "fast"), ("--bandwidth", "'fast'")),
        (("--checkpoint", "missing.npz"), ("missing.npz",)),
    ],
)
def test_a_fault_is_one_sentence(arguments, words, small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sentence = fault("compare", "--preset", "tiny", "--json", "out.json", *arguments)
    for word in words:
        assert word in sentence
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("small")
def test_faults_in_a_checkpoint_name_the_layer(tmp_path):
    arrays = {name: np.ones(shape.weight_shape) for name, shape in SHAPES.items()}
    path = tmp_path / "weights.npz"

    def sentence(**changed):
        np.savez(path, **{**arrays, **changed})
        return fault("compare", "--preset", "tiny", "--checkpoint", path)

    assert "conv1" in sentence(conv1=np.ones((8, 3, 1, 1)))
    assert "(8, 3, 3, 3)" in sentence(conv1=np.ones((8, 3, 1, 1)))
    bad = arrays["conv1"].copy()
    bad[1, 2, 0, 0] = np.nan
    assert "conv1: weights hold nan" in sentence(conv1=bad)
    del arrays["res2a_branch2a"]
    assert "no array for the layer res2a_branch2a" in sentence()


def test_a_layer_that_does_not_fit_is_named(small, monkeypatch):
    tiny = preset("tiny")
    monkeypatch.setitem(preset.__globals__["PRESETS"], "tiny", dataclasses.replace(tiny, depth=16))
    assert "rpn_conv/3x3: a 3x3 kernel over 6 channels" in fault("compare", "--preset", "tiny")


@pytest.mark.usefixtures("small")
def test_a_malformed_board_report(tmp_path):
    (tmp_path / "int8.json").write_text("{}")
    sentence = fault("compare", "--preset", "tiny", "--reports", tmp_path)
    assert "int8.json lacks the field 'design'" in sentence


@pytest.mark.slow
@pytest.mark.parametrize("net", NETS)
def test_whole_networks_reach_their_goals(net, tmp_path):
    outcome = run(
        "compare", "--net", net, "--bits", "4,6", "--table", "3.2", "--json", tmp_path / "c.json"
    )
    assert outcome.status == 0, outcome.errors
    assert "No layer and no network falls short" in outcome.output
    rows = json.loads((tmp_path / "c.json").read_text())["rows"]
    assert len(rows) == 2 * (1 + len(layer_table(net)))
    for row in rows:
        assert row["utilisation"] >= (0.92 if row["layer"] == "total" else 0.75)
        if row["bits"] == 4:
            assert row["density"] == pytest.approx(1 - 0.82882, abs=1e-3)
