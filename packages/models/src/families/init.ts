/**
 * Random parameters from a seed, as GPT-2 was initialised (Radford et al. 2019, §2.3; nanoGPT): normal with
 * deviation 0.02, maps that write to the residual divided by √(2·layers), biases 0, norms 1.
 *
 * Every tensor has a generator of its own, seeded by the seed and its path, so that a tensor's values depend
 * on nothing else in the model. The generator is sfc32; the normals are Box–Muller in f64, rounded to f32.
 */
import { leaves, mapTree, sizeOf, type HostTensor, type Spec, type Tree } from '@ldyn/tensor'

/** Uniform numbers in [0, 1) from a seed and a name. */
export function uniform(seed: number, name: string): () => number {
  let [a, b, c, d] = [seed >>> 0, 0x9e3779b9, 0x85ebca6b, 1]
  for (const ch of `${name}\0`) b = Math.imul(b ^ ch.codePointAt(0)!, 0x01000193)
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + t) | 0
    return (t >>> 0) / 4294967296
  }
  for (let i = 0; i < 16; i++) next()
  return next
}

/** Standard normals, two from each pair of uniforms. */
export function normals(count: number, random: () => number, deviation: number): Float32Array {
  const out = new Float32Array(count)
  for (let i = 0; i < count; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - random()))
    const angle = 2 * Math.PI * random()
    out[i] = radius * Math.cos(angle)
    if (i + 1 < count) out[i + 1] = radius * Math.sin(angle)
  }
  return out
}

const isNorm = (path: string): boolean => /(^|\.)(norm|attnNorm|mlpNorm)\.w$/.test(path)
const writesResidual = (path: string): boolean => /\.(attn\.out|mlp\.down)\.w$/.test(path)

/** Parameters of a model as host tensors, the same for the same seed on every machine. */
export function initParams(model: { readonly params: Tree<Spec> }, seed: number): Tree<HostTensor> {
  const layers = new Set(leaves(model.params).map(({ path }) => /^layers\.(\d+)\./.exec(path)?.[1])).size - 1
  return mapTree<Spec, HostTensor>(model.params, ({ shape, dtype }, path) => {
    const count = sizeOf(shape)
    if (shape.length === 1) return { shape, dtype, data: new Float32Array(count).fill(isNorm(path) ? 1 : 0) }
    const deviation = writesResidual(path) ? 0.02 / Math.sqrt(2 * layers) : 0.02
    return { shape, dtype, data: normals(count, uniform(seed, path), deviation) }
  })
}
