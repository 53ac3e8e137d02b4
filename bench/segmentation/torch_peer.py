"""Trains torchvision's LR-ASPP on MobileNetV3-Large (Howard et al. 2019) from nothing, for a number of CPU seconds or of steps.

Reads images.npy [n, h, w, c] uint8, masks.npy [n, h, w] uint8 (255: ignored), and splits.json (train, validation, test: rows; classes:
names). AdamW with a one-cycle schedule over the time, cross-entropy, random flips, scales and shifts. Prints one line of JSON:
`iou` of each class on the scored images, whose logits torchvision upsamples to the input; `miou`, their mean; `foreground`, the mean
without the first class; `macs`, `params`, `steps`, `seconds`.
"""

import argparse
import json
import os
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import mobilenetv3
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.segmentation.lraspp import LRASPP


def lraspp(classes, channels, width):
    """torchvision's own constructor, with a width."""
    setting, last = mobilenetv3._mobilenet_v3_conf("mobilenet_v3_large", width_mult=width, dilated=True)
    backbone = mobilenetv3.MobileNetV3(setting, last).features
    if channels != 3:
        stem = backbone[0][0]
        backbone[0][0] = nn.Conv2d(channels, stem.out_channels, 3, 2, 1, bias=False)
    stages = [0] + [i for i, block in enumerate(backbone) if getattr(block, "_is_cn", False)] + [len(backbone) - 1]
    low, high = stages[-4], stages[-1]
    body = IntermediateLayerGetter(backbone, return_layers={str(low): "low", str(high): "high"})
    return LRASPP(body, backbone[low].out_channels, backbone[high].out_channels, classes)


def macs_of(model, image):
    total = 0

    def count(module, _, output):
        nonlocal total
        if isinstance(module, nn.Conv2d):
            kernel = module.kernel_size[0] * module.kernel_size[1]
            total += output.numel() * kernel * module.in_channels // module.groups

    hooks = [module.register_forward_hook(count) for module in model.modules()]
    model.eval()
    with torch.no_grad():
        model(image)
    for hook in hooks:
        hook.remove()
    return total


def moved(images, masks):
    """Each image scaled by 0.8 to 1.25, shifted by a tenth, and mirrored on both axes by chance; outside, the mask is 255."""
    n = len(images)
    scale = torch.exp(torch.empty(n).uniform_(-0.22, 0.22))
    flips = [torch.where(torch.rand(n) < 0.5, -1.0, 1.0) for _ in range(2)]
    shift = torch.empty(n, 2).uniform_(-0.2, 0.2)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1], theta[:, :, 2] = flips[0] / scale, flips[1] / scale, shift
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    inside = F.grid_sample(torch.ones_like(images[:, :1]), grid, mode="nearest", align_corners=False)[:, 0] > 0.5
    labels = F.grid_sample(masks[:, None].float(), grid, mode="nearest", align_corners=False)[:, 0].long()
    labels[~inside] = 255
    return F.grid_sample(images, grid, align_corners=False), labels


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--seconds", type=float, help="CPU seconds of training")
    length.add_argument("--steps", type=int, help="the number that a quiet machine takes in a time, for a busy one")
    parser.add_argument("--width", type=float, default=1)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scored", default="test")
    parser.add_argument("--balanced", action="store_true", help="draw images by the last class in their masks, each class alike")
    parser.add_argument("--onnx", help="file for the trained network")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    images = np.load(os.path.join(options.data, "images.npy"))
    masks = torch.from_numpy(np.load(os.path.join(options.data, "masks.npy")))
    with open(os.path.join(options.data, "splits.json")) as file:
        splits = json.load(file)
    classes = len(splits["classes"])
    train = np.array(splits["train"])
    scale = images[train].astype(np.float32)
    mean, std = scale.mean((0, 1, 2)), scale.std((0, 1, 2))
    inputs = torch.from_numpy(((images - mean) / std).astype(np.float32)).permute(0, 3, 1, 2).contiguous()
    model = lraspp(classes, inputs.shape[1], options.width)
    macs = macs_of(model, inputs[:1])

    rare = torch.tensor([int(masks[row][masks[row] != 255].max()) if (masks[row] != 255).any() else 0 for row in train])
    weights = 1 / torch.bincount(rare, minlength=classes)[rare].float()

    def drawn():
        if not options.balanced:
            return torch.randperm(len(train))
        return torch.multinomial(weights, len(train), replacement=True)

    optimizer = torch.optim.AdamW(model.parameters(), lr=options.rate, weight_decay=0.01)
    begin, steps, share = time.process_time(), 0, 0.0
    model.train()
    while share < 1:
        for rows in torch.from_numpy(train)[drawn()].split(options.batch):
            share = steps / options.steps if options.steps else (time.process_time() - begin) / options.seconds
            if share >= 1 or len(rows) < 2:
                break
            warm = share / 0.1 if share < 0.1 else 0.5 * (1 + np.cos(np.pi * (share - 0.1) / 0.9))
            for group in optimizer.param_groups:
                group["lr"] = options.rate * max(warm, 1e-3)
            x, y = moved(inputs[rows], masks[rows])
            loss = F.cross_entropy(model(x)["out"], y, ignore_index=255)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            steps += 1
    seconds = time.process_time() - begin

    model.eval()
    confusion = torch.zeros(classes, classes, dtype=torch.long)
    with torch.no_grad():
        for rows in torch.tensor(splits[options.scored]).split(32):
            found, wanted = model(inputs[rows])["out"].argmax(1), masks[rows].long()
            known = wanted != 255
            pairs = wanted[known] * classes + found[known]
            confusion += torch.bincount(pairs, minlength=classes * classes).view(classes, classes)
    right = confusion.diag().float()
    union = confusion.sum(0) + confusion.sum(1) - confusion.diag()
    iou = [float(r / u) if u > 0 else None for r, u in zip(right, union)]
    mean_of = lambda values: float(np.mean([value for value in values if value is not None]))
    params = sum(p.numel() for p in model.parameters())
    if options.onnx is not None:

        class Logits(nn.Module):
            def __init__(self):
                super().__init__()
                self.model = model

            def forward(self, x):
                return self.model(x)["out"]

        torch.onnx.export(Logits().eval(), inputs[:1], options.onnx, input_names=["images"], output_names=["classes"])
    result = {"iou": iou, "miou": mean_of(iou), "foreground": mean_of(iou[1:])}
    print(json.dumps({**result, "macs": macs, "params": params, "steps": steps, "seconds": seconds}))


main()
