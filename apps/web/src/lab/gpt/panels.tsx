// The tiny GPT's own figures: how the wanted answer and the likeliest token part in DPO, who paid for it, and the words
// themselves at one place. Of one training, or of the baseline (A) and extend (B) side by side.
import { letter, looks, runDash, show, type Line, type Look } from '@ldyn/figures'
import type { WatchedLine } from '@ldyn/runs'
import type { Curves } from '../../data/curves.ts'
import type { LiveData } from '../../data/live-run.ts'
import { tokenText } from '../../data/matrices.ts'
import { rowsDrawing, type BarRow } from '../../drawing/row-bars.ts'
import { linesOf } from '../../panels/lines.ts'
import type { PanelModel } from '../../panels/panel.ts'
import { pictured } from '../../shell/panel/drawn.tsx'
import type { Effect } from './effect.ts'
import { clearest, isDrained, placesOf, type Place, type Word } from './places.ts'

/** A run and what DPO did to it. */
export interface Shown {
  readonly run: LiveData
  readonly effect: Effect
}

const names = (shown: readonly Shown[]): string =>
  shown.length < 2 ? '' : ' A, solid and filled: baseline; B, dashed and hollow: extend.'

/** Δ since DPO began of log π(y⁺) and of the likeliest token's: the scissors that squeezing opens. */
export const scissors = (shown: readonly Shown[], curves: Curves): PanelModel => {
  const lines = shown.flatMap(({ run, effect }, r) =>
    (['argmax_logp', 'logp'] as const).flatMap((metric): Line[] => {
      const [line] = linesOf([run], curves, {
        metric, type: 'chosen', per: 'response', spread: 'se', since: effect.from,
        ...(metric === 'argmax_logp' ? { look: looks.argmax } : {}),
      })
      if (!line) return []
      const from = run.evaluations.findIndex(({ step }) => step >= effect.from)
      const many = shown.length > 1
      // With a letter in front there is no room for the longer word.
      const label = metric === 'logp' ? 'y⁺' : many ? 'argmax' : 'likeliest'
      return [{
        ...line,
        key: many ? `${label} ${letter(r)}` : label,
        label: many ? `${letter(r)} ${label}` : label,
        look: many ? { ...line.look, dash: runDash(r) } : line.look,
        steps: line.steps.slice(from).map(step => step - effect.from),
        stages: line.stages.slice(from).map(() => 'dpo'),
        mean: line.mean.slice(from),
        ...(line.se && { se: line.se.slice(from) }),
      }]
    }),
  )
  const title = 'In DPO: the wanted answer against the likeliest token'
  const says = `Change of log π since DPO began, along the wanted answers y⁺: of y⁺ itself, and of whichever token is likeliest at each of its places. Summed over a response, in nats; mean over probes. Apart as scissors: squeezing. Updates are those of DPO.${names(shown)}`
  return {
    id: 'scissors',
    kind: 'curves',
    title,
    says,
    panel: {
      id: 'scissors', section: 'logp', title, says, unit: 'Δ log π since DPO began (nats)', lines, stages: [],
      zero: true, band: '± one standard error of the probes’ own changes',
    },
  }
}

/** Who moved, by how much. */
export const movesPanel = (shown: readonly Shown[]): PanelModel => {
  const [{ effect }] = shown
  const all = (one: Effect) => [one.argmax, one.chosen, ...one.others, one.rejected]
  const rows = all(effect).map(({ key, name, look }): BarRow => ({
    name,
    look,
    values: shown.map(({ effect: one }) => all(one).find(other => other.key === key)?.by.mean ?? 0),
    long: key === 'rejected',
  }))
  const title = 'Who paid for it'
  return {
    ...pictured('moves', title, rowsDrawing(rows, { unit: 'Δ log π since DPO began (nats)', alt: title })),
    says: `Change of log π since DPO began, summed over a response, mean over probes. DPO shows y⁺ and y⁻ alone; all others were never shown. A bar with two strokes through it is cut.${names(shown)}`,
    table: () => ({
      head: ['what', ...shown.flatMap((_, r) => {
        const tail = shown.length > 1 ? ` ${letter(r)}` : ''
        return [`before${tail}`, `now${tail}`, `change${tail}`, `± se${tail}`]
      })],
      rows: all(effect).map(({ key, name }) => [
        name,
        ...shown.flatMap(({ effect: one }) => {
          const found = all(one).find(other => other.key === key)
          return [found?.before, found?.after, found?.by.mean, found?.by.se]
        }),
      ]),
    }),
  }
}

const TYPES = { rejected: 'y⁻', chosen: 'y⁺' } as const
const LOOKS: Readonly<Record<Word['role'], (type: keyof typeof TYPES) => Look>> = {
  own: type => looks[type],
  likeliest: () => looks.argmax,
  other: () => looks.initial,
}

/** What stands before the place: the question, and the response up to there. */
const before = (run: LiveData, { row, type, token }: Place): { readonly question: string; readonly said: string } => {
  const { prompt = '', responses = {} } = run.probes?.rows[row] ?? {}
  return { question: prompt.trim(), said: (responses[type] ?? '').trim().split(/\s+/).slice(0, token).join(' ') }
}

const wordsPanel = (run: LiveData, type: keyof typeof TYPES, places: readonly Place[], place: Place): PanelModel => {
  const { question, said } = before(run, place)
  const own = place.words.find(({ role }) => role === 'own')!.text
  const star = place.words.find(({ role }) => role === 'likeliest')!.text
  const drained = places.filter(isDrained).length
  const id = `words-${type}`
  const title = `Along ${TYPES[type]}: the next word after “${said}”`
  const rows = place.words.map((word): BarRow => ({
    name: `${tokenText(word.text).trim()}${word.role === 'own' ? ` (${TYPES[type]}’s)` : word.role === 'likeliest' ? ' (was likeliest)' : ''}`,
    look: LOOKS[word.role](type),
    values: word.before === undefined ? [word.after] : [word.after, word.before],
  }))
  const lead = type === 'rejected' ? 'Here DPO pushes.' : 'Here nobody pushes; DPO pulls y⁺’s word.'
  return {
    ...pictured(id, title, rowsDrawing(rows, { unit: 'probability', alt: title, write: show })),
    says:
      `“${question}” ${lead} ${TYPES[type]}’s own word “${own.trim()}” went from ${show(place.own.before)} to ${show(place.own.after)}, ` +
      `the likeliest other, “${star.trim()}”, from ${show(place.star.before)} to ${show(place.star.after)}. Filled: now; hollow: when DPO began. ` +
      `The place where it shows most; it does so at ${drained} of ${places.length} watched places of ${TYPES[type]}.`,
    table: () => ({
      head: ['word', 'what it is', 'π when DPO began', 'π now'],
      rows: place.words.map(word => [word.text, word.role, word.before, word.after]),
    }),
  }
}

/** The words at one place along y⁻ and at one along y⁺: where the push is, and where it arrives. */
export const wordPanels = (run: LiveData, lines: readonly WatchedLine[], effect: Effect): readonly PanelModel[] =>
  (['rejected', 'chosen'] as const).flatMap(type => {
    const places = placesOf(lines, type, effect.from)
    const place = clearest(places)
    return place ? [wordsPanel(run, type, places, place)] : []
  })
