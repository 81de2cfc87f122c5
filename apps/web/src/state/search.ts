// Finding by a few letters: every word of the query must begin a word of the text, stand inside it, or be made of
// its letters in order. What begins counts most; ties stay in the order in which they were given.

const WORD_START = 8
const INSIDE = 4
const LETTERS = 1

const scoreOf = (text: string, word: string): number => {
  const at = text.indexOf(word)
  if (at === 0) return WORD_START + 2
  if (at > 0) {
    // Not only its first place: "run" begins a word in "overrun run".
    for (let i = at; i >= 0; i = text.indexOf(word, i + 1))
      if (/[^\p{L}\p{N}]/u.test(text[i - 1] ?? ' ')) return WORD_START
    return INSIDE
  }
  let from = 0
  for (const letter of word) {
    from = text.indexOf(letter, from) + 1
    if (from === 0) return 0
  }
  return word.length > 1 ? LETTERS : 0
}

/** The best `most` of `items`, best first; all in their order where nothing is asked for. */
export const found = <T>(
  items: readonly T[],
  query: string,
  textOf: (item: T) => string,
  most = 40,
): readonly T[] => {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return items.slice(0, most)
  return items
    .map((item, i) => {
      const text = textOf(item).toLowerCase()
      const scores = words.map(word => scoreOf(text, word))
      return { item, i, score: scores.includes(0) ? 0 : scores.reduce((sum, one) => sum + one, 0) }
    })
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || a.i - b.i)
    .slice(0, most)
    .map(({ item }) => item)
}
