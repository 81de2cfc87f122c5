"""The logits' and log-probs' empirical tangent kernels, their contractions and norms, in true float64 -> kernel.json.

Everything comes from Jacobians by torch.func (jacrev of token log-probs, vjp rows of logits), materialised and
multiplied out: none of the shortcuts that are tested with it.
"""
from golden_file import HERE, MODELS, header, write

import numpy as np
import torch
from torch.func import functional_call, jacrev, vjp

from float64 import load_float64

SEED = 5
NAMES = ['gpt2', 'gpt-neox', 'llama', 'llama-untied', 'qwen2']
BETA, ETA = 0.1, 0.01
# Which token of which response: (observed, update).
BLOCK = [1, 2]


def main() -> None:
    torch.set_num_threads(1)
    models = {}
    for name in NAMES:
        model = load_float64(MODELS / name)
        V = model.config.vocab_size
        rng = np.random.Generator(np.random.PCG64([SEED, V]))
        draw = lambda n: rng.integers(2, V, n).tolist()
        prompt, other = draw(4), draw(3)
        rows = {'chosen': (prompt, draw(4)), 'rejected': (prompt, draw(3)), 'observed': (other, draw(5))}
        params = dict(model.named_parameters())

        def logits(p, which):
            x, y = rows[which]
            out = functional_call(model, p, (torch.tensor([x + y]),), {'use_cache': False}).logits[0]
            return out[len(x) - 1:len(x) + len(y) - 1]

        def logp(p, which):
            return torch.log_softmax(logits(p, which), -1).gather(-1, torch.tensor(rows[which][1])[:, None])[:, 0]

        def flat(tree, n):
            return torch.cat([tree[k].reshape(n, -1) for k in params], 1)

        J = {k: flat(jacrev(lambda p: logp(p, k))(params), len(rows[k][1])) for k in rows}

        def logit_jacobian(which):
            z, pull = vjp(lambda p: logits(p, which), params)
            out = []
            for i in range(z.numel()):
                e = torch.zeros(z.numel(), dtype=z.dtype)
                e[i] = 1
                out.append(flat(pull(e.reshape(z.shape))[0], 1)[0])
            return torch.stack(out).reshape(*z.shape, -1)

        Z = {k: logit_jacobian(k) for k in ['chosen', 'observed']}
        # DPO with the model itself as reference: h = 0, c = beta/2 on y+ and -beta/2 on y-.
        lp = {k: logp(params, k).detach().requires_grad_() for k in ['chosen', 'rejected']}
        h = lp['chosen'].sum() - lp['chosen'].sum().detach() - lp['rejected'].sum() + lp['rejected'].sum().detach()
        loss = -torch.nn.functional.logsigmoid(BETA * h)
        loss.backward()
        cot = torch.cat([lp['chosen'].grad, lp['rejected'].grad])
        k = J['observed'] @ torch.cat([J['chosen'], J['rejected']]).T
        m, l = BLOCK
        K = Z['observed'][m] @ Z['chosen'][l].T
        own = Z['chosen'][l] @ Z['chosen'][l].T
        grads = torch.stack([J[w].sum(0) for w in rows])
        whole = torch.einsum('avp,bwp->avbw', Z['observed'], Z['chosen'])
        centred = torch.einsum('avp,bwp->avbw', *(Z[w] - Z[w].mean(1, keepdim=True) for w in ['observed', 'chosen']))
        hidden = {}
        for w in ['chosen', 'rejected']:
            x, y = rows[w]
            ids = torch.tensor([x + y])
            hidden[w] = model(ids, output_hidden_states=True).hidden_states[-1][0, len(x) - 1:len(x) + len(y) - 1]
        up, down = hidden['chosen'].sum(0), hidden['rejected'].sum(0)
        ids = [0, 3, rows['observed'][1][m], V - 1]
        models[name] = {
            'vocab': V,
            'rows': {w: {'prompt': x, 'response': y} for w, (x, y) in rows.items()},
            'k': k.tolist(),
            'cotangents': cot.tolist(),
            'C': (-ETA * cot * k).tolist(),
            'block': {
                'trace': K.trace().item(), 'frobenius': K.norm().item(),
                'singular': torch.linalg.svdvals(K)[:6].tolist(),
                'ids': ids, 'entries': K[ids][:, ids].tolist(),
            },
            'own': {'trace': own.trace().item(), 'eigen': torch.linalg.eigvalsh(own).flip(0)[:6].tolist()},
            'gram': (grads @ grads.T).tolist(),
            'norm': whole.norm().item(), 'norm_centred': centred.norm().item(),
            'trace': torch.einsum('avp,avp->', Z['chosen'], Z['chosen']).item(),
            'ches': (up @ down - up @ up).item(),
            'ln_ches': (up @ down / (len(hidden['chosen']) * len(hidden['rejected'])) - up @ up / len(hidden['chosen']) ** 2).item(),
            'last_hidden': (hidden['chosen'][-1] @ hidden['rejected'][-1]).item(),
        }
    note = (f'True float64. rows: token ids. k: <grad log pi_m, grad log pi_l>, observed tokens by chosen then rejected '
            f'ones; cotangents: dL/dlog pi of DPO (beta {BETA}, reference = the model); C = -eta * cotangent * k, eta '
            f'{ETA}, nats. block: the V x V logit kernel of observed token {BLOCK[0]} by chosen token {BLOCK[1]}; own: '
            f'chosen token {BLOCK[1]} by itself. gram: gradients of sum log pi of chosen, rejected, observed. norm: '
            'Frobenius, all logits of observed by all of chosen (norm_centred: less their mean over V); trace: chosen by itself. ches, ln_ches, last_hidden: '
            'final hidden states from the last prompt token to the second-last response token.')
    write(HERE / 'kernel.json', header(__file__, ['torch', 'transformers', 'numpy'], SEED, note), {'models': models})


if __name__ == '__main__':
    main()
