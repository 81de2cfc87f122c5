"""One step, explained, by torch.func in true float64 -> explain.json.

A DPO update of 2 pairs on each family: plain SGD from the initial weights, and AdamW's second step (with what the first
left in its state). Observed: two responses of a prompt that is not learned and one that is. Δθ is what torch.optim
applied; predictions are torch.func.jvp along it, directions along parts that add up to it, modules from torch.func.vjp
(per named parameter, added up by what the parameter does).
"""
from golden_file import HERE, MODELS, header, write

import json
import re

import torch
import torch.nn.functional as F
from torch.func import functional_call, jvp, vjp

from float64 import load_float64

SEED = 11
PACKAGES = ['torch', 'transformers', 'numpy']
FAMILIES = ['gpt2', 'gpt-neox', 'llama', 'qwen2']
BETA, CLIP = 0.1, 2.0
SGD_LR, ADAM_LR, DECAY = 0.02, 2e-3, 0.1
LEARNED, FIRST, WATCHED_TOKEN = [0, 1], [2, 3], 1


def module_of(name):
    layer = re.search(r'\.(?:h|layers)\.(\d+)\.(.*)', name)
    inside = layer[2] if layer else name
    if re.search(r'ln_|layernorm|layer_norm|\.norm\.|^norm', inside):
        kind = 'norm'
    elif 'attn' in inside or 'attention' in inside:
        kind = 'attention'
    elif 'mlp' in inside:
        kind = 'mlp'
    else:
        kind = 'head' if 'embed_out' in inside or 'lm_head' in inside else 'embedding'
    return f'{layer[1]}.{kind}' if layer else kind


class Case:
    def __init__(self, family, examples):
        self.model = load_float64(MODELS / family)
        self.params = {name: p.detach().clone() for name, p in self.model.named_parameters()}
        self.examples = examples

    def logits(self, params, prompt, response):
        out = functional_call(self.model, params, (torch.tensor([prompt + response]),)).logits[0]
        return out[len(prompt) - 1:-1]

    def logp(self, params, prompt, response):
        log_pi = torch.log_softmax(self.logits(params, prompt, response), -1)
        return log_pi.gather(-1, torch.tensor(response)[:, None])[:, 0]

    def side(self, params, rows, key):
        return [self.logp(params, self.examples[i]['prompt'], self.examples[i][key]).sum() for i in rows]

    def parts(self, params, rows, reference):
        """The gradient of the mean DPO loss, split into what pulls y+ and what pushes y-; no reference has a gradient."""
        sides = {key: vjp(lambda p, k=key: torch.stack(self.side(p, rows, k)), params) for key in ('chosen', 'rejected')}
        h = (sides['chosen'][0] - reference['chosen']) - (sides['rejected'][0] - reference['rejected'])
        c = BETA * torch.sigmoid(-BETA * h) / len(rows)
        return {'chosen': sides['chosen'][1](-c)[0], 'rejected': sides['rejected'][1](c)[0]}

    def reference(self, rows):
        with torch.no_grad():
            return {key: torch.stack(self.side(self.params, rows, key)) for key in ('chosen', 'rejected')}


def add(*trees):
    return {name: sum(tree[name] for tree in trees) for name in trees[0]}


def scaled(tree, factor):
    return {name: factor * value for name, value in tree.items()}


def clip(tree):
    norm = torch.sqrt(sum((g ** 2).sum() for g in tree.values()))
    return norm.item(), min(1.0, CLIP / (norm.item() + 1e-6))


def applied(case, params, gradients, make):
    """Runs torch.optim steps with the given gradients; parameters after the last but one, and after the last."""
    leaves = {name: torch.nn.Parameter(p.clone()) for name, p in params.items()}
    optimizer = make(leaves)
    for grads in gradients:
        before = {name: p.detach().clone() for name, p in leaves.items()}
        state = {name: {k: v.clone() for k, v in optimizer.state.get(p, {}).items()} for name, p in leaves.items()}
        for name, p in leaves.items():
            p.grad = grads(before)[name] if callable(grads) else grads[name]
        optimizer.step()
    return before, {name: p.detach().clone() for name, p in leaves.items()}, state, optimizer, leaves


def adamw(leaves):
    decays = [p for p in leaves.values() if p.dim() >= 2]
    rest = [p for p in leaves.values() if p.dim() < 2]
    return torch.optim.AdamW([{'params': decays, 'weight_decay': DECAY}, {'params': rest, 'weight_decay': 0.0}], lr=ADAM_LR)


