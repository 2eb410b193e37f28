"""`zeroshift simulate`: a layer on the simulated array."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from boards.netlist import build_netlist_harness
from cli.console import JsonOption, UsageError, console, errors, progress_bar, write_json
from cli.layers import Selection, select_layer
from cli.quantization import Quantization
from cli.simulate_network import WholeOptions, simulate_whole
from cli.weights import find_quantized, layer_weights
from compiler import compile_layer
from compiler.cycles import count_cycles
from compiler.program import Program
from golden.array_files import read_arrays
from golden.quantize.int8 import quantize_int8
from golden.weights import integer_terms
from params import PRESETS, ArrayConfig, preset
from params.arithmetic import Arithmetic
from params.sdram import CHIPS
from sim.engine import Engine
from sim.simulate import SimulationResult, build_harness, simulate
from sim.workload import Weights, Workload, create_workload

PROGRESS_STEPS = 1000


def simulate_layer(
    selection: Selection,
    weights: Weights,
    *,
    config: ArrayConfig,
    engine: Engine,
    seed: int,
    stalls: float,
    waves: Path | None = None,
    netlist: bool = False,
) -> tuple[Workload, Program, SimulationResult]:
    """Weights through compiler, simulator and golden model, with progress shown.

    With `netlist` the array is what synthesis makes of it.
    """
    with errors.status(f"compiling {selection.name} for {config.name}"):
        workload = create_workload(
            selection.shape,
            weights,
            signed_input=selection.signed_input,
            signed_output=selection.signed_output,
            seed=seed,
        )
        program = compile_layer(workload.layer, config)
    what = f"{config.name}, synthesized" if netlist else config.name
    create = build_netlist_harness if netlist else build_harness
    with errors.status(f"building the {engine} simulation of {what} (kept for next time)"):
        harness = create(config, engine=engine, waves=waves is not None)
    with progress_bar() as bar:
        task = bar.add_task(f"simulating {selection.name}", total=PROGRESS_STEPS)
        result = simulate(
            program,
            workload.image,
            harness=harness,
            expected=workload.expected,
            seed=seed,
            stalls=stalls,
            waves=waves,
            progress=lambda share: bar.update(task, completed=int(share * PROGRESS_STEPS)),
        )
    return workload, program, result


def layer_report(selection: Selection, program: Program, result: SimulationResult) -> dict:
    """The figures of a simulated layer."""
    config, shape = program.config, selection.shape
    groups = -(-shape.cout // (config.rows * config.filters_per_row))
    dense = program.passes * groups * config.turns * shape.taps
    return {
        "layer": selection.name,
        "cin": shape.cin,
        "cout": shape.cout,
        "kernel": list(shape.kernel),
        "stride": list(shape.stride),
        "dilation": list(shape.dilation),
        "padding": list(shape.padding),
        "height": shape.height,
        "width": shape.width,
        "arithmetic": str(config.arithmetic),
        "levels": config.levels,
        "bit_exact": result.bit_exact,
        "mismatch": None if result.mismatch is None else str(result.mismatch),
        "cycles": result.cycles,
        "load_cycles": result.load_cycles,
        "model_cycles": count_cycles(program).cycles,
        "nonzeros": program.nonzeros,
        "density": program.nonzeros / shape.weights,
        "lower_bound_cycles": program.lower_bound_cycles,
        "utilisation": program.lower_bound_cycles / result.cycles,
        "lane_packing": program.lane_packing,
        "dense_cycles": dense,
        "speedup_over_dense": dense / result.cycles,
        "tiles": len(program.tiles),
        "passes": program.passes,
        "bits_per_weight": program.bits_per_weight,
        "sim_seconds": result.seconds,
        "sim_cycles_per_second": result.cycles_per_second,
    }


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("simulate", epilog=EPILOG)(simulate_command)


EPILOG = """Examples:

zeroshift simulate --layer res4a_branch2b --bits 4 --crop 14x14

zeroshift simulate --net rfcn-resnet101 --layer conv1 --bits 6 --preset ulx3s-dense --crop 64x64

zeroshift simulate --cin 5 --cout 7 --kernel 3 --padding 1 --height 9 --width 9 --preset tiny

zeroshift simulate --layer conv1 --crop 32x32 --weights weights.npz --waves conv1.fst

zeroshift simulate --layer res4a_branch2b --crop 4x12 --preset ulx3s-float32

zeroshift simulate --cin 3 --cout 2 --kernel 1 --height 4 --width 8 --preset tiny --netlist \\
    --engine icarus

zeroshift simulate --whole --net rfcn-tiny --image street.jpg --plots pictures

zeroshift simulate --whole --net rfcn-resnet50 --layers res3a_branch1:res3a_branch2c --stalls 0.1

zeroshift simulate --whole --net rfcn-tiny --sdram ulx3s --clock 100

