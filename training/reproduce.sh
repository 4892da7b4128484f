#!/bin/sh
# Writes the corpora, trains in four phases and exports the model. Context grows
# from phase to phase: attention stays cheap while the skills are learnt, and
# recall over many turns comes last, while the learning rate falls.
set -eu
here=$(dirname "$0")
out=${1:?usage: reproduce.sh OUTPUT_FOLDER}
mkdir -p "$out"

dialogues() { node "$here/dialogues/write-corpus.ts" "$@"; }
prepare() { python3 "$here/prepare.py" "$here/tokenizer-merges.txt" "$out/$1.npz"; }
train() { python3 "$here/train.py" --held-out "$out/held-out.npz" "$@"; }

{
  dialogues --split evaluation --seed 900001 --count 60 --from 2 --to 8
  dialogues --split evaluation --seed 900002 --count 25 --from 22 --to 27 --recall 0.6
} | prepare held-out
dialogues --seed 1 --count 80000 --from 1 --to 5 --recall 0.55 | prepare first
dialogues --seed 11 --count 45000 --from 1 --to 5 --recall 0.55 | prepare second
dialogues --seed 20 --count 6500 --from 2 --to 10 --recall 0.55 | prepare third
{
  dialogues --seed 31 --count 6000 --from 12 --to 27 --recall 0.6
  dialogues --seed 32 --count 15000 --from 1 --to 10 --recall 0.45 --long-answers
} | prepare fourth

train --data "$out/first.npz" --save "$out/first.pt" --seed 1 --warmup 60 --steps 450 --batch-tokens 5120
train --data "$out/second.npz" --resume "$out/first.pt" --save "$out/second.pt" --seed 2 --steps 400 --batch-tokens 5120
train --data "$out/third.npz" --resume "$out/second.pt" --save "$out/third.pt" --seed 3 --steps 210 --batch-tokens 6144
train --data "$out/fourth.npz" --resume "$out/third.pt" --save "$out/fourth.pt" --seed 4 --steps STEPS --batch-tokens 6144 --lr-to 0.03
python3 "$here/export_gguf.py" "$out/fourth.pt" "$here/tokenizer-merges.txt" "$out/loci-demo.gguf"
