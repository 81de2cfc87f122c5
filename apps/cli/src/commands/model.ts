/** `ldyn model`: what a checkpoint is, and the same checkpoint in another form. */
import { Option, type Command } from 'commander'
import type { Context } from '../context.ts'
import { examples } from '../program.ts'

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
    .description('save as a Hugging Face directory that transformers loads')
    .requiredOption('--out <dir>', 'directory to write')
    .addOption(
      new Option('--dtype <dtype>', 'how numbers are stored').choices(['f32', 'f16', 'bf16']).default('f32'),
    )
    .option('--force', 'replace the directory if it is there')
    .action(
      async (path: string, options: { out: string; dtype: 'f32' | 'f16' | 'bf16'; force?: boolean }) => {
        const { exportHuggingFace } = await import('../models/export.ts')
        using progress = context.progress()
        const done = await exportHuggingFace({ path, ...options, progress })
        progress.end()
        context.output.result(
          'model export',
          done,
          () =>
            `${done.out}: ${done.tensors} tensors, ${(done.bytes / 2 ** 20).toFixed(1)} MiB as ${done.dtype}`,
        )
      },
    )
}
