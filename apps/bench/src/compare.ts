/**
 * The comparison at one shape: three phases, each of a warm-up and `repeat` rounds in which the sides take turns.
 *
 *     probes   matmul and the probe row: ours; theirs in one batch, and one by one as the released code does it
 *     jvp      ours alone: the probe row's log-probs, and their change along one and along two directions of all
 *              weights; and the gradient of one token dotted with a direction
 *     steps    matmul and a DPO update, ours and theirs from the same weights on the same pairs
 *
 * The peer with the released code's V-sized intermediates is slower yet and runs RELEASED_ROUNDS times only. Its DPO
 * updates come after all others, since each moves the weights that the sides are compared on.
 */
import { buildModel } from '@ldyn/models'
import { forwardFlops, workOf, type Flops } from './flops.ts'
import type {
  Answer, CompiledProgram, CountedFlops, Engaged, MatmulAnswer, ProbeAnswer, Ready, StepAnswer,
} from './protocol.ts'
import { PAIRS, PROBE_RESPONSES, PROMPT, RESPONSE, SHAPES, type ShapeName } from './shapes.ts'
import type { Side } from './side.ts'
import { deviation } from './statistics.ts'

const MATMUL = 'matmul 2048'
export const RELEASED_ROUNDS = 2
export const JVP_ROUNDS = 4
const JVP_JOBS = ['forward', 'jvp', 'jvp2', 'dot']

/** A job's timed runs, warm-up not among them, and the most memory that any of them held. */
export interface Timing {
  readonly seconds: readonly number[]
  readonly peakRssMb: number
}

export interface OurTiming extends Timing {
  readonly engineSeconds: readonly number[]
  /** What the first run paid once: tracing, compiling, the engine's warm-up. */
  readonly onceSeconds: number
  /** The programs that were compiled for it. */
  readonly compiled: readonly CompiledProgram[]
}

/** |ours − theirs| / |theirs|, the largest of all rounds. */
export type Agreement = Readonly<Record<string, number>>

export interface ShapeResult {
  readonly shape: ShapeName
  readonly ours: {
    readonly ready: Ready
    /** GFLOP/s of each round. */
    readonly matmul: readonly number[]
    readonly probe: OurTiming
    readonly step: OurTiming
    readonly forward: OurTiming
    readonly jvp: OurTiming
    /** Along two directions at once. */
    readonly jvp2: OurTiming
    /** One token's gradient and its dot with a direction. */
    readonly dot: OurTiming
  }
  readonly theirs?: {
    readonly ready: Ready
    readonly matmul: readonly number[]
    readonly probeBatch: Timing
    readonly probeEach: Timing
    readonly probeReleased: Timing
    readonly step: Timing
    readonly stepReleased: Timing
  }
  readonly flops: { readonly probe: Flops; readonly step: Flops }
  readonly agreement: Agreement
  /** CPU seconds that a side used while the other one worked, over the seconds of that work. */
  readonly idleCpuShare: number | undefined
}

/** FLOPs of the shape's two jobs. */
export function flopsOf(shape: ShapeName): { probe: Flops; step: Flops } {
  const model = buildModel(SHAPES[shape])
  const row = (responses: number) => ({ prompt: PROMPT, responses: Array<number>(responses).fill(RESPONSE) })
  const forward = forwardFlops(model, workOf(Array.from({ length: PAIRS }, () => row(2))))
  return {
    probe: forwardFlops(model, workOf([row(PROBE_RESPONSES)])),
    step: { necessary: 3 * forward.necessary, wholeSquares: 3 * forward.wholeSquares },
  }
}

/** Asks one side while it watches that the other one sleeps. */
class Turns {
  private busy = 0
  private disturbed = 0
  private readonly sides: readonly Side[]
  constructor(sides: readonly Side[]) {
    this.sides = sides
  }

  async ask<A extends Answer>(side: Side, job: string): Promise<A> {
    const others = this.sides.filter((s) => s !== side)
    const used = (): number => others.reduce((n, s) => n + (s.cpuSeconds() ?? 0), 0)
    const before = used()
    const from = performance.now()
    const answer = await side.ask<A>(job)
    this.disturbed += used() - before
    this.busy += (performance.now() - from) / 1000
    return answer
  }

  get idleCpuShare(): number | undefined {
    return this.sides.length > 1 && this.sides[0].cpuSeconds() !== undefined ? this.disturbed / this.busy : undefined
  }
}

const timing = (answers: readonly Answer[]): Timing => ({
  seconds: answers.slice(1).map((a) => a.seconds),
  peakRssMb: Math.max(...answers.map((a) => a.peak_rss_mb)),
})

/** `prepares`: the job's preparation is compiling alone, and so is part of what is paid once. */
function ourTiming(answers: readonly (Answer & Engaged)[], prepares: boolean): OurTiming {
  const [first, ...rest] = answers
  const warm = Math.min(...rest.map((a) => a.seconds))
  return {
    ...timing(answers),
    engineSeconds: rest.map((a) => a.engine_seconds),
    onceSeconds: first.seconds - warm + (prepares ? first.prepare_seconds : 0),
    compiled: prepares ? first.compiled : first.compiled.slice(-1),
  }
}

const gflops = (answers: readonly MatmulAnswer[]): number[] => answers.map((a) => a.gflops)

