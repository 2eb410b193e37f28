"""The `zeroshift` command."""

import typer

from cli import (
    area,
    build,
    compare,
    compile,
    demo,
    detect,
    disassemble,
    evaluate,
    export,
    quantize,
    run,
    shapes,
    simulate,
    stats,
    train,
    verilog,
)
from cli.console import USER_FAULTS, errors, tell

app = typer.Typer(
    name="zeroshift",
    help="An accelerator for convolutions whose weights are zero or powers of two.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for command in (
    quantize, stats, shapes, train, evaluate, export, detect, compile, disassemble, simulate,
    compare, area, build, run, verilog, demo,
):  # fmt: skip
    command.register(app)


def main() -> None:
    """Run the command line; a fault of the user's ends in one sentence and status 1."""
    try:
        app()
    except USER_FAULTS as fault:
        tell(fault)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        errors.print("interrupted")
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
