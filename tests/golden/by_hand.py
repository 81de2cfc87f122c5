"""The four families' forward passes written out in numpy float64, one sequence at a time: an oracle that shares no code
with transformers. make_metrics.py requires both to agree to 1e-12 before it writes anything.
"""
import json
import math

import numpy as np
import torch
from safetensors import safe_open

_erf = np.vectorize(math.erf)


def read(directory):
    config = json.loads((directory / 'config.json').read_text())
    weights = {}
    for path in sorted(directory.glob('*.safetensors')):
        with safe_open(path, framework='pt') as file:
            weights |= {key: file.get_tensor(key).to(torch.float64).numpy() for key in file.keys()}
    return config, weights


def layer_norm(x, w, b, eps):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred ** 2).mean(-1, keepdims=True) + eps) * w + b


def rms_norm(x, w, eps):
    return x / np.sqrt((x ** 2).mean(-1, keepdims=True) + eps) * w


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def rotate(x, theta, dims):
    """x [heads, n, head_dim]; only the first `dims` turn, dimension i paired with i + dims/2."""
    half = dims // 2
    angle = np.arange(x.shape[1])[:, None] * theta ** (-2.0 * np.arange(half) / dims)
    c, s = np.cos(angle), np.sin(angle)
    a, b = x[..., :half], x[..., half:dims]
    return np.concatenate([a * c - b * s, b * c + a * s, x[..., dims:]], -1)


def attention(q, k, v):
    """[heads, n, head_dim] -> [n, heads * head_dim]; fewer key/value heads are shared by neighbouring query heads."""
    n, groups = q.shape[1], q.shape[0] // k.shape[0]
    k, v = np.repeat(k, groups, 0), np.repeat(v, groups, 0)
    scores = q @ k.transpose(0, 2, 1) / math.sqrt(q.shape[-1])
    scores = np.where(np.tril(np.ones((n, n), bool)), scores, -np.inf)
    return (softmax(scores) @ v).transpose(1, 0, 2).reshape(n, -1)


def heads(x, count):
    return x.reshape(x.shape[0], count, -1).transpose(1, 0, 2)


def rope_theta(c):
    if 'rope_parameters' in c:
        return c['rope_parameters']['rope_theta']
    return c.get('rope_theta', c.get('rotary_emb_base'))


def llama(c, w, ids):
    """Llama, and Qwen2, which adds biases to q, k and v."""
    x = w['model.embed_tokens.weight'][ids]
    head_dim = c.get('head_dim') or c['hidden_size'] // c['num_attention_heads']
    for i in range(c['num_hidden_layers']):
        p = f'model.layers.{i}.'
        h = rms_norm(x, w[p + 'input_layernorm.weight'], c['rms_norm_eps'])
        project = lambda name, count: heads(
            h @ w[f'{p}self_attn.{name}_proj.weight'].T + w.get(f'{p}self_attn.{name}_proj.bias', 0.0), count)
        q, k, v = (project(*a) for a in (('q', c['num_attention_heads']), ('k', c['num_key_value_heads']),
                                         ('v', c['num_key_value_heads'])))
        q, k = rotate(q, rope_theta(c), head_dim), rotate(k, rope_theta(c), head_dim)
        x = x + attention(q, k, v) @ w[p + 'self_attn.o_proj.weight'].T
        h = rms_norm(x, w[p + 'post_attention_layernorm.weight'], c['rms_norm_eps'])
        gate, up = h @ w[p + 'mlp.gate_proj.weight'].T, h @ w[p + 'mlp.up_proj.weight'].T
        x = x + gate / (1 + np.exp(-gate)) * up @ w[p + 'mlp.down_proj.weight'].T
    x = rms_norm(x, w['model.norm.weight'], c['rms_norm_eps'])
    return x @ w['model.embed_tokens.weight' if c['tie_word_embeddings'] else 'lm_head.weight'].T


def gpt_neox(c, w, ids):
    """Fused q, k, v lie head by head: [q0 k0 v0 q1 k1 v1 …]."""
    x = w['gpt_neox.embed_in.weight'][ids]
    count, n = c['num_attention_heads'], len(ids)
    fraction = c['rope_parameters']['partial_rotary_factor'] if 'rope_parameters' in c else c['rotary_pct']
    dims = int(c['hidden_size'] // count * fraction)
    for i in range(c['num_hidden_layers']):
        p = f'gpt_neox.layers.{i}.'
        linear = lambda name, h: h @ w[p + name + '.weight'].T + w[p + name + '.bias']
        norm = lambda name, h: layer_norm(h, w[p + name + '.weight'], w[p + name + '.bias'], c['layer_norm_eps'])
        fused = linear('attention.query_key_value', norm('input_layernorm', x))
        q, k, v = (part.transpose(1, 0, 2) for part in np.split(fused.reshape(n, count, -1), 3, -1))
        a = linear('attention.dense', attention(rotate(q, rope_theta(c), dims), rotate(k, rope_theta(c), dims), v))
        h = linear('mlp.dense_h_to_4h', norm('post_attention_layernorm', x if c['use_parallel_residual'] else x + a))
        x = x + a + linear('mlp.dense_4h_to_h', h * (1 + _erf(h / math.sqrt(2))) / 2)
    x = layer_norm(x, w['gpt_neox.final_layer_norm.weight'], w['gpt_neox.final_layer_norm.bias'], c['layer_norm_eps'])
    return x @ w['embed_out.weight' if 'embed_out.weight' in w else 'lm_head.weight'].T


def gpt2(c, w, ids):
    """Its Conv1D weights are [in, out] already; gelu is the tanh approximation; the head is the embedding."""
    w = {key.removeprefix('transformer.'): value for key, value in w.items()}
    eps = c['layer_norm_epsilon']
    x = w['wte.weight'][ids] + w['wpe.weight'][:len(ids)]
    for i in range(c['n_layer']):
        p = f'h.{i}.'
        linear = lambda name, h: h @ w[p + name + '.weight'] + w[p + name + '.bias']
        norm = lambda name, h: layer_norm(h, w[p + name + '.weight'], w[p + name + '.bias'], eps)
        q, k, v = (heads(part, c['n_head']) for part in np.split(linear('attn.c_attn', norm('ln_1', x)), 3, -1))
        x = x + linear('attn.c_proj', attention(q, k, v))
        h = linear('mlp.c_fc', norm('ln_2', x))
        x = x + linear('mlp.c_proj', h * (1 + np.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h ** 3))) / 2)
    return layer_norm(x, w['ln_f.weight'], w['ln_f.bias'], eps) @ w['wte.weight'].T


FAMILIES = {'llama': llama, 'qwen2': llama, 'gpt_neox': gpt_neox, 'gpt2': gpt2}


def logits(directory, ids):
    config, weights = read(directory)
    return FAMILIES[config['model_type']](config, weights, np.asarray(ids))
