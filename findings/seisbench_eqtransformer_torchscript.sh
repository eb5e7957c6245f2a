#!/usr/bin/env bash
# A traced EQTransformer of SeisBench is saved without an error and cannot be loaded again.
#
# One would guess: torch.jit.trace(model, example) and torch.jit.save give a file
#   that torch.jit.load reads, as for PhaseNet. The traced model itself returns
#   the same numbers as the original.
# What happens: the file is written, and every later load raises a RuntimeError
#   about aten::pad, "Expected a value of type 'Optional[float]' ... found type
#   'int'". EQTransformer pads before one pooling layer with -1e10 in place of
#   minus infinity. TorchScript writes whole floats from 1e10 on without a decimal
#   point, so that they are read as integers. Who traces on one machine and loads
#   on another meets it only there.
# Versions: seisbench 0.12.6 with torch 2.13.0.
# Source: seisbench, module "models.eqtransformer", class "Encoder"; torch,
#   serialisation of float constants. No public report was found.
# Advice: load the file once after saving it, or export with ONNX or as a state
#   dict. A padding value with a fraction during the trace, as below, helps too.
#
# Exit status: 0 while the behaviour is as described, 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    "seisbench==0.12.6" "torch==2.13.0"

cat > "$folder/show.py" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import torch

warnings.simplefilter("ignore")
import seisbench.models as sbm

for name in ("seisbench", "torch"):
    print(name, version(name))
folder = Path(sys.argv[1])
torch.manual_seed(0)  # random weights: the constant does not depend on them


def survives(name, model, n_samples):
    """Trace, save and load a model; return whether the loaded one gives the numbers of the original."""
    example = torch.randn(1, 3, n_samples)
    with torch.no_grad():
        traced = torch.jit.trace(model.eval(), example, check_trace=False)
        wanted, of_trace = model(example), traced(example)
        wanted, of_trace = (x[0] if isinstance(x, tuple) else x for x in (wanted, of_trace))
        torch.jit.save(traced, folder / f"{name}.pt")
        print(f"{name}: traced equals original: {torch.allclose(wanted, of_trace, atol=1e-6)}")
        try:
            loaded = torch.jit.load(folder / f"{name}.pt")(example)
        except RuntimeError as error:
            line = next(line for line in str(error).splitlines() if "Expected a value" in line)
            print(f"{name}: expected a model, obtained RuntimeError: {line.strip()}")
            return False
        loaded = loaded[0] if isinstance(loaded, tuple) else loaded
        print(f"{name}: loaded equals original: {torch.allclose(wanted, loaded, atol=1e-6)}")
        return True


phasenet = survives("PhaseNet", sbm.PhaseNet(), 3001)
plain = survives("EQTransformer", sbm.EQTransformer(), 6000)

pad = torch.nn.functional.pad


def pad_with_fraction(samples, sizes, mode="constant", value=None):
    return pad(samples, sizes, mode, -9999999999.5 if value == -1e10 else value)


torch.nn.functional.pad = pad_with_fraction
patched = survives("EQTransformer with a fraction", sbm.EQTransformer(), 6000)

as_described = phasenet and not plain and patched
print("behaviour as described" if as_described else "behaviour has CHANGED: retire this finding")
sys.exit(0 if as_described else 1)
PYTHON
SEISBENCH_CACHE_ROOT="$folder/cache" OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/show.py" "$folder"
