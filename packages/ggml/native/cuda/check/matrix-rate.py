# What a card's matrix units give: a large bf16 product through PyTorch, on random data, as TFLOP/s.
import statistics

import torch

SIZE = 8192
left = torch.randn(SIZE, SIZE, device="cuda", dtype=torch.bfloat16)
right = torch.randn(SIZE, SIZE, device="cuda", dtype=torch.bfloat16)
times = []
for run in range(13):
    start = torch.cuda.Event(enable_timing=True)
    end = torch.cuda.Event(enable_timing=True)
    start.record()
    torch.matmul(left, right)
    end.record()
    end.synchronize()
    times.append(start.elapsed_time(end))
print(f"{2 * SIZE**3 / statistics.median(times[3:]) / 1e9:.1f}")
