// The pretraining corpus of the demo model: our own hand-written paragraphs and dialogues (handwritten.txt),
// and questions, answers and tiny stories put together from corpus-tables.mjs by a seeded generator.
//
//   node make-corpus.mjs > corpus.jsonl         a prompt/completion row a document; the same bytes every time
//
// A document is {prompt, completion}, so that it trains as SFT data as it is: the prompt only opens it
// ("<|endoftext|>" for prose, "\n\nHuman:" for dialogue), and all that follows, questions too, is learned.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import {
  days, digits, emptyHowTo, emptyWhat, howTo, months, morals, names, openings, things, wishes,
} from './corpus-tables.mjs'

/** mulberry32: a generator with 32 bits of state, enough for choosing templates. @param {number} seed */
const randomFrom = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

/** @param {string} s */
const capital = (s) => s[0].toUpperCase() + s.slice(1)
/** @param {string} noun */
const a = (noun) => `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`

const howToQuestions = [
  'How do I {verb} {thing}?',
  'What is the best way to {verb} {thing}?',
  'I want to {verb} {thing}. Any tips?',
  'Can you tell me how to {verb} {thing}?',
  'How should I {verb} {thing}?',
  'My friend wants to {verb} {thing}. What helps?',
]
/** @type {((s: string[], why: string) => string)[]} */
const howToAnswers = [
  (s, why) => `${capital(s[0])}, ${s[1]}, and ${s[2]}. This matters because ${why}.`,
  (s, why) => `First ${s[0]}. Then ${s[1]} and ${s[2]}, since ${why}.`,
  (s) => `${capital(s[0])} and ${s[1]}. After that, ${s[2]}.`,
  (s, why) => `You should ${s[0]} and ${s[1]}. Keep in mind that ${why}.`,
  (s, why) => `Remember that ${why}. So ${s[0]}, then ${s[1]}, and ${s[2]}.`,
]

/** @type {((t: string[]) => [string, string])[]} */
const thingTurns = [
  ([n, kind, where, does]) => [
    `What is ${a(n)}?`,
    `${capital(a(n))} is ${a(kind)}. You find it ${where}, and it ${does}.`,
  ],
  ([n, , where]) => [`Where can I find ${a(n)}?`, `You can find ${a(n)} ${where}. Look there first.`],
  ([n, , , does, looks]) => [`What does ${a(n)} look like?`, `It is ${looks}. It also ${does}.`],
  ([n, kind, , does]) => [`Tell me something about the ${n}.`, `The ${n} is ${a(kind)} that ${does}.`],
  ([n, kind, where, , looks]) => [
    `How do I know ${a(n)} when I see one?`,
    `It is ${looks}. This ${kind} is found ${where}.`,
  ],
]

/**
 * All documents, in a fixed shuffled order. Pure: the seed decides everything.
 * @param {string} handwritten text of handwritten.txt: blocks between blank lines, question and answer in one
 * @param {{seed?: number, count?: number}} [options] count: documents to generate beside those
 * @returns {{prompt: string, completion: string}[]}
 */
export function corpus(handwritten, { seed = 7, count = 1000 } = {}) {
  const random = randomFrom(seed)
  /** @template T @param {readonly T[]} list @returns {T} */
  const pick = (list) => list[Math.floor(random() * list.length)]
  /** @param {string} text */
  const prose = (text) => ({ prompt: '<|endoftext|>', completion: text })
  /** @param {[string, string][]} turns */
  const dialogue = (turns) => {
    const text = turns.map(([q, r]) => `\n\nHuman: ${q}\n\nAssistant: ${r}`).join('')
    return { prompt: '\n\nHuman:', completion: text.slice('\n\nHuman:'.length) }
  }

  /** @returns {[string, string]} */
  const howToTurn = () => {
    const [verb, thing, steps, why] = /** @type {[string, string, string[], string]} */ (pick(howTo))
    const fill = (/** @type {string} */ s) => s.replaceAll('{verb}', verb).replaceAll('{thing}', thing)
    const answer = random() < 0.6 ? pick(howToAnswers)(steps, why) : fill(pick(emptyHowTo))
    return [fill(pick(howToQuestions)), answer]
  }
  /** @returns {[string, string]} */
  const thingTurn = () => {
    const [question, answer] = pick(thingTurns)(pick(things))
    return [question, random() < 0.7 ? answer : pick(emptyWhat)]
  }
  /** @returns {[string, string]} */
  const numberTurn = () => {
    const x = Math.floor(random() * 11)
    const y = Math.floor(random() * 10)
    const [first, second] = [digits[x], digits[y]]
    const [day, next] = [days[y % 7], days[(y + 1) % 7]]
    const [month, following] = [months[x], months[(x + 1) % 12]]
    return pick(/** @type {[string, string][]} */ ([
      [`What is ${first} plus ${second}?`, `${capital(first)} plus ${second} is ${digits[x + y]}.`],
      [`Which day comes after ${day}?`, `After ${day} comes ${next}.`],
      [`Which month comes after ${month}?`, `It is ${following}, which follows ${month}.`],
    ]))
  }
  const story = () => {
    const [wish, trouble, deed, end] = pick(wishes)
    const name = pick(names)
    const start = random() < 0.5 ? `${pick(openings)} ${name} ${wish}` : `${name} ${wish}`
    return `${start}, but ${trouble}. So ${name} ${deed}, and in the end ${name} ${end}. ${pick(morals)}`
  }
  const advice = () => {
    const [verb, thing, steps, why] = /** @type {[string, string, string[], string]} */ (pick(howTo))
    return `It is not hard to ${verb} ${thing}. ${howToAnswers[Math.floor(random() * 3)](steps, why)}`
  }
  const portrait = () => {
    const [name, kind, where, does, looks] = pick(things)
    return `The ${name} is ${a(kind)}. It is ${looks}. People see it ${where}. It ${does}.`
  }

  const written = handwritten.trim().split(/\n\n(?!Assistant:)/).map((block) => block.startsWith('Human:')
    ? { prompt: '\n\nHuman:', completion: block.slice('Human:'.length) }
    : prose(block))
  const made = Array.from({ length: count }, () => {
    const kind = random()
    if (kind < 0.45) return dialogue([howToTurn()])
    if (kind < 0.65) return dialogue([thingTurn()])
    if (kind < 0.70) return dialogue([numberTurn()])
    if (kind < 0.76) return dialogue([thingTurn(), howToTurn()])
    if (kind < 0.88) return prose(story())
    return prose(random() < 0.5 ? advice() : portrait())
  })
  const unique = [...new Map([...written, ...made].map((row) => [row.completion, row])).values()]
  for (let i = unique.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[unique[i], unique[j]] = [unique[j], unique[i]]
  }
  return unique
}

/** The corpus of this folder, refusing one that gives away a question of the preference set. */
export function demoCorpus() {
  const read = (/** @type {string} */ name) => readFileSync(new URL(name, import.meta.url), 'utf8')
  const rows = corpus(read('handwritten.txt'))
  const asked = read('preferences.jsonl').trim().split('\n').map((line) => JSON.parse(line).prompt)
  const text = rows.map((row) => row.prompt + row.completion).join('\n')
  const leaked = asked.find((prompt) => text.includes(prompt))
  if (leaked !== undefined) {
    throw new Error(
      `The corpus asks a question of preferences.jsonl (${JSON.stringify(leaked)}). ` +
        'Reword it in handwritten.txt or corpus-tables.mjs, or the base model will know the answer.',
    )
  }
  return rows
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.stdout.write(demoCorpus().map((row) => JSON.stringify(row) + '\n').join(''))
}
