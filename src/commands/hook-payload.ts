/** Reads the JSON that an agent hands to one of our commands on standard input: bounded in size and in patience. */
import type { Clock } from '../ports.ts';

export interface PayloadLimits {
  /** A longer input is read to its end, so that its writer is not stopped, and then counts as none. */
  readonly maxBytes: number;
  /** A writer that holds the input open is not waited for longer. */
  readonly patienceMs: number;
}

/**
 * @param pass  is given every piece as it comes
 * @returns null when there is none, or it is too long or no JSON. Never throws.
 */
export async function readPayload(
  stdin: AsyncIterable<Uint8Array>,
  clock: Clock,
  limits: PayloadLimits,
  pass: (piece: Uint8Array) => Promise<void> = async () => undefined,
): Promise<unknown> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  const ended = new AbortController();
  const read = async (): Promise<void> => {
    for await (const piece of stdin) {
      size += piece.length;
      if (size <= limits.maxBytes) pieces.push(piece);
      else pieces.length = 0;
      await pass(piece);
    }
  };
  const reading = read()
    .catch(() => undefined)
    .finally(() => ended.abort());
  await Promise.race([reading, clock.sleep(limits.patienceMs, ended.signal)]);
  // A process that stood still finds its time over before it reads what has long been there.
  for (let before = -1; size > before && !ended.signal.aborted; ) {
    before = size;
    await new Promise(setImmediate);
  }
  if (!ended.signal.aborted) close(stdin);
  if (size > limits.maxBytes) return null;
  try {
    return JSON.parse(Buffer.concat(pieces).toString('utf8'));
  } catch {
    return null;
  }
}

/** Or the process would go on for as long as the input is open. */
function close(stdin: AsyncIterable<Uint8Array> & { destroy?: () => void }): void {
  stdin.destroy?.();
}
