import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  exp,
  f32,
  hostTensor,
  inputSpecs,
  leaves,
  matmul,
  outputSpecs,
  trace,
  TraceError,
  type HostTensor,
  type Program,
} from '@ldyn/tensor'
import { evaluate } from '@ldyn/tensor/reference'
import * as ort from 'onnxruntime-node'
import { afterAll, describe, expect, it } from 'vitest'
import { toOnnx } from '../src/index.ts'
import { forward, gradient, step } from './block.ts'
import { inputsOf } from './random.ts'

const folder = mkdtempSync(join(tmpdir(), 'ldyn-onnx-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A Python that has onnx: LDYN_PYTHON, else python3. */
const python = [process.env.LDYN_PYTHON, 'python3'].find(
  (p) => p !== undefined && spawnSync(p, ['-c', 'import onnx']).status === 0,
)
if (python === undefined)
  console.warn('onnx.checker is not run: no Python with onnx found (set LDYN_PYTHON to one)')

const CHECK =
  'import sys, onnx; onnx.checker.check_model(sys.argv[1], full_check=True); print(onnx.load(sys.argv[1], load_external_data=False).graph.name)'
const checked = (file: string): string =>
  execFileSync(python!, ['-c', CHECK, file], { encoding: 'utf8' }).trim()

const programs: [string, Program][] = [
  ['forward', forward()],
  ['gradient', gradient()],
  ['checkpointed', gradient(true)],
  ['step', step()],
  ['root', trace((x) => exp(x), f32())],
]

describe('a program as an .onnx file', () => {
  it.skipIf(python === undefined).each(programs)(
    '%s is accepted by onnx.checker, shapes inferred',
    (name, program) => {
      const file = join(folder, `${name}.onnx`)
      writeFileSync(file, toOnnx(program, { name, docs: 'a test' }))
      expect(checked(file)).toBe(name)
    },
  )

  it('names inputs and outputs by their paths; an output with the path of an input is <path>.out', async () => {
    const program = step()
    const session = await ort.InferenceSession.create(toOnnx(program))
    expect(session.inputNames).toEqual(inputSpecs(program).map((i) => i.path))
    const taken = new Set(session.inputNames)
    expect(session.outputNames).toEqual(
      outputSpecs(program).map((o) => (taken.has(o.path) ? `${o.path}.out` : o.path)),
    )
    const root = await ort.InferenceSession.create(toOnnx(programs[4][1]))
    expect([...root.inputNames, ...root.outputNames]).toEqual(['input', 'output'])
  })

  it('runs in ONNX Runtime as it is, to the values of the reference', async () => {
    const program = forward()
    const inputs = inputsOf(program, 9)
    const session = await ort.InferenceSession.create(toOnnx(program))
    const feeds = Object.fromEntries(leaves(inputs).map(({ path, value }) => [path, ortTensor(value)]))
    const { output } = await session.run(feeds)
    const want = evaluate(program, inputs) as HostTensor
    Array.from(output.data as Float32Array).forEach((v, i) => expect(v).toBeCloseTo(want.data[i], 5))
  })
})

describe('weights that belong to the model', () => {
  const program = trace(({ x, w }) => matmul(x, w), { x: f32(1, 16), w: f32(16, 64) })
  const w = hostTensor(
    Array.from({ length: 1024 }, (_, i) => i),
    [16, 64],
  )
  const x = new ort.Tensor(
    'float32',
    Float32Array.from({ length: 16 }, (_, i) => (i === 3 ? 1 : 0)),
    [1, 16],
  )

  it('are inputs no more', async () => {
    const session = await ort.InferenceSession.create(toOnnx(program, { weights: { w } }))
    expect(session.inputNames).toEqual(['x'])
    expect((await session.run({ x })).output.data[5]).toBe(3 * 64 + 5)
  })

  it('can lie in a file beside it', async () => {
    const pieces: Uint8Array[] = []
    const model = toOnnx(program, {
      name: 'outside',
      weights: { w },
      external: { file: 'outside.bin', write: (b) => pieces.push(b.slice()) },
    })
    expect(model.length).toBeLessThan(1000)
    const file = join(folder, 'outside.onnx')
    writeFileSync(file, model)
    writeFileSync(join(folder, 'outside.bin'), Buffer.concat(pieces))
    if (python !== undefined) expect(checked(file)).toBe('outside')
    const session = await ort.InferenceSession.create(file)
    expect((await session.run({ x })).output.data[5]).toBe(3 * 64 + 5)
  })

  it('must fit', () => {
    expect(() => toOnnx(program, { weights: { y: w } })).toThrow(/has 'y', which is no input; there are x, w/)
    expect(() => toOnnx(program, { weights: { w: hostTensor([1], [1]) } })).toThrow(TraceError)
  })
})

const ortTensor = ({ dtype, data, shape }: HostTensor): ort.Tensor =>
  dtype === 'i32'
    ? new ort.Tensor('int32', data as Int32Array, shape)
    : new ort.Tensor('float32', Float32Array.from(data), shape)
