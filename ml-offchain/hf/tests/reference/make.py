#!/usr/bin/env python3
"""Small checkpoints of each layout with random weights, and what the Hugging Face implementation computes
from them: logits, a greedy continuation, losses in bits per byte. All of it is committed, so that the tests
need no Python; see `make`.

make.py [OUT]
"""

import json
import math
import pathlib
import shutil
import sys

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    MixtralConfig,
    MixtralForCausalLM,
    OlmoeConfig,
    OlmoeForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2MoeConfig,
    Qwen2MoeForCausalLM,
    Qwen3MoeConfig,
    Qwen3MoeForCausalLM,
)

# The opening of "A Tale of Two Cities" (1859), in the public domain.
PROSE = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of "
    "foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the season of Light, it "
    "was the season of Darkness, it was the spring of hope, it was the winter of despair, we had everything "
    "before us, we had nothing before us, we were all going direct to Heaven, we were all going direct the "
    "other way - in short, the period was so far like the present period, that some of its noisiest "
    "authorities insisted on its being received, for good or for evil, in the superlative degree of "
    "comparison only."
)
# Of one window, of several, and with characters beyond ASCII.
SHARDS = [PROSE[:70], PROSE, "Die Würde — 人権 — " + PROSE[100:180]]
VOCABULARY, CONTEXT, PROMPT_TOKENS, GREEDY_TOKENS = 384, 48, 20, 16
# A greedy choice that is closer than this could fall otherwise by rounding.
LEAST_MARGIN = 2e-3

COMMON = dict(
    vocab_size=VOCABULARY,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=CONTEXT,
    num_experts_per_tok=2,
    bos_token_id=None,
    eos_token_id=VOCABULARY - 1,
    pad_token_id=None,
)

CHECKPOINTS = {
    "mixtral": (
        MixtralForCausalLM,
        MixtralConfig(**COMMON, intermediate_size=24, num_local_experts=4, sliding_window=None, rms_norm_eps=1e-5),
        torch.float32,
    ),
    "qwen2_moe": (
        Qwen2MoeForCausalLM,
        Qwen2MoeConfig(
            **COMMON,
            intermediate_size=64,
            moe_intermediate_size=24,
            shared_expert_intermediate_size=40,
            num_experts=6,
            norm_topk_prob=False,
            rms_norm_eps=1e-6,
        ),
        torch.bfloat16,
    ),
    "qwen3_moe": (
        Qwen3MoeForCausalLM,
        Qwen3MoeConfig(
            **COMMON,
            intermediate_size=64,
            moe_intermediate_size=24,
            head_dim=16,
            num_experts=5,
            norm_topk_prob=True,
            tie_word_embeddings=True,
            rms_norm_eps=1e-6,
            rope_theta=1_000_000.0,
        ),
        torch.bfloat16,
    ),
    "olmoe": (
        OlmoeForCausalLM,
        OlmoeConfig(
            **COMMON, intermediate_size=24, num_experts=4, norm_topk_prob=False, clip_qkv=0.75, rms_norm_eps=1e-5
        ),
        torch.float16,
    ),
}


def make_tokenizer():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - 1, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator([PROSE], trainer)
    # The last of the vocabulary, whatever was learnt.
    padding = VOCABULARY - 1 - tokenizer.get_vocab_size()
    assert padding == 0, f"{padding} tokens too few were learnt"
    tokenizer.add_special_tokens(["<|endoftext|>"])
    assert tokenizer.token_to_id("<|endoftext|>") == VOCABULARY - 1
    return tokenizer


def randomise(model, generator):
    """Weights that make every path matter: the library's own are too small to route by."""
    for name, weight in sorted(model.named_parameters()):
        noise = torch.randn(weight.shape, generator=generator)
        if "norm" in name:
            weight.data = 1 + 0.2 * noise
        elif name.endswith("bias"):
            weight.data = 0.4 * noise
        elif name.endswith("gate.weight"):
            weight.data = noise * 2 / math.sqrt(weight.shape[-1])
        elif "embed" in name:
            weight.data = noise
        else:
            weight.data = noise * 1.2 / math.sqrt(weight.shape[-1])


def windows(tokens, context):
    """As ml-offchain/model/src/evaluate.rs defines them: start, length, predictions made before."""
    stride, start, done = max(1, context // 2), 0, 0
    while done < tokens - 1:
        length = min(context, tokens - 1 - start)
        yield start, length, done - start
        done = start + length
        start += stride


@torch.no_grad()
def bits_per_byte(model, tokenizer, text):
    encoding = tokenizer.encode(text, add_special_tokens=False)
    tokens = torch.tensor(encoding.ids)
    nats = 0.0
    for start, length, skipped in windows(len(tokens), CONTEXT):
        logits = model(tokens[None, start : start + length]).logits[0]
        losses = torch.nn.functional.cross_entropy(
            logits.double(), tokens[start + 1 : start + 1 + length], reduction="none"
        )
        nats += losses[skipped:].sum().item()
    given = len(tokenizer.decode([encoding.ids[0]]).encode())
    return nats / math.log(2) / (len(text.encode()) - given)


@torch.no_grad()
def greedy(model, prompt):
    tokens, margins = list(prompt), []
    for _ in range(GREEDY_TOKENS):
        top = model(torch.tensor([tokens])).logits[0, -1].topk(2)
        margins.append((top.values[0] - top.values[1]).item())
        tokens.append(top.indices[0].item())
    return tokens[len(prompt) :], min(margins)


def main():
    here = pathlib.Path(__file__).parent
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here.parent / "checkpoints"
    tokenizer = make_tokenizer()
    prompt = tokenizer.encode(PROSE).ids[:PROMPT_TOKENS]
    for name, (kind, config, dtype) in CHECKPOINTS.items():
        folder = out / name
        for seed in range(100):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            torch.manual_seed(0)
            model = kind(config)
            randomise(model, torch.Generator().manual_seed(seed))
            model.tie_weights()
            model.to(dtype).save_pretrained(folder, max_shard_size="80KB")
            # Computed in f32 from what was stored. Not by `model.float()`, which would keep rotary
            # frequencies that were rounded with the weights.
            model = kind.from_pretrained(folder, dtype=torch.float32).eval()
            continuation, margin = greedy(model, prompt)
            if margin > LEAST_MARGIN and VOCABULARY - 1 not in continuation:
                break
        PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>").save_pretrained(folder)
        with torch.no_grad():
            logits = model(torch.tensor([prompt])).logits[0].contiguous()
        expected = {
            "seed": seed,
            "prompt": prompt,
            "greedy": continuation,
            "shards": [{"text": text, "bits_per_byte": bits_per_byte(model, tokenizer, text)} for text in SHARDS],
        }
        (here / f"{name}.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")
        save_file({"logits": logits}, here / f"{name}.safetensors")
        sizes = sum(file.stat().st_size for file in folder.iterdir())
        print(f"{name}: seed {seed}, margin {margin:.4f}, scale {logits.abs().max():.2f}, {sizes} bytes")
    shutil.copy(out / "mixtral" / "tokenizer.json", here.parents[2] / "model" / "tests" / "tokenizer.json")


if __name__ == "__main__":
    main()
