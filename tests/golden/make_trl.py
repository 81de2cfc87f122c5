"""Runs of TRL's own DPOTrainer (sigmoid, ipo) and SFTTrainer (completion only) -> trl.json, trl/sft.jsonl, trl/model/.

trl/preferences.jsonl is written by hand. The tiny Llama and its byte-level BPE tokenizer (whose post-processor puts <s>
in front) are made here. Float32 on the CPU, rows in file order, dropout off; what TRL logged is stored step by step.
"""
import json
import logging
import shutil
import tempfile
import warnings

from golden_file import HERE, header, significant, write

import torch
from datasets import Dataset, disable_progress_bars
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, PreTrainedTokenizerFast, set_seed
from transformers.trainer_callback import PrinterCallback
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from make_models import randomize

SEED = 3
TRL = HERE / 'trl'
VOCAB = 320
NAMES = ['loss', 'grad_norm', 'learning_rate', 'rewards/chosen', 'rewards/rejected', 'rewards/accuracies',
         'rewards/margins', 'logps/chosen', 'logps/rejected', 'logits/chosen', 'logits/rejected', 'entropy',
         'mean_token_accuracy', 'num_tokens']
CHAT = ("{% for m in messages %}{{ '<|' + m.role + '|>' + m.content }}{% if m.role == 'assistant' %}"
        "{{ eos_token }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}")
COMMON = dict(per_device_train_batch_size=2, gradient_accumulation_steps=1, num_train_epochs=1, learning_rate=2e-3,
              lr_scheduler_type='linear', warmup_steps=4, optim='adamw_torch', weight_decay=0.01, logging_steps=1,
              train_sampling_strategy='sequential', bf16=False, fp16=False, gradient_checkpointing=False, use_cpu=True,
              report_to='none', save_strategy='no', seed=SEED, disable_tqdm=True, dataloader_pin_memory=False)
RUNS = {
    'dpo_sigmoid': (DPOTrainer, DPOConfig, dict(loss_type=['sigmoid'], beta=0.1, max_grad_norm=10.0, max_length=512)),
    'dpo_ipo': (DPOTrainer, DPOConfig, dict(loss_type=['ipo'], beta=0.1, max_grad_norm=140.0, max_length=512)),
    'dpo_truncated': (DPOTrainer, DPOConfig, dict(loss_type=['sigmoid'], beta=0.1, max_grad_norm=9.0, max_length=40)),
    'sft': (SFTTrainer, SFTConfig, dict(max_grad_norm=8.0, max_length=512, completion_only_loss=True)),
    'sft_accumulated': (SFTTrainer, SFTConfig, dict(max_grad_norm=6.0, max_length=512, completion_only_loss=True,
                                                    gradient_accumulation_steps=2, lr_scheduler_type='cosine',
                                                    weight_decay=0.1)),
}


def read_rows(name):
    return [json.loads(line) for line in (TRL / name).read_text(encoding='utf-8').splitlines()]


def make_tokenizer(texts):
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    special = ['<s>', '</s>', '<pad>']
    core.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=VOCAB, special_tokens=special, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False))
    core.post_processor = processors.TemplateProcessing(
        single='<s> $A', pair='<s> $A $B', special_tokens=[('<s>', core.token_to_id('<s>'))])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, bos_token='<s>', eos_token='</s>', pad_token='<pad>',
                                        model_max_length=512)
    tokenizer.chat_template = CHAT
    return tokenizer


def make_model(tokenizer):
    config = LlamaConfig(vocab_size=VOCAB, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                         num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512, rms_norm_eps=1e-5,
                         rope_parameters={'rope_type': 'default', 'rope_theta': 10000.0}, tie_word_embeddings=True,
                         bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
                         pad_token_id=tokenizer.pad_token_id)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    randomize(model, 'trl')
    model.tie_weights()
    return model


