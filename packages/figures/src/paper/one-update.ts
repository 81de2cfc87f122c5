/**
 * Figure 1: how large the residual is that an update pushes with, what one update does to what was learned, to what is
 * like it and to what is not, what that adds up to, and how outputs end up confused with each other. The paper has
 * MNIST: of a run of `ldyn sim digits` the figure is that; of any other run the same four questions are asked of its
 * response types.
 */
import { stepName } from '../imported.ts'
import { plural, show, signed } from '../numbers.ts'
import { responseType, spareLook, type Look } from '../response-types.ts'
import { changes, estimate } from '../series.ts'
import {
  bandsText,
  cautions,
  dataDiffers,
  isDigits,
  isSqueeze,
  meansOnly,
  modelOf,
  probesText,
  stepsOf,
  typesOf,
} from './about.ts'
import { stagesIn, typeCurves, typeEntries, typesNamed } from './curves.ts'
import { curvesPanel } from './learning.ts'
import {
  notDrawn,
  type Bar,
  type Curve,
  type HeatPanel,
  type PaperFigure,
  type PaperPanel,
  type PaperRun,
} from './model.ts'
import { logpLabel, perText, valuesOf } from './per-token.ts'
import { plain, signOf } from './signs.ts'
import { panelTag } from './table.ts'

const base = (run: PaperRun) =>
  ({
    id: 'fig1',
    name: 'Figure 1',
    file: 'fig1',
    runs: [run.id],
    title: 'What one update does, and what updates add up to',
  }) as const

/** Mean π of answering `answer` for images that show `shown`, at an evaluation; the run's rows are its test images. */
const confusions = (
  run: PaperRun,
):
  | { readonly classes: number; readonly at: (e: number, shown: number, answer: number) => number }
  | undefined => {
  const rows = run.rows.get('logp')
  const { probes } = run
  if (!rows || !probes) return undefined
  const own = probes.columns.flatMap((column, i) => {
    const shown = /^drawn (\d+) /.exec(probes.rows[column.row].prompt)?.[1]
    const answer = /^class (\d+)$/.exec(probes.rows[column.row].responses[column.type] ?? '')?.[1]
    return shown === undefined || answer === undefined
      ? []
      : [{ i, shown: Number(shown), answer: Number(answer) }]
  })
  if (own.length === 0) return undefined
  const classes = Math.max(...own.map(({ answer }) => answer)) + 1
  return {
    classes,
    at: (e, shown, answer) =>
      estimate(
        own.filter((c) => c.shown === shown && c.answer === answer).map(({ i }) => Math.exp(rows[e][i])),
      ).mean,
  }
}

