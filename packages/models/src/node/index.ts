/** @ldyn/models/node: checkpoints on disk. */
export { openModel, TOKENIZER_FILES, tokenizerFilesIn, type Checkpoint } from './open.ts'
export { fingerprint } from './fingerprint.ts'
export { saveModel, type ParameterLookup, type SaveOptions } from './save.ts'
