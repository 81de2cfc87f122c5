"""Tiny random models of the four families, as real Hugging Face directories -> models/<name>/, and models/index.json.

Weights are drawn by numpy's PCG64 (the same on every machine), wide enough that predictions are far from uniform, with
random biases and norm weights, so that a dropped bias or a norm taken for ones is seen. Variants of one base model
(sharded, bf16, f16, the other config dialect) test the loader alone.
"""
import json
import shutil
import zlib

from golden_file import MODELS, header, write

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM
from transformers import GPT2Config, GPTNeoXConfig, LlamaConfig, Qwen2Config

SEED = 20250
IDS = dict(bos_token_id=0, eos_token_id=1, pad_token_id=1)
LLAMA = dict(vocab_size=96, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-5,
             rope_parameters={'rope_type': 'default', 'rope_theta': 1234.5}, tie_word_embeddings=True, **IDS)
NEOX = dict(vocab_size=104, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
            max_position_embeddings=64, hidden_act='gelu', use_parallel_residual=True, tie_word_embeddings=False,
            rope_parameters={'rope_type': 'default', 'rope_theta': 10000.0, 'partial_rotary_factor': 0.25}, **IDS)

BASES = {
    'gpt2': GPT2Config(vocab_size=112, n_embd=32, n_layer=2, n_head=4, n_positions=64, **IDS),
    'gpt-neox': GPTNeoXConfig(**NEOX),
    'gpt-neox-sequential': GPTNeoXConfig(**{**NEOX, 'use_parallel_residual': False, 'num_hidden_layers': 1}),
    'llama': LlamaConfig(**LLAMA),
    'llama-untied': LlamaConfig(**{**LLAMA, 'tie_word_embeddings': False, 'num_hidden_layers': 3}),
    'llama-head-dim': LlamaConfig(**LLAMA, head_dim=12),
    'qwen2': Qwen2Config(vocab_size=120, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
                         num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-6,
                         rope_parameters={'rope_type': 'default', 'rope_theta': 1000000.0},
                         tie_word_embeddings=True, use_sliding_window=False, **IDS),
}


def randomize(model, name: str) -> None:
    rng = np.random.Generator(np.random.PCG64([SEED, zlib.crc32(name.encode())]))
    with torch.no_grad():
        for key, p in model.named_parameters():
            norm_weight = p.ndim == 1 and key.endswith('weight')
            draw = rng.standard_normal(tuple(p.shape))
            scale = 0.25 if norm_weight else 0.2 if p.ndim == 1 else 0.4 if 'wpe' in key or 'embed' in key else 0.3
            p.copy_(torch.from_numpy((1.0 if norm_weight else 0.0) + scale * draw))


def fresh(name: str):
    directory = MODELS / name
    shutil.rmtree(directory, ignore_errors=True)
    return directory


def save(model, name: str, **options) -> None:
    directory = fresh(name)
    model.save_pretrained(directory, **options)
    (directory / 'generation_config.json').unlink(missing_ok=True)


def copy_with_config(source: str, name: str, edit) -> None:
    directory = fresh(name)
    shutil.copytree(MODELS / source, directory)
    config = json.loads((directory / 'config.json').read_text())
    edit(config)
    (directory / 'config.json').write_text(json.dumps(config, indent=2) + '\n')


def llama_as_in_transformers_4(config: dict) -> None:
    config['rope_theta'] = config.pop('rope_parameters')['rope_theta']
    config['rope_scaling'] = None
    config['torch_dtype'] = config.pop('dtype')
    config['transformers_version'] = '4.46.0'


def neox_as_in_transformers_4(config: dict) -> None:
    rope = config.pop('rope_parameters')
    config['rotary_pct'] = rope['partial_rotary_factor']
    config['rotary_emb_base'] = int(rope['rope_theta'])
    config['rope_scaling'] = None
    config['torch_dtype'] = config.pop('dtype')
    config['transformers_version'] = '4.46.0'


def without_prefix(source: str, name: str, prefix: str) -> None:
    """The base model's own tensor names, as the published gpt2 checkpoint has them (`h.0…`, without the prefix), with
    the causal-mask buffer that it carries too."""
    copy_with_config(source, name, lambda config: None)
    path = MODELS / name / 'model.safetensors'
    tensors = {key.removeprefix(prefix): value for key, value in load_file(path).items()}
    tensors['h.0.attn.bias'] = torch.tril(torch.ones(64, 64)).view(1, 1, 64, 64)
    save_file(tensors, path, metadata={'format': 'pt'})


def main() -> None:
    torch.set_num_threads(1)
    index = {}
    for name, config in BASES.items():
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        randomize(model, name)
        model.tie_weights()
        save(model, name)
        index[name] = {'weights_of': name, 'store': 'float32', 'tests': 'the family'}

    llama = AutoModelForCausalLM.from_pretrained(MODELS / 'llama', dtype=torch.float32)
    save(llama, 'llama-sharded', max_shard_size='30KB')
    save(AutoModelForCausalLM.from_pretrained(MODELS / 'llama', dtype=torch.bfloat16), 'llama-bf16')
    save(AutoModelForCausalLM.from_pretrained(MODELS / 'llama', dtype=torch.float16), 'llama-f16')
    copy_with_config('llama', 'llama-config4', llama_as_in_transformers_4)
    copy_with_config('gpt-neox', 'gpt-neox-config4', neox_as_in_transformers_4)
    without_prefix('gpt2', 'gpt2-bare-names', 'transformer.')
    index |= {
        'llama-sharded': {'weights_of': 'llama', 'store': 'float32', 'tests': 'several safetensors files and an index'},
        'llama-bf16': {'weights_of': None, 'store': 'bfloat16', 'tests': 'bf16 storage'},
        'llama-f16': {'weights_of': None, 'store': 'float16', 'tests': 'f16 storage'},
        'llama-config4': {'weights_of': 'llama', 'store': 'float32', 'tests': 'config.json as transformers 4 wrote it'},
        'gpt-neox-config4': {'weights_of': 'gpt-neox', 'store': 'float32', 'tests': 'rotary_pct and rotary_emb_base'},
        'gpt2-bare-names': {'weights_of': 'gpt2', 'store': 'float32', 'tests': 'names without prefix; mask buffer'},
    }
    for name, entry in index.items():
        config = json.loads((MODELS / name / 'config.json').read_text())
        model = AutoModelForCausalLM.from_pretrained(MODELS / name, dtype=torch.float32)
        entry |= {'family': config['model_type'], 'parameters': sum(p.numel() for p in model.parameters()),
                  'vocab': config['vocab_size'],
                  'bytes': sum(f.stat().st_size for f in (MODELS / name).iterdir())}
        same_as = entry['weights_of']
        if same_as and same_as != name:
            base = AutoModelForCausalLM.from_pretrained(MODELS / same_as, dtype=torch.float32)
            ids = torch.arange(2, 30)[None]
            assert torch.equal(model(ids).logits, base(ids).logits), f'{name} differs from {same_as}'
    note = ('Every directory loads with AutoModelForCausalLM.from_pretrained. weights_of names the base whose logits '
            'this one has exactly; null: the weights were rounded to the stored dtype.')
    write(MODELS / 'index.json', header(__file__, ['torch', 'transformers', 'safetensors', 'numpy'], SEED, note),
          {'models': index})


if __name__ == '__main__':
    main()
