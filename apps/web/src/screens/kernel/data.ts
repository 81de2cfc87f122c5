// Kernels beside a run, read: which were recorded, one of them with its probes, and how all of them drift.
import { stageMarks } from '@ldyn/figures'
import type { RunFiles } from '@ldyn/runs'
import { openMatrices, type Matrices } from '../../data/matrices.ts'
import type { LiveData } from '../../data/live-run.ts'
import { gramFiles, gramProbes, type GramPlace, type GramProbe } from '../../panels/gram/gram.ts'
import { driftBetween, PIECE, topEigenvalues, type DriftPoint } from '../../panels/gram/drift.ts'

const DRIFT = 'kernel/drift.safetensors'

export interface ReadGram {
  readonly place: GramPlace
  readonly n: number
  readonly values: Float32Array
  readonly probes: readonly GramProbe[]
  readonly model: string
  readonly params: string
  /** Parts of the model whose kernels are in the file too. */
  readonly parts: readonly string[]
}

/** What cannot be drawn of a file that was read well. */
class StrangeGram extends Error {
  readonly what: string
  readonly why: string
  readonly fix = 'Make it again with ldyn kernel gram'
  constructor(what: string, why: string) {
    super(what)
    this.what = what
    this.why = why
  }
}

/** Throws FormatError, and StrangeGram for a matrix that does not say what its rows are. */
export const readGram = async (
  matrices: Matrices,
  place: GramPlace,
  part: string | undefined,
): Promise<ReadGram> => {
  const parts = [...matrices.shapes.keys()].flatMap(name => (name.startsWith('part.') ? [name.slice(5)] : []))
  const tensor = part !== undefined && parts.includes(part) ? `part.${part}` : place.tensor
  const shape = matrices.shapes.get(tensor)
  const n = shape?.at(-1) ?? 0
  const probes = gramProbes(matrices.about('probes'), n)
  if (!shape || shape.at(-2) !== n || !probes) {
    throw new StrangeGram(
      `${place.path} does not say what its rows are`,
      'its header names no probes, or another number than the matrix has',
    )
  }
  const { index } = place
  const values = await matrices.read(tensor, index === undefined ? undefined : { from: index * n * n, count: n * n })
  const word = (name: string, otherwise: string): string => {
    const value = matrices.about(name)
    return typeof value === 'string' ? value : otherwise
  }
  return { place, n, values, probes, model: word('model', place.name), params: word('params', 'all'), parts }
}

/** All recorded Grams by step: files of their own, and of the others those that `ldyn kernel drift` left in one. */
export const gramPlaces = async (
  files: RunFiles,
  paths: readonly string[],
): Promise<readonly GramPlace[]> => {
  const own = gramFiles(paths)
  if (!paths.includes(DRIFT)) return own
  const matrices = await openMatrices(files, DRIFT)
  const count = matrices.shapes.get('grams')?.[0] ?? 0
  const [models, steps] = [matrices.about('models'), matrices.about('steps')]
  const others = Array.from({ length: count }, (_, index): GramPlace => {
    const given: unknown = Array.isArray(steps) ? steps[index] : undefined
    // The model that training began with has no checkpoint that could say so.
    const step = typeof given === 'number' ? given : index === 0 ? 0 : undefined
    const model: unknown = Array.isArray(models) ? models[index] : undefined
    const name = step === undefined ? String(model ?? index) : `step ${step}`
    return { path: DRIFT, step, tensor: 'grams', index, name }
  }).filter(({ step }) => step === undefined || !own.some(one => one.step === step))
  return [...own, ...others].sort((a, b) => (a.step ?? Infinity) - (b.step ?? Infinity))
}

/** Lets the page draw and listen. */
const pause = (): Promise<void> => new Promise(resolve => setTimeout(resolve))

const sameProbes = (a: ReadGram, b: ReadGram): boolean =>
  a.n === b.n && a.probes.every(({ row, type }, i) => row === b.probes[i].row && type === b.probes[i].type)

/**
 * How kernels move, one after another: two are held at a time beside the first. Those without a step, or of other
 * probes than the first, are left out.
 */
export async function* driftPoints(
  files: RunFiles,
  places: readonly GramPlace[],
  part: string | undefined,
): AsyncGenerator<DriftPoint> {
  let [first, before]: (ReadGram | undefined)[] = []
  for (const place of places) {
    if (place.step === undefined) continue
    const now = await readGram(await openMatrices(files, place.path), place, part)
    first ??= now
    if (!sameProbes(first, now)) continue
    const whole = await driftBetween(first.values, now.values, now.n, pause)
    yield {
      step: place.step,
      fromFirst: whole.relative,
      fromLast: before && (await relativeTo(before.values, now.values)),
      alignment: whole.alignment,
      stability: whole.stability,
      eigenvalues: await topEigenvalues(now.values, now.n, 10, pause),
    }
    before = now
  }
}

const relativeTo = async (before: Float32Array, after: Float32Array): Promise<number> => {
  let [size, moved] = [0, 0]
  for (let k = 0; k < before.length; k++) {
    if (k % PIECE === PIECE - 1) await pause()
    size += before[k] * before[k]
    moved += (after[k] - before[k]) ** 2
  }
  return Math.sqrt(moved / size)
}

/** The stage that a step belongs to. */
export const stageAt = (run: LiveData, step: number): string =>
  stageMarks([run]).findLast(mark => mark.step < step)?.name ?? run.manifest.stages[0]?.name ?? ''

/** The run's probe that a row of a kernel is of: rows of a file are told by their number there. */
export const probeIndex = (run: LiveData, row: number): number | undefined => {
  const rows = run.probes?.rows ?? []
  const named = rows.findIndex(({ group }) => group === String(row))
  return named >= 0 ? named : row < rows.length ? row : undefined
}
