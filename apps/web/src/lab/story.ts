// What the frame shows, in words: sentences made of the toy's own numbers by fixed rules, never of what one hopes for.
import { argmaxOf, firstOrderThreshold, type MassReport } from '@ldyn/core'
import { plural, show, signed } from '@ldyn/figures'
import type { ToySettings } from './settings.ts'
import { lastUpdate, movedBy, runToy, type Toy } from './toy.ts'

const p = (value: number): string => show(value)
const from = ({ before, after }: { before: number; after: number }): string => `${p(before)} to ${p(after)}`
const percent = (share: number): string => `${show(100 * share)} %`

const ACTIONS: Readonly<Record<ToySettings['push'], string>> = {
  neg: 'pushes y⁻ down',
  pos: 'pulls y⁺ up',
  both: 'pulls y⁺ up and pushes y⁻ down, in the same context',
}

/** Whether mass that the push took from others went to the likeliest class: the squeezing effect. */
export const isSqueeze = ({ takenFromOthers, takenFromY, starShare, up, down }: MassReport): boolean =>
  takenFromOthers > takenFromY && starShare > 0.5 && down > up

const headline = (m: MassReport, toy: Toy, s: ToySettings): string => {
  const updates = plural(s.n, 'update')
  if (s.push === 'pos')
    return `${updates} of pulling y⁺ (class ${s.pos}) took its probability from ${from(m.y)}, and the likeliest class’s from ${from(m.star)}: nothing is squeezed, the peak pays.`
  const [start, now] = [toy.path[toy.sft], toy.path.at(-1)!]
  if (s.push === 'both')
    return `${updates} that pull y⁺ and push y⁻ in the same context: y⁺ ${p(Math.exp(start[s.pos]))} to ${p(Math.exp(now[s.pos]))}, y⁻ ${from(m.y)}, the likeliest other class ${from(m.star)}.`
  const gave = `y⁻ (class ${s.neg}) was pushed ${s.n === 1 ? 'once' : `${s.n} times`} and went from ${from(m.y)}`
  if (isSqueeze(m))
    return `Squeezed: ${gave}, and the likeliest class, which nobody pulled, from ${from(m.star)}. ${m.down} of ${s.V} classes fell${now[s.pos] < start[s.pos] ? `, y⁺ (class ${s.pos}) among them: ${p(Math.exp(start[s.pos]))} to ${p(Math.exp(now[s.pos]))}` : ''}.`
  return `${gave}; the likeliest other class went from ${from(m.star)}. ${m.up} of ${s.V} classes rose, ${m.down} fell.`
}

const flow = (m: MassReport, y: string): string => {
  const taken = m.takenFromY + m.takenFromOthers
  if (taken === 0) return 'No probability moved.'
  return `Of all probability that moved, ${y} itself gave ${percent(m.takenFromY / taken)} and other classes ${percent(m.takenFromOthers / taken)}; the likeliest other class received ${percent(m.starShare)} of it.`
}

/** What the same pushes do without learning y⁻ first. */
const withoutFix = (toy: Toy, s: ToySettings): string => {
  const bare = runToy({ ...s, ext: 0 })
  const [now, other] = [toy.path.at(-1)!, bare.path.at(-1)!]
  const [here, there] = [argmaxOf(now), argmaxOf(other)]
  return `Without learning y⁻ first the same ${plural(s.n, 'update')} would have taken the likeliest class to ${p(Math.exp(other[there]))} and y⁺ to ${p(Math.exp(other[s.pos]))}; now it is at ${p(Math.exp(now[here]))}, and y⁺ at ${p(Math.exp(now[s.pos]))}.`
}

/** Sentences about the whole, most important first. */
export const storyOf = (toy: Toy, s: ToySettings): readonly string[] => {
  const moved = movedBy(toy, s)
  const start = toy.path[toy.sft]
  if (!moved)
    return [
      `Nothing has been done yet. Every update ${ACTIONS[s.push]}; the likeliest class holds ${p(Math.exp(start[argmaxOf(start)]))}, y⁻ (class ${s.neg}) ${p(Math.exp(start[s.neg]))}.`,
    ]
  const weight = toy.updates.at(-1)!.weight
  return [
    headline(moved, toy, s),
    ...(s.push === 'both' ? [] : [flow(moved, s.push === 'pos' ? 'y⁺' : 'y⁻')]),
    ...(s.push === 'both'
      ? ['The π terms of pull and push cancel here: every class but these two keeps its share of what is left.']
      : []),
    ...(s.ext > 0 && s.push === 'neg' ? [withoutFix(toy, s)] : []),
    ...(s.beta > 0
      ? [
          `DPO weighs each update by β(1 − a): ${p(toy.updates[toy.sft].weight)} at the first, ${p(weight)} at the last${weight < 0.2 * toy.updates[toy.sft].weight ? '. It brakes itself, and the squeeze stays' : ''}.`,
        ]
      : []),
  ]
}

/** What the last update did, and why. */
export const forcesSay = (toy: Toy, s: ToySettings): string => {
  const last = lastUpdate(toy, s.lr)
  if (!last) return 'The first update has not been taken.'
  const { update, before, threshold, residual, predicted, actual } = last
  const norm = Math.hypot(...last.G)
  const squares = Array.from(before).reduce((n, l) => n + Math.exp(2 * l), 0)
  const a = Math.sqrt(before.length - 2 + before.length * squares)
  const top = argmaxOf(before)
  const rule =
    threshold === undefined
      ? ''
      : ` A class rises exactly if it holds more than p_thr = ${show(threshold)} (to first order ‖π‖² − p_y = ${show(firstOrderThreshold(before, update.steps[0].y))}); ${Array.from(before).filter(l => Math.exp(l) > threshold).length} of ${before.length} do.`
  return `Update ${toy.updates.length}: ‖G‖ = ${show(norm)}, ‖A‖ = ${show(a)}, K = ‖x‖² = ${show(toy.xSquared)}. The likeliest class: predicted ${signed(predicted[top])}, actual ${signed(actual[top])} nats; ‖actual − predicted‖ = ${show(residual)} over all classes.${rule}`
}
