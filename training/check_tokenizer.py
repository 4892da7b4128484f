"""Compares our tokenizer with a served copy of the model, text by text.

Usage: write-corpus.ts … | check_tokenizer.py tokenizer-merges.txt http://127.0.0.1:8080
The server needs llama.cpp's POST /tokenize. Exits with 1 on any difference.
"""

import json
import random
import sys
import urllib.request

from tokenizer import Tokenizer

ODD_TEXTS = ["", " ", "\n", "  \n\n x", "it's I'LL we're", "٣ ½ Ⅳ ²", "naïve café — “ok”…", "日本語 テスト", "a\tb\r\nc", "🙂🙂 👩‍👩‍👧", "x" * 500]


def served_tokens(url, text):
    body = json.dumps({"content": text, "add_special": False, "parse_special": False}).encode()
    request = urllib.request.Request(url + "/tokenize", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)["tokens"]


def noise(source):
    """Random text over scripts, spaces and signs, where tokenizers disagree."""
    letters = "ab zE '\n\t .,-!?0912éßжק中ひ한🙂½\u00a0\u2003_#"
    return "".join(source.choice(letters) for _ in range(source.randrange(1, 40)))


def main():
    tokenizer, url = Tokenizer.load(sys.argv[1]), sys.argv[2]
    texts = [text for line in sys.stdin for turn in json.loads(line)["turns"] for text in turn[:2]]
    source = random.Random(1)
    texts += ODD_TEXTS + [noise(source) for _ in range(500)]
    different = [text for text in texts if served_tokens(url, text) != tokenizer.encode(text)]
    for text in different[:5]:
        print(repr(text), served_tokens(url, text), tokenizer.encode(text))
    print(f"{len(texts)} texts, {len(different)} tokenised differently")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
