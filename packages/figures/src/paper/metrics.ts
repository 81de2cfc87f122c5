// What the figures of the paper read of a run. Apart from them, so that a page knows it before it fetches them.

/** Metrics that the figures read, as far as a run has them. */
export const PAPER_METRICS: readonly string[] = [
  'logp',
  'argmax_logp',
  'rest_logp',
  'a_norm',
  'p_e',
  'mass_1',
  'mass_2_5',
  'mass_6_20',
  'mass_21_100',
  'mass_rest',
]
