/** `ldyn help metrics`: definitions and signs (paper.md §5, contracts.md §4). */
export const metricsPage = `Figures of one response y (T tokens, its EOS among them) to a prompt x under one model.
π_t is the model's distribution over the vocabulary (V entries) at position t, given x and y_<t (teacher forcing).
Logarithms are natural, so log-probs are in nats. Dropout is always off.

Sums over the response's tokens. They are ≤ 0, and longer responses have lower ones:
  logp         Σ_t log π_t(y_t)                    log-probability of the response; up = more probable
  argmax_logp  Σ_t log max_v π_t(v)                where the most probable token is, whatever y_t is; 0 = all mass on one
                                                   token at every position. Not the log-prob of a greedy generation
  rest_logp    Σ_t log(1 − max_v π_t(v))           mass of everything but the most probable token; falls when a
                                                   distribution is squeezed. Computed as a log-sum-exp over the others,
                                                   never from a rounded 1 − p

Means over the response's tokens:
  energy       mean_t (1 − π_t(y_t))               in [0, 1]: how much a token is not expected
  p_e          mean_t ‖π_t − e_{y_t}‖₂             in [0, √2]: length of the gradient of −log π_t(y_t) by the logits
  a_norm       mean_t ‖A_t‖_F = mean_t √(V − 2 + V‖π_t‖²)   A = I − 1πᵀ; √(V − 1) where π is uniform
  entropy      mean_t −Σ_v π_t(v) log π_t(v)       in nats, in [0, log V]

Mass by rank (observe --bands; observe.bands in training), means over the response's tokens, five figures that add up to 1:
  mass_1       the most probable token's π_t          mass_2_5, mass_6_20, mass_21_100   the tokens of these ranks
  mass_rest    all others                             ranked anew at every position and every evaluation
Single positions (observe.watch.rows, observe.watch.tokens in training): from where chosen and rejected part, the 20
likeliest tokens, what each response has there with its rank, and log π by rank, at every evaluation: watched.jsonl.

A change is after minus before: positive means that it rose. tokens counts the response's tokens, EOS included.
Means over probe rows carry a standard error over rows where a band is drawn. Sums and per-token figures never share an
axis: divide a sum by tokens before comparing types of unequal length.

Training metrics have TRL's names:
  loss                 what the update minimises (SFT: by its reduction; see \`ldyn config schema\`)
  grad_norm            global L2 norm of the gradient before clipping
  logps/chosen, logps/rejected        mean over pairs of Σ_t log π(y_t)
  rewards/chosen, rewards/rejected    mean over pairs of β(log π − log π_ref), summed over tokens
  rewards/margins      rewards/chosen − rewards/rejected
  rewards/accuracies   share of pairs whose chosen reward is the higher
`
