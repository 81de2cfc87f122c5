// Figures: those of the paper, of the runs at hand, for print. Nobody needs them at once: the screen is fetched.
import type { Screen } from './screen.ts'

export const figures: Screen = {
  page: 'figures',
  title: 'Figures',
  key: 'f',
  // As PAPER_METRICS of @ldyn/figures/paper, which comes with the screen.
  metrics: () => [
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
  ],
  load: () => import('./figures-gallery.tsx').then(({ FiguresGallery }) => FiguresGallery),
}
