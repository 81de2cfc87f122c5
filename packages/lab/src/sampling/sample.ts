/**
 * Sampling from a model: exact ancestral sampling by Gumbel's trick, argmax(z/T + g) with g = −ln(−ln u) made on the
 * host from a seed, so that nothing V-sized is read back and a seed gives the same text again.
 *
 * Every token is a full forward pass over the sequences so far (no KV cache), in a few bucketed lengths.
 */
import { traceAs, type CausalLM } from '@ldyn/core'
import {
  add,
  argmax,
  f32,
  hostTensor,
  i32,
  matmul,
  mul,
  reshape,
  take,
  type Backend,
  type DeviceTensor,
  type Executable,
  type Program,
  type Tensor,
  type Tree,
} from '@ldyn/tensor'
import { random } from '../training/order.ts'

export interface SampleOptions {
  /** New tokens at most; a sequence ends earlier at `eos`. */
  readonly maxTokens: number
  /** 1 samples the model's own distribution; 0 is greedy. */
  readonly temperature: number
  readonly seed: number
  readonly eos?: number
  /** Sequences a forward pass. */
  readonly batch?: number
  readonly progress?: (done: number, total: number) => void
}

interface NextInputs {
  readonly params: Tree<Tensor>
  readonly tokens: Tensor
  readonly positions: Tensor
  readonly segments: Tensor
  readonly last: Tensor
  readonly noise: Tensor
  readonly scale: Tensor
}

/** {params, tokens…, last i32 [B], noise [B,V], scale} → {next: i32 [B]}: argmax(z·scale + noise) at each row's end. */
function nextTokenProgram(model: CausalLM, rows: number, length: number): Program {
  const build = ({ params, tokens, positions, segments, last, noise, scale }: NextInputs): Tree<Tensor> => {
    const hidden = model.hidden(params, { tokens, positions, segments })
    const z = matmul(take(reshape(hidden, [-1, model.width]), last), model.head(params), false, true)
    return { next: argmax(add(mul(z, scale), noise)) }
  }
  const grid = i32(rows, length)
  const specs = {
    params: model.params,
    tokens: grid,
    positions: grid,
    segments: grid,
    last: i32(rows),
    noise: f32(rows, model.vocab),
    scale: f32(),
  }
  return traceAs<NextInputs>(build, specs)
}

const LENGTH_STEP = 64

/** Continues every prompt; returns the new tokens, without `eos`. Throws RangeError where a prompt is empty. */
export async function sample(
  backend: Backend,
  model: CausalLM,
  params: Tree<DeviceTensor>,
  prompts: readonly Int32Array[],
  options: SampleOptions,
): Promise<Int32Array[]> {
  const { batch = 8, progress = () => {} } = options
  if (prompts.some((p) => p.length === 0))
    throw new RangeError('sample: a prompt is empty; nothing predicts its first token')
  const next = random(options.seed)
  const results: Int32Array[] = new Array(prompts.length)
  const order = prompts.map((_, i) => i).sort((a, b) => prompts[a].length - prompts[b].length)
  const programs = new Map<number, Executable>()
  try {
    for (let from = 0; from < order.length; from += batch) {
      const group = order.slice(from, from + batch)
      const texts = group.map((i) => [...prompts[i]])
      const open = new Set(group.map((_, k) => k))
      while (open.size > 0) {
        const longest = Math.max(...[...open].map((k) => texts[k].length))
        const length = Math.min(model.context, Math.ceil(longest / LENGTH_STEP) * LENGTH_STEP)
        let executable = programs.get(length)
        if (!executable)
          programs.set(length, (executable = await backend.compile(nextTokenProgram(model, batch, length))))
        const chosen = await step(backend, executable, params, texts, {
          batch,
          length,
          vocab: model.vocab,
          temperature: options.temperature,
          next,
        })
        for (const k of open) {
          const id = chosen[k]
          const made = texts[k].length - prompts[group[k]].length + 1
          if (id !== options.eos) texts[k].push(id)
          if (id === options.eos || made >= options.maxTokens || texts[k].length >= model.context) open.delete(k)
        }
      }
      group.forEach((i, k) => (results[i] = Int32Array.from(texts[k].slice(prompts[i].length))))
      progress(Math.min(order.length, from + batch), order.length)
    }
    return results
  } finally {
    for (const executable of programs.values()) executable.dispose()
  }
}

interface StepShape {
  readonly batch: number
  readonly length: number
  readonly vocab: number
  readonly temperature: number
  readonly next: () => number
}

async function step(
  backend: Backend,
  executable: Executable,
  params: Tree<DeviceTensor>,
  texts: readonly (readonly number[])[],
  { batch, length, vocab, temperature, next }: StepShape,
): Promise<HostIds> {
  const tokens = new Int32Array(batch * length)
  const positions = Int32Array.from({ length: batch * length }, (_, i) => i % length)
  const last = new Int32Array(batch)
  texts.forEach((ids, k) => {
    const kept = ids.slice(0, length)
    tokens.set(kept, k * length)
    last[k] = k * length + kept.length - 1
  })
  const noise = new Float32Array(batch * vocab)
  if (temperature > 0)
    for (let i = 0; i < noise.length; i++) noise[i] = -Math.log(-Math.log((next() * 4294967296 + 0.5) / 4294967297))
  const grid = [batch, length]
  const out = (await executable.run({
    params,
    tokens: hostTensor(tokens, grid, 'i32'),
    positions: hostTensor(positions, grid, 'i32'),
    segments: hostTensor(new Int32Array(batch * length), grid, 'i32'),
    last: hostTensor(last, [batch], 'i32'),
    noise: { shape: [batch, vocab], dtype: 'f32', data: noise },
    scale: temperature > 0 ? 1 / temperature : 1,
  })) as { next: DeviceTensor }
  const { data } = await backend.read(out.next)
  out.next.dispose()
  return data
}

type HostIds = ArrayLike<number>
