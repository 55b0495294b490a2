"""PyTorch eager on the CPU: one training step, or one forward pass, of a bottleneck ResNet in float32.

`bit-rDEPTHxWIDTH` is big_vision's BiT (ResNet v1): group normalisation (32 groups, eps 1e-6) in place of batch
normalisation, and kernels standardised for every output, (w - mean) / (std + 1e-5), at every use. Padding is even,
where big_vision's is "SAME": the same work, without a copy for it here. `resnet-DEPTH` is torchvision's: batch
normalisation, the stride in the 3x3 convolution. Stem 7x7/2 and max pool 3x3/2, 1000 classes. A step is the forward
pass, softmax cross-entropy on integer labels, the backward pass and AdamW (fused) on every parameter; inputs are
random and stay the same. `--layout` chooses how images lie in memory.

    python bench/peers/conv_torch.py --model bit-r50x1 --size 224 --batch 8 --work step --threads 2
"""

import argparse
import re

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from worker import CLASSES, LEARNING_RATE, WEIGHT_DECAY, parse_args, serve

UNITS = {26: (2, 2, 2, 2), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


def parse_conv(name: str) -> tuple[bool, tuple[int, ...], int]:
    """Whether it is a BiT, the units of each stage, and the width in channels."""
    match = re.fullmatch(r"bit-r(\d+)x(\d+)|resnet-(\d+)", name)
    depth = int(match[1] or match[3]) if match else 0
    if depth not in UNITS:
        valid = f"bit-rDEPTHxWIDTH or resnet-DEPTH with a depth of {', '.join(map(str, UNITS))}"
        raise argparse.ArgumentTypeError(f'"{name}"; valid: {valid}')
    return match[1] is not None, UNITS[depth], 64 * int(match[2] or 1)


class StdConv2d(nn.Conv2d):
    """A convolution whose kernel is standardised for every output."""

    def forward(self, x: Tensor) -> Tensor:
        w = self.weight
        var, mean = torch.var_mean(w, dim=(1, 2, 3), keepdim=True, correction=0)
        w = (w - mean) / (var.sqrt() + 1e-5)
        return F.conv2d(x, w, None, self.stride, self.padding)


class Bottleneck(nn.Module):
    def __init__(self, bit: bool, inputs: int, middle: int, stride: int):
        super().__init__()
        outputs = 4 * middle
        self.reduce = conv_norm(bit, inputs, middle, 1)
        self.mix = conv_norm(bit, middle, middle, 3, stride)
        self.widen = conv_norm(bit, middle, outputs, 1)
        same = inputs == outputs and stride == 1
        self.project = nn.Identity() if same else conv_norm(bit, inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.widen(F.relu(self.mix(F.relu(self.reduce(x), inplace=True)), inplace=True))
        return F.relu(y + self.project(x), inplace=True)


def conv_norm(bit: bool, inputs: int, outputs: int, side: int, stride: int = 1) -> nn.Sequential:
    conv = (StdConv2d if bit else nn.Conv2d)(inputs, outputs, side, stride, side // 2, bias=False)
    return nn.Sequential(conv, nn.GroupNorm(32, outputs, 1e-6) if bit else nn.BatchNorm2d(outputs))


def make_model(bit: bool, units: tuple[int, ...], width: int) -> nn.Module:
    layers = [conv_norm(bit, 3, width, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    inputs = width
    for stage, count in enumerate(units):
        for i in range(count):
            middle = width * 2**stage
            layers.append(Bottleneck(bit, inputs, middle, 2 if stage and not i else 1))
            inputs = 4 * middle
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, CLASSES))


def adamw(model: nn.Module) -> torch.optim.Optimizer:
    groups = [
        {"params": [p for p in model.parameters() if p.ndim >= 2], "weight_decay": WEIGHT_DECAY},
        {"params": [p for p in model.parameters() if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=(0.9, 0.999), eps=1e-8, fused=True)


def main() -> None:
    args = parse_args(__doc__, parse_conv, layout=["channels_last", "contiguous"])
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    layout = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
    to_layout = {"memory_format": layout[args.layout]}
    model = make_model(*args.model).to(**to_layout)
    image = (torch.rand(args.batch, 3, args.size, args.size) * 2 - 1).contiguous(**to_layout)
    labels = torch.randint(CLASSES, (args.batch,))
    optimizer = adamw(model)

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(image), labels).backward()
        optimizer.step()

    @torch.inference_mode()
    def forward() -> None:
        model(image)

    if args.work == "forward":
        model.eval()
    serve(
        step if args.work == "step" else forward,
        params=sum(p.numel() for p in model.parameters()),
        versions={"torch": torch.__version__},
        how=f"eager, {args.layout}, {torch.get_num_threads()} threads, fused AdamW",
    )


if __name__ == "__main__":
    main()
