// The toy's figures as panels, each with its table and its files like any panel of a run.
import { argmaxOf, massByRank, RANK_BANDS } from '@ldyn/core'
import { looks, runDash, show, spareLook, type Line } from '@ldyn/figures'
import type { PanelModel } from '../panels/panel.ts'
import type { App } from '../shell/context.ts'
// The file's text, not its module.
// eslint-disable-next-line no-restricted-imports
import lemma from '../../../../packages/core/src/squeeze/lemma.ts?raw'
import { Bars } from './bars.tsx'
import { bandsDrawing } from '../drawing/bands.ts'
import { ranksDrawing, type Ranked } from '../drawing/ranks.ts'
import { drawBars, drawForces, type Marked } from './draw.ts'
import { asFile, pictured } from '../shell/panel/drawn.tsx'
import type { LabSettings, ToySettings } from './settings.ts'
import { forcesSay } from './story.ts'
import { followed, lastUpdate, runToy, type Toy } from './toy.ts'

const BAND_NAMES: Readonly<Record<string, string>> = {
  1: 'likeliest',
  '2-5': 'ranks 2–5',
  '6-20': 'ranks 6–20',
  '21-100': 'ranks 21–100',
  rest: 'all others',
}

/** The classes with names: y⁺, y⁻, and the likeliest when the pushing began, where it is neither. */
export const marksOf = (toy: Toy, s: ToySettings): readonly Marked[] => {
  const top = argmaxOf(toy.path[toy.sft])
  return [
    ...(top === s.pos || top === s.neg ? [] : [{ y: top, name: 'likeliest', look: 'argmax' } as const]),
    ...(s.pos === s.neg ? [] : [{ y: s.pos, name: 'y⁺', look: 'chosen' } as const]),
    { y: s.neg, name: 'y⁻', look: 'rejected' },
  ]
}

const bars = (toy: Toy, s: ToySettings, change: (patch: Partial<ToySettings>) => void): PanelModel => {
  const input = { before: toy.path[toy.sft], after: toy.path.at(-1)!, marked: marksOf(toy, s) }
  const from = toy.sft > 0 ? 'after SFT on y⁻' : 'at the start'
  const [id, title] = ['bars', 'The distribution, before and after']
  return {
    id,
    kind: 'drawn',
    title,
    says: `π of each of ${s.V} classes in one context, ordered by rank at the start: dash ${from}, filled now.`,
    draw: () => <Bars id={id} height={300} {...input} pick={(y, side) => change({ [side]: y })} />,
    table: () => ({
      head: ['class', 'role', 'p before', 'p now', 'log p before', 'log p now'],
      rows: Array.from(input.before, (b, y) => [
        y,
        input.marked.filter(m => m.y === y).map(m => m.name).join(' ') || undefined,
        Math.exp(b),
        Math.exp(input.after[y]),
        b,
        input.after[y],
      ]),
    }),
    svg: () => asFile(title, { height: 360, draw: (size, ink) => drawBars(input, size, ink) }),
  }
}

const stagesOf = ({ sft }: Toy): readonly { readonly step: number; readonly name: string }[] =>
  sft > 0 ? [{ step: 0, name: 'SFT on y⁻' }, { step: sft, name: 'push' }] : []

const bands = (toy: Toy, s: ToySettings): PanelModel => {
  const mass = toy.path.map(massByRank)
  const steps = toy.path.map((_, i) => i)
  const names = RANK_BANDS.filter(({ from }) => from <= s.V).map(({ name }) => name)
  const about = s.push === 'pos' ? s.pos : s.neg
  const input = {
    steps,
    bands: names.map(name => ({ name: BAND_NAMES[name], mass: mass.map(m => m[name]) })),
    own: {
      name: s.push === 'pos' ? 'y⁺' : 'y⁻',
      p: toy.path.map(logp => Math.exp(logp[about])),
      look: s.push === 'pos' ? looks.chosen : looks.rejected,
    },
    stages: stagesOf(toy),
  }
  const [first, last] = [mass[toy.sft]['1'], mass.at(-1)!['1']]
  return {
    ...pictured('bands', 'Where the probability is, by rank', bandsDrawing(input, 250)),
    says: `Ranked anew after every update; the bands add up to 1. The likeliest class, whichever it is: ${show(first)} to ${show(last)}. Dashed: ${input.own.name}.`,
    table: () => ({
      head: ['update', ...input.bands.map(({ name }) => name), input.own.name],
      rows: steps.map(i => [i, ...input.bands.map(band => band.mass[i]), input.own.p[i]]),
    }),
  }
}

const ranks = (toy: Toy, s: ToySettings): PanelModel => {
  const [before, after] = [toy.path[toy.sft], toy.path.at(-1)!]
  const order = (logp: Float64Array): number[] => [...logp.keys()].sort((a, b) => logp[b] - logp[a])
  const [b, a] = [order(before), order(after)]
  const place = (classes: readonly number[], logp: Float64Array, y: number): Ranked => [classes.indexOf(y) + 1, logp[y]]
  const input = {
    before: b.map((y, i): Ranked => [i + 1, before[y]]),
    after: a.map((y, i): Ranked => [i + 1, after[y]]),
    marks: marksOf(toy, s).map(({ y, name, look }) => ({
      name,
      look: looks[look],
      before: place(b, before, y),
      after: place(a, after, y),
    })),
  }
  return {
    ...pictured('ranks', 'Probability by rank', ranksDrawing(input, 250)),
    says: 'Dashed before, solid now, each by its own order. A squeeze lifts the head and drops the tail.',
    table: () => ({
      head: ['rank', 'class before', 'log p before', 'class now', 'log p now'],
      rows: b.map((y, r) => [r + 1, y, before[y], a[r], after[a[r]]]),
    }),
  }
}

