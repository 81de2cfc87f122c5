/**
 * Scalar arithmetic in WGSL, to f32's precision wherever the language promises less.
 *
 * WGSL allows tanh an absolute error of 1e-5 and exp one that grows with |x|, has no erf, and lets a compiler assume
 * that there is no NaN. So: exp after Cody and Waite (x = n·ln 2 + r), tanh by Cephes' polynomial near 0 and by exp
 * elsewhere, erf by N. Juffa's two polynomials (below 1 ulp), and NaN told by its bits, that it may travel on.
 */
import type { DType, Node } from '@ldyn/tensor'

export const ZERO: { readonly [K in DType]: string } = { f32: '0.0f', i32: '0i', bool: 'false' }

const functions: { readonly [name: string]: string } = {
  isNaN_: 'fn isNaN_(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }',
  isFinite_: 'fn isFinite_(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u; }',
  maximum_: 'fn maximum_(a: f32, b: f32) -> f32 { return select(select(a, b, a < b), b, isNaN_(b)); }',
  power_: 'fn power_(n: i32) -> f32 { return bitcast<f32>(u32(n + 127) << 23u); }',
  exp_: `fn exp_(x: f32) -> f32 {
  let c = clamp(x, -104.0f, 89.0f);
  let n = round(c * 1.44269504f);
  let r = fma(n, 2.12194440e-4f, fma(n, -0.693359375f, c));
  let k = i32(n);
  return select(exp(r) * power_(k >> 1u) * power_(k - (k >> 1u)), x, isNaN_(x));
}`,
  tanh_: `fn tanh_(x: f32) -> f32 {
  let z = x * x;
  let p = fma(fma(fma(fma(-5.70498872745e-3f, z, 2.06390887954e-2f), z, -5.37397155531e-2f), z, 1.33314422036e-1f), z, -3.33332819422e-1f);
  let far = 1.0f - 2.0f / (exp_(min(2.0f * abs(x), 80.0f)) + 1.0f);
  return select(select(sign(x) * far, fma(x * z, p, x), abs(x) < 0.625f), x, isNaN_(x));
}`,
  erf_: `fn erf_(x: f32) -> f32 {
  let t = min(abs(x), 4.0f);
  let s = t * t;
  var f = fma(fma(-1.72853470e-5f, t, 3.83197126e-4f), s, fma(-3.88396438e-3f, t, 2.42546219e-2f));
  f = fma(fma(fma(fma(f, t, -1.06777877e-1f), t, -6.34846687e-1f), t, -1.28717512e-1f), t, -t);
  var n = fma(fma(fma(-5.96761703e-4f, s, 4.99119423e-3f), s, -2.67681349e-2f), s, 1.12819925e-1f);
  n = fma(fma(n, s, -3.76125336e-1f), s, 1.28379166e-1f);
  return select(select(sign(x) * (1.0f - exp_(f)), fma(n, x, x), t <= 0.927734375f), x, isNaN_(x));
}`,
}

/** The functions above that the text uses, and those that they use. */
export function scalarFunctions(text: string): string {
  const used = new Set<string>()
  const search = (body: string): void => {
    for (const name of Object.keys(functions)) {
      if (!used.has(name) && body.includes(`${name}(`)) {
        used.add(name)
        search(functions[name].slice(functions[name].indexOf('{')))
      }
    }
  }
  search(text)
  return Object.keys(functions).filter((name) => used.has(name)).map((name) => functions[name]).join('\n')
}

/** A number as a literal of its dtype; finite. */
export function literal(value: number, dtype: DType): string {
  if (dtype === 'bool') return value === 0 ? 'false' : 'true'
  if (dtype === 'i32') return value === -2147483648 ? 'i32(-2147483647 - 1)' : `${value}i`
  const rounded = Math.fround(value)
  const text = Object.is(rounded, -0) ? '-0.0' : `${rounded}`
  return `${/[.e]/.test(text) ? text : `${text}.0`}f`
}

const RULES: { readonly [op: string]: (a: string, b: string, c: string) => string } = {
  neg: (a) => `-${a}`, log: (a) => `log(${a})`, sqrt: (a) => `sqrt(${a})`, isFinite: (a) => `isFinite_(${a})`,
  exp: (a) => `exp_(${a})`, tanh: (a) => `tanh_(${a})`, erf: (a) => `erf_(${a})`,
  add: (a, b) => `${a} + ${b}`, sub: (a, b) => `${a} - ${b}`, mul: (a, b) => `${a} * ${b}`, div: (a, b) => `${a} / ${b}`,
  maximum: (a, b) => `maximum_(${a}, ${b})`, less: (a, b) => `${a} < ${b}`, equal: (a, b) => `${a} == ${b}`,
  select: (a, b, c) => `select(${c}, ${b}, ${a})`,
}

/** One element of a pointwise op. */
export function pointwise({ op }: Node, [a, b, c]: readonly string[], from: DType, to: DType): string {
  if (op === 'less' && from === 'bool') return `!${a} && ${b}`
  if (op !== 'cast') return RULES[op](a, b, c)
  if (from === to) return a
  if (to === 'bool') return `${a} != ${ZERO[from]}`
  return from === 'bool' ? `select(${literal(0, to)}, ${literal(1, to)}, ${a})` : `${to}(${a})`
}
