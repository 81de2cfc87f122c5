"""Token ids by Hugging Face's Rust tokenizers, and chats by transformers -> golden/tokenizers.json.

One small byte-level BPE is trained without any split, so that its merges reach over every boundary and a wrong split
changes ids; then it is run with the pre-tokenizer of each model as its tokenizer.json has it. A SentencePiece-like BPE
(pieces with scores, bytes, spaces as ▁) is run as Llama 2's tokenizer.json has it. Of the pretrained model's own
tokenizer (LDYN_SHARED, or ../shared beside the repository) only a digest of all ids is kept.
"""
import hashlib
import json
import os
import random
from pathlib import Path

import tokenizers
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast
from transformers.tokenization_utils_base import generate_merges

HERE = Path(__file__).parent
SHARED = Path(os.environ.get('LDYN_SHARED', HERE.parents[2].parent / 'shared'))
SPECIAL = ['<|end|>', '<|start|>', '<|user|>']
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r'\p{N}{1,3}', r'\p{N}')
TEKKEN = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
          r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
          r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")

BYTE_LEVEL = {'type': 'ByteLevel', 'add_prefix_space': False, 'trim_offsets': True, 'use_regex': True}
DIGITS = {'type': 'Digits', 'individual_digits': True}


def split_at(regex: str) -> dict:
    return {'type': 'Sequence', 'pretokenizers': [
        {'type': 'Split', 'pattern': {'Regex': regex}, 'behavior': 'Isolated', 'invert': False},
        {**BYTE_LEVEL, 'use_regex': False}]}


# By llama.cpp's name: what the model's tokenizer.json has.
VARIANTS = {
    'gpt-2': {'pre_tokenizer': BYTE_LEVEL},
    'olmo': {'pre_tokenizer': BYTE_LEVEL, 'normalizer': {'type': 'NFC'}},
    'smollm': {'pre_tokenizer': {'type': 'Sequence', 'pretokenizers': [DIGITS, BYTE_LEVEL]}},
    'qwen2': {'pre_tokenizer': split_at(QWEN2), 'normalizer': {'type': 'NFC'}},
    'llama-bpe': {'pre_tokenizer': split_at(LLAMA3), 'ignore_merges': True},
    'tekken': {'pre_tokenizer': split_at(TEKKEN), 'ignore_merges': True},
}

TRAINING = [
    "It's 1234567 o'clock, they'll say; we've 12 of 345 and don't  mind.\n\nThe  next   line\tstarts here.\r\n",
    "HE'S SURE: 'tis the ½ of ²³, 99.5% (x = 1.5e-10). naïve café résumé — Ünïcödé 日本語 漢字 한국어 👍🏽 🎉🎉\n \n",
    "def f(x):\n    return x  # a comment\n\n\nfoo_bar = {'a': [1, 2, 3]};  ...!!!??? http://a.b/c?d=e&f=1\n",
] * 20

EDGE = [
    '', ' ', '  ', '\n', '\n\n\n', ' \n \n', 'a  b   c', ' leading', 'trailing  ', '\ttab\t\t', '\r\n\r\nx\r\n',
    '1', '12', '123', '1234', '12345 678 9', '1.5e-10', '½ of ²³ and Ⅳ', '٣٤ ٥', "don't we'll I'M HE'S 'tis they've",
    "'s 't're", '’s', 'naïve café', 'nai\u0308ve cafe\u0301', '日本語のテキスト', '한국어', '👍🏽 🎉🎉 👩‍👩‍👧', '\u0085x\u0085\u0085y',
    '\ufeffx \ufeff y', '\u00a0\u00a0nbsp', '全角　空白', '\u200b\u200d', '\x00\x01', '<|start|>user\nhi<|end|>\n',
    'a<|end|><|end|> b', '<|end', ' <|user|> ', 'foo_bar = {1: [2]};', '....!!!???', 'x' * 300, 'ab' * 200,
    'def f(x):\n    return x\n\n\n', 'שלום', 'مرحبا ١٢', '𝔘𝔫𝔦 𝟙𝟚', 'ŉ ſ ﬁ', "a/b//c\n/", 'CamelCaseWORDS HTTPServer',
]


