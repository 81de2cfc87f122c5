// Figures: those of the paper, of the runs at hand, for print. Nobody needs them at once: the screen is fetched.
import { PAPER_METRICS } from '@ldyn/figures'
import type { Screen } from '../screen.ts'

export const figures: Screen = {
  page: 'figures',
  title: 'Figures',
  key: 'f',
  metrics: () => PAPER_METRICS,
  load: () => import('./figures-gallery.tsx').then(({ FiguresGallery }) => FiguresGallery),
}
