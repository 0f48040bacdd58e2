"""Reads safetensors files, and the settings in them: a length, a JSON header, the raw little-endian numbers.

Source: https://github.com/huggingface/safetensors, "Format".
"""

import json
import math
import struct

import numpy as np

DTYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4", "U8": "u1"}


def load(path):
    """Returns the tensors by name, as arrays, and the metadata."""
    with open(path, "rb") as f:
        raw = f.read()
    if len(raw) < 8:
        raise ValueError(f"{path}: {len(raw)} bytes are no safetensors file")
    (length,) = struct.unpack("<Q", raw[:8])
    if length > len(raw) - 8:
        raise ValueError(f"{path}: header of {length} bytes in a file of {len(raw)}")
    header = json.loads(raw[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    data = raw[8 + length :]
    arrays = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        numbers = np.frombuffer(data[begin:end], DTYPES[entry["dtype"]])
        arrays[name] = numbers.reshape(entry["shape"])
    return arrays, metadata


def settings(metadata):
    """Returns the keys of the config.toml that the metadata hold, tables flattened."""
    import tomllib  # Python 3.11

    flat = {}

    def add(table):
        for key, value in table.items():
            if isinstance(value, dict):
                add(value)
            else:
                flat[key] = value

    add(tomllib.loads(metadata["config"]))
    return flat


def constants(config):
    """Returns what the settings of crnn-simple come to: dt, the sign of the conductances and the
    decays of its two averages in a step."""
    if config["syn_kernel"] != "ema_diff_relu":
        raise ValueError("the timed form has the kernel ema_diff_relu only")
    sign = {"restoring": 1.0, "literal": -1.0}[config["signs"]]
    return [float(config["dt"]), sign] + [math.exp(-1 / config[k]) for k in ("tau_s", "tau_l")]


def deviation(got, want):
    """Returns the largest difference relative to the largest element that is wanted; infinite
    where a number is not finite."""
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    if got.shape != want.shape:
        raise ValueError(f"shape {got.shape}, want {want.shape}")
    if got.size == 0:
        return 0.0
    diff = np.abs(got - want).max()
    if not np.isfinite(diff):
        return float("inf")
    return 0.0 if diff == 0 else float(diff / max(np.abs(want).max(), 1e-30))
