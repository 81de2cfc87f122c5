/**
 * `ldyn explain`: what one update does to observed responses, and what lies between two checkpoints. The JSON is a
 * fixed form (contracts.md §4); definitions are in `ldyn help explain`.
 */
import { Option, type Command } from 'commander'
import { STAGE_KINDS } from '../config/schema.ts'
import type { Context } from '../context.ts'
import { listed, positive, real } from '../contract/arguments.ts'
import { CliError } from '../contract/errors.ts'
import type { Answer } from '../explain/words.ts'
import type { UpdateFlags } from '../explain/settings.ts'
import { examples } from '../program.ts'
import { tokenMode } from './token-mode.ts'

// See doctor.ts for why these are functions of their own.
const loadUpdate = () => import('../explain/update.ts')
const loadCheckpoints = () => import('../explain/checkpoints.ts')
const loadInfluence = () => import('../explain/influence.ts')
const loadForm = () => import('../explain/form.ts')
const loadWords = () => import('../explain/words.ts')
const loadRender = () => import('../explain/render.ts')
const loadBackends = () => import('../backends.ts')

interface ExplainFlags extends UpdateFlags {
  readonly model?: string
  readonly update?: string
  readonly observe?: string
  readonly refModel?: string
  readonly optimizerState?: true | string
  readonly directions: 'terms' | 'examples' | 'none'
  readonly layers?: true | string
  readonly watch?: readonly string[]
  readonly tokens?: boolean
  readonly from?: string
  readonly to?: string
  readonly probe?: string
  readonly limit?: number
  readonly nodes: number
  readonly run?: string
  readonly runsDir: string
  readonly types?: readonly string[]
  readonly tokenMode: 'separate' | 'joint' | 'paper'
  readonly backend: string
  readonly threads?: number
  readonly svg?: string
  readonly html?: string
}

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value]

export function register(program: Command, context: Context): void {
  const command = program
    .command('explain')
    .description('why log π(y|x) moved: by one update, between two checkpoints, or over a run')
    .optionsGroup('One update:')
    .option('--model <path>', 'the model before the update')
    .option('--update <file#rows>', 'rows that are learned: prefs.jsonl#7, or #0-3 together')
    .option('--observe <file#rows>', 'rows whose responses are watched')
    .addOption(new Option('--loss <name>', 'what the update minimises').choices([...STAGE_KINDS]).default('dpo'))
    .option('--lr <x>', 'learning rate of the update', real('--lr'), 5e-7)
    .addOption(new Option('--optimizer <name>', 'at its first step, unless it has a state').choices(['sgd', 'rmsprop', 'adamw']).default('sgd'))
    .option('--optimizer-state [checkpoint]', "go on with the state that a run's checkpoint keeps: that of --model, or this")
    .option('--beta <x>', 'β of the loss', real('--beta'))
    .option('--momentum <x>', 'sgd: momentum', real('--momentum'))
    .option('--weight-decay <x>', 'on all parameters but biases and norms', real('--weight-decay'))
    .option('--max-grad-norm <x>', 'clip to this global norm; 0: never', real('--max-grad-norm'), 0)
    .option('--batch <n>', 'examples in a micro-batch; all of them unless given', positive('--batch'))
    .option('--set <key=value>', 'any other setting of a stage (ldyn config schema)', collect)
    .option('--ref-model <path>', "the loss's reference; the model itself unless given")
    .addOption(
      new Option('--directions <how>', 'split by terms of the loss, by terms of every example, or not')
        .choices(['terms', 'examples', 'none'])
        .default('terms'),
    )
    .option(
      '--layers [list]',
      'also by layer and module kind: all, or 3.mlp,head (with --tokens by token, which takes a pass for each)',
    )
    .option('--watch <positions>', 'whole-vocabulary changes there: chosen:3, or 3 for all; by comma', listed)
    .option('--tokens', 'numbers by token rather than sums')
    .optionsGroup('Two checkpoints:')
    .option('--from <path>', 'the checkpoint before')
    .option('--to <path>', 'the checkpoint after, of any trainer')
    .option('--probe <file>', 'probe set (ldyn help data)')
    .option('--limit <n>', 'rows, from the first', positive('--limit'))
    .option('--nodes <n>', 'nodes of the integral over the way between them', positive('--nodes'), 4)
    .optionsGroup('A run:')
    .option('--run <run>', 'accumulated influence, from what observe.decompose wrote')
    .option('--runs-dir <dir>', 'where runs are looked for by id', 'runs')
    .optionsGroup('All:')
    .option('--types <list>', 'response types to watch; all that the file has unless given', listed)
    .option('--svg <file>', 'write the picture')
    .option('--html <file>', 'write paragraph, table and picture as one page')
    .option('--backend <name>', 'onnx[:cpu|webgpu|cuda|…], another, or reference', 'onnx')
    .option('--threads <n>', 'threads that compute', positive('--threads'))
    .addOption(tokenMode())
    .action((flags: ExplainFlags) => run(flags, context))
  examples(command, [
    'ldyn explain --from base --to tuned --probe probes.jsonl --limit 24            # why did chosen fall?',
    'ldyn explain --model base --update prefs.jsonl#7 --observe probes.jsonl#0 --loss dpo --beta 0.1 --lr 1e-5',
    'ldyn explain --model base --update prefs.jsonl#0-3 --observe probes.jsonl#0,1 --optimizer rmsprop --lr 5e-7 --layers --json',
    'ldyn explain --run runs/first                                                  # who caused what, over a run',
  ])
}

