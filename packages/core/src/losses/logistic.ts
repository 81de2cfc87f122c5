/** σ and its derivative as closed forms use them, and the range checks that losses share. */

export const sigma = (x: number): number => 1 / (1 + Math.exp(-x))

/** σ(x)σ(−x). */
export const sigmaSlope = (x: number): number => sigma(x) * sigma(-x)

/** Throws RangeError by name unless the value is above 0. */
export function mustBePositive(loss: string, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values))
    if (!(value > 0)) throw new RangeError(`${loss}: ${name} is ${value}; it must be above 0`)
}

/** Throws RangeError by name unless the value is 0 or more. */
export function mustNotBeNegative(loss: string, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values))
    if (!(value >= 0)) throw new RangeError(`${loss}: ${name} is ${value}; it must be 0 or more`)
}
