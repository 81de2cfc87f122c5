// What stands in place of reading dropped runs in a snapshot: it shows its own, and unpacking zips would weigh a lot.

const refuse = (): never => {
  throw new Error('This file shows the runs that are in it. ldyn view opens dropped ones')
}

export const [filesOfEntries, filesOfZip, localFile, localRuns] = [refuse, refuse, refuse, refuse]
