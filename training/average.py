"""Averages the weights of two checkpoints of one run.

Usage: average.py older.pt newer.pt output.pt --newer 0.85

The last phase taught new things at a small cost to recall over many turns; a
weighted average of its start and its end keeps the better of both.
"""

import argparse

import torch


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("older")
    parser.add_argument("newer_checkpoint")
    parser.add_argument("output")
    parser.add_argument("--newer", type=float, default=0.5, help="the newer checkpoint's share")
    options = parser.parse_args()
    older, newer = torch.load(options.older)["weights"], torch.load(options.newer_checkpoint)
    newer["weights"] = {
        name: options.newer * weight + (1 - options.newer) * older[name]
        for name, weight in newer["weights"].items()
    }
    torch.save(newer, options.output)


if __name__ == "__main__":
    main()
