// Squeeze: where the probability goes. Fetched when it is opened (squeeze-view.tsx).
import type { Screen } from '../screen.ts'

export const squeeze: Screen = {
  page: 'squeeze',
  title: 'Squeeze',
  key: 's',
  // Ten metrics are drawn, and all of them as curves: no rows are read where the viewer computes those.
  metrics: () => [],
  load: () => import('./squeeze-view.tsx').then(({ SqueezeView }) => SqueezeView),
}
