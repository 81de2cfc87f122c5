import { expect, it } from 'vitest'
import { flopsOf } from './compare.ts'
import { PAIRS, pairs, PROBE_RESPONSES, probeRow, shapeNames, token } from './shapes.ts'

it('token ids are those of the peer, whose integers do not overflow', () => {
  const exact = (s: bigint, i: bigint, vocab: bigint): number =>
    Number((((i * 2654435761n + s * 2246822519n + 374761393n) % 2n ** 32n) >> 8n) % vocab)
  for (const s of [0, 1, 3, 100, 111]) {
    for (const i of [0, 1, 2, 63, 95]) expect(token(s, i, 49152)).toBe(exact(BigInt(s), BigInt(i), 49152n))
  }
})

it('every sequence differs, and every pair shares its prompt', () => {
  const { sequences } = probeRow(50304)
  expect(sequences).toHaveLength(PROBE_RESPONSES)
  expect(new Set(sequences.map((s) => s.response.join())).size).toBe(PROBE_RESPONSES)
  const examples = pairs(50304)
  expect(examples).toHaveLength(PAIRS)
  for (const { sequences: [a, b] } of examples) expect(a.prompt).toEqual(b.prompt)
  expect(new Set(examples.map((e) => e.sequences[0].prompt.join())).size).toBe(PAIRS)
})

it('SmolLM2-135M needs 231 GFLOP for its probes and 670 for a step', () => {
  expect(shapeNames).toContain('smollm2-135m')
  const { probe, step } = flopsOf('smollm2-135m')
  // 106.2 M weights in 30 layers of 576, a vocabulary of 49 152; 852 input tokens and 768 reads, 888 and 512.
  expect(probe.necessary / 1e9).toBeCloseTo(231.4, 0)
  expect(step.necessary / 1e9).toBeCloseTo(670, -1)
})
