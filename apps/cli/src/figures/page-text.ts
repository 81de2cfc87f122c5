/** What the exported page says whatever the run: its sections, signs and definitions (paper.md §5, contracts.md §4). */
import type { Section } from '@ldyn/figures'

export const NOTES: readonly string[] = [
  'log is the natural logarithm, so log-probabilities are in nats and never above 0; a response that is less negative is more probable. ' +
    'Every token is scored given the prompt and the response’s own tokens before it (teacher forcing), the end-of-sequence token included.',
  'A change is after minus before: positive means that it rose. The margin is chosen minus rejected.',
  'Sums over a response’s tokens and values per token are different figures and never share an axis. Types differ in length, so compare their ' +
    'levels per token, and their changes with that in mind.',
  'argmax is the sum over positions of log max π along the chosen response: the likeliest token at each position, whatever it is. It is not ' +
    'the log-probability of a generated greedy answer.',
  'A band is ± one standard error of the mean over probes. Probes differ much more from each other than training moves them: whether a change is ' +
    'real is told by the paired error in the text, not by whether bands overlap.',
  'Rewards are β(log π − log π_ref) summed over tokens. Losses and gradient norms are of the update’s own batch, before the update, and the gradient ' +
    'norm is before clipping.',
]

export interface SectionInfo {
  readonly title: string
  readonly intro: string
  readonly fold?: boolean
}

export const sections: Readonly<Record<Exclude<Section, 'overview'>, SectionInfo>> = {
  logp: {
    title: 'Log-probability by kind of response',
    intro: 'The panels of the paper’s Figures 3 and 4. Point at a step for its numbers.',
  },
  others: { title: 'Every other type', intro: 'The types behind “Other responses”, one by one.' },
  confidence: { title: 'How sure the model is', intro: 'Means over tokens, along responses of each kind.' },
  training: {
    title: 'Training log',
    intro: 'What the trainer saw at each update, on that update’s own batch.',
  },
  token: {
    title: 'Per token',
    intro: 'The same log-probabilities divided by the response’s number of tokens.',
    fold: true,
  },
}
