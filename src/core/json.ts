/** JSON objects in what others wrote. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * The JSON object in a text, or null. Says nothing about why it is none: the message of JSON.parse quotes the input, and
 * the input may hold tokens.
 */
export function parseObject(text: string): JsonObject | null {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return null;
  }
}

/** The value when it is an object and no list, else null. */
export function asObject(value: unknown): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}
