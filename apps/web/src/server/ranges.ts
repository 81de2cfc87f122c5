// Byte ranges (RFC 9110 §14): one range a request, as readers of a growing file need them. Whatever is asked
// for, no more than the file has is ever read, and that is streamed.

export type Asked = { readonly from: number; readonly to: number } | 'whole' | 'unsatisfiable'

/** Digits as a number that cannot overflow: beyond the largest exact integer all are alike, "more than there is". */
const bounded = (digits: string): number => (digits.length > 15 ? Number.MAX_SAFE_INTEGER : Number(digits))

/**
 * What a Range header asks of a file of `size` bytes, as [from, to). A header that is no range of bytes asks for the
 * whole file, as the RFC has it; several ranges at once are not served.
 */
export const askedOf = (header: string | undefined, size: number): Asked => {
  if (header === undefined || header.length > 1000) return 'whole'
  if (/^bytes=[^,]*,/.test(header)) return 'unsatisfiable'
  const found = /^bytes=(\d*)-(\d*)$/.exec(header.trim())
  if (!found || (found[1] === '' && found[2] === '')) return 'whole'
  const [, first, last] = found
  if (first === '') {
    const length = Math.min(bounded(last), size)
    return length === 0 ? 'unsatisfiable' : { from: size - length, to: size }
  }
  const from = bounded(first)
  const to = last === '' ? size : Math.min(bounded(last) + 1, size)
  if (last !== '' && bounded(last) < from) return 'whole'
  return from >= size ? 'unsatisfiable' : { from, to }
}
