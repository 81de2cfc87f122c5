// What stands in place of dropping runs on a snapshot: it shows its own, and unpacking zips would weigh a lot.

export const DropZone = (): null => null
export const [OPEN_FOLDER, OPEN_ZIP] = ['', '']
