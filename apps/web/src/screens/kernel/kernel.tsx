// Kernel: who moves whom. Fetched when it is opened (kernel-view.tsx).
import type { Screen } from '../screen.ts'

export const kernel: Screen = {
  page: 'kernel',
  title: 'Kernel',
  key: 'k',
  // Drawn from its own files alone.
  metrics: () => [],
  load: () => import('./kernel-view.tsx').then(({ KernelView }) => KernelView),
}
