#!/usr/bin/env python3
"""Writes small.tblock and sparse.tblock from the tables in README.md alone, independently of the Rust encoder."""
import pathlib
import struct


def block(dtype, rows, columns, layout, quantization, data, scales=b"", indices=None):
    body, scale_offset, index_offset, stored = b"\0" * 4096 + data, 0, 0, 0
    if quantization:
        scale_offset = -(-len(body) // 64) * 64
        body = body.ljust(scale_offset, b"\0") + scales
    if indices is not None:
        index_offset, stored = -(-len(body) // 64) * 64, len(indices)
        body = body.ljust(index_offset, b"\0") + struct.pack(f"<{stored}I", *indices)
    header = b"TBLOCK01" + struct.pack(
        "<IIQQIIQQQQ", 1, dtype, rows, columns, layout, quantization, scale_offset, 4096, index_offset, stored
    )
    return header + body[len(header) :]


def container(path, tensors):
    names = "".join(tensors).encode()
    names_offset = 64 + 32 * len(tensors)
    end = names_offset + len(names)
    table, body, name_at = b"", b"", names_offset
    for tensor, data in tensors.items():
        start = -(-end // 4096) * 4096
        table += struct.pack("<QQQQ", name_at, len(tensor), start, len(data))
        body += b"\0" * (start - end) + data
        name_at += len(tensor)
        end = start + len(data)
    head = b"TBLOCKC1" + struct.pack("<IIQQQ", 1, len(tensors), names_offset, len(names), end)
    path.write_bytes(head.ljust(64, b"\0") + table + names + body)


if __name__ == "__main__":
    container(
        pathlib.Path(__file__).with_name("small.tblock"),
        {
            "bias": block(1, 1, 3, 1, 0, bytes.fromhex("003c 00c0 007e")),  # f16: 1, -2, NaN
            "scale": block(0, 1, 1, 0, 0, struct.pack("<f", float("-inf"))),
            "weight": block(3, 2, 3, 2, 2, struct.pack("6b", 1, -2, 3, 4, -5, 127), struct.pack("<2f", 0.5, 2.0)),
        },
    )
    container(
        pathlib.Path(__file__).with_name("sparse.tblock"),
        {
            "brain": block(2, 1, 9, 3, 0, bytes.fromhex("803f 0080"), indices=[0, 8]),  # bf16: 1, -0
            "none": block(0, 2, 2, 3, 0, b"", indices=[]),
            "rows": block(
                3, 3, 4, 3, 2, struct.pack("3b", 1, -2, 127), struct.pack("<3f", 0.5, 2.0, 0.25), indices=[1, 6, 11]
            ),
            "tensor": block(4, 2, 2, 3, 1, bytes([0x38, 0xB8]), struct.pack("<f", 3.0), indices=[1, 2]),  # fp8: 1, -1
        },
    )
