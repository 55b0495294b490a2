/**
 * @file How other libraries name and lay out the weights of our models: one small table each. `*` stands for a number.
 * PyTorch's linear weights are [out, in] and its convolutions [out, in, h, w]; `fit.ts` turns them. Weights of flax and
 * TensorFlow have our axes.
 */

/**
 * What a module owns, and so what its names end in; a "tree" is all below a name of flax as it is, "conv2d" and
 * "group_norm" are TensorFlow's.
 */
type ModuleKind =
  | "linear"
  | "norm"
  | "batch"
  | "qkv"
  | "kv"
  | "packed"
  | "array"
  | "tree"
  | "conv2d"
  | "group_norm";

/**
 * A module there, ours, and its kind; `?` in our name stands for the parts that it holds one after the other. An array
 * may have another number of axes there.
 */
type Row = readonly [from: string, to: string, kind: ModuleKind, axes?: number];

/** A layout of weights. */
export interface Layout {
  readonly name: string;
  /** A name that only this layout has. */
  readonly mark: RegExp;
  /** Whether its axes are PyTorch's. Default: true. */
  readonly torch?: false;
  /** Whether positions begin with one of the class token. Default: false. */
  readonly classPosition?: true;
  readonly rows: readonly Row[];
}

const vitBlock = "Transformer/encoderblock_*";
const attention = `${vitBlock}/MultiHeadDotProductAttention_0`;
const mapHead = "MAPHead_0";

/** What the vision transformers of transformers call alike. */
const hfTokens = (root: string): Row[] => [
  [`${root}embeddings.cls_token`, "cls", "array"],
  [`${root}embeddings.distillation_token`, "dist", "array"],
  [`${root}embeddings.register_tokens`, "registers", "array"],
  [`${root}embeddings.mask_token`, "mask_token", "array"],
  [`${root}embeddings.position_embeddings`, "pos_embedding", "array"],
  [`${root}embeddings.patch_embeddings.projection`, "embedding", "linear"],
  [`${root}layernorm`, "Transformer/encoder_norm", "norm"],
  [`${root}pooler.dense`, "pre_logits", "linear"],
  ["classifier", "head", "linear"],
];

const hfAttention = (from: string, to = ""): Row[] => [
  [`${from}.attention.attention.query`, `${to}${attention}/query`, "linear"],
  [`${from}.attention.attention.key`, `${to}${attention}/key`, "linear"],
  [`${from}.attention.attention.value`, `${to}${attention}/value`, "linear"],
  [`${from}.attention.output.dense`, `${to}${attention}/out`, "linear"],
];

const hfBlock = (from: string, to = ""): Row[] => [
  ...hfAttention(from, to),
  [`${from}.layernorm_before`, `${to}${vitBlock}/LayerNorm_0`, "norm"],
  [`${from}.layernorm_after`, `${to}${vitBlock}/LayerNorm_1`, "norm"],
  [`${from}.intermediate.dense`, `${to}${vitBlock}/MlpBlock_0/Dense_0`, "linear"],
  [`${from}.output.dense`, `${to}${vitBlock}/MlpBlock_0/Dense_1`, "linear"],
];

/** The decoder of a masked autoencoder. */
const hfDecoder: Row[] = [
  ["decoder.decoder_embed", "decoder/embed", "linear"],
  ["decoder.mask_token", "decoder/mask_token", "array"],
  ["decoder.decoder_pos_embed", "decoder/pos_embedding", "array"],
  ...hfBlock("decoder.decoder_layers.*", "decoder/"),
  ...hfBlock("decoder.decoder_encoder.layer.*", "decoder/"), // as newer versions write it
  ["decoder.decoder_norm", "decoder/Transformer/encoder_norm", "norm"],
  ["decoder.decoder_pred", "decoder/pred", "linear"],
];

const hfVit = (root: string): Row[] => [...hfTokens(root), ...hfBlock(`${root}encoder.layer.*`)];

