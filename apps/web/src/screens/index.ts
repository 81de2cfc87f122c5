// All screens, in the order of the navigation.
import { dynamics } from './dynamics/dynamics.tsx'
import { figures } from './figures/figures.tsx'
import { kernel } from './kernel/kernel.tsx'
import { lab } from './lab/lab.tsx'
import { overview } from './overview/overview.tsx'
import { share } from './share/share.tsx'
import { squeeze } from './squeeze/squeeze.tsx'
import { update } from './update/update.tsx'
import type { ComponentType } from 'preact'
import type { ScreenProps } from '../shell/context.ts'
import type { PlaceScreen, Screen, Tool } from './screen.ts'

/** The view of a screen that was fetched whole. */
const viewOf = (screen: Screen): ComponentType<ScreenProps> | Promise<ComponentType<ScreenProps>> =>
  'View' in screen ? screen.View : screen.load()

// Fetched when they are opened: whoever looks at one run's curves needs neither.
const probes: Screen = {
  page: 'probes',
  title: 'Probes',
  key: 'p',
  metrics: ({ metric }) => ['logp', metric],
  load: () => import('./probes/probes.tsx').then(screen => viewOf(screen.probes)),
}
const compare: Screen = {
  page: 'compare',
  title: 'Compare',
  key: 'c',
  metrics: ({ metric }) => ['logp', metric, 'argmax_logp'],
  load: () => import('./compare/compare.tsx').then(screen => viewOf(screen.compare)),
}

/** Screens of runs. */
export const screens: readonly Screen[] = [overview, dynamics, update, squeeze, kernel, probes, compare, figures]

/** Pages that need no run. */
export const places: readonly PlaceScreen[] = [lab]

/** Dialogs of the header. */
export const tools: readonly Tool[] = [share]
