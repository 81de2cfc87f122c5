// What people really have on disk when a weight file does not open: a git-LFS pointer, a login page saved
// under the file's name, an empty download, or another format. Each gets its own sentence, because each has
// its own remedy.
import { FormatError } from '../error.ts'
import type { FormatErrorCode } from '../error.ts'
import type { ByteSource } from './source.ts'

interface Impostor { code: FormatErrorCode, why: string, fix: string, matches(head: string): boolean }

const impostors: readonly Impostor[] = [
  {
    code: 'lfs-pointer',
    why: 'it is a git-LFS pointer, a short text that stands for the real file',
    fix: 'Run `git lfs pull` in that repository, or download the file itself',
    matches: head => head.startsWith('version https://git-lfs'),
  },
  {
    code: 'html-page',
    why: 'it is an HTML page, probably a login or error page saved under this name',
    fix: 'Download the file again, signed in if the model asks for it, and from the raw-file address',
    matches: head => /^\s*(<!doctype html|<html|<head|<\?xml)/i.test(head),
  },
  {
    code: 'wrong-format',
    why: 'it is a zip or a pickle, as PyTorch writes its .bin, .pt and .pth files',
    fix: 'Convert it to safetensors with `model.save_pretrained(dir, safe_serialization=True)`',
    matches: head => head.startsWith('PK\x03\x04') || /^\x80[\x02-\x05]/.test(head),
  },
]

const isGguf = (head: string) => head.startsWith('GGUF')
const isSafetensors = (head: string) => head.length > 9 && head[8] === '{' && head.slice(4, 8) === '\0\0\0\0'

/** Reads the first bytes and throws the sentence that fits, if the source is plainly not a `format` file. */
export const refuseImpostor = async (source: ByteSource, format: 'safetensors' | 'GGUF'): Promise<void> => {
  const what = `Cannot read ${source.name.split(/[\\/]/).at(-1)} as ${format}`
  const where = source.name
  if (source.size === 0) {
    throw new FormatError({
      code: 'empty-file', what, where, why: 'the file is empty (0 bytes)', fix: 'Copy or download it again',
    })
  }
  const bytes = await source.read(0, Math.min(source.size, 256))
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  const head = String.fromCharCode(...bytes.subarray(start))
  const found = impostors.find(impostor => impostor.matches(head))
  if (found) throw new FormatError({ code: found.code, what, where, why: found.why, fix: found.fix })
  if (format === 'safetensors' && isGguf(head)) {
    throw new FormatError({
      code: 'wrong-format', what, where, why: 'it is a GGUF file', fix: 'Name it with the ending .gguf',
    })
  }
  if (format === 'GGUF' && isSafetensors(head)) {
    throw new FormatError({
      code: 'wrong-format', what, where, why: 'it is a safetensors file',
      fix: 'Give the directory that holds it together with its config.json',
    })
  }
}
