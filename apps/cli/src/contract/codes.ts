/**
 * Every error code with what it means and what usually helps: the text of `ldyn help LDnnnn`. Codes are stable; a
 * code that is not needed any more is left in and said to be so.
 */

export interface CodeEntry {
  readonly title: string
  readonly help: string
}

const entries = {
  LD1001: {
    title: 'unexpected error',
    help:
      'ldyn did something that its authors did not foresee. The crash report holds the command line, versions and\n' +
      'the stack, and none of your data. Run again with --debug to see the stack in the terminal.',
  },

  LD2001: { title: 'unknown command', help: 'Run `ldyn --help` for the list of commands.' },
  LD2002: { title: 'unknown option', help: 'Run the command with --help for its options.' },
  LD2003: {
    title: 'an argument is missing, too many or has a bad value',
    help: 'Run the command with --help.',
  },
  LD2004: { title: 'two options exclude each other', help: 'Leave one of them out.' },
  LD2005: { title: 'unknown help topic', help: 'Run `ldyn help` for the list of topics.' },
  LD2006: {
    title: 'the file would be very large',
    help: 'Keep fewer steps (--steps 200), fewer pages (--pages overview,dynamics) or no text (--text remove), or give --force.',
  },

  LD3001: {
    title: 'the config file cannot be read',
    help: 'A config is YAML or JSON, UTF-8, one mapping at the top. `ldyn config schema` prints its JSON Schema.',
  },
  LD3002: {
    title: 'unknown config key',
    help:
      'Config objects are strict: a key that means nothing would be a setting that you believe in and ldyn ignores.\n' +
      "TRL's parameter names are taken where they map one to one. `ldyn config schema` lists all keys.",
  },
  LD3003: {
    title: 'a config value is missing, of the wrong type or out of range',
    help: 'See `ldyn config schema`.',
  },
  LD3101: {
    title: 'the data has a row that cannot be used',
    help: 'See `ldyn help data` for the forms of rows. The message names file and line.',
  },
  LD3102: {
    title: 'a text file is damaged: not UTF-8, not JSON, or half a line',
    help: 'The message names file and line. Write the file again; a last line without its end was cut off while writing.',
  },
  LD3103: {
    title: 'the log cannot be imported',
    help:
      'ldyn import reads prob_train_metrics.json of the released code (with the .npy beside it), trainer_state.json of\n' +
      'a Hugging Face Trainer or TRL, and TensorBoard event files. The message names the line.',
  },

  LD3201: {
    title: 'the file is not what its name promises',
    help:
      'A git-LFS pointer or a web page in place of weights is a download that went wrong: run `git lfs pull`, or\n' +
      'download the file again.',
  },
  LD3202: { title: 'the file ends too early', help: 'The download or copy was cut off: get the file again.' },
  LD3203: {
    title: 'the file is damaged',
    help: 'Its header contradicts itself or the file. Nothing in it was trusted. Get it again from its source.',
  },
  LD3204: { title: "the model's config.json cannot be used", help: 'The message names the key.' },
  LD3205: {
    title: "the model's architecture is not known",
    help: 'ldyn knows GPT-2, GPT-NeoX (Pythia), Llama and Qwen2, from Hugging Face directories and GGUF files.',
  },
  LD3206: {
    title: 'weights and config do not belong together',
    help: 'Tensors are missing, left over or of another shape.',
  },
  LD3207: {
    title: 'the tokenizer cannot be used',
    help: 'A model directory needs tokenizer.json; a GGUF file brings its own.',
  },
  LD3301: {
    title: 'the computation cannot be put together from these shapes',
    help: 'The message names op and module path.',
  },

  LD4001: {
    title: 'model not found',
    help: 'Give a Hugging Face directory (config.json inside) or a .gguf file.',
  },
  LD4002: {
    title: 'run not found',
    help: 'Give the directory of a run, with run.json inside. `ldyn runs ls` lists them.',
  },
  LD4003: { title: 'file not found', help: 'Paths are taken relative to the current directory.' },

  LD4004: {
    title: 'there is no log to import',
    help: 'Give the directory or file of one log: `ldyn import --help` lists the kinds.',
  },

  LD5001: {
    title: 'the backend is not available here',
    help: '`ldyn doctor` says which are, and what the others need.',
  },
  LD5002: {
    title: 'out of memory',
    help:
      'Use a smaller batch with more accumulation (--set batch=1 --set accumulate=4), shorter sequences\n' +
      '(--set tokens.maxLength=512), or fewer probes (--limit).',
  },
  LD5003: { title: 'the device failed', help: 'Run again; `ldyn doctor` checks the backend.' },
  LD5004: {
    title: 'the disk or quota is full',
    help: 'Free space and go on with --resume: nothing on file was lost.',
  },
  LD5005: {
    title: 'a file or directory cannot be written or read',
    help: 'Check its permissions, or choose another place.',
  },
  LD5006: {
    title: 'the backend cannot do this',
    help: 'Try another backend: `--backend reference` can do everything, slowly.',
  },

  LD5007: {
    title: 'an optional part of ldyn is not installed',
    help: 'npm leaves out what has no build for a machine. The message names the package that is needed.',
  },

  LD6001: {
    title: 'a number is not finite',
    help:
      'The update was not applied; the checkpoint before it is on file. A lower learning rate, a longer warm-up or\n' +
      'clipping (--max-grad-norm) are the usual remedies.',
  },

  LD7001: { title: 'a check failed', help: 'The findings are listed above.' },

  LD8001: {
    title: 'the run directory is damaged',
    help: '`ldyn runs verify <run>` lists everything that is wrong.',
  },
  LD8002: { title: 'another process is writing the run', help: 'Wait for it, or give another --out.' },
  LD8003: { title: 'the directory already holds a run', help: 'Go on with --resume, or give another --out.' },
  LD8004: {
    title: 'the run cannot be resumed with these settings',
    help: 'Settings, data and model must be those that it began with.',
  },
} as const satisfies Record<string, CodeEntry>

export type ErrorCode = keyof typeof entries
export const CODES: Readonly<Record<ErrorCode, CodeEntry>> = entries