const digits = (run: PaperRun): PaperFigure | undefined => {
  const found = confusions(run)
  const last = run.evaluations.length - 1
  if (!found || last < 1) return undefined
  const { classes, at } = found
  const all = Array.from({ length: classes }, (_, c) => c)
  const final = all.map((shown) => all.map((answer) => at(last, shown, answer)))
  const pairs = all.flatMap((shown) =>
    all.filter((answer) => answer !== shown).map((answer) => ({ shown, answer, p: final[shown][answer] })),
  )
  const { shown: u, answer: near, p: most } = pairs.reduce((a, b) => (b.p > a.p ? b : a))
  const far = all.filter((c) => c !== u).reduce((a, b) => (final[u][b] < final[u][a] ? b : a))
  const looks: readonly Look[] = [responseType('chosen').look, responseType('rejected').look, spareLook(5)]
  const names = ['identical', 'similar', 'dissimilar']
  const steps = stepsOf(
    run,
    run.evaluations.map((_, e) => e),
  )
  const path = (answer: number): readonly number[] => run.evaluations.map((_, e) => at(e, u, answer))
  const curve = (answer: number, i: number): Curve => ({
    key: `π(${answer}|${u})`,
    label: `${answer}`,
    look: looks[i],
    x: steps,
    y: path(answer),
  })
  const watched = [u, near, far]
  const perStep = watched.map((answer, i): Curve => {
    const y = path(answer)
    return {
      ...curve(answer, i),
      key: `Δπ(${answer}|${u})`,
      x: steps.slice(1),
      y: y.slice(1).map((p, k) => (p - y[k]) / (steps[k + 1] - steps[k])),
    }
  })
  const residual = all.map((answer): Bar => ({
    key: `e − π, class ${answer}`,
    label: `${answer}`,
    look: answer === u ? looks[0] : looks[2],
    value: (answer === u ? 1 : 0) - at(0, u, answer),
  }))
  const heat: HeatPanel = {
    kind: 'heat',
    title: 'Mean π of the test images',
    xLabel: 'answer',
    yLabel: 'shown',
    rows: all.map((c) => ({ key: `shown ${c}`, label: `${c}` })),
    columns: all.map((c) => ({ key: `answer ${c}`, label: `${c}` })),
    values: final,
    scale: 'sequential',
    unit: '',
  }
  const panels: readonly PaperPanel[] = [
    { kind: 'bars', title: 'Residual at first', xLabel: `e − π(·|${u})`, bars: residual },
    curvesPanel(run, 'Change per update', perStep, { yLabel: `Δπ(·|${u}) an update`, zero: true }),
    curvesPanel(run, 'What adds up', watched.map(curve), { yLabel: `mean π(·|${u})` }),
    heat,
  ]
  return {
    ...base(run),
    title: 'What updates do to a classifier of digits',
    caption:
      `A LeNet on drawn digits, ${plural(steps.at(-1)!, 'update')}: learning an image of class ${u} pulls its own class up by 1 − π and every other down by π (a). ` +
      `What it is taken for most is ${near} (mean π ${show(most)} at the end), least ${far} (${show(final[u][far])}): (b) and (c) follow these three. ` +
      `(d) is the mean prediction by class shown; off the diagonal the largest is π(${near}|${u}).`,
    differs: [
      'Digits are drawn by a program in place of MNIST’s; the network and optimiser are the paper’s.',
      '(a) is the mean residual over test images of the class, where the paper has a schematic.',
      '(b) is the mean change an update between two evaluations, over all training digits; the paper follows single updates on one digit.',
    ],
    lacks: [],
    panels,
    across: 2,
    legend: watched.map((answer, i) => ({
      key: `class ${answer}`,
      label: `${answer}`,
      says: names[i],
      look: looks[i],
    })),
  }
}

const FOLLOWED = ['chosen', 'chosen_gptsemantic', 'rejected', 'irr_train', 'random_permute']
const MOST_SPANS = 8

const SAYS: readonly (readonly [string, string])[] = [
  ['Residual', 'what learning a response would push its tokens with, ‖π − e‖, their mean'],
  ['Change', 'how much log π(y|x) changes, between evaluations'],
  ['What', 'the change since the first evaluation'],
]
/** "(a) …; (b) …" for those that are drawn. */
const panelsText = (panels: readonly PaperPanel[]): string =>
  panels
    .map(({ kind, title }, i) => {
      const says = SAYS.find(([word]) => title.startsWith(word))?.[1] ?? title
      return `(${panelTag(i)}) ${kind === 'heat' ? 'how much every type changes, over time' : says}`
    })
    .join('; ')

/** Changes an update between evaluations, of as many as there are or their neighbours taken together. */
const changeMap = (run: PaperRun): HeatPanel | undefined => {
  const n = run.evaluations.length - 1
  const spans = Math.min(n, MOST_SPANS)
  const ends = Array.from({ length: spans + 1 }, (_, i) => Math.round((i * n) / spans))
  const steps = stepsOf(run, ends)
  const types = typesOf(run).filter(({ key }) => valuesOf(run, 'logp', key))
  if (types.length < 2 || spans < 1) return undefined
  return {
    kind: 'heat',
    title: `Change per ${stepName(run)}`,
    xLabel: `${stepName(run)}s`,
    yLabel: 'observed',
    rows: types.map((type) => ({ key: type.key, label: signOf(type) })),
    columns: ends
      .slice(1)
      .map((_, i) => ({ key: `${steps[i]} to ${steps[i + 1]}`, label: `${steps[i]}–${steps[i + 1]}` })),
    values: types.map(({ key }) => {
      const sample = valuesOf(run, 'logp', key)!
      return ends
        .slice(1)
        .map((e, i) => estimate(changes(sample, ends[i], e)).mean / Math.max(1, steps[i + 1] - steps[i]))
    }),
    scale: 'diverging',
    unit: `nats a${stepName(run) === 'update' ? 'n update' : 'n evaluation'}`,
  }
}

