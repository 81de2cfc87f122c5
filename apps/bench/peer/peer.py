"""The released code's work in PyTorch and transformers, as the benchmark's other side.

    python peer.py --shape smollm2-135m --threads 2 [--weights DIR]
    python peer.py --shape smollm2-135m --save DIR      writes its seeded random weights as a Hugging Face directory

Prints {"ready": true, …}, then does one job for each line it reads and prints one JSON line for it:
    matmul N     best of several fp32 N×N products
    probe        12 responses of one prompt, as the released code: one forward each (its eval_batch_size is 1)
    probe12      the same 12 sequences in one batch
    dpo          one DPO update on 4 pairs: 8 whole sequences in one forward, backward, clip 10, RMSprop
    quit         (or end of input)
Every sequence repeats its prompt and has logits over the whole vocabulary at every position. The metrics of paper.md §5
are computed with as few V-sized tensors as PyTorch allows, unless `released` follows the job's name (`probe released`):
then as the released code does, with a one-hot and a softmax of the logits' size, in the DPO step too. Reference
log-probs are computed once, untimed.
Log-probs are sums over the response, averaged over sequences; the first run of a job also pays for warming up.
"""
import argparse
import json
import platform
import resource
import sys
import time

import torch
import torch.nn.functional as F
import transformers
from transformers import AutoModelForCausalLM

from shapes import PAIRS, PROBE_RESPONSES, PROMPT, SHAPES, flops, prompt, response

BETA, CLIP, LR, SEED = 0.1, 10.0, 5e-7, 1024


def reset_peak() -> None:
    try:
        with open('/proc/self/clear_refs', 'w') as file:
            file.write('5')
    except OSError:
        pass


def peak_rss_mb() -> float:
    try:
        with open('/proc/self/status') as file:
            kilobytes = next(int(line.split()[1]) for line in file if line.startswith('VmHWM'))
    except (OSError, StopIteration):
        kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if platform.system() == 'Darwin' else 1)
    return round(kilobytes / 1024, 1)


def lean_metrics(logits, labels, mask):
    """logits [B, n, V] that predict labels [B, n]; mask marks response tokens -> per-sequence columns [B]."""
    log_pi = logits.log_softmax(-1)
    logp = log_pi.gather(-1, labels[..., None])[..., 0]
    argmax_logp = log_pi.amax(-1)
    sum_sq = log_pi.exp().square().sum(-1)
    V, T, p = logits.shape[-1], mask.sum(-1), logp.exp()
    mean = lambda x: (x * mask).sum(-1) / T
    return {'logp': (logp * mask).sum(-1), 'argmax_logp': (argmax_logp * mask).sum(-1),
            'rest_logp': (torch.log1p(-argmax_logp.exp()) * mask).sum(-1), 'energy': mean(1 - p),
            'p_e': mean((1 - 2 * p + sum_sq).clamp_min(0).sqrt()),
            'a_norm': (V * mean(sum_sq.sqrt()).square() + V - 2).sqrt()}


def released_metrics(logits, labels, mask):
    """The same quantities through the same V-sized intermediates as the released code."""
    log_pi = logits.log_softmax(-1)
    V, T = logits.shape[-1], mask.sum(-1)
    logp = log_pi.gather(-1, labels[..., None])[..., 0]
    argmax_logp = log_pi.gather(-1, logits.argmax(-1)[..., None])[..., 0]
    pi = logits.softmax(-1)
    norm = torch.linalg.vector_norm(pi, dim=-1)
    gap = torch.linalg.vector_norm(pi - F.one_hot(labels, V), dim=-1)
    p = pi.gather(-1, labels[..., None])[..., 0]
    mean = lambda x: (x * mask).sum(-1) / T
    return {'logp': (logp * mask).sum(-1), 'argmax_logp': (argmax_logp * mask).sum(-1),
            'rest_logp': (torch.log(1 - argmax_logp.exp()) * mask).sum(-1), 'energy': mean(1 - p), 'p_e': mean(gap),
            'a_norm': (V * mean(norm).square() + V - 2).sqrt()}


