"""Training in true float64 -> training.json, optimizers.json, schedules.json, losses.json.

training.json follows the released code: SFT loss = sum of token NLLs of a sequence, averaged over the batch; DPO on
sums; RMSprop with torch's defaults, warm-up factor min(1, (step+1)/(warmup+1)), global-norm clip, dropout off. The
other three files pin each part alone, so that a drifting curve can be traced to the part that is wrong.
"""
from golden_file import HERE, MODELS, header, write

import numpy as np
import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM, get_scheduler

from float64 import load_float64

SEED = 11
PACKAGES = ['torch', 'transformers', 'numpy']
FAMILIES = ['gpt2', 'gpt-neox', 'llama', 'qwen2']
BATCH, STEPS, SHORT_STEPS, WARMUP, BETA = 2, 50, 5, 10, 0.1
# Chosen so that clipping is active in part of the steps and float32 still follows float64 to 1e-4 for all of them.
LR = 3e-4
CLIP = {'sft': 30.0, 'dpo': 2.0, 'default': 10.0}
EXAMPLES = 14


# ---------------------------------------------------------------- losses of token log-probs

def sums(logp, mask):
    return (logp * mask).sum(-1)


def means(logp, mask):
    return sums(logp, mask) / mask.sum(-1)


def preference(kind):
    """[pairs] per-pair losses of h = log-ratio of chosen minus that of rejected; beta, label smoothing: P§2.5."""
    dpo = lambda h, beta, eps: -(1 - eps) * F.logsigmoid(beta * h) - eps * F.logsigmoid(-beta * h)
    ipo = lambda h, beta, eps: (h - 1 / (2 * beta)) ** 2
    reduce = means if kind == 'ipo_mean' else sums
    form = ipo if kind.startswith('ipo') else dpo
    return lambda c, cm, r, rm, rc, rr, beta, eps: form(
        reduce(c, cm) - reduce(rc, cm) - reduce(r, rm) + reduce(rr, rm), beta, eps)


PREFERENCES = {
    'dpo': ('dpo', 0.0, False), 'cdpo': ('dpo', 0.1, False), 'dpo_reference_free': ('dpo', 0.0, True),
    'ipo_sum': ('ipo_sum', 0.0, False), 'ipo_mean': ('ipo_mean', 0.0, False),
    'ipo_sum_reference_free': ('ipo_sum', 0.0, True), 'ipo_mean_reference_free': ('ipo_mean', 0.0, True),
}


# ---------------------------------------------------------------- whole runs

def draw_examples(V, rng):
    draw = lambda low, high: rng.integers(2, V, rng.integers(low, high)).tolist()
    return [{'prompt': draw(3, 9), 'chosen': draw(2, 9) + [1], 'rejected': draw(2, 9) + [1]} for _ in range(EXAMPLES)]


def token_logp(model, pairs):
    """[(prompt, response)] -> log-probs and mask [sequences, longest response]; each sequence is run by itself."""
    longest = max(len(response) for _, response in pairs)
    rows = []
    for prompt, response in pairs:
        log_pi = torch.log_softmax(model(torch.tensor([prompt + response])).logits[0], -1)
        at = log_pi[len(prompt) - 1:-1].gather(-1, torch.tensor(response)[:, None])[:, 0]
        rows.append(F.pad(at, (0, longest - len(response))))
    mask = torch.tensor([[1.0] * len(r) + [0.0] * (longest - len(r)) for _, r in pairs], dtype=torch.float64)
    return torch.stack(rows), mask


def field(batch, key):
    return [(example['prompt'], example[key]) for example in batch]


def loss_function(name, model, reference):
    if name == 'sft':
        def sft(batch):
            logp, mask = token_logp(model, field(batch, 'chosen'))
            return -sums(logp, mask).mean(), {'logps/chosen': sums(logp, mask).mean().item()}
        return sft
    kind, smoothing, reference_free = PREFERENCES[name]
    per_pair = preference(kind)

    def loss(batch):
        (c, cm), (r, rm) = (token_logp(model, field(batch, key)) for key in ('chosen', 'rejected'))
        with torch.no_grad():
            rc, rr = (token_logp(reference, field(batch, key))[0] for key in ('chosen', 'rejected'))
            if reference_free:
                rc, rr = torch.zeros_like(rc), torch.zeros_like(rr)
        extra = {'logps/chosen': sums(c, cm), 'logps/rejected': sums(r, rm),
                 'rewards/chosen': BETA * sums(c - rc, cm), 'rewards/rejected': BETA * sums(r - rr, rm)}
        return per_pair(c, cm, r, rm, rc, rr, BETA, smoothing).mean(), {
            key: value.mean().item() for key, value in extra.items()}
    return loss


