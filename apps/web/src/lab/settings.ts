// What the Lab is set to: all of it stands in the address, so that a link is the experiment (ux.md §5.9). One codec a
// knob, its default left out; what is not understood is named and the default stands.

export const SIMS = ['squeeze', 'race', 'gpt'] as const
export type Sim = (typeof SIMS)[number]

/** Which gradient an update has: SFT's pull on y⁺, the push on y⁻ alone, or both in the same context. */
const PUSHES = ['neg', 'pos', 'both'] as const
export type Push = (typeof PUSHES)[number]

/** Where the distribution comes from: drawn, or one of the released notebook's (paper.md §6.1). */
const STARTS = ['drawn', 'A', 'B', 'D', 'E'] as const
export type Start = (typeof STARTS)[number]

/** Engines of the tiny model; `auto` takes the best that there is. */
export const ENGINES = ['auto', 'webgpu', 'cpu', 'replay'] as const
export type EngineChoice = (typeof ENGINES)[number]

export interface ToySettings {
  readonly start: Start
  /** Classes. */
  readonly V: number
  /** Exponent of the drawn distribution, p ∝ rank^−peak: 0 is uniform, 2 has six tenths on one class. */
  readonly peak: number
  readonly seed: number
  readonly lr: number
  /** DPO's β, which then weighs every update by β(1 − a); 0: every update has weight 1. */
  readonly beta: number
  readonly push: Push
  /** y⁺ and y⁻, as ranks in the distribution at the start: 0 is the likeliest class. */
  readonly pos: number
  readonly neg: number
  /** SFT updates on y⁻ before the others: the paper's extend, as it acts in y⁻'s context. */
  readonly ext: number
  /** Updates done, those of SFT not counted. */
  readonly n: number
}

export interface GptSettings {
  readonly seed: number
  readonly engine: EngineChoice
  readonly layers: number
  readonly width: number
  /** Updates of each stage; learning rates. */
  readonly base: number
  readonly sftUpdates: number
  readonly dpoUpdates: number
  readonly lr: number
  readonly dpoLr: number
  readonly beta: number
  /** The base model has read answers in the manner of y⁻ too: then y⁻ is no longer off-policy. */
  readonly known: boolean
  /** SFT learns y⁻ as well: the paper's extend. */
  readonly ext: boolean
  /** Extend and the baseline are trained in turn, to be set side by side. */
  readonly beside: boolean
}

export interface LabSettings {
  readonly sim: Sim
  readonly toy: ToySettings
  readonly gpt: GptSettings
}

interface Codec<T> {
  readonly write: (value: T) => string
  readonly read: (text: string) => T | undefined
}
const within = (low: number, high: number, integer: boolean): Codec<number> => ({
  write: String,
  read: text => {
    const value = /^-?(\d+\.?\d*|\.\d+)(e-?\d+)?$/.test(text) ? Number(text) : NaN
    return value >= low && value <= high && (!integer || Number.isInteger(value)) ? value : undefined
  },
})
const whole = (low: number, high: number): Codec<number> => within(low, high, true)
const real = (low: number, high: number): Codec<number> => within(low, high, false)
const oneOf = <T extends string>(values: readonly T[]): Codec<T> => ({
  write: value => value,
  read: text => values.find(value => value === text),
})
const flag: Codec<boolean> = {
  write: value => (value ? '1' : '0'),
  read: text => (text === '1' ? true : text === '0' ? false : undefined),
}

type Codecs<T> = { readonly [K in keyof T]: Codec<T[K]> }

/** A knob's range, which its slider has too. */
export const RANGES = {
  V: [5, 1000],
  peak: [0, 5],
  seed: [0, 4294967295],
  lr: [0.01, 5],
  beta: [0, 5],
  ext: [0, 60],
  n: [0, 200],
} as const

const toyCodecs: Codecs<ToySettings> = {
  start: oneOf(STARTS),
  V: whole(...RANGES.V),
  peak: real(...RANGES.peak),
  seed: whole(...RANGES.seed),
  lr: real(...RANGES.lr),
  beta: real(...RANGES.beta),
  push: oneOf(PUSHES),
  pos: whole(0, RANGES.V[1] - 1),
  neg: whole(0, RANGES.V[1] - 1),
  ext: whole(...RANGES.ext),
  n: whole(...RANGES.n),
}