class Peer:
    """Owns the model, its optimizer and the two batches."""

    def __init__(self, shape: str, weights: str | None):
        torch.manual_seed(SEED)
        if weights:
            self.model = AutoModelForCausalLM.from_pretrained(weights, dtype=torch.float32)
        else:
            self.model = AutoModelForCausalLM.from_config(SHAPES[shape], dtype=torch.float32)
        self.model.eval()  # dropout off, as everywhere in the comparison
        self.config = self.model.config
        self.updates = 0
        self.reference = None
        V = self.config.vocab_size
        self.probes = torch.tensor([prompt(0, V) + response(r, V) for r in range(PROBE_RESPONSES)])
        pair = lambda offset: [prompt(p, V) + response(2 * p + offset, V) for p in range(PAIRS)]
        self.pairs = torch.tensor(pair(0) + pair(1))
        self.optimizer = torch.optim.RMSprop(self.model.parameters(), lr=LR)

    def columns(self, ids, metrics):
        logits = self.model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False).logits.float()
        labels = ids[:, 1:]
        mask = torch.zeros_like(labels)
        mask[:, PROMPT - 1:] = 1
        if metrics is None:
            logp = logits[:, :-1].log_softmax(-1).gather(-1, labels[..., None])[..., 0]
            return {'logp': (logp * mask).sum(-1)}
        return metrics(logits[:, :-1], labels, mask)

    def probe(self, batch: int, released: bool) -> dict:
        metrics = released_metrics if released else lean_metrics
        with torch.no_grad():
            parts = [self.columns(ids, metrics) for ids in self.probes.split(batch)]
        means = {key: torch.cat([part[key] for part in parts]).mean().item() for key in parts[0]}
        return {'responses': PROBE_RESPONSES, 'mean': means, 'updates': self.updates,
                'flops': flops(self.config, 1, PROBE_RESPONSES)}

    def prepare_dpo(self) -> None:
        if self.reference is None:
            with torch.no_grad():
                self.reference = self.columns(self.pairs, None)['logp']

    def dpo(self, released: bool) -> dict:
        logp = self.columns(self.pairs, released_metrics if released else None)['logp']
        chosen, rejected = (logp - self.reference).chunk(2)
        loss = -F.logsigmoid(BETA * (chosen - rejected)).mean()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.updates += 1
        work = {key: 3 * value for key, value in flops(self.config, PAIRS, 2 * PAIRS).items()}
        return {'pairs': PAIRS, 'loss': loss.item(), 'grad_norm': norm.item(), 'mean': {'logp': logp.mean().item()},
                'updates': self.updates, 'flops': work}


def matmul(n: int) -> dict:
    a, b, best = torch.randn(n, n), torch.randn(n, n), float('inf')
    out = a @ b
    for _ in range(7):
        start = time.perf_counter()
        torch.matmul(a, b, out=out)
        best = min(best, time.perf_counter() - start)
    return {'n': n, 'best_seconds': best, 'flops': 2 * n**3, 'gflops': 2 * n**3 / best / 1e9}


def job(peer: Peer, line: str) -> dict:
    name, *rest = line.split()
    released = 'released' in rest
    todo = {'matmul': lambda: matmul(int(rest[0]) if rest else 2048), 'probe': lambda: peer.probe(1, released),
            'probe12': lambda: peer.probe(PROBE_RESPONSES, released), 'dpo': lambda: peer.dpo(released)}
    if name not in todo:
        return {'job': name, 'error': f'There is no job {name!r}; there are {", ".join(todo)} and quit.'}
    if name == 'dpo':
        peer.prepare_dpo()
    reset_peak()
    start = time.perf_counter()
    result = todo[name]()
    seconds = time.perf_counter() - start
    return {'job': ' '.join([name, *rest]), 'seconds': seconds, 'peak_rss_mb': peak_rss_mb(), **result}


def say(value: dict) -> None:
    print(json.dumps(value), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--shape', choices=list(SHAPES), required=True)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--weights', help='a Hugging Face directory to load instead of seeded random weights')
    parser.add_argument('--save', help='write the weights as a Hugging Face directory and stop')
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_num_interop_threads(1)
    peer = Peer(options.shape, options.weights)
    if options.save:
        peer.model.save_pretrained(options.save)
        say({'saved': options.save})
        return
    say({'ready': True, 'shape': options.shape, 'threads': options.threads,
         'weights': options.weights or f'random, seed {SEED}',
         'parameters': sum(p.numel() for p in peer.model.parameters()),
         'versions': {'python': platform.python_version(), 'torch': torch.__version__,
                      'transformers': transformers.__version__},
         'mkl': torch.backends.mkl.is_available(), 'mkldnn': torch.backends.mkldnn.is_available(),
         'rss_mb': peak_rss_mb()})
    for line in sys.stdin:
        if line.split()[:1] == ['quit']:
            break
        if line.strip():
            say(job(peer, line))


if __name__ == '__main__':
    main()
