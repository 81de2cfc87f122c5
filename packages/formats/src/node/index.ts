// @ldyn/formats/node: the same parsers over files, and atomic writing.
export { writeAtomically } from './atomic.ts'
export { fileSource, openFile } from './file.ts'
export { makeFolder } from './folder.ts'
export type { OpenedFile } from './file.ts'
export { openSafetensorsFile, openSharded, writeSafetensorsFile } from './safetensors.ts'
export type { OpenedSafetensors } from './safetensors.ts'
export { openGgufFile } from './gguf.ts'
export type { OpenedGguf } from './gguf.ts'
