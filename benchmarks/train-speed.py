"""PyTorch's side of train-speed.ts: the same model and step, eager, float32. Prints what its measure() returns."""
import argparse
import json
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--steps", type=int, default=10)
parser.add_argument("--warm-up", type=int, default=5)
parser.add_argument("--dropout", type=float, default=0)
for name in ("L", "H", "C", "T", "B"):
    parser.add_argument(name, type=int)
flags = parser.parse_args()
torch.set_num_threads(flags.threads)
torch.manual_seed(1)
B, T, C, H, L, V = flags.B, flags.T, flags.C, flags.H, flags.L, 65


def drop(x):
    return F.dropout(x, flags.dropout) if flags.dropout > 0 else x


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1 = nn.LayerNorm(C, bias=False)
        self.c_attn = nn.Linear(C, 3 * C, bias=False)
        self.c_proj = nn.Linear(C, C, bias=False)
        self.ln_2 = nn.LayerNorm(C, bias=False)
        self.fc = nn.Linear(C, 4 * C, bias=False)
        self.proj = nn.Linear(4 * C, C, bias=False)

    def forward(self, x):
        q, k, v = (part.view(B, T, H, C // H).transpose(1, 2) for part in self.c_attn(self.ln_1(x)).split(C, dim=2))
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=flags.dropout)
        x = x + drop(self.c_proj(attended.transpose(1, 2).reshape(B, T, C)))
        return x + drop(self.proj(F.gelu(self.fc(self.ln_2(x)), approximate="tanh")))


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte = nn.Embedding(V, C)
        self.wpe = nn.Parameter(0.02 * torch.randn(T, C))
        self.h = nn.ModuleList(Block() for _ in range(L))
        self.ln_f = nn.LayerNorm(C, bias=False)

    def forward(self, ids):
        x = drop(self.wte(ids) + self.wpe)
        for block in self.h:
            x = block(x)
        return self.ln_f(x) @ self.wte.weight.T


model = GPT()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
seconds = []
cpu = []
for step in range(flags.warm_up + flags.steps):
    ids = torch.randint(V, (B, T + 1))
    began, used = time.perf_counter(), time.process_time()
    loss = F.cross_entropy(model(ids[:, :-1]).reshape(-1, V), ids[:, 1:].reshape(-1))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    loss.item()
    if step >= flags.warm_up:
        seconds.append(time.perf_counter() - began)
        cpu.append(1000 * (time.process_time() - used))
print(json.dumps({
    "tokensPerSecond": B * T / statistics.median(seconds),
    "cpu": min(cpu),
    "version": torch.__version__,
}))