const hfDinov2 = (root: string): Row[] => {
  const block = `${root}encoder.layer.*`;
  return [
    ...hfTokens(root),
    ...hfAttention(block),
    [`${block}.norm1`, `${vitBlock}/LayerNorm_0`, "norm"],
    [`${block}.norm2`, `${vitBlock}/LayerNorm_1`, "norm"],
    [`${block}.layer_scale1.lambda1`, `${vitBlock}/layer_scale_0`, "array"],
    [`${block}.layer_scale2.lambda1`, `${vitBlock}/layer_scale_1`, "array"],
    [`${block}.mlp.fc1`, `${vitBlock}/MlpBlock_0/Dense_0`, "linear"],
    [`${block}.mlp.fc2`, `${vitBlock}/MlpBlock_0/Dense_1`, "linear"],
    [`${block}.mlp.weights_in`, `${vitBlock}/MlpBlock_0/Dense_0`, "linear"],
    [`${block}.mlp.weights_out`, `${vitBlock}/MlpBlock_0/Dense_1`, "linear"],
  ];
};

const hfBeit = (root: string): Row[] => [
  ...hfVit(root),
  [`${root}encoder.layer.*.lambda_1`, `${vitBlock}/layer_scale_0`, "array"],
  [`${root}encoder.layer.*.lambda_2`, `${vitBlock}/layer_scale_1`, "array"],
  [
    `${root}encoder.layer.*.attention.attention.relative_position_bias.relative_position_bias_table`,
    `${attention}/relative_position_bias`,
    "array",
  ],
  [
    `${root}encoder.relative_position_bias.relative_position_bias_table`,
    "Transformer/relative_position_bias",
    "array",
  ],
  [`${root}pooler.layernorm`, "pool_norm", "norm"],
];

const bitUnits = (from: string, unit: string): Row[] =>
  ([1, 2, 3] as const).flatMap((i): Row[] => [
    [`${from}.conv${i}`, `${unit}/conv${i}`, "linear"],
    [`${from}.norm${i}`, `${unit}/gn${i}`, "norm"],
  ]);

const resnetBlock = "stage*/block_*";

/** A convolution and its batch normalisation. */
const pair = (conv: string, norm: string, to: string): Row[] => [
  [conv, `${to}/conv`, "linear"],
  [norm, `${to}/norm`, "batch"],
];

const hfSiglip = (root: string): Row[] => [
  [`${root}embeddings.patch_embedding`, "embedding", "linear"],
  [`${root}embeddings.position_embedding.weight`, "pos_embedding", "array", 2],
  ...hfLayers(root, "Transformer"),
  [`${root}post_layernorm`, "Transformer/encoder_norm", "norm"],
  [`${root}head.probe`, `${mapHead}/probe`, "array", 3],
  [`${root}head.attention`, `${mapHead}/MultiHeadDotProductAttention_0/?`, "packed"],
  [`${root}head.attention.out_proj`, `${mapHead}/MultiHeadDotProductAttention_0/out`, "linear"],
  [`${root}head.layernorm`, `${mapHead}/LayerNorm_0`, "norm"],
  [`${root}head.mlp.fc1`, `${mapHead}/MlpBlock_0/Dense_0`, "linear"],
  [`${root}head.mlp.fc2`, `${mapHead}/MlpBlock_0/Dense_1`, "linear"],
];

const hfClipVision = (root: string): Row[] => [
  [`${root}embeddings.class_embedding`, "cls", "array", 1],
  [`${root}embeddings.patch_embedding`, "embedding", "linear"],
  [`${root}embeddings.position_embedding.weight`, "pos_embedding", "array", 2],
  [`${root}pre_layrnorm`, "pre_norm", "norm"],
  ...hfLayers(root, "Transformer"),
  [`${root}post_layernorm`, "Transformer/encoder_norm", "norm"],
];

const hfText = (root: string): Row[] => [
  [`${root}embeddings.token_embedding.weight`, "Embed_0/embedding", "array", 2],
  [`${root}embeddings.position_embedding.weight`, "pos_embedding", "array", 2],
  ...hfLayers(root, "Encoder_0"),
  [`${root}final_layer_norm`, "Encoder_0/encoder_norm", "norm"],
];

/** A tower's rows, ours below a name. */
const tower = (name: string, rows: readonly Row[]): Row[] =>
  rows.map(([from, to, kind, axes]) => [from, `${name}/${to}`, kind, axes]);

/** A group normalisation and the convolution after it, in TensorFlow's BiT. */
const tfUnit = (part: string, i: number): Row[] => [
  [`resnet/block*/unit*/${part}/standardized_conv2d`, `block*/unit@@/conv${i}`, "conv2d"],
  [`resnet/block*/unit*/${part}/group_norm`, `block*/unit@@/gn${i}`, "group_norm"],
];