def make_inputs():
    rows = read_rows('preferences.jsonl')
    tokenizer = make_tokenizer([row[key] for row in rows for key in ('prompt', 'chosen', 'rejected')])
    shutil.rmtree(TRL / 'model', ignore_errors=True)
    make_model(tokenizer).save_pretrained(TRL / 'model')
    (TRL / 'model/generation_config.json').unlink(missing_ok=True)
    tokenizer.save_pretrained(TRL / 'model')
    sft = [{'prompt': row['prompt'], 'completion': row['chosen']} for row in rows]
    (TRL / 'sft.jsonl').write_text(''.join(json.dumps(r, ensure_ascii=False) + '\n' for r in sft), encoding='utf-8')


def trainer(kind, make_config, options, rows, dtype=torch.float32, nudge=0.0, edit_tokenizer=None):
    set_seed(SEED)
    model, reference = (AutoModelForCausalLM.from_pretrained(TRL / 'model', dtype=dtype) for _ in range(2))
    if nudge:
        with torch.no_grad():
            for p in model.parameters():
                p.mul_(1 + nudge * torch.randn_like(p))
    tokenizer = AutoTokenizer.from_pretrained(TRL / 'model')
    if edit_tokenizer:
        edit_tokenizer(tokenizer)
    args = make_config(output_dir=tempfile.mkdtemp(), **{**COMMON, **options})
    extra = {'ref_model': reference} if kind is DPOTrainer else {}
    return kind(model=model, args=args, train_dataset=Dataset.from_list(rows), processing_class=tokenizer, **extra)


def curve(t):
    t.remove_callback(PrinterCallback)
    t.train()
    steps = [log for log in t.state.log_history if 'loss' in log]
    return {name: [significant(step[name], 9) for step in steps] for name in NAMES if name in steps[0]}


def groups(t):
    names = {id(p): name for name, p in t.model.named_parameters()}
    return {'decay' if g['weight_decay'] else 'no_decay': sorted(names[id(p)] for p in g['params'])
            for g in t.optimizer.param_groups}


def run(name, rows):
    kind, make_config, options = RUNS[name]
    t = trainer(kind, make_config, options, rows)
    logged = curve(t)
    nudged = curve(trainer(kind, make_config, options, rows, nudge=6e-8))
    distance = lambda xs, ys: max((abs(x / y - 1) for x, y in zip(xs, ys) if abs(y) > 1e-3), default=0)
    away = {key: significant(distance(nudged[key], logged[key]), 2) for key in logged}
    defaults = t.optimizer.param_groups[0]
    clipped = sum(n > t.args.max_grad_norm for n in logged['grad_norm'])
    print(name, 'loss', logged['loss'][0], logged['loss'][-1], 'clipped', clipped, 'of', len(logged['loss']), away)
    settings = {'trainer': kind.__name__, **{k: v for k, v in {**COMMON, **options}.items() if k in (
        'per_device_train_batch_size', 'gradient_accumulation_steps', 'num_train_epochs', 'learning_rate',
        'lr_scheduler_type', 'warmup_steps', 'weight_decay', 'max_grad_norm', 'max_length', 'beta', 'loss_type',
        'completion_only_loss')}, 'optimizer': 'adamw', 'betas': list(defaults['betas']),
        'eps': defaults['eps']}
    with torch.no_grad():
        parameters = [p.double() for p in t.model.parameters()]
        final = [significant(x, 9) for x in (sum(p.sum().item() for p in parameters),
                                             sum(p.pow(2).sum().item() for p in parameters))]
    return {'settings': settings, 'steps': len(logged['loss']), 'clipped_steps': clipped, 'logged': logged,
            'nudged_by_6e-8_differs_by': away, 'parameters_sum_and_sum_of_squares': final}, groups(t)


def collated(t):
    """What reaches the model: for every row of the batch its ids without padding, and where the completion starts."""
    out = []
    for batch in t.get_train_dataloader():
        mask = batch['completion_mask'] if 'completion_mask' in batch else (batch['labels'] != -100).long()
        for ids, seen, completion in zip(batch['input_ids'], batch['attention_mask'], mask):
            n = int(seen.sum())
            bits = completion[:n].tolist()
            start = bits.index(1) if 1 in bits else n
            assert bits == [0] * start + [1] * (n - start) and not completion[n:].any()
            out.append({'ids': ids[:n].tolist(), 'completion_start': start})
    return out


