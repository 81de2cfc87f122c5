// Update: one step of the training taken apart. Fetched when it is opened (update-view.tsx).
import type { Screen } from '../screen.ts'

export const update: Screen = {
  page: 'update',
  title: 'Update',
  key: 'u',
  // Drawn from its own files alone.
  metrics: () => [],
  load: () => import('./update-view.tsx').then(({ UpdateView }) => UpdateView),
}
