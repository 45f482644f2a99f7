/**
 * Names for orders that are never used twice: the participant, the epoch of the process, a counter. The same run gives
 * the same names; a restart gets a new epoch (anything that differs each time, such as a stored counter).
 */
export function clientOrderIds(name: string, epoch: string): () => string {
  // Without a dash in epoch and counter, two names can never run into the same id.
  if (!/^[A-Za-z0-9]+$/.test(epoch)) {
    throw new RangeError(
      `epoch is "${epoch}": use letters and digits, differing at each start of the process`,
    );
  }
  let count = 0;
  return () => `${name}-${epoch}-${(++count).toString(36)}`;
}

/** Whether an id is one that {@link clientOrderIds} gave a participant in this epoch. */
export function isOfEpoch(clientOrderId: string, name: string, epoch: string): boolean {
  return clientOrderId.startsWith(`${name}-${epoch}-`);
}
