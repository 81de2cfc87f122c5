"""The further preference losses in float64 by torch's autograd -> preferences.json. Where TRL has the loss as a function of
log-probs, TRL's own code is called (CPO, SimPO) or compared with (ORPO, which TRL computes in float32); the rest is
written out from the formulas of paper.md §2.5.
"""
from types import SimpleNamespace

from golden_file import HERE, header, write

import numpy as np
import torch
from torch.nn.functional import logsigmoid
from trl.experimental.cpo import CPOTrainer
from trl.experimental.orpo import ORPOTrainer

SEED = 21
PACKAGES = ['torch', 'trl', 'numpy']
PAIRS, TOKENS = 3, 5


def draw(rng):
    return torch.from_numpy(-np.abs(rng.standard_normal((PAIRS, TOKENS))) * 2)


def mask(lengths):
    return torch.tensor([[1.0] * n + [0.0] * (TOKENS - n) for n in lengths], dtype=torch.float64)


def trl_cpo(loss_type, beta, gamma=0.0, label_smoothing=0.0):
    own = SimpleNamespace(alpha=0.0, accelerator=SimpleNamespace(device='cpu'), loss_type=loss_type, beta=beta,
                          simpo_gamma=gamma, label_smoothing=label_smoothing)
    return lambda chosen, rejected: CPOTrainer.cpo_loss(own, chosen, rejected)[0]


def odds_ratio(beta):
    def loss(chosen, rejected):
        odds = lambda x: x - torch.log(-torch.expm1(x))
        value = -beta * logsigmoid(odds(chosen) - odds(rejected))
        own = SimpleNamespace(beta=beta, accelerator=SimpleNamespace(device='cpu'))
        single = ORPOTrainer.odds_ratio_loss(own, chosen.detach(), rejected.detach())[0]
        assert torch.allclose(-single.double(), value, rtol=1e-5), (single, value)  # TRL subtracts it from the NLL
        return value
    return loss


def cases():
    """name, options by TRL's or the paper's names, and a function of (c, cm, r, rm, rc, rr) to a loss per pair."""
    total = lambda x, m: (x * m).sum(-1)
    mean = lambda x, m: total(x, m) / m.sum(-1)
    up = lambda c, cm, r, rm, rc, rr: total(c - rc, cm)
    down = lambda c, cm, r, rm, rc, rr: total(r - rr, rm)
    relu = torch.relu

    def nll(alpha, reduction):
        def of(c, cm, r, rm, rc, rr):
            if reduction == 'sum':
                return -alpha * total(c, cm)
            if reduction == 'mean':
                return -alpha * mean(c, cm)
            return (-alpha * (c * cm).sum() / cm.sum()).expand(len(c))
        return of

    yield 'slic', {'delta': 1.0, 'beta': 1.0, 'reference_free': True}, lambda c, cm, r, rm, rc, rr: relu(
        1 - total(c, cm) + total(r, rm))
    yield 'slic', {'delta': 1.0, 'beta': 0.3, 'reference_free': False}, lambda *a: relu(1 - 0.3 * (up(*a) - down(*a)))
    for eta in (10.0, 0.5):
        yield 'sppo', {'eta': eta}, lambda *a, eta=eta: (up(*a) - eta / 2) ** 2 + (down(*a) + eta / 2) ** 2
    for beta, gamma, smoothing in ((2.0, 1.0, 0.0), (0.1, 0.5, 0.2)):
        trl = trl_cpo('simpo', beta, gamma, smoothing)
        yield 'simpo', {'beta': beta, 'gamma': gamma, 'label_smoothing': smoothing}, (
            lambda c, cm, r, rm, rc, rr, trl=trl: trl(mean(c, cm), mean(r, rm)))
    for beta, lam in ((0.1, 5.0), (0.7, 50.0)):
        yield 'dpop', {'beta': beta, 'lambda': lam}, lambda *a, beta=beta, lam=lam: -logsigmoid(
            beta * (up(*a) - down(*a) - lam * relu(-up(*a))))
    for beta, alpha, reduction in ((0.1, 1.0, 'mean'), (0.3, 0.2, 'sum'), (0.3, 0.5, 'token-mean')):
        term = nll(alpha, reduction)
        yield 'rpo', {'beta': beta, 'alpha': alpha, 'reduction': reduction}, (
            lambda *a, beta=beta, term=term: -logsigmoid(beta * (up(*a) - down(*a))) + term(*a))
    trl = trl_cpo('sigmoid', 0.2)
    yield 'cpo', {'beta': 0.2, 'alpha': 1.0, 'reduction': 'token-mean'}, (
        lambda c, cm, r, rm, rc, rr, term=nll(1.0, 'token-mean'): trl(total(c, cm), total(r, rm))
        + term(c, cm, r, rm, rc, rr))
    for beta in (0.1, 0.7):
        t = 1 / (2 * beta)
        yield 'cal-dpo', {'beta': beta}, lambda *a, t=t: (
            -logsigmoid(up(*a) - down(*a)) + 0.5 * (up(*a) - t) ** 2 + 0.5 * (down(*a) + t) ** 2)
    for beta in (0.1, 1.0):
        odds = odds_ratio(beta)
        yield 'orpo', {'beta': beta}, (
            lambda c, cm, r, rm, rc, rr, odds=odds: odds(mean(c, cm), mean(r, rm)) - mean(c, cm))


