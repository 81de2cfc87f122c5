/** `ldyn sim`: toy worlds small enough to see everything, recorded as ordinary runs. */
import { Option, type Command } from 'commander'
import type { Context } from '../context.ts'
import { positive } from '../contract/arguments.ts'
import { CliError } from '../contract/errors.ts'
import { examples } from '../program.ts'

// See train.ts for why these are functions of their own.
const loadSqueeze = () => import('../sim/squeeze.ts')
const loadFinetune = () => import('../sim/finetune.ts')
const loadDigits = () => import('../sim/digits.ts')

/** Names of core's cases, spelled here so that the help needs no math. */
const CASES = ['A', 'B', 'C', 'D', "D'", 'E'] as const

export interface SqueezeFlags {
  readonly case: (typeof CASES)[number]
  readonly steps: number
  readonly vocab?: number
  readonly features?: number
  readonly lr?: number
  readonly seed?: number
  readonly out?: string
}

export interface FinetuneFlags {
  readonly stages: string
  readonly steps: number
  readonly lr?: number
  readonly beta: number
  readonly vocab: number
  readonly contexts: number
  readonly features: number
  readonly hidden: number
  readonly peak: number
  readonly similarity: number
  readonly divergence: number
  readonly batch: number
  readonly every: number
  readonly seed: number
  readonly set?: readonly string[]
  readonly out?: string
}

export interface DigitsFlags {
  readonly perClass: number
  readonly epochs: number
  readonly batch: number
  readonly lr: number
  readonly momentum: number
  readonly weightDecay: number
  readonly test: number
  readonly anchors: number
  readonly every: number
  readonly seed: number
  readonly backend: string
  readonly threads?: number
  readonly out?: string
}

export const number =
  (option: string, least = -Infinity, most = Infinity) =>
  (text: string): number => {
    const value = Number(text)
    if (text.trim() !== '' && value >= least && value <= most) return value
    const range = most < Infinity ? `in [${least}, ${most}]` : least > -Infinity ? `from ${least} up` : ''
    throw new CliError({
      code: 'LD2003',
      what: `${option} takes a number ${range}`.trim(),
      where: option,
      why: `it is '${text}'`,
    })
  }
const whole =
  (option: string) =>
  (text: string): number => {
    const value = number(option, 0)(text)
    if (Number.isSafeInteger(value)) return value
    throw new CliError({ code: 'LD2003', what: `${option} takes a whole number`, where: option, why: `it is '${text}'` })
  }
/** Above 0. */
const rate =
  (option: string) =>
  (text: string): number => {
    const value = number(option, 0)(text)
    if (value > 0) return value
    throw new CliError({ code: 'LD2003', what: `${option} must be above 0`, where: option, why: `it is '${text}'` })
  }
const collect = (value: string, before: readonly string[] = []): string[] => [...before, value]

const KINDS = {
  softmax: 'a table of logits, a row a context: nothing is shared between contexts',
  linear: 'logits linear in the features of a context: a kernel that never changes',
  mlp: 'two hidden layers: a kernel that is learned',
} as const

