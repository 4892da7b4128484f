"""Muon for the matrices of the blocks, Adam for embedding and norms.

Muon (momentum, then orthogonalised by Newton-Schulz) needs far fewer steps
than Adam on models this small, which is what a CPU budget asks for. Each
weight is one `Unit`; workers share the units out and update them in parallel.
"""

import torch

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def orthogonalise(matrix, rounds=5):
    a, b, c = NEWTON_SCHULZ
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.t() if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(rounds):
        square = x @ x.t()
        x = torch.addmm(x, torch.addmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.t() if tall else x


class Unit:
    """A slice of the flat parameter vector that is updated as one tensor."""

    def __init__(self, name, start, shape, state):
        self.name, self.start, self.shape = name, start, shape
        self.size = int(torch.Size(shape).numel())
        self.muon = len(shape) == 2 and name != "token_embd"
        self.decay = 0.02 if self.muon else 0.0
        self.state = state
        self.cost = self.size * min(shape) if self.muon else self.size * 4

    def slice(self, flat):
        return flat[self.start : self.start + self.size].view(self.shape)

    def update(self, parameters, gradient, step, scale):
        first, second = self.slice(self.state[0]), self.slice(self.state[1])
        weight = self.slice(parameters)
        if self.muon:
            first.mul_(0.95).add_(gradient)
            direction = orthogonalise(gradient.add(first, alpha=0.95))
            rate = 0.02 * scale
            weight.mul_(1 - rate * self.decay)
            weight.add_(direction, alpha=-rate * max(1.0, self.shape[0] / self.shape[1]) ** 0.5)
            return
        first.lerp_(gradient, 0.1)
        second.mul_(0.98).addcmul_(gradient, gradient, value=0.02)
        correct = (1 - 0.98**step) ** 0.5 / (1 - 0.9**step)
        weight.addcdiv_(first, second.sqrt().add_(1e-10), value=-0.004 * scale * correct)


def units_of(model, state):
    """Fused projections are split: each of q, k, v, gate and up is its own matrix."""
    config, units, start = model.config, [], 0
    query, key = config.heads * config.head_size, config.kv_heads * config.head_size
    splits = {"qkv": [query, key, key], "gate_up": [config.hidden, config.hidden]}
    for name, parameter in model.named_parameters():
        rows = splits.get(name.split(".")[-1], [parameter.shape[0]])
        for count in rows:
            unit = Unit(name, start, (count, *parameter.shape[1:]), state)
            units.append(unit)
            start += unit.size
    return units


def share_out(units, workers):
    """Greedy by cost, so that all workers finish an update together."""
    shares, loads = [[] for _ in range(workers)], [0] * workers
    for unit in sorted(units, key=lambda unit: -unit.cost):
        lightest = loads.index(min(loads))
        shares[lightest].append(unit)
        loads[lightest] += unit.cost
    return shares
