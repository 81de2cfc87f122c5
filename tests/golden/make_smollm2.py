"""SmolLM2-135M-Instruct on 50 probe rows, every evaluated response type -> smollm2.json.

Float32, as transformers computes it. The model and the rows lie beside the repository (LDYN_SHARED, or ../shared);
the Hugging Face directory is built once into a temporary folder by the model's own make-hf.py. A row's prompt is run
once and its 12 responses continue from its cache, which `check` compares with whole sequences run alone.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

from golden_file import HERE, header, significant, write

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from make_metrics import token_metrics

TYPES = ['chosen', 'chosen_initial', 'chosen_gptsemantic', 'chosen_gptformat', 'rejected', 'reject_gptsemantic',
         'reject_gptformat', 'irr_train', 'irr_test', 'irr_hum', 'random_permute', 'random_nonhum']
SUMS, MEANS = ['logp', 'argmax_logp', 'rest_logp'], ['energy', 'p_e', 'a_norm', 'entropy']
ROWS = 50


def model_directory(shared: Path) -> Path:
    directory = Path(tempfile.gettempdir()) / 'smollm2-135m-instruct-f32'
    if not (directory / 'model.safetensors').exists():
        make = shared / 'models/smollm2-135m-instruct/make-hf.py'
        subprocess.run([sys.executable, make, directory, 'f32'], check=True)
    return directory


def encode(tokenizer, row):
    """`separate` of contracts.md §3: prompt and response ids each by itself, no specials, EOS after the response."""
    ids = lambda text: tokenizer(text, add_special_tokens=False)['input_ids']
    responses = [ids(row[kind]) for kind in TYPES]
    eos = tokenizer.eos_token_id
    return ids(row['prompt']), [r if r and r[-1] == eos else [*r, eos] for r in responses]


def row_logits(model, prompt, responses):
    """-> for each response the logits [its tokens, V] that predict it; rows of the batch are padded on the right."""
    out = model(torch.tensor([prompt]), use_cache=True, logits_to_keep=1)
    cache = out.past_key_values
    cache.batch_repeat_interleave(len(responses))
    width = max(len(r) for r in responses)
    ids = torch.tensor([r + [0] * (width - len(r)) for r in responses])
    seen = torch.tensor([[1] * (len(prompt) + len(r)) + [0] * (width - len(r)) for r in responses])
    place = torch.arange(len(prompt), len(prompt) + width).expand(len(responses), -1)
    hidden = model.model(ids, attention_mask=seen, position_ids=place, past_key_values=cache).last_hidden_state
    first = out.logits[0]
    for h, response in zip(hidden, responses):
        yield torch.cat([first, model.lm_head(h[:len(response) - 1])])


def check(model, prompt, responses):
    worst = 0.0
    for logits, response in list(zip(row_logits(model, prompt, responses), responses))[::5]:
        alone = model(torch.tensor([prompt + response])).logits[0, len(prompt) - 1:-1]
        both = [token_metrics(x, torch.tensor(response))['logp'].sum().item() for x in (logits, alone)]
        worst = max(worst, abs(both[0] / both[1] - 1))
    return worst


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument('--threads', type=int, default=1)
    torch.set_num_threads(parser.parse_args().threads)
    shared = Path(os.environ.get('LDYN_SHARED', HERE.parents[2] / 'shared'))
    tokenizer = AutoTokenizer.from_pretrained(model_directory(shared))
    model = AutoModelForCausalLM.from_pretrained(model_directory(shared), dtype=torch.float32).eval()
    with open(shared / 'data/hh-helpful/formal_prob_train.jsonl', encoding='utf-8') as lines:
        rows = [json.loads(line) for line, _ in zip(lines, range(ROWS))]
    crc = lambda ids: zlib.crc32(np.asarray(ids, '<i4').tobytes())
    prompts, types = {'tokens': [], 'crc32': []}, {
        kind: {key: [] for key in ('tokens', 'crc32', *SUMS, *MEANS)} for kind in TYPES}
    alone, start = [], time.time()
    with torch.no_grad():
        for i, row in enumerate(rows):
            prompt, responses = encode(tokenizer, row)
            prompts['tokens'].append(len(prompt))
            prompts['crc32'].append(crc(prompt))
            for kind, response, logits in zip(TYPES, responses, row_logits(model, prompt, responses)):
                metrics, column = token_metrics(logits, torch.tensor(response)), types[kind]
                column['tokens'].append(len(response))
                column['crc32'].append(crc(response))
                for key in SUMS:
                    column[key].append(significant(metrics[key].double().sum().item(), 8))
                for key in MEANS:
                    column[key].append(significant(metrics[key].double().mean().item(), 8))
            if i < 3:
                alone.append(check(model, prompt, responses))
            print(f'row {i}, prompt {len(prompt)}, {time.time() - start:.0f} s', flush=True)
    note = ('transformers in float32, nats, columns over rows 0..49 of formal_prob_train.jsonl. tokens includes the '
            'EOS; crc32 is of the ids as little-endian int32 (responses with their EOS). logp, argmax_logp, rest_logp: '
            'sums; energy, p_e, a_norm, entropy: means over response tokens. Prompt and response tokenised apart, no '
            f'specials added, no truncation. Whole sequences run alone differ by at most {max(alone):.0e} in logp '
            '(three of each of rows 0..2).')
    write(HERE / 'smollm2.json', header(__file__, ['torch', 'transformers', 'tokenizers', 'numpy'], None, note),
          {'model': 'smollm2-135m-instruct', 'eos_id': tokenizer.eos_token_id, 'prompts': prompts, 'types': types})


if __name__ == '__main__':
    main()