const timmMapHead: Row[] = [
  ["attn_pool.latent", `${mapHead}/probe`, "array"],
  ["attn_pool.q", `${mapHead}/MultiHeadDotProductAttention_0/query`, "linear"],
  ["attn_pool.kv", `${mapHead}/MultiHeadDotProductAttention_0/?`, "kv"],
  ["attn_pool.proj", `${mapHead}/MultiHeadDotProductAttention_0/out`, "linear"],
  ["attn_pool.norm", `${mapHead}/LayerNorm_0`, "norm"],
  ["attn_pool.mlp.fc1", `${mapHead}/MlpBlock_0/Dense_0`, "linear"],
  ["attn_pool.mlp.fc2", `${mapHead}/MlpBlock_0/Dense_1`, "linear"],
];

/** The layouts that are recognised by their names. `#` in ours is a number plus one; `##` and `@@` have two digits, the latter as counted there. */
export const LAYOUTS: readonly Layout[] = [
  {
    // gs://vit_models: modules are counted together, not by kind, as flax did before linen
    name: "vision_transformer ViT",
    mark: /^Transformer\/encoderblock_0\/MlpBlock_3\//,
    torch: false,
    rows: [
      [`${vitBlock}/LayerNorm_0`, `${vitBlock}/LayerNorm_0`, "tree"],
      [`${vitBlock}/MultiHeadDotProductAttention_1`, attention, "tree"],
      [`${vitBlock}/LayerNorm_2`, `${vitBlock}/LayerNorm_1`, "tree"],
      [`${vitBlock}/MlpBlock_3`, `${vitBlock}/MlpBlock_0`, "tree"],
      ["Transformer/posembed_input/pos_embedding", "pos_embedding", "array"],
      ["Transformer/encoder_norm", "Transformer/encoder_norm", "tree"],
      ["embedding", "embedding", "tree"],
      ["cls", "cls", "array"],
      ["pre_logits", "pre_logits", "tree"],
      ["head", "head", "tree"],
    ],
  },
  {
    // gs://bit_models: as the paper's TensorFlow code saved them
    name: "BiT in TensorFlow",
    mark: /^resnet\/root_block\/standardized_conv2d(_\d+)?\/kernel$/,
    torch: false,
    rows: [
      ["resnet/root_block/standardized_conv2d", "root_block/conv_root", "conv2d"],
      ...["a", "b", "c"].flatMap((part, i) => tfUnit(part, i + 1)),
      ["resnet/block*/unit*/a/proj/standardized_conv2d", "block*/unit@@/conv_proj", "conv2d"],
      ["resnet/group_norm", "norm-pre-head", "group_norm"],
      ["resnet/head/conv2d", "head", "conv2d"],
    ],
  },
  {
    name: "transformers DINOv2",
    mark: /encoder\.layer\.0\.layer_scale1\.lambda1$/,
    rows: ["dinov2.", "dinov2_with_registers.", ""].flatMap(hfDinov2),
  },
  {
    name: "transformers BEiT",
    mark: /encoder\.layer\.0\.lambda_1$|relative_position_bias_table$/,
    rows: [...hfBeit("beit."), ...hfBeit("")],
  },
  {
    name: "transformers DeiT",
    mark: /embeddings\.distillation_token$/,
    rows: [
      ...hfVit("deit."),
      ...hfVit(""),
      ["cls_classifier", "head", "linear"],
      ["distillation_classifier", "head_dist", "linear"],
    ],
  },
  {
    name: "transformers ViT",
    mark: /embeddings\.patch_embeddings\.projection\.weight$/,
    rows: [...hfVit("vit."), ...hfVit(""), ...hfDecoder],
  },
  {
    name: "timm ViT",
    mark: /^patch_embed\.proj\.weight$/,
    rows: [
      ["cls_token", "cls", "array"],
      ["dist_token", "dist", "array"],
      ["register_tokens", "registers", "array"],
      ["reg_token", "registers", "array"],
      ["mask_token", "mask_token", "array"],
      ["pos_embed", "pos_embedding", "array"],
      ["patch_embed.proj", "embedding", "linear"],
      ["blocks.*.norm1", `${vitBlock}/LayerNorm_0`, "norm"],
      ["blocks.*.norm2", `${vitBlock}/LayerNorm_1`, "norm"],
      ["blocks.*.ls1.gamma", `${vitBlock}/layer_scale_0`, "array"],
      ["blocks.*.ls2.gamma", `${vitBlock}/layer_scale_1`, "array"],
      ["blocks.*.gamma_1", `${vitBlock}/layer_scale_0`, "array"],
      ["blocks.*.gamma_2", `${vitBlock}/layer_scale_1`, "array"],
      ["blocks.*.attn.q_bias", `${attention}/query/bias`, "array"],
      ["blocks.*.attn.v_bias", `${attention}/value/bias`, "array"],
      [
        "blocks.*.attn.relative_position_bias_table",
        `${attention}/relative_position_bias`,
        "array",
      ],
      ["rel_pos_bias.relative_position_bias_table", "Transformer/relative_position_bias", "array"],
      ["blocks.*.attn.qkv", `${attention}/?`, "qkv"],
      ["blocks.*.attn.proj", `${attention}/out`, "linear"],
      ["blocks.*.mlp.fc1", `${vitBlock}/MlpBlock_0/Dense_0`, "linear"],
      ["blocks.*.mlp.fc2", `${vitBlock}/MlpBlock_0/Dense_1`, "linear"],
      ["norm", "Transformer/encoder_norm", "norm"],
      ["fc_norm", "pool_norm", "norm"],
      ["blocks.*.mlp.w12", `${vitBlock}/MlpBlock_0/Dense_0`, "linear"],
      ["blocks.*.mlp.w3", `${vitBlock}/MlpBlock_0/Dense_1`, "linear"],
      ...timmMapHead,
      ["head", "head", "linear"],
      ["head_dist", "head_dist", "linear"],
    ],
  },
  {
    name: "transformers SigLIP",
    mark: /^text_model\.head\.weight$/,
    rows: [
      ...tower("img", hfSiglip("vision_model.")),
      ...tower("txt", hfText("text_model.")),
      ["text_model.head", "txt/head", "linear"],
      ["logit_scale", "t", "array", 1],
      ["logit_bias", "b", "array", 1],
    ],
  },
  {
    name: "transformers CLIP",
    mark: /^text_projection\.weight$/,
    classPosition: true,
    rows: [
      ...tower("img", hfClipVision("vision_model.")),
      ["visual_projection", "img/head", "linear"],
      ...tower("txt", hfText("text_model.")),
      ["text_projection", "txt/head", "linear"],
      ["logit_scale", "t", "array", 0],
    ],
  },
  {
    name: "transformers CLIP vision tower",
    mark: /^(vision_model\.)?pre_layrnorm\.weight$/,
    classPosition: true,
    rows: [...hfClipVision("vision_model."), ...hfClipVision("")],
  },
  {
    name: "transformers text tower",
    mark: /^(text_model\.)?embeddings\.token_embedding\.weight$/,
    rows: [
      ...hfText("text_model."),
      ["text_model.head", "head", "linear"],
      ...hfText(""),
      ["head", "head", "linear"],
    ],
  },
  {
    name: "transformers SigLIP vision tower",
    mark: /^(vision_model\.)?embeddings\.patch_embedding\.weight$/,
    rows: [...hfSiglip("vision_model."), ...hfSiglip("")],
  },
  {
    name: "transformers BiT",
    mark: /^bit\.embedder\.convolution\.weight$/,
    rows: [
      ["bit.embedder.convolution", "root_block/conv_root", "linear"],
      ...bitUnits("bit.encoder.stages.*.layers.*", "block#/unit##"),
      ["bit.encoder.stages.*.layers.*.downsample.conv", "block#/unit##/conv_proj", "linear"],
      ["bit.norm", "norm-pre-head", "norm"],
      ["classifier.1", "head", "linear"],
    ],
  },
  {
    name: "timm BiT",
    mark: /^stages\.0\.blocks\.0\.conv1\.weight$/,
    rows: [
      ["stem.conv", "root_block/conv_root", "linear"],
      ...bitUnits("stages.*.blocks.*", "block#/unit##"),
      ["stages.*.blocks.*.downsample.conv", "block#/unit##/conv_proj", "linear"],
      ["norm", "norm-pre-head", "norm"],
      ["head.fc", "head", "linear"],
    ],
  },
  {
    name: "timm ResNet",
    mark: /^layer1\.0\.conv3\.weight$/,
    rows: [
      ...pair("conv1", "bn1", "stem"),
      ...pair("layer*.*.conv1", "layer*.*.bn1", `${resnetBlock}/reduce`),
      ...pair("layer*.*.conv2", "layer*.*.bn2", `${resnetBlock}/mix`),
      ...pair("layer*.*.conv3", "layer*.*.bn3", `${resnetBlock}/widen`),
      ...pair("layer*.*.downsample.0", "layer*.*.downsample.1", `${resnetBlock}/project`),
      ["fc", "head", "linear"],
    ],
  },
  {
    name: "transformers ResNet",
    mark: /^resnet\.embedder\.embedder\.convolution\.weight$/,
    rows: [
      ...hfPair("resnet.embedder.embedder", "stem"),
      ...hfPair("resnet.encoder.stages.*.layers.*.layer.0", "stage#/block_*/reduce"),
      ...hfPair("resnet.encoder.stages.*.layers.*.layer.1", "stage#/block_*/mix"),
      ...hfPair("resnet.encoder.stages.*.layers.*.layer.2", "stage#/block_*/widen"),
      ...hfPair("resnet.encoder.stages.*.layers.*.shortcut", "stage#/block_*/project"),
      ["classifier.1", "head", "linear"],
    ],
  },
  {
    name: "timm ConvNeXt",
    mark: /^stages\.0\.blocks\.0\.conv_dw\.weight$/,
    rows: [
      ["stem.0", "stem", "linear"],
      ["stem.1", "stem_norm", "norm"],
      ["stages.*.downsample.0", "stage#/downsample_norm", "norm"],
      ["stages.*.downsample.1", "stage#/downsample", "linear"],
      ["stages.*.blocks.*.gamma", "stage#/block_*/layer_scale", "array"],
      ["stages.*.blocks.*.conv_dw", "stage#/block_*/depthwise", "linear"],
      ["stages.*.blocks.*.norm", "stage#/block_*/norm", "norm"],
      ["stages.*.blocks.*.mlp.fc1", "stage#/block_*/Dense_0", "linear"],
      ["stages.*.blocks.*.mlp.fc2", "stage#/block_*/Dense_1", "linear"],
      ["head.norm", "head_norm", "norm"],
      ["head.fc", "head", "linear"],
    ],
  },
  {
    name: "transformers ConvNeXt",
    mark: /^convnext\.embeddings\.patch_embeddings\.weight$/,
    rows: [
      ["convnext.embeddings.patch_embeddings", "stem", "linear"],
      ["convnext.embeddings.layernorm", "stem_norm", "norm"],
      ["convnext.encoder.stages.*.downsampling_layer.0", "stage#/downsample_norm", "norm"],
      ["convnext.encoder.stages.*.downsampling_layer.1", "stage#/downsample", "linear"],
      [
        "convnext.encoder.stages.*.layers.*.layer_scale_parameter",
        "stage#/block_*/layer_scale",
        "array",
      ],
      ["convnext.encoder.stages.*.layers.*.dwconv", "stage#/block_*/depthwise", "linear"],
      ["convnext.encoder.stages.*.layers.*.layernorm", "stage#/block_*/norm", "norm"],
      ["convnext.encoder.stages.*.layers.*.pwconv1", "stage#/block_*/Dense_0", "linear"],
      ["convnext.encoder.stages.*.layers.*.pwconv2", "stage#/block_*/Dense_1", "linear"],
      ["convnext.layernorm", "head_norm", "norm"],
      ["classifier", "head", "linear"],
    ],
  },
  {
    name: "efficientnet-lite-pytorch",
    mark: /^_conv_stem\.weight$/,
    rows: [
      ...pair("_conv_stem", "_bn0", "stem"),
      ...pair("_blocks.*._expand_conv", "_blocks.*._bn0", "block@@/expand"),
      ...pair("_blocks.*._depthwise_conv", "_blocks.*._bn1", "block@@/depthwise"),
      ...pair("_blocks.*._project_conv", "_blocks.*._bn2", "block@@/project"),
      ...pair("_conv_head", "_bn1", "top"),
      ["_fc", "head", "linear"],
    ],
  },
];