const forces = (toy: Toy, s: ToySettings): PanelModel => {
  const title = 'The last update: −η·A·K·G and what happened'
  const id = 'forces'
  const last = lastUpdate(toy, s.lr)
  const says = forcesSay(toy, s)
  if (!last) return { id, kind: 'missing', title, says, missing: { what: 'No update has been taken yet: step or play.' } }
  const { before, predicted, actual, threshold, G } = last
  const marked = marksOf(toy, s)
  const on = last.update.steps.map(({ y }) => y)
  return {
    ...pictured(id, title, {
      height: 270,
      draw: (size, ink) => drawForces({ before, predicted, actual, threshold, marked, on }, size, ink),
    }),
    says: `Δ log π of every class against what it held: first-order prediction (line) and actual (dots). ${says}`,
    table: () => ({
      head: ['class', 'p before', 'G (above 0: pushed down)', 'Δ log p predicted', 'Δ log p actual'],
      rows: Array.from(before, (b, y) => [y, Math.exp(b), G[y], predicted[y], actual[y]]),
    }),
  }
}

/** The same pushes without learning y⁻ first, from where they begin: the likeliest class and y⁺, dashed. */
const withoutExtend = (toy: Toy, s: ToySettings): readonly Line[] => {
  if (s.ext === 0) return []
  const bare = runToy({ ...s, ext: 0 })
  const steps = bare.path.map((_, i) => i + toy.sft)
  return followed(bare, s)
    .filter(({ key }) => key === 'argmax' || key === 'chosen')
    .map(({ key, label, y }): Line => ({
      key: `${label} without extend`,
      label: `${label}, without`,
      look: { ...looks[key as 'argmax' | 'chosen'], dash: runDash(1) },
      steps,
      stages: steps.map(() => 'push'),
      mean: bare.path.map(logp => logp[y]),
    }))
}

const race = (toy: Toy, s: ToySettings): PanelModel => {
  const steps = toy.path.map((_, i) => i)
  const stages = steps.map(i => (i <= toy.sft && toy.sft > 0 ? 'sft' : 'push'))
  const look = (key: string, nth: number): Line['look'] =>
    key === 'argmax' || key === 'chosen' || key === 'rejected' ? looks[key] : spareLook([2, 3, 5][nth % 3])
  const own = followed(toy, s).map(({ key, label, y }, nth): Line => ({
    key: `${label}${key.startsWith('class') ? '' : ` (class ${y})`}`,
    label,
    look: look(key, nth),
    steps,
    stages,
    mean: toy.path.map(logp => logp[y]),
  }))
  const lines = [...own, ...withoutExtend(toy, s)]
  const title = 'The race: log π of single classes'
  const says = `Natural logarithm; a line that rises by 0.69 has doubled its probability. Only pushes and pulls move them.${s.ext > 0 ? ' Dashed: the same pushes without learning y⁻ first.' : ''}`
  return {
    id: 'race',
    kind: 'curves',
    title,
    says,
    panel: {
      id: 'race',
      section: 'overview',
      title,
      says,
      unit: 'log π (nats)',
      lines,
      stages: stagesOf(toy),
    },
  }
}

export interface ToyPanels {
  readonly first: readonly PanelModel[]
  readonly rest: readonly PanelModel[]
}

/** The figures of a simulation: the one that it is about first. */
export const toyPanels = (
  _app: App,
  toy: Toy,
  { sim, toy: s }: LabSettings,
  change: (patch: Partial<ToySettings>) => void,
): ToyPanels =>
  sim === 'race'
    ? { first: [race(toy, s)], rest: [bars(toy, s, change), bands(toy, s), ranks(toy, s), forces(toy, s)] }
    : { first: [bars(toy, s, change)], rest: [bands(toy, s), ranks(toy, s), forces(toy, s), race(toy, s)] }

/** Lemma 1 as @ldyn/core has it: the very lines that computed this page. */
const CODE = /\/\*\* ln Σ p e\^tilt[\s\S]*?\n}\n[\s\S]*?export function step[\s\S]*?\n}\n/.exec(lemma)?.[0] ?? lemma

export const codePanel = () => (
  <details class="panel lab-code">
    <summary>
      <h2>The mathematics, and the code that runs here</h2>
    </summary>
    <p>
      Logits move by −η′(π − e<sub>y</sub>), with η′ = η‖x‖² (above 0 pulls y up, below 0 pushes it down). Lemma 1: for
      every class ln α<sub>i</sub> = ln(p′<sub>i</sub>/p<sub>i</sub>) = −η′(p<sub>i</sub> − δ<sub>iy</sub>) − ln Z with
      Z = Σ p<sub>j</sub> exp(−η′(p<sub>j</sub> − δ<sub>jy</sub>)). Under a push ln α<sub>i</sub> rises with
      p<sub>i</sub>: the rich get richer, and a class rises exactly if p<sub>i</sub> &gt; p<sub>thr</sub> = ln Z/|η′|.
    </p>
    <pre tabIndex={0} aria-label="Lemma 1 in TypeScript">
      <code>{CODE}</code>
    </pre>
  </details>
)
