// What of a run's kernels the screen holds: which there are, the one that is shown and the one compared with, the maps
// made of both, and drift over all. What is no longer shown is let go.
import { useSignal, type Signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { troubleOf, type OpenRun, type Trouble } from '../../data/run-store.ts'
import { runSliced } from '../../data/sliced.ts'
import type { GramPlace } from '../../panels/gram/gram.ts'
import type { DriftPoint } from '../../panels/gram/drift.ts'
import { gramMaps, type GramMaps } from '../../panels/gram/maps.ts'
import type { Norm, Order } from '../../state/address.ts'
import { useAwaited, useBeside, usePaths } from '../beside.ts'
import { driftPoints, gramPlaces, readGram, type ReadGram } from './data.ts'

/** The recorded kernels of a run; undefined until they are known. */
export const usePlaces = (opened: OpenRun, version: number) => {
  const paths = usePaths(opened, version)
  const listed = paths.filter(path => path.startsWith('kernel/')).join('\n')
  const { found, trouble } = useAwaited(() => gramPlaces(opened.files, paths), [opened, listed])
  return { places: found, trouble, paths }
}

const placeKey = ({ path, index }: GramPlace): string => `${path} ${index ?? ''}`

/** Drift over all recorded kernels, point by point as they are read. */
export const useDrift = (opened: OpenRun, places: readonly GramPlace[], part: string | undefined) => {
  const points = useSignal<readonly DriftPoint[]>([])
  const trouble = useSignal<Trouble | undefined>(undefined)
  const done = useSignal(false)
  useEffect(() => {
    let current = true
    points.value = []
    trouble.value = undefined
    done.value = false
    const work = async (): Promise<void> => {
      for await (const point of driftPoints(opened.files, places, part)) {
        if (!current) return
        points.value = [...points.peek(), point]
      }
      if (current) done.value = true
    }
    work().catch((error: unknown) => {
      if (current) trouble.value = troubleOf(error)
    })
    return () => {
      current = false
    }
  }, [opened, `${places.map(placeKey).join('\n')}\n${part ?? ''}`])
  return { points: points.value, trouble: trouble.value, done: done.value }
}

export const useGram = (
  opened: OpenRun,
  place: GramPlace | undefined,
  version: number,
  part: string | undefined,
) =>
  useBeside<ReadGram>(
    opened,
    place?.path,
    version,
    matrices => readGram(matrices, place!, part),
    place && `${placeKey(place)} ${part ?? ''}`,
  )

/** What the maps are asked to be of. */
export interface Asked {
  readonly opened: OpenRun
  readonly gram: ReadGram
  /** The kernel compared with, of the same probes. */
  readonly base: ReadGram | undefined
  readonly norm: Norm
  readonly order: Order
}

export type Shown = Asked & GramMaps

interface Made {
  readonly asked: Asked
  readonly maps: GramMaps
}

const SETTINGS = ['gram', 'base', 'norm', 'order'] as const

/** Has `made` hold the maps that are asked for, when they are. Of those before it sees nothing, and keeps none. */
const useMade = (asked: Asked | undefined, made: Signal<Made | undefined>): void =>
  useEffect(
    () => {
      if (!asked) return
      const { gram, base, norm, order } = asked
      const work = runSliced(gramMaps(gram.probes, gram.values, base?.values, norm, order), maps => {
        made.value = { asked, maps }
      })
      return () => work.stop()
    },
    SETTINGS.map(name => asked?.[name]),
  )

/** The maps asked for last that are ready: those before stay until the next are, and while none are asked for. */
export const useMaps = (
  asked: Asked | undefined,
): { readonly shown: Shown | undefined; readonly busy: boolean } => {
  const made = useSignal<Made | undefined>(undefined)
  useMade(asked, made)
  const last = made.value
  return {
    shown: last && { ...last.asked, ...last.maps },
    busy: SETTINGS.some(name => last?.asked[name] !== asked?.[name]),
  }
}