def load_float32(directory):
    return AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation='eager').eval()


def train(load, family, name, steps, examples, order):
    model, reference = load(MODELS / family), load(MODELS / family)
    max_norm = CLIP.get(name, CLIP['default'])
    optimizer = torch.optim.RMSprop(model.parameters(), lr=LR)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min(1.0, (s + 1) / (WARMUP + 1)))
    loss_of = loss_function(name, model, reference)
    curve = {'loss': [], 'grad_norm': []}
    for step in range(steps):
        optimizer.zero_grad()
        loss, extra = loss_of([examples[i] for i in order[step]])
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        schedule.step()
        for key, value in {'loss': loss.item(), 'grad_norm': norm.item(), **extra}.items():
            curve.setdefault(key, []).append(value)
    parameters = {key: [p.sum().item(), p.pow(2).sum().item()] for key, p in model.named_parameters()}
    total = [sum(pair[i] for pair in parameters.values()) for i in (0, 1)]
    return {'lr': LR, 'clip': max_norm, 'steps': steps, 'clipped_steps': sum(n > max_norm for n in curve['grad_norm']),
            **curve, 'parameters_sum_and_sum_of_squares': total, 'tensors': parameters}


def run(family, name, examples, order):
    """The float64 run, with the largest relative distance of torch's own float32 run from it."""
    steps = STEPS if name in ('sft', 'dpo') else SHORT_STEPS
    exact = train(load_float64, family, name, steps, examples, order)
    single = train(load_float32, family, name, steps, examples, order)
    away = {key: float(f'{max(abs(a / b - 1) for a, b in zip(single[key], exact[key])):.1e}')
            for key in ('loss', 'grad_norm')}
    print(f'{family:9} {name:24} loss {exact["loss"][0]:.4f} -> {exact["loss"][-1]:.4f}, '
          f'clipped {exact["clipped_steps"]}/{steps}, float32 away by {away}')
    return {**exact, 'float32_of_torch_differs_by': away}


