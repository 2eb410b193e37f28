"""`zeroshift demo`: R-FCN's layer shapes on the simulated array, with a table and a picture."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli.console import JsonOption, UsageError, console, write_json
from cli.demo_detections import show_detections
from cli.layers import Selection
from cli.pictures import draw_cycles
from cli.quantization import Quantization
from cli.simulate import layer_report, simulate_layer
from golden.synthetic import DESCRIPTION, table_3_2_weights
from golden.weights import integer_terms
from params import preset
from rfcn.layers import find_layer
from sim.engine import Engine

NET = "rfcn-resnet50"
LAYERS = (
    ("conv1", 40, 216),
    ("res2b_branch2a", 16, 54),
    ("res2b_branch2b", 15, 53),
    ("res3a_branch1", 16, 54),
    ("res4b_branch2b", 10, 50),
    ("res4b_branch2c", 15, 50),
    ("res5b_branch2b", 6, 50),
    ("rpn_conv/3x3", 2, 50),
    ("rfcn_cls", 6, 50),
    ("rfcn_bbox", 6, 50),
)
"""One layer of every shape class, all channels, and the height and width its input is cropped to.

The crops fill the lanes about as the whole images do.
"""

EPILOG = """Examples:

zeroshift demo

zeroshift demo --bits 6 --preset ulx3s-dense --output build/demo6

zeroshift demo --images 0
"""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("demo", epilog=EPILOG)(demo_command)


def demo_command(
    bits: Annotated[int, typer.Option(help="Bits per weight, 2 to 6.")] = 4,
    method: Annotated[str, typer.Option(help="Quantizer: lbw, exact or inq.")] = "lbw",
    preset_name: Annotated[str, typer.Option("--preset", help="The array.")] = "ulx3s",
    engine: Annotated[Engine, typer.Option(help="Simulator.")] = Engine.VERILATOR,
    seed: Annotated[int, typer.Option(help="Of weights and images.")] = 0,
    images: Annotated[
        int, typer.Option(help="Images on which the tiny detector runs, 0 for none.")
    ] = 2,
    folder: Annotated[Path, typer.Option("--output", "-o", help="Folder for the pictures.")] = Path(
        "build/demo"
    ),
    json_path: JsonOption = None,
) -> None:
    """Run layers of R-FCN on the RTL, bit for bit against the golden model, and a whole detector.

    First one layer of each of R-FCN's shapes with synthetic weights, then a small trained network
    whose detections are drawn beside those of its float twin.
    """
    if images < 0:
        raise UsageError(f"--images is {images}, but must be at least 0")
    quantization = Quantization(bits=bits, method=method)
    rows = []
    table = Table(
        title=f"{NET} on {preset_name}, {bits}-bit {method} weights, cropped images",
        caption=f"weights: {DESCRIPTION}\nno skip: cycles of the same array for all weights, "
        "zeros too; utilisation: nonzeros x pixels / PEs / cycles",
    )
    for name in (
        "layer",
        "shape",
        "exact",
        "cycles",
        "no skip",
        "fewer",
        "nonzero",
        "lanes used",
        "utilisation",
    ):
        justify = "left" if name in ("layer", "shape", "exact") else "right"
        table.add_column(name, justify=justify, no_wrap=True)
    for name, height, width in LAYERS:
        layer = find_layer(NET, name)
        shape = layer.shape.cropped(height, width)
        selection = Selection(
            name=name,
            shape=shape,
            signed_input=layer.signed_input,
            signed_output=layer.signed_output,
        )
        weights = quantization.apply(table_3_2_weights(shape.weight_shape, seed=seed))
        config = preset(preset_name, levels=integer_terms(weights)[2])
        _, program, result = simulate_layer(
            selection, weights, config=config, engine=engine, seed=seed, stalls=0.0
        )
        report = layer_report(selection, program, result)
        kernel = f"{shape.kernel[0]}x{shape.kernel[1]}"
        stride = f"/{shape.stride[0]}" if shape.stride[0] > 1 else ""
        dilated = f" dil. {shape.dilation[0]}" if shape.dilation[0] > 1 else ""
        size = f"{kernel}{stride}{dilated}, {shape.cin}>{shape.cout}"
        report["label"] = f"{name}\n{size}"
        rows.append(report)
        table.add_row(
            name, size, "[green]yes[/]" if result.bit_exact else f"[red]{result.mismatch}[/]",
            f"{report['cycles']:,}", f"{report['dense_cycles']:,}",
            f"{report['speedup_over_dense']:.1f}x", f"{report['density']:.1%}",
            f"{report['lane_packing']:.1%}", f"{report['utilisation']:.1%}",
        )  # fmt: skip
    console.print(table)
    picture = folder / "cycles.png"
    draw_cycles(
        picture, rows,
        title=f"Cycles per layer: {NET}, {bits} bits, {preset_name} (cropped images)",
        source=DESCRIPTION,
    )  # fmt: skip
    console.print(f"picture: {picture}")
    wrong = [row["layer"] for row in rows if not row["bit_exact"]]
    if wrong:
        raise UsageError(f"the array differs from the golden model in {', '.join(wrong)}")
    detections = None
    if images:
        detections = show_detections(
            folder, preset_name=preset_name, engine=engine, images=images, seed=seed
        )
    write_json(
        json_path,
        {"net": NET, "preset": preset_name, **quantization.report(), "weights": DESCRIPTION,
         "engine": str(engine), "seed": seed, "layers": rows, "detections": detections},
    )  # fmt: skip
