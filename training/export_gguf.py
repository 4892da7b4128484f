"""Writes a checkpoint as one GGUF file of the llama architecture.

Usage: export_gguf.py checkpoint.pt tokenizer.json output.gguf [--type q8_0|f16]
"""

import argparse
import struct

import numpy as np
import torch

from tokenizer import CHAT_TEMPLATE, SPECIALS, Tokenizer

ALIGNMENT = 32
U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
NORMAL, CONTROL = 1, 3
TENSOR_F32, TENSOR_F16, TENSOR_Q8_0 = 0, 1, 8
FILE_TYPES = {"f16": (1, TENSOR_F16), "q8_0": (7, TENSOR_Q8_0)}


def text(value):
    data = value.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def entry(key, kind, value):
    """One metadata key and value; an array's kind is (ARRAY, element kind)."""
    formats = {U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}

    def plain(kind, value):
        return text(value) if kind == STRING else struct.pack(formats[kind], value)

    if isinstance(kind, tuple):
        items = b"".join(plain(kind[1], item) for item in value)
        return text(key) + struct.pack("<IIQ", ARRAY, kind[1], len(value)) + items
    return text(key) + struct.pack("<I", kind) + plain(kind, value)


def quantise(values):
    """Q8_0: blocks of 32, each a half-precision scale and 32 signed bytes."""
    blocks = values.astype(np.float32).reshape(-1, 32)
    scale = np.abs(blocks).max(1, keepdims=True) / 127
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    out = np.empty(len(blocks), dtype=[("scale", "<f2"), ("values", "i1", 32)])
    out["scale"] = scale[:, 0].astype(np.float16)
    out["values"] = np.rint(blocks * inverse).astype(np.int8)
    return out.tobytes()


def encode_tensor(values, matrix_type):
    """Norms stay in full precision, matrices take the file's type."""
    if values.ndim == 1:
        return TENSOR_F32, values.astype("<f4").tobytes()
    if matrix_type == TENSOR_F16:
        return TENSOR_F16, values.astype("<f2").tobytes()
    return TENSOR_Q8_0, quantise(values)


def named_tensors(weights, config):
    """The checkpoint under GGUF's names, its fused projections taken apart."""
    size = config["width"] // config["heads"]
    query, key = config["heads"] * size, config["kv_heads"] * size
    yield "token_embd.weight", weights["token_embd"]
    yield "output_norm.weight", weights["output_norm"]
    for index in range(config["layers"]):
        source, target = f"blocks.{index}.", f"blk.{index}."
        for name in ("attn_norm", "attn_output", "ffn_norm", "ffn_down"):
            yield f"{target}{name}.weight", weights[source + name]
        parts = weights[source + "qkv"].split([query, key, key])
        for name, part in zip(("attn_q", "attn_k", "attn_v"), parts):
            yield f"{target}{name}.weight", part
        gate, up = weights[source + "gate_up"].chunk(2)
        yield f"{target}ffn_gate.weight", gate
        yield f"{target}ffn_up.weight", up


def metadata(config, tokenizer, file_type):
    types = [CONTROL if token in SPECIALS else NORMAL for token in tokenizer.tokens]
    merges = [f"{left} {right}" for left, right in tokenizer.merges]
    return [
        entry("general.architecture", STRING, "llama"),
        entry("general.name", STRING, "loci demo"),
        entry("general.description", STRING, "Small demonstration chat model trained from scratch on generated dialogues"),
        entry("general.file_type", U32, file_type),
        entry("general.quantization_version", U32, 2),
        entry("llama.block_count", U32, config["layers"]),
        entry("llama.context_length", U32, config["context"]),
        entry("llama.embedding_length", U32, config["width"]),
        entry("llama.feed_forward_length", U32, config["hidden"]),
        entry("llama.attention.head_count", U32, config["heads"]),
        entry("llama.attention.head_count_kv", U32, config["kv_heads"]),
        entry("llama.attention.layer_norm_rms_epsilon", F32, config["epsilon"]),
        entry("llama.rope.dimension_count", U32, config["width"] // config["heads"]),
        entry("llama.rope.freq_base", F32, config["rope_base"]),
        entry("llama.vocab_size", U32, config["vocab"]),
        entry("tokenizer.ggml.model", STRING, "gpt2"),
        entry("tokenizer.ggml.pre", STRING, "gpt-2"),
        entry("tokenizer.ggml.tokens", (ARRAY, STRING), tokenizer.tokens),
        entry("tokenizer.ggml.token_type", (ARRAY, I32), types),
        entry("tokenizer.ggml.merges", (ARRAY, STRING), merges),
        entry("tokenizer.ggml.bos_token_id", U32, tokenizer.end_of_text),
        entry("tokenizer.ggml.eos_token_id", U32, tokenizer.end),
        entry("tokenizer.ggml.eot_token_id", U32, tokenizer.end),
        entry("tokenizer.ggml.padding_token_id", U32, tokenizer.end_of_text),
        entry("tokenizer.ggml.add_bos_token", BOOL, False),
        entry("tokenizer.ggml.add_eos_token", BOOL, False),
        entry("tokenizer.chat_template", STRING, CHAT_TEMPLATE),
    ]


def padded(data):
    return data + b"\0" * (-len(data) % ALIGNMENT)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint")
    parser.add_argument("tokenizer")
    parser.add_argument("output")
    parser.add_argument("--type", choices=FILE_TYPES, default="q8_0")
    options = parser.parse_args()
    checkpoint = torch.load(options.checkpoint, map_location="cpu")
    file_type, matrix_type = FILE_TYPES[options.type]
    entries = metadata(checkpoint["config"], Tokenizer.load(options.tokenizer), file_type)
    infos, body, count = b"", b"", 0
    for name, tensor in named_tensors(checkpoint["weights"], checkpoint["config"]):
        values = tensor.numpy()
        kind, data = encode_tensor(values, matrix_type)
        # GGUF lists dimensions fastest first.
        shape = struct.pack(f"<{values.ndim}Q", *reversed(values.shape))
        infos += text(name) + struct.pack("<I", values.ndim) + shape + struct.pack("<IQ", kind, len(body))
        body += padded(data)
        count += 1
    header = b"GGUF" + struct.pack("<IQQ", 3, count, len(entries)) + b"".join(entries) + infos
    with open(options.output, "wb") as file:
        file.write(padded(header) + body)
    print(f"{options.output}: {count} tensors, {len(padded(header)) + len(body)} bytes")


if __name__ == "__main__":
    main()
