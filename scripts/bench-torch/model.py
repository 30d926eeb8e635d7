#!/usr/bin/env python3
"""The model of ml-offchain/model in PyTorch on the CPU: same sizes, same counting, same JSON keys as
`cargo bench -p blyan-model --bench throughput`. Needs `pip install torch`.

model.py [--json FILE] [--rounds N]

Experts are tried both ways, each computing all rows (no gathering) or only the rows routed to it; the
faster of the two is what is measured.
"""

import argparse
import json
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn

VOCABULARY, D_MODEL, LAYERS, EXPERTS, D_FF, TOP_K, HEADS = 256, 128, 2, 4, 256, 2, 4
THREADS, BATCH, SEQUENCE = 2, 16, 128
TRAINING_STEPS, SHARDS, SHARD_BYTES, GENERATED_TOKENS = 20, 16, 4096, 1024
# Windows of evaluation overlap by half a context, as in ml-offchain/model/src/evaluate.rs.
STRIDE, WINDOWS_PER_PASS = SEQUENCE // 2, 16
BALANCE, CLIP = 0.01, 1.0


class RMSNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(D_MODEL))

    def forward(self, x):
        return F.rms_norm(x, (D_MODEL,), self.weight, 1e-5)


class Expert(nn.Module):
    def __init__(self):
        super().__init__()
        self.w1 = nn.Linear(D_MODEL, D_FF, bias=False)
        self.w3 = nn.Linear(D_MODEL, D_FF, bias=False)
        self.w2 = nn.Linear(D_FF, D_MODEL, bias=False)

    def forward(self, x):
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class Layer(nn.Module):
    def __init__(self, dense):
        super().__init__()
        self.dense = dense
        self.attention_norm, self.expert_norm = RMSNorm(), RMSNorm()
        self.wqkv = nn.Linear(D_MODEL, 3 * D_MODEL, bias=False)
        self.wo = nn.Linear(D_MODEL, D_MODEL, bias=False)
        self.router = nn.Linear(D_MODEL, EXPERTS, bias=False)
        self.experts = nn.ModuleList(Expert() for _ in range(EXPERTS))

    def attend(self, x, cos, sin, cache):
        b, t, _ = x.shape
        q, k, v = self.wqkv(x).view(b, t, 3, HEADS, D_MODEL // HEADS).permute(2, 0, 3, 1, 4)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        if cache is None:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            keys, values, at = cache
            keys[:, :, at : at + t], values[:, :, at : at + t] = k, v
            y = F.scaled_dot_product_attention(q, keys[:, :, : at + t], values[:, :, : at + t], is_causal=t > 1)
        return self.wo(y.transpose(1, 2).reshape(b, t, D_MODEL))

    def route(self, x):
        flat = x.reshape(-1, D_MODEL)
        scores = self.router(flat)
        top, chosen = scores.topk(TOP_K, dim=-1)
        gates = top.softmax(-1)
        balance = None
        if self.training:
            shares = F.one_hot(chosen, EXPERTS).float().mean((0, 1))
            balance = EXPERTS * (shares * scores.softmax(-1).mean(0)).sum()
        if self.dense:
            weights = torch.zeros_like(scores).scatter(1, chosen, gates)
            out = sum(weights[:, e : e + 1] * expert(flat) for e, expert in enumerate(self.experts))
        else:
            out = torch.zeros_like(flat)
            for e, expert in enumerate(self.experts):
                rows, places = (chosen == e).nonzero(as_tuple=True)
                if len(rows):
                    out = out.index_add(0, rows, gates[rows, places, None] * expert(flat[rows]))
        return out.view_as(x), balance

    def forward(self, x, cos, sin, cache=None):
        x = x + self.attend(self.attention_norm(x), cos, sin, cache)
        routed, balance = self.route(self.expert_norm(x))
        return x + routed, balance


def rotate(x, cos, sin):
    low, high = x.chunk(2, -1)
    return torch.cat((low * cos - high * sin, high * cos + low * sin), -1)


class Model(nn.Module):
    def __init__(self, dense):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, D_MODEL)
        self.layers = nn.ModuleList(Layer(dense) for _ in range(LAYERS))
        self.final_norm = RMSNorm()
        self.head = nn.Linear(D_MODEL, VOCABULARY, bias=False)
        half = D_MODEL // HEADS // 2
        angles = torch.arange(SEQUENCE)[:, None] * 10_000.0 ** (-torch.arange(half) / half)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(self, tokens, caches=None, at=0):
        x, balances = self.embedding(tokens), []
        cos, sin = self.cos[at : at + tokens.shape[1]], self.sin[at : at + tokens.shape[1]]
        for i, layer in enumerate(self.layers):
            x, balance = layer(x, cos, sin, None if caches is None else (*caches[i], at))
            balances.append(balance)
        return self.head(self.final_norm(x)), balances


