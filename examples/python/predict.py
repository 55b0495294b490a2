"""What a model says of pictures, from the folder that `ocelli export RUN --to web` writes.

    pip install numpy onnxruntime pillow
    python predict.py FOLDER picture.jpg ...

`preprocess.json` lists the operations between a picture's file and the model's input with all their arguments. Each is a
function here that gives the same numbers as Ocelli. Copy what you need.
"""

import json
import math
import pathlib
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

F = np.float32


class Model:
    """An exported model.

    model = Model("digits")
    model.predict(["seven.png"])  # [[("7", 0.991), ("1", 0.004), ...]]
    """

    def __init__(self, folder, file="model.onnx"):
        folder = pathlib.Path(folder)
        self.description = json.loads((folder / "model.json").read_text("utf-8"))
        self.preprocess = json.loads((folder / "preprocess.json").read_text("utf-8"))
        self.labels = json.loads((folder / "labels.json").read_text("utf-8"))["label"]
        self.session = onnxruntime.InferenceSession(folder / file)

    def prepare(self, source):
        """The model's input, float32 without the batch's axis, of a picture: a path or a file that is open."""
        pixels = read_pixels(source, self.preprocess["alpha"])
        for operation in self.preprocess["operations"]:
            name = operation["name"]
            if name not in OPERATIONS:
                raise SystemExit(f"{name}: not one of the operations here: {', '.join(OPERATIONS)}.")
            pixels = OPERATIONS[name](pixels, **operation["arguments"])
        pixels = pixels.astype(F)
        return pixels if self.preprocess["input"]["layout"] == "NHWC" else pixels.transpose(2, 0, 1)

    def probabilities(self, sources):
        """Probabilities [pictures, classes] of pictures."""
        output = self.description["output"]["name"]
        batch = np.stack([self.prepare(source) for source in sources])
        (values,) = self.session.run([output], {self.preprocess["input"]["name"]: batch})
        if output == "probabilities":
            return values
        if output != "logits" or self.description["task"]["name"] != "classification":
            raise SystemExit(f"the model gives {output}, of which no probabilities are made.")
        if self.description["task"]["loss"] == "sigmoid":
            return 1 / (1 + np.exp(-values))
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def predict(self, sources):
        """Names with their probabilities, the surest first, of each picture."""
        rows = self.probabilities(sources)
        return [sorted(zip(self.labels, map(float, row)), key=lambda pair: -pair[1]) for row in rows]


