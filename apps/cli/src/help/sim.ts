/** `ldyn help sim`: what is simulated, and what every figure of it is (paper.md §2.6, §6.1). */
export const simPage = `ldyn sim: toy worlds in which everything can be seen. Each writes an ordinary run directory, so \`ldyn runs show\`, \`plot\`,
\`export\` and \`compare\` work on it. Probabilities are of one token; logarithms are natural.

sim squeeze: one softmax p, one update on class y (App. E of the paper)
  Logits move by −η'(p − e_y), η' = lr·‖x‖². η' > 0 pulls y up (a positive gradient), η' < 0 pushes it down (ε = −η').
  Lemma 1, exact:  ln α_i = ln p_i' − ln p_i = −η'(p_i − δ_iy) − ln Z,   Z = Σ_j p_j e^{−η'(p_j − δ_jy)}
  For a push: y falls; the largest other class rises; among the others α rises with p (the rich get richer); a class rises
  exactly if p > threshold = ln Z/ε, which is ‖p‖² − p_y to first order: 0 for a uniform p (all rise), about p_max² for a
  peaky one (only the largest rises), higher where p_y is smaller.
  Cases  A pull on class 21 · B push on class 42, flat p · C push on class 11 of a plateau, peaky p · D push on class 42 in
  the valley (p = 4e-10), peaky p · D' the same with an equal pull on class 25 in the same context, where the π terms cancel
  and nothing is squeezed · E push on class 100 of 1000. Weights are drawn as the released notebook draws them (numpy seed
  10086, K = 50, I = 4): A .0720 → .9465, C .7627 → .9871, D .7627 → .9863.
  The run: a probe row a class, of type chosen (pulled), rejected (pushed), greedy (the largest other at the start), others.

sim softmax | linear | mlp: contexts with a preferred answer y⁺ and a dispreferred one y⁻, one token each, finetuned by any
  loss of \`ldyn help losses\`. They differ in the kernel K alone: softmax is a table (K = I within a context, 0 between), linear
  has K(x, x') = (x·x' + 1)·I, which never changes, mlp learns its own.
  --divergence is one minus the cosine of y⁺'s and y⁻'s contexts. 0: one context, as for the first token in which two
  responses differ: the push on y⁻ and the pull on y⁺ cancel in everything else. 1: orthogonal, as for later tokens.
  --similarity is what two contexts of a group share; another context's y⁺ (irr_train) rises with it in SFT.
  --peak: p of the token of rank r begins about as r^−peak, as in a pretrained model; the peakier, the more is squeezed.
  β is 1 unless given (a response is one token). Plain gradient descent on means over the batch.

sim digits: the paper's MNIST study (Fig. 1, App. C.1) on digits that are drawn, not handwritten: no image set is fetched. A
  LeNet is trained; at every look its exact eNTK K(o,u) = J(x_o) J(x_u)ᵀ (10 × 10, J by all 29 624 parameters) is taken between
  the anchors, and ‖K(o,u)‖_F averaged over pairs of different images by class.
  E‖K‖           mean of ‖K(o,u)‖_F over all pairs of anchors
  E‖K−K′‖/E‖K‖   how far it moved since the look before
  rank           mean over u of Spearman's ρ between two rankings of the other classes by ‖K(o,u)‖

Figures
  rose, fell   classes whose p is higher, lower than before
  the mass     taken: Σ of falls; gains: Σ of rises. Its share that the largest other class got is the squeeze index
  by rank      probability of rank 1, 2–5, 6–20, 21–100 and all others, ranked anew before and after (mass/* in the log)
  largest p    mean over contexts of max_v p(v)
  change       after minus before, in nats: + is a rise
`
