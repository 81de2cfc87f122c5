/**
 * Our side of the comparison, as a process that answers the same lines as peer/peer.py:
 *
 *     node ours.js --shape smollm2-135m --threads 2 [--weights DIR] [--no-spin]
 *
 *     matmul N     best of several fp32 N×N products through the backend: ONNX Runtime's own rate
 *     probe        the probe row's evaluation, all per-token statistics of it read back and summed up
 *     dpo          one DPO update on 4 pairs
 *     forward      log-probs of the probe row alone, and
 *     jvp          the same with their change along a direction of all weights
 *     jvp2         the same along two directions at once
 *     dot          the gradient of one token's log-prob, dotted with a direction
 *     release J    lets go of job J's compiled programs and tensors
 *
 * The first run of a job pays for compiling and warming up too; later ones do not. Weights are seeded random unless a
 * directory is given.
 */
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { Ours } from './our-jobs.ts'
import { SHAPES, type ShapeName } from './shapes.ts'

const { values } = parseArgs({
  options: {
    shape: { type: 'string' },
    threads: { type: 'string', default: '2' },
    weights: { type: 'string' },
    'no-spin': { type: 'boolean', default: false },
  },
})
if (!values.shape || !(values.shape in SHAPES))
  throw new Error(`--shape is ${values.shape}; it must be one of ${Object.keys(SHAPES).join(', ')}`)

const say = (value: object): boolean => process.stdout.write(`${JSON.stringify(value)}\n`)

const ours = await Ours.open({
  shape: values.shape as ShapeName,
  threads: Number(values.threads),
  spin: !values['no-spin'],
  weights: values.weights,
})
say(ours.ready)
for await (const line of createInterface({ input: process.stdin })) {
  const job = line.trim()
  if (job === 'quit') break
  if (job === '') continue
  try {
    say({ job, ...(await ours.do(job)) })
  } catch (error) {
    say({ job, error: error instanceof Error ? error.message : String(error) })
  }
}
await ours.dispose()
process.exit(0)
