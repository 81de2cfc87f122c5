/** Sessions of ONNX Runtime, made once for equal programs and kept while an executable uses them. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { byteSize, DeviceError, hash, UnsupportedError, type CompileStats, type Program } from '@ldyn/tensor'
import type { InferenceSession } from 'onnxruntime-node'
import { dialectOf } from '../lower/dialect.ts'
import { lower, prepared, type Lowered } from '../lower/program.ts'
import { encodeModel } from '../proto/onnx.ts'
import type { Engine } from './engine.ts'
import type { Handover } from './handover.ts'
import { sessionOptions, type OnnxOptions } from './options.ts'

export interface Compiled {
  readonly session: InferenceSession
  readonly lowered: Lowered
  readonly stats: CompileStats
}

export interface Sessions {
  /** A session for the program, shared with every equal program. Give it back with `release`. */
  acquire(program: Program): Promise<{ compiled: Compiled; release(): Promise<void> }>
  /** How many are open. */
  count(): number
  dispose(): Promise<void>
}

interface Slot {
  readonly made: Promise<Compiled>
  users: number
}

export function sessions(ort: Engine, results: Handover, options: OnnxOptions): Sessions {
  const slots = new Map<string, Slot>()
  const dialect = dialectOf(options.executionProvider ?? 'cpu')

  async function compile(program: Program, key: string): Promise<Compiled> {
    const t0 = performance.now()
    const simple = prepared(program, dialect)
    const t1 = performance.now()
    const lowered = lower(simple, { dialect })
    const outputBytes = lowered.outputs.reduce((n, o) => n + byteSize(o.spec), 0)
    const bytes = encodeModel(results.prepare(lowered.graph, outputBytes))
    if (options.saveTo !== undefined) {
      mkdirSync(options.saveTo, { recursive: true })
      writeFileSync(join(options.saveTo, `${key}.onnx`), bytes)
    }
    const t2 = performance.now()
    const session = await create(bytes, lowered)
    const t3 = performance.now()
    return {
      session,
      lowered,
      stats: { simplifyMs: t1 - t0, lowerMs: t2 - t1, engineMs: t3 - t2, nodes: lowered.graph.nodes.length },
    }
  }

  async function create(bytes: Uint8Array, lowered: Lowered): Promise<InferenceSession> {
    try {
      return await ort.InferenceSession.create(bytes, sessionOptions(options, lowered.recomputes))
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      const wanting = /NOT_IMPLEMENTED|Could not find an implementation/.test(reason)
      throw new (wanting ? UnsupportedError : DeviceError)(`ONNX Runtime did not take the program: ${reason}`)
    }
  }

  return {
    async acquire(program) {
      const key = hash(program)
      let slot = slots.get(key)
      if (!slot) {
        slot = { made: compile(program, key), users: 0 }
        slots.set(key, slot)
      }
      const mine = slot
      mine.users++
      let held = true
      const release = async (): Promise<void> => {
        if (!held) return
        held = false
        if (--mine.users > 0) return
        if (slots.get(key) === mine) slots.delete(key)
        await (await mine.made).session.release()
      }
      try {
        return { compiled: await mine.made, release }
      } catch (error) {
        slots.delete(key)
        throw error
      }
    },
    count: () => slots.size,
    async dispose() {
      const all = [...slots.values()]
      slots.clear()
      for (const slot of all)
        await slot.made.then(
          ({ session }) => session.release(),
          () => undefined,
        )
    },
  }
}
