/** `ldyn help data`: the forms that @ldyn/lab reads. */
export const dataPage = `Data files are JSONL (.jsonl, .ndjson), JSON (.json: one list, or the probes.json of a run), CSV (.csv) or parquet
(.parquet), UTF-8, told apart by their ending. Rows count from 0. Rows are as TRL takes them:

Preference pairs (all stages of preferences, extend, kto)
  {"prompt": "Human: Why is the sky blue?\\n\\nAssistant:", "chosen": " Light …", "rejected": " It is …"}
  {"chosen": "<prompt and answer>", "rejected": "<prompt and answer>"}           implicit prompt: the common beginning
  {"prompt": [{"role": "user", "content": "…"}], "chosen": [{"role": "assistant", "content": "…"}], "rejected": […]}
                                                                                 conversational: the model's chat template

Finetuning examples (stage sft)
  {"prompt": "…", "completion": "…"}     the response is learned, the prompt is not
  {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}    the last turn is learned
  {"text": "…"}                          all of it is learned
  Preference pairs do too: sft learns \`chosen\`.

Labelled responses (stage kto)
  {"prompt": "…", "completion": "…", "label": true}      false: an undesirable one, which kto pushes down
  Preference pairs do too: chosen is desirable, rejected is not.

Probe sets (observe, train --probe): one prompt with a response of each type, under the released code's names
  {"prompt": "…", "chosen": "…", "chosen_initial": "…", "chosen_gptsemantic": "…", "chosen_gptformat": "…",
   "rejected": "…", "reject_gptsemantic": "…", "reject_gptformat": "…", "irr_train": "…", "irr_test": "…",
   "irr_hum": "…", "random_permute": "…", "random_nonhum": "…"}
  Further types: chosen_selfr, chosen_rephrase, rejected_rephrase. Other fields are ignored. \`ldyn probe make\` builds a set, \`probe check\` finds bad rows.

What the model sees (tokens.mode)
  separate  prompt ids ++ response ids, tokenised apart (default)
  joint     prompt and response tokenised as one text, as TRL does
  paper     separate, with the released code's truncation
BOS comes where the tokenizer adds one; a response ends in EOS unless it does already; text from a chat template gets
nothing added. \`ldyn probe show --tokens\` prints exactly the ids.
`
