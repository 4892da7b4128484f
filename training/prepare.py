"""Turns dialogue JSON lines (standard input) into token arrays for training.

Usage: write-corpus.ts … | prepare.py tokenizer.json output.npz

Only the assistant's words carry weight; `group` tells answers apart, so that
validation can ask whether a whole answer would have come out right.
"""

import json
import sys

import numpy as np

from tokenizer import Tokenizer


COUNTED = ("counting", "listing")


def encode_dialogue(tokenizer, record, skills, next_group):
    """Tokens, the weight of predicting each, and the answer each belongs to."""
    # Knowing when to stop is one or two tokens of a long answer: weigh them up.
    stop_weight = 4.0
    newline = tokenizer.encode("\n")
    tokens, weights, groups, answers = [], [], [], []

    def add(message, weight, group, factor=1.0):
        # The three tokens that open a message are given, not predicted.
        tokens.extend(message + newline)
        body = len(message) - 3
        stop = min(2, body)
        weights.extend([0.0] * 3 + [weight] * (body - stop) + [weight * factor] * stop + [0.0])
        groups.extend([-1] * 3 + [group] * body + [-1])

    if record.get("system"):
        add(tokenizer.message("system", record["system"]), 0.0, -1)
    for user, assistant, weight, skill in record["turns"]:
        add(tokenizer.message("user", user), 0.0, -1)
        add(tokenizer.message("assistant", assistant), weight, next_group + len(answers), stop_weight if skill in COUNTED else 1.0)
        answers.append(skills.setdefault(skill, len(skills)))
    return tokens, weights, groups, answers


def main():
    tokenizer = Tokenizer.load(sys.argv[1])
    tokens, weights, groups, answers, offsets, skills = [], [], [], [], [0], {}
    for line in sys.stdin:
        row = encode_dialogue(tokenizer, json.loads(line), skills, len(answers))
        if len(row[0]) > 2048:
            continue
        tokens.append(np.array(row[0], dtype=np.uint16))
        weights.append(np.array(row[1], dtype=np.float16))
        groups.append(np.array(row[2], dtype=np.int32))
        answers += row[3]
        offsets.append(offsets[-1] + len(row[0]))
    np.savez(
        sys.argv[2],
        tokens=np.concatenate(tokens),
        weights=np.concatenate(weights),
        groups=np.concatenate(groups),
        answers=np.array(answers, dtype=np.int16),
        offsets=np.array(offsets),
        skills=np.array(list(skills)),
    )
    print(f"{len(offsets) - 1} dialogues, {offsets[-1]} tokens written to {sys.argv[2]}", file=sys.stderr)


if __name__ == "__main__":
    main()