def kto(beta, wd, wu, c, cm, r, rm, rc, rr, k, km, rk):
    total = lambda x, m: (x * m).sum(-1)
    z = total(k - rk, km).mean().detach().clamp(min=0)
    good = wd * (1 - torch.sigmoid(beta * (total(c - rc, cm) - z)))
    bad = wu * (1 - torch.sigmoid(beta * (z - total(r - rr, rm))))
    return torch.cat([good, bad]), z


def main():
    rng = np.random.Generator(np.random.PCG64(SEED))
    chosen, rejected, ref_chosen, ref_rejected, other, ref_other = (draw(rng) for _ in range(6))
    other = other * 0.8  # so that the KL estimate is above 0
    cm, rm, km = mask([5, 3, 1]), mask([2, 4, 5]), mask([4, 4, 2])
    inputs = {'chosen_logp': chosen, 'rejected_logp': rejected, 'ref_chosen_logp': ref_chosen,
              'ref_rejected_logp': ref_rejected, 'other_logp': other, 'ref_other_logp': ref_other,
              'chosen_mask': cm, 'rejected_mask': rm, 'other_mask': km}
    out = []
    for name, options, per_pair in cases():
        c, r = chosen.clone().requires_grad_(), rejected.clone().requires_grad_()
        losses = per_pair(c, cm, r, rm, ref_chosen, ref_rejected)
        losses.mean().backward()
        out.append({'loss': name, 'options': options, 'value': losses.mean().item(),
                    'grad_chosen_logp': c.grad.tolist(), 'grad_rejected_logp': r.grad.tolist()})
    for beta, wd, wu in ((0.1, 1.0, 1.0), (0.5, 1.33, 0.7)):
        c, r, k = (x.clone().requires_grad_() for x in (chosen, rejected, other))
        losses, z = kto(beta, wd, wu, c, cm, r, rm, ref_chosen, ref_rejected, k, km, ref_other)
        losses.mean().backward()
        assert k.grad is None and z > 0
        out.append({'loss': 'kto', 'options': {'beta': beta, 'desirable_weight': wd, 'undesirable_weight': wu},
                    'value': losses.mean().item(), 'kl': z.item(),
                    'grad_chosen_logp': c.grad.tolist(), 'grad_rejected_logp': r.grad.tolist()})
    note = ('float64. value = mean over pairs (kto: over desirable and undesirable together); grad_* = d value / d token '
            'log-prob, masked tokens 0. token-mean: over all y+ tokens of the batch, as TRL. kto: `other` are the '
            'mismatched responses, kl their mean log-ratio, without gradient.')
    write(HERE / 'preferences.json', header(__file__, PACKAGES, SEED, note),
          {'inputs': {key: value.tolist() for key, value in inputs.items()}, 'cases': out})


if __name__ == '__main__':
    torch.set_num_threads(1)
    main()
