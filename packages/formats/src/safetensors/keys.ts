// JSON.parse keeps the last of two equal keys and says nothing. Two tensors of one name are a damaged or
// hostile file, so the keys of the outermost object are counted in the text itself.

/** The first key that the outermost object of `text` repeats. `text` must already be known to be JSON. */
export const repeatedKey = (text: string): string | undefined => {
  const seen = new Set<string>()
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (c === '{' || c === '[') depth++
    else if (c === '}' || c === ']') depth--
    else if (c === '"') {
      const end = closingQuote(text, i)
      if (depth === 1 && /^\s*:/.test(text.slice(end + 1, end + 65))) {
        const key = JSON.parse(text.slice(i, end + 1)) as string
        if (seen.has(key)) return key
        seen.add(key)
      }
      i = end
    }
  }
  return undefined
}

const closingQuote = (text: string, open: number): number => {
  let i = open + 1
  while (text[i] !== '"') i += text[i] === '\\' ? 2 : 1
  return i
}
