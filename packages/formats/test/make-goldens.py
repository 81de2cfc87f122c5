#!/usr/bin/env python3
"""make-goldens.py: writes test/golden/ from the reference implementations (needs numpy, torch, safetensors, gguf).

safetensors.safetensors   one tensor of each dtype, as the reference implementation lays it out
half.json                 float32 bits and the float16 and bfloat16 bits that PyTorch rounds them to
quants.gguf               one tensor of random blocks for each quantisation, as raw bytes
quants.f32                gguf.dequantize of these, concatenated in the order of their names
"""
import json, os
import numpy as np
import torch
import gguf
from gguf import GGMLQuantizationType as Q
from safetensors.torch import save_file

out = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'golden')
os.makedirs(out, exist_ok=True)

torch.manual_seed(0)
save_file({
    'weights.f32': torch.randn(3, 5),
    'weights.f16': torch.randn(2, 7).to(torch.float16),
    'weights.bf16': torch.randn(4, 3).to(torch.bfloat16),
    'double': torch.randn(3, dtype=torch.float64),
    'long': torch.tensor([-5, 0, 1 << 40]),
    'int': torch.tensor([[1, -2], [3, 4]], dtype=torch.int32),
    'short': torch.tensor([7, -8], dtype=torch.int16),
    'char': torch.tensor([-128, 127], dtype=torch.int8),
    'byte': torch.tensor([0, 255], dtype=torch.uint8),
    'bool': torch.tensor([True, False, True]),
    'empty': torch.zeros(0, 4),
    'scalar': torch.tensor(2.5),
}, os.path.join(out, 'safetensors.safetensors'), metadata={'format': 'pt', 'note': 'é'})

# Bits around every place where rounding can go wrong: ties, carries, subnormals, the edge of overflow.
rng = np.random.default_rng(1)
edges = []
for base in [0x33000000, 0x33800000, 0x38000000, 0x387fc000, 0x38800000, 0x3f800000, 0x3f801000, 0x3f803000,
             0x477fe000, 0x477fefff, 0x477ff000, 0x7f7f0000, 0x7f7f8000, 0x7f800000, 0x00000001, 0x00008000]:
    edges += [base + d for d in (-1, 0, 1) if 0 <= base + d <= 0x7f800000]
bits = np.array(edges + [b | 0x80000000 for b in edges], dtype=np.uint32)
spread = (rng.integers(0, 2, 400).astype(np.uint32) << 31) | (rng.integers(95, 150, 400).astype(np.uint32) << 23) \
    | rng.integers(0, 1 << 23, 400).astype(np.uint32)
bits = np.concatenate([bits, spread])
values = torch.from_numpy(bits.view(np.float32).copy())
half = lambda dtype: values.to(dtype).view(torch.int16).numpy().view(np.uint16).tolist()
with open(os.path.join(out, 'half.json'), 'w') as f:
    json.dump({'f32': bits.tolist(), 'f16': half(torch.float16), 'bf16': half(torch.bfloat16)}, f, separators=(',', ':'))
    f.write('\n')

# Random blocks. The scales are float16: they are drawn as numbers, so that none is infinite or NaN.
types = [Q.F32, Q.F16, Q.BF16, Q.Q8_0, Q.Q4_0, Q.Q4_1, Q.Q5_0, Q.Q5_1, Q.Q4_K, Q.Q5_K, Q.Q6_K]
scales_at = {Q.Q8_0: [0], Q.Q4_0: [0], Q.Q4_1: [0, 2], Q.Q5_0: [0], Q.Q5_1: [0, 2], Q.Q4_K: [0, 2], Q.Q5_K: [0, 2],
             Q.Q6_K: [208]}
writer = gguf.GGUFWriter(os.path.join(out, 'quants.gguf'), 'llama')
writer.add_string('ldyn.note', 'random blocks, é')
writer.add_array('ldyn.strings', ['a', 'b', 'ç'])
writer.add_array('ldyn.floats', [0.5, 1.25, -3.0])
writer.add_array('ldyn.nested', [[1, 2, 3], [4]])
writer.add_bool('ldyn.flag', True)
writer.add_uint8('ldyn.u8', 200); writer.add_int8('ldyn.i8', -100)
writer.add_uint16('ldyn.u16', 60000); writer.add_int16('ldyn.i16', -30000)
writer.add_uint32('ldyn.u32', 4000000000); writer.add_int32('ldyn.i32', -2000000000)
writer.add_uint64('ldyn.u64', 2 ** 40); writer.add_int64('ldyn.i64', -2 ** 40)
writer.add_float32('ldyn.f32', 0.1); writer.add_float64('ldyn.f64', 0.1)
expected = {}
for t in types:
    block, size = gguf.GGML_QUANT_SIZES[t]
    rows, cols = 2, 512
    if t in (Q.F32, Q.F16, Q.BF16):
        raw = gguf.quantize(rng.standard_normal((rows, cols)).astype(np.float32), t)
    else:
        blocks = rng.integers(0, 256, (rows * cols // block, size), dtype=np.uint8)
        for at in scales_at[t]:
            drawn = rng.standard_normal(len(blocks)) * 10.0 ** rng.integers(-6, 3, len(blocks))
            blocks[:, at:at + 2] = drawn.astype(np.float16).reshape(-1, 1).view(np.uint8)
        raw = blocks.reshape(rows, -1)
    name = f'{t.name}.weight'
    expected[name] = gguf.dequantize(raw, t).astype(np.float32)
    if t == Q.BF16: raw = raw.view(np.uint8)
    writer.add_tensor(name, raw, raw_dtype=t)
writer.write_header_to_file(); writer.write_kv_data_to_file(); writer.write_tensors_to_file(); writer.close()
os.chmod(os.path.join(out, 'safetensors.safetensors'), 0o644)
np.concatenate([expected[name].ravel() for name in sorted(expected)]).tofile(os.path.join(out, 'quants.f32'))
