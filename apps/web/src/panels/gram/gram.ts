// Gram matrices over probe responses, K_ij = ⟨∇log π(y_i), ∇log π(y_j)⟩: where they lie beside a run, what their rows
// are, and what they are divided by.
import type { Norm } from '../../state/address.ts'

export interface GramProbe {
  readonly row: number
  readonly type: string
  readonly tokens: number
}

/** Where one recorded Gram is: a file of its own, or one of those that `ldyn kernel drift` left in one file. */
export interface GramPlace {
  readonly path: string
  /** Undefined where neither the file's name nor its header says one. */
  readonly step: number | undefined
  readonly tensor: string
  /** Its place in a tensor [n, N, N]; undefined for a matrix. */
  readonly index?: number
  readonly name: string
}

/** Grams of their own among the files of a run, by step; those without a step last. */
export const gramFiles = (paths: readonly string[]): readonly GramPlace[] =>
  paths
    .flatMap((path): GramPlace[] => {
      const found = /^kernel\/gram(?:-(\d+))?\.safetensors$/.exec(path)
      if (!found) return []
      const step = found[1] === undefined ? undefined : Number(found[1])
      return [{ path, step, tensor: 'gram', name: step === undefined ? 'no step' : `step ${step}` }]
    })
    .sort((a, b) => (a.step ?? Infinity) - (b.step ?? Infinity))

/**
 * The kernel of a step: the last one recorded at or before it, the first where all are later, the last of all for no
 * step. One that names no step could be of any: it stands for the run only where none of them does.
 */
export const gramAt = <T extends { readonly step: number | undefined }>(
  places: readonly T[],
  step: number | undefined,
): T | undefined => {
  const placed = places.filter(one => one.step !== undefined)
  if (placed.length === 0 || step === undefined) return placed.at(-1) ?? places.at(-1)
  return placed.findLast(one => one.step! <= step) ?? placed[0]
}

/** Probes of a Gram matrix from its header; undefined where it names none, or another number than the matrix has. */
export const gramProbes = (about: unknown, n: number): readonly GramProbe[] | undefined => {
  const sound =
    Array.isArray(about) &&
    about.length === n &&
    about.every(
      (probe: Partial<GramProbe> | null) =>
        Number.isSafeInteger(probe?.row) && typeof probe?.type === 'string',
    )
  return sound ? (about as readonly GramProbe[]) : undefined
}

export const NORM_TEXT: Readonly<
  Record<Norm, { readonly name: string; readonly unit: string; readonly says: string }>
> = {
  cosine: {
    name: 'cosine',
    unit: '',
    says: 'divided by both lengths, so that long responses do not hide short ones',
  },
  raw: { name: 'raw', unit: 'nats²', says: 'as it is: long responses have long gradients' },
  trace: {
    name: 'trace',
    unit: '',
    says: 'divided by the mean of the diagonal: sizes within one step, whatever its scale',
  },
}