const gptCodecs: Codecs<GptSettings> = {
  seed: whole(...RANGES.seed),
  engine: oneOf(ENGINES),
  layers: whole(1, 4),
  width: whole(16, 128),
  base: whole(0, 400),
  sftUpdates: whole(0, 400),
  dpoUpdates: whole(0, 400),
  lr: real(1e-6, 10),
  dpoLr: real(1e-6, 1000),
  beta: real(0.001, 5),
  known: flag,
  ext: flag,
  beside: flag,
}

/** The first frame: a push in the valley, far enough that the squeeze is plain to see (R15). */
const squeezeDefaults: ToySettings = {
  start: 'drawn',
  V: 50,
  peak: 1.4,
  seed: 7,
  lr: 0.5,
  beta: 0,
  push: 'neg',
  pos: 21,
  neg: 42,
  ext: 0,
  n: 10,
}
/** The race shows what DPO's own weight does about it. */
const raceDefaults: ToySettings = { ...squeezeDefaults, beta: 1, lr: 1, n: 60 }

export const toyDefaults = (sim: Sim): ToySettings => (sim === 'race' ? raceDefaults : squeezeDefaults)

export const gptDefaults: GptSettings = {
  seed: 7,
  engine: 'auto',
  layers: 2,
  width: 64,
  base: 60,
  sftUpdates: 15,
  dpoUpdates: 60,
  lr: 0.003,
  dpoLr: 0.2,
  beta: 0.1,
  known: false,
  ext: false,
  beside: false,
}

const readAll = <T extends object>(
  given: Readonly<Record<string, string>>,
  codecs: Codecs<T>,
  defaults: T,
  unknown: string[],
): T => {
  const found = { ...defaults }
  for (const [name, text] of Object.entries(given)) {
    if (name === 'sim') continue
    const codec = Object.hasOwn(codecs, name) ? codecs[name as keyof T] : undefined
    const value = codec?.read(text)
    if (value === undefined) unknown.push(`${name}=${text}`)
    else found[name as keyof T] = value
  }
  return found
}

/** Settings of an address. Never throws; classes that are not there become the last one. */
export const readSettings = (
  given: Readonly<Record<string, string>>,
): { readonly settings: LabSettings; readonly unknown: readonly string[] } => {
  const unknown: string[] = []
  const sim = given.sim === undefined ? 'squeeze' : SIMS.find(name => name === given.sim)
  if (sim === undefined) unknown.push(`sim=${given.sim}`)
  const toy = sim === 'gpt' ? squeezeDefaults : readAll(given, toyCodecs, toyDefaults(sim ?? 'squeeze'), unknown)
  const gpt = sim === 'gpt' ? readAll(given, gptCodecs, gptDefaults, unknown) : gptDefaults
  const V = toy.start === 'drawn' ? toy.V : toy.start === 'E' ? 1000 : 50
  const at = (rank: number): number => Math.min(rank, V - 1)
  return { settings: { sim: sim ?? 'squeeze', toy: { ...toy, V, pos: at(toy.pos), neg: at(toy.neg) }, gpt }, unknown }
}

const writeAll = <T extends object>(value: T, codecs: Codecs<T>, defaults: T): Record<string, string> =>
  Object.fromEntries(
    (Object.keys(codecs) as (keyof T & string)[]).flatMap(name =>
      value[name] === defaults[name] ? [] : [[name, codecs[name].write(value[name])]],
    ),
  )

/** The address of settings: only what differs from the simulation's defaults. */
export const writeSettings = ({ sim, toy, gpt }: LabSettings): Readonly<Record<string, string>> => ({
  ...(sim === 'squeeze' ? {} : { sim }),
  ...(sim === 'gpt' ? writeAll(gpt, gptCodecs, gptDefaults) : writeAll(toy, toyCodecs, toyDefaults(sim))),
})
