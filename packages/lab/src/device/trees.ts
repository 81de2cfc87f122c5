/** Parameters and optimizer state on a backend: trees of device tensors that each update replaces. */
import {
  hostTensor,
  leaves,
  sizeOf,
  unflatten,
  type Backend,
  type DeviceTensor,
  type HostTensor,
  type Leaf,
  type Spec,
  type Tree,
} from '@ldyn/tensor'

export type DeviceTree = Tree<DeviceTensor>

export const disposeTree = (tree: DeviceTree): void => {
  for (const { value } of leaves(tree)) value.dispose()
}

/** Uploads tensors as they come, holding one on the host at a time. */
export async function uploadAll(
  backend: Backend,
  tensors: AsyncIterable<{ path: string; tensor: HostTensor }>,
): Promise<DeviceTree> {
  const entries: Leaf<DeviceTensor>[] = []
  for await (const { path, tensor } of tensors) entries.push({ path, value: await backend.upload(tensor) })
  return unflatten(entries)
}

export async function uploadZeros(backend: Backend, specs: Tree<Spec>): Promise<DeviceTree> {
  const entries: Leaf<DeviceTensor>[] = []
  for (const { path, value } of leaves(specs)) {
    entries.push({
      path,
      value: await backend.upload(hostTensor(new Float32Array(sizeOf(value.shape)), value.shape)),
    })
  }
  return unflatten(entries)
}

/** Reads a tree back leaf by leaf, for a checkpoint. */
export async function* download(
  backend: Backend,
  tree: DeviceTree,
): AsyncGenerator<{ path: string; tensor: HostTensor }> {
  for (const { path, value } of leaves(tree)) yield { path, tensor: await backend.read(value) }
}

/** A scalar output as a number, its handle disposed of. */
export async function takeScalar(backend: Backend, tensor: DeviceTensor): Promise<number> {
  const { data } = await backend.read(tensor)
  tensor.dispose()
  return data[0]
}