def dpo_tokens(rows, **options):
    edit = options.pop('edit_tokenizer', None)
    t = trainer(DPOTrainer, DPOConfig, {'max_length': 512, 'per_device_train_batch_size': 1, **options}, rows,
                edit_tokenizer=edit)
    flat = collated(t)
    return t, [{'chosen': flat[i]['ids'], 'rejected': flat[i + 1]['ids'],
                'completion_start': [flat[i]['completion_start'], flat[i + 1]['completion_start']]}
               for i in range(0, len(flat), 2)]


def sft_tokens(rows, **options):
    t = trainer(SFTTrainer, SFTConfig, {'max_length': 512, 'per_device_train_batch_size': 1, **options}, rows)
    return t, collated(t)


def with_rows(make, source, **options):
    """keep_start drops rows whose prompt alone fills max_length: the indices of those that stay, and their tokens."""
    t, tokens = make(source, **options)
    place = {row['prompt']: i for i, row in enumerate(source)}
    return {'rows': [place[prompt] for prompt in t.train_dataset['prompt']], 'tokens': tokens}


def without_bos(tokenizer):
    tokenizer.backend_tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)


def conversational(rows):
    turn = lambda role, text: [{'role': role, 'content': text.strip()}]
    question = lambda row: row['prompt'].removeprefix('Human: ').removesuffix('\n\nAssistant:')
    return [{'prompt': turn('user', question(row)),
             'chosen': turn('assistant', row['chosen']), 'rejected': turn('assistant', row['rejected'])}
            for row in rows]


def implicit(rows):
    return [{'chosen': row['prompt'] + row['chosen'], 'rejected': row['prompt'] + row['rejected']} for row in rows]


def main() -> None:
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    warnings.simplefilter('ignore')
    disable_progress_bars()
    make_inputs()
    pairs, completions = read_rows('preferences.jsonl'), read_rows('sft.jsonl')
    chat, few = conversational(pairs[:3]), pairs[:12]
    tokens = {
        'dpo': dpo_tokens(pairs)[1],
        'sft': sft_tokens(completions)[1],
        'dpo_without_bos': dpo_tokens(few, edit_tokenizer=without_bos)[1],
        'dpo_keep_start_28': with_rows(dpo_tokens, few, max_length=28),
        'dpo_keep_end_28': with_rows(dpo_tokens, few, max_length=28, truncation_mode='keep_end'),
        'sft_keep_start_28': with_rows(sft_tokens, completions[:12], max_length=28),
        'sft_keep_end_28': with_rows(sft_tokens, completions[:12], max_length=28, truncation_mode='keep_end'),
        'dpo_conversational': {'data': chat, 'chat_template': CHAT, 'tokens': dpo_tokens(chat)[1]},
        'dpo_implicit_prompt': {'data': implicit(few), 'tokens': dpo_tokens(implicit(few))[1]},
    }
    runs = {}
    for name, (kind, *_) in RUNS.items():
        runs[name], parameter_groups = run(name, pairs if kind is DPOTrainer else completions)
    note = ('Everything under runs.*.logged is what TRL logged, one number per update, under its names. grad_norm is '
            'before clipping, learning_rate the one this update was made with, num_tokens cumulative (prompt and '
            'completion, chosen and rejected). nudged_*: how far the same run moves when every initial weight of the '
            'policy is multiplied by 1 + 6e-8 N(0,1), relative, over values above 1e-3: a float32 implementation '
            'cannot be asked for less. tokens.*: rows in file order; rows = indices of those kept, where some were '
            'dropped.')
    write(HERE / 'trl.json', header(__file__, ['torch', 'transformers', 'trl', 'tokenizers', 'accelerate', 'datasets'],
                                    SEED, note),
          {'model': 'trl/model', 'data': {'dpo': 'trl/preferences.jsonl', 'sft': 'trl/sft.jsonl'},
           'parameter_groups': parameter_groups, 'runs': runs, 'tokens': tokens})


if __name__ == '__main__':
    main()