def explained(case, before, after, directions, observed):
    delta = {name: after[name] - before[name] for name in before}
    gap = max((sum(d[name] for d in directions.values()) - delta[name]).abs().max().item() for name in delta)
    assert gap < 1e-14, gap
    found = []
    for prompt, response in observed:
        values = lambda p: case.logp(p, prompt, response)
        own = lambda p: (lambda z: (z - z.mean(-1, keepdim=True)).gather(-1, torch.tensor(response)[:, None])[:, 0])(
            case.logits(p, prompt, response))
        start, predicted = jvp(values, (before,), (delta,))
        gradient = vjp(lambda p: values(p).sum(), before)[1](torch.tensor(1.0, dtype=torch.float64))[0]
        modules = {}
        for name, g in gradient.items():
            key = module_of(name)
            modules[key] = modules.get(key, 0.0) + (g * delta[name]).sum().item()
        found.append({
            'logp': start.tolist(),
            'actual': (values(after) - start).tolist(),
            'predicted': predicted.tolist(),
            'own_logit': jvp(own, (before,), (delta,))[1].tolist(),
            'directions': {name: jvp(values, (before,), (d,))[1].tolist() for name, d in directions.items()},
            'modules': modules,
            'watched': jvp(lambda p: torch.log_softmax(case.logits(p, prompt, response)[WATCHED_TOKEN], -1),
                           (before,), (delta,))[1].tolist(),
        })
    return found


def sgd_step(case, observed):
    parts = case.parts(case.params, LEARNED, case.reference(LEARNED))
    norm, factor = clip(add(*parts.values()))
    make = lambda leaves: torch.optim.SGD(leaves.values(), lr=SGD_LR)
    before, after, *_ = applied(case, case.params, [scaled(add(*parts.values()), factor)], make)
    directions = {name: scaled(g, -SGD_LR * factor) for name, g in parts.items()}
    return {'grad_norm': norm, 'clip_factor': factor, 'responses': explained(case, before, after, directions, observed)}


def adam_step(case, observed):
    reference = {tuple(rows): case.reference(rows) for rows in (FIRST, LEARNED)}
    total = lambda params, rows: add(*case.parts(params, rows, reference[tuple(rows)]).values())
    first = total(case.params, FIRST)
    first = scaled(first, clip(first)[1])
    clipped = {}

    def second(params):
        if not clipped:
            clipped['parts'] = case.parts(params, LEARNED, reference[tuple(LEARNED)])
            clipped['norm'], clipped['factor'] = clip(add(*clipped['parts'].values()))
        return scaled(add(*clipped['parts'].values()), clipped['factor'])

    before, after, state, optimizer, leaves = applied(case, case.params, [first, second], adamw)
    b1, b2 = 0.9, 0.999
    root = {name: (optimizer.state[p]['exp_avg_sq'] / (1 - b2 ** 2)).sqrt() + 1e-8 for name, p in leaves.items()}
    through = lambda tree, share: {
        name: -ADAM_LR * share * tree[name] / (1 - b1 ** 2) / root[name] for name in tree}
    directions = {name: through(scaled(g, clipped['factor']), 1 - b1) for name, g in clipped['parts'].items()}
    directions['carry-over'] = through({name: s['exp_avg'] for name, s in state.items()}, b1)
    directions['decay'] = {name: (-ADAM_LR * DECAY if p.dim() >= 2 else 0.0) * p for name, p in before.items()}
    return {'grad_norm': clipped['norm'], 'clip_factor': clipped['factor'],
            'responses': explained(case, before, after, directions, observed)}


def main():
    training = json.loads((HERE / 'training.json').read_text())['models']
    models = {}
    for family in FAMILIES:
        torch.manual_seed(SEED)
        case = Case(family, training[family]['examples'])
        observed = [(case.examples[5]['prompt'], case.examples[5][key]) for key in ('chosen', 'rejected')]
        observed.append((case.examples[0]['prompt'], case.examples[0]['chosen']))
        models[family] = {'sgd': sgd_step(case, observed), 'adamw': adam_step(case, observed)}
    note = ('DPO (beta 0.1, reference: the initial weights) on examples 0 and 1 of training.json; sgd: lr 0.02, its first '
            'step; adamw: lr 0.002, weight decay 0.1 on matrices, the second step, the first having learned examples 2 '
            'and 3. Clipped to norm 2. responses: example 5 chosen, 5 rejected, 0 chosen. Per token: logp before, actual '
            'and predicted change, change of the centred own logit, directions; modules: of the sum over tokens, a tied '
            'head counted as embedding; watched: change of log pi of all entries at token 1. Nats.')
    write(HERE / 'explain.json', header(__file__, PACKAGES, SEED, note), {'models': models})


main()
