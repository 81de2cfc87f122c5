"""Every metric of paper.md §5, per response token and per sequence, in true float64 -> metrics.json.

Each sequence is one prompt and one response run by itself (nothing packed, nothing padded), so this is also the oracle
for packing. Token ids are in the file; no tokenizer is involved.
"""
import json

from golden_file import HERE, MODELS, header, write

import numpy as np
import torch

import by_hand
from float64 import load_float64

SEED = 7
RESPONSE_LENGTHS = [[5, 1, 9, 4], [7, 3, 2, 11]]
PROMPT_LENGTHS = [6, 9]


def token_metrics(logits, targets):
    """logits [tokens, V] that predict targets [tokens] -> lists over tokens, nats."""
    V = logits.shape[-1]
    log_pi = torch.log_softmax(logits, -1)
    pi = log_pi.exp()
    logp = log_pi.gather(-1, targets[:, None])[:, 0]
    argmax_logp, argmax = log_pi.max(-1)
    others = log_pi.scatter(-1, argmax[:, None], -torch.inf)
    sum_sq = pi.pow(2).sum(-1)
    sum_sq_others = pi.scatter(-1, targets[:, None], 0.0).pow(2).sum(-1)
    return {
        'logp': logp,
        'argmax': argmax,
        'argmax_logp': argmax_logp,
        'rest_logp': torch.logsumexp(others, -1),
        'entropy': -(pi * log_pi).sum(-1),
        'sum_sq': sum_sq,
        'energy': -torch.expm1(logp),
        'p_e': (torch.expm1(logp).pow(2) + sum_sq_others).sqrt(),
        'a_norm': (V - 2 + V * sum_sq).sqrt(),
    }


def sequence_metrics(tokens, V):
    m = tokens['sum_sq'].sqrt().mean()
    return {
        'tokens': len(tokens['logp']),
        **{key: tokens[key].sum().item() for key in ('logp', 'argmax_logp', 'rest_logp')},
        **{key: tokens[key].mean().item() for key in ('energy', 'p_e', 'a_norm', 'entropy')},
        'paper_a_norm': (V * m * m + V - 2).sqrt().item(),
    }


def draw_rows(V, rng):
    """Ids from 2 on: 0 and 1 are BOS and EOS here; the first response of each prompt ends in EOS."""
    rows = []
    for length, response_lengths in zip(PROMPT_LENGTHS, RESPONSE_LENGTHS):
        responses = [rng.integers(2, V, n).tolist() for n in response_lengths]
        responses[0][-1] = 1
        rows.append({'prompt': rng.integers(2, V, length).tolist(), 'responses': responses})
    return rows


def main() -> None:
    torch.set_num_threads(1)
    index = json.loads((MODELS / 'index.json').read_text())['models']
    models, worst = {}, 0.0
    for name, entry in index.items():
        V = entry['vocab']
        rows = draw_rows(V, np.random.Generator(np.random.PCG64([SEED, V])))
        model = load_float64(MODELS / name)
        for row in rows:
            row['metrics'] = []
            for response in row['responses']:
                ids = row['prompt'] + response
                with torch.no_grad():
                    logits = model(torch.tensor([ids])).logits[0]
                assert logits.dtype == torch.float64
                expected = by_hand.logits(MODELS / name, ids)
                worst = max(worst, np.abs(logits.numpy() - expected).max() / np.abs(expected).max())
                at = slice(len(row['prompt']) - 1, len(ids) - 1)
                tokens = token_metrics(logits[at], torch.tensor(response))
                row['metrics'].append({'sequence': sequence_metrics(tokens, V),
                                       'tokens': {key: value.tolist() for key, value in tokens.items()}})
        models[name] = {'vocab': V, 'rows': rows}
    assert worst < 1e-12, f'transformers in float64 and the forward pass by hand differ by {worst:.1e}'
    note = ('True float64, nats. tokens.*: one number per response token; sequence.*: logp, argmax_logp and rest_logp '
            'are sums, energy, p_e, a_norm and entropy means over response tokens; paper_a_norm = sqrt(V m^2 + V - 2) '
            'with m the mean of |pi|; sum_sq = |pi|^2. Logits of transformers and of by_hand.py differ by at most '
            f'{worst:.1e} of the largest.')
    write(HERE / 'metrics.json', header(__file__, ['torch', 'transformers', 'numpy'], SEED, note), {'models': models})


if __name__ == '__main__':
    main()
