import { createRunIn, layOutProbes, memoryRun } from '@ldyn/runs'
import { describe, expect, it, vi } from 'vitest'
import type { StreamEvent } from '../wire.ts'
import { createMemoryRuns } from './memory.ts'
import { createRunStore } from './run-store.ts'
import { UnreachableError, type Source } from './source.ts'

const nobody: Source = {
  kind: 'served',
  list: () => Promise.reject(new UnreachableError('nobody')),
  files: key => {
    throw new Error(`asked elsewhere for ${key}`)
  },
  follow: () => ({ [Symbol.dispose]: () => {} }),
}

const newRun = {
  id: 'one',
  created: '2026-11-22T12:00:00.000Z',
  argv: [],
  config: {},
  seed: 7,
  environment: { node: '', platform: 'browser', cpu: '', ldyn: '0' },
  backend: { name: 'reference', device: 'cpu', version: '0' },
  model: { path: 'm', hash: '', params: 1 },
  tokenizer: { hash: '' },
  datasets: [],
  stages: [{ name: 'sft', loss: 'sft', updates: 4 }],
  columns: { metrics: ['logp'], tokens: [] },
}
const probes = layOutProbes([{ prompt: 'p', group: '0', responses: { chosen: 'c' } }], ['chosen'], () => 1)

describe('runs that live in the page', () => {
  it('are read, and followed while they grow, without asking elsewhere', async () => {
    const memory = createMemoryRuns()
    const store = createRunStore(memory.beside(nobody))
    const storage = memoryRun('lab:one', 'a page', change => {
      if ('whole' in change) memory.stands('lab:one', 'live')
      else memory.grew('lab:one', change.path, change.from, change.from + change.bytes.length)
    })
    const writer = await createRunIn(storage, newRun, probes)
    memory.hold({ key: 'lab:one', files: storage.files, state: 'live' })
    const run = store.open('lab:one')
    store.follow(['lab:one'])
    await vi.waitFor(() => expect(run.data.value?.manifest.id).toBe('one'))
    expect(run.state.value).toBe('live')
    await writer.scalars(1, 'sft', { loss: 2 })
    await writer.probes(1, 'sft', { metrics: { logp: Float32Array.of(-3) } })
    await vi.waitFor(() => expect(run.data.value?.rows.get('logp')?.[0][0]).toBe(-3))
    memory.drop('lab:one')
    expect(run.gone.value).toBe(true)
  })

  it('are listed also where nobody answers, and are gone where the page was loaded anew', async () => {
    const memory = createMemoryRuns()
    const source = memory.beside(nobody)
    await expect(source.list()).rejects.toThrow(UnreachableError)
    const told: StreamEvent[] = []
    using _ = source.follow(['lab:x'], event => told.push(event), () => {})
    await expect(source.files('lab:x').refresh()).rejects.toThrow('not held by this page any more')
    const summary = { key: 'lab:x', id: 'x' } as never
    memory.hold({ key: 'lab:x', files: memoryRun('x', '').files, state: 'live', summary: () => summary })
    expect((await source.list()).runs.map(({ key, state }) => `${key} ${state}`)).toEqual(['lab:x live'])
    expect(told).toEqual([{ event: 'runs', data: { count: 1 } }])
  })
})
