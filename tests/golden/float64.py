"""True float64 in transformers. `model.double()` is not enough: RMSNorm, the rotary tables and the eager softmax are
computed in float32 inside the modelling code whatever the weights are, which moves log-probs by 3e-9 to 3e-8.
`true_float64` replaces these three; make_metrics.py compares the result with a forward pass written by hand.
"""
import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM

_softmax = F.softmax


def _softmax_keeping_double(x, dim=None, _stacklevel=3, dtype=None):
    return _softmax(x, dim=dim, dtype=torch.float64 if x.dtype == torch.float64 else dtype)


def _rms_norm(self, x):
    return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon))


def _rotary(config):
    rope = config.rope_parameters
    if rope['rope_type'] != 'default':
        raise ValueError(f"rope_type {rope['rope_type']} has no float64 form here; write one in float64.py.")
    head_dim = getattr(config, 'head_dim', None) or config.hidden_size // config.num_attention_heads
    dim = int(head_dim * rope.get('partial_rotary_factor', 1.0))
    inv_freq = float(rope['rope_theta']) ** (-torch.arange(0, dim, 2, dtype=torch.float64) / dim)

    def forward(x, position_ids):
        freqs = position_ids[..., None].double() * inv_freq
        emb = torch.cat((freqs, freqs), dim=-1)
        return emb.cos(), emb.sin()

    return forward


def true_float64(model):
    F.softmax = _softmax_keeping_double
    model = model.double().eval()
    for module in model.modules():
        kind = type(module).__name__
        if kind.endswith('RMSNorm'):
            module.forward = _rms_norm.__get__(module)
        elif kind.endswith('RotaryEmbedding'):
            module.forward = _rotary(model.config)
    return model


def load_float64(directory):
    return true_float64(
        AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float64, attn_implementation='eager'))
