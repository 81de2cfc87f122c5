// How far apart two colours are for eyes of four kinds. Simulated vision: Machado, Oliveira & Fernandes 2009,
// severity 1, in linear RGB. Distance: CIEDE2000 (Sharma, Wu & Dalal 2005), D65. Contrast: WCAG 2.2.

export const VISIONS = ['normal', 'protan', 'deutan', 'tritan'] as const
export type Vision = (typeof VISIONS)[number]

type Triple = readonly [number, number, number]

const matrices: Readonly<Record<Vision, readonly number[]>> = {
  normal: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protan: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deutan: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritan: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
}
const TO_XYZ = [
  0.4124564, 0.3575761, 0.1804375, 0.2126729, 0.7151522, 0.072175, 0.0193339, 0.119192, 0.9503041,
]
const WHITE: Triple = [0.95047, 1, 1.08883]

const times = (m: readonly number[], [a, b, c]: Triple): Triple => [
  m[0] * a + m[1] * b + m[2] * c,
  m[3] * a + m[4] * b + m[5] * c,
  m[6] * a + m[7] * b + m[8] * c,
]
const within = ([a, b, c]: Triple): Triple => {
  const clamp = (value: number): number => Math.min(1, Math.max(0, value))
  return [clamp(a), clamp(b), clamp(c)]
}

/** `#rrggbb` in linear light. */
const linear = (hex: string): Triple => {
  const channel = (at: number): number => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return [channel(1), channel(3), channel(5)]
}

/** L*a*b* of a colour as this vision sees it. */
export const labOf = (hex: string, vision: Vision = 'normal'): Triple => {
  const xyz = times(TO_XYZ, within(times(matrices[vision], linear(hex))))
  const f = (t: number): number => (t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27 / 116) * t + 16 / 116)
  const [x, y, z] = xyz.map((value, i) => f(value / WHITE[i]))
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)]
}

const radians = (degrees: number): number => (degrees * Math.PI) / 180

/** CIEDE2000 between two colours in L*a*b*, all weights 1. */
export const difference = ([l1, a1, b1]: Triple, [l2, a2, b2]: Triple): number => {
  const c = (Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2
  const g = 0.5 * (1 - Math.sqrt(c ** 7 / (c ** 7 + 25 ** 7)))
  const polar = (a: number, b: number): readonly [number, number] => {
    const [own, hue] = [Math.hypot(a * (1 + g), b), (Math.atan2(b, a * (1 + g)) * 180) / Math.PI]
    return [own, hue < 0 ? hue + 360 : hue]
  }
  const [[c1, h1], [c2, h2]] = [polar(a1, b1), polar(a2, b2)]
  const grey = c1 * c2 === 0
  const turn = grey ? 0 : ((((h2 - h1 + 180) % 360) + 360) % 360) - 180
  const [dl, dc, dh] = [l2 - l1, c2 - c1, 2 * Math.sqrt(c1 * c2) * Math.sin(radians(turn / 2))]
  const [l, cm] = [(l1 + l2) / 2, (c1 + c2) / 2]
  const middle = (h1 + h2) / 2
  const h = grey ? h1 + h2 : Math.abs(h1 - h2) <= 180 ? middle : middle < 180 ? middle + 180 : middle - 180
  const t =
    1 -
    0.17 * Math.cos(radians(h - 30)) +
    0.24 * Math.cos(radians(2 * h)) +
    0.32 * Math.cos(radians(3 * h + 6)) -
    0.2 * Math.cos(radians(4 * h - 63))
  const sl = 1 + (0.015 * (l - 50) ** 2) / Math.sqrt(20 + (l - 50) ** 2)
  const [sc, sh] = [1 + 0.045 * cm, 1 + 0.015 * cm * t]
  const turned = 60 * Math.exp(-(((h - 275) / 25) ** 2))
  const rt = -2 * Math.sqrt(cm ** 7 / (cm ** 7 + 25 ** 7)) * Math.sin(radians(turned))
  const [x, y, z] = [dl / sl, dc / sc, dh / sh]
  return Math.sqrt(x * x + y * y + z * z + rt * y * z)
}

/** The distance for whom it is smallest. */
export const apart = (one: string, other: string): { readonly vision: Vision; readonly distance: number } =>
  VISIONS.map(vision => ({ vision, distance: difference(labOf(one, vision), labOf(other, vision)) })).reduce(
    (least, found) => (found.distance < least.distance ? found : least),
  )

const luminance = (hex: string): number => {
  const [r, g, b] = linear(hex)
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}
/** WCAG contrast ratio, 1 to 21. */
export const contrast = (one: string, other: string): number => {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}
