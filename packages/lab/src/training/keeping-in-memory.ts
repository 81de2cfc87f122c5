/**
 * What a session keeps, in the memory of a page: the newest weights with their optimizer's state, on the host, so that
 * a session that lost its device goes on with another, and the references.
 */
import { leaves, unflatten, type Backend, type DeviceTensor, type HostTensor, type Leaf } from '@ldyn/tensor'
import type { DeviceTree } from '../device/trees.ts'
import type { Kept, Keeping } from './keeping.ts'
import type { ReferenceLogps } from './reference.ts'

type HostLeaves = readonly Leaf<HostTensor>[]

export interface KeepingInMemory extends Keeping {
  /** The newest place that was kept. */
  readonly newest: Kept | undefined
  /** The same for a session on another backend, which goes on from there. */
  on(backend: Backend): KeepingInMemory
}

interface Held {
  at?: Kept
  params: HostLeaves
  state: HostLeaves
  readonly references: Map<string, ReferenceLogps>
}

export const keepingInMemory = (backend: Backend): KeepingInMemory =>
  over(backend, { params: [], state: [], references: new Map() })

const over = (backend: Backend, held: Held): KeepingInMemory => {
  const down = async (tree: DeviceTree): Promise<HostLeaves> => {
    const found: Leaf<HostTensor>[] = []
    for (const { path, value } of leaves(tree)) found.push({ path, value: await backend.read(value) })
    return found
  }
  const up = async (list: HostLeaves): Promise<DeviceTree> => {
    const found: Leaf<DeviceTensor>[] = []
    for (const { path, value } of list) found.push({ path, value: await backend.upload(value) })
    return unflatten(found) as DeviceTree
  }
  return {
    get newest() {
      return held.at
    },
    on: (other) => over(other, held),
    async load() {
      if (!held.at) throw new RangeError('keepingInMemory: nothing was kept yet')
      return { params: await up(held.params), state: await up(held.state) }
    },
    reference: async (stage) => held.references.get(stage),
    keepReference: async (stage, reference) => void held.references.set(stage, reference),
    async save({ step, stage, update, stageEnd }, { params, state }) {
      // Both are read before either replaces what is held: a device may be lost in between.
      const [weights, slots] = [await down(params), await down(state)]
      held.params = weights
      held.state = slots
      held.at = { step, stage, update, stageEnd }
      return undefined
    },
  }
}
