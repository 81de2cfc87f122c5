/** A diagnosis in a terminal: a paragraph, a table of evidence with its curves, what carries it, what follows. */
import { columnsOf } from '../commands/runs.ts'
import type { Context } from '../context.ts'
import type { Style } from '../contract/output.ts'
import { sparkline } from '../figures/terminal.ts'
import {
  VERDICTS,
  type Diagnosis,
  type DiagnosisFinding,
  type Evidence,
  type StageDiagnosis,
} from '@ldyn/lab'

const COLOUR: Readonly<Record<string, Extract<Style, string>>> = {
  benign: 'green',
  inconclusive: 'yellow',
  undertrained: 'yellow',
}

export interface RenderOptions {
  readonly width: number
  readonly ascii: boolean
  readonly style: Context['output']['style']
  readonly clean: (text: string) => string
  /** What a step is called: an imported log may count its evaluations. */
  readonly place?: 'step' | 'evaluation'
  /** Text of the tokens that fell most, by `row token`. */
  readonly texts?: ReadonlyMap<string, string>
}

export const wrapped = (text: string, width: number, indent = ''): string => {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line !== '' && [...line].length + [...word].length + 1 > width - indent.length) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].map((one) => indent + one).join('\n')
}

/** At most four figures, with a true minus. */
export const figure = (x: number): string => {
  const size = Math.abs(x)
  if (size !== 0 && size < 1e-3) return x.toExponential(1).replace('-', '−').replace('e-', 'e−')
  return x.toFixed(size >= 100 ? 1 : size >= 1 ? 2 : 3).replace('-', '−')
}
export const signed = (x: number): string => (x > 0 ? `+${figure(x)}` : figure(x))

const MARK = { for: '●', against: '○', neither: '·' } as const
const MARK_ASCII = { for: '*', against: 'o', neither: '.' } as const
const ARROW = { up: '↑', down: '↓', flat: '→', unsure: '?' } as const
const ARROW_ASCII = { up: 'up', down: 'down', flat: 'flat', unsure: '?' } as const

const CURVE_WIDTH = 24

function evidenceTable(
  finding: DiagnosisFinding,
  { width, ascii, style, clean }: RenderOptions,
): readonly string[] {
  if (finding.evidence.length === 0) return []
  const row = ({ curve, direction, move, supports, values }: Evidence): readonly string[] => [
    (ascii ? MARK_ASCII : MARK)[supports],
    clean(curve),
    (ascii ? ARROW_ASCII : ARROW)[direction],
    figure(move.from),
    figure(move.to),
    signed(move.change),
    move.se === undefined ? 'unknown' : figure(move.se),
    sparkline(values, { ascii, width: Math.max(8, Math.min(CURVE_WIDTH, width - 76)) }),
  ]
  const head = ['', 'curve', '', 'from', 'to', 'change', ascii ? '+-' : '± se', 'over the stage']
  const [first, ...rest] = columnsOf([head, ...finding.evidence.map(row)])
  return [style('dim', `  ${first.join('')}`), ...rest.map((cells) => `  ${cells.join('')}`.trimEnd())]
}

const snippet = (text: string, most: number): string => {
  const flat = text.replace(/\s+/g, ' ').trim()
  return flat.length > most ? `${flat.slice(0, most - 1)}…` : flat
}

function carriersLines(
  { carriers }: StageDiagnosis,
  { width, clean, texts }: RenderOptions,
): readonly string[] {
  if (!carriers) return []
  const { type, fell, probes, half, top } = carriers
  const even = half > fell / 4
  const pieceOf = (row: number, token: number): string => {
    const text = texts?.get(`${row} ${token}`)
    return text === undefined ? '' : ` ${clean(JSON.stringify(text))}`
  }
  const head =
    `${fell} of ${probes} probes fell; ${half} of them carry half of all falls of ${type}` +
    `${even ? ': it is spread, no few examples cause it' : ''}.`
  return [
    '',
    head,
    ...top.map(({ row, change, share, perToken, prompt, tokens }) => {
      const per = perToken === undefined ? '' : `, ${figure(perToken)} a token`
      const which = tokens?.length
        ? `; most at token ${tokens.map(({ token, change: c }) => `${token}${pieceOf(row, token)} (${figure(c)})`).join(', ')}`
        : ''
      const line = `  row ${row}  ${figure(change)} nats (${(100 * share).toFixed(1)} % of all falls${per})${which}`
      const text = clean(snippet(prompt, Math.max(20, width - 8)))
      return text.startsWith('(probe') ? line : `${line}\n    ${text}`
    }),
  ]
}

function correlationLines({ correlations }: StageDiagnosis): readonly string[] {
  if (correlations.length === 0) return []
  const telling = correlations.filter(({ rho, chance }) => Math.abs(rho) > 2 * chance)
  const words = telling
    .slice(0, 5)
    .map(({ score, rho, n }) => `${score} ρ = ${rho.toFixed(2).replace('-', '−')} (n ${n})`)
    .join(', ')
  return [
    '',
    `Known before, against how far each probe’s log π(y⁺) moved (Spearman; negative: a high score goes with a fall): ` +
      `${words || `nothing beyond chance (|ρ| < ${(2 * correlations[0].chance).toFixed(2)})`}.`,
  ]
}

