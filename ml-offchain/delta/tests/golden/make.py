#!/usr/bin/env python3
"""Writes base, deltas and their replay from the README's tables and arithmetic alone, independently of Rust.

A product or sum of two f32 in Python's f64, rounded to f32, is the product or sum in f32: 53 bits are more
than twice 24 and two, so rounding twice is rounding once.
"""
import importlib.util
import pathlib
import struct

here = pathlib.Path(__file__).parent
spec = importlib.util.spec_from_file_location("format", here / "../../../tensorblock/tests/golden/make.py")
form = importlib.util.module_from_spec(spec)
spec.loader.exec_module(form)

F32, F16, BF16, INT8, FP8 = range(5)


def f32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def fp8_worth(byte):
    exponent, fraction = byte >> 3 & 15, byte & 7
    worth = fraction * 2.0**-9 if exponent == 0 else (8 + fraction) * 2.0 ** (exponent - 10)
    return -worth if byte & 128 else worth


def store(dtype, value):
    """The nearest element, of two the even one."""
    if dtype == F32:
        return struct.pack("<f", value)
    if dtype == F16:
        return struct.pack("<e", max(-65504.0, min(65504.0, value)))
    if dtype == BF16:
        bits = struct.unpack("<I", struct.pack("<f", value))[0]
        return struct.pack("<H", bits + 0x7FFF + (bits >> 16 & 1) >> 16)
    if dtype == INT8:
        return struct.pack("<b", max(-128, min(127, round(value))))
    sign = 128 if struct.pack(">f", value)[0] & 128 else 0
    codes = [sign | code for code in range(127)]
    return bytes([min(codes, key=lambda code: (abs(fp8_worth(code) - value), code & 1))])


def worth(dtype, element):
    if dtype == BF16:
        return struct.unpack("<f", b"\0\0" + element)[0]
    if dtype == FP8:
        return fp8_worth(element[0])
    return float(struct.unpack({F32: "<f", F16: "<e", INT8: "<b"}[dtype], element)[0])


class Tensor:
    """rank 0 to 2, or 3 for a sparse matrix; stored is a list of elements' bytes."""

    def __init__(self, dtype, rank, rows, columns, stored, scales=(), per_row=False, indices=None):
        self.dtype, self.rank, self.rows, self.columns = dtype, rank, rows, columns
        self.stored, self.scales, self.per_row, self.indices = stored, [f32(s) for s in scales], per_row, indices

    def scale(self, at):
        index = at if self.indices is None else self.indices[at]
        return self.scales[index // self.columns if self.per_row else 0] if self.scales else None

    def values(self):
        out = []
        for at, element in enumerate(self.stored):
            value, scale = worth(self.dtype, element), self.scale(at)
            out.append(value if scale is None else f32(value * scale))
        return out

    def block(self):
        quantization = (2 if self.per_row else 1) if self.scales else 0
        scales = struct.pack(f"<{len(self.scales)}f", *self.scales)
        data = b"".join(self.stored)
        return form.block(
            self.dtype, self.rows, self.columns, self.rank, quantization, data, scales, indices=self.indices
        )


def dense(dtype, rank, rows, columns, values, **scales):
    return Tensor(dtype, rank, rows, columns, [store(dtype, value) for value in values], **scales)


def sparse(dtype, rows, columns, elements, **scales):
    stored = [store(dtype, value) for value in elements.values()]
    return Tensor(dtype, 3, rows, columns, stored, indices=list(elements), **scales)


def replay(tensor, delta, name):
    parts = {part: delta.get(f"{name}/{part}") for part in ("dense", "left", "right", "sparse")}
    if not any(parts.values()):
        return tensor
    old = tensor.values()
    sums = [None] * len(old)
    if parts["dense"]:
        sums = parts["dense"].values()
    if parts["left"]:
        left, right, rank = parts["left"].values(), parts["right"].values(), parts["left"].columns
        for at in range(len(old)):
            row, column = divmod(at, tensor.columns)
            for k in range(rank):
                product = f32(left[row * rank + k] * right[k * tensor.columns + column])
                sums[at] = product if k == 0 else f32(sums[at] + product)
    if parts["sparse"]:
        for index, value in zip(parts["sparse"].indices, parts["sparse"].values()):
            sums[index] = value if sums[index] is None else f32(sums[index] + value)
    stored = list(tensor.stored)
    for at, (value, change) in enumerate(zip(old, sums)):
        new = value if change is None else f32(value + change)
        if struct.pack("<f", new) == struct.pack("<f", value):
            continue
        scale = tensor.scale(at)
        quotient = new if scale is None else 0.0 if scale == 0 else f32(new / scale)
        stored[at] = store(tensor.dtype, quotient)
    return Tensor(tensor.dtype, tensor.rank, tensor.rows, tensor.columns, stored, tensor.scales, tensor.per_row)


def numbers(count, seed, size):
    """Numbers in -size..size from a linear congruential generator."""
    out = []
    for _ in range(count):
        seed = (seed * 1103515245 + 12345) % 2**31
        out.append(f32((seed / 2**30 - 1) * size))
    return out


base = {
    "bf16": dense(BF16, 2, 3, 4, numbers(12, 1, 1.0)),
    "f16": dense(F16, 1, 1, 5, numbers(4, 2, 1.0) + [65000.0]),
    "f32": dense(F32, 2, 5, 7, numbers(35, 3, 1.0)),
    "fp8": dense(FP8, 2, 2, 3, numbers(6, 4, 400.0), scales=[0.01]),
    "int8": dense(INT8, 2, 2, 3, numbers(6, 5, 127.0), scales=[0.01, 0.0], per_row=True),
    "kept": Tensor(F32, 0, 1, 1, [bytes.fromhex("0100c07f")]),  # a NaN, which no delta touches
}
first = {
    "bf16/sparse": sparse(F32, 3, 4, {0: 0.25, 5: -0.125, 11: 1e-9}),
    "f16/dense": dense(F32, 1, 1, 5, numbers(4, 6, 0.1) + [9000.0]),
    "f32/left": dense(INT8, 2, 5, 3, numbers(15, 7, 127.0), scales=numbers(5, 8, 0.01), per_row=True),
    "f32/right": dense(INT8, 2, 3, 7, numbers(21, 9, 127.0), scales=numbers(3, 10, 0.01), per_row=True),
    "f32/sparse": sparse(INT8, 5, 7, {1: 127, 2: -3, 20: 50, 34: 1}, scales=numbers(5, 11, 0.02), per_row=True),
    "fp8/left": dense(F32, 2, 2, 1, numbers(2, 12, 1.0)),
    "fp8/right": dense(F16, 2, 1, 3, numbers(3, 13, 1.0)),
    "int8/dense": dense(INT8, 2, 2, 3, numbers(6, 14, 127.0), scales=[0.003], per_row=False),
}
second = {
    "bf16/left": dense(BF16, 2, 3, 2, numbers(6, 15, 0.5)),
    "bf16/right": dense(FP8, 2, 2, 4, numbers(8, 16, 0.5)),
    "f32/sparse": sparse(FP8, 5, 7, {0: 1.0, 20: -0.5}, scales=[0.3]),
    "int8/sparse": sparse(F16, 2, 3, {1: -9.0, 2: 0.004, 4: 1.0}),
}
replayed = base
for delta in (first, second):
    replayed = {name: replay(tensor, delta, name) for name, tensor in replayed.items()}
for name, tensors in {"base": base, "first": first, "second": second, "replayed": replayed}.items():
    form.container(here / f"{name}.tblock", {name: tensor.block() for name, tensor in tensors.items()})
