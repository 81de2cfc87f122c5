import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRun } from '@ldyn/runs/node'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { details } from '../commands/show-run.ts'
import { decomposedCsv } from './csv.ts'

let root: string
beforeEach(async () => void (root = await mkdtemp(join(tmpdir(), 'ldyn-csv-'))))
afterEach(() => rm(root, { recursive: true }))

it('a run’s decompositions are a table of changes, and runs show counts them', async () => {
  const writer = await createRun(join(root, 'r'), {
    id: '=r,1',
    created: '2026-01-01T00:00:00Z',
    argv: [],
    config: {},
    seed: 0,
    datasets: [],
    environment: { node: '', platform: '', cpu: '', ldyn: '' },
    backend: { name: '', device: '', version: '' },
    model: { path: '', hash: '', params: 0 },
    tokenizer: { hash: '' },
    stages: [{ name: 'dpo', loss: 'dpo', updates: 1 }],
    columns: { metrics: [], tokens: [] },
  })
  await writer.scalars(1, 'dpo', { loss: 1 })
  await writer.decomposition(1, 'dpo', {
    rows: [3, 17],
    lr: 1,
    grad_norm: 1,
    clip_factor: 1,
    residual: 0.1,
    probes: [
      {
        row: 0,
        type: 'chosen',
        actual: -0.5,
        predicted: -0.4,
        directions: { '17 rejected': -0.75, decay: 0.35 },
      },
    ],
  })
  await writer.finish('done')
  const [header, ...lines] = (await decomposedCsv([join(root, 'r')], root)).trim().split('\n')
  expect(header).toBe('run,stage,step,rows,probe,type,direction,learned,change_nats')
  expect(lines).toEqual([
    `"'=r,1",dpo,1,3 17,0,chosen,actual,,-0.5`,
    `"'=r,1",dpo,1,3 17,0,chosen,predicted,,-0.4`,
    `"'=r,1",dpo,1,3 17,0,chosen,17 rejected,rejected,-0.75`,
    `"'=r,1",dpo,1,3 17,0,chosen,decay,decay,0.35`,
  ])
  expect((await details(join(root, 'r'), root)).decomposed).toEqual({
    updates: 1,
    residual: expect.closeTo(0.2, 12) as number,
  })
})
