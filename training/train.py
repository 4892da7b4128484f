"""Trains the demo model on the CPU, one worker process per core.

Single-threaded workers pulling small pieces of each batch are about three
times faster here than one process with threaded operations: everything a
worker touches stays in its cache, and a core busy elsewhere only takes fewer
pieces. Parameters, gradients and optimiser state live in shared memory.

Usage: train.py --data short.npz --steps 1000 --save a.pt [--resume b.pt] …
A run may be stopped at any time and resumed from its checkpoint.
"""

import argparse
import json
import os
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import torch
import torch.multiprocessing as mp
from torch.nn import functional as F

from model import Config, DemoModel
from optimiser import share_out, units_of


class Corpus:
    """Dialogues in rows of their own, batched with others of like length."""

    def __init__(self, path):
        with np.load(path) as data:
            self.tokens, self.weights = data["tokens"], data["weights"]
            self.groups, self.answers = data["groups"], data["answers"]
            self.offsets, self.skills = data["offsets"], [str(name) for name in data["skills"]]

    def batches(self, seed, batch_tokens):
        """Endless lists of row numbers, each about `batch_tokens` long when padded."""
        random = np.random.default_rng(seed)
        lengths = np.diff(self.offsets)
        while True:
            # A little noise in the sort mixes neighbours anew in every pass.
            order = np.argsort(lengths + random.uniform(0, 12, len(lengths)))
            batches, begin = [], 0
            while begin < len(order):
                count = 1
                end = begin + 1
                while end < len(order) and (count + 1) * lengths[order[end]] <= batch_tokens:
                    count, end = count + 1, end + 1
                batches.append(order[begin:end])
                begin = end
            for index in random.permutation(len(batches)):
                yield batches[index]

    def arrays(self, rows):
        """Inputs, targets, weights and groups, padded to the longest row."""
        time_steps = max(self.offsets[row + 1] - self.offsets[row] for row in rows) - 1
        shape = (len(rows), -(-int(time_steps) // 8) * 8)
        inputs, targets = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        weights, groups = np.zeros(shape, np.float32), np.full(shape, -1, np.int64)
        for place, row in enumerate(rows):
            span = slice(self.offsets[row], self.offsets[row + 1])
            length = span.stop - span.start - 1
            inputs[place, :length] = self.tokens[span][:-1]
            targets[place, :length] = self.tokens[span][1:]
            weights[place, :length] = self.weights[span][1:]
            groups[place, :length] = self.groups[span][1:]
        return tuple(map(torch.from_numpy, (inputs, targets, weights, groups)))


def bind(model, flat, name):
    """Makes every parameter, or its gradient, a view into one flat vector."""
    start = 0
    for parameter in model.parameters():
        view = flat[start : start + parameter.numel()].view(parameter.shape)
        if name == "data":
            view.copy_(parameter.data)
            parameter.data = view
        else:
            parameter.grad = view
        start += parameter.numel()


def scored(model, corpus, rows):
    """Summed weighted loss, and per answer whether greedy decoding would match."""
    inputs, targets, weights, groups = corpus.arrays(rows)
    flat = weights.view(-1)
    positions = flat.nonzero().squeeze(1)
    logits = model(inputs, positions)
    wanted = targets.view(-1)[positions]
    losses = F.cross_entropy(logits, wanted, reduction="none")
    return losses, flat[positions], logits, wanted, groups.view(-1)[positions]


@torch.no_grad()
def validate(model, corpus, rows):
    right = {}
    for begin in range(0, len(rows), 4):
        _, _, logits, wanted, groups = scored(model, corpus, rows[begin : begin + 4])
        hits = (logits.argmax(-1) == wanted).numpy()
        for group in np.unique(groups.numpy()):
            skill = corpus.skills[corpus.answers[group]]
            right.setdefault(skill, []).append(bool(hits[groups.numpy() == group].all()))
    return {skill: round(100 * sum(all_) / len(all_)) for skill, all_ in sorted(right.items())}


def scale_at(step, progress, options):
    """Learning-rate factor: warm-up, then a straight line between two values."""
    warm = min(1.0, (step + 1) / options.warmup) if options.warmup else 1.0
    return warm * (options.lr_from + (options.lr_to - options.lr_from) * progress)


def progress_at(step, began, options):
    """How much of the run is done, by steps or by the clock, whichever is further."""
    by_clock = (time.time() - began) / (60 * options.minutes) if options.minutes else 0.0
    return min(1.0, max(step / options.steps, by_clock))


def work(rank, shared, options):
    torch.set_num_threads(1)
    corpus, held_out = shared["corpus"], shared["held_out"]
    model, parameters, gradients = shared["model"], shared["parameters"], shared["gradients"]
    bind(model, gradients[rank], "grad")
    units = share_out(units_of(model, shared["state"]), options.workers)[rank]
    counter, barrier, progress = shared["counter"], shared["barrier"], shared["progress"]
    began, seen = time.time(), 0
    stream = corpus.batches(options.seed, options.batch_tokens)
    for step in range(options.steps):
        batch = next(stream)
        pieces = np.array_split(batch, min(len(batch), options.pieces))
        total = sum(corpus.weights[corpus.offsets[row] + 1 : corpus.offsets[row + 1]].astype(np.float32).sum() for row in batch)
        gradients[rank].zero_()
        own_loss = 0.0
        while True:
            with counter.get_lock():
                piece, counter.value = counter.value, counter.value + 1
            if piece >= len(pieces):
                break
            losses, weights, *_ = scored(model, corpus, pieces[piece])
            loss = (losses * weights).sum() / float(total)
            loss.backward()
            own_loss += float(loss.detach())
        shared["losses"][rank] = own_loss
        barrier.wait()
        with torch.no_grad():
            for unit in units:
                gradient = unit.slice(gradients[0]).clone()
                for other in range(1, options.workers):
                    gradient += unit.slice(gradients[other])
                unit.update(parameters, gradient, options.done + step + 1, scale_at(step, progress.value, options))
        if rank == 0:
            counter.value = 0
            progress.value = progress_at(step + 1, began, options)
            seen += sum(int(corpus.offsets[row + 1] - corpus.offsets[row]) for row in batch)
            shared["seen"].value += float(sum(int(corpus.offsets[row + 1] - corpus.offsets[row]) for row in batch))
            shared["average"].value += (float(shared["losses"].sum()) - shared["average"].value) * (1.0 if step == 0 else 0.05)
        barrier.wait()
        last = progress.value >= 1.0
        if rank == 0 and ((step + 1) % options.log_every == 0 or last):
            print(f"step {options.done + step + 1} loss {shared['average'].value:.4f} tokens {shared['seen'].value / 1e6:.2f}M "
                  f"{seen / (time.time() - began):.0f} tokens/s {time.strftime('%H:%M:%S')}", flush=True)
        if rank == 0 and ((step + 1) % options.save_every == 0 or last):
            save(shared, options, step + 1)
        if rank == options.workers - 1 and held_out is not None and ((step + 1) % options.save_every == 0 or last):
            rows = np.arange(min(options.validation_rows, len(held_out.offsets) - 1))
            print("  held out:", json.dumps(validate(model, held_out, rows)), flush=True)
        if last:
            break


def save(shared, options, step):
    checkpoint = {
        "config": shared["model"].config.as_dict(),
        "weights": shared["model"].state_dict(),
        "state": shared["state"],
        "step": options.done + step,
        "seen": shared["seen"].value,
    }
    torch.save(checkpoint, options.save + ".part")
    os.replace(options.save + ".part", options.save)


def parse_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--held-out")
    parser.add_argument("--save", required=True)
    parser.add_argument("--resume")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--minutes", type=float, help="stop, and anneal, by the clock if that comes first")
    parser.add_argument("--batch-tokens", type=int, default=8192)
    parser.add_argument("--pieces", type=int, default=8, help="parts of a batch the workers pull")
    parser.add_argument("--lr-from", type=float, default=1.0)
    parser.add_argument("--lr-to", type=float, default=1.0)
    parser.add_argument("--warmup", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--log-every", type=int, default=20)
    parser.add_argument("--save-every", type=int, default=200)
    parser.add_argument("--validation-rows", type=int, default=100)
    for field, value in Config().as_dict().items():
        parser.add_argument("--" + field.replace("_", "-"), type=type(value), default=value)
    return parser.parse_args()


def main():
    options = parse_options()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    config = Config(**{field: getattr(options, field) for field in Config().as_dict()})
    options.done, seen, checkpoint = 0, 0.0, None
    if options.resume:
        checkpoint = torch.load(options.resume)
        config = Config(**checkpoint["config"])
        options.done, seen = checkpoint["step"], checkpoint["seen"]
    model = DemoModel(config)
    size = sum(parameter.numel() for parameter in model.parameters())
    parameters = torch.zeros(size).share_memory_()
    bind(model, parameters, "data")
    state = torch.zeros(2, size).share_memory_()
    if checkpoint:
        model.load_state_dict(checkpoint["weights"])
        state.copy_(checkpoint["state"])
    print(f"{size / 1e6:.2f}M parameters, {config}", flush=True)
    shared = {
        "model": model,
        "parameters": parameters,
        "gradients": torch.zeros(options.workers, size).share_memory_(),
        "state": state,
        "losses": torch.zeros(options.workers).share_memory_(),
        "corpus": Corpus(options.data),
        "held_out": Corpus(options.held_out) if options.held_out else None,
        "counter": mp.Value("i", 0),
        "barrier": mp.Barrier(options.workers),
        "average": mp.Value("d", 0.0),
        "progress": mp.Value("d", 0.0),
        "seen": mp.Value("d", seen),
    }
    context = mp.get_context("fork")
    workers = [context.Process(target=work, args=(rank, shared, options)) for rank in range(options.workers)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    main()