export const figure1 = (run: PaperRun): PaperFigure => {
  const nothing = (what: string, command: string): PaperFigure =>
    notDrawn({ ...base(run), across: 4 }, { what, command })
  if (isSqueeze(run))
    return nothing(
      'A run of sim squeeze is Appendix E’s; this figure needs training that is followed.',
      'ldyn sim digits',
    )
  if (isDigits(run)) return digits(run) ?? nothing('The study has no two evaluations.', 'ldyn sim digits')
  const at = run.evaluations.map((_, e) => e)
  if (at.length < 2 || !run.rows.has('logp')) {
    return nothing(
      'The figure needs two evaluations of log π, and the run has not.',
      'ldyn train --model <model> --data <pairs.jsonl> --probe <probes.jsonl> --every 20',
    )
  }
  const wanted = typesNamed(FOLLOWED, run)
  const types = wanted.length > 0 ? wanted : typesOf(run).slice(0, 4)
  const steps = stepsOf(run, at)
  const stages = stagesIn(run)
  const residual = typeCurves(run, types, at, { metric: 'p_e' })
  const sums = typeCurves(run, types, at, { since: true })
  const perUpdate = types.flatMap((type): Curve[] => {
    const sample = valuesOf(run, 'logp', type.key)
    if (!sample) return []
    const points = at.slice(1).map((e, i) => {
      const { mean, se } = estimate(changes(sample, at[i], e))
      const updates = Math.max(1, steps[i + 1] - steps[i])
      return { mean: mean / updates, se: se / updates }
    })
    return [
      {
        key: type.key,
        label: signOf(type),
        look: type.look,
        x: steps.slice(1),
        y: points.map(({ mean }) => mean),
        ...(!meansOnly(run) && sample.probes.length > 1 && { error: points.map(({ se }) => se) }),
      },
    ]
  })
  const map = changeMap(run)
  const unit = stepName(run)
  const an = unit === 'update' ? 'an update' : 'an evaluation'
  const panels: readonly PaperPanel[] = [
    ...(residual.length > 0
      ? [curvesPanel(run, 'Residual of each token', residual, { stages, yLabel: '‖π − e‖' })]
      : []),
    curvesPanel(run, `Change per ${unit}`, perUpdate, { stages, zero: true, yLabel: `Δ log π ${an}` }),
    curvesPanel(run, 'What adds up', sums, { stages, zero: true, yLabel: `Δ ${logpLabel(run)}` }),
    ...(map ? [map] : []),
  ]
  const first = perUpdate.map(({ label, y }) => `${plain(label)} ${signed(y[0])}`)
  const total = sums.map(({ label, y }) => `${plain(label)} ${signed(y.at(-1)!)}`)
  return {
    ...base(run),
    caption:
      `For ${modelOf(run)}, ${probesText(run)}: ` +
      `${panelsText(panels)}; log π is ${perText(run)}${bandsText(run).replace(' since the first evaluation shown', '')}. At first ${an} moved ${first.join(', ')} nats; ` +
      `after ${plural(steps.at(-1)! - steps[0], unit)} that adds up to ${total.join(', ')} nats.`,
    differs: [
      'The paper’s figure is of MNIST (ldyn sim digits draws that); here its questions are asked of response types: what is learned (y⁺), what is like it and what is not.',
      `Changes are means over ${unit === 'update' ? 'updates' : 'evaluations'} between evaluations, not of single updates.`,
      ...dataDiffers(run),
      ...cautions(run, ['logp', 'p_e']),
    ],
    lacks: residual.length > 0 ? [] : [{ what: 'Residual: the run has no p_e of these types' }],
    panels,
    across: 2,
    legend: typeEntries(types.map(({ key }) => key)),
  }
}
