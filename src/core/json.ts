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
  return isObject(value) ? value : null;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The fields of an object; none of anything else. */
export function fieldsOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}
