// What stands in place of the Lab in a snapshot: its simulations would weigh more than the runs of most files.

export const LabPage = () => (
  <section class="empty">
    <h2>The Lab is not in this file</h2>
    <p>
      It simulates and trains, and its code would weigh more than the runs that the file is for. The viewer has it:
      install ldyn, run ldyn view, and open Lab there. Everything in the address behind # works there too.
    </p>
  </section>
)
