"""The demo model: a small llama-architecture transformer in plain PyTorch.

Written for a CPU: one fused projection for q/k/v and one for gate/up, so that
nearly all time goes to a few large matrix products; grouped-query attention is
done by folding the query group into the time axis instead of copying keys.
Rotary embedding turns adjacent pairs, the layout ggml's llama graph uses, so
the exported weights need no permutation.
"""

import math
from dataclasses import asdict, dataclass

import torch
from torch import nn
from torch.nn import functional as F


@dataclass
class Config:
    vocab: int = 1536
    width: int = 256
    layers: int = 4
    heads: int = 8
    kv_heads: int = 4
    hidden: int = 640
    context: int = 2048
    rope_base: float = 10000.0
    epsilon: float = 1e-5

    @property
    def head_size(self) -> int:
        return self.width // self.heads

    def as_dict(self) -> dict:
        return asdict(self)


class RootMeanSquareNorm(torch.autograd.Function):
    """RMS norm with a hand-written backward: far fewer passes over memory."""

    @staticmethod
    def forward(ctx, x, weight, epsilon):
        inverse = torch.rsqrt(torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_().div_(x.shape[-1]).add_(epsilon))
        normal = x * inverse
        ctx.save_for_backward(normal, inverse, weight)
        return normal * weight

    @staticmethod
    def backward(ctx, grad):
        normal, inverse, weight = ctx.saved_tensors
        product = grad * normal
        grad_weight = product.reshape(-1, product.shape[-1]).sum(0)
        mean = torch.mv(product.view(-1, product.shape[-1]), weight).view(*product.shape[:-1], 1).div_(product.shape[-1])
        grad_x = torch.addcmul(grad * weight, normal, mean, value=-1).mul_(inverse)
        return grad_x, grad_weight, None


class GatedSilu(torch.autograd.Function):
    """silu(gate) * up on one fused tensor, its gradient written in place."""

    @staticmethod
    def forward(ctx, both):
        gate, up = both.chunk(2, dim=-1)
        ctx.save_for_backward(both)
        return F.silu(gate).mul_(up)

    @staticmethod
    def backward(ctx, grad):
        (both,) = ctx.saved_tensors
        gate, up = both.chunk(2, dim=-1)
        sigmoid = torch.sigmoid(gate)
        silu = sigmoid * gate
        out = torch.empty_like(both)
        width = gate.shape[-1]
        torch.mul(grad, silu, out=out[..., width:])
        # d silu = sigmoid + silu * (1 - sigmoid)
        slope = torch.addcmul(sigmoid + silu, silu, sigmoid, value=-1)
        torch.mul(slope.mul_(up), grad, out=out[..., :width])
        return out


class Block(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        width, size = config.width, config.head_size
        self.attn_norm = nn.Parameter(torch.ones(width))
        self.qkv = nn.Parameter(torch.empty((config.heads + 2 * config.kv_heads) * size, width))
        self.attn_output = nn.Parameter(torch.empty(width, width))
        self.ffn_norm = nn.Parameter(torch.ones(width))
        self.gate_up = nn.Parameter(torch.empty(2 * config.hidden, width))
        self.ffn_down = nn.Parameter(torch.empty(width, config.hidden))

    def attend(self, x, rotation, masks):
        config = self.config
        rows, time, _ = x.shape
        size, kv, group = config.head_size, config.kv_heads, config.heads // config.kv_heads
        turning, value = F.linear(x, self.qkv).split([(config.heads + kv) * size, kv * size], -1)
        turned = torch.view_as_complex(turning.reshape(rows, time, -1, size // 2, 2))
        turned = torch.view_as_real(turned * rotation).view(rows, time, -1, size)
        query, key = turned.split([config.heads, kv], 2)
        # queries of one group share their key head: (rows * kv, group * time, size)
        query = query.reshape(rows, time, kv, group, size)
        query = query.permute(0, 2, 3, 1, 4).reshape(rows * kv, group, time, size)
        key = key.permute(0, 2, 3, 1).reshape(rows * kv, size, time)
        value = value.view(rows, time, kv, size).transpose(1, 2).reshape(rows * kv, time, size)
        mixed = []
        for begin, mask in masks:
            # A block of queries sees the keys up to its own end and no further.
            end = mask.shape[-1]
            part = query[:, :, begin:end].reshape(rows * kv, -1, size)
            scores = torch.baddbmm(mask.expand(rows * kv, -1, -1), part, key[..., :end], alpha=1 / math.sqrt(size))
            part = torch.bmm(torch.softmax(scores, -1), value[:, :end])
            mixed.append(part.view(rows, kv, group, end - begin, size))
        mixed = torch.cat(mixed, 3).permute(0, 3, 1, 2, 4).reshape(rows, time, -1)
        return F.linear(mixed, self.attn_output)

    def forward(self, x, rotation, masks):
        epsilon = self.config.epsilon
        x = x + self.attend(RootMeanSquareNorm.apply(x, self.attn_norm, epsilon), rotation, masks)
        both = F.linear(RootMeanSquareNorm.apply(x, self.ffn_norm, epsilon), self.gate_up)
        return x + F.linear(GatedSilu.apply(both), self.ffn_down)


class DemoModel(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.token_embd = nn.Parameter(torch.empty(config.vocab, config.width))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.output_norm = nn.Parameter(torch.ones(config.width))
        self.rotations = rotation_table(config)
        self.initialise()

    def initialise(self):
        """Scaled so that every block starts as a small change to its input."""
        nn.init.normal_(self.token_embd, std=0.02)
        shrink = 1 / math.sqrt(2 * self.config.layers)
        for block in self.blocks:
            for weight in (block.qkv, block.gate_up):
                nn.init.normal_(weight, std=weight.shape[1] ** -0.5)
            for weight in (block.attn_output, block.ffn_down):
                nn.init.normal_(weight, std=weight.shape[1] ** -0.5 * shrink)

    def hidden_states(self, tokens):
        time = tokens.shape[1]
        masks = causal_masks(time, self.config.heads // self.config.kv_heads)
        rotation = self.rotations[:time].view(1, time, 1, -1)
        x = F.embedding(tokens, self.token_embd)
        for block in self.blocks:
            x = block(x, rotation, masks)
        return RootMeanSquareNorm.apply(x, self.output_norm, self.config.epsilon)

    def forward(self, tokens, positions=None):
        """Logits at the flat positions given (all of them by default)."""
        states = self.hidden_states(tokens).view(-1, self.config.width)
        if positions is not None:
            states = states.index_select(0, positions)
        return F.linear(states, self.token_embd)


def causal_masks(time, group, block=192):
    """Per block of queries: where it begins, and its mask up to its own end."""
    masks = []
    for begin in range(0, time, block):
        end = min(begin + block, time)
        mask = torch.full((end - begin, end), float("-inf")).triu_(begin + 1)
        masks.append((begin, mask.repeat(group, 1)))
    return masks


def rotation_table(config: Config):
    size = config.head_size
    steps = config.rope_base ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)
    angles = torch.outer(torch.arange(config.context, dtype=torch.float64), steps)
    return torch.polar(torch.ones_like(angles), angles).to(torch.complex64)
