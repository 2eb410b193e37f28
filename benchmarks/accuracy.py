"""Train, quantize, retrain and evaluate the tiny detector: how much accuracy each width costs.

    python -m benchmarks.accuracy [--folder DIR] [--bits B ...] [--methods M ...] [--images N]
                                  [--jobs J] [--json FILE]

Renders the data set, trains a float network, and for each width and quantizer evaluates it as it
is, retrained, and retrained and exported to integers. What is done already is found again in the
folder, and a training that was cut off goes on, so the command can be stopped and given again.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.table import Table

from cli.console import console, errors, progress_bar, write_json
from cli.datasets import DataOptions, read_data
from golden.layer import IntegerConv
from golden.network import IntegerNetwork
from golden.network_files import read_network, write_network
from rfcn.boxes.detections import Detections
from rfcn.data.evaluation import METRICS, OVERLAPS, evaluate
from rfcn.data.images import load_image, prepare
from rfcn.data.voc import Sample
from rfcn.integer import IntegerDetector
from rfcn.quantized.settings import Recipe, WeightSettings

NET = "rfcn-tiny"
SHOWN = "area"
"""The average precision of the table."""

CALIBRATION_IMAGES = 64
FLOAT_BITS = 32

ALLOWED_LOSS = {6: 1.0, 5: 1.0, 4: 2.0}
"""Points of mAP@.5 that a retrained network may be below the float one."""

ALLOWED_INTEGER_LOSS = 1.0
"""Points of mAP@.5 that integers may cost against the same network with float activations."""


def main() -> None:
    """Train what is missing, evaluate, and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=Path("build/accuracy"))
    parser.add_argument("--bits", type=int, nargs="+", default=[6, 5, 4, 3, 2])
    parser.add_argument("--methods", nargs="+", default=["lbw", "exact"])
    parser.add_argument("--images", type=int, help="evaluate on the first so many")
    parser.add_argument("--jobs", type=int, default=2, help="trainings side by side")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    folder = arguments.folder
    data = folder / "shapes"
    _command("shapes", str(data))
    base = folder / "float"
    _train(base, ["--net", NET, "--data", str(data)])
    start = base / "network.pt"
    cases = [(method, bits) for method in arguments.methods for bits in arguments.bits]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        waiting = [
            pool.submit(
                _train,
                _folder(folder, case),
                ["--data", str(data), "--start", str(start), "--method", case[0],
                 "--bits", str(case[1])],
            )
            for case in cases
        ]  # fmt: skip
        for training in waiting:
            training.result()

    import torch

    torch.set_num_threads(1)
    network = _model(start).network
    test = read_data(DataOptions(folder=data, years=None, split="test"), network)
    samples = test[: arguments.images] if arguments.images else test
    calibration = _calibration(data, network)
    rows = []
    with progress_bar() as bar:
        task = bar.add_task("evaluating", total=1 + 3 * len(cases))
        rows.append({"method": "float", "bits": FLOAT_BITS, **_float_row(start, samples)})
        bar.advance(task)
        for case in cases:
            rows.append(_row(folder, case, start, samples, calibration, lambda: bar.advance(task)))
    console.print(_table(rows, len(samples)))
    failures = _failures(rows)
    for failure in failures:
        errors.print(failure, highlight=False)
    write_json(arguments.json, {"net": NET, "images": len(samples), "rows": rows})


def _folder(folder: Path, case: tuple[str, int]) -> Path:
    return folder / f"{case[0]}-{case[1]}"


def _command(*arguments: str) -> None:
    """Run a `zeroshift` command in a process of its own."""
    errors.print(f"zeroshift {' '.join(arguments)}", highlight=False)
    subprocess.run([sys.executable, "-m", "cli.main", *arguments], check=True, stdout=sys.stderr)


def _train(output: Path, options: Sequence[str]) -> None:
    """Train unless it is done; go on where a training has begun."""
    if (output / "network.pt").exists():
        return
    if (output / "checkpoint.pt").exists():
        data = options[options.index("--data") + 1]
        _command("train", "--data", data, "--output", str(output), "--resume")
    else:
        _command("train", *options, "--output", str(output))


def _model(path: Path):
    from rfcn.training.checkpoints import read_checkpoint
    from rfcn.training.trained import trained_network

    return trained_network(read_checkpoint(path), path)[0]