zeroshift simulate --whole --net rfcn-resnet50 --parts 8 --folder build/resnet50 --json report.json
"""


def simulate_command(
    net: Annotated[str, typer.Option(help="Network of --layer.")] = "rfcn-resnet50",
    layer: Annotated[str | None, typer.Option(help="Layer of the network.")] = None,
    image: Annotated[
        str | None,
        typer.Option(
            help="Size, HxW, the network's usual one if not given; or a picture (--whole)."
        ),
    ] = None,
    crop: Annotated[str | None, typer.Option(help="Crop the layer's input to HxW.")] = None,
    cin: Annotated[int | None, typer.Option(help="Own layer: input channels.")] = None,
    cout: Annotated[int | None, typer.Option(help="Own layer: output channels.")] = None,
    kernel: Annotated[int | None, typer.Option(help="Own layer: kernel size.")] = None,
    stride: Annotated[int | None, typer.Option(help="Own layer: stride (1).")] = None,
    dilation: Annotated[int | None, typer.Option(help="Own layer: dilation (1).")] = None,
    padding: Annotated[int | None, typer.Option(help="Own layer: padding (0).")] = None,
    height: Annotated[int | None, typer.Option(help="Own layer: input height.")] = None,
    width: Annotated[int | None, typer.Option(help="Own layer: input width.")] = None,
    groups: Annotated[int | None, typer.Option(help="Own layer: groups (1).")] = None,
    signed_input: Annotated[
        bool | None,
        typer.Option("--signed-input/--unsigned-input", help="Sign of the input activations."),
    ] = None,
    signed_output: Annotated[
        bool | None,
        typer.Option("--signed-output/--relu", help="Signed outputs, or a ReLU."),
    ] = None,
    bits: Annotated[int, typer.Option(help="Bits per weight, 2 to 6.")] = 4,
    levels: Annotated[
        int | None, typer.Option(help="Magnitudes of a weight, instead of 2^(bits-2).")
    ] = None,
    method: Annotated[str, typer.Option(help="Quantizer: lbw, exact or inq.")] = "lbw",
    per_channel: Annotated[bool, typer.Option(help="A scale per output channel.")] = False,
    sparsity: Annotated[
        float, typer.Option(help="For exact: from its own density (0) to that of lbw (1).")
    ] = 0.0,
    terms: Annotated[int, typer.Option(help="Powers of two per weight, 1 or 2.")] = 1,
    weights: Annotated[
        Path | None,
        typer.Option(help="Float or quantized weights: .npz, .npy or a torch state dict."),
    ] = None,
    array: Annotated[
        str | None, typer.Option(help="Array in --weights; the layer's name if not given.")
    ] = None,
    preset_name: Annotated[
        str, typer.Option("--preset", help=f"Array: {', '.join(PRESETS)}.")
    ] = "ulx3s",
    engine: Annotated[Engine, typer.Option(help="Simulator.")] = Engine.VERILATOR,
    netlist: Annotated[
        bool, typer.Option("--netlist", help="The array as synthesized for an ECP5, in its cells.")
    ] = False,
    whole: Annotated[
        bool, typer.Option("--whole", help="All layers of --net, on the system with its memory.")
    ] = False,
    network: Annotated[
        Path | None, typer.Option(help="With --whole: an exported network instead of --net.")
    ] = None,
    layers: Annotated[
        str | None, typer.Option(help="With --whole: only FIRST:LAST, names of layers.")
    ] = None,
    parts: Annotated[
        int, typer.Option(help="With --whole: cut into so many parts that run side by side.")
    ] = 1,
    workers: Annotated[int, typer.Option(help="With --parts: processes that run them.")] = 2,
    scheduler: Annotated[
        str | None, typer.Option(help="With --parts: address of a dask scheduler that runs them.")
    ] = None,
    reuse: Annotated[
        bool,
        typer.Option("--reuse", help="With --whole: maps share memory; only outputs are compared."),
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="With --whole: keep finished parts here; run again, it goes on where it stopped."
        ),
    ] = None,
    bus: Annotated[
        int | None,
        typer.Option(help="With --whole: bytes of the memory bus; 16, or what --sdram has."),
    ] = None,
    sdram: Annotated[
        str | None,
        typer.Option(help=f"With --whole: the memory is an SDRAM: {', '.join(CHIPS)}."),
    ] = None,
    clock: Annotated[float, typer.Option(help="With --sdram: MHz of system and SDRAM.")] = 100.0,
    latency: Annotated[int, typer.Option(help="With --whole: cycles to memory and back.")] = 10,
    plots: Annotated[
        Path | None, typer.Option(help="With --whole: folder for the timeline's pictures.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of weights, image and stalls.")] = 0,
    stalls: Annotated[
        float, typer.Option(help="Probability that a stream pauses in a cycle.")
    ] = 0.0,
    waves: Annotated[Path | None, typer.Option(help="Record all signals to this FST.")] = None,
    json_path: JsonOption = None,
) -> None:
    """Run a quantized layer on the RTL and check it against the golden model, bit for bit."""
    own = {
        "cin": cin, "cout": cout, "kernel": kernel, "stride": stride, "dilation": dilation,
        "padding": padding, "height": height, "width": width, "groups": groups,
    }  # fmt: skip
    if not 0 <= stalls < 1:
        raise UsageError(f"--stalls is {stalls}, but must be a probability of at least 0, below 1")
    if whole and netlist:
        raise UsageError("--netlist is for a layer on the array: leave out --whole")
    if netlist and engine != Engine.ICARUS:
        raise UsageError("the models of the cells are for Icarus: give --netlist --engine icarus")
    if whole:
        simulate_whole(
            WholeOptions(
                net=net, network=network, image=image, bits=bits, preset_name=preset_name,
                engine=engine, layers=layers, parts=parts, workers=workers, scheduler=scheduler,
                reuse=reuse, folder=folder, bus_bytes=bus, sdram=sdram, clock_mhz=clock,
                latency=latency, stalls=stalls, seed=seed, plots=plots, json_path=json_path,
            )
        )  # fmt: skip
        return
    selection = select_layer(
        net=net, layer=layer, own=own, image=image, crop=crop,
        signed_input=signed_input, signed_output=signed_output,
    )  # fmt: skip
    quantization = Quantization(
        bits=bits, levels=levels, method=method, per_channel=per_channel,
        sparsity=sparsity, terms=terms,
    )  # fmt: skip
    config = preset(preset_name)
    ready, source, how = _prepare(
        selection, config.arithmetic, quantization, path=weights, array=array, seed=seed
    )
    if not isinstance(ready, np.ndarray):
        config = preset(preset_name, levels=integer_terms(ready)[2])
    _, program, result = simulate_layer(
        selection, ready, config=config, engine=engine, seed=seed, stalls=stalls, waves=waves,
        netlist=netlist,
    )  # fmt: skip
    report = {
        "net": net if layer is not None else None,
        **layer_report(selection, program, result),
        "bits": bits if config.arithmetic == Arithmetic.SHIFT else None,
        "method": how,
        "weights": source,
        "preset": preset_name,
        "engine": str(engine),
        "netlist": netlist,
        "seed": seed,
        "stalls": stalls,
    }
    write_json(json_path, report)
    console.print(_table(report))
    if not result.bit_exact:
        raise UsageError(f"the array differs from the golden model: {result.mismatch}")


def _prepare(
    selection: Selection,
    arithmetic: Arithmetic,
    quantization: Quantization,
    *,
    path: Path | None,
    array: str | None,
    seed: int,
) -> tuple[Weights, str, str]:
    """The weights as an array takes them, where they come from, and how they were made."""
    shape, name = selection.shape.weight_shape, array or selection.name
    if path is not None and arithmetic == Arithmetic.SHIFT:
        ready = find_quantized(read_arrays(path), name)
        if ready is not None:
            if ready.shape != shape:
                raise UsageError(
                    f"the weights in {path} have shape {ready.shape}, but the layer needs {shape}"
                )
            return ready, str(path), "as in the file"
    floats, source = layer_weights(shape, path=path, name=name, seed=seed)
    match arithmetic:
        case Arithmetic.INT8:
            return quantize_int8(floats)[0], source, "int8 per output channel"
        case Arithmetic.FLOAT32:
            return floats.astype("float32"), source, "float32"
    return quantization.apply(floats), source, quantization.method


def _table(report: dict) -> Table:
    shape = (
        f"{report['cin']} to {report['cout']} channels, kernel {_pair(report['kernel'])}, "
        f"stride {_pair(report['stride'])}, dilation {_pair(report['dilation'])}, "
        f"{report['height']}x{report['width']} input"
    )
    levels = f", {report['levels']} levels" if report["bits"] is not None else ""
    model = "as the cycle model says"
    if report["cycles"] != report["model_cycles"]:
        model = f"{report['model_cycles']:,} without stalls"
    table = Table(title=f"{report['layer']} on {report['preset']}", show_header=False)
    for name, value in (
        ("layer", shape),
        ("weights", f"{report['weights']}; {report['method']}{levels}"),
        ("bit exact", "[green]yes[/]" if report["bit_exact"] else "[bold red]NO[/]"),
        ("cycles", f"{report['cycles']:,}, {model}"),
        ("lower bound", f"{report['lower_bound_cycles']:,} cycles"),
        ("utilisation", f"{report['utilisation']:.1%}"),
        ("lane packing", f"{report['lane_packing']:.1%}"),
        *_zero_skip(report),
        ("weight stream", f"{report['bits_per_weight']:.2f} bits per weight"),
        ("simulation", f"{report['sim_seconds']:.1f} s on {report['engine']}, "
                       f"{report['sim_cycles_per_second']:,.0f} cycles/s"),
    ):  # fmt: skip
        table.add_row(name, value)
    return table


def _zero_skip(report: dict) -> list[tuple[str, str]]:
    """Lines of the table on what the array skips; a dense one skips nothing."""
    if report["arithmetic"] != Arithmetic.SHIFT:
        return [("weights that take a step", f"{report['nonzeros']:,}: all, zeros too")]
    return [
        ("nonzeros", f"{report['nonzeros']:,} ({report['density']:.1%} of the weights)"),
        (
            "without zero-skip",
            f"{report['dense_cycles']:,} cycles, {report['speedup_over_dense']:.2f} times as many",
        ),
    ]


def _pair(pair: list[int]) -> str:
    return f"{pair[0]}x{pair[1]}"