def random_texts(count: int) -> list[str]:
    rng = random.Random(7)
    pool = list("abcXYZ'stmd0193½²\n\t\r  .,;:!?-_/()é日本👍🏽\u0301\u200d\u00a0\u0085\ufeff\u2028")
    return [''.join(rng.choice(pool) for _ in range(rng.randint(1, 30))) for _ in range(count)]


def digest(ids: list[list[int]]) -> str:
    return hashlib.sha256(';'.join(','.join(map(str, row)) for row in ids).encode()).hexdigest()[:16]


def added(tokens: list[str]) -> list[dict]:
    return [{'id': i, 'content': t, 'single_word': False, 'lstrip': False, 'rstrip': False, 'normalized': False,
             'special': True} for i, t in enumerate(tokens)]


def byte_level() -> dict:
    base = Tokenizer(models.BPE())
    base.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    trainer = trainers.BpeTrainer(vocab_size=520, special_tokens=SPECIAL, show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), max_token_length=6)
    base.train_from_iterator(TRAINING, trainer)
    return json.loads(base.to_str())


def variant(base: dict, settings: dict) -> dict:
    model = {**base['model'], 'ignore_merges': settings.get('ignore_merges', False)}
    return {**base, 'model': model, 'pre_tokenizer': settings['pre_tokenizer'],
            'normalizer': settings.get('normalizer'), 'decoder': BYTE_LEVEL, 'added_tokens': added(SPECIAL)}


def sentence_piece() -> dict:
    pieces = ['<unk>', '<s>', '</s>', *[f'<0x{b:02X}>' for b in range(256)]]
    types = [2, 3, 3, *[6] * 256]
    words = "▁the ▁th he ▁t in ▁in ▁a an ing er ▁▁ ▁▁▁▁ ll 's ▁don ▁do 12 23 on ▁w ▁we ▁you aa aaa ab aba 日本 本語".split()
    words += list(dict.fromkeys("▁abcdefghijklmnopqrstuvwxyz'0123456789日本語.,!?"))
    scores = [0.0] * len(pieces) + [-float(i) for i in range(len(words))]
    return {'pieces': pieces + words, 'types': types + [1] * len(words), 'scores': scores}


def sentence_piece_tokenizer(given: dict) -> Tokenizer:
    vocab = {p: i for i, p in enumerate(given['pieces'])}
    merges = generate_merges(vocab, dict(zip(given['pieces'], given['scores'])))
    space = [{'type': 'Prepend', 'prepend': '▁'}, {'type': 'Replace', 'pattern': {'String': ' '}, 'content': '▁'}]
    decoders = [{'type': 'Replace', 'pattern': {'String': '▁'}, 'content': ' '}, {'type': 'ByteFallback'},
                {'type': 'Fuse'}, {'type': 'Strip', 'content': ' ', 'start': 1, 'stop': 0}]
    return Tokenizer.from_str(json.dumps({
        'version': '1.0', 'truncation': None, 'padding': None, 'added_tokens': added(['<unk>', '<s>', '</s>']),
        'normalizer': {'type': 'Sequence', 'normalizers': space}, 'pre_tokenizer': None, 'post_processor': None,
        'decoder': {'type': 'Sequence', 'decoders': decoders},
        'model': {'type': 'BPE', 'dropout': None, 'unk_token': '<unk>', 'continuing_subword_prefix': None,
                  'end_of_word_suffix': None, 'fuse_unk': True, 'byte_fallback': True, 'ignore_merges': False,
                  'vocab': vocab, 'merges': merges}}))


