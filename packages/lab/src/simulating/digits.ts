/**
 * Digits of our own, drawn: strokes of a few ways to write each, bent, tilted and shifted at random, 28 × 28 pixels as
 * MNIST has them. No image set of handwriting comes with the package and none is fetched; what the eNTK study needs is
 * classes of which some are alike (4 and 9, 3 and 8, 5 and 6) and some are not, and these are.
 */
import { normals, uniform } from '@ldyn/models'

type Point = readonly [number, number]
/** Points in the unit square, x to the right and y down; `smooth` ones are joined by a spline through them. */
interface Stroke {
  readonly points: readonly Point[]
  readonly smooth: boolean
}

/** Points as `x,y` in hundredths. */
const pointsOf = (text: string): Point[] =>
  text.split(' ').map((pair) => pair.split(',').map((n) => Number(n) / 100) as unknown as Point)
const line = (text: string): Stroke => ({ points: pointsOf(text), smooth: false })
const curve = (text: string): Stroke => ({ points: pointsOf(text), smooth: true })

/** For every digit the ways in which it is written. */
const GLYPHS: readonly (readonly (readonly Stroke[])[])[] = [
  [[curve('50,10 28,25 22,50 30,80 50,90 70,80 78,50 72,25 50,10')]],
  [[line('50,10 50,90')], [line('36,26 52,10 52,90'), line('36,90 68,90')]],
  [[curve('25,30 32,15 52,10 72,20 70,40 50,64 25,90'), line('25,90 76,90')]],
  [[curve('27,18 50,10 70,20 66,40 45,48'), curve('45,48 70,56 74,75 52,90 26,82')]],
  [
    [line('34,10 27,55 76,55'), line('66,12 62,90')],
    [line('60,10 22,60 78,60'), line('60,10 60,90')],
  ],
  [[line('71,10 34,10 31,45'), curve('31,45 55,40 74,56 70,80 46,90 25,80')]],
  [[curve('66,12 42,25 29,52 31,78 51,90 70,78 68,58 50,50 32,62')]],
  [
    [line('25,10 76,10 45,90')],
    [line('25,10 76,10 45,90'), line('40,50 68,50')],
  ],
  [
    [
      curve('50,48 31,34 35,15 50,10 66,15 69,34 50,48'),
      curve('50,48 28,64 32,85 50,90 69,85 72,64 50,48'),
    ],
  ],
  [
    [curve('68,30 60,14 43,12 30,28 38,45 56,45 68,30'), line('68,30 64,90')],
    [curve('68,30 60,14 43,12 30,28 38,45 56,45 68,30'), curve('68,30 68,60 60,82 40,90')],
  ],
]

export const IMAGE_SIDE = 28
/** Pixels at every border that a digit stays out of, but for its shift. */
const MARGIN = 4
const SPLINE_STEPS = 8

export interface DigitImages {
  /** [N, 28·28], 0 is paper and 1 ink. */
  readonly pixels: Float32Array
  readonly labels: Int32Array
}

/** `perClass` images of every digit, classes in turn. Another `name` gives other images of the same seed. */
export function drawDigits(perClass: number, seed: number, name = 'train'): DigitImages {
  const count = 10 * perClass
  const pixels = new Float32Array(count * IMAGE_SIDE ** 2)
  const labels = new Int32Array(count)
  for (let i = 0; i < count; i++) {
    labels[i] = i % 10
    draw(pixels.subarray(i * IMAGE_SIDE ** 2, (i + 1) * IMAGE_SIDE ** 2), labels[i], uniform(seed, `${name} ${i}`))
  }
  return { pixels, labels }
}

function draw(image: Float32Array, digit: number, random: () => number): void {
  const ways = GLYPHS[digit]
  const glyph = ways[Math.floor(random() * ways.length)]
  const normal = (): number => normals(1, random, 1)[0]
  const between = (a: number, b: number): number => a + (b - a) * random()
  const [angle, shear, sx, sy] = [0.12 * normal(), 0.15 * normal(), between(0.8, 1.05), between(0.85, 1.05)]
  const [dx, dy, half] = [between(-0.06, 0.06), between(-0.06, 0.06), between(0.03, 0.06)]
  const place = ([x, y]: Point): Point => {
    const [u, v] = [(x - 0.5 + 0.02 * normal()) * sx, (y - 0.5 + 0.02 * normal()) * sy]
    const w = u - shear * v
    return [
      0.5 + dx + w * Math.cos(angle) - v * Math.sin(angle),
      0.5 + dy + w * Math.sin(angle) + v * Math.cos(angle),
    ]
  }
  const segments = glyph.flatMap(({ points, smooth }) => {
    const placed = points.map(place)
    const path = smooth ? spline(placed) : placed
    return path.slice(1).map((to, i) => [path[i], to] as const)
  })
  const pixel = 1 / (IMAGE_SIDE - 2 * MARGIN)
  for (let r = 0; r < IMAGE_SIDE; r++) {
    for (let c = 0; c < IMAGE_SIDE; c++) {
      const at: Point = [(c + 0.5 - MARGIN) * pixel, (r + 0.5 - MARGIN) * pixel]
      const away = Math.min(...segments.map(([a, b]) => distance(at, a, b)))
      // Ink fades over one pixel at a stroke's edge.
      image[r * IMAGE_SIDE + c] = Math.min(1, Math.max(0, 0.5 + (half - away) / pixel))
    }
  }
}

function distance([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  const [dx, dy] = [bx - ax, by - ay]
  const t = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)))
  return Math.hypot(x - ax - t * dx, y - ay - t * dy)
}

/** Catmull–Rom through all points. */
function spline(points: readonly Point[]): Point[] {
  const at = (i: number): Point => points[Math.min(points.length - 1, Math.max(0, i))]
  const path: Point[] = []
  for (let i = 0; i + 1 < points.length; i++) {
    const [a, b, c, d] = [at(i - 1), at(i), at(i + 1), at(i + 2)]
    for (let k = 0; k < SPLINE_STEPS; k++) {
      const t = k / SPLINE_STEPS
      const of = (j: 0 | 1): number =>
        b[j] +
        0.5 * t * (c[j] - a[j] + t * (2 * a[j] - 5 * b[j] + 4 * c[j] - d[j] + t * (3 * (b[j] - c[j]) + d[j] - a[j])))
      path.push([of(0), of(1)])
    }
  }
  return [...path, points.at(-1)!]
}
