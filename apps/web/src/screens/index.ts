// All screens, in the order of the navigation.
import { compare } from './compare.tsx'
import { dynamics } from './dynamics.tsx'
import { figures } from './figures.tsx'
import { kernel } from './kernel.tsx'
import { lab } from './lab.tsx'
import { overview } from './overview.tsx'
import { probes } from './probes.tsx'
import { share } from './share.tsx'
import { squeeze } from './squeeze.tsx'
import { update } from './update.tsx'
import type { PlaceScreen, Screen, Tool } from './screen.ts'

/** Screens of runs. */
export const screens: readonly Screen[] = [overview, dynamics, update, squeeze, kernel, probes, compare, figures]

/** Pages that need no run. */
export const places: readonly PlaceScreen[] = [lab]

/** Dialogs of the header. */
export const tools: readonly Tool[] = [share]
