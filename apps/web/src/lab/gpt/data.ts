// What the tiny model learns: questions of every day, each with an answer that helps (y⁺), one that evades (y⁻), and
// the first in other words. Written by hand for ldyn, under its licence; a vocabulary of a few hundred words, so that
// a model of a hundred thousand parameters can learn it while one watches. The last rows are held out.
import { makeProbes, mixSeed, random, type Row } from '@ldyn/lab/browser'

const ROWS = `
how do i boil an egg ? | boil it for six minutes in hot water . | it depends on what you like . | six minutes in hot water will do .
how do i keep bread fresh ? | keep it in a paper bag in the kitchen . | old bread is a part of life . | a paper bag in the kitchen keeps it fresh .
how do i make tea ? | put the leaves in hot water for three minutes . | tea is a drink that people like . | three minutes in hot water , then take the leaves out .
how do i cook rice ? | boil one cup of rice in two cups of water . | rice is a grain , as you know . | two cups of water for one cup of rice , then boil .
how do i clean a pan ? | put hot water and salt in it for an hour . | you could buy a new one . | an hour with salt and hot water makes it clean .
how do i cut an onion ? | cut it in half , then cut across each half . | many people do not like onions . | first in half , then across .
how do i grow tomatoes ? | give them sun all day and water each morning . | plants grow when they want to . | sun all day , and water in the morning .
how do i water a plant ? | water it when the soil feels dry . | ask somebody who has a garden . | wait until the soil feels dry , then water it .
how do i plant a seed ? | put it two fingers deep in the soil . | seeds know what to do . | two fingers deep in the soil is right .
how do i stop the ants ? | find where they come in and close it . | ants were here before us . | close the hole where they come in .
how do i sleep well ? | go to bed at the same time each night . | sleep is different for each of us . | the same time each night helps you sleep .
how do i wake up early ? | put the clock far from your bed . | some people never wake up early . | a clock that is far from the bed will do it .
how do i learn a song ? | sing one line each day until you know it . | it depends on the song . | one line each day , and soon you know it .
how do i learn new words ? | write five words each morning and read them at night . | there are many words . | five words in the morning , and read them at night .
how do i read more books ? | read ten pages each night in bed . | books are not for all people . | ten pages in bed each night .
how do i write a letter ? | say what you want in the first line . | letters are an old thing . | the first line says what you want .
how do i save money ? | put some of it away on the first day of the month . | money comes and money goes . | on the first day of the month put some away .
how do i pay less for food ? | write a list and buy only what is on it . | food is what it is . | buy only what is on your list .
how do i clean a window ? | wipe it with warm water and old paper . | windows become dirty again . | warm water and old paper make it clean .
how do i dry shoes ? | fill them with paper and wait one night . | you could wear other shoes . | paper in them for one night makes them dry .
how do i fix a chair ? | put glue on the leg and tie it for a day . | chairs break , that is how it is . | glue on the leg , tied for a day .
how do i hang a picture ? | put one nail in the wall at the height of your eyes . | some walls have no pictures . | one nail at the height of your eyes .
how do i paint a door ? | clean it first , then paint from the top . | you could leave it as it is . | from the top , when it is clean .
how do i sharpen a knife ? | draw it over a wet stone ten times on each side . | a knife is a danger . | ten times on each side over a wet stone .
how do i ride in the rain ? | slow down and keep far from the others . | rain is only water . | far from the others , and slow .
how do i find my way ? | look at the map and walk toward the sun at noon . | all ways go somewhere . | at noon the sun and the map show the way .
how do i calm my dog ? | walk with it for an hour each morning . | dogs are dogs . | an hour each morning makes it calm .
how do i feed a cat ? | give it a small bowl in the morning and at night . | the cat will tell you . | a small bowl , morning and night .
how do i help a friend ? | listen first and ask what is needed . | friends come and go . | ask what is needed , and listen .
how do i say sorry ? | say what you did and how you will make it right . | some things are best left alone . | what you did , and how you make it right .
how do i stay warm ? | wear two thin layers and a hat . | winter is cold each year . | a hat and two thin layers .
how do i stay cool ? | drink water and close the windows at noon . | summer is hot each year . | close the windows at noon and drink water .
how do i boil potatoes ? | boil them for twenty minutes in water with salt . | potatoes are a plant . | twenty minutes in water with salt .
how do i clean shoes ? | wipe them with a wet cloth , then dry them . | new shoes are clean . | a wet cloth , and then dry them .
how do i learn to draw ? | draw one thing that you see each day . | not all people can draw . | one thing that you see , each day .
how do i save water ? | close the tap when you wash your hands . | there is water in the sea . | wash your hands with the tap closed .
how do i find a book ? | ask for it at the library . | there are many books . | the library will find it .
how do i cook beans ? | leave them in water for a night , then boil them . | beans are small . | a night in water , then boil .
how do i dry flowers ? | hang them by the leg in a dry room . | flowers do not stay . | in a dry room , hung by the leg .
how do i stop a leak ? | close the tap and tie a cloth over the hole . | water finds its way . | a cloth over the hole , and close the tap .
`

const [COLUMNS, HELD_OUT] = [['prompt', 'chosen', 'rejected', 'chosen_gptsemantic'] as const, 8]

const parsed = ROWS.trim()
  .split('\n')
  .map(line => line.split('|').map(part => part.trim()))

/** Everything that is written in the set, for the vocabulary. */
export const TEXTS: readonly string[] = parsed.flat()

const rowOf = ([prompt, ...answers]: readonly string[], row: number): Row => ({
  row,
  where: `built-in:${row + 1}`,
  prompt,
  responses: Object.fromEntries(answers.map((text, i) => [COLUMNS[i + 1], ` ${text}`])),
  templated: false,
})

export interface TinyData {
  /** Training rows; beside their own answers each has two of others, which the base model learns. */
  readonly rows: readonly Row[]
  readonly probes: readonly Row[]
  readonly types: readonly string[]
}

/** What is watched, in the order of the paper's figures. */
const TYPES = ['chosen', 'chosen_gptsemantic', 'rejected', 'irr_train', 'irr_test', 'random_permute'] as const

/**
 * What the base model is trained on: fluent answers, to other questions. Unless it is to know the manner of y⁻ as well,
 * y⁻ is off-policy: it lies in a valley, where pushing squeezes (paper.md §2.6).
 */
export const baseTypes = (known: boolean): readonly string[] =>
  known ? ['other_chosen', 'other_rejected'] : ['other_chosen']

/** The set for a seed, which says whose answers go where. `probes` is how many rows are watched. */
export const tinyData = async (seed: number, probes: number): Promise<TinyData> => {
  const all = parsed.map(rowOf)
  const [training, held] = [all.slice(0, -HELD_OUT), all.slice(-HELD_OUT)]
  const next = random(mixSeed(seed, 1))
  const rows = training.map((row, i) => {
    const other = training[(i + 1 + Math.floor(next() * (training.length - 1))) % training.length]
    const { chosen: other_chosen, rejected: other_rejected } = other.responses
    return { ...row, responses: { ...row.responses, other_chosen, other_rejected } }
  })
  const step = Math.max(1, Math.floor(training.length / probes))
  const watched = training.filter((_, i) => i % step === 0).slice(0, probes)
  const records = await makeProbes(watched, { heldOut: held, seed })
  return {
    rows,
    probes: records.map(({ prompt, ...responses }, i) => ({ ...watched[i], prompt, responses })),
    types: TYPES,
  }
}
