/** Random tensors that are the same in every run. */
import {
  hostTensor,
  inputSpecs,
  sizeOf,
  unflatten,
  type HostTensor,
  type Program,
  type Spec,
  type Tree,
} from '@ldyn/tensor'

/** Uniform numbers in [0, 1) from a seed (mulberry32). */
export function uniform(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Normal f32 of the given deviation, masks, or indices below 3. */
export function randomTensor(s: Spec, random: () => number, deviation = 1): HostTensor {
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const draw = {
    f32: () => Math.fround(deviation * normal()),
    i32: () => Math.floor(3 * random()),
    bool: () => (random() < 0.5 ? 1 : 0),
  }
  return hostTensor(Array.from({ length: sizeOf(s.shape) }, draw[s.dtype]), s.shape, s.dtype)
}

/** Every input of the program. */
export function inputsOf(program: Program, seed: number, deviation = 0.4): Tree<HostTensor> {
  const random = uniform(seed)
  const values = inputSpecs(program).map(({ path, value }) => ({
    path,
    value: randomTensor(value, random, deviation),
  }))
  return unflatten(values)
}
