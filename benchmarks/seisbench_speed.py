"""Time SeisBench's PhaseNet on a file, in SeisBench's own environment: FILE THREADS REPEATS; called by picking_speed.

Prints peak memory in GB and the seconds of each repeat.
"""

from __future__ import annotations

import resource
import sys
import time


def main() -> None:
    import obspy
    import torch
    from seisbench.models import PhaseNet

    path, threads, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(threads)
    stream = obspy.read(path)
    model = PhaseNet(phases="NPS").eval()
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        model.annotate(stream.copy())
        seconds.append(time.perf_counter() - began)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, *seconds)


if __name__ == "__main__":
    main()
