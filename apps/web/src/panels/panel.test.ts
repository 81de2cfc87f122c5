import { describe, expect, it } from 'vitest'
import { directoryFiles } from '@ldyn/runs/node'
import { beginRun, withRoot } from '../../test/run-on-disk.ts'
import { createCurves } from '../data/curves.ts'
import { followRun, type LiveData } from '../data/live-run.ts'
import { bandOf } from '../drawing/align.ts'
import { DEFAULTS } from '../state/address.ts'
import { dynamicsPanel } from './dynamics/dynamics.ts'
import { evaluationAt } from '../data/evaluation.ts'
import { squeezingPanel } from './dynamics/squeezing.ts'
import { csvOf, svgFor, tableFor, within, type CurvesModel } from './panel.ts'

const withData = (use: (data: LiveData) => void, metrics = ['logp']) =>
  withRoot(async root => {
    await (await beginRun(root, [0, 10, 20, 30])).close()
    use((await followRun(directoryFiles(root), metrics).refresh())!)
  })
const view = { ...DEFAULTS, runs: ['r'], page: 'dynamics' as const }

describe('a band', () => {
  it('is named where one is drawn: lines of single values have none', () =>
    withData(data => {
      const model = squeezingPanel([data], createCurves(), view) as CurvesModel
      const { panel } = model
      expect(svgFor(model)).toContain('Band: ± one standard error')
      // As a recorded log has them, which holds means alone.
      const alone = { ...panel, lines: panel.lines.map(line => ({ ...line, n: 1, se: line.mean.map(() => 0) })) }
      expect(bandOf(alone)).toBeUndefined()
      expect(svgFor({ ...model, panel: alone })).not.toContain('Band:')
      expect(bandOf({ ...panel, lines: [panel.lines[0], alone.lines[1]] })).toBe(panel.band)
    }, ['logp', 'argmax_logp']))
})

describe('the panel of response types', () => {
  it('has a table with exactly the numbers of its lines, and a CSV that reads back as them', () =>
    withData(data => {
      const model = dynamicsPanel([data], createCurves(), view) as CurvesModel
      const table = tableFor(model)!
      expect(table.head).toEqual([
        'step',
        'stage',
        'chosen',
        'chosen ± se',
        'rejected',
        'rejected ± se',
        'irr_train',
        'irr_train ± se',
      ])
      expect(table.rows.map(row => row[2])).toEqual(model.panel.lines[0].mean)
      const back = csvOf(table)
        .trimEnd()
        .split('\n')
        .slice(1)
        .map(line => Number(line.split(',')[2]))
      expect(back).toEqual(model.panel.lines[0].mean)
    }))

  it('exports what the zoom shows', () =>
    withData(data => {
      const model = dynamicsPanel([data], createCurves(), view) as CurvesModel
      expect(within(model.panel, [5, 25]).lines[0].steps).toEqual([10, 20])
      expect(svgFor(model, [5, 25])).toContain('<svg')
      expect(svgFor(model, [50, 60])).toBeUndefined()
    }))

  it('starts changes at nothing, with the error of the change', () =>
    withData(data => {
      const { panel } = dynamicsPanel([data], createCurves(), {
        ...view,
        change: true,
        versus: 10,
      }) as CurvesModel
      expect(panel.zero).toBe(true)
      for (const { mean, se } of panel.lines) expect([mean[1], se![1]]).toEqual([0, 0])
      expect(panel.title).toContain('since step 10')
    }))

  it('says per what and mean of what once, at the axis, and never divides a mean', () =>
    withData(
      data => {
        const perToken = dynamicsPanel([data], createCurves(), { ...view, per: 'token' }) as CurvesModel
        expect(perToken.panel.unit).toBe('log π(y), per response token, mean over probes (nats)')
        expect(perToken.says).not.toMatch(/over probes|per response token/)
        const entropy = dynamicsPanel([data], createCurves(), {
          ...view,
          metric: 'entropy',
          per: 'token',
        }) as CurvesModel
        expect(entropy.panel.unit).toBe('entropy, mean over response tokens, then over probes (nats)')
      },
      ['logp', 'entropy'],
    ))

  it('names lines by the keys that files have, their readings apart', () =>
    withData(data => {
      const { panel } = dynamicsPanel([data], createCurves(), view) as CurvesModel
      expect(panel.lines.map(({ label }) => label)).toEqual(panel.lines.map(({ key }) => key))
      expect(panel.lines.find(({ key }) => key === 'irr_train')?.reading).toBe('other training')
      expect(panel.lines.find(({ key }) => key === 'chosen')?.reading).toBeUndefined()
      const file = svgFor({ kind: 'curves', id: 'p', title: 't', says: '', panel })!
      expect(file).toMatch(/>irr_train<tspan[^>]*> other training<\/tspan>/)
    }))

  it('is loading while a metric is read, and missing where the run has none', () =>
    withData(data => {
      expect(dynamicsPanel([data], createCurves(), { ...view, metric: 'entropy' }).kind).toBe('loading')
      expect(dynamicsPanel([data], createCurves(), { ...view, metric: 'p_e' }).kind).toBe('missing')
      expect(
        dynamicsPanel([{ ...data, probes: undefined, types: [], rows: new Map() }], createCurves(), view),
      ).toMatchObject({
        kind: 'missing',
        missing: { what: expect.stringContaining('watches no probes') as string },
      })
    }))
})

it('the argmax of another response type is named, with a caution', () =>
  withData(
    data => {
      const note = {
        code: 'argmax-of-another-type',
        metric: 'argmax_logp',
        type: 'irr_train',
        message: 'that of irr_train',
      }
      const imported = {
        format: 'released-code' as const,
        files: [],
        meansOnly: false,
        missing: [],
        notes: [note],
      }
      const sound = squeezingPanel([data], createCurves(), view) as CurvesModel
      expect(sound.panel.lines.map(({ label }) => label)).toEqual(['argmax', 'chosen'])
      expect(sound.notes).toEqual([])
      const flawed = squeezingPanel(
        [{ ...data, manifest: { ...data.manifest, imported } }],
        createCurves(),
        view,
      ) as CurvesModel
      expect(flawed.panel.lines[0].label).toBe('argmax of irr_train')
      expect(flawed.notes![0]).toContain('not of chosen')
    },
    ['logp', 'argmax_logp'],
  ))

it('a step shows the last evaluation at or before it', () =>
  withData(data => {
    expect([undefined, 0, 9, 10, 25, 99].map(step => evaluationAt(data, step))).toEqual([3, 0, 0, 1, 2, 3])
  }))