/** The blocks of an encoder as transformers has those of SigLIP and CLIP. */
function hfLayers(root: string, encoder: string): Row[] {
  const [there, block] = [`${root}encoder.layers.*`, `${encoder}/encoderblock_*`];
  const heads = `${block}/MultiHeadDotProductAttention_0`;
  return [
    [`${there}.layer_norm1`, `${block}/LayerNorm_0`, "norm"],
    [`${there}.layer_norm2`, `${block}/LayerNorm_1`, "norm"],
    [`${there}.self_attn.q_proj`, `${heads}/query`, "linear"],
    [`${there}.self_attn.k_proj`, `${heads}/key`, "linear"],
    [`${there}.self_attn.v_proj`, `${heads}/value`, "linear"],
    [`${there}.self_attn.out_proj`, `${heads}/out`, "linear"],
    [`${there}.mlp.fc1`, `${block}/MlpBlock_0/Dense_0`, "linear"],
    [`${there}.mlp.fc2`, `${block}/MlpBlock_0/Dense_1`, "linear"],
  ];
}

function hfPair(from: string, to: string): Row[] {
  return pair(`${from}.convolution`, `${from}.normalization`, to);
}

/** The parts that a module's names end in, and ours. */
const ENDS: Readonly<Record<ModuleKind, readonly (readonly [string, string])[]>> = {
  linear: [
    [".weight", "/kernel"],
    [".bias", "/bias"],
  ],
  norm: [
    [".weight", "/scale"],
    [".bias", "/bias"],
  ],
  batch: [
    [".weight", "/scale"],
    [".bias", "/bias"],
    [".running_mean", "/mean"],
    [".running_var", "/var"],
  ],
  qkv: [
    [".weight", "/kernel"],
    [".bias", "/bias"],
  ],
  kv: [
    [".weight", "/kernel"],
    [".bias", "/bias"],
  ],
  packed: [
    [".in_proj_weight", "/kernel"],
    [".in_proj_bias", "/bias"],
  ],
  array: [["", ""]],
  tree: [["", ""]],
  // some of the files number these modules
  conv2d: [
    ["(?:_\\d+)?/kernel", "/kernel"],
    ["/bias", "/bias"],
  ],
  group_norm: [
    ["/gamma", "/scale"],
    ["/beta", "/bias"],
  ],
};

