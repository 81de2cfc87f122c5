import { describe, expect, it } from 'vitest'
import type { ImportNote } from '@ldyn/runs'
import { directoryFiles } from '@ldyn/runs/node'
import { addUpdate, beginRun, withRoot } from '../../../test/run-on-disk.ts'
import { createCurves } from '../../data/curves.ts'
import { followRun, type LiveData } from '../../data/live-run.ts'
import { knownTypes, mayShrink } from './awaited.tsx'
import { bytesText } from './files.tsx'
import { checksOf, withUnread } from './health.ts'
import { headline } from './headline.ts'
import { lossPanels, movedPanel } from './panels.ts'
import { seenRows } from './config.tsx'

const withData = (use: (data: LiveData) => void) =>
  withRoot(async root => {
    const writer = await beginRun(root, [0, 10, 20, 30])
    for (const step of [10, 20, 30]) await addUpdate(writer, step)
    await writer.close()
    use((await followRun(directoryFiles(root), ['logp', 'argmax_logp']).refresh())!)
  })

/** The run with other values: `value(step, probe)` by metric, chosen alone. */
const withValues = (
  data: LiveData,
  value: (metric: string, step: number, probe: number) => number,
): LiveData => ({
  ...data,
  rows: new Map(
    [...data.rows].map(([metric, rows]) => [
      metric,
      rows.map((row, e) =>
        Float32Array.from(row, (old, i) =>
          data.probes!.columns[i].type === 'chosen'
            ? value(metric, data.evaluations[e].step, data.probes!.columns[i].row)
            : old,
        ),
      ),
    ]),
  ),
})
const jitter = (probe: number): number => (probe % 2 === 0 ? 0.1 : -0.1)

describe('the headline', () => {
  it('says how far chosen fell, from where, and leads to the very interval', () =>
    withData(data => {
      const [chosen] = headline(data, createCurves())
      expect(chosen.text).toBe(
        'log π of chosen stood at −24.50 at step 0, then fell by 7.50 nats to −32.00 at step 30.',
      )
      expect(chosen.go!.to).toMatchObject({ page: 'dynamics', step: 30, versus: 0 })
    }))

  it('calls a fall under a rising likeliest token what squeezing does, and one with a falling token not', () =>
    withData(data => {
      const squeezed = withValues(data, (metric, step, probe) =>
        metric === 'logp' ? -20 - step * (0.3 + jitter(probe)) : -10 + step * (0.1 + jitter(probe) / 10),
      )
      expect(headline(squeezed, createCurves())[1].text).toContain('as squeezing does')
      expect(headline(data, createCurves())[1].text).toContain('does not explain this fall')
    }))

  it('does not speak of a fall where there is none', () =>
    withData(data => {
      const risen = withValues(data, (_, step, probe) => -20 + step * (0.3 + jitter(probe)))
      expect(headline(risen, createCurves())[0].text).toContain('clearly rose')
    }))

  it('counts the updates that carry what was lost', () =>
    withData(data => {
      const losing = {
        ...data,
        updates: data.updates.map((update, i) => ({
          ...update,
          probes: update.probes.map(probe => ({ ...probe, actual: i === 1 ? -8 : -1 })),
        })),
      }
      const found = headline(losing, createCurves()).find(({ about }) => about === 'which updates')
      expect(found!.text).toContain(
        '1 of the 3 updates taken apart between step 0 and step 30 carry 80 % of what chosen lost',
      )
    }))
})

describe('health', () => {
  it('tells the first of two evaluations at which squeezing was seen', () =>
    withData(data => {
      const squeezed = withValues(data, (metric, step, probe) =>
        metric === 'logp'
          ? -20 - Math.max(0, step - 10) * (0.3 + jitter(probe))
          : -10 + step * (0.1 + jitter(probe) / 10),
      )
      const found = checksOf(squeezed, createCurves()).find(({ text }) => text.startsWith('Squeezing'))
      expect(found).toMatchObject({ state: 'warn', step: 20, page: 'squeeze' })
      expect(checksOf(data, createCurves()).map(({ text }) => text)).toContain(
        'No squeezing seen: chosen did not clearly fall while the likeliest token clearly rose',
      )
    }))

  it('says nothing of all numbers where not all could be read', () =>
    withData(data => {
      const checks = checksOf(data, createCurves())
      expect(checks.map(({ text }) => text)).toContain('Every number that was read is finite')
      const told = withUnread(checks)
      expect(told.map(({ text }) => text).join()).not.toContain('finite')
      expect(told.filter(({ state }) => state === 'bad')).toHaveLength(1)
      expect(told).toHaveLength(checks.length)
    }))

  it('tells a spike of the gradient, and where', () =>
    withData(data => {
      const steps = Float64Array.from({ length: 20 }, (_, i) => i + 1)
      const values = Float64Array.from(steps, step => (step === 13 ? 50 : 1))
      const column = { steps, times: steps, values, stages: Array<string>(20).fill('dpo') }
      const run = { ...data, scalars: new Map([['grad_norm', column]]) }
      expect(checksOf(run, createCurves()).find(({ step }) => step === 13)!.text).toContain('ten times')
    }))
})

it('words are awaited of those types alone that a log knows', () =>
  withData(data => {
    const missing = { logp: data.probes!.columns.flatMap(({ type }, i) => (type === 'chosen' ? [] : [i])) }
    expect(knownTypes({ ...data, probes: { ...data.probes!, missing } })).toEqual(['chosen'])
    expect(knownTypes(data)).toEqual(data.types)
  }))

