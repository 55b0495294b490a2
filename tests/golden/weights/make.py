"""Makes the small cases of this folder: random weights as transformers and timm save them, an image, and their outputs.

    python tests/golden/weights/make.py        (torch, transformers 5, timm, efficientnet-lite-pytorch, safetensors, numpy)
"""

import json
import pathlib

import numpy as np
import timm
import torch
import transformers as hf
from efficientnet_lite_pytorch import EfficientNet
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
torch.manual_seed(0)


def randomise(model):
    """Every leaf random: zero or one leaves would hide a mistake."""
    for name, value in model.state_dict().items():
        if not value.is_floating_point():
            continue
        noise = torch.randn_like(value)
        if name.endswith("running_var") or (value.dim() == 1 and "weight" in name):
            value.copy_(1 + 0.2 * noise.tanh())
        else:
            value.copy_(0.15 * noise)
    return model.eval()


def case(name, model, image, options, outputs, tied=()):
    randomise(model)
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    if isinstance(model, hf.PreTrainedModel):
        model.save_pretrained(folder)
        for extra in ("config.json", "generation_config.json", "preprocessor_config.json"):
            (folder / extra).unlink(missing_ok=True)
    elif isinstance(model, EfficientNet):
        torch.save(model.state_dict(), folder / "model.pth")
    else:
        save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / "model.safetensors")
    with torch.no_grad():
        logits = outputs(model, image)
    np.savez(
        folder / "io.npz",
        image=image.permute(0, 2, 3, 1).numpy(),
        logits=logits.numpy(),
    )
    (folder / "case.json").write_text(json.dumps(options, indent=2) + "\n")
    print(name, tuple(logits.shape), sum(v.numel() for v in model.parameters()))


def picture(size):
    return torch.randn(2, 3, size, size)


def narrow_resnet():
    """timm's stem has 64 channels always: it is replaced by one of 8, with what reads it."""
    model = timm.create_model("resnet50", layers=[1, 1, 1, 1], num_classes=5, channels=(8, 16, 32, 64))
    model.conv1 = torch.nn.Conv2d(3, 8, 7, 2, 3, bias=False)
    model.bn1 = torch.nn.BatchNorm2d(8)
    model.layer1[0].conv1 = torch.nn.Conv2d(8, 8, 1, bias=False)
    model.layer1[0].downsample[0] = torch.nn.Conv2d(8, 32, 1, bias=False)
    return model


logits = lambda m, x: m(x).logits
plain = lambda m, x: m(x)

vit = dict(patchSize=[8, 8], width=16, depth=2, numHeads=2, mlpDim=24)
case(
    "hf-vit",
    hf.ViTForImageClassification(
        hf.ViTConfig(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
                     image_size=24, patch_size=8, num_labels=5)
    ),
    picture(24),
    dict(model="vit", options=dict(vit, poolType="tok", activation="gelu", epsilon=1e-12, numClasses=5)),
    logits,
)
case(
    "timm-vit",
    timm.models.VisionTransformer(img_size=24, patch_size=8, embed_dim=16, depth=2, num_heads=2, mlp_ratio=1.5, num_classes=5),
    picture(24),
    dict(model="vit", options=dict(vit, poolType="tok", activation="gelu", numClasses=5)),
    plain,
)
case(
    "hf-siglip",
    hf.SiglipVisionModel(
        hf.SiglipVisionConfig(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
                              image_size=24, patch_size=8)
    ),
    picture(24),
    dict(model="vit", options=dict(vit, poolType="map")),
    lambda m, x: m(x).pooler_output,
)
case(
    "hf-bit",
    hf.BitForImageClassification(
        hf.BitConfig(embedding_size=32, hidden_sizes=[128, 256], depths=[1, 1], num_groups=32, num_labels=5)
    ),
    picture(32),
    dict(model="bit-paper", options=dict(width=0.5, depth=[1, 1], zeroPool=True, numClasses=5)),
    logits,
)
case(
    "timm-bit",
    timm.models.resnetv2.ResNetV2([1, 1], channels=(128, 256), stem_chs=32, num_classes=5,
                                  stem_type="fixed", conv_layer=timm.layers.StdConv2d),
    picture(32),
    dict(model="bit-paper", options=dict(width=0.5, depth=[1, 1], zeroPool=True, numClasses=5)),
    plain,
)
case(
    "timm-resnet",
    narrow_resnet(),
    picture(32),
    dict(model="resnet", options=dict(width=0.125, depth=[1, 1, 1, 1], numClasses=5)),
    plain,
)
case(
    "hf-resnet",
    hf.ResNetForImageClassification(
        hf.ResNetConfig(embedding_size=8, hidden_sizes=[32, 64], depths=[1, 2], num_labels=5)
    ),
    picture(32),
    dict(model="resnet", options=dict(width=0.125, depth=[1, 2], numClasses=5)),
    logits,
)
case(
    "timm-convnext",
    timm.models.ConvNeXt(depths=(1, 1, 2, 1), dims=(8, 12, 16, 20), num_classes=5),
    picture(32),
    dict(model="convnext", options=dict(depths=[1, 1, 2, 1], widths=[8, 12, 16, 20], numClasses=5)),
    plain,
)
case(
    "hf-convnext",
    hf.ConvNextForImageClassification(
        hf.ConvNextConfig(hidden_sizes=[8, 12, 16, 20], depths=[1, 1, 2, 1], num_labels=5)
    ),
    picture(32),
    dict(model="convnext", options=dict(depths=[1, 1, 2, 1], widths=[8, 12, 16, 20], numClasses=5)),
    logits,
)
case(
    "efficientnet-lite",
    EfficientNet.from_name("efficientnet-lite0", width_coefficient=0.1, depth_coefficient=0.1, image_size=32,
                           num_classes=5),
    picture(32),
    dict(model="efficientnet-lite0", options=dict(width=0.1, depth=0.1, numClasses=5)),
    plain,
)
case(
    "timm-siglip",
    timm.models.VisionTransformer(img_size=24, patch_size=8, embed_dim=16, depth=2, num_heads=2, mlp_ratio=1.5, num_classes=0,
                                  class_token=False, global_pool="map", act_layer="gelu_tanh"),
    picture(24),
    dict(model="vit", options=dict(vit, poolType="map")),
    plain,
)
