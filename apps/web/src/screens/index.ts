// All screens of runs, in the order of the navigation.
import { compare } from './compare.tsx'
import { dynamics } from './dynamics.tsx'
import { kernel } from './kernel.tsx'
import { overview } from './overview.tsx'
import { probes } from './probes.tsx'
import { squeeze } from './squeeze.tsx'
import { update } from './update.tsx'
import type { Screen } from './screen.ts'

export const screens: readonly Screen[] = [overview, dynamics, update, squeeze, kernel, probes, compare]
