"""JPEG to a normalised crop with Pillow and NumPy, in one process and thread.

Writes photographs (scikit-image's and scikit-learn's) as JPEG into --folder, and prints their names and sizes. Then a
line of JSON, a list of [name, x, y, width, height, mirrored], makes it crop and scale each to --size by Pillow's
bilinear filter, mirror it and map it to -1…1, and print the processor time and a hash of the values.

    python bench/peers/pipeline_pillow.py --folder /tmp/photos --side 500 --size 224
"""

import argparse
import hashlib
import io
import json
import os
import sys
import time

import numpy as np
import PIL
import skimage
import sklearn.datasets
from PIL import Image

NAMES = ["coffee.png", "astronaut.png", "chelsea.png", "rocket.jpg", "china.jpg", "flower.jpg"]


def photographs(folder: str, side: int) -> list:
    rooms = [
        os.path.join(os.path.dirname(skimage.__file__), "data"),
        os.path.join(os.path.dirname(sklearn.datasets.__file__), "images"),
    ]
    sizes = []
    for name in NAMES:
        path = next(p for p in (os.path.join(room, name) for room in rooms) if os.path.exists(p))
        image = Image.open(path).convert("RGB")
        scale = side / max(image.size)
        image = image.resize([round(s * scale) for s in image.size], Image.LANCZOS)
        image.save(os.path.join(folder, f"{name}.jpg"), quality=90)
        sizes.append([f"{name}.jpg", *image.size])
    return sizes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--side", type=int, default=500)
    parser.add_argument("--size", type=int, default=224)
    args = parser.parse_args()
    sizes = photographs(args.folder, args.side)
    files = {}
    for name, *_ in sizes:
        with open(os.path.join(args.folder, name), "rb") as file:
            files[name] = file.read()

    def prepare(name, x, y, width, height, mirrored) -> np.ndarray:
        image = Image.open(io.BytesIO(files[name])).convert("RGB")
        image = image.crop((x, y, x + width, y + height))
        image = image.resize((args.size, args.size), Image.BILINEAR)
        if mirrored:
            image = image.transpose(Image.FLIP_LEFT_RIGHT)
        return np.asarray(image, np.float32) / np.float32(255) * np.float32(2) - np.float32(1)

    print(json.dumps({"photos": sizes, "pillow": PIL.__version__, "numpy": np.__version__}), flush=True)
    for line in sys.stdin:
        items = json.loads(line)
        start = time.process_time()
        for item in items:
            prepare(*item)
        seconds = time.process_time() - start
        digest = hashlib.sha256(b"".join(prepare(*item).tobytes() for item in items)).hexdigest()
        print(json.dumps({"seconds": seconds, "hash": digest}), flush=True)


if __name__ == "__main__":
    main()
