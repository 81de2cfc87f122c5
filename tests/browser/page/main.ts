/** The page: what the test calls by name. */
import { createBackend } from '@ldyn/backend-webgpu'
import { runConformance, type Outcome } from '@ldyn/testkit/suite'
import { trainTiny, type TrainedNumbers } from '../job.ts'

async function train(): Promise<TrainedNumbers> {
  await using backend = await createBackend()
  return await trainTiny(backend)
}

/** All that did not pass, how many did, and what is left on the device. */
async function conform(programs: number): Promise<{ outcomes: Outcome[]; passed: number; tensors: number }> {
  await using backend = await createBackend()
  const outcomes: Outcome[] = []
  let passed = 0
  for await (const outcome of runConformance(backend, { programs })) {
    if (outcome.result === 'passed') passed++
    else outcomes.push(outcome)
  }
  return { outcomes, passed, tensors: backend.memory().tensors }
}

Object.assign(globalThis, { ldyn: { train, conform } })