const need = (value: string | undefined, flag: string, to: string): string => {
  if (value !== undefined) return value
  throw new CliError({
    code: 'LD2003',
    what: `${flag} is missing`,
    where: 'ldyn explain',
    why: `it is needed ${to}`,
    fix: 'give --model, --update and --observe for one update; --from, --to and --probe for two checkpoints; --run for a run',
  })
}

async function run(flags: ExplainFlags, context: Context): Promise<void> {
  const asks = [
    ['--model/--update/--observe', flags.model ?? flags.update ?? flags.observe],
    ['--from/--to', flags.from ?? flags.to],
    ['--run', flags.run],
  ].filter(([, given]) => given !== undefined)
  if (asks.length > 1)
    throw new CliError({
      code: 'LD2004',
      what: `${asks.map(([name]) => name).join(' and ')} ask different questions`,
      where: 'ldyn explain',
      fix: 'ask one at a time',
    })
  if (flags.run !== undefined) return ofRun(flags.run, flags, context)
  return flags.from !== undefined || flags.to !== undefined ? twoCheckpoints(flags, context) : oneUpdate(flags, context)
}

async function oneUpdate(flags: ExplainFlags, context: Context): Promise<void> {
  const model = need(flags.model, '--model', 'to explain an update')
  const update = need(flags.update, '--update', 'to explain an update')
  const observe = need(flags.observe, '--observe', 'to explain an update')
  const { explainUpdate } = await loadUpdate()
  const { updateForm } = await loadForm()
  const { updateAnswer } = await loadWords()
  const { openBackend } = await loadBackends()
  await using backend = await openBackend(flags.backend, { threads: flags.threads })
  using progress = context.progress()
  const warn = (text: string): void => context.output.warn(text)
  const layers = typeof flags.layers === 'string' ? listed(flags.layers) : flags.layers
  const optimizerState = flags.optimizerState === true ? model : flags.optimizerState
  const asked = { ...flags, optimizerState, layers }
  const found = await explainUpdate({ ...asked, model, update, observe, backend, progress, warn })
  progress.end()
  await say(flags, context, updateForm(found, flags.tokens), () => updateAnswer(found, backend.capabilities.f64))
}

async function twoCheckpoints(flags: ExplainFlags, context: Context): Promise<void> {
  const from = need(flags.from, '--from', 'to explain two checkpoints')
  const to = need(flags.to, '--to', 'to explain two checkpoints')
  const probe = need(flags.probe, '--probe', 'to explain two checkpoints')
  const { explainCheckpoints } = await loadCheckpoints()
  const { checkpointsForm } = await loadForm()
  const { checkpointsAnswer } = await loadWords()
  const { openBackend } = await loadBackends()
  await using backend = await openBackend(flags.backend, { threads: flags.threads })
  using progress = context.progress()
  const warn = (text: string): void => context.output.warn(text)
  const found = await explainCheckpoints({ ...flags, from, to, probe, backend, progress, warn })
  progress.end()
  await say(flags, context, checkpointsForm(found), () => checkpointsAnswer(found))
}

async function ofRun(word: string, flags: ExplainFlags, context: Context): Promise<void> {
  const { influenceOf, influenceAnswer } = await loadInfluence()
  const found = await influenceOf(word, flags.runsDir)
  await say(flags, context, found, () => influenceAnswer(found))
}

/** The fixed form under --json; otherwise the answer, and the files that were asked for. */
async function say(
  { svg, html }: ExplainFlags,
  { output, env }: Context,
  form: object,
  answer: () => Answer,
): Promise<void> {
  if (svg !== undefined || html !== undefined) {
    const { writeAnswer } = await loadRender()
    for (const path of await writeAnswer(answer(), { svg, html })) output.note(`wrote ${path}`)
  }
  if (output.json) return output.line(form)
  const { renderAnswer } = await loadRender()
  output.text(renderAnswer(answer(), output, env))
}
