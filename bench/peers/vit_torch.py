"""PyTorch eager on the CPU: one training step, or one forward pass, of big_vision's ViT in float32.

The model: patches by a strided convolution, learned position embedding, pre-LayerNorm blocks (eps
1e-6), tanh GELU, biases everywhere, no dropout, mean over tokens, 1000 classes. A step is the
forward pass, softmax cross-entropy on integer labels, the backward pass and AdamW on every parameter;
inputs are random and stay the same. Attention is `scaled_dot_product_attention`, its three projections one
product; AdamW is the fused one, the fastest here (12 ms of a ViT-S/16 step; foreach 38 ms).

    python bench/peers/vit_torch.py --model vit-s16 --size 224 --batch 8 --work step --threads 2
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from worker import CLASSES, LEARNING_RATE, WEIGHT_DECAY, Shape, parse_args, serve


class Block(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.heads = shape.heads
        self.norm_0 = nn.LayerNorm(shape.width, eps=1e-6)
        self.qkv = nn.Linear(shape.width, 3 * shape.width)
        self.out = nn.Linear(shape.width, shape.width)
        self.norm_1 = nn.LayerNorm(shape.width, eps=1e-6)
        self.dense_0 = nn.Linear(shape.width, shape.hidden)
        self.dense_1 = nn.Linear(shape.hidden, shape.width)

    def forward(self, x: Tensor) -> Tensor:  # [batch, tokens, width]
        qkv = self.qkv(self.norm_0(x)).unflatten(2, (3, self.heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each [batch, heads, tokens, head width]
        x = x + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return x + self.dense_1(F.gelu(self.dense_0(self.norm_1(x)), approximate="tanh"))


class ViT(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.embedding = nn.Conv2d(3, shape.width, shape.patch, stride=shape.patch)
        self.posemb = nn.Parameter(torch.randn(1, shape.tokens, shape.width) / shape.width**0.5)
        self.blocks = nn.Sequential(*(Block(shape) for _ in range(shape.depth)))
        self.norm = nn.LayerNorm(shape.width, eps=1e-6)
        self.head = nn.Linear(shape.width, CLASSES)

    def forward(self, image: Tensor) -> Tensor:  # [batch, 3, size, size] -> [batch, classes]
        x = self.embedding(image).flatten(2).transpose(1, 2) + self.posemb
        return self.head(self.norm(self.blocks(x)).mean(dim=1))


def adamw(model: nn.Module, kind: str) -> torch.optim.Optimizer:
    kernels = [p for name, p in model.named_parameters() if p.ndim >= 2 and name != "posemb"]
    others = [p for name, p in model.named_parameters() if p.ndim < 2 or name == "posemb"]
    groups = [
        {"params": kernels, "weight_decay": WEIGHT_DECAY},
        {"params": others, "weight_decay": 0.0},
    ]
    options = {} if kind == "loop" else {kind: True}
    return torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=(0.9, 0.999), eps=1e-8, **options)


def main() -> None:
    args = parse_args(__doc__, optimizer=["fused", "foreach", "loop"])
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    model = ViT(args.shape)
    image = torch.rand(args.batch, 3, args.size, args.size) * 2 - 1
    labels = torch.randint(CLASSES, (args.batch,))
    optimizer = adamw(model, args.optimizer)

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(image), labels).backward()
        optimizer.step()

    @torch.inference_mode()
    def forward() -> None:
        model(image)

    serve(
        step if args.work == "step" else forward,
        params=sum(p.numel() for p in model.parameters()),
        versions={"torch": torch.__version__},
        how=f"eager, {torch.get_num_threads()} threads, {args.optimizer} AdamW",
    )


if __name__ == "__main__":
    main()