const partsOf = (kind: ModuleKind): readonly string[] =>
  kind === "kv" ? ["key", "value"] : ["query", "key", "value"];

/** Our name or names (the array falls into as many along its first axis) for a name of a layout; none if it is not known. */
export type Renaming = (name: string) => readonly string[] | undefined;

/** The renaming of a layout. */
export function renamingOf({ rows }: Layout): Renaming {
  const rules = rows.flatMap(([from, to, kind]) =>
    ENDS[kind].map(([end, ours]) => {
      const escaped = (from + end).replaceAll(".", "\\.").replaceAll("*", "(\\d+)");
      const below = kind === "tree" ? "(?<below>/.*)" : "";
      return { from: new RegExp(`^${escaped}${below}$`), to: to + ours, parts: partsOf(kind) };
    }),
  );
  return (name) => {
    for (const { from, to, parts } of rules) {
      const match = from.exec(name);
      if (!match) continue;
      const numbers = match.slice(1).map(Number);
      const below = match.groups?.["below"] ?? "";
      const ours = (to + below).replace(/\*|##?|@@/g, (mark) => {
        const value = numbers.shift()! + (mark.startsWith("#") ? 1 : 0);
        return String(value).padStart(mark.length, "0");
      });
      return ours.includes("?") ? parts.map((part) => ours.replace("?", part)) : [ours];
    }
    return undefined;
  };
}

/** The name of a layout for one of ours, where it lies there among `parts`, and how many axes an array has there. */
export interface Place {
  readonly name: string;
  readonly part: number;
  readonly parts: number;
  readonly axes?: number;
}

/** Where a layout has an array of ours; undefined where it has none. Only layouts of blocks counted as ours. */
export function placingOf({ rows }: Layout): (name: string) => Place | undefined {
  const rules = rows.flatMap(([from, to, kind, axes]) =>
    ENDS[kind].flatMap(([end, own]) => {
      const names = to.includes("?") ? partsOf(kind).map((part) => to.replace("?", part)) : [to];
      return names.map((name, part) => ({
        ours: new RegExp(`^${(name + own).replaceAll("*", "(\\d+)")}$`),
        there: from + end,
        place: { part, parts: names.length, ...(axes === undefined ? {} : { axes }) },
      }));
    }),
  );
  return (name) => {
    for (const { ours, there, place } of rules) {
      const match = ours.exec(name);
      if (!match) continue;
      const numbers = match.slice(1);
      return { ...place, name: there.replace(/\*/g, () => numbers.shift()!) };
    }
    return undefined;
  };
}