def make_training():
    rng = np.random.Generator(np.random.PCG64(SEED))
    passes = -(-STEPS * BATCH // EXAMPLES)
    rows = np.concatenate([rng.permutation(EXAMPLES) for _ in range(passes)])
    order = rows[:STEPS * BATCH].reshape(STEPS, BATCH).tolist()
    models = {}
    for family in FAMILIES:
        V = {'gpt2': 112, 'gpt-neox': 104, 'llama': 96, 'qwen2': 120}[family]
        examples = draw_examples(V, np.random.Generator(np.random.PCG64([SEED, V])))
        runs = {name: run(family, name, examples, order) for name in ['sft', *PREFERENCES]}
        models[family] = {'examples': examples, 'runs': runs}
    note = ('True float64. order[step] = rows of the batch. grad_norm is before clipping; loss, logps/* (sums over '
            'tokens) and rewards/* are batch means before the update. tensors: [sum, sum of squares] after the last '
            'step, a tied tensor once, under Hugging Face names. clip is each run\'s own. The gradient of GPT-2 key '
            'biases (the middle third of c_attn.bias) and of the unrotated part of GPT-NeoX ones is exactly 0 in '
            'theory: RMSprop turns float32 noise there into steps, so compare these tensors in float64 only.')
    settings = {'batch': BATCH, 'optimizer': 'rmsprop', 'alpha': 0.99, 'eps': 1e-8, 'warmup': WARMUP,
                'beta': BETA, 'cdpo_label_smoothing': 0.1, 'reference': 'the initial model', 'order': order}
    write(HERE / 'training.json', header(__file__, PACKAGES, SEED, note), {'settings': settings, 'models': models})


# ---------------------------------------------------------------- optimizers alone

OPTIMIZERS = {
    'sgd': (torch.optim.SGD, dict(lr=0.05)),
    'sgd_weight_decay': (torch.optim.SGD, dict(lr=0.05, weight_decay=0.1)),
    'sgd_momentum': (torch.optim.SGD, dict(lr=0.05, momentum=0.9)),
    'sgd_dampening': (torch.optim.SGD, dict(lr=0.05, momentum=0.9, dampening=0.3, weight_decay=0.1)),
    'sgd_nesterov': (torch.optim.SGD, dict(lr=0.05, momentum=0.9, nesterov=True)),
    'rmsprop': (torch.optim.RMSprop, dict(lr=0.01)),
    'rmsprop_weight_decay': (torch.optim.RMSprop, dict(lr=0.01, alpha=0.9, eps=1e-6, weight_decay=0.1)),
    'rmsprop_centered': (torch.optim.RMSprop, dict(lr=0.01, centered=True)),
    'rmsprop_momentum': (torch.optim.RMSprop, dict(lr=0.01, momentum=0.9)),
    'rmsprop_centered_momentum': (torch.optim.RMSprop, dict(lr=0.01, centered=True, momentum=0.9)),
    'adam': (torch.optim.Adam, dict(lr=0.05)),
    'adam_weight_decay': (torch.optim.Adam, dict(lr=0.05, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1)),
    'adamw': (torch.optim.AdamW, dict(lr=0.05, weight_decay=0.01)),
    'adamw_no_decay': (torch.optim.AdamW, dict(lr=0.05, weight_decay=0.0)),
    'adamw_betas': (torch.optim.AdamW, dict(lr=0.05, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1)),
}


def make_optimizers():
    rng = np.random.Generator(np.random.PCG64(SEED))
    X, y, w0 = (torch.from_numpy(rng.standard_normal(shape)) for shape in ((6, 3), (6,), (3,)))
    runs = {}
    for name, (kind, options) in OPTIMIZERS.items():
        w = w0.clone().requires_grad_()
        b = torch.zeros(1, dtype=torch.float64, requires_grad=True)
        optimizer = kind([w, b], **options)
        run = {'class': kind.__name__, 'options': options, 'loss': [], 'gradients': [], 'parameters': []}
        for _ in range(10):
            optimizer.zero_grad()
            loss = ((X @ w + b - y) ** 2).mean()
            loss.backward()
            optimizer.step()
            run['loss'].append(loss.item())
            run['gradients'].append([*w.grad.tolist(), *b.grad.tolist()])
            run['parameters'].append([*w.tolist(), *b.tolist()])
        runs[name] = run
    note = ('float64. Problem: mean((X w + b - y)^2), w from w0, b from 0; parameters = [w0, w1, w2, b] after each '
            'step, gradients before it. Options that are not named have torch\'s defaults.')
    problem = {'X': X.tolist(), 'y': y.tolist(), 'w0': w0.tolist(), 'b0': 0.0}
    clip = []
    for scale in (0.5, 30.0):
        grads = [torch.from_numpy(rng.standard_normal(4)) * scale, torch.from_numpy(rng.standard_normal(2)) * scale]
        tensors = [torch.zeros_like(g).requires_grad_() for g in grads]
        for tensor, grad in zip(tensors, grads):
            tensor.grad = grad.clone()
        norm = torch.nn.utils.clip_grad_norm_(tensors, 10.0)
        clip.append({'max_norm': 10.0, 'before': [g.tolist() for g in grads], 'norm': norm.item(),
                     'after': [t.grad.tolist() for t in tensors]})
    write(HERE / 'optimizers.json', header(__file__, PACKAGES, SEED, note),
          {'problem': problem, 'runs': runs, 'clip': clip})


# ---------------------------------------------------------------- schedules alone

def make_schedules():
    lr, steps, runs = 0.5, 20, {}
    for kind in ('linear', 'cosine', 'constant_with_warmup', 'constant'):
        for warmup in (0, 5):
            if kind == 'constant' and warmup:
                continue
            optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
            schedule = get_scheduler(kind, optimizer, num_warmup_steps=warmup, num_training_steps=steps)
            used = []
            for _ in range(steps):
                used.append(schedule.get_last_lr()[0])
                optimizer.step()
                schedule.step()
            runs[f'{kind}_warmup{warmup}'] = {'kind': kind, 'warmup': warmup, 'steps': steps, 'lr': lr, 'used': used}
    runs['released_warmup5'] = {'kind': 'released', 'warmup': 5, 'steps': steps, 'lr': lr,
                                'used': [lr * min(1.0, (s + 1) / 6) for s in range(steps)]}
    note = ('used[s] = the learning rate with which step s (from 0) is made; with warm-up transformers makes step 0 '
            'with rate 0. "released" = the released code\'s min(1, (s+1)/(warmup+1)).')
    write(HERE / 'schedules.json', header(__file__, PACKAGES, SEED, note), {'runs': runs})


# ---------------------------------------------------------------- losses alone

def closed_form_c(kind, h, beta, eps):
    """P§2.5: c+ for losses of sequence sums; dL/dlogp of a chosen token is -c+, of a rejected token +c+."""
    a = torch.sigmoid(beta * h)
    return beta * ((1 - eps) * (1 - a) - eps * a) if kind == 'dpo' else 2 * (1 / (2 * beta) - h)


def make_losses():
    rng = np.random.Generator(np.random.PCG64(SEED + 1))
    pairs, tokens = 3, 5
    draw = lambda: torch.from_numpy(-np.abs(rng.standard_normal((pairs, tokens))) * 2)
    mask = lambda lengths: torch.tensor([[1.0] * n + [0.0] * (tokens - n) for n in lengths], dtype=torch.float64)
    chosen, rejected, ref_chosen, ref_rejected = draw(), draw(), draw(), draw()
    cm, rm = mask([5, 3, 1]), mask([2, 4, 5])
    inputs = {'chosen_logp': chosen, 'rejected_logp': rejected, 'ref_chosen_logp': ref_chosen,
              'ref_rejected_logp': ref_rejected, 'chosen_mask': cm, 'rejected_mask': rm}
    cases = []
    for name, (kind, eps, reference_free) in PREFERENCES.items():
        for beta in (0.1, 0.7):
            c, r = chosen.clone().requires_grad_(), rejected.clone().requires_grad_()
            rc, rr = (torch.zeros_like(x) if reference_free else x for x in (ref_chosen, ref_rejected))
            per_pair = preference(kind)(c, cm, r, rm, rc, rr, beta, eps)
            per_pair.mean().backward()
            case = {'loss': name, 'beta': beta, 'label_smoothing': eps, 'reference_free': reference_free,
                    'value': per_pair.mean().item(), 'per_pair': per_pair.tolist(),
                    'grad_chosen_logp': c.grad.tolist(), 'grad_rejected_logp': r.grad.tolist()}
            if kind != 'ipo_mean':
                h = sums(c - rc, cm) - sums(r - rr, rm)
                plus = closed_form_c(kind, h.detach(), beta, eps)
                assert torch.allclose(c.grad, -plus[:, None] * cm / pairs, rtol=1e-13, atol=1e-15), name
                assert torch.allclose(r.grad, plus[:, None] * rm / pairs, rtol=1e-13, atol=1e-15), name
                case |= {'h': h.tolist(), 'c_plus': plus.tolist(), 'c_minus': (-plus).tolist()}
            cases.append(case)
    for name, value in {
        'sft_sum': lambda c: -sums(c, cm).mean(),
        'sft_mean_per_sequence': lambda c: -means(c, cm).mean(),
        'sft_token_mean': lambda c: -(c * cm).sum() / cm.sum(),
    }.items():
        c = chosen.clone().requires_grad_()
        loss = value(c)
        loss.backward()
        cases.append({'loss': name, 'value': loss.item(), 'grad_chosen_logp': c.grad.tolist()})
    note = ('float64. value = mean over pairs (or sequences); grad_* = d value / d token log-prob, masked tokens 0. h '
            'and c_plus, c_minus per pair as in paper.md §2.5 (of the pair\'s own loss, without the mean\'s 1/pairs), '
            'checked against autograd. ipo_mean takes per-token means in h, as TRL. sft_sum: released code; '
            'sft_token_mean: over all tokens of the batch, as TRL.')
    write(HERE / 'losses.json', header(__file__, PACKAGES, SEED + 1, note),
          {'inputs': {key: value.tolist() for key, value in inputs.items()}, 'cases': cases})


if __name__ == '__main__':
    torch.set_num_threads(1)
    make_losses()
    make_schedules()
    make_optimizers()
    make_training()
