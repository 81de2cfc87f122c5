// A Hugging Face model directory: one `model.safetensors`, or several shards that
// `model.safetensors.index.json` lists as {metadata, weight_map: {tensor: shard}}. Both look like one file
// of tensors from here on.
import { FormatError, quoted } from '../error.ts'
import type { ByteSource } from '../bytes/source.ts'
import { entryOf } from '../tensor-file.ts'
import type { TensorEntry } from '../tensor-file.ts'
import type { Dtype } from './dtype.ts'
import { openSafetensors } from './read.ts'
import type { Safetensors } from './read.ts'

/** Named byte sources: a directory on disk, or files dropped on a page. */
export interface SourceDirectory {
  readonly name: string
  /** The file of that name, or undefined where there is none. */
  open(file: string): Promise<ByteSource | undefined>
}

const MAX_INDEX_BYTES = 100_000_000
const INDEX = 'model.safetensors.index.json'

const readWeightMap = async (index: ByteSource): Promise<Map<string, string>> => {
  const fail = (why: string, cause?: unknown) => new FormatError({
    code: 'bad-index', what: 'Cannot read the list of shards', where: index.name, why,
    fix: 'Copy or download this index again',
  }, { cause })
  if (index.size > MAX_INDEX_BYTES) throw fail(`it has ${index.size} bytes, more than any index`)
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(await index.read(0, index.size)))
  } catch (cause) {
    throw fail('it is not JSON in UTF-8', cause)
  }
  const map = (json as { weight_map?: unknown } | null)?.weight_map
  if (typeof map !== 'object' || map === null || Array.isArray(map)) throw fail('it has no "weight_map"')
  const entries = new Map<string, string>()
  for (const [tensor, shard] of Object.entries(map)) {
    // A shard is a file of this directory; anything else could point a careless reader at any file of the
    // machine.
    if (typeof shard !== 'string' || !/^[\w.-]+$/.test(shard) || shard.startsWith('.')) {
      const named = typeof shard === 'string' ? `the shard ${quoted(shard)}` : 'a shard'
      throw fail(`tensor ${quoted(tensor)} names ${named}, which is not a plain file name`)
    }
    entries.set(tensor, shard)
  }
  return entries
}

/**
 * Opens the safetensors of a model directory, sharded or not. Throws FormatError: `not-found` where there is
 * neither form, `missing-shard`, `bad-index`, and whatever a shard itself gives.
 */
export const openShardedFrom = async (directory: SourceDirectory): Promise<Safetensors> => {
  const index = await directory.open(INDEX)
  if (!index) {
    const single = await directory.open('model.safetensors')
    if (single) return openSafetensors(single)
    throw new FormatError({
      code: 'not-found', what: 'Cannot find weights', where: directory.name,
      why: `it has neither model.safetensors nor ${INDEX}`,
      fix: 'Give a directory that Hugging Face\'s save_pretrained wrote with safetensors, or a .gguf file',
    })
  }
  const shardOf = await readWeightMap(index)
  const shards = new Map<string, Safetensors>()
  const names = [...new Set(shardOf.values())]
  for (const file of names) {
    const source = await directory.open(file)
    if (!source) {
      const lost = [...shardOf.values()].filter(name => name === file).length
      throw new FormatError({
        code: 'missing-shard', what: `Cannot find the shard ${file}`, where: directory.name,
        why: `${INDEX} names ${names.length} shards, and this one holds ${lost} of ${shardOf.size} tensors`,
        fix: `Download ${file} into the same directory`,
      })
    }
    shards.set(file, await openSafetensors(source))
  }
  const tensors = new Map<string, TensorEntry<Dtype>>()
  for (const [name, file] of shardOf) {
    const entry = shards.get(file)!.tensors.get(name)
    if (!entry) {
      throw new FormatError({
        code: 'bad-index', what: `Cannot find the tensor ${quoted(name)}`, where: `${directory.name}, ${file}`,
        why: `${INDEX} says that it is in this shard, and it is not`,
        fix: 'The index and the shards are of different downloads: fetch all of them again',
      })
    }
    tensors.set(name, entry)
  }
  const holder = (name: string): Safetensors => {
    entryOf(tensors, name, directory.name)
    return shards.get(shardOf.get(name)!)!
  }
  return {
    name: directory.name,
    metadata: Object.assign({}, ...[...shards.values()].map(shard => shard.metadata)) as Record<string, string>,
    tensors,
    readRaw: async name => holder(name).readRaw(name),
    readF32: async (name, span) => holder(name).readF32(name, span),
  }
}