function largest(pairs: readonly (readonly [ours: number, theirs: number])[]): number {
  return Math.max(...pairs.map(([a, b]) => deviation(a, b)))
}

/** What both sides report of probes by the same definition. */
const SHARED = ['logp', 'argmax_logp', 'rest_logp', 'energy', 'p_e'] as const

/**
 * Runs one shape. `say` hears what is going on. Throws an Error where a side fails, and where the sides do not have
 * the same model or do not count the same necessary FLOPs.
 */
export async function compare(
  shape: ShapeName,
  ours: Side,
  theirs: Side | undefined,
  repeat: number,
  say: (what: string) => void = () => {},
): Promise<ShapeResult> {
  const flops = flopsOf(shape)
  if (theirs && theirs.ready.parameters !== ours.ready.parameters)
    throw new Error(`${shape} has ${ours.ready.parameters} parameters here and ${theirs.ready.parameters} in the peer`)
  const turns = new Turns(theirs ? [ours, theirs] : [ours])
  const lists = new Map<string, Answer[]>()
  const ask = async (side: Side, job: string): Promise<void> => {
    const key = `${side.name} ${job}`
    lists.set(key, [...(lists.get(key) ?? []), await turns.ask(side, job)])
  }
  const of = <A extends Answer>(side: Side, job: string): A[] => (lists.get(`${side.name} ${job}`) ?? []) as A[]
  type Ours = Answer & Engaged

  for (let round = 0; round <= repeat; round++) {
    say(`probes, ${round === 0 ? 'warming up' : `${round} of ${repeat}`}`)
    for (const job of [MATMUL, 'probe']) await ask(ours, job)
    if (theirs) for (const job of [MATMUL, 'probe12', 'probe']) await ask(theirs, job)
    if (theirs && round <= RELEASED_ROUNDS) await ask(theirs, 'probe released')
  }
  await ours.ask('release probe')
  for (let round = 0; round <= Math.min(repeat, JVP_ROUNDS); round++) {
    say(`jvp, ${round === 0 ? 'warming up' : `${round} of ${Math.min(repeat, JVP_ROUNDS)}`}`)
    for (const job of JVP_JOBS) await ask(ours, job)
  }
  for (const job of JVP_JOBS) await ours.ask(`release ${job}`)
  for (let round = 0; round <= repeat; round++) {
    say(`steps, ${round === 0 ? 'warming up' : `${round} of ${repeat}`}`)
    for (const side of theirs ? [ours, theirs] : [ours]) for (const job of [MATMUL, 'dpo']) await ask(side, job)
  }
  for (let round = 0; theirs && round <= RELEASED_ROUNDS; round++) {
    say(`steps the released way, ${round === 0 ? 'warming up' : `${round} of ${RELEASED_ROUNDS}`}`)
    await ask(theirs, 'dpo released')
  }

  const probes = of<ProbeAnswer & Ours>(ours, 'probe')
  const steps = of<StepAnswer & Ours>(ours, 'dpo')
  let agreement: Agreement = {}
  if (theirs) {
    const their = { probes: of<ProbeAnswer & CountedFlops>(theirs, 'probe12'), steps: of<StepAnswer & CountedFlops>(theirs, 'dpo') }
    sameCount(shape, 'probe', flops.probe, their.probes[0])
    sameCount(shape, 'step', flops.step, their.steps[0])
    const ofProbes = (key: string) => largest(probes.map((p, i) => [p.mean[key], their.probes[i].mean[key]]))
    const ofSteps = (value: (s: StepAnswer) => number) =>
      largest(steps.map((s, i) => [value(s), value(their.steps[i])]))
    agreement = {
      ...Object.fromEntries(SHARED.map((key) => [`probe ${key}`, ofProbes(key)])),
      'DPO loss': ofSteps((s) => s.loss),
      'DPO grad_norm': ofSteps((s) => s.grad_norm),
      'DPO logp': ofSteps((s) => s.mean.logp),
    }
  }
  return {
    shape,
    ours: {
      ready: ours.ready,
      matmul: gflops(of(ours, MATMUL)),
      probe: ourTiming(probes, true),
      step: ourTiming(steps, false),
      forward: ourTiming(of(ours, 'forward'), true),
      jvp: ourTiming(of(ours, 'jvp'), true),
      jvp2: ourTiming(of(ours, 'jvp2'), true),
      dot: ourTiming(of(ours, 'dot'), true),
    },
    theirs: theirs && {
      ready: theirs.ready,
      matmul: gflops(of(theirs, MATMUL)),
      probeBatch: timing(of(theirs, 'probe12')),
      probeEach: timing(of(theirs, 'probe')),
      probeReleased: timing(of(theirs, 'probe released')),
      step: timing(of(theirs, 'dpo')),
      stepReleased: timing(of(theirs, 'dpo released')),
    },
    flops,
    agreement,
    idleCpuShare: turns.idleCpuShare,
  }
}

function sameCount(shape: ShapeName, job: string, { necessary }: Flops, { flops }: CountedFlops): void {
  if (necessary !== flops.necessary)
    throw new Error(`a ${job} at ${shape} needs ${necessary} FLOPs as counted here and ${flops.necessary} as the peer counts`)
}
