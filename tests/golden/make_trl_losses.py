"""Runs of TRL's own trainers with the further losses -> trl-losses.json: DPOTrainer's hinge, sppo_hard and sigmoid + sft,
CPOTrainer's SimPO with and without its NLL, KTOTrainer, ORPOTrainer. Model and data are make_trl.py's (run that first).
"""
import logging
import os
import tempfile
import warnings

os.environ['TRL_EXPERIMENTAL_SILENCE'] = '1'

from golden_file import HERE, header, significant, write

import torch
from datasets import Dataset, disable_progress_bars
from transformers import AutoModelForCausalLM, AutoTokenizer, set_seed
from transformers.trainer_callback import PrinterCallback
from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer
from trl.experimental.cpo import CPOConfig, CPOTrainer
from trl.experimental.orpo import ORPOConfig, ORPOTrainer

from make_trl import COMMON, SEED, TRL, read_rows

STEPS = 6
NAMES = ['loss', 'grad_norm', 'learning_rate', 'rewards/chosen', 'rewards/rejected', 'rewards/margins', 'logps/chosen',
         'logps/rejected', 'kl', 'nll_loss']
LOSSES = {
    'hinge': (DPOTrainer, DPOConfig, dict(loss_type=['hinge'], beta=0.1)),
    'sppo_hard': (DPOTrainer, DPOConfig, dict(loss_type=['sppo_hard'], beta=0.1)),
    'sigmoid_sft': (DPOTrainer, DPOConfig, dict(loss_type=['sigmoid', 'sft'], loss_weights=[1.0, 0.5], beta=0.1)),
    'simpo': (CPOTrainer, CPOConfig, dict(loss_type='simpo', beta=2.0, simpo_gamma=0.5, cpo_alpha=0.0)),
    'simpo_nll': (CPOTrainer, CPOConfig, dict(loss_type='simpo', beta=2.0, simpo_gamma=0.5, cpo_alpha=1.0)),
    'kto': (KTOTrainer, KTOConfig, dict(beta=0.3, desirable_weight=1.5, undesirable_weight=0.5,
                                        per_device_train_batch_size=4)),
    'orpo': (ORPOTrainer, ORPOConfig, dict(beta=0.5)),
}
OLD_STYLE = (CPOTrainer, ORPOTrainer)


def labelled(rows):
    """Even rows give their chosen response, odd ones the rejected."""
    return [{'prompt': r['prompt'], 'completion': r['rejected' if i % 2 else 'chosen'], 'label': i % 2 == 0}
            for i, r in enumerate(rows)]


def logged(kind, make_config, options, rows, nudge=0.0):
    set_seed(SEED)
    model, reference = (AutoModelForCausalLM.from_pretrained(TRL / 'model', dtype=torch.float32) for _ in range(2))
    if nudge:
        with torch.no_grad():
            for p in model.parameters():
                p.mul_(1 + nudge * torch.randn_like(p))
    common = {**COMMON, 'warmup_steps': 1, 'max_grad_norm': 1.0, 'max_length': 512, 'max_steps': STEPS, **options}
    if kind in OLD_STYLE:
        common.pop('train_sampling_strategy')
    args = make_config(output_dir=tempfile.mkdtemp(), **common)
    extra = {} if kind in OLD_STYLE else {'ref_model': reference}
    data = Dataset.from_list(labelled(rows) if kind is KTOTrainer else
                             [{**row, 'prompt': ''} for row in rows] if kind is ORPOTrainer else rows)
    t = kind(model=model, args=args, train_dataset=data,
             processing_class=AutoTokenizer.from_pretrained(TRL / 'model'), **extra)
    if kind in OLD_STYLE:
        t._get_train_sampler = lambda dataset=None: torch.utils.data.SequentialSampler(t.train_dataset)
    t.remove_callback(PrinterCallback)
    t.train()
    steps = [log for log in t.state.log_history if 'loss' in log]
    return {name: [significant(step[name], 9) for step in steps] for name in NAMES if name in steps[0]}, args


def main():
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    warnings.simplefilter('ignore')
    disable_progress_bars()
    rows = [r for i, r in enumerate(read_rows('preferences.jsonl')[:26]) if i not in (4, 24)]
    runs = {}
    for name, (kind, make_config, options) in LOSSES.items():
        curve, args = logged(kind, make_config, options, rows)
        again, _ = logged(kind, make_config, options, rows, nudge=6e-8)
        away = {key: significant(max((abs(x / y - 1) for x, y in zip(again[key], curve[key]) if abs(y) > 1e-3),
                                     default=0), 2) for key in curve}
        print(name, curve['loss'][0], curve['loss'][-1], curve.get('kl'), away)
        keep = ('per_device_train_batch_size', 'gradient_accumulation_steps', 'learning_rate', 'lr_scheduler_type',
                'warmup_steps', 'weight_decay', 'max_grad_norm', 'max_length')
        runs[name] = {'settings': {'trainer': kind.__name__, **{k: getattr(args, k) for k in keep}, **options},
                      'steps': len(curve['loss']), 'logged': curve, 'nudged_by_6e-8_differs_by': away}
        runs[name]['settings']['lr_scheduler_type'] = str(args.lr_scheduler_type.value)
    note = ('logged: what TRL logged, one number per update; grad_norm before clipping. Rows are trl/preferences.jsonl '
            'without 4 and 24 (whose tokens merge over the border of prompt and response; CPOTrainer splits those in '
            'another way), of these the first 24; kto: their chosen responses of even and rejected ones of odd rows. '
            'orpo: with empty prompts, since TRL takes its NLL over prompt and response. '
            'nudged_*: how far the run moves when the initial weights move by one rounding.')
    write(HERE / 'trl-losses.json', header(__file__, ['torch', 'transformers', 'trl'], SEED, note),
          {'model': 'trl/model', 'runs': runs})


if __name__ == '__main__':
    main()
