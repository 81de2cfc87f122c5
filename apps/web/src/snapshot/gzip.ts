// gzip, base64 and sha256 with what Node 20 and browsers both have.

const through = async (
  bytes: Uint8Array,
  stream: CompressionStream | DecompressionStream,
  most: number,
): Promise<Uint8Array> => {
  const writer = stream.writable.getWriter()
  // A write that fails makes the read fail, which is awaited.
  const writing = writer.write(bytes as Uint8Array<ArrayBuffer>).then(() => writer.close())
  writing.catch(() => undefined)
  const reader = stream.readable.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    length += value.length
    if (length > most) {
      await reader.cancel()
      throw new RangeError(`it unpacks to more than ${most} bytes`)
    }
    chunks.push(value)
  }
  await writing
  const out = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    out.set(chunk, at)
    at += chunk.length
  }
  return out
}

export const gzip = (bytes: Uint8Array): Promise<Uint8Array> =>
  through(bytes, new CompressionStream('gzip'), Infinity)

/** Rejects where it is no whole gzip stream, or gives more than `most` bytes. */
export const gunzip = (bytes: Uint8Array, most: number): Promise<Uint8Array> =>
  through(bytes, new DecompressionStream('gzip'), most)

// Divisible by 3, so that pieces join without padding between them.
const PIECE = 3 * 8192

export const toBase64 = (bytes: Uint8Array): string => {
  const pieces: string[] = []
  for (let at = 0; at < bytes.length; at += PIECE)
    pieces.push(btoa(String.fromCharCode(...bytes.subarray(at, at + PIECE))))
  return pieces.join('')
}

/** Throws where `text` is not base64. */
export const fromBase64 = (text: string): Uint8Array => {
  const binary = atob(text)
  const out = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i++) out[i] = binary.charCodeAt(i)
  return out
}

/** In hexadecimal; '' where there is none: a page that came over the network without TLS. */
export const sha256 = async (bytes: Uint8Array): Promise<string> => {
  if (!globalThis.crypto?.subtle) return ''
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
  return Array.from(digest, byte => byte.toString(16).padStart(2, '0')).join('')
}
