// The files of a run directory (ux.md §2.4) and what a probe row holds.
//
//   run.json           the manifest, replaced in one step
//   run.lock           who writes: {pid, host, start, nonce}
//   events.jsonl       appended: what happened
//   scalars.jsonl      appended: {"s":120,"t":1732…,"stage":"dpo","loss":…,"grad_norm":…}
//   decompose.jsonl    appended, optional: what single updates did, predicted and by direction (decomposition.ts)
//   watched.jsonl      appended, optional: the likeliest tokens at watched positions of every evaluation (watched.ts)
//   kernel/*.safetensors  optional, written beside the run by `ldyn kernel … --out`: gram-<step>, drift, norm-<step>,
//                      tokens-<step>-u<row>-o<row>-<type>, block-<step>; the header says what rows and columns are
//   probes.json        static: prompts, responses, columns
//   probe/index.jsonl  appended AFTER the data rows: {"s":120,"row":17,"stage":"dpo"}; this line is the commit
//   probe/<metric>.f32 rows of P little-endian float32, one per (probe row, response type)
//   probe/tokens_<metric>.f32  rows of T float32, one per response token; optional

export const SCHEMA = 'ldyn.run/1'
export const PROBES_SCHEMA = 'ldyn.probes/1'

export const paths = {
  manifest: 'run.json',
  lock: 'run.lock',
  events: 'events.jsonl',
  scalars: 'scalars.jsonl',
  decompositions: 'decompose.jsonl',
  watched: 'watched.jsonl',
  probes: 'probes.json',
  index: 'probe/index.jsonl',
  metric: (name: string): string => `probe/${name}.f32`,
  tokens: (name: string): string => `probe/tokens_${name}.f32`,
} as const

/**
 * paper.md §5. The first three are sums over response tokens in nats, the others means over response tokens.
 */
export const metrics = ['logp', 'argmax_logp', 'rest_logp', 'energy', 'p_e', 'a_norm', 'entropy'] as const
export type Metric = typeof metrics[number]

/** Metrics that are sums over response tokens, and so may be divided by their number. */
export const isSum = (metric: string): boolean => metric.endsWith('logp')

export const FLOAT_BYTES = 4
