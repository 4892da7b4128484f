#!/bin/sh
# Writes the corpora, trains in six phases and exports the model. Dialogues grow
# from phase to phase: attention stays cheap while the skills are learnt, and
# recall over many turns comes last, while the learning rate falls.
set -eu
here=$(dirname "$0")
out=${1:?usage: reproduce.sh OUTPUT_FOLDER}
mkdir -p "$out"

dialogues() { node "$here/dialogues/write-corpus.ts" "$@"; }
prepare() { python3 "$here/prepare.py" "$here/tokenizer-merges.txt" "$out/$1.npz"; }
# train PHASE SEED STEPS BATCH_TOKENS [MORE OPTIONS]: each phase goes on from the one before.
train() {
  phase=$1 seed=$2 steps=$3 batch=$4
  shift 4
  python3 "$here/train.py" --data "$out/$phase.npz" --held-out "$out/held-out.npz" \
    --save "$out/$phase.pt" --seed "$seed" --steps "$steps" --batch-tokens "$batch" "$@"
}

{
  dialogues --split evaluation --seed 900001 --count 60 --from 2 --to 8
  dialogues --split evaluation --seed 900002 --count 25 --from 22 --to 27 --recall 0.6
} | prepare held-out
dialogues --seed 1 --count 80000 --from 1 --to 5 --recall 0.55 | prepare 1
dialogues --seed 11 --count 45000 --from 1 --to 5 --recall 0.55 | prepare 2
dialogues --seed 20 --count 6500 --from 2 --to 10 --recall 0.55 | prepare 3
{
  dialogues --seed 31 --count 6000 --from 12 --to 27 --recall 0.6
  dialogues --seed 32 --count 15000 --from 1 --to 10 --recall 0.45 --long-answers
} | prepare 4
{
  dialogues --seed 41 --count 3600 --from 12 --to 27 --recall 0.6
  dialogues --seed 42 --count 12000 --from 1 --to 9 --recall 0.4 --long-answers
} | prepare 5
{
  dialogues --seed 51 --count 2000 --from 12 --to 27 --recall 0.6
  dialogues --seed 52 --count 9000 --from 1 --to 9 --recall 0.4 --long-answers
} | prepare 6

train 1 1 450 5120 --warmup 60
train 2 2 400 5120 --resume "$out/1.pt"
train 3 3 210 6144 --resume "$out/2.pt"
train 4 4 600 6144 --resume "$out/3.pt" --lr-from 1.0 --lr-to 0.34
train 5 5 911 6144 --resume "$out/4.pt" --lr-from 0.7 --lr-to 0.02
train 6 6 590 6144 --resume "$out/5.pt" --lr-from 0.35 --lr-to 0.01
python3 "$here/average.py" "$out/5.pt" "$out/6.pt" "$out/average.pt" --newer 0.85
python3 "$here/export_gguf.py" "$out/average.pt" "$here/tokenizer-merges.txt" "$out/loci-demo.gguf"
