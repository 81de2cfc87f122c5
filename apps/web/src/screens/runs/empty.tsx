// What stands in the list's place where there is no run yet: three ways to get one.
import { CommandLine } from '../../shell/command-line.tsx'

export const Empty = ({ root }: { root: string }) => (
  <section class="empty">
    <h1>No runs in {root} yet</h1>
    <div class="cards">
      <div class="card">
        <h2>See an example</h2>
        <p>Trains two small models that come with ldyn, in about a minute, and shows what happened.</p>
        <CommandLine command="ldyn demo" />
      </div>
      <div class="card">
        <h2>Train your own</h2>
        <p>SFT, DPO and their kin on a checkpoint, with probes of every response type followed.</p>
        <CommandLine command="ldyn train --model ./pythia --data prefs.jsonl --stages sft,dpo --probe probes.jsonl --out runs/first" />
      </div>
      <div class="card">
        <h2>Bring a log</h2>
        <p>Logs of the paper’s released code, of a Hugging Face Trainer or TRL, or TensorBoard events.</p>
        <CommandLine command="ldyn import outputs/dpo" />
      </div>
    </div>
    <p class="muted">A run that is begun here appears by itself.</p>
  </section>
)
