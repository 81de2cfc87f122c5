/** `ldyn model`: what a checkpoint is, and the same checkpoint in another form. */
import { Option, type Command } from 'commander'
import type { Context } from '../context.ts'
import { positive } from '../contract/arguments.ts'
import { CliError } from '../contract/errors.ts'
import { examples } from '../program.ts'
import type { OnnxRequest } from '../models/onnx.ts'

// See doctor.ts for why these are functions of their own.
const loadOnnx = () => import('../models/onnx.ts')
const loadExport = () => import('../models/export.ts')

interface ExportFlags extends Omit<OnnxRequest, 'path' | 'onnx' | 'progress'> {
  readonly out?: string
  readonly dtype: 'f32' | 'f16' | 'bf16'
  readonly onnx?: string
}

export function register(program: Command, context: Context): void {
  const model = program.command('model').description('show a checkpoint, or save it in another form')
  examples(model, ['ldyn model show ./pythia-14m', 'ldyn model export model.gguf --out ./model --dtype bf16'])

  model
    .command('show <path>')
    .description('family, sizes, dtype, tokenizer and parameters of a Hugging Face directory or GGUF file')
    .action(async (path: string) => {
      const { describeModel, renderModel } = await import('../models/describe.ts')
      const description = await describeModel(path)
      context.output.result('model show', description, () => renderModel(description, context.output))
    })

  model
    .command('export <path>')
    .description('save as a Hugging Face directory that transformers loads, or as an ONNX graph')
    .option('--out <dir>', 'Hugging Face directory to write')
    .addOption(
      new Option('--dtype <dtype>', 'how its numbers are stored')
        .choices(['f32', 'f16', 'bf16'])
        .default('f32'),
    )
    .option('--force', 'replace what is there')
    .optionsGroup('ONNX:')
    .addOption(new Option('--onnx <file>', 'graph to write: log-probs of response tokens').conflicts('out'))
    .option('--train-step', 'a whole training step instead: forward, backward, optimizer')
    .addOption(
      new Option('--loss <name>', 'of the training step').choices(['sft', 'dpo', 'ipo']).default('sft'),
    )
    .addOption(
      new Option('--optimizer <name>', 'of the training step')
        .choices(['sgd', 'rmsprop', 'adamw'])
        .default('adamw'),
    )
    .option('--rows <n>', 'packed rows of a batch', positive('--rows'), 1)
    .option('--length <n>', 'tokens of a row', positive('--length'), 128)
    .option('--responses <n>', 'responses in a row; 2 for dpo and ipo', positive('--responses'))
    .option('--response-length <n>', 'tokens of a response, at most', positive('--response-length'), 64)
    .action(async (path: string, flags: ExportFlags) => {
      using progress = context.progress()
      if (flags.onnx !== undefined) {
        const { exportOnnx } = await loadOnnx()
        const done = await exportOnnx({ ...flags, path, onnx: flags.onnx, progress })
        progress.end()
        context.output.result(
          'model export',
          done,
          () =>
            [done.file, ...(done.data ? [done.data] : [])].join(' and ') +
            `: ${done.inputs.length} inputs, ${done.outputs.length} outputs`,
        )
        return
      }
      if (flags.out === undefined) {
        throw new CliError({
          code: 'LD2003',
          what: 'model export does not say where to',
          where: 'ldyn model export',
          fix: 'give --out <dir> or --onnx <file>',
        })
      }
      const { exportHuggingFace } = await loadExport()
      const done = await exportHuggingFace({ ...flags, path, out: flags.out, progress })
      progress.end()
      context.output.result(
        'model export',
        done,
        () =>
          `${done.out}: ${done.tensors} tensors, ${(done.bytes / 2 ** 20).toFixed(1)} MiB as ${done.dtype}`,
      )
    })
}
