/** LBK and SignDelta as the paper defines them, between two states of a model (core's kernel/proxies.ts). */
import { changeProgram, definedProxies, evaluateProgram, type CausalLM, type Proxies } from '@ldyn/core'
import type { Backend } from '@ldyn/tensor'
import type { Sequence } from '../tokens/tokenise.ts'
import type { DeviceTree } from '../device/trees.ts'
import { holding, packedSide, type Progress } from './side.ts'
import { valuesOf } from '../device/programs.ts'

export interface ProxyRequest {
  readonly backend: Backend
  readonly model: CausalLM
  readonly before: DeviceTree
  readonly after: DeviceTree
  readonly observe: readonly Sequence[]
  /** ‖G_l‖ of the update's tokens, before: |∂L/∂log π_l|·‖π − e_y‖; for SFT on one response just ‖π − e_y‖. */
  readonly gNorms: ArrayLike<number>
  readonly progress?: Progress
}

/** One pair of figures for every observed response. */
export async function definedProxiesOf(request: ProxyRequest): Promise<Proxies[]> {
  const { backend, model, before, after, observe, gNorms, progress = () => {} } = request
  const shape = holding(observe.map((s) => packedSide([s]).shape))
  using change = await backend.compile(changeProgram(model, shape))
  using evaluate = await backend.compile(evaluateProgram(model, shape))
  const found: Proxies[] = []
  for (const sequence of observe) {
    progress(found.length, observe.length)
    const batch = packedSide([sequence], shape).reads
    const cut = (x: ArrayLike<number>): number[] => Array.from(x).slice(0, sequence.response.length)
    const { squares, sums } = await valuesOf(backend, change, { before, after, batch })
    const { piSquared } = await valuesOf(backend, evaluate, { params: before, batch })
    found.push(
      definedProxies({
        squares: cut(squares),
        sums: cut(sums),
        piSquared: cut(piSquared),
        gNorms,
        vocab: model.vocab,
      }),
    )
  }
  progress(observe.length, observe.length)
  return found
}

/** ‖π − e_y‖ of every token of one response: the G norms of SFT on it. */
export async function sftGNorms(
  { backend, model }: Pick<ProxyRequest, 'backend' | 'model'>,
  params: DeviceTree,
  sequence: Sequence,
): Promise<number[]> {
  const side = packedSide([sequence])
  using executable = await backend.compile(evaluateProgram(model, side.shape))
  const { pError } = await valuesOf(backend, executable, { params, batch: side.reads })
  return Array.from(pError)
}
