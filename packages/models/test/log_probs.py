"""stdin {tokens, from, directories} -> stdout {directory: log-probs of tokens[from:] in float64}, by transformers."""
import json
import sys

import torch
from transformers import AutoModelForCausalLM

given = json.load(sys.stdin)
tokens, start = torch.tensor(given['tokens'])[None], given['from']
out = {}
for directory in given['directories']:
    model, info = AutoModelForCausalLM.from_pretrained(
        directory, dtype=torch.float64, attn_implementation='eager', output_loading_info=True)
    assert not any(info.values()), f'{directory}: {info}'
    with torch.no_grad():
        logp = model(tokens).logits[0, start - 1:-1].log_softmax(-1)
    out[directory] = logp.gather(1, tokens[0, start:, None])[:, 0].tolist()
json.dump(out, sys.stdout)
