"""Train the starting network of pickers again: python -m benchmarks.train_starting_network OUT.safetensors.

It takes about half an hour on one core. No recording and no label enters. The same version of PyTorch on the same kind
of processor gives the file in the package; elsewhere rounding errors grow during the training.
"""

from __future__ import annotations

import sys
from pathlib import Path

from selfseis.io.atomic import replacing
from selfseis.pick.starting_network import train_starting_network
from selfseis.training import FitProgress


def report(progress: FitProgress) -> None:
    """Print the loss on validation windows."""
    step, loss = progress.history[-1]
    print(f"step {step} of {progress.max_steps}: loss {loss:.5f}", file=sys.stderr)


def main(out: Path) -> None:
    """Train, and write the weights."""
    from safetensors.torch import save_file

    net = train_starting_network(checkpoint=out.with_suffix(".checkpoint"), progress=report)
    with replacing(out) as temporary:
        save_file({name: value.contiguous() for name, value in net.state_dict().items()}, temporary)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
