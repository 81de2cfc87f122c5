import { describe, expect, it } from 'vitest'
import { directoryFiles } from '@ldyn/runs/node'
import { beginRun, withRoot } from '../../../test/run-on-disk.ts'
import { createCurves } from '../../data/curves.ts'
import { followRun, type LiveData } from '../../data/live-run.ts'
import { DEFAULTS, type View } from '../../state/address.ts'
import { mainPanel } from './dynamics.ts'
import type { CurvesModel } from '../panel.ts'
import { csvOf, svgFor, tableFor } from '../panel.ts'

const withData = (use: (data: LiveData) => void) =>
  withRoot(async root => {
    await (await beginRun(root, [0, 10, 20, 30])).close()
    use((await followRun(directoryFiles(root), ['logp', 'entropy']).refresh())!)
  })
const view: View = { ...DEFAULTS, runs: ['r'], page: 'dynamics' }
const linesFor = (data: LiveData, patch: Partial<View>) =>
  (mainPanel([data], createCurves(), { ...view, ...patch }) as CurvesModel).panel.lines

describe('curves by group', () => {
  it('of a kin are means over prompts of the types that each has', () =>
    withData(data => {
      const lines = linesFor(data, { grouping: 'family' })
      expect(lines.map(({ key }) => key)).toEqual(['chosen kin', 'rejected kin', 'irrelevant kin'])
      // Chosen alone is of its kin here.
      expect(lines[0].mean).toEqual(linesFor(data, {})[0].mean)
      expect(lines[0].n).toBe(4)
    }))

  it('of prompts are single responses of the type in focus, without an error', () =>
    withData(data => {
      const lines = linesFor(data, { grouping: 'prompt', type: 'rejected' })
      // Probe 3 has no rejected response.
      expect(lines.map(({ key }) => key).sort()).toEqual(['#g0', '#g1', '#g2'])
      const { rows, probes } = data
      const column = probes!.columns.findIndex(one => one.row === 1 && one.type === 'rejected')
      expect(lines.find(({ key }) => key === '#g1')!.mean).toEqual(rows.get('logp')!.map(row => row[column]))
      const model = mainPanel([data], createCurves(), { ...view, grouping: 'prompt' }) as CurvesModel
      expect(model.panel.band).toBeUndefined()
    }))

  it('of lengths part the type in thirds, each response once', () =>
    withData(data => {
      const lines = linesFor(data, { grouping: 'length' })
      expect(lines.reduce((sum, { n }) => sum + n!, 0)).toBe(4)
      expect(lines.map(({ label }) => label)).toEqual(['short, < 6 tokens', 'middle, 6 tokens', 'long, ≥ 7 tokens'])
    }))
})

describe('bands', () => {
  it('hold the mean: standard error, bootstrap and range; the range holds every probe', () =>
    withData(data => {
      for (const spread of ['boot', 'range'] as const) {
        const lines = linesFor(data, { spread, grouping: 'type' })
        for (const { mean, low, high } of lines)
          mean.forEach((value, i) => {
            expect(low![i]).toBeLessThanOrEqual(value)
            expect(high![i]).toBeGreaterThanOrEqual(value)
          })
      }
      const [chosen] = linesFor(data, { spread: 'range' })
      const columns = data.probes!.columns.flatMap(({ type }, i) => (type === 'chosen' ? [i] : []))
      data.rows.get('logp')!.forEach((row, e) => {
        expect(chosen.low![e]).toBe(Math.min(...columns.map(i => row[i])))
        expect(chosen.high![e]).toBe(Math.max(...columns.map(i => row[i])))
      })
    }))

  it('stand in the table, in the file and in the picture as they are drawn', () =>
    withData(data => {
      const model = mainPanel([data], createCurves(), { ...view, spread: 'boot', smooth: 0.9 }) as CurvesModel
      const table = tableFor(model)!
      expect(table.head.slice(0, 6)).toEqual([
        'step',
        'stage',
        'chosen',
        'chosen low',
        'chosen high',
        'chosen smoothed',
      ])
      expect(table.rows[2].slice(3, 6)).toEqual([
        model.panel.lines[0].low![2],
        model.panel.lines[0].high![2],
        model.panel.lines[0].smoothed![2],
      ])
      expect(csvOf(table).split('\n')[3].split(',').map(Number).slice(3, 6)).toEqual(table.rows[2].slice(3, 6))
      // One band a line, and the values faintly behind their average (ux.md R6).
      expect(svgFor(model)!.match(/class="band/g)).toHaveLength(3)
      expect(svgFor(model)!.match(/class="raw/g)).toHaveLength(3)
      // The picture's axes are bent as the page's are.
      const bent = mainPanel([data], createCurves(), { ...view, logY: true })
      expect(svgFor(bent)).not.toBe(svgFor(mainPanel([data], createCurves(), view)))
      expect(svgFor(model, undefined, true)).not.toBe(svgFor(model))
      const bare = mainPanel([data], createCurves(), { ...view, spread: 'none' })
      expect(svgFor(bare)).not.toContain('class="band')
    }))

  it('along another axis every row has its update beside it', () =>
    withData(data => {
      const run = {
        ...data,
        manifest: {
          ...data.manifest,
          config: { stages: [{ name: 'sft', batch: 4 }, { name: 'dpo', batch: 2 }] },
        },
      }
      const model = mainPanel([run], createCurves(), { ...view, along: 'examples' })
      const { head, rows } = tableFor(model)!
      expect(head.slice(0, 3)).toEqual(['examples', 'step', 'stage'])
      expect(rows.map(row => row.slice(0, 2))).toEqual([
        [0, 0],
        [40, 10],
        [80, 20],
        [100, 30],
      ])
      const other = mainPanel([data], createCurves(), { ...view, along: 'examples' })
      expect(other.notes!.join()).toContain('The axis counts updates')
    }))
})
