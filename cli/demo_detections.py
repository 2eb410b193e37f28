"""Detections of the demo: the float network beside its integer twin on the simulated array."""

from pathlib import Path

import numpy as np

from cli.boxes import Panel, draw_panels
from cli.console import console, progress_bar
from cli.detectors import Detector, rtl_detector, trained_detector
from cli.extras import require_torch, set_threads
from rfcn.data.scenes import render_scene
from rfcn.pretrained import FLOAT, INTEGER
from sim.engine import Engine
from sim.network import LayerRun

BITS = 4
THRESHOLD = 0.5


def show_detections(
    folder: Path, *, preset_name: str, engine: Engine, images: int, seed: int
) -> dict:
    """Detect on rendered images, every convolution on the RTL, and draw what was found.

    Parameters
    ----------
    folder : gets detections.png.
    preset_name, engine : of the array.
    images : how many are rendered.
    seed : of the images.

    Raises
    ------
    UsageError : torch is missing, or the array differs from the golden model.
    """
    require_torch("demo, but with --images 0,")
    set_threads(1)
    runs: list[LayerRun] = []
    with progress_bar() as bar:
        task = bar.add_task("detecting on the RTL", total=None)

        def done(run: LayerRun) -> None:
            runs.append(run)
            bar.update(task, completed=len(runs), description=f"{run.node.name} on the RTL")

        detectors = (
            trained_detector(FLOAT, THRESHOLD),
            rtl_detector(
                INTEGER[BITS], THRESHOLD, preset_name=preset_name, engine=engine, done=done
            ),
        )
        network = detectors[0].network
        scenes = [
            render_scene(np.random.default_rng((seed, n)), network.image_height)
            for n in range(images)
        ]
        panels = [
            _panel(scene.image, detector, first=n == 0)
            for n, scene in enumerate(scenes)
            for detector in detectors
        ]
    picture = folder / "detections.png"
    draw_panels(picture, panels, columns=len(detectors), width=384)
    cycles = sum(run.result.cycles for run in runs)
    bound = sum(run.program.lower_bound_cycles for run in runs)
    exact = sum(run.result.bit_exact for run in runs)
    console.print(
        f"{network.name}, {BITS}-bit weights, on {preset_name}: {exact} of {len(runs)} layers "
        f"bit-exact, {cycles // images:,} cycles an image, utilisation {bound / cycles:.1%}",
        highlight=False,
    )
    console.print(f"detections: {picture}", highlight=False)
    return {
        "net": network.name, "bits": BITS, "images": images, "layers": len(runs),
        "bit_exact": exact, "cycles": cycles, "lower_bound_cycles": bound,
    }  # fmt: skip


def _panel(image: np.ndarray, detector: Detector, *, first: bool) -> Panel:
    found = detector.find(image)
    return Panel(
        image=image, boxes=found.boxes, labels=found.labels,
        classes=detector.network.class_names, scores=found.scores,
        title=detector.title if first else "",
    )  # fmt: skip
