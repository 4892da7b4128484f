"""Byte-level BPE in the GPT-2 manner: training, encoding, and the chat format.

The pre-tokenisation is the one llama.cpp calls "gpt-2", rebuilt here from the
Unicode categories because Python's own `re` does not know \\p{L} and \\p{N}.
"""

import collections
import json
import re
import sys
import unicodedata

SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
# ChatML. Earlier turns are always rendered the same, so prefix caches hold.
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message['role'] + '\\n' -}}"
    "{%- if message['content'] is string -%}{{- message['content'] -}}"
    "{%- elif message['content'] -%}"
    "{%- for part in message['content'] -%}{%- if part['text'] -%}{{- part['text'] -}}{%- endif -%}{%- endfor -%}"
    "{%- endif -%}"
    "{{- '<|im_end|>\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
)


def category_ranges(initial):
    """A regex character class of every code point whose category starts so."""
    ranges, start = [], None
    for point in range(sys.maxunicode + 2):
        inside = point <= sys.maxunicode and unicodedata.category(chr(point))[0] == initial
        if inside and start is None:
            start = point
        elif not inside and start is not None:
            ranges.append(f"\\U{start:08x}-\\U{point - 1:08x}")
            start = None
    return "".join(ranges)


LETTER, NUMBER = category_ranges("L"), category_ranges("N")
PRE_TOKEN = re.compile(
    rf"'s|'t|'re|'ve|'m|'ll|'d| ?[{LETTER}]+| ?[{NUMBER}]+| ?[^\s{LETTER}{NUMBER}]+|\s+(?!\S)|\s+"
)


def byte_letters():
    """GPT-2's printable stand-in for each byte."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, extra = {}, 0
    for byte in range(256):
        if byte in printable:
            table[byte] = chr(byte)
        else:
            table[byte] = chr(256 + extra)
            extra += 1
    return table


BYTE_LETTERS = byte_letters()


class Tokenizer:
    def __init__(self, merges):
        self.merges = [tuple(pair) for pair in merges]
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.tokens = [BYTE_LETTERS[byte] for byte in range(256)]
        self.tokens += [left + right for left, right in self.merges] + SPECIALS
        self.ids = {token: index for index, token in enumerate(self.tokens)}
        self.end_of_text, self.start, self.end = (self.ids[name] for name in SPECIALS)
        self.cache = {}

    @classmethod
    def load(cls, path):
        with open(path, encoding="utf-8") as file:
            return cls([line.rstrip("\n").split(" ") for line in file])

    def save(self, path):
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{left} {right}\n" for left, right in self.merges)

    def encode_word(self, word):
        known = self.cache.get(word)
        if known is not None:
            return known
        parts = [BYTE_LETTERS[byte] for byte in word.encode("utf-8")]
        while len(parts) > 1:
            best = min(range(len(parts) - 1), key=lambda i: self.ranks.get((parts[i], parts[i + 1]), 1 << 30))
            if (parts[best], parts[best + 1]) not in self.ranks:
                break
            parts[best : best + 2] = [parts[best] + parts[best + 1]]
        ids = [self.ids[part] for part in parts]
        if len(self.cache) < 1_000_000:
            self.cache[word] = ids
        return ids

    def encode(self, text):
        out = []
        for word in PRE_TOKEN.findall(text):
            out += self.encode_word(word)
        return out

    def decode(self, ids):
        back = {letter: byte for byte, letter in BYTE_LETTERS.items()}
        data = bytearray()
        for index in ids:
            token = self.tokens[index]
            data += token.encode() if token in SPECIALS else bytes(back[letter] for letter in token)
        return data.decode("utf-8", "replace")

    def message(self, role, content):
        """One message as the chat template renders it, without the last newline."""
        return [self.start, *self.encode(f"{role}\n{content}"), self.end]


def count_pairs(words):
    pairs, where = collections.Counter(), collections.defaultdict(set)
    for index, (parts, count) in enumerate(words):
        for pair in zip(parts, parts[1:]):
            pairs[pair] += count
            where[pair].add(index)
    return pairs, where


def merge_parts(parts, pair):
    out, index = [], 0
    while index < len(parts):
        if index + 1 < len(parts) and (parts[index], parts[index + 1]) == pair:
            out.append(parts[index] + parts[index + 1])
            index += 2
        else:
            out.append(parts[index])
            index += 1
    return out


def train(counts, size):
    """Merges the most frequent pair until `size` tokens exist; ties by text."""
    words = [([BYTE_LETTERS[byte] for byte in word.encode()], count) for word, count in sorted(counts.items())]
    pairs, where = count_pairs(words)
    merges = []
    while len(merges) < size - 256 - len(SPECIALS):
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        for index in where.pop(best):
            parts, count = words[index]
            for pair in zip(parts, parts[1:]):
                pairs[pair] -= count
            parts = merge_parts(parts, best)
            words[index] = (parts, count)
            for pair in zip(parts, parts[1:]):
                pairs[pair] += count
                where[pair].add(index)
        del pairs[best]
    return Tokenizer(merges)


def corpus_counts(lines):
    """Word counts of a corpus, with a floor for what must be single tokens."""
    counts = collections.Counter()
    for line in lines:
        for user, assistant, _, _ in json.loads(line)["turns"]:
            counts.update(PRE_TOKEN.findall(user))
            counts.update(PRE_TOKEN.findall(assistant))
    for role in ("user", "assistant", "system", "tool"):
        counts[role] += 100_000
    for value in range(101):
        # Whole small numbers make counting and sums a matter of single tokens.
        counts[f" {value}"] += 2_000
        counts[str(value)] += 1_000
    return counts


if __name__ == "__main__":
    output, size = sys.argv[1], int(sys.argv[2])
    tokenizer = train(corpus_counts(sys.stdin), size)
    tokenizer.save(output)
    print(f"{len(tokenizer.tokens)} tokens written to {output}")
