/**
 * The Backend contract on TensorFlow.js: a program is a plan of tf ops (lower/), and a run carries it out (run/).
 *
 * tfjs computes on the calling thread on every backend for Node: while a run lasts, no timer or socket of this thread
 * is served; `spawnBackend` of @ldyn/tensor/node gives it a thread of its own.
 */
import {
  composites, finiteOf, holdings, type Backend, type CompositeName, type Executable,
} from '@ldyn/tensor'
import { composites as lowerings } from './lower/composites.ts'
import { lower, prepared } from './lower/program.ts'
import { openEngine } from './load/open.ts'
import type { TfjsOptions } from './options.ts'
import type { Tensor } from './run/engine.ts'
import { interpret } from './run/interpret.ts'
import { tensorOf, valuesOf } from './run/values.ts'

const native = (Object.keys(composites) as CompositeName[]).filter((op) => lowerings[op] !== 'expand')

/**
 * TensorFlow.js as a Backend: on `options.tf` as it is, on the variant that is asked for, or on the best that is
 * installed. Rejects with UnsupportedError, in a sentence that says what to install, where there is none
 * (`available` asks without keeping it).
 */
export async function tfjsBackend(options: TfjsOptions = {}): Promise<Backend> {
  const { engine, device, version } = await openEngine(options)
  const held = holdings<Tensor>('tfjs', {
    put: (value) => engine.within(() => tensorOf(engine, value, value.data)),
    free: (tensor) => void tensor.dispose(),
  })
  const dispose = (): Promise<void> => held.close()

  return {
    name: 'tfjs',
    capabilities: { device, version, composites: native, f64: false },
    async upload(value) {
      held.check()
      return held.handle(value, held.put(value, 'the uploaded tensor'))
    },
    async read(tensor) {
      held.check()
      const { shape, dtype } = tensor
      return { shape, dtype, data: await valuesOf(held.valueOf(tensor, 'tensor'), dtype) }
    },
    async compile(program, options = {}): Promise<Executable> {
      held.check()
      const t0 = performance.now()
      const simple = prepared(program)
      const t1 = performance.now()
      const plan = lower(simple, engine)
      const t2 = performance.now()
      const constants = engine.within(() => plan.constants.map((c) => tensorOf(engine, c, c.data)))
      const stats = {
        simplifyMs: t1 - t0,
        lowerMs: t2 - t1,
        engineMs: performance.now() - t2,
        nodes: plan.steps.length,
      }
      const { inputs, outputs } = plan
      const finite = finiteOf(outputs)
      return held.executable(program, {
        inputs, outputs, stats,
        async run(fed) {
          const made = engine.within(() => interpret(engine, plan, constants, fed))
          if (finite < 0 || (await valuesOf(made[finite], 'bool'))[0] !== 0) return made
          for (const tensor of made) tensor.dispose()
          return undefined
        },
        release() {
          for (const tensor of constants) tensor.dispose()
        },
      }, options)
    },
    memory: () => ({ ...held.memory(), pooled: 0 }),
    dispose,
    [Symbol.asyncDispose]: dispose,
  }
}