def text(n):
    letters = b"etaoin shrdlu cmfwyp"
    return torch.tensor([letters[(i * (i // 7 + 3)) % 20] for i in range(n)])


class Bench:
    def __init__(self, dense):
        torch.manual_seed(1)
        self.model = Model(dense)
        # The fused variant is the fastest of torch's on the CPU.
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=3e-3, betas=(0.9, 0.95), weight_decay=0.01, fused=True
        )
        self.training_text = text(1 << 20)
        self.shards = [text(SHARD_BYTES) for _ in range(SHARDS)]

    def training(self, warm_up=False):
        self.model.train()
        for _ in range(2 if warm_up else TRAINING_STEPS):
            starts = torch.randint(0, len(self.training_text) - SEQUENCE, (BATCH,))
            rows = torch.stack([self.training_text[s : s + SEQUENCE + 1] for s in starts.tolist()])
            logits, balances = self.model(rows[:, :-1])
            loss = F.cross_entropy(logits.reshape(-1, VOCABULARY), rows[:, 1:].reshape(-1))
            loss = loss + BALANCE * sum(balances) / LAYERS
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
            self.optimizer.step()
        loss.item()
        return TRAINING_STEPS * BATCH * SEQUENCE

    @torch.inference_mode()
    def evaluation(self, warm_up=False):
        self.model.eval()
        for shard in self.shards[: 1 if warm_up else None]:
            whole = shard[: 1 + SEQUENCE + (SHARD_BYTES - 1 - SEQUENCE) // STRIDE * STRIDE]
            windows = list(whole.unfold(0, SEQUENCE + 1, STRIDE).split(WINDOWS_PER_PASS))
            tail = shard[len(whole) - 1 - STRIDE :]
            windows += [tail[None]] if len(tail) > STRIDE + 1 else []
            total = torch.zeros((), dtype=torch.float64)
            for rows in windows:
                logits, _ = self.model(rows[:, :-1])
                losses = F.cross_entropy(logits.transpose(1, 2), rows[:, 1:], reduction="none")
                total += losses[:, STRIDE:].double().sum()
            total.item()
        return SHARDS * SHARD_BYTES

    @torch.inference_mode()
    def generation(self, warm_up=False):
        self.model.eval()
        width = D_MODEL // HEADS
        caches = [[torch.zeros(1, HEADS, SEQUENCE, width) for _ in range(2)] for _ in range(LAYERS)]
        seen, at = [32], 0
        for _ in range(32 if warm_up else GENERATED_TOKENS):
            if at == SEQUENCE:
                seen, at = seen[-STRIDE:], 0
            new = seen[at:]
            logits, _ = self.model(torch.tensor([new]), caches, at)
            at += len(new)
            seen.append(torch.multinomial(logits[0, -1].softmax(-1), 1).item())
        return GENERATED_TOKENS


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", help="write the figures here")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    jobs = ["training", "evaluation", "generation"]
    benches = {"dense": Bench(True), "sparse": Bench(False)}

    def rate(job, variant):
        start = time.perf_counter()
        tokens = getattr(benches[variant], job)()
        return tokens / (time.perf_counter() - start)

    # Warm up, then choose.
    for job in jobs:
        for variant in benches:
            getattr(benches[variant], job)(warm_up=True)
    fastest = {job: max(benches, key=lambda variant: rate(job, variant)) for job in jobs}
    rates = {job: [] for job in jobs}
    for _ in range(arguments.rounds):
        for job in jobs:
            rates[job].append(rate(job, fastest[job]))

    parameters = sum(p.numel() for p in benches["dense"].model.parameters())
    print(f"{parameters} parameters, {THREADS} threads, torch {torch.__version__}, {arguments.rounds} rounds")
    figures = {"parameters": parameters, "threads": THREADS, "torch": torch.__version__}
    for job in jobs:
        key, median = f"{job}_tokens_per_second", statistics.median(rates[job])
        figures[key] = round(median, 1)
        print(f"{key:<32} {median:>12.0f}  (experts {fastest[job]})")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=2)
            file.write("\n")


if __name__ == "__main__":
    main()
