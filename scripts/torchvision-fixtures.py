"""What torchvision makes of a picture, with the parameters of each change given.

    python scripts/torchvision-fixtures.py > tests/golden/augment/torchvision.json

Needs torch and torchvision. The picture is smooth noise, 8-bit RGB; each change is of the tensor back end.
"""

import json

import torch
import torchvision
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

torch.manual_seed(0)
HEIGHT, WIDTH = 26, 22
coarse = torch.rand(1, 3, 6, 5)
picture = torch.nn.functional.interpolate(coarse, (HEIGHT, WIDTH), mode="bicubic")[0]
picture = (picture + 0.1 * torch.rand(3, HEIGHT, WIDTH)).clamp(0, 1).mul(255).round().to(torch.uint8)

CHANGES = {
    "brightness 0.4": F.adjust_brightness(picture, 0.4),
    "brightness 1.7": F.adjust_brightness(picture, 1.7),
    "contrast 0.3": F.adjust_contrast(picture, 0.3),
    "contrast 1.8": F.adjust_contrast(picture, 1.8),
    "saturation 0.2": F.adjust_saturation(picture, 0.2),
    "saturation 1.6": F.adjust_saturation(picture, 1.6),
    "hue 0.2": F.adjust_hue(picture, 0.2),
    "hue -0.15": F.adjust_hue(picture, -0.15),
    "blur 3 0.7": F.gaussian_blur(picture, [3, 3], [0.7, 0.7]),
    "blur 9 1.9": F.gaussian_blur(picture, [9, 9], [1.9, 1.9]),
    "solarize 128": F.solarize(picture, 128),
    "grayscale": F.rgb_to_grayscale(picture, num_output_channels=3),
    # top, left, height, width, then the size
    "crop 3 2 17 11 8 8": F.resized_crop(
        picture, 3, 2, 17, 11, [8, 8], InterpolationMode.BILINEAR, antialias=True
    ),
    "crop 1 4 6 9 12 15": F.resized_crop(
        picture, 1, 4, 6, 9, [12, 15], InterpolationMode.BICUBIC, antialias=True
    ),
}


def channels_last(x):
    return {"shape": [*x.shape[1:], 3], "data": x.permute(1, 2, 0).flatten().tolist()}


print(
    json.dumps(
        {
            "versions": {"torch": torch.__version__.split("+")[0], "torchvision": torchvision.__version__.split("+")[0]},
            "picture": channels_last(picture),
            "changes": {name: channels_last(x) for name, x in CHANGES.items()},
        }
    )
)
