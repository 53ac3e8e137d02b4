"""Runs a script like torch_train.py for one network, in this process, and prints its JSON with the peak memory.

The script supports `mbconv` and `basic` blocks; this wrapper adds `fused_mbconv`: a k x k convolution to the expanded width
instead of 1x1 and depthwise; with expand = 1 directly to the output width, without projection. On a GPU, the clock first
waits for all submitted work.
"""

import argparse
import importlib.util
import json
import resource
import time
from types import SimpleNamespace

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("script")
parser.add_argument("--networks", required=True)
parser.add_argument("--only", required=True)
parser.add_argument("--threads", type=int, required=True)
parser.add_argument("--steps", type=int, required=True)
parser.add_argument("--warmup", type=int, required=True)
parser.add_argument("--device", choices=["cpu", "cuda", "mps", "xpu"], default="cpu")
args = parser.parse_args()

spec = importlib.util.spec_from_file_location("peer", args.script)
peer = importlib.util.module_from_spec(spec)
spec.loader.exec_module(peer)


class FusedMBConv(peer.nn.Module):
    def __init__(self, cin, b):
        super().__init__()
        nn, filters = peer.nn, b["filters"]
        mid = filters if b["expand"] == 1 else cin * b["expand"]
        layers = [peer.conv(cin, mid, b["kernel"], b["stride"]), nn.BatchNorm2d(mid), peer.ACT[b["act"]]()]
        if b["se"]:
            layers.append(peer.SqueezeExcite(mid, b["se"]))
        if b["expand"] != 1:
            layers += [peer.conv(mid, filters, 1), nn.BatchNorm2d(filters)]
        self.body, self.residual = nn.Sequential(*layers), b["stride"] == 1 and cin == filters

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


own = peer.MBConv
peer.MBConv = lambda cin, b: (FusedMBConv if b.get("fused") else own)(cin, b)

device = args.device
if device != "cpu":
    torch = peer.torch
    accelerator = getattr(torch, device)
    if not (torch.backends.mps if device == "mps" else accelerator).is_available():
        parser.error(f"PyTorch {torch.__version__} finds no device for --device {device}")
    # The script creates weights, images and labels on the default device.
    torch.set_default_device(device)

    def perf_counter():
        accelerator.synchronize()
        return time.perf_counter()

    peer.time = SimpleNamespace(perf_counter=perf_counter)
    device = device if device == "mps" else f"{device}: {accelerator.get_device_name()}"

with open(args.networks) as file:
    [network] = [n for n in json.load(file)["networks"] if n["name"] == args.only]
for block in network["blocks"]:
    if block["type"] == "fused_mbconv":
        block.update(type="mbconv", fused=True)

timing = peer.time_network(network, args.threads, args.steps, args.warmup)
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({**timing, "memory_mib": memory, "device": device}))