export function register(program: Command, context: Context): void {
  const group = program
    .command('sim')
    .description('toy worlds in which everything can be seen, recorded as ordinary runs')
  const squeeze = group
    .command('squeeze')
    .description('one softmax, a class pushed or pulled: where does the mass go?')
    .addOption(new Option('--case <name>', "of the paper's App. E (ldyn help sim)").choices([...CASES]).default('D'))
    .option('--steps <n>', 'updates', positive('--steps'), 1)
    .option('--vocab <n>', "classes; the case's unless given", positive('--vocab'))
    .option('--features <n>', "features of the input; the case's unless given", positive('--features'))
    .option('--lr <x>', "learning rate; the case's unless given", rate('--lr'))
    .option('--seed <n>', "of the weights, as numpy draws them; the notebook's unless given", whole('--seed'))
    .option('--out <dir>', 'directory of the run (default: runs/sim-squeeze-<case>-<time>)')
    .action(async (flags: SqueezeFlags) => (await loadSqueeze()).simSqueeze(flags, context))
  examples(squeeze, ['ldyn sim squeeze', 'ldyn sim squeeze --case B --steps 20 --json', "ldyn sim squeeze --case D\\'"])
  for (const [kind, says] of Object.entries(KINDS)) {
    const command = group
      .command(kind)
      .description(`finetune toy answers: ${says}`)
      .option('--stages <list>', 'stages in turn: sft, extend or any loss of pairs (ldyn help losses)', 'sft,dpo')
      .option('--steps <n>', 'updates of every stage', positive('--steps'), 60)
      .option('--lr <x>', 'learning rate of every stage (default: 1 for softmax and linear, 0.2 for mlp)', rate('--lr'))
      .option('--beta <x>', 'β of every loss that has one', rate('--beta'), 1)
      .option('--contexts <n>', 'questions with a preferred and a dispreferred answer', positive('--contexts'), 8)
      .option('--vocab <n>', 'tokens; an answer is one', positive('--vocab'), 50)
      .option('--features <n>', 'features of a context', positive('--features'), 16)
      .option('--similarity <x>', 'what two contexts of a group have in common', number('--similarity', 0, 1), 0.6)
      .option(
        '--divergence <x>',
        "how far y⁻'s context is from y⁺'s: 0 the same, 1 orthogonal",
        number('--divergence', 0, 1),
        1,
      )
      .option('--peak <x>', 'token of rank r begins with p about r^−peak', number('--peak', 0), 1.5)
      .option('--batch <n>', 'contexts in an update', positive('--batch'), 4)
      .option('--every <n>', 'evaluate every so many updates', positive('--every'), 5)
      .option('--seed <n>', 'of world, weights and order', whole('--seed'), 0)
      .option('--set <key=value>', 'any setting of a stage: --set stages.dpo.lr=0.5', collect)
      .option('--out <dir>', `directory of the run (default: runs/sim-${kind}-<time>)`)
    if (kind === 'mlp') command.option('--hidden <n>', 'width of the hidden layers', positive('--hidden'), 32)
    command.action(async (flags: FinetuneFlags) =>
      (await loadFinetune()).simFinetune(kind as keyof typeof KINDS, flags, context),
    )
    examples(command, [
      `ldyn sim ${kind}`,
      `ldyn sim ${kind} --stages extend,dpo --divergence 0 --json`,
      `ldyn sim ${kind} --stages sft,simpo --set stages.simpo.gamma=0.5 --out runs/toy`,
    ])
  }
  const digits = group
    .command('digits')
    .description('a LeNet on drawn digits: its exact eNTK between classes, and whether its ranking is stable')
    .option('--per-class <n>', 'training images of every digit', positive('--per-class'), 100)
    .option('--epochs <n>', 'passes over them', positive('--epochs'), 30)
    .option('--batch <n>', 'images in an update', positive('--batch'), 64)
    .option('--lr <x>', 'learning rate at the start of a cosine', rate('--lr'), 0.02)
    .option('--momentum <x>', 'of SGD', number('--momentum', 0, 0.999), 0.9)
    .option('--weight-decay <x>', 'on all but biases', number('--weight-decay', 0), 5e-4)
    .option('--test <n>', 'test images of every digit', positive('--test'), 20)
    .option('--anchors <n>', 'of these how many the kernel is taken between', positive('--anchors'), 2)
    .option('--every <n>', 'updates from one look at the kernel to the next', positive('--every'), 45)
    .option('--seed <n>', 'of images, weights and order', whole('--seed'), 0)
    .option('--backend <name>', 'what computes (ldyn doctor lists them)', 'onnx')
    .option('--threads <n>', 'threads that compute', positive('--threads'))
    .option('--out <dir>', 'directory of the run (default: runs/sim-digits-<time>)')
    .action(async (flags: DigitsFlags) => (await loadDigits()).simDigits(flags, context))
  examples(digits, ['ldyn sim digits', 'ldyn sim digits --per-class 200 --epochs 100 --anchors 3 --json'])
}