describe('the place that is kept for words', () => {
  it('shrinks to them where what stands below is out of sight, before and after', () => {
    const at = (top: number, reserved: number, own: number) => mayShrink({ top, bottom: top + reserved }, own, 800)
    expect(at(700, 500, 300)).toBe(true)
    expect(at(400, 500, 300)).toBe(false)
    expect(at(100, 300, 200)).toBe(false)
    expect(at(-600, 500, 300)).toBe(true)
    expect(at(-300, 500, 300)).toBe(false)
  })
})

/** The run as a recorded log has it: one mean a type, over probes that are not in it. */
const ofMeans = (
  data: LiveData,
  value: (metric: string, step: number) => number,
  notes: readonly ImportNote[] = [],
): LiveData => {
  const columns = data.probes!.columns.filter(({ row }) => row === 0)
  return {
    ...data,
    manifest: {
      ...data.manifest,
      imported: {
        format: 'released-code',
        files: [],
        missing: [],
        meansOnly: true,
        notes: [{ code: 'steps-unknown', message: 'steps count evaluations' }, ...notes],
      },
    },
    probes: { ...data.probes!, rows: data.probes!.rows.slice(0, 1), columns },
    rows: new Map(
      [...data.rows].map(([metric, rows]) => [
        metric,
        rows.map((_, e) => Float32Array.from(columns, () => value(metric, data.evaluations[e].step))),
      ]),
    ),
  }
}

describe('a recorded log of means', () => {
  const picture = (metric: string, step: number): number =>
    metric === 'logp' ? (step <= 10 ? -30 + step / 5 : -28 - (step - 10)) : -10 + step / 4
  const all = (run: LiveData): readonly string[] => [
    ...headline(run, createCurves()).map(({ text }) => text),
    ...checksOf(run, createCurves()).map(({ text }) => text),
  ]

  it('is told without any degree, by its evaluations, with the picture of squeezing named as such', () =>
    withData(data => {
      const said = all(ofMeans(data, picture))
      expect(said).toContain('log π of chosen rose until evaluation 10 (−28.00), then fell by 20.00 nats to −48.00 at evaluation 30.')
      expect(said).toContain('Over the same evaluations the likeliest token’s log π rose by 5.00 nats: that is what squeezing does.')
      expect(said).toContain(
        'As in squeezing, since evaluation 10 chosen fell by 20.00 nats and the likeliest token rose by 5.00; how sure that is cannot be told',
      )
      for (const text of said) expect(text).not.toMatch(/clear|slight|noise|±|No squeezing|probe/)
    }))

  it('never says that there was no squeezing, and nothing of it where the argmax is another response’s', () =>
    withData(data => {
      const falling = all(ofMeans(data, (metric, step) => (metric === 'logp' ? -20 : -10) - step))
      expect(falling.join(' ')).toContain('Squeezing would raise the likeliest token')
      const rising = all(ofMeans(data, (_, step) => -40 + step))
      expect(rising.join(' ')).toContain('chosen ended where it was highest')
      for (const text of [...falling, ...rising]) expect(text).not.toMatch(/clear|slight|noise|±|No squeezing/)
      const defect = { code: 'argmax-of-another-type', message: 'x', metric: 'argmax_logp', type: 'random_nonhum' }
      expect(all(ofMeans(data, picture, [defect])).join(' ')).not.toMatch(/queez|likeliest/)
    }))
})

describe('settings', () => {
  it('are drawn where they are seen', () => {
    expect(seenRows(0, 400, 5000, 26)).toEqual({ from: 0, to: 22 })
    const { from, to } = seenRows(26 * 4000, 400, 5000, 26)
    expect([from, to - from]).toEqual([3994, 28])
    expect(seenRows(26 * 90, 400, 3, 26)).toEqual({ from: 3, to: 3 })
  })
})

it('sizes are told in the unit that fits', () => {
  expect([12, 1234, 5_600_000, 123_456_789].map(bytesText)).toEqual(['12 B', '1.2 kB', '5.6 MB', '123 MB'])
})

describe('a log of another trainer, which watches no probes', () => {
  const logOf = (data: LiveData): LiveData => {
    const loss = data.scalars.get('loss')!
    return {
      ...data,
      probes: undefined,
      types: [],
      manifest: {
        ...data.manifest,
        imported: { format: 'trainer-state', files: [], notes: [], missing: [], meansOnly: true },
      } as unknown as LiveData['manifest'],
      scalars: new Map([...data.scalars, ['logps/chosen', loss], ['logps/rejected', loss], ['rewards/chosen', loss]]),
    }
  }

  it('is told by its batches, and sends to its checkpoints for the rest', () =>
    withData(data => {
      const log = logOf(data)
      expect(lossPanels(log).map(({ id }) => id.split('-')[0])).toContain('batch')
      expect(lossPanels(data).some(({ id }) => id.startsWith('batch'))).toBe(false)
      const app = { curves: createCurves() } as Parameters<typeof movedPanel>[0]
      const ask = (run: LiveData) => {
        const model = movedPanel(app, run)
        return model.kind === 'missing' ? model.missing.command : model.kind
      }
      expect(ask(log)).toBe('ldyn observe --model <checkpoint…> --probe <probes.jsonl>')
      const command = ask({ ...log, key: 'first', manifest: data.manifest })
      expect(typeof command === 'function' && command('runs')).toBe(
        "ldyn train --config runs/first/run.json --out runs/first-probed --set 'probe=<probes.jsonl>'",
      )
    }))
})