def _calibration(data: Path, network) -> list:
    train = read_data(DataOptions(folder=data, years=None, split="train"), network)
    chosen = [train[n * len(train) // CALIBRATION_IMAGES] for n in range(CALIBRATION_IMAGES)]
    return [prepare(load_image(sample.path), network)[0] for sample in chosen]


def _means(model, samples: Sequence[Sample]) -> dict[str, list[float]]:
    from rfcn.training.evaluator import detections

    return _scores(detections(model, samples), samples, model.network.class_names)


def _scores(
    found: Sequence[Detections], samples: Sequence[Sample], names: Sequence[str]
) -> dict[str, list[float]]:
    """Mean average precision in percent for each overlap, by metric."""
    return {
        metric: [
            100 * evaluate(found, samples, names, iou=overlap, metric=metric).mean
            for overlap in OVERLAPS
        ]
        for metric in METRICS
    }


def _float_row(path: Path, samples: Sequence[Sample]) -> dict:
    model = _model(path)
    weights = sum(layer.weight.numel() for layer in model.convolutions.values())
    return {"plain": _means(model, samples), "density": 1.0, "bytes": weights * FLOAT_BITS // 8}


def _row(
    folder: Path,
    case: tuple[str, int],
    start: Path,
    samples: Sequence[Sample],
    calibration: list,
    done: Callable[[], None],
) -> dict:
    """A width and a quantizer: as it is, retrained, and in integers."""
    from rfcn.export.export import export
    from rfcn.quantized.training import QuantizedTraining

    method, bits = case
    plain = _model(start)
    QuantizedTraining(plain, Recipe(weights=WeightSettings(bits=bits, method=method)))
    row = {"method": method, "bits": bits, "plain": _means(plain, samples)}
    done()
    path = _folder(folder, case) / "network.pt"
    retrained = _model(path)
    row["retrained"] = _means(retrained, samples)
    done()
    origin = f"{NET} retrained with {bits}-bit {method} weights"
    write_network(
        path.with_name("integer.npz"), export(retrained, images=calibration, origin=origin)
    )
    integer = read_network(path.with_name("integer.npz"))
    row["integer"] = _integer_means(integer, samples)
    done()
    layers = [node.layer for node in integer.nodes if isinstance(node.layer, IntegerConv)]
    weights = sum(layer.shape.weights for layer in layers)
    nonzeros = sum(layer.nonzeros for layer in layers)
    # A mask bit for every weight, and sign and exponent for those that are not zero.
    code = 1 + (max(layer.levels for layer in layers) - 1).bit_length()
    row["density"] = nonzeros / weights
    row["bytes"] = -(-(weights + code * nonzeros) // 8)
    return row


def _integer_means(network: IntegerNetwork, samples: Sequence[Sample]) -> dict[str, list[float]]:
    detector = IntegerDetector(network)
    found = [detector.detect(load_image(sample.path)) for sample in samples]
    return _scores(found, samples, detector.description.class_names)


def _failures(rows: list[dict]) -> list[str]:
    """What falls short, in sentences."""
    target = rows[0]["plain"][SHOWN][0]
    found = []
    for row in rows[1:]:
        name, allowed = f"{row['bits']} bits, {row['method']}", ALLOWED_LOSS.get(row["bits"])
        retrained, integer = row["retrained"][SHOWN][0], row["integer"][SHOWN][0]
        loss, integer_loss = target - retrained, retrained - integer
        if allowed is not None and loss > allowed:
            found.append(f"{name}: retrained {loss:.2f} points below float, {allowed:g} allowed")
        if integer_loss > ALLOWED_INTEGER_LOSS:
            found.append(
                f"{name}: integers {integer_loss:.2f} points below float activations, "
                f"{ALLOWED_INTEGER_LOSS:g} allowed"
            )
    return found


def _table(rows: list[dict], images: int) -> Table:
    table = Table(
        title=f"{NET} on {images} rendered images: mAP@.5 / @.75 in percent",
        caption="as it is: quantized without retraining; integers: retrained, with 8-bit "
        "activations; bytes: masks and codes\naverage precision: the area under the curve, for the "
        "11-point one of VOC 2007 (see --json) jumps by a point where a recall passes a tenth",
    )
    for name in ("weights", "as it is", "retrained", "integers", "density", "bytes"):
        table.add_column(name, justify="left" if name == "weights" else "right")
    for row in rows:
        name = "float" if row["method"] == "float" else f"{row['bits']} bits, {row['method']}"
        table.add_row(
            name,
            *(
                " / ".join(f"{value:.1f}" for value in row[key][SHOWN]) if key in row else ""
                for key in ("plain", "retrained", "integer")
            ),
            f"{row['density']:.1%}",
            f"{row['bytes']:,}",
        )
    return table


if __name__ == "__main__":
    main()
