// Squeeze: where the probability goes. Fetched when it is opened (squeeze-view.tsx).
import type { Screen } from './screen.ts'
import { BANDS } from './squeeze-data.ts'

export const squeeze: Screen = {
  page: 'squeeze',
  title: 'Squeeze',
  key: 's',
  metrics: () => ['logp', 'argmax_logp', 'energy', 'entropy', 'a_norm', ...BANDS.map(({ metric }) => metric)],
  load: () => import('./squeeze-view.tsx').then(({ SqueezeView }) => SqueezeView),
}
