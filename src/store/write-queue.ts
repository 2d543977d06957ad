/**
 * Lets one writer of this process in at a time. The two connections of one process wait for each other inside SQLite with
 * the thread stopped, so a transaction that spans an `await` must be kept apart from every other one here.
 */
export class WriteQueue {
  #tail: Promise<void> = Promise.resolve();

  /** Resolves when it is this writer's turn, with the function that ends the turn. */
  async enter(): Promise<() => void> {
    const before = this.#tail;
    let leave: () => void = () => undefined;
    this.#tail = new Promise((resolve) => {
      leave = resolve;
    });
    await before;
    return leave;
  }

  async run<T>(body: () => T): Promise<T> {
    const leave = await this.enter();
    try {
      return body();
    } finally {
      leave();
    }
  }
}
