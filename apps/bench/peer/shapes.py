"""The three shapes that are compared, the token ids both sides use, and the FLOPs of the work.

Token ids come from a formula, so that the other side needs no file: `token(s, i, V)` is token i of sequence s. Prompt p
is sequence p, response r sequence 100 + r. A probe's prompt is 0, its responses 0..11; pair p has prompt p, response
2p as the chosen one and 2p + 1 as the rejected.
"""
from transformers import GPTNeoXConfig, LlamaConfig

PROMPT, RESPONSE = 96, 64
PROBE_RESPONSES, PAIRS = 12, 4


def pythia(hidden, heads):
    return GPTNeoXConfig(
        vocab_size=50304, hidden_size=hidden, intermediate_size=4 * hidden, num_hidden_layers=6,
        num_attention_heads=heads, max_position_embeddings=2048, hidden_act='gelu', use_parallel_residual=True,
        tie_word_embeddings=False, bos_token_id=0, eos_token_id=0,
        rope_parameters={'rope_type': 'default', 'rope_theta': 10000.0, 'partial_rotary_factor': 0.25})


SHAPES = {
    'pythia-14m': pythia(128, 4),
    'pythia-70m': pythia(512, 8),
    'smollm2-135m': LlamaConfig(
        vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
        num_key_value_heads=3, max_position_embeddings=8192, rms_norm_eps=1e-5, tie_word_embeddings=True,
        bos_token_id=1, eos_token_id=2, rope_parameters={'rope_type': 'default', 'rope_theta': 100000.0}),
}


def token(sequence: int, i: int, vocab: int) -> int:
    """In JavaScript: ((Math.imul(i, 2654435761) + Math.imul(sequence, 2246822519) + 374761393) >>> 8) % vocab."""
    return ((i * 2654435761 + sequence * 2246822519 + 374761393) % 2**32 >> 8) % vocab


def prompt(p: int, vocab: int) -> list[int]:
    return [token(p, i, vocab) for i in range(PROMPT)]


def response(r: int, vocab: int) -> list[int]:
    return [token(100 + r, i, vocab) for i in range(RESPONSE)]


def layer_weights(config) -> int:
    """Weights of one block that multiply every token."""
    d, ff, h = config.hidden_size, config.intermediate_size, config.num_attention_heads
    if config.model_type == 'gpt_neox':
        return 4 * d * d + 2 * d * ff
    kv = config.num_key_value_heads
    return 2 * d * d + 2 * d * d * kv // h + 3 * d * ff


def forward_flops(config, tokens: int, attended: int, head_tokens: int) -> int:
    """tokens that pass the blocks, pairs (query, key) that attend, tokens that pass the head; a multiply-add is 2."""
    blocks = config.num_hidden_layers * (2 * layer_weights(config) * tokens + 4 * config.hidden_size * attended)
    return blocks + 2 * config.hidden_size * config.vocab_size * head_tokens


def causal(n: int) -> int:
    return n * (n + 1) // 2


def flops(config, prompts: int, responses: int) -> dict:
    """`done`: every sequence whole, head on every token. `necessary`: each prompt once, head on response tokens only.
    `responses` counts all of them; a response's last token is never an input. Attention is counted causally in both.
    The other side counts its own (`src/flops.ts`) and refuses to go on if the two disagree."""
    n, inputs = PROMPT + RESPONSE, RESPONSE - 1
    each = inputs * PROMPT + causal(inputs)
    return {
        'done': forward_flops(config, responses * n, responses * causal(n), responses * n),
        'necessary': forward_flops(config, prompts * PROMPT + responses * inputs,
                                   prompts * causal(PROMPT) + responses * each, responses * RESPONSE),
    }
