"""Trains torchvision's classifiers on photographs that are normalised in known ways, and exports them.

Every second photograph of each class is learned from; the others are linked into OUT/others, as a folder of classes. Writes
NAME.train.onnx (all nodes of training), NAME.onnx (batch norms folded into convolutions), and index.json: of each network its
normalisation, its steps and its accuracy on the other photographs.
"""

import argparse
import io
import json
import os
import time

import numpy
import torch
import torchvision.models as models
from PIL import Image
from torch import nn

FAMILIES = [
    "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "mnasnet0_5", "shufflenet_v2_x0_5", "resnet18",
    "regnet_y_400mf", "densenet121", "googlenet", "vgg11_bn", "squeezenet1_1",
]
NORMALISATIONS = {
    "images in [0, 1]": lambda data: ([0.0] * 3, [1.0] * 3),
    "images in [-1, 1]": lambda data: ([0.5] * 3, [0.5] * 3),
    "ImageNet's mean and deviation": lambda data: ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    "images in [0, 255]": lambda data: ([0.0] * 3, [1 / 255] * 3),
    "the data's own mean and deviation": lambda data: data,
}


def build(name, classes):
    torch.manual_seed(0)
    own = {"aux_logits": False, "init_weights": True} if name == "googlenet" else {}
    model = models.get_model(name, weights=None, num_classes=classes, **own)
    if name == "vgg11_bn":
        model.avgpool = nn.AdaptiveAvgPool2d(1)
        model.classifier = nn.Sequential(nn.Linear(512, 256), nn.ReLU(), nn.Dropout(), nn.Linear(256, classes))
    for module in model.modules():
        # MNASNet's own 0.0003 would leave the statistics of a short training at their initial values.
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.1
    return model


def images_of(folder, size, others):
    """Images to learn from and other ones, [N, 3, size, size] in [0, 1], with labels; links the other ones."""
    parts = ([], []), ([], [])
    classes = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    for label, name in enumerate(classes):
        os.makedirs(os.path.join(others, name), exist_ok=True)
        for index, file in enumerate(sorted(os.listdir(os.path.join(folder, name)))):
            path = os.path.join(folder, name, file)
            pixels = numpy.asarray(Image.open(path).convert("RGB").resize((size, size), Image.Resampling.BILINEAR))
            part = parts[index % 2]
            part[0].append(pixels)
            part[1].append(label)
            link = os.path.join(others, name, file)
            if index % 2 == 1 and not os.path.exists(link):
                os.symlink(os.path.realpath(path), link)
    return len(classes), [
        (torch.from_numpy(numpy.stack(pixels)).permute(0, 3, 1, 2).float() / 255, torch.tensor(labels))
        for pixels, labels in parts
    ]


def trained(model, images, labels, args):
    """SGD with a rate that falls to zero over some seconds of processor time; returns the number of steps."""
    optimizer = torch.optim.SGD(model.parameters(), lr=args.rate, momentum=0.9, weight_decay=1e-4)
    model.train()
    began, steps, order = time.process_time(), 0, torch.randperm(len(labels))
    while (share := (time.process_time() - began) / args.seconds) < 1:
        at = steps * args.batch % (len(labels) - args.batch)
        batch = order[at : at + args.batch]
        flipped = images[batch].flip(3) if steps % 2 else images[batch]
        for group in optimizer.param_groups:
            group["lr"] = args.rate * min(1 - share, (steps + 1) / 20)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(flipped), labels[batch]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        steps += 1
    return steps


def export(model, size, path, **options):
    buffer = io.BytesIO()
    axes = {"images": {0: "N"}, "logits": {0: "N"}}
    torch.onnx.export(
        model, torch.zeros(1, 3, size, size), buffer, dynamo=False, opset_version=17, input_names=["images"],
        output_names=["logits"], dynamic_axes=axes, **options,
    )
    with open(path, "wb") as file:
        file.write(buffer.getvalue())


def main(args):
    torch.set_num_threads(1)
    classes, [(images, labels), (other, truth)] = images_of(args.images, args.size, os.path.join(args.out, "others"))
    data = [images.mean((0, 2, 3)).tolist(), images.std((0, 2, 3)).tolist()]
    index_path = os.path.join(args.out, "index.json")
    index = {}
    for position, name in enumerate(FAMILIES):
        if args.only and name not in args.only:
            continue
        normalisation = list(NORMALISATIONS)[(position + args.turn) % len(NORMALISATIONS)]
        mean, std = [torch.tensor(each).reshape(1, 3, 1, 1) for each in NORMALISATIONS[normalisation](data)]
        model = build(name, classes)
        steps = trained(model, (images - mean) / std, labels, args)
        model.eval()
        with torch.no_grad():
            right = [
                (model((other[at : at + 64] - mean) / std).argmax(1) == truth[at : at + 64]).sum().item()
                for at in range(0, len(truth), 64)
            ]
        base = os.path.join(args.out, name)
        export(model, args.size, base + ".onnx")
        export(model, args.size, base + ".train.onnx", training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
        index[name] = {"normalisation": normalisation, "steps": steps, "accuracy": sum(right) / len(truth)}
        print(name, index[name], flush=True)
        with open(index_path, "w") as file:
            json.dump(index, file, indent=1)


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--images", required=True, help="a folder of images for each class")
parser.add_argument("--out", required=True)
parser.add_argument("--only", nargs="*", choices=FAMILIES)
parser.add_argument("--turn", type=int, default=0, help="shifts which network has which normalisation")
parser.add_argument("--seconds", type=float, default=60, help="processor time of each training")
parser.add_argument("--size", type=int, default=64)
parser.add_argument("--batch", type=int, default=32)
parser.add_argument("--rate", type=float, default=0.02)
main(parser.parse_args())
