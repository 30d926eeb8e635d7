"""The checks of the quality gate as one would write them in Python: `datasketch` for near duplicates,
`py3langid` for languages, regular
expressions and the standard library for the rest. Two processes look at samples, one keeps what was seen.
Personal data: fewer kinds than the gate knows.

    peer.py --samples FILE --shards-of TEXT --words FILE [--limit N] [--json FILE]
"""

import argparse
import hashlib
import json
import math
import multiprocessing
import re
import time
from collections import Counter

import py3langid
from datasketch import LeanMinHash, MinHash, MinHashLSH

EMAIL = re.compile(r"[\w.%+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}")
PHONE = re.compile(r"(?<![\w.])(?:\+[1-9][\d .()-]{7,18}\d|(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-.]\d{4}|0\d{1,4}[ /-]\d{3,4}[ -]?\d{3,4})(?!\w)")
CARD = re.compile(r"(?<![\w.])(?:\d[ -]?){12,18}\d(?!\w)")
IBAN = re.compile(r"\b[a-z]{2}\d{2}(?:[ -]?[a-z0-9]){11,30}\b")
SSN = re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?!\w)")
WORD = re.compile(r"\w+")
PROBED = 4096


def luhn(digits):
    total = 0
    for at, digit in enumerate(map(int, reversed(digits))):
        total += digit if at % 2 == 0 else digit * 2 - 9 * (digit > 4)
    return total % 10 == 0


def mod_97(number):
    text = re.sub("[ -]", "", number)
    return int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1


def personal(text):
    found = [m.span() for m in EMAIL.finditer(text)]
    if any(c.isdigit() for c in text):
        found += [m.span() for m in PHONE.finditer(text)]
        found += [m.span() for m in CARD.finditer(text) if luhn(re.sub(r"\D", "", m[0]))]
        found += [m.span() for m in IBAN.finditer(text) if mod_97(m[0])]
        found += [m.span() for m in SSN.finditer(text)]
    return found


def read_words(path):
    weights = {}
    for line in open(path, encoding="utf-8"):
        if line.startswith("#") or " " not in line:
            continue
        weight, rest = line.strip().split(" ", 1)
        for entry in rest.split("/") if "/" in rest else rest.split():
            weights[tuple(WORD.findall(entry.lower()))] = int(weight) / 100
    return weights


def toxicity(words, weights):
    innocent = 1.0
    for at, word in enumerate(words):
        if word not in STARTERS:
            continue
        for length in range(4, 0, -1):
            weight = weights.get(tuple(words[at : at + length]))
            if weight:
                if "you" in words[max(0, at - 3) : at + 3]:
                    weight = min(0.95, weight * 2)
                innocent *= 1 - weight
                break
    return 1 - innocent


def start(words_path, known):
    global WEIGHTS, STARTERS, KNOWN
    WEIGHTS = read_words(words_path)
    STARTERS = {entry[0] for entry in WEIGHTS if entry}
    KNOWN = known


def look_at(lines):
    results = []
    for line in lines:
        text = json.loads(line)["text"]
        if not 20 <= len(text) <= 2048:
            results.append(None)
            continue
        folded = text.lower()
        words = WORD.findall(folded)
        shingles = [" ".join(words[at : at + 3]).encode() for at in range(max(1, len(words) - 2))]
        sketch = MinHash(num_perm=126)
        sketch.update_batch(shingles)
        counts = Counter(text.encode())
        length = sum(counts.values())
        entropy = -sum(n / length * math.log2(n / length) for n in counts.values())
        ngrams = [hash(tuple(words[at : at + 8])) for at in range(max(0, len(words) - 7))]
        overlap = sum(ngram in KNOWN for ngram in ngrams)
        results.append(
            (
                hashlib.sha1(" ".join(words).encode()).digest(),
                LeanMinHash(sketch),
                len(personal(folded)),
                toxicity(words, WEIGHTS) >= 0.5,
                entropy < 2.5 or len(set(shingles)) * 2 < len(shingles),
                bool(ngrams) and overlap >= min(43, (len(ngrams) + 1) // 2),
                text,
            )
        )
    return results


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", required=True)
    parser.add_argument("--shards-of", required=True)
    parser.add_argument("--words", required=True)
    parser.add_argument("--limit", type=int, default=10_000)
    parser.add_argument("--json")
    options = parser.parse_args()

    text = open(options.shards_of, encoding="utf-8").read()
    words = WORD.findall(text[: len(text) // 10].lower())
    known = {hash(tuple(words[at : at + 8])) for at in range(len(words) - 7)}
    with open(options.samples, encoding="utf-8") as file:
        lines = [line for _, line in zip(range(options.limit), file)]
    batches = [lines[at : at + 256] for at in range(0, len(lines), 256)]

    # Forked, so that the hashes of both sides are of one seed.
    multiprocessing.set_start_method("fork")
    counts = Counter()
    seen, index = set(), MinHashLSH(num_perm=126, params=(18, 7))
    with multiprocessing.Pool(2, start, (options.words, known)) as pool:
        begin = time.perf_counter()
        probed = []
        for batch in pool.imap(look_at, batches):
            for result in batch:
                counts["samples"] += 1
                if result is None:
                    counts["malformed"] += 1
                    continue
                digest, sketch, found, toxic, poor, contaminated, text = result
                duplicate = digest in seen or bool(index.query(sketch))
                seen.add(digest)
                index.insert(counts["samples"], sketch)
                counts.update(duplicates=duplicate, personal=found > 0, toxic=toxic, poor=poor, contaminated=contaminated)
                # As large a part of the samples as the gate looks at in a whole run.
                if len(probed) < PROBED * options.limit // 200_000:
                    probed.append(text)
        for text in probed:
            counts[py3langid.classify(text)[0]] += 1
        seconds = time.perf_counter() - begin
    rate = len(lines) / seconds
    print(f"{len(lines)} samples, {rate:.0f} samples/s; {dict(counts.most_common(10))}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"samples": len(lines), "samples_per_second": rate}, file)


main()