CHATS = {
    'chatml': "{% for message in messages %}{{'<|start|>' + message['role'] + '\n' + message['content'] + '<|end|>' + "
              "'\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|start|>assistant\n' }}{% endif %}",
    'blocks': "{{ bos_token }}\n{%- for m in messages %}\n    {%- if m.role == 'system' %}\n{{ m.content | trim }}\n"
              "    {%- elif loop.last %}\nlast: {{ m.content | upper }}\n    {%- else %}\n[{{ loop.index0 }}] "
              "{{ m['content'] }}\n    {%- endif %}\n{%- endfor %}\n{% if add_generation_prompt %}\nA:{% endif %}",
    'strict': "{% if messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}{% set system = "
              "messages[0]['content'] %}{% else %}{% set rest = messages %}{% set system = 'none' %}{% endif %}"
              "{% for m in rest %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
              "{{ raise_exception('roles must alternate') }}{% endif %}"
              "{{ '[' ~ system ~ '|' ~ m['role'] ~ '] ' ~ m['content'].strip() ~ eos_token }}{% endfor %}",
}
CONVERSATIONS = [
    [{'role': 'user', 'content': ' Hi \n there '}],
    [{'role': 'system', 'content': ' Be kind. '}, {'role': 'user', 'content': 'Hi'},
     {'role': 'assistant', 'content': 'Hello!\n\nYes?'}, {'role': 'user', 'content': '1 < 2 & "x"'}],
]


def chats(tokenizer: Tokenizer) -> list[dict]:
    out = []
    for name, template in CHATS.items():
        fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token='<|start|>', eos_token='<|end|>')
        for messages in CONVERSATIONS:
            for prompt in [False, True]:
                text = fast.apply_chat_template(messages, chat_template=template, tokenize=False,
                                                add_generation_prompt=prompt)
                out.append({'template': name, 'messages': messages, 'addGenerationPrompt': prompt, 'text': text})
    return out


def pretrained() -> dict | None:
    path, rows = SHARED / 'models/smollm2-135m-instruct/tokenizer.json', SHARED / 'data/hh-helpful'
    if not path.exists():
        return None
    tokenizer = Tokenizer.from_file(str(path))
    texts = EDGE + random_texts(300)
    for line in (rows / 'formal_prob_train.jsonl').read_text().splitlines():
        texts += [value for value in json.loads(line).values() if isinstance(value, str)]
    ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    return {'texts': len(texts), 'tokens': sum(map(len, ids)), 'digest': digest(ids)}


def main() -> None:
    base, texts = byte_level(), EDGE + random_texts(300)
    variants = {}
    for name, settings in VARIANTS.items():
        tokenizer = Tokenizer.from_str(json.dumps(variant(base, settings)))
        ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
        decoded = [tokenizer.decode(row, skip_special_tokens=False) for row in ids]
        variants[name] = {**settings, 'ids': ids[:len(EDGE)], 'digest': digest(ids),
                          'unlike': [t for t, d in zip(texts[:len(EDGE)], decoded) if t != d]}
    pieces = sentence_piece()
    spm = sentence_piece_tokenizer(pieces)
    spm_ids = [spm.encode(text, add_special_tokens=False).ids for text in texts]
    pieces |= {'ids': spm_ids[:len(EDGE)], 'digest': digest(spm_ids),
               'decoded': [spm.decode(row, skip_special_tokens=False) for row in spm_ids[:len(EDGE)]]}
    vocab = sorted(base['model']['vocab'], key=base['model']['vocab'].get)
    parts = {
        'made_by': 'python packages/models/test/make-tokenizer-goldens.py',
        'versions': {'tokenizers': tokenizers.__version__, 'transformers': transformers.__version__},
        'special': SPECIAL, 'vocab': vocab, 'merges': [' '.join(m) for m in base['model']['merges']],
        'edge': EDGE, 'random': texts[len(EDGE):], 'variants': variants, 'sentencepiece': pieces,
        'templates': CHATS,
        'chats': chats(Tokenizer.from_str(json.dumps(variant(base, VARIANTS['gpt-2'])))), 'pretrained': pretrained(),
    }
    lines = [f'{json.dumps(key)}: {json.dumps(value, ensure_ascii=True)}' for key, value in parts.items()]
    (HERE / 'golden/tokenizers.json').write_text('{\n' + ',\n'.join(lines) + '\n}\n')


if __name__ == '__main__':
    main()