function closedForm(
  { pushes, threshold }: StageDiagnosis,
  { width, style }: RenderOptions,
): readonly string[] {
  const lines: string[] = []
  if (pushes) {
    const { beta, ratios, losses, of } = pushes
    lines.push(
      '',
      wrapped(
        `Closed form, β = ${beta}: mean log π/π_ref of chosen ${figure(ratios.chosen[0])} → ${figure(ratios.chosen[1])} and of rejected ` +
          `${figure(ratios.rejected[0])} → ${figure(ratios.rejected[1])} nats over the window (${of === 'probes' ? 'probe by probe' : 'of means alone, so the coefficients are those of the mean pair'}). ` +
          'At these a loss pulls (+) or pushes (−) with c₊ and c₋; what that does to log π needs the model.',
        width,
      ),
    )
    const [head, ...rest] = columnsOf([
      ['loss', 'c₊ start', 'c₊ end', 'c₋ start', 'c₋ end'],
      ...losses.map(({ loss, chosen, rejected }) => [loss, ...[...chosen, ...rejected].map(signed)]),
    ])
    lines.push(style('dim', `  ${head.join('')}`), ...rest.map((cells) => `  ${cells.join('')}`))
  }
  if (threshold) {
    const { type, vocab, valley } = threshold
    lines.push(
      '',
      wrapped(
        `Lemma 1 along ${type} (V = ${vocab}): ‖π‖² ${figure(valley[0])} → ${figure(valley[1])}, so that pushing down a token ` +
          `of probability near 0 makes every other token of probability below ${figure(valley[1])} fall with it, and only those above rise ` +
          '(first order; means over tokens and probes).',
        width,
      ),
    )
  }
  return lines
}

function stageText(stage: StageDiagnosis, options: RenderOptions, alone: boolean): readonly string[] {
  const { style, width, clean, place = 'step' } = options
  const lines: string[] = []
  if (!alone) {
    const span = stage.steps ? `, ${place}s ${stage.steps[0]} to ${stage.steps[1]}` : ''
    lines.push('', style('bold', clean(`${stage.stage} (${stage.loss}${span})`)))
  }
  stage.findings.forEach((finding, i) => {
    const { verdict, confidence, says, since, caveats } = finding
    const began = since ? ` It began at ${place} ${since.step} (${since.how}).` : ''
    if (i > 0 || !alone) {
      lines.push(
        `${i > 0 ? 'Also: ' : ''}${style(COLOUR[verdict] ?? 'red', VERDICTS[verdict])}${verdict === 'inconclusive' ? '' : ` (${confidence} evidence)`}`,
      )
    }
    lines.push(
      wrapped(clean(`${says}${began}`), width),
      ...caveats.map((text) => wrapped(clean(`But ${text}.`), width)),
      '',
      ...evidenceTable(finding, options),
    )
  })
  lines.push(...carriersLines(stage, options), ...correlationLines(stage).map((text) => wrapped(text, width)))
  lines.push(...closedForm(stage, options))
  return lines
}

/** The whole answer. */
export function renderDiagnosis(
  found: Diagnosis,
  options: RenderOptions,
  whatIfs: readonly string[] = [],
): string {
  const { style, width, clean, ascii } = options
  const alone = found.stages.length === 1
  const colour = COLOUR[found.verdict] ?? 'red'
  const head = `${clean(found.run)}: ${style([colour, 'bold'], VERDICTS[found.verdict])}${found.verdict === 'inconclusive' ? '' : ` (${found.verdict}, ${found.confidence} evidence)`}`
  const wanted = found.stages.flatMap(({ findings, unpredicted }) => [
    ...findings.flatMap((one) => one.wanted),
    ...unpredicted,
  ])
  const told =
    whatIfs.length > 0 ? wanted.filter(({ command }) => !/--what-ifs|--data/.test(command)) : wanted
  const unique = told.filter(({ command }, i) => told.findIndex((other) => other.command === command) === i)
  const marks = ascii ? MARK_ASCII : MARK
  return [
    head,
    ...found.stages.flatMap((stage) => stageText(stage, options, alone)),
    ...whatIfs,
    '',
    style(
      'dim',
      `${marks.for} speaks for the verdict  ${marks.against} against it  ${marks.neither} neither   definitions: ldyn help diagnose`,
    ),
    ...found.notes.map((text) => `note${wrapped(clean(text), width, '      ').slice(4)}`),
    ...(unique.length > 0 ? ['', 'Surer, or more:'] : []),
    ...unique.map(({ what, command }) => `  ${clean(command)}\n    ${clean(what)}`),
  ].join('\n')
}