def read_pixels(source, alpha):
    """Pixels uint8 [height, width, 3], upright; `alpha` is "drop", or the colour that transparent parts are laid on."""
    with Image.open(source) as opened:
        image = ImageOps.exif_transpose(opened)
    if image.mode.startswith("I"):  # 16 bits: the upper byte
        image = Image.fromarray((np.asarray(image).astype(np.int32) >> 8).astype(np.uint8))
    if image.mode == "F" or (image.mode == "CMYK" and "icc_profile" in image.info):
        raise SystemExit(f"{source}: pixels of floating point and inks with a profile are not read here.")
    if not image.has_transparency_data:
        return np.asarray(image.convert("RGB"))
    pixels = np.asarray(image.convert("RGBA")).astype(np.int32)
    colours, opacity = pixels[..., :3], pixels[..., 3:]
    if alpha == "drop":  # what is transparent in a GIF is black then, as TensorFlow has it
        return (colours * (opacity > 0) if opened.format == "GIF" else colours).astype(np.uint8)
    return ((opacity * colours + (255 - opacity) * np.array(alpha) + 127) // 255).astype(np.uint8)


# Values


def scale(pixels, shift, divisor, factor=1.0, offset=0.0):
    """(x - shift) / divisor * factor + offset, each step in float32; shift and divisor may be lists by channel."""
    unit = (pixels.astype(F) - np.asarray(shift, F)) / np.asarray(divisor, F)
    return unit * F(factor) + F(offset)


def value_range(pixels, vmin, vmax, in_min, in_max, clip_values):
    scaled = scale(pixels, in_min, np.subtract(in_max, in_min), vmax - vmin, vmin)
    return np.clip(scaled, F(vmin), F(vmax)) if clip_values else scaled


def vgg_value_range(pixels, mean, std):
    return scale(pixels, mean, std)


def clip_value_range(pixels):
    mean = np.multiply([0.48145466, 0.4578275, 0.40821073], 255)
    return scale(pixels, mean, np.multiply([0.26862954, 0.26130258, 0.27577711], 255))


def grayscale(pixels):
    if pixels.shape[2] == 1:
        return pixels
    red, green, blue = np.moveaxis(pixels.astype(np.float64), 2, 0)
    luma = (0.2989 * red + 0.587 * green + 0.114 * blue)[..., None]
    return (luma * (255.5 / 255)).astype(np.uint8) if pixels.dtype == np.uint8 else luma.astype(F)


def rgb(pixels):
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels[..., :3]


def decode(pixels, channels, **_):
    """`read_pixels` has decoded already, with the alpha that the operation names."""
    return grayscale(pixels) if channels == 1 else rgb(pixels)


# Sizes


def resize(pixels, size, method, antialias):
    """Scales to (height, width), by Pillow's methods (`pil_...`) or TensorFlow's."""
    height, width = size
    if pixels.shape[:2] == (height, width):
        return pixels
    if method.startswith("pil_"):
        resample = Image.Resampling[method.removeprefix("pil_").upper()]
        image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
        scaled = np.asarray(image.resize((width, height), resample))
        return scaled.reshape(height, width, pixels.shape[2])
    rows = taps(pixels.shape[0], height, method, antialias)
    columns = taps(pixels.shape[1], width, method, antialias)
    if method == "nearest":
        return pixels[[start for start, _ in rows]][:, [start for start, _ in columns]]
    scaled = weigh_rows(weigh_columns(pixels, columns), rows)
    return np.clip(scaled, 0, 255).astype(np.uint8) if pixels.dtype == np.uint8 else scaled


def resize_small(pixels, smaller_size, method, antialias, round):
    height, width = pixels.shape[:2]
    smaller = min(height, width)
    if round == "nearest":
        return resize(pixels, scaled_size(height, width, smaller_size / smaller), method, antialias)
    size = [max(1, smaller_size * side // smaller) for side in (height, width)]
    return resize(pixels, size, method, antialias)


def resize_long(pixels, longer_size, method, antialias):
    height, width = pixels.shape[:2]
    factor = longer_size / max(height, width)
    return resize(pixels, scaled_size(height, width, factor), method, antialias)


def scaled_size(height, width, factor):
    return [max(1, int(np.rint(F(side * float(F(factor)))))) for side in (height, width)]


def central_crop(pixels, crop_size=None):
    height, width = crop_size or [min(pixels.shape[:2])] * 2
    y, x = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    if min(y, x) < 0:
        raise SystemExit(f"central_crop: {height} x {width} does not fit into {pixels.shape[:2]}.")
    return pixels[y : y + height, x : x + width]


def pad(pixels, pixels_, value, mode):
    around = [(pixels_, pixels_), (pixels_, pixels_), (0, 0)]
    more = {"constant_values": value} if mode == "constant" else {}
    return np.pad(pixels, around, mode, **more)


# TensorFlow's resizing: which pixels of an axis make each new one, in float32, at half-pixel centres


def weigh_columns(pixels, columns):
    """Sums in float64, rounded once to float32."""
    height, _, channels = pixels.shape
    pixels = pixels.astype(np.float64)
    out = np.empty((height, len(columns), channels), F)
    for x, (start, weights) in enumerate(columns):
        total = np.zeros((height, channels))
        for t, weight in enumerate(weights):
            total += float(weight) * pixels[:, start + t]
        out[:, x] = total
    return out


def weigh_rows(pixels, rows):
    """Partial sums of two rows and more are rounded to float32."""
    pixels = pixels.astype(np.float64)
    out = np.empty((len(rows), *pixels.shape[1:]), F)
    for y, (start, weights) in enumerate(rows):
        total = float(weights[0]) * pixels[start]
        for t, weight in enumerate(weights[1:], 1):
            total = (total + float(weight) * pixels[start + t]).astype(F).astype(np.float64)
        out[y] = total
    return out


def taps(before, after, method, antialias):
    """By new position: the first old position, and the weights from there on."""
    ratio = F(before / after)
    if method == "area":
        return [area(before, ratio, i) for i in range(after)]
    if method == "lanczos3" or (antialias and method != "nearest"):
        ratio = F(1 / float(F(after / before)))
        width = max(ratio, F(1)) if antialias else F(1)
        return [widened(before, middle_of(i, ratio), KERNELS[method], width) for i in range(after)]
    weigh = {"nearest": nearest, "bilinear": bilinear, "bicubic": bicubic}[method]
    return [weigh(before, middle_of(i, ratio)) for i in range(after)]


def middle_of(i, ratio):
    return F(F(i + 0.5) * ratio)


def nearest(before, middle):
    return min(int(middle), before - 1), [F(1)]


def area(before, ratio, i):
    """What each pixel shares with the interval."""
    begin, end = F(F(i) * ratio), min(F(F(i + 1) * ratio), F(before))
    start, last = math.floor(begin), math.ceil(end)
    shares = [min(at + 1, float(end)) - max(at, float(begin)) for at in range(start, last)]
    return start, [F(share / float(ratio)) for share in shares]


def bilinear(before, middle):
    at = F(middle - F(0.5))
    low = math.floor(at)
    if low < 0 or low >= before - 1:
        return max(0, min(low, before - 1)), [F(1)]
    rest = float(at) - low
    return low, [F(1 - rest), F(rest)]


def bicubic(before, middle):
    """Keys' cubic at distances in steps of 1/1024."""
    at = F(middle - F(0.5))
    low = math.floor(at)
    rest = float(np.rint(F(at - low) * 1024)) / 1024
    return normalised(before, low - 1, low + 2, lambda t: cubic(abs(t - low - rest)))


def widened(before, middle, kernel, width):
    """A kernel that is `width` times as wide."""
    radius, weigh = kernel
    reach = F(F(radius) * width)
    first = math.ceil(F(F(middle - reach) - F(0.5)))
    last = math.floor(F(F(middle + reach) - F(0.5)))
    distance = lambda t: abs(float(F(F(F(t + 0.5) - middle) / width)))
    return normalised(before, first, last, lambda t: weigh(distance(t)))


def normalised(before, first, last, weigh):
    """The weights inside the picture, so that their sum is 1."""
    start, end = (min(max(at, 0), before - 1) for at in (first, last))
    weights = [F(weigh(t)) for t in range(start, end + 1)]
    total = F(0)
    for weight in weights:
        total = F(total + weight)
    factor = F(1 / float(total))
    return start, [F(weight * factor) for weight in weights]


def triangle(x):
    return max(0.0, 1 - x)


def cubic(x):
    if x >= 2:
        return 0.0
    return ((-0.5 * x + 2.5) * x - 4) * x + 2 if x >= 1 else (1.5 * x - 2.5) * x * x + 1


def lanczos3(x):
    if x > 3:
        return 0.0
    if x <= 1e-3:
        return 1.0
    return 3 * math.sin(math.pi * x) * math.sin(math.pi * x / 3) / (math.pi * x) ** 2


KERNELS = {"bilinear": (1, triangle), "bicubic": (2, cubic), "lanczos3": (3, lanczos3)}

OPERATIONS = {
    "decode": decode,
    "fast_decode": decode,
    "resize": resize,
    "resize_small": resize_small,
    "resize_long": resize_long,
    "central_crop": central_crop,
    "pad": lambda image, pixels, value, mode: pad(image, pixels, value, mode),
    "grayscale": grayscale,
    "rgb": rgb,
    "value_range": value_range,
    "vgg_value_range": vgg_value_range,
    "clip_value_range": clip_value_range,
}

if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    model = Model(sys.argv[1])
    for path in sys.argv[2:]:
        (ranked,) = model.predict([path])
        print(path, ", ".join(f"{name} {100 * score:.1f} %" for name, score in ranked[:5]))
